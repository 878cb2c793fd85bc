"""Binomial counts in two arms: r_C ~ Bin(n_C, p_C), r_T ~ Bin(n_T, p_T), no continuity correction.

The nuisance parameter of a study is g. Midpoint parametrisation: g = (logit p_C + logit p_T) / 2, for the
log odds ratio and the log risk ratio alike. Control parametrisation: g = logit p_C.
For the risk ratio R = exp(theta) under the midpoint parametrisation the risks follow from (theta, g) by the
odds-product map of Richardson TS, Robins JM, Wang L (J Am Stat Assoc 2017;112:1121-1130), so that no pair is
impossible. Under the control parametrisation of the risk ratio p_T = R p_C, and the prior of p_C is truncated
at min(1, 1/R) and renormalised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln, log_expit, logit, xlog1py, xlogy

from bayes_ivig.errors import InputError
from bayes_ivig.priors import Prior
from bayes_ivig.profiles.nuisance import draw_from, line_rule, log_density_on_logit, log_integral, log_sum
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study, TwoArm

Array = NDArray[np.float64]
Draws = Mapping[str, Array]
HAS_RISKS = True


@dataclass(frozen=True)
class Counts:
    """Events and patients of each study, arrays of length k."""

    events_t: Array
    n_t: Array
    events_c: Array
    n_c: Array

    @property
    def weights(self) -> Array:
        """Patients of each study, both arms together: the weights of absolute effects."""
        return self.n_t + self.n_c


def make_data(studies: tuple[Study, ...], measure: str) -> Counts:
    """Collect two-arm studies as arrays.

    Raises
    ------
    InputError
        A study that is not two-arm data.
    """
    for study in studies:
        if not isinstance(study, TwoArm):
            raise InputError(f"{study.study}: the binomial model needs two-arm counts, not {study.kind} data")
    columns = ("events_t", "n_t", "events_c", "n_c")
    return Counts(*(np.array([getattr(s, column) for s in studies], float) for column in columns))


def risks(theta: Any, g: Any, model: Model, xp: Any = np) -> tuple[Any, Any]:
    """Return the risks (p_C, p_T) for log effect `theta` and nuisance `g`, arrays that broadcast.

    `xp` is numpy, or `pm.math` for PyMC variables.
    """
    control = model.parametrisation == "control"
    if model.measure == "OR":
        low, high = (g, g + theta) if control else (g - theta / 2, g + theta / 2)
        return _expit(low, xp), _expit(high, xp)
    if control:
        p_c = _expit(g, xp)
        return p_c, xp.exp(theta) * p_c
    return _odds_product_risk(theta, g, xp), _odds_product_risk(-theta, g, xp)


def _expit(x: Any, xp: Any) -> Any:
    return expit(x) if xp is np else xp.sigmoid(x)


def _odds_product_risk(theta: Any, g: Any, xp: Any) -> Any:
    """Risk of the control arm given the log risk ratio and the midpoint; of the treated arm with -theta.

    The admissible root of R (1 - e^{2g}) p^2 + e^{2g} (1 + R) p - e^{2g} = 0, written without cancellation.
    """
    ratio = xp.exp(theta)
    return 2 / (1 + ratio + xp.sqrt((1 - ratio) ** 2 + 4 * ratio * xp.exp(-2 * g)))


def largest_control_risk(theta: Any, xp: Any = np) -> Any:
    """Largest control risk that the log risk ratio `theta` allows: min(1, exp(-theta))."""
    return xp.exp(-xp.maximum(theta, 0.0))


def log_risks(theta: Array, g: Array, model: Model) -> tuple[Array, Array, Array, Array]:
    """Log of p_T, 1 - p_T, p_C and 1 - p_C, which broadcast, to full accuracy however near 0 or 1 the risks are.

    Not for the risk ratio with the prior on the control risk, where a baseline may be impossible.
    """
    if model.measure == "OR":
        low, high = (g, g + theta) if model.parametrisation == "control" else (g - theta / 2, g + theta / 2)
        return log_expit(high), log_expit(-high), log_expit(low), log_expit(-low)
    log_c = _log_odds_product_risk(theta, g)
    rest_c, rest_t = _log_complements(log_c, log_c + theta, g)
    return log_c + theta, rest_t, log_c, rest_c


def pymc_block(pm: Any, place: Any, hierarchy: Any, data: Counts, model: Model) -> None:
    """Add the baseline of each study and the two binomial likelihoods to the PyMC model in context."""
    theta, prior = hierarchy.theta(), model.priors["baseline"]
    if model.measure == "RR" and model.parametrisation == "control":
        g = place.truncated_logit("baseline", prior, upper=largest_control_risk(theta, pm.math), dims="study")
    else:
        g = place.logit("baseline", prior, dims="study")
    p_c, p_t = risks(theta, g, model, pm.math)
    pm.Binomial("events_c", n=data.n_c, p=p_c, observed=data.events_c, dims="study")
    pm.Binomial("events_t", n=data.n_t, p=p_t, observed=data.events_t, dims="study")


def draw_nuisance(theta: Array, model: Model, rng: np.random.Generator) -> Draws:
    """Draw the baseline of each study from its prior, on the logit, array of the shape of `theta`.

    Under the risk ratio with the prior on the control risk, the prior is truncated to the control risks
    that `theta` allows, and renormalised, so that the prior of the effect stays as stated.
    """
    prior = model.priors["baseline"]
    on_risk = prior.support[0] >= 0
    if model.measure == "RR" and model.parametrisation == "control":
        upper = largest_control_risk(theta)
        mass = prior.cdf(upper if on_risk else logit(upper))
        g = prior.ppf(rng.uniform(size=theta.shape) * mass)
    else:
        g = prior.rvs(rng, theta.shape)
    return {"baseline": logit(g) if on_risk else g}


def derive(draws: Draws, data: Counts, model: Model) -> Draws:
    """Risks of both arms in each study, arrays (..., k), from theta and the baseline on the logit."""
    p_c, p_t = risks(draws["theta"], draws["baseline"], model)
    return {"p_c": p_c, "p_t": np.minimum(p_t, 1.0)}


def predict(draws: Draws, data: Counts, rng: np.random.Generator) -> Draws:
    """Replicated events in both arms, arrays (..., k)."""
    return {
        "events_c": rng.binomial(data.n_c.astype(int), draws["p_c"]),
        "events_t": rng.binomial(data.n_t.astype(int), draws["p_t"]),
    }


def log_likelihood(draws: Draws, data: Counts) -> Array:
    """Log likelihood of each study, both arms together, array (..., k); binomial coefficients included."""
    return binomial_logpmf(data.events_c, data.n_c, draws["p_c"]) + binomial_logpmf(
        data.events_t, data.n_t, draws["p_t"]
    )


def binomial_logpmf(r: Array, n: Array, p: Array) -> Array:
    """Log of the binomial probability of r events among n at risk p."""
    coefficient = gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)
    return coefficient + xlogy(r, p) + xlog1py(n - r, -p)


def observed(data: Counts) -> Draws:
    """Return the observed events, by the names of `predict`."""
    return {"events_c": data.events_c, "events_t": data.events_t}


def log_integrated(study: TwoArm, model: Model, theta: Array, power: float = 1.0) -> Array:
    """Log likelihood of one study at effects theta (m,), its baseline integrated out, every constant included.

    `power` raises the likelihood to a power before its baseline is integrated out. Counts may be fractions, as the
    expected counts of a trial not yet run are.
    """
    parts = [
        np.log(weight) + log_integral(_log_integrand(study, model, part, power), theta)
        for weight, part in model.priors["baseline"].parts
    ]
    return log_sum(np.stack(parts, axis=-1)) + power * _log_coefficient(study)


def draw_given_theta(study: TwoArm, model: Model, theta: Array, rng: np.random.Generator) -> Draws:
    """One draw of the study's baseline on the logit for each effect theta (m,), given its data."""
    g = draw_from(line_rule(_log_integrand(study, model, model.priors["baseline"]), theta), rng)
    if _has_truncated_baseline(model):
        p_c = expit(g) * largest_control_risk(theta)
        g = np.log(p_c) - np.log1p(-p_c)
    return {"baseline": g}


