"""Scales, continuity corrections, and one effect with its standard error per trial.

Effects live on the analysis scale: log for OR and RR, logit for a rate, as they are otherwise. The
conventions are those of escalc in R's metafor (Viechtbauer 2010, J Stat Softw 36(3), 10.18637/jss.v036.i03).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, Study, TwoArm

Array = NDArray[np.float64]
EffectSizes = tuple[Array, Array, tuple[str, ...]]

CORRECTIONS = ("none", "revman", "only0", "all")
MEASURES = {
    "two-arm": ("RR", "OR", "RD"),
    "crossover": ("marginal RR", "marginal OR", "marginal RD", "conditional OR"),
    "means": ("MD", "SMD"),
    "single-arm": ("rate",),
}
_ADDED = "0.5 added"


def is_ratio(measure: str) -> bool:
    """Whether the measure is analysed as a logarithm: OR, RR and their marginal and conditional forms."""
    return measure.split()[-1:] in (["OR"], ["RR"])


def to_natural[X: (float, Array)](measure: str, x: X) -> X:
    """Bring `x` (any shape) from the analysis scale to the natural one: exp, expit, or as it is."""
    if is_ratio(measure):
        with np.errstate(over="ignore"):  # an infinite ratio is an answer, not an accident
            return np.exp(x)
    return expit(x) if measure == "rate" else x


def null_value(measure: str) -> float | None:
    """Return the natural-scale value of no effect: 1 for ratios, 0 for differences, None for a rate."""
    if measure == "rate":
        return None
    return 1.0 if is_ratio(measure) else 0.0


def two_by_two(studies: Iterable[TwoArm]) -> Array:
    """Return the tables, shape (k, 4): events and non-events on T, then events and non-events on C."""
    cells = [(s.events_t, s.n_t - s.events_t, s.events_c, s.n_c - s.events_c) for s in studies]
    return np.array(cells, dtype=float).reshape(-1, 4)


def corrected(tables: Array, correction: str) -> Array:
    """Add 0.5 to every cell of some of the tables, shape (k, 4) in and out.

    'none' changes nothing, 'all' every table; 'revman' and 'only0' the tables that have a zero cell (they
    differ in the weight given to double-zero tables, see `pooled.tables`). An unknown name raises InputError.
    """
    if correction not in CORRECTIONS:
        hint = nearest(correction, CORRECTIONS)
        raise InputError(f"correction '{correction}' is not known; give one of {', '.join(CORRECTIONS)}{hint}")
    if correction == "none":
        return tables
    touched = np.ones(len(tables), bool) if correction == "all" else (tables == 0).any(axis=1)
    return tables + 0.5 * touched[:, None]


def table_effects(tables: Array, measure: str) -> tuple[Array, Array]:
    """Effect and variance, each shape (k,), of tables (k, 4) in which neither is undefined: OR, RR or RD."""
    a, b, c, d = tables.T
    n_t, n_c = a + b, c + d
    if measure == "OR":
        return np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d
    if measure == "RR":
        return np.log(a / n_t / (c / n_c)), 1 / a - 1 / n_t + 1 / c - 1 / n_c
    return a / n_t - c / n_c, a * b / n_t**3 + c * d / n_c**3


def paired_effects(tables: Array, measure: str) -> tuple[Array, Array]:
    """Effect and variance, each shape (k,), of paired tables (k, 4): both, T only, C only, neither.

    Marginal RR, OR and RD, and the conditional OR: metafor's MPRR, MPOR, MPRD and MPORC. Sources: Zou 2007
    (RR, RD), Becker and Balagtas 1993 (marginal OR), Agresti 2013, section 11.2 (conditional OR).
    """
    both, t_only, c_only, _ = tables.T
    n = tables.sum(axis=1)
    if measure == "conditional OR":
        return np.log(t_only / c_only), 1 / t_only + 1 / c_only
    p_t, p_c = (both + t_only) / n, (both + c_only) / n
    if measure == "marginal RR":
        return np.log(p_t / p_c), (t_only + c_only) / n / (n * p_t * p_c)
    variance = ((t_only + c_only) / n - (p_t - p_c) ** 2) / n
    if measure == "marginal RD":
        return p_t - p_c, variance
    v_t, v_c = p_t * (1 - p_t), p_c * (1 - p_c)
    return np.log(p_t / (1 - p_t) / (p_c / (1 - p_c))), variance / (v_t * v_c)


def effect_sizes(studies: Sequence[Study], measure: str) -> EffectSizes:
    """Return y, se (each shape (k,), analysis scale) and notes, for trials of one kind.

    Counts have 0.5 added to all cells only where the table has a zero: for RR and OR of two arms as in
    metafor; for an RD, a rate or paired data, only where effect or variance would be undefined or 0. For
    crossover trials 'OR', 'RR' and 'RD' mean the marginal forms. SMD is Hedges' g with the exact factor J
    and variance 1/n_t + 1/n_c + g^2 / (2 (n_t + n_c)) (Hedges 1981, J Educ Stat 6:107). A trial without
    an effect (an empty arm, margins only, no discordant pair) has nan in y and se, and a note names it.
    Raises InputError for trials of several kinds, and for a measure their kind does not have.
    """
    kind = one_kind(studies)
    if kind == "crossover" and measure in ("OR", "RR", "RD"):
        measure = f"marginal {measure}"
    allowed = MEASURES.get(kind, (measure,))
    if measure not in allowed:
        hint = nearest(measure, allowed)
        raise InputError(f"measure '{measure}' is not one of {kind} data; give one of {', '.join(allowed)}{hint}")
    if kind == "two-arm":
        return _two_arm([s for s in studies if isinstance(s, TwoArm)], measure)
    if kind == "crossover":
        return _crossover([s for s in studies if isinstance(s, Paired | PairedMargins)], measure)
    if kind == "single-arm":
        return _single_arm([s for s in studies if isinstance(s, SingleArm)])
    if kind == "means":
        return _means([s for s in studies if isinstance(s, Means)], measure)
    effects = [s for s in studies if isinstance(s, Effect)]
    return np.array([s.y for s in effects]), np.array([s.se for s in effects]), ()


def was_corrected(note: str) -> bool:
    """Whether a note of `effect_sizes` says that 0.5 was added."""
    return note.startswith(_ADDED)


def one_kind(studies: Sequence[Study]) -> str:
    """Return the kind all the trials share; none at all, or several kinds, raise InputError."""
    kinds = sorted({study.kind for study in studies})
    if len(kinds) != 1:
        raise InputError(f"trials: found {' and '.join(kinds) or 'none'}; give at least one, all of one kind")
    return kinds[0]


def named(what: str, studies: Sequence[Study], mask: Iterable[bool]) -> tuple[str, ...]:
    """Return one note naming the trials under `mask`, or no note."""
    names = ", ".join(study.study for study, chosen in zip(studies, mask, strict=True) if chosen)
    return (f"{what}: {names}",) if names else ()


def _two_arm(studies: list[TwoArm], measure: str) -> EffectSizes:
    tables = two_by_two(studies)
    empty = np.array([s.n_t == 0 or s.n_c == 0 for s in studies])
    a, b, c, d = tables.T
    needy = (a * b + c * d == 0) if measure == "RD" else (tables == 0).any(axis=1)
    return _corrected_effects(studies, tables, ~empty, needy, measure, "an arm has no patients")


def _crossover(studies: list[Paired | PairedMargins], measure: str) -> EffectSizes:
    margins = np.array([isinstance(s, PairedMargins) for s in studies])
    cells = [(s.both, s.t_only, s.c_only, s.neither) if isinstance(s, Paired) else (0, 0, 0, 0) for s in studies]
    tables = np.array(cells, dtype=float)
    both, t_only, c_only, neither = tables.T
    single = [f"{s.study} ({s.n_t} on T, {s.n_c} on C)" for s in studies if isinstance(s, Paired) and s.n_t + s.n_c]
    notes = named("left out, known by margins only", studies, margins)
    if single:
        notes += (f"left out, patients with one treatment only: {', '.join(single)}",)
    if measure == "conditional OR":
        usable, why = t_only + c_only > 0, "no discordant pair"
        needy = t_only * c_only == 0
    elif measure == "marginal RD":
        usable, why = tables.sum(axis=1) > 0, "no pairs"
        needy = (tables > 0).sum(axis=1) == 1
    else:
        usable, why = t_only + c_only + both * neither > 0, "no pairs, or one outcome for all of them"
        needy = (both + t_only) * (both + c_only) == 0
        if measure == "marginal OR":
            needy |= (c_only + neither) * (t_only + neither) == 0
    needy |= t_only + c_only == 0  # T and C alike in every patient: a variance of 0
    y, se, added = _corrected_effects(studies, tables, usable, needy, measure, why, hidden=margins)
    return y, se, notes + added


def _corrected_effects(
    studies: Sequence[Study],
    tables: Array,
    usable: NDArray[np.bool_],
    needy: NDArray[np.bool_],
    measure: str,
    why: str,
    hidden: NDArray[np.bool_] | None = None,
) -> EffectSizes:
    """Compute the effects of the usable tables, 0.5 added to the needy; `hidden` trials have their note."""
    function = paired_effects if measure in MEASURES["crossover"] else table_effects
    y, se = np.full((2, len(tables)), np.nan)
    y[usable], variance = function((tables + 0.5 * needy[:, None])[usable], measure)
    se[usable] = np.sqrt(variance)
    left_out = ~usable if hidden is None else ~usable & ~hidden
    notes = named(f"{_ADDED} to all cells", studies, usable & needy)
    return y, se, notes + named(f"left out, {why}", studies, left_out)


def _single_arm(studies: list[SingleArm]) -> EffectSizes:
    events = np.array([s.events for s in studies], dtype=float)
    others = np.array([s.n for s in studies]) - events
    empty, edge = events + others == 0, events * others == 0
    added = 0.5 * edge
    y = np.where(empty, np.nan, np.log((events + added) / (others + added)))
    se = np.where(empty, np.nan, np.sqrt(1 / (events + added) + 1 / (others + added)))
    notes = named(f"{_ADDED} to events and non-events", studies, edge & ~empty)
    return y, se, notes + named("left out, no patients", studies, empty)


def _means(studies: list[Means], measure: str) -> EffectSizes:
    columns = [(s.mean_t, s.sd_t, s.n_t, s.mean_c, s.sd_c, s.n_c) for s in studies]
    mean_t, sd_t, n_t, mean_c, sd_c, n_c = np.array(columns, dtype=float).T
    if measure == "MD":
        return mean_t - mean_c, np.sqrt(sd_t**2 / n_t + sd_c**2 / n_c), ()
    df = n_t + n_c - 2
    sd = np.sqrt(((n_t - 1) * sd_t**2 + (n_c - 1) * sd_c**2) / df)
    j = np.exp(gammaln(df / 2) - np.log(df / 2) / 2 - gammaln((df - 1) / 2))
    g = j * (mean_t - mean_c) / sd
    return g, np.sqrt(1 / n_t + 1 / n_c + g**2 / (2 * (n_t + n_c))), ()
