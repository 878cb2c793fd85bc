"""Two-by-two tables pooled directly: Mantel-Haenszel and Peto."""

import math

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import Array, corrected, is_ratio, table_effects
from bayes_ivig.pooled.estimate import Estimate, heterogeneity, interval_and_p, missing

NO_TABLES = "does not exist: no trial has patients in both arms"
MANTEL_HAENSZEL = (
    *(("RR", correction) for correction in ("revman", "none", "only0", "all")),
    *(("OR", correction) for correction in ("revman", "none", "only0", "all")),
    *(("RD", correction) for correction in ("revman", "none", "all")),
)


def mantel_haenszel(tables: Array, measure: str, correction: str, prob: float) -> Estimate:
    """Pool tables of shape (k, 4), no arm empty, into a common RR, OR (both log) or RD.

    Variances: Greenland and Robins 1985 (RR), Robins, Breslow and Greenland 1986 (OR), Sato 1989 (RD).
    The corrections 'revman' and 'only0' both add 0.5 to tables with a zero cell. For RR and OR, 'revman'
    leaves out the tables with no events, or only events, in both arms, as Cochrane's RevMan does; 'only0',
    metafor's name, keeps them. Q is that of the tables' own effects, which need 0.5 where a cell is zero.
    """
    uneven = _not_one_outcome(tables)
    kept = tables[uneven] if correction == "revman" and is_ratio(measure) else tables
    estimate, se = _SUMS[measure](*corrected(kept, correction).T)
    if math.isnan(estimate):
        why = "does not exist: over all trials, one arm has no events"
        why += " or only events" if measure == "OR" else ""
        why = why if len(tables) else NO_TABLES
        return missing("Mantel-Haenszel", measure, correction, "z", len(tables), why)
    own = corrected(tables, "all" if correction == "all" else "only0")[uneven]
    return _estimate(
        "Mantel-Haenszel", measure, correction, estimate, se, table_effects(own, measure), len(tables), prob
    )


def peto(tables: Array, prob: float) -> Estimate:
    """Pool tables of shape (k, 4), no arm empty, into Peto's log OR (Yusuf et al. 1985)."""
    a, b, c, d = tables[_not_one_outcome(tables)].T
    n_t, n = a + b, a + b + c + d
    v = (a + c) * (b + d) * n_t * (c + d) / (n**2 * (n - 1))
    if not len(v):
        why = "does not exist: every trial has no events, or only events, in both arms"
        why = why if len(tables) else NO_TABLES
        return missing("Peto", "OR", "none", "z", len(tables), why)
    difference = a - (a + c) * n_t / n
    estimate, se = float(difference.sum() / v.sum()), float(1 / math.sqrt(v.sum()))
    return _estimate("Peto", "OR", "none", estimate, se, (difference / v, 1 / v), len(tables), prob)


def _estimate(
    method: str,
    measure: str,
    correction: str,
    estimate: float,
    se: float,
    own: tuple[Array, Array],
    k: int,
    prob: float,
) -> Estimate:
    q, q_p, i2 = heterogeneity(*own, estimate)
    ci, p = interval_and_p(estimate, se, prob)
    note = "no standard error: every arm has no events or only events" if math.isnan(se) else ""
    return Estimate(method, measure, correction, "z", estimate, se, ci, p, 0.0, i2, q, q_p, None, k, note)


def _not_one_outcome(tables: Array) -> NDArray[np.bool_]:
    a, b, c, d = tables.T
    return (a + c > 0) & (b + d > 0)


def _risk_ratio(a: Array, b: Array, c: Array, d: Array) -> tuple[float, float]:
    n_t, n_c = a + b, c + d
    n = n_t + n_c
    top, bottom = (a * n_c / n).sum(), (c * n_t / n).sum()
    if top == 0 or bottom == 0:
        return math.nan, math.nan
    spread = (n_t * n_c * (a + c) / n**2 - a * c / n).sum()
    return math.log(top / bottom), _root_or_nan(spread / (top * bottom))


def _odds_ratio(a: Array, b: Array, c: Array, d: Array) -> tuple[float, float]:
    n = a + b + c + d
    r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
    top, bottom = r.sum(), s.sum()
    if top == 0 or bottom == 0:
        return math.nan, math.nan
    variance = float(p @ r / top**2 + (p @ s + q @ r) / (top * bottom) + q @ s / bottom**2) / 2
    return math.log(top / bottom), _root_or_nan(variance)


def _risk_difference(a: Array, b: Array, c: Array, d: Array) -> tuple[float, float]:
    n_t, n_c = a + b, c + d
    n = n_t + n_c
    weight = (n_t * n_c / n).sum()
    if weight == 0:
        return math.nan, math.nan
    difference = float((a * n_c / n - c * n_t / n).sum() / weight)
    p = c * (n_t / n) ** 2 - a * (n_c / n) ** 2 + n_t / n * (n_c / n) * (n_c - n_t) / 2
    q = (a * d / n + c * b / n) / 2
    return difference, _root_or_nan((difference * p.sum() + q.sum()) / weight**2)


def _root_or_nan(variance: float) -> float:
    """Square root; nan for a variance of 0 (rounding included), which is a lack of information."""
    return math.sqrt(variance) if variance > 1e-15 else math.nan


_SUMS = {"RR": _risk_ratio, "OR": _odds_ratio, "RD": _risk_difference}
