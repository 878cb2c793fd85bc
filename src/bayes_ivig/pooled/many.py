"""Many sets of tables pooled at once, for searches: the methods of `pool` on arrays of shape (trials, sets).

The formulas are those of `tables.py`, `models.py` and `variants.py`, of which a test takes each apart; what
does not exist is nan.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from bayes_ivig.effects import Array, is_ratio

Bools = NDArray[np.bool_]
Cells = tuple[Array, Array, Array, Array]
Answer = tuple[Array, Array, Array]


def pool_many(cells: Cells, measure: str, prob: float = 0.95) -> dict[str, Answer]:
    """Estimate and limits on the natural scale, each shape (sets,), of every method by name.

    `cells` are events and others on treatment, then on control, each shape (trials, sets). `measure` is RR, OR
    or RD. The names are those of `Estimate.label` without the measure.
    """
    answers: dict[str, Answer] = {}
    upper = (1 + prob) / 2
    z = np.float64(ndtri(upper))
    k = len(cells[0])
    t = stdtrit(np.arange(k), upper)  # by degrees of freedom; trials without an effect make fewer

    def add(name: str, estimate: Array, se: Array, width: Array | np.float64 = z) -> None:
        values = (estimate, estimate - width * se, estimate + width * se)
        answers[name] = tuple(np.exp(x) for x in values) if is_ratio(measure) else values  # type: ignore[assignment]

    with np.errstate(all="ignore"):  # what does not exist becomes nan
        for correction in ("revman", "none", "only0", "all") if is_ratio(measure) else ("revman", "none", "all"):
            add(f"Mantel-Haenszel, {correction}", *_mantel_haenszel(cells, measure, correction))
        if measure == "OR":
            add("Peto, none", *_peto(cells))
        for correction in ("only0", "revman", "none", "all"):
            y, v, used = _effects(cells, measure, correction)
            add(f"inverse variance, {correction}", *_weighted(y, _safe(1 / v, used)))
            if k < 2:
                continue
            for name, estimator in (("DerSimonian-Laird", _dersimonian_laird), ("REML", _reml)):
                mu, se, hk, df = _random(y, v, used, estimator(y, v, used))
                add(f"{name}, {correction}", mu, se)
                add(f"{name}, {correction}, Hartung-Knapp", mu, hk, t[df])
                add(f"{name}, {correction}, Hartung-Knapp, ad hoc", mu, np.maximum(hk, se), t[df])
        if k > 1:
            add("DerSimonian-Laird about Mantel-Haenszel, revman", *_about_mantel_haenszel(cells, measure))
    return answers


def _random(y: Array, v: Array, used: Bools, tau2: Array) -> tuple[Array, Array, Array, NDArray[np.int_]]:
    """Random-effects mean, its standard error, Hartung and Knapp's, and its degrees of freedom."""
    w = _safe(1 / (v + tau2), used)
    df = used.sum(axis=0) - 1
    mu, se = (np.where(df > 0, x, np.nan) for x in _weighted(y, w))
    return mu, se, np.sqrt((w * _safe((y - mu) ** 2, used)).sum(axis=0) / df / w.sum(axis=0)), df


def _corrected(cells: Cells, touched: Bools) -> Cells:
    a, b, c, d = (x + 0.5 * touched for x in cells)
    return a, b, c, d


def _has_zero(cells: Cells) -> Bools:
    return np.logical_or.reduce([x == 0 for x in cells])


def _two_outcomes(cells: Cells) -> Bools:
    a, b, c, d = cells
    return (a + c > 0) & (b + d > 0)


def _safe(x: Array, used: Bools) -> Array:
    return np.where(used, x, 0.0)


def _mantel_haenszel(cells: Cells, measure: str, correction: str) -> tuple[Array, Array]:
    used = _two_outcomes(cells) if correction == "revman" and is_ratio(measure) else np.ones(cells[0].shape, bool)
    touched = {"none": np.zeros(used.shape, bool), "all": np.ones(used.shape, bool)}.get(correction, _has_zero(cells))
    a, b, c, d = _corrected(cells, touched)
    n_t, n_c = a + b, c + d
    n = n_t + n_c

    def total(x: Array) -> Array:
        return _safe(x, used).sum(axis=0)

    if measure == "RR":
        top, bottom = total(a * n_c / n), total(c * n_t / n)
        variance = total(n_t * n_c * (a + c) / n**2 - a * c / n) / (top * bottom)
        return _log_ratio(top, bottom), _root(variance)
    if measure == "OR":
        r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
        top, bottom = total(r), total(s)
        variance = (total(p * r) / top**2 + total(p * s + q * r) / (top * bottom) + total(q * s) / bottom**2) / 2
        return _log_ratio(top, bottom), _root(variance)
    weight = total(n_t * n_c / n)
    difference = total(a * n_c / n - c * n_t / n) / weight
    p = c * (n_t / n) ** 2 - a * (n_c / n) ** 2 + n_t / n * (n_c / n) * (n_c - n_t) / 2
    q = (a * d / n + c * b / n) / 2
    return difference, _root((difference * total(p) + total(q)) / weight**2)


