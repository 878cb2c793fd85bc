"""What a check sees and what it says."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bayes_ivig.evidence import Evidence
from bayes_ivig.published import Published, Reproduction
from bayes_ivig.studies import Study, TwoArm

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