def _has_truncated_baseline(model: Model) -> bool:
    return model.measure == "RR" and model.parametrisation == "control"


def _log_coefficient(study: TwoArm) -> float:
    arms = ((study.events_c, study.n_c), (study.events_t, study.n_t))
    return float(sum(gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1) for r, n in arms))


def _log_integrand(study: TwoArm, model: Model, prior: Prior, power: float = 1.0) -> Any:
    """Log likelihood times prior as a function of theta and the baseline, or its share of what is allowed."""
    r_t, n_t, r_c, n_c = (power * x for x in (study.events_t, study.n_t, study.events_c, study.n_c))

    def odds(theta: Array, g: Array) -> Array:
        low, high = (g, g + theta) if model.parametrisation == "control" else (g - theta / 2, g + theta / 2)
        arms = _log_risk(low, r_c, n_c) + _log_risk(high, r_t, n_t)
        return np.asarray(arms + log_density_on_logit(prior, g))

    def odds_product(theta: Array, g: Array) -> Array:
        log_c = _log_odds_product_risk(theta, g)
        log_t = log_c + theta
        rest_c, rest_t = _log_complements(log_c, log_t, g)
        arms = r_c * log_c + (n_c - r_c) * rest_c + r_t * log_t + (n_t - r_t) * rest_t
        return np.asarray(arms + log_density_on_logit(prior, g))

    def share(theta: Array, x: Array) -> Array:
        log_upper = -np.maximum(theta, 0.0)
        log_c = log_expit(x) + log_upper
        log_t = np.minimum(log_c + theta, 0.0)
        with np.errstate(divide="ignore"):
            # 1 - U s with s = expit(x): exactly expit(-x) where U = 1.
            rest_c = np.where(theta <= 0, log_expit(-x), np.log1p(-np.exp(log_c)))
            rest_t = np.where(theta >= 0, log_expit(-x), np.log1p(-np.exp(log_t)))
            edge = log_upper - np.log(-np.expm1(log_upper)) if prior.support[0] < 0 else np.exp(log_upper)
            mass = np.where(theta > 0, np.log(prior.cdf(edge)), 0.0)
        density = log_density_on_logit(prior, log_c - rest_c) - log_c - rest_c
        jacobian = log_upper + log_expit(x) + log_expit(-x)
        arms = r_c * log_c + (n_c - r_c) * rest_c + r_t * log_t + (n_t - r_t) * rest_t
        return np.asarray(arms + density + jacobian - mass)

    if model.measure == "OR":
        return odds
    return share if _has_truncated_baseline(model) else odds_product


