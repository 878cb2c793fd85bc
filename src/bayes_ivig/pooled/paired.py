"""Crossover trials pooled with their pairing: marginal effects, and the conditional OR three ways."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import logit

from bayes_ivig.effects import MEASURES, effect_sizes
from bayes_ivig.pooled.estimate import NO_INTERVAL, Estimate, missing
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
        correction = "only0" if any(note.startswith("0.5 added") for note in notes) else "none"
        estimates.append(common_effect(y[known], se[known], measure, correction, prob, "; ".join(notes)))
    note = "; ".join(text for text in notes if not text.startswith("0.5 added"))
    discordant = [(s.t_only, s.c_only) for s in studies if isinstance(s, Paired) and s.t_only + s.c_only]
    return (*estimates, _peto(discordant, prob, note), _exact(discordant, prob, note))


def _peto(discordant: list[tuple[int, int]], prob: float, note: str) -> Estimate:
    """Return Peto's conditional log OR, metafor's MPPETO: 2 (b - c) / (b + c), variance 4 / (b + c)."""
    t_only, c_only = np.array(discordant, dtype=float).reshape(-1, 2).T
    n = t_only + c_only
    pooled = common_effect(2 * (t_only - c_only) / n, 2 / np.sqrt(n), "conditional OR", "none", prob, note)
    return replace(pooled, method="Peto")


def _exact(discordant: list[tuple[int, int]], prob: float, note: str) -> Estimate:
    """Conditional OR of the summed discordant pairs, Clopper-Pearson limits, McNemar's exact p."""
    t_only, c_only = sum(pair[0] for pair in discordant), sum(pair[1] for pair in discordant)
    if not discordant:
        return missing("summed pairs", "conditional OR", "none", "exact", 0, note or "no discordant pair")
    low, high = clopper_pearson(t_only, t_only + c_only, prob)
    ...
