"""Benefit and harm together: patients helped against patients harmed, per 100, and what one is worth in the other.

Gain and harm are the risk differences in the trials of two outcomes, from their exact posteriors. The net benefit at
weight W is gain - W * harm: one harmed patient counts as much as W patients helped. No trial prints both outcomes of
the same patient, so the data do not identify how the two posteriors depend on each other: the answer takes them as
independent, and beside it stand the two extreme couplings (Frechet and Hoeffding: the draws of both in the same
order, and in opposite orders), between which the spread of the net benefit lies, and Makarov's bounds of its
probability, which hold whatever the dependence. The mean of the net benefit is the same under all of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.engines import flatten, run_quadrature
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature.draws import draw_posterior
from bayes_ivig.spec import Model
from bayes_ivig.summary import Summary, summarise

Array = NDArray[np.float64]
N_DRAWS = 20_000
N_WEIGHTS = 101
COUPLINGS = ("independent", "comonotone", "antimonotone")
SURE = 0.95
MAX_WEIGHT = 1000.0


@dataclass(frozen=True)
class NetBenefit:
    """P(net benefit > 0) under one coupling, and the distribution of the net benefit per 100 patients."""

    coupling: str
    p: float
    net: Summary


@dataclass(frozen=True, eq=False)
class Balance:
    """Gain and harm per 100 patients: independent draws (n,), summaries, and the net benefit at `weight`.

    `curves` are P(net benefit > 0) at each of `weights`, one array a coupling, and `bounds` the two that hold for any
    dependence, (2, N_WEIGHTS). `even` and `sure` are the weights at which the chance
    falls to one half and to 0.95 (independent), None where it does not. `mcse` bounds the Monte-Carlo error of every
    probability, that of the bounds twice as large.
    """

    benefit: Evidence
    harm: Evidence
    models: tuple[Model, Model]
    prob: float
    weight: float
    gain: Array
    harm_draws: Array
    gain_summary: Summary
    harm_summary: Summary
    results: tuple[NetBenefit, ...]
    p_bounds: tuple[float, float]
    weights: Array
    curves: dict[str, Array]
    bounds: Array
    even: float | None
    sure: float | None
    mcse: float
    assumptions: tuple[str, ...]

    def to_rows(self) -> list[dict[str, float]]:
        """Return the curve as rows, one a weight."""
        names = [f"p_{name}" for name in COUPLINGS]
        columns = [self.curves[name] for name in COUPLINGS]
        return [
            {"weight": float(w), **dict(zip(names, map(float, ps), strict=True)), "p_lowest": float(low)}
            | {"p_highest": float(high)}
            for w, *ps, low, high in zip(self.weights, *columns, *self.bounds, strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain JSON values (schema 1)."""
        return {
            "schema": 1,
            "benefit": _outcome_json(self.benefit, self.models[0]),
            "harm": _outcome_json(self.harm, self.models[1]),
            "prob": self.prob,
            "gain_per_100": self.gain_summary.to_json(),
            "harm_per_100": self.harm_summary.to_json(),
            "weight": self.weight,
            "net_benefit": {
                result.coupling: {"p_above_0": result.p, "per_100": result.net.to_json()} for result in self.results
            },
            "p_above_0_any_dependence": list(self.p_bounds),
            "weight_at_even_chance": self.even,
            "weight_at_95_percent_chance": self.sure,
            "mcse": self.mcse,
            "draws": len(self.gain),
            "curve": self.to_rows(),
            "assumptions": list(self.assumptions),
        }


def _outcome_json(evidence: Evidence, model: Model) -> dict[str, Any]:
    return {
        "review": evidence.review,
        "outcome": evidence.outcome,
        "model": model.name,
        "priors": {key: model.priors[key].text for key in model.needed},
        "n_studies": len(evidence.studies),
        "n_participants": evidence.n_participants,
        "data_sha256": evidence.sha256,
        "seed": model.sampler.seed,
    }


def run_balance(
    benefit: Evidence, benefit_model: Model, harm: Evidence, harm_model: Model, *, weight: float, prob: float = 0.95
) -> Balance:
    """Weigh one outcome against another.

    Parameters
    ----------
    benefit, harm
        Two outcomes with risks in both arms. Where no direction is known, events count as help, and as harm.
    benefit_model, harm_model
        Complete models with risks.
    weight
        Patients helped that outweigh one patient harmed, 0 or more.
    prob
        Probability of every equal-tailed interval.

    Raises
    ------
    InputError
        A weight that is no number from 0 up, one outcome twice, a model without risks, or patients in no trial.
    """
    if not (np.isfinite(weight) and 0 <= weight <= MAX_WEIGHT):
        raise InputError(
            f"--weight: {weight:g} is not allowed; give how many patients helped outweigh one harmed, from 0 to 1000"
        )
    if (benefit.review, benefit.outcome, benefit.sha256) == (harm.review, harm.outcome, harm.sha256):
        raise InputError(f"balance: {benefit.outcome} is given twice; give one outcome hoped for and one feared")
    if benefit.role == "harm":
        raise InputError(f"balance: {benefit.outcome} is a harm; give the outcome hoped for first and the harm second")
    gain_sign = -1 if benefit.benefit == "lower" else 1
    harm_sign = -1 if harm.benefit == "higher" else 1
    gain = gain_sign * draw_difference(benefit, benefit_model, stream=11)
    harmed = harm_sign * draw_difference(harm, harm_model, stream=12)
    even = weight_at(0.5, gain, harmed)
    weights = np.linspace(0.0, max(5.0, 2 * weight, 0.0 if even is None else 2 * even), N_WEIGHTS)
    chances = [chance_of_net_benefit(gain, harmed, w) for w in weights]
    curves = {name: np.array([chance[name] for chance in chances]) for name in COUPLINGS}
    bounds = np.array([bounds_of_net_benefit(gain, harmed, w) for w in weights]).T
    at = chance_of_net_benefit(gain, harmed, weight)
    return Balance(
        benefit=benefit,
        harm=harm,
        models=(benefit_model, harm_model),
        prob=prob,
        weight=weight,
        gain=gain,
        harm_draws=harmed,
        gain_summary=summarise(gain, prob),
        harm_summary=summarise(harmed, prob),
        results=tuple(
            NetBenefit(name, at[name], summarise(net_benefit(gain, harmed, weight, name), prob)) for name in COUPLINGS
        ),
        p_bounds=bounds_of_net_benefit(gain, harmed, weight),
        weights=weights,
        curves=curves,
        bounds=bounds,
        even=even,
        sure=weight_at(SURE, gain, harmed),
        mcse=0.5 / len(gain) ** 0.5,
        assumptions=_assumptions(benefit, harm),
    )


