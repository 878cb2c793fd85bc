"""What each zero-cell policy makes of counts: how much it adds to which cells, and which trials it drops.

The treatment-arm correction adds to each arm the share that its size has of both arms,
k_T = n_T / (n_T + n_C) and k_C = n_C / (n_T + n_C), the reciprocal of the opposite arm's size scaled to a sum of 1
(Sweeting MJ, Sutton AJ, Lambert PC. Stat Med 2004;23:1351-1375). Equal arms get 0.5 each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import Array, table_effects, two_by_two
from bayes_ivig.studies import SingleArm, Study, TwoArm
from bayes_ivig.wording import listing

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Policy:
    """A normal likelihood on corrected counts: `amount(sizes, zero)` is what each arm's cells gain, (k, arms).

    `sizes` are patients of each arm (k, arms), `zero` tells which tables have a zero cell (k,).
    """

    label: str
    amount: Callable[[Array, Mask], Array]
    drops_one_outcome: bool = False


def _in_zero_tables(amount: float) -> Callable[[Array, Mask], Array]:
    return lambda sizes, zero: np.where(zero[:, None], amount, 0.0) * np.ones_like(sizes)


def _treatment_arm(sizes: Array, zero: Mask) -> Array:
    return np.where(zero[:, None], sizes / np.maximum(sizes.sum(axis=1, keepdims=True), 1), 0.0)


POLICIES: Mapping[str, Policy] = {
    "half-zero": Policy("0.5 in tables with a zero", _in_zero_tables(0.5)),
    "half-all": Policy("0.5 in every table", lambda sizes, zero: np.full_like(sizes, 0.5)),
    "treatment-arm": Policy("treatment-arm correction in tables with a zero", _treatment_arm),
    "quarter-zero": Policy("0.25 in tables with a zero", _in_zero_tables(0.25)),
    "drop-double-zero": Policy("double-zero trials dropped, else 0.5", _in_zero_tables(0.5), True),
}


@dataclass(frozen=True, eq=False)
class Corrected:
    """Counts after a policy: effects `y` with `se` (k,), nan where a trial is dropped; `added` to arms (k, arms)."""

    y: Array
    se: Array
    added: Array
    changed: str

    @property
    def key(self) -> tuple[tuple[float, float], ...]:
        """The effects as a hashable value; a dropped trial is (0, 0)."""
        return tuple(zip(np.nan_to_num(self.y).tolist(), np.nan_to_num(self.se).tolist(), strict=True))


def has_counts(studies: Sequence[Study]) -> bool:
    """Whether the policies apply: two arms or single arms of counts."""
    return all(isinstance(study, TwoArm | SingleArm) for study in studies)


def policies_for(studies: Sequence[Study]) -> tuple[str, ...]:
    """Names of the policies these counts can have; a single arm has no opposite arm to correct by."""
    two_arms = all(isinstance(study, TwoArm) for study in studies)
    return tuple(name for name in POLICIES if two_arms or name != "treatment-arm")


def correct(name: str, studies: Sequence[Study], measure: str) -> Corrected:
    """Apply the policy `name` to counts, and compute log OR, log RR or logit rate with its standard error.

    Trials with an arm without patients have no effect under any policy.
    """
    policy = POLICIES[name]
    cells = _cells(studies)
    sizes = cells.sum(axis=2)
    zero, empty = (cells == 0).any(axis=(1, 2)), (sizes == 0).any(axis=1)
    one_outcome = (cells.sum(axis=1) == 0).any(axis=1) & ~empty
    dropped = empty | one_outcome if policy.drops_one_outcome else empty
    added = np.where(dropped[:, None], 0.0, policy.amount(sizes, zero))
    y, se = np.full((2, len(cells)), np.nan)
    kept = (cells + added[:, :, None])[~dropped].reshape(-1, cells.shape[1] * 2)
    possible = (kept > 0).all(axis=1)  # without a correction a table may keep its zero
    effect, variance = _effects(kept[possible], measure)
    where = np.flatnonzero(~dropped)[possible]
    y[where], se[where] = effect, np.sqrt(variance)
    return Corrected(y, se, added, _describe(studies, added, empty, dropped & ~empty))


def one_outcome_trials(studies: Sequence[Study]) -> tuple[str, ...]:
    """Names of the trials with no events, or events only, in both arms (or the only one)."""
    empty = (_cells(studies).sum(axis=1) == 0).any(axis=1)
    return tuple(study.study for study, alone in zip(studies, empty, strict=True) if alone)


def _cells(studies: Sequence[Study]) -> Array:
    """Events and non-events, (k, arms, 2), arm T first."""
    arms = [s for s in studies if isinstance(s, TwoArm)]
    if arms:
        return two_by_two(arms).reshape(-1, 2, 2)
    rates = [(s.events, s.n - s.events) for s in studies if isinstance(s, SingleArm)]
    return np.array(rates, float).reshape(-1, 1, 2)


def _effects(cells: Array, measure: str) -> tuple[Array, Array]:
    if cells.shape[1] == 4:
        return table_effects(cells, measure)
    events, others = cells.T
    return np.log(events / others), 1 / events + 1 / others


def _describe(studies: Sequence[Study], added: Array, empty: Mask, dropped: Mask) -> str:
    """Say what was added where, and what was left out."""
    by_amount: dict[tuple[float, ...], list[str]] = {}
    for study, amounts in zip(studies, added.tolist(), strict=True):
        if any(amounts):
            by_amount.setdefault(tuple(amounts), []).append(study.study)
    parts = [f"{_amount(amounts)} added in {listing(names)}" for amounts, names in by_amount.items()]
    for mask, why in ((dropped, "the same outcome for everybody"), (empty, "an arm has no patients")):
        names = [study.study for study, chosen in zip(studies, mask, strict=True) if chosen]
        parts += [f"left out, {why}: {listing(names)}"] if names else []
    return "; ".join(parts) or "nothing: no table has a zero"


def _amount(amounts: tuple[float, ...]) -> str:
    if len(set(amounts)) == 1:
        return f"{amounts[0]:.3g} a cell"
    return f"{amounts[0]:.3g} a cell of arm T and {amounts[1]:.3g} of arm C"