def _log_risk(x: Array, r: float, n: float) -> Array:
    """Log of p^r (1 - p)^(n - r) at logit p = x."""
    return n * log_expit(-x) + r * x


def _log_odds_product_risk(theta: Array, g: Array) -> Array:
    """Log of `_odds_product_risk`, safe for any theta and g."""
    # 1 + R + sqrt((1 - R)^2 + 4 R e^{-2g}), all divided by the larger of 1 and R
    size = np.abs(theta)
    small = np.exp(-size)
    root = np.logaddexp(2 * np.log(-np.expm1(-np.maximum(size, 1e-300))), np.log(4) - size - 2 * g) / 2
    return np.log(2) - np.maximum(theta, 0.0) - np.logaddexp(np.log1p(small), root)


def _log_complements(log_c: Array, log_t: Array, g: Array) -> tuple[Array, Array]:
    """Log of 1 - p_C and 1 - p_T; where a risk is near 1, by (1 - p_C)(1 - p_T) = p_C p_T exp(-2 g)."""
    product = log_c + log_t - 2 * g
    larger = np.minimum(np.maximum(log_c, log_t), 0.0)
    smaller = np.minimum(log_c, log_t)
    with np.errstate(divide="ignore"):
        # At least the square root of the product, also where the smaller risk is 1 to every digit.
        rest_of_smaller = np.maximum(np.log(-np.expm1(np.minimum(smaller, -1e-300))), product / 2)
        rest_of_larger = np.where(
            larger < -0.5, np.log(-np.expm1(np.minimum(larger, -1e-300))), product - rest_of_smaller
        )
    swap = log_c > log_t
    return np.where(swap, rest_of_larger, rest_of_smaller), np.where(swap, rest_of_smaller, rest_of_larger)
