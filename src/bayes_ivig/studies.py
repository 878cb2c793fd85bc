"""The data of one trial, as values that check themselves when made.

Arm T is the treatment, arm C the control. Counts are people (exposures where a crossover trial is read
as two arms). Every `InputError` names the column, the value found and what is allowed; the loader adds
the file and the row.
"""

import math
import numbers
from dataclasses import dataclass
from typing import ClassVar

from bayes_ivig.errors import InputError


def _check_count(column: str, value: int) -> None:
    if not isinstance(value, numbers.Integral):  # numpy's integers are welcome, 2.0 and NaN are not
        raise InputError(f"column '{column}': {value} is not a whole number; a count is 0, 1, 2, ...")
    if value < 0:
        raise InputError(f"column '{column}': {value} is negative; a count is 0, 1, 2, ...")


def _check_events(column: str, events: int, n_column: str, n: int) -> None:
    _check_count(column, events)
    _check_count(n_column, n)
    if events > n:
        raise InputError(f"column '{column}': {events} exceeds the {n} in column '{n_column}'; correct one of the two")


def _check_finite(column: str, value: float) -> None:
    if not math.isfinite(value):
        raise InputError(f"column '{column}': {value} is not a finite number; give a number or leave the row out")


def _check_positive(column: str, value: float, what: str) -> None:
    _check_finite(column, value)
    if value <= 0:
        raise InputError(f"column '{column}': {value:g} is not allowed; {what} must be above 0")


def _check_participants(participants: int | None, n_t: int, n_c: int) -> None:
    if participants is None:
        return
    _check_count("participants", participants)
    if not max(n_t, n_c) <= participants <= n_t + n_c:
        raise InputError(
            f"column 'participants': {participants} is not between the larger arm ({max(n_t, n_c)}) "
            f"and both arms together ({n_t + n_c}); count each patient once"
        )


@dataclass(frozen=True)
class TwoArm:
    """Events and patients in two arms. Arms without patients are allowed.

    `participants` counts each patient once where a crossover trial is read as two arms of exposures.
    """

    kind: ClassVar[str] = "two-arm"
    study: str
    events_t: int
    n_t: int
    events_c: int
    n_c: int
    participants: int | None = None

    def __post_init__(self) -> None:
        """Check the counts."""
        _check_events("events_t", self.events_t, "n_t", self.n_t)
        _check_events("events_c", self.events_c, "n_c", self.n_c)
        _check_participants(self.participants, self.n_t, self.n_c)

    @property
    def n_participants(self) -> int:
        """Patients, each counted once."""
        return self.n_t + self.n_c if self.participants is None else self.participants


@dataclass(frozen=True)
class Paired:
    """A crossover trial's four cells, and the arms of patients who had one treatment only.

    `started_t` and `started_c` are the patients randomised to each treatment first; they matter only where
    non-responders alone crossed over.
    """

    kind: ClassVar[str] = "crossover"
    study: str
    both: int
    t_only: int
    c_only: int
    neither: int
    events_t: int = 0
    n_t: int = 0
    events_c: int = 0
    n_c: int = 0
    started_t: int | None = None
    started_c: int | None = None

    def __post_init__(self) -> None:
        """Check the counts."""
        for column in ("both", "t_only", "c_only", "neither"):
            _check_count(column, getattr(self, column))
        _check_events("events_t", self.events_t, "n_t", self.n_t)
        _check_events("events_c", self.events_c, "n_c", self.n_c)
        if (self.started_t is None) != (self.started_c is None):
            missing = "started_t" if self.started_t is None else "started_c"
            raise InputError(f"column '{missing}': empty; give both started_t and started_c, or neither")
        if self.started_t is not None and self.started_c is not None:
            _check_count("started_t", self.started_t)
            _check_count("started_c", self.started_c)
            if self.started_t + self.started_c != self.n_participants:
                raise InputError(
                    f"column 'started_t': {self.started_t} and {self.started_c} starters do not make the "
                    f"{self.n_participants} patients of this row; correct the cells or the starters"
                )
            for column, only, starters in (("n_t", self.n_t, self.started_t), ("n_c", self.n_c, self.started_c)):
                if only > starters:
                    raise InputError(
                        f"column '{column}': {only} patients had this treatment only, but {starters} started on it; "
                        "correct one of the two"
                    )

    @property
    def n_pairs(self) -> int:
        """Patients who had both treatments."""
        return self.both + self.t_only + self.c_only + self.neither

    @property
    def n_participants(self) -> int:
        """Patients, each counted once."""
        return self.n_pairs + self.n_t + self.n_c


@dataclass(frozen=True)
class PairedMargins:
    """A crossover trial known by its margins: `margins_t` patients responded on T, `margins_c` on C."""

    kind: ClassVar[str] = "crossover"
    study: str
    margins_t: int
    margins_c: int
    n_pairs: int

    def __post_init__(self) -> None:
        """Check the margins."""
        _check_events("margins_t", self.margins_t, "n_pairs", self.n_pairs)
        _check_events("margins_c", self.margins_c, "n_pairs", self.n_pairs)

    @property
    def n_participants(self) -> int:
        """Patients, each counted once."""
        return self.n_pairs


@dataclass(frozen=True)
class Effect:
    """Any effect on its analysis scale (log for ratios) with its standard error."""

    kind: ClassVar[str] = "effect"
    study: str
    y: float
    se: float
    participants: int | None = None

    def __post_init__(self) -> None:
        """Check that y is finite and se positive."""
        _check_finite("y", self.y)
        _check_positive("se", self.se, "a standard error")
        if self.participants is not None:
            _check_count("participants", self.participants)

    @property
    def n_participants(self) -> int | None:
        """Patients, each counted once, where the data say."""
        return self.participants


@dataclass(frozen=True)
class Means:
    """Mean, standard deviation and patients in two arms; `participants` as in `TwoArm`."""

    kind: ClassVar[str] = "means"
    study: str
    mean_t: float
    sd_t: float
    n_t: int
    mean_c: float
    sd_c: float
    n_c: int
    participants: int | None = None

    def __post_init__(self) -> None:
        """Check the moments and that each arm has the two patients an SD needs."""
        _check_finite("mean_t", self.mean_t)
        _check_finite("mean_c", self.mean_c)
        _check_positive("sd_t", self.sd_t, "a standard deviation")
        _check_positive("sd_c", self.sd_c, "a standard deviation")
        for column in ("n_t", "n_c"):
            _check_count(column, getattr(self, column))
            if getattr(self, column) < 2:
                raise InputError(
                    f"column '{column}': {getattr(self, column)} is not allowed; "
                    "a standard deviation needs at least 2 patients"
                )
        _check_participants(self.participants, self.n_t, self.n_c)

    @property
    def n_participants(self) -> int:
        """Patients, each counted once."""
        return self.n_t + self.n_c if self.participants is None else self.participants


@dataclass(frozen=True)
class SingleArm:
    """Events among n patients or exposures of one group."""

    kind: ClassVar[str] = "single-arm"
    study: str
    events: int
    n: int

    def __post_init__(self) -> None:
        """Check the counts."""
        _check_events("events", self.events, "n", self.n)

    @property
    def n_participants(self) -> int:
        """Patients or exposures."""
        return self.n


Study = TwoArm | Paired | PairedMargins | Effect | Means | SingleArm
