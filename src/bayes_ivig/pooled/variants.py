"""The same methods with the corrections that other programs make, wanted where a published number is traced.

`pool` corrects effects where it must, as metafor does. A published number may come from a program that adds
0.5 to every table, leaves out double-zero tables as RevMan does, or leaves out every table it cannot use; and
RevMan's random effects take Cochran's Q about the Mantel-Haenszel estimate (Deeks and Higgins 2010,
Statistical algorithms in Review Manager 5).
"""

import math
from collections.abc import Sequence

import numpy as np

from bayes_ivig.effects import Array, corrected, table_effects, two_by_two
from bayes_ivig.pooled.estimate import Estimate, heterogeneity, interval_and_p
from bayes_ivig.pooled.models import common_effect, random_effects
from bayes_ivig.pooled.tables import mantel_haenszel
from bayes_ivig.studies import Study, TwoArm

ABOUT_MH = "DerSimonian-Laird about Mantel-Haenszel"


def pool_variants(studies: Sequence[Study], measure: str, prob: float = 0.95) -> tuple[Estimate, ...]:
    """Return the estimates of two-arm trials that `pool` leaves out, where they differ from its own.

    `measure` is RR, OR or RD. Inverse variance and random effects with 0.5 in every table, without double-zero
    tables, and without every table that has no effect of its own; then RevMan's form of DerSimonian-Laird.
    Nothing for other kinds of data, and nothing where no trial has patients in both arms.
    """
    tables = two_by_two(s for s in studies if isinstance(s, TwoArm) and s.n_t and s.n_c)
    if not len(tables):
        return ()
    estimates: list[Estimate] = []
    for correction in ("all", "revman", "none"):
        y, v = _effects(tables, measure, correction)
        if correction == "all" or len(y) < len(tables):  # else the same as pool's own
            se = np.sqrt(v)
            estimates.append(common_effect(y, se, measure, correction, prob, "" if len(y) else "no usable trial"))
            estimates += random_effects(y, se, measure, correction, prob)
    return (*estimates, *_about_mantel_haenszel(tables, measure, prob))


def _effects(tables: Array, measure: str, correction: str) -> tuple[Array, Array]:
    """Effects and variances of the tables that have both after the correction."""
    a, b, c, d = tables.T
    kept = np.ones(len(tables), bool)
    if correction == "revman":
        kept = (a + c > 0) & (b + d > 0)
    elif correction == "none":
        kept = a * b + c * d > 0 if measure == "RD" else (tables > 0).all(axis=1)
    used = corrected(tables[kept], correction)
    if measure == "RD" and correction == "revman":  # RevMan corrects an RD only where its variance is 0
        flat = a * b + c * d == 0
        used = tables[kept] + 0.5 * flat[kept][:, None]
    return table_effects(used, measure)


def _about_mantel_haenszel(tables: Array, measure: str, prob: float) -> tuple[Estimate, ...]:
    y, v = _effects(tables, measure, "revman")
    if len(y) < 2:
        return ()
    about = mantel_haenszel(tables, measure, "revman", prob).estimate
    w = 1 / v
    q, q_p, _ = heterogeneity(y, v, about)
    if math.isnan(q):
        return ()
    tau2 = max(0.0, (q - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()))
    weight = 1 / (v + tau2)
    mu, se = float(weight @ y / weight.sum()), 1 / math.sqrt(float(weight.sum()))
    ci, p = interval_and_p(mu, se, prob)
    i2 = 100 * max(0.0, 1 - (len(y) - 1) / q) if q else 0.0
    return (Estimate(ABOUT_MH, measure, "revman", "z", mu, se, ci, p, tau2, i2, q, q_p, None, len(y)),)