def draw_difference(evidence: Evidence, model: Model, stream: int, n: int = N_DRAWS) -> Array:
    """Draws (n,) of the risk difference T - C per 100 patients in the trials, each weighted by its patients.

    `stream` tells the random numbers of one outcome from those of another under the same seed.
    """
    if not model.has_baseline:
        raise InputError(
            f"{evidence.outcome}: the {model.likelihood} model gives no risks in two arms to weigh; give an outcome "
            "with events and patients in both arms, such as strength"
        )
    weights = LIKELIHOODS[model.likelihood].make_data(evidence.studies, model.measure).weights
    if weights.sum() <= 0:
        raise InputError(f"{evidence.outcome}: there are no patients; give trials with patients")
    rng = np.random.default_rng([model.sampler.seed, stream])
    draws = draw_posterior(run_quadrature(evidence, model), evidence.studies, model, rng, n)
    return np.asarray(100 * (flatten(draws["p_t"]) - flatten(draws["p_c"])) @ (weights / weights.sum()))


def net_benefit(gain: Array, harm: Array, weight: float, coupling: str) -> Array:
    """Draws of gain - weight * harm under one of `COUPLINGS`, (n,)."""
    match coupling:
        case "comonotone":
            return np.sort(gain) - weight * np.sort(harm)
        case "antimonotone":
            return np.sort(gain) - weight * np.sort(harm)[::-1]
    return gain - weight * harm


def chance_of_net_benefit(gain: Array, harm: Array, weight: float) -> dict[str, float]:
    """P(gain > weight * harm) by coupling; where independent, over every pair of draws."""
    chances = {name: float(np.mean(net_benefit(gain, harm, weight, name) > 0)) for name in COUPLINGS[1:]}
    return {"independent": _independent(gain, harm, weight)} | chances


def _independent(gain: Array, harm: Array, weight: float) -> float:
    not_above = np.searchsorted(np.sort(gain), np.sort(weight * harm), side="right")
    return 1 - float(not_above.mean()) / len(gain)


def bounds_of_net_benefit(gain: Array, harm: Array, weight: float) -> tuple[float, float]:
    """Smallest and largest P(gain > weight * harm) under any dependence of the two.

    P(X > Y) >= P(X > u) - P(Y > u) and P(X <= Y) >= P(X <= u) - P(Y < u) for every u (Makarov, Theory Probab Appl
    1981;26:803-806); the suprema are reached at draws.
    """
    x, y = np.sort(gain), np.sort(weight * harm)
    u = np.concatenate([x, y])
    x_up_to = np.searchsorted(x, u, side="right") / len(x)
    y_up_to, y_below = (np.searchsorted(y, u, side=side) / len(y) for side in ("right", "left"))
    lowest = max(0.0, float((y_up_to - x_up_to).max()))
    return lowest, 1 - max(0.0, float((x_up_to - y_below).max()))


def weight_at(chance: float, gain: Array, harm: Array) -> float | None:
    """Weight at which P(gain > weight * harm) falls to `chance`, where independent, by bisection; None if nowhere."""
    low, high = 0.0, MAX_WEIGHT
    if _independent(gain, harm, low) < chance or _independent(gain, harm, high) >= chance:
        return None
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if _independent(gain, harm, middle) >= chance else (low, middle)
    return (low + high) / 2


def _assumptions(benefit: Evidence, harm: Evidence) -> tuple[str, ...]:
    def size(evidence: Evidence) -> str:
        patients = "" if evidence.n_participants is None else f" with {evidence.n_participants} patients"
        return f"{len(evidence.studies)} trial{'s' if len(evidence.studies) > 1 else ''}{patients}"

    unknown = [(e.outcome, role) for e, role in ((benefit, "help"), (harm, "harm")) if e.benefit is None]
    return (
        f"Gain is that of {size(benefit)} ({benefit.outcome}), harm that of {size(harm)} ({harm.outcome}): the balance "
        "takes both to hold for the same patients.",
        "The two posteriors are taken as independent; these data do not identify their dependence. The extreme "
        "couplings and the bounds for any dependence stand beside the answer.",
        "Every patient helped counts the same, and every patient harmed, however much or little; the value of one in "
        "the other, the weight, is the reader's and not an estimate.",
        "Per 100 patients of the trials, over the trials' own length; nothing is said of later benefit or harm.",
        *(f"No direction is known for {outcome}: more events count as {role}." for outcome, role in unknown),
    )