def _log_ratio(top: Array, bottom: Array) -> Array:
    return np.where((top > 0) & (bottom > 0), np.log(top / bottom), np.nan)


def _root(variance: Array) -> Array:
    return np.sqrt(np.where(variance > 1e-15, variance, np.nan))


def _peto(cells: Cells) -> tuple[Array, Array]:
    used = _two_outcomes(cells)
    a, b, c, d = cells
    n_t, n = a + b, a + b + c + d
    v = _safe((a + c) * (b + d) * n_t * (c + d) / (n**2 * (n - 1)), used).sum(axis=0)
    return _safe(a - (a + c) * n_t / n, used).sum(axis=0) / v, 1 / np.sqrt(v)


def _effects(cells: Cells, measure: str, correction: str) -> tuple[Array, Array, Bools]:
    """Effects, variances and which of them count, each shape (trials, sets)."""
    a, b, c, d = cells
    flat = a * b + c * d == 0
    zero = flat if measure == "RD" else _has_zero(cells)
    used = {"none": ~zero, "revman": _two_outcomes(cells)}.get(correction, np.ones(a.shape, bool))
    a, b, c, d = _corrected(cells, np.ones(zero.shape, bool) if correction == "all" else zero & (correction != "none"))
    n_t, n_c = a + b, c + d
    if measure == "OR":
        y, v = np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d
    elif measure == "RR":
        y, v = np.log(a / n_t / (c / n_c)), 1 / a - 1 / n_t + 1 / c - 1 / n_c
    else:
        y, v = a / n_t - c / n_c, a * b / n_t**3 + c * d / n_c**3
    return np.where(used, y, 0.0), np.where(used, v, 1.0), used


def _weighted(y: Array, w: Array) -> tuple[Array, Array]:
    total = w.sum(axis=0)
    return (w * y).sum(axis=0) / total, 1 / np.sqrt(total)


def _moment(q: Array, w: Array, used: Bools) -> Array:
    total = w.sum(axis=0)
    return np.maximum(0.0, (q - (used.sum(axis=0) - 1)) / (total - (w**2).sum(axis=0) / total))


def _dersimonian_laird(y: Array, v: Array, used: Bools) -> Array:
    w = _safe(1 / v, used)
    mu, _ = _weighted(y, w)
    return _moment((w * (y - mu) ** 2).sum(axis=0), w, used)


def _reml(y: Array, v: Array, used: Bools) -> Array:
    """Bisection of the restricted score, from 0 to far above any estimate: one mode is taken for granted."""

    def falls_below(tau2: Array, y: Array, v: Array, used: Bools) -> Bools:
        w = used / (v + tau2)
        mu, _ = _weighted(y, w)
        total, squares = w.sum(axis=0), w * w
        return (squares * (y - mu) ** 2).sum(axis=0) <= total - squares.sum(axis=0) / total

    answer = np.zeros(y.shape[1])
    above = ~falls_below(answer, y, v, used)
    y, v, used = y[:, above], v[:, above], used[:, above]
    low, high = np.zeros(y.shape[1]), np.max(v, axis=0) + np.ptp(y, axis=0) ** 2
    for _ in range(32):
        middle = (low + high) / 2
        below = falls_below(middle, y, v, used)
        low, high = np.where(below, low, middle), np.where(below, middle, high)
    answer[above] = (low + high) / 2
    return answer


def _about_mantel_haenszel(cells: Cells, measure: str) -> tuple[Array, Array]:
    y, v, used = _effects(cells, measure, "revman")
    about, _ = _mantel_haenszel(cells, measure, "revman")
    w = _safe(1 / v, used)
    tau2 = _moment((w * (y - about) ** 2).sum(axis=0), w, used)
    mu, se = _weighted(y, _safe(1 / (v + tau2), used))
    enough = used.sum(axis=0) > 1
    return np.where(enough, mu, np.nan), np.where(enough, se, np.nan)
