"""Which tables of counts are compatible with everything that was printed about them.

Where a review prints only pooled results, totals or percentages, and the sizes of the trials are known, every
set of tables is tried; a reconstruction is worth something only if it is the only one left.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import Array, is_ratio
from bayes_ivig.pooled.many import Cells, pool_many
from bayes_ivig.published import Published, reproduce, rounding
from bayes_ivig.studies import Paired, PairedMargins, TwoArm

MAX_SETS = 1_000_000  # some ten seconds
MAX_KEPT = 50  # sets of tables that are confirmed and named one by one
_CHUNK = 100_000
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TrialSize:
    """One trial whose counts are unknown, or known in part: patients in two arms, events where they are known."""

    study: str
    n_t: int
    n_c: int
    events_t: int | None = None
    events_c: int | None = None

    def __post_init__(self) -> None:
        """Check the counts by making the trial of them."""
        TwoArm(self.study, self.events_t or 0, self.n_t, self.events_c or 0, self.n_c)

    @property
    def known(self) -> bool:
        """Whether nothing is left to find out."""
        return self.events_t is not None and self.events_c is not None


@dataclass(frozen=True)
class Reconstruction:
    """Every set of tables compatible with what was printed, and the methods that make each fit.

    `tried` counts the sets that have the right totals; `complete` is False where only the first of many
    solutions were kept; `why_none` says what stood in the way where there is none, and `untried` why no search
    was made.
    """

    trials: tuple[TrialSize, ...]
    used: tuple[str, ...]
    tried: int
    solutions: tuple[tuple[TwoArm, ...], ...]
    methods: tuple[tuple[str, ...], ...]
    complete: bool = True
    why_none: str = ""
    untried: str = ""

    @property
    def unique(self) -> bool:
        """Whether exactly one set of tables is left."""
        return self.complete and len(self.solutions) == 1

    @property
    def verdict(self) -> str:
        """One sentence for a reader."""
        if self.untried:
            return f"not made, {self.untried}"
        sizes = ", ".join(f"{t.study} {t.n_t}" + (f"+{t.n_c}" if t.n_c != t.n_t else "") for t in self.trials)
        start = f"{self.tried:,} sets of tables of the sizes {sizes} tried against {', '.join(self.used)}: "
        if not self.solutions:
            return start + f"none is compatible{self.why_none and f' ({self.why_none})'}"
        if self.unique:
            t, c = (
                ", ".join(str(getattr(s, column)) for s in self.solutions[0]) for column in ("events_t", "events_c")
            )
            by = f", by {'; '.join(self.methods[0])}" if self.methods[0] else ""
            return start + f"one is compatible, ({t}) against ({c}) events{by}; the reconstruction is unique"
        number = f"{len(self.solutions)}" if self.complete else f"more than {len(self.solutions)}"
        return start + f"{number} are compatible; the reconstruction is not unique"

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "sizes": {t.study: [t.n_t, t.n_c] for t in self.trials},
            "printed_used": list(self.used),
            "tried": self.tried,
            "unique": self.unique,
            "complete": self.complete,
            "solutions": [
                {
                    "events_t": [s.events_t for s in tables],
                    "events_c": [s.events_c for s in tables],
                    "methods": list(methods),
                }
                for tables, methods in zip(self.solutions, self.methods, strict=True)
            ],
            "why_none": self.why_none,
            "untried": self.untried,
            "verdict": self.verdict,
        }


def enumerate_tables(trials: Sequence[TrialSize], published: Sequence[Published]) -> Reconstruction | None:
    """Search every set of tables for those compatible with the printed totals, percentages and pooled results.

    Parameters
    ----------
    trials
        Sizes, and the counts that are known.
    published
        Results on these trials: percentages and totals restrict the sums of events; ratios and risk
        differences must all be reproduced by one method (Mantel-Haenszel, Peto, inverse variance,
        DerSimonian-Laird or REML, z or Hartung-Knapp, whatever the correction). Others are not used.

    Returns
    -------
    Reconstruction or None
        None where nothing printed says anything about these tables. A search over more than `MAX_SETS` sets of
        tables is not made, and says so.
    """
    names = [t.study for t in trials]
    about = [p for p in published if not (p.reading or p.kind) and set(p.studies or ()) <= set(names)]
    pooled = [p for p in about if p.measure in ("RR", "OR", "RD") and p.printed]
    limits = {arm: [limit for p in about if (limit := _limit(p, trials, arm))] for arm in ("t", "c")}
    used = tuple(dict.fromkeys((*(p.id for p in pooled), *(x.id for arm in limits.values() for x in arm))))
    if not used:
        return None
    empty = next((x for arm in limits.values() for x in arm if not x.allowed.any()), None)
    if empty is not None:
        return Reconstruction(tuple(trials), used, 0, (), (), why_none=empty.why)
    arms = [_arm_counts(trials, arm, limits[arm]) for arm in ("t", "c")]
    tried = math.prod(MAX_SETS + 1 if counts is None else len(counts) for counts in arms)
    events_of_t, events_of_c = arms
    if events_of_t is None or events_of_c is None or tried > MAX_SETS:
        untried = f"more than {MAX_SETS:,} sets of tables are possible; printed totals or percentages restrict them"
        return Reconstruction(tuple(trials), used, 0, (), (), untried=untried)
    pooled.sort(key=lambda p: (len(p.studies or names), -len(p.printed)))  # the cheapest first
    kept: list[tuple[Ints, Ints]] = []
    complete = True
    for events_t, events_c in _pairs(events_of_t, events_of_c):
        found = _compatible(trials, events_t, events_c, pooled)
        kept += zip(events_t[found], events_c[found], strict=True)
        if len(kept) > MAX_KEPT:
            complete = False
            kept = kept[:MAX_KEPT]
            break
    sets = [_tables(trials, *events) for events in kept]
    confirmed = [(tables, methods) for tables in sets if (methods := _methods(tables, pooled)) is not None]
    return Reconstruction(
        tuple(trials), used, tried, tuple(t for t, _ in confirmed), tuple(m for _, m in confirmed), complete
    )


def paired_tables(trial: PairedMargins) -> tuple[Paired, ...]:
    """Return every table of pairs that has the margins of a crossover trial."""
    low = max(0, trial.margins_t + trial.margins_c - trial.n_pairs)
    return tuple(
        Paired(
            trial.study,
            both,
            trial.margins_t - both,
            trial.margins_c - both,
            trial.n_pairs - trial.margins_t - trial.margins_c + both,
        )
        for both in range(low, min(trial.margins_t, trial.margins_c) + 1)
    )


@dataclass(frozen=True)
class _Limit:
    """Which sums of events over some trials a printed total or percentage allows: a mask over 0 to n."""

    id: str
    chosen: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    why: str = ""


def _limit(published: Published, trials: Sequence[TrialSize], arm: str) -> _Limit | None:
    chosen = np.array([published.studies is None or t.study in published.studies for t in trials])
    n = sum(getattr(t, f"n_{arm}") for t, wanted in zip(trials, chosen, strict=True) if wanted)
    sums = np.arange(n + 1)
    if published.measure == "percent" and published.arm == arm and published.estimate is not None and n:
        low, high = rounding(published.estimate)
        allowed = (100 * sums / n >= low - 1e-9) & (100 * sums / n <= high + 1e-9)
        return _Limit(published.id, chosen, allowed, f"no count of {n} is {published.estimate} percent")
    total, size = getattr(published, f"events_{arm}"), getattr(published, f"n_{arm}")
    if published.measure not in ("RR", "OR", "RD", "percent") or total is None:
        return None
    allowed = sums == int(total)
    if size is not None and int(size) != n:
        return _Limit(published.id, chosen, np.zeros(n + 1, bool), f"the sizes add up to {n}, printed is {size}")
    return _Limit(published.id, chosen, allowed, f"{total} events are more than the {n} patients")


def _arm_counts(trials: Sequence[TrialSize], arm: str, limits: Sequence[_Limit]) -> Ints | None:
    """Every vector of events of one arm within the limits, shape (vectors, trials); None where they are too many."""
    counts = np.zeros((1, 0), dtype=np.int64)
    for i, trial in enumerate(trials):
        known, n = getattr(trial, f"events_{arm}"), getattr(trial, f"n_{arm}")
        choices = np.arange(n + 1) if known is None else np.array([known])
        if len(counts) * len(choices) > MAX_SETS:
            return None
        counts = np.hstack((np.repeat(counts, len(choices), axis=0), np.tile(choices, len(counts))[:, None]))
        for limit in limits:
            so_far = counts @ limit.chosen[: i + 1].astype(np.int64)
            rest = [getattr(t, f"n_{arm}") for t, c in zip(trials, limit.chosen, strict=True) if c][
                int(limit.chosen[: i + 1].sum()) :
            ]
            possible = np.flatnonzero(limit.allowed)
            keep = (so_far <= possible[-1]) & (so_far + sum(rest) >= possible[0])
            if not rest:
                keep &= limit.allowed[np.minimum(so_far, len(limit.allowed) - 1)]
            counts = counts[keep]
    return counts


def _pairs(events_t: Ints, events_c: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Every pair of rows, in pieces of bounded size."""
    if not len(events_c):
        return
    step = max(1, _CHUNK // len(events_c))
    for start in range(0, len(events_t), step):
        piece = events_t[start : start + step]
        yield np.repeat(piece, len(events_c), axis=0), np.tile(events_c, (len(piece), 1))


def _compatible(
    trials: Sequence[TrialSize], events_t: Ints, events_c: Ints, pooled: Sequence[Published]
) -> NDArray[np.int64]:
    """Rows for which one and the same method gives every pooled result."""
    n_t, n_c = (np.array([getattr(t, f"n_{arm}") for t in trials], dtype=float) for arm in ("t", "c"))
    rows = np.arange(len(events_t))
    names = [t.study for t in trials]
    fits: dict[str, NDArray[np.bool_]] = {}
    for i, p in enumerate(pooled):
        chosen = [j for j, name in enumerate(names) if p.studies is None or name in p.studies]
        chosen = [j for j in chosen if n_t[j] and n_c[j]]
        t, c = (np.ascontiguousarray(x[rows][:, chosen].T.astype(float)) for x in (events_t, events_c))
        cells: Cells = (t, n_t[chosen][:, None] - t, c, n_c[chosen][:, None] - c)
        now = {name: _fits(p, *values) for name, values in pool_many(cells, p.measure).items()}
        if len(chosen) == 1:  # every method of a family is the same for one trial
            anyone = np.logical_or.reduce(list(now.values()))
            fits = {name: fits[name] & anyone for name in fits} if i else {"": anyone}
        elif "" in fits:
            fits = {name: fits[""] & mask for name, mask in now.items()}
        else:
            fits = {name: fits[name] & now[name] for name in fits.keys() & now.keys()} if i else now
        alive = np.logical_or.reduce(list(fits.values())) if fits else np.zeros(len(rows), bool)
        rows, fits = rows[alive], {name: mask[alive] for name, mask in fits.items()}
    return rows


def _fits(p: Published, estimate: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    if p.inverted:
        with np.errstate(divide="ignore"):
            estimate, high, low = (1 / x if is_ratio(p.measure) else -x for x in (estimate, low, high))
    good = np.ones(len(estimate), bool)
    for values, text in zip(p.select(estimate, low, high), p.printed, strict=True):
        smallest, largest = rounding(text)
        slack = 1e-9 * max(1.0, abs(largest))
        good &= (values >= smallest - slack) & (values <= largest + slack)
    return good


def _tables(trials: Sequence[TrialSize], events_t: Ints, events_c: Ints) -> tuple[TwoArm, ...]:
    return tuple(
        TwoArm(t.study, int(e_t), t.n_t, int(e_c), t.n_c)
        for t, e_t, e_c in zip(trials, events_t, events_c, strict=True)
    )


def _methods(tables: tuple[TwoArm, ...], pooled: Sequence[Published]) -> tuple[str, ...] | None:
    """Methods that reproduce the widest pooled result, or None where one of the results is not reproduced."""
    answers = [reproduce(p, tables) for p in pooled]
    if not all(a.reproduced for a in answers):
        return None
    return answers[-1].methods if answers else ()


def sizes_of(studies: Sequence[TwoArm], rows: Sequence[Mapping[str, str]], everything: bool) -> tuple[TrialSize, ...]:
    """Sizes of trials, their counts known unless a status column of their row calls them reconstructed.

    With `everything`, all counts are taken as unknown.
    """
    by_name = {row.get("study", ""): row for row in rows}
    sizes = []
    for s in studies:
        row = by_name.get(s.study, {})
        unknown = [everything or row.get(f"status_{arm}", row.get("status", "")) == "reconstructed" for arm in "tc"]
        sizes.append(
            TrialSize(s.study, s.n_t, s.n_c, None if unknown[0] else s.events_t, None if unknown[1] else s.events_c)
        )
    return tuple(sizes)
