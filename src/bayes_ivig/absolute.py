"""Absolute effects in people: risks, RR, RD, events per 100 and the number needed to treat.

(a) *In these trials*: from the joint posterior of all (p_C, p_T), each trial weighted by its patients.
(b) *At a chosen control risk*: the treated risk that the effect implies, for the average trial (mu) and
    for the next one (theta_new).

The two answer different questions and are never mixed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from bayes_ivig.priors import Prior
from bayes_ivig.summary import tails

Array = NDArray[np.float64]
NNT_THRESHOLDS = (2, 3, 5, 10)
MAX_TRUNCATED = 0.01


@dataclass(frozen=True)
class Absolute:
    """Joint draws of the control and the treated risk, arrays of shape (n_draws,).

    `p_above_1` is the probability that the chosen control risk times the risk ratio exceeds 1
    (such draws are truncated at 1).
    """

    p_c: Array
    p_t: Array
    p_above_1: float = 0.0

    def to_json(self, prob: float, benefit: str | None) -> dict[str, Any]:
        """Median and equal-tailed interval of each quantity; the NNT as a distribution with its no-benefit branch.

        `benefit` says which direction favours the treatment ("higher": more events are better).
        Without it the number needed to treat is left out.
        """
        p_c, p_t = self.p_c, self.p_t
        with np.errstate(divide="ignore", invalid="ignore"):
            quantities = {
                "risk_control": p_c,
                "risk_treated": p_t,
                "RR": p_t / p_c,
                "OR": (p_t / (1 - p_t)) / (p_c / (1 - p_c)),
                "RD": p_t - p_c,
                "per_100_control": 100 * p_c,
                "per_100_treated": 100 * p_t,
                "per_100_difference": 100 * (p_t - p_c),
            }
        result: dict[str, Any] = {name: _interval(x, prob) for name, x in quantities.items()}
        result["NNT"] = None if benefit is None else nnt(p_t - p_c if benefit == "higher" else p_c - p_t, prob)
        return result


def _interval(x: Array, prob: float) -> dict[str, Any]:
    low, high = tails(prob)
    lower, median, upper = np.quantile(x, [low, 0.5, high])
    return {"median": float(median), "ci": [float(lower), float(upper)], "prob": prob}


def nnt(gain: Array, prob: float) -> dict[str, Any]:
    """Number needed to treat for one more patient to benefit, as a distribution.

    Parameters
    ----------
    gain
        Draws of the risk difference in the favourable direction.
    prob
        Probability of the equal-tailed interval of the gain that the limits come from.

    Returns
    -------
    dict
        `p_no_benefit` = P(gain <= 0); `median`, `best` and `worst` are the NNT at the median and the interval
        limits of the gain, None where that gain is no benefit (an NNT has no value there, and an interval
        through infinity would mislead: Altman DG, BMJ 1998;317:1309); `p_below` maps 2, 3, 5, 10 to P(NNT < it).
    """
    low, high = tails(prob)
    worst, median, best = np.quantile(gain, [low, 0.5, high])
    return {
        "p_no_benefit": float(np.mean(gain <= 0)),
        "median": 1 / float(median) if median > 0 else None,
        "best": 1 / float(best) if best > 0 else None,
        "worst": 1 / float(worst) if worst > 0 else None,
        "p_below": {str(n): float(np.mean(gain > 1 / n)) for n in NNT_THRESHOLDS},
        "prob": prob,
    }


def in_trials(p_c: Array, p_t: Array, weights: Array) -> Absolute:
    """Risks in the trials themselves, (n_draws, k) arrays averaged with `weights` = patients of each trial."""
    share = weights / weights.sum()
    return Absolute(p_c @ share, p_t @ share)


def at_control_risk(effect: Array, measure: str, control_risk: Prior, rng: np.random.Generator) -> Absolute:
    """Treated risk at a chosen control risk (a point or a density on 0 to 1), given draws of the log OR or log RR."""
    p_c = control_risk.rvs(rng, effect.shape)
    if measure == "OR":
        return Absolute(p_c, expit(logit(p_c) + effect))
    p_t = p_c * np.exp(effect)
    return Absolute(p_c, np.minimum(p_t, 1.0), float(np.mean(p_t > 1)))
