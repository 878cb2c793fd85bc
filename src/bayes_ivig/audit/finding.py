"""What a check sees and what it says."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bayes_ivig.effects import is_ratio
from bayes_ivig.evidence import Evidence
from bayes_ivig.pooled import Estimate
from bayes_ivig.published import Published, Reproduction
from bayes_ivig.published.answers import answers
from bayes_ivig.studies import Study, TwoArm
from bayes_ivig.wording import with_interval

SURE = ("certain", "probable", "possible")


@dataclass(frozen=True)
class Finding:
    """One flag: what was seen, what would be consistent instead, how sure that is and why.

    `about` holds the ids of the published results, or the names of the trials, that it is about.
    """

    check: str
    about: tuple[str, ...]
    seen: str
    consistent: str
    sure: str
    reason: str

    def __post_init__(self) -> None:
        """Check the word for sureness."""
        if self.sure not in SURE:
            raise ValueError(f"{self.check}: '{self.sure}' is not one of {', '.join(SURE)}")

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "about": list(self.about)}


@dataclass(frozen=True)
class Case:
    """A published result with the evidence it rests on, its own trials, and what reproduces it."""

    published: Published
    evidence: Evidence
    studies: tuple[Study, ...]
    reproduction: Reproduction
    siblings: tuple[Published, ...] = field(default=())

    @property
    def tables(self) -> tuple[TwoArm, ...]:
        """The trials that are counts in two arms."""
        return tuple(s for s in self.studies if isinstance(s, TwoArm))

    @property
    def reproduced(self) -> bool:
        """Whether some method gives every printed digit."""
        return self.reproduction.reproduced


def listed(names: Sequence[str]) -> str:
    """Return 'a, b and c'."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def plain_methods(reproduction: Reproduction) -> tuple[str, ...]:
    """Names of the methods that reproduce a result, a correction left out where the result needs none."""
    if not reproduction.by:
        return reproduction.methods
    plain: dict[tuple[str, str, str], str] = {}
    for e in reproduction.by:
        family = (e.method, e.measure, e.interval)
        if e.correction == "none" or family not in plain:
            plain[family] = e.label
    if any(method not in {e.label for e in reproduction.by} for method in reproduction.methods):
        return reproduction.methods  # they say more than the estimate alone
    return tuple(plain.values())


def plainest(reproduction: Reproduction) -> str:
    """Name of the first method that reproduces a result, or of the nearest; an empty string without any."""
    return next(iter(plain_methods(reproduction)), "")


def same_method(p: Published, studies: tuple[Study, ...], used: Estimate) -> Estimate | None:
    """Return the estimate that the method of `used` makes of other trials."""
    return next((a.estimate for a in answers(p, studies) if a.estimate and a.estimate.label == used.label), None)


def by_same_method(p: Published, studies: tuple[Study, ...], reproduction: Reproduction) -> str:
    """Return what the first method of a reproduction makes of other trials, in words."""
    estimate = same_method(p, studies, reproduction.by[0]) if reproduction.by else None
    return "" if estimate is None else f"{in_words(p, estimate)} by {plainest(reproduction)}"


def in_words(p: Published, e: Estimate) -> str:
    """Return 'RR 2.51 (0.69 to 9.15)', in the direction in which the result is printed."""
    value, low, high = e.natural()
    if p.inverted and is_ratio(p.measure):
        value, low, high = (1 / x if x else math.inf for x in (value, high, low))
    elif p.inverted:
        value, low, high = -value, -high, -low
    return f"{p.measure} {with_interval(value, (low, high))}"
