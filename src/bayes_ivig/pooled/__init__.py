"""Frequentist pooled estimates: what a reader of the published review expects beside a posterior.

The closed forms are our own because every library costs over a second of import and none offers them all
(statsmodels lacks REML and prediction intervals and corrects every study; pymetaanalysis takes prediction
intervals from t with k - 2 degrees of freedom). They are pinned to the answers of R's metafor.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import nan

import numpy as np
from scipy.special import logit

from bayes_ivig.effects import MEASURES, effect_sizes, named, one_kind, two_by_two, was_corrected
from bayes_ivig.pooled.estimate import Estimate, check_prob, missing
from bayes_ivig.pooled.exact import clopper_pearson
from bayes_ivig.pooled.models import common_effect, random_effects
from bayes_ivig.pooled.paired import pool_paired
from bayes_ivig.pooled.tables import MANTEL_HAENSZEL, mantel_haenszel, peto
from bayes_ivig.pooled.variants import pool_variants
from bayes_ivig.studies import SingleArm, Study, TwoArm

__all__ = ["Estimate", "pool", "pool_variants"]


def pool(studies: Sequence[Study], measure: str | None = None, prob: float = 0.95) -> tuple[Estimate, ...]:
    """Return every pooled estimate that this kind of data has, in the order a reader looks for them.

    Parameters
    ----------
    studies
        At least one trial, all of one kind.
    measure
        'MD' (default) or 'SMD' for means; the label of the effect (default 'effect') for effects with
        standard errors. Counts give all their measures whatever it says.
    prob
        Probability of confidence, prediction and Q-profile intervals.

    Returns
    -------
    tuple of Estimate
        Random effects are left out where fewer than two trials have an effect. Any other estimate that does
        not exist is there as nan, and its note says why.

    Raises
    ------
    InputError
        No trials, trials of several kinds, a measure that means do not have, or `prob` outside (0, 1).
    """
    check_prob(prob)
    kind = one_kind(studies)
    if kind == "two-arm":
        return _pool_two_arm([s for s in studies if isinstance(s, TwoArm)], prob)
    if kind == "crossover":
        return pool_paired(studies, prob)
    if kind == "single-arm":
        rates = [s for s in studies if isinstance(s, SingleArm)]
        return (_summed_rate(rates, prob), *(_without_p(e) for e in _pool_effects(rates, "rate", prob)))
    return _pool_effects(studies, measure or ("MD" if kind == "means" else "effect"), prob)


def _pool_two_arm(studies: list[TwoArm], prob: float) -> tuple[Estimate, ...]:
    empty = [study.n_t == 0 or study.n_c == 0 for study in studies]
    tables = two_by_two(studies)[~np.array(empty)]
    note = "; ".join(named("left out, an arm has no patients", studies, empty))
    direct = [mantel_haenszel(tables, measure, correction, prob) for measure, correction in MANTEL_HAENSZEL]
    direct.append(peto(tables, prob))
    if note:
        direct = [replace(e, note="; ".join(filter(None, (note, e.note)))) for e in direct]
    effects = [e for measure in MEASURES["two-arm"] for e in _pool_effects(studies, measure, prob)]
    return (*direct, *effects)


def _pool_effects(studies: Sequence[Study], measure: str, prob: float) -> tuple[Estimate, ...]:
    y, se, notes = effect_sizes(studies, measure)
    known = np.isfinite(y)
    correction = "only0" if any(map(was_corrected, notes)) else "none"
    rest = (measure, correction, prob, "; ".join(notes))
    return (common_effect(y[known], se[known], *rest), *random_effects(y[known], se[known], *rest))


def _summed_rate(studies: list[SingleArm], prob: float) -> Estimate:
    """Return the rate of all trials taken as one, with its exact interval."""
    used = [s for s in studies if s.n]
    events, n = sum(s.events for s in used), sum(s.n for s in used)
    note = "; ".join(named("left out, no patients", studies, [s.n == 0 for s in studies]))
    if not n:
        return missing("summed counts", "rate", "none", "exact", 0, note)
    low, high = (float(logit(limit)) for limit in clopper_pearson(events, n, prob))
    estimate = float(logit(events / n))
    return Estimate(
        "summed counts",
        "rate",
        "none",
        "exact",
        estimate,
        nan,
        (low, high),
        nan,
        0.0,
        nan,
        nan,
        nan,
        None,
        len(used),
        note,
    )


def _without_p(estimate: Estimate) -> Estimate:
    """A rate has no value of no effect, so there is nothing for p to test."""
    return replace(estimate, p=nan)
