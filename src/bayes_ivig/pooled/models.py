"""Effects with standard errors, pooled: a common effect, or random effects by three estimators of tau2."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import chdtri

from bayes_ivig.effects import Array
from bayes_ivig.pooled.estimate import Estimate, half_width, heterogeneity, interval_and_p, missing

INTERVALS = ("z", "Hartung-Knapp", "Hartung-Knapp, ad hoc")


def common_effect(y: Array, se: Array, measure: str, correction: str, prob: float, note: str = "") -> Estimate:
    """Inverse-variance weighted mean of y with standard errors se, each shape (k,), k possibly 0."""
    if not len(y):
        return missing("inverse variance", measure, correction, "z", 0, note or "no trial has an effect")
    v = se**2
    mu, total = _mean(y, 1 / v)
    se_mu = 1 / math.sqrt(total)
    ci, p = interval_and_p(mu, se_mu, prob)
    q, q_p, i2 = heterogeneity(_residuals(y, mu), v, 0.0)
    return Estimate("inverse variance", measure, correction, "z", mu, se_mu, ci, p, 0.0, i2, q, q_p, None, len(y), note)


def random_effects(
    y: Array, se: Array, measure: str, correction: str, prob: float, note: str = ""
) -> tuple[Estimate, ...]:
    """Every random-effects estimate of y and se, each shape (k,); none for fewer than two trials.

    Three estimators of tau2, each with z, Hartung-Knapp (Hartung and Knapp 2001, Stat Med 20:3875) and ad
    hoc intervals (Hartung-Knapp, its standard error never below that of z; Knapp and Hartung 2003). Both
    Hartung-Knapp forms use Student's t with k - 1 degrees of freedom, and so do their prediction intervals,
    mu +- t sqrt(se^2 + tau2); z uses the normal throughout. I2 is tau2 / (tau2 + typical variance).
    """
    k = len(y)
    if k < 2:
        return ()
    v = se**2
    mu_common, _ = _mean(y, 1 / v)
    q, q_p, _ = heterogeneity(_residuals(y, mu_common), v, 0.0)
    typical = (k - 1) / _shared_weight(1 / v)
    tau2_ci = q_profile(y, v, prob)
    estimates = []
    for method, estimator in ESTIMATORS.items():
        tau2 = estimator(y, v)
        w = 1 / (v + tau2)
        mu, total = _mean(y, w)
        z_se = 1 / math.sqrt(total)
        hk_se = math.sqrt(w @ _residuals(y, mu) ** 2 / (k - 1) / total)
        for interval, se_mu in zip(INTERVALS, (z_se, hk_se, max(z_se, hk_se)), strict=True):
            df = None if interval == "z" else k - 1
            ci, p = interval_and_p(mu, se_mu, prob, df)
            reach = half_width(prob, df) * math.sqrt(se_mu**2 + tau2)
            narrow = "the effects agree exactly, so this interval has no width" if se_mu == 0 else ""
            estimates.append(
                Estimate(
                    method,
                    measure,
                    correction,
                    interval,
                    mu,
                    se_mu,
                    ci,
                    p,
                    tau2,
                    float(100 * (tau2 / (tau2 + typical))),
                    q,
                    q_p,
                    (mu - reach, mu + reach),
                    k,
                    "; ".join(filter(None, (note, narrow))),
                    tau2_ci,
                )
            )
    return tuple(estimates)


def dersimonian_laird(y: Array, v: Array) -> float:
    """Moment estimate of tau2 (DerSimonian and Laird 1986, Control Clin Trials 7:177)."""
    return max(0.0, (_q(y, v, 0.0) - (len(y) - 1)) / _shared_weight(1 / v))


def paule_mandel(y: Array, v: Array) -> float:
    """Return the tau2 that brings the generalised Q to k - 1 (Paule and Mandel 1982)."""
    return _q_root(y, v, len(y) - 1)


def reml(y: Array, v: Array) -> float:
    """Restricted maximum likelihood estimate of tau2: the highest of the modes on a fine grid, refined."""

    def log_likelihood(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(np.log(w).sum() - math.log(w.sum()) - w @ _residuals(y, _mean(y, w)[0]) ** 2) / 2

    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(w**2 @ _residuals(y, _mean(y, w)[0]) ** 2) - _shared_weight(w)

    top = _above_root(score, float(v.max() + np.ptp(y) ** 2))
    grid = np.concatenate(([0.0], np.geomspace(1e-8 * top, top, 80)))
    best = int(np.argmax([log_likelihood(tau2) for tau2 in grid]))
    if best == 0 and score(0.0) <= 0:
        return 0.0
    return _bisect(score, grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])


def q_profile(y: Array, v: Array, prob: float) -> tuple[float, float]:
    """Interval of tau2 by profiling the generalised Q (Viechtbauer 2007, Stat Med 26:37).

    Both limits are 0 where the effects agree better than any tau2 allows.
    """
    df = len(y) - 1
    return _q_root(y, v, float(chdtri(df, (1 - prob) / 2))), _q_root(y, v, float(chdtri(df, (1 + prob) / 2)))


ESTIMATORS: dict[str, Callable[[Array, Array], float]] = {
    "DerSimonian-Laird": dersimonian_laird,
    "Paule-Mandel": paule_mandel,
    "REML": reml,
}


def _mean(y: Array, w: Array) -> tuple[float, float]:
    total = w.sum()
    return float(w @ y / total), float(total)


def _shared_weight(w: Array) -> float:
    """Return sum(w) - sum(w^2) / sum(w), as a sum over pairs: one giant weight must not cancel the others."""
    others = (1 - np.eye(len(w))) @ w
    return float(w @ others / w.sum())


def _residuals(y: Array, mu: float) -> Array:
    """Return y - mu, where a difference that is rounding alone is no difference."""
    residuals = y - mu
    return np.where(np.abs(residuals) <= 8 * np.finfo(float).eps * np.abs(y).max(), 0.0, residuals)


def _q(y: Array, v: Array, tau2: float) -> float:
    w = 1 / (v + tau2)
    return float(w @ _residuals(y, _mean(y, w)[0]) ** 2)


def _q_root(y: Array, v: Array, target: float) -> float:
    """Return the tau2 at which the falling generalised Q meets the target; 0 if it starts below."""

    def excess(tau2: float) -> float:
        return _q(y, v, tau2) - target

    if excess(0.0) <= 0:
        return 0.0
    return _bisect(excess, 0.0, _above_root(excess, float(v.max() + np.ptp(y) ** 2)))


def _above_root(falling: Callable[[float], float], start: float) -> float:
    while falling(start) > 0:
        start *= 2
    return start


def _bisect(falling: Callable[[float], float], low: float, high: float) -> float:
    """Zero of a falling function between low and high, to the last bit: no tolerance to choose."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return float(high)
