"""Crossover trials pooled with their pairing: marginal effects, and the conditional OR three ways."""

from collections.abc import Sequence
from dataclasses import replace
from math import nan

import numpy as np
from scipy.special import logit

from bayes_ivig.effects import MEASURES, effect_sizes, was_corrected
from bayes_ivig.pooled.estimate import Estimate, missing
from bayes_ivig.pooled.exact import clopper_pearson, mcnemar_exact
from bayes_ivig.pooled.models import common_effect
from bayes_ivig.studies import Paired, Study


def pool_paired(studies: Sequence[Study], prob: float) -> tuple[Estimate, ...]:
    """Inverse variance for every measure, then Peto and exact for the conditional OR.

    Trials known by margins only, and patients with one treatment only, take no part and are named.
    """
    estimates = []
    for measure in MEASURES["crossover"]:
        y, se, notes = effect_sizes(studies, measure)
        known = np.isfinite(y)
        correction = "only0" if any(map(was_corrected, notes)) else "none"
        estimates.append(common_effect(y[known], se[known], measure, correction, prob, "; ".join(notes)))
    # The notes of the last measure, the conditional OR, hold for the two forms that need no correction.
    note = "; ".join(text for text in notes if not was_corrected(text))
    pairs = [(s.t_only, s.c_only) for s in studies if isinstance(s, Paired) and s.t_only + s.c_only]
    if not pairs:
        reason = note or "no discordant pair"
        return (*estimates, *(missing(m, "conditional OR", "none", i, 0, reason) for m, i in _UNCORRECTED))
    return (*estimates, _peto(pairs, prob, note), _exact(pairs, prob, note))


_UNCORRECTED = (("Peto", "z"), ("summed pairs", "exact"))


def _peto(pairs: list[tuple[int, int]], prob: float, note: str) -> Estimate:
    """Peto's conditional log OR of a trial is 2 (b - c) / (b + c), variance 4 / (b + c): metafor's MPPETO."""
    t_only, c_only = np.array(pairs, dtype=float).T
    n = t_only + c_only
    pooled = common_effect(2 * (t_only - c_only) / n, 2 / np.sqrt(n), "conditional OR", "none", prob, note)
    return replace(pooled, method="Peto")


def _exact(pairs: list[tuple[int, int]], prob: float, note: str) -> Estimate:
    """Conditional OR of the summed discordant pairs, with Clopper-Pearson limits and McNemar's exact p."""
    t_only, c_only = (sum(column) for column in zip(*pairs, strict=True))
    low, high = (float(logit(limit)) for limit in clopper_pearson(t_only, t_only + c_only, prob))
    estimate = float(logit(t_only / (t_only + c_only)))
    _, p = mcnemar_exact(t_only, c_only)
    ends = "" if t_only and c_only else "infinite: every discordant pair favours the same treatment"
    note = "; ".join(filter(None, (note, ends)))
    method, measure = "summed pairs", "conditional OR"
    return Estimate(
        method,
        measure,
        "none",
        "exact",
        estimate,
        nan,
        (low, high),
        p,
        0.0,
        nan,
        nan,
        nan,
        None,
        len(pairs),
        note,
    )
