"""A check of a computation: its value, its limit, and what to do when it fails."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One check: its value, its limit, whether it passed, and the remedy."""

    name: str
    value: float
    limit: float
    passed: bool
    hint: str

    def to_json(self) -> dict[str, Any]:
        """The check as plain JSON values."""
        return asdict(self)
