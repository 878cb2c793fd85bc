"""One analysed outcome, as a report sees it, and what it is called in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bayes_ivig.effects import is_ratio, to_natural
from bayes_ivig.evidence import Evidence
from bayes_ivig.published import Reproduction
from bayes_ivig.spec import Model
from bayes_ivig.wording import percent, with_interval

MEASURE_NAMES = {
    "OR": "odds ratio",
    "RR": "risk ratio",
    "MD": "mean difference",
    "SMD": "standardised mean difference",
    "effect": "effect",
    "rate": "rate",
}
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Outcome:
    """One outcome with its answer.

    `fit` is the object of `fit --json`; `svg` and `png` hold its figures by name; `sensitivity` has the keys of
    sensitivity.json, or some of them (empty: not run; see `sensitivity.py`); `surfaces` what the page needs to move the
    priors (see `live.py`); `stored` the folder of the run that was used, "" where it was computed for the report.
    """

    evidence: Evidence
    model: Model
    fit: Mapping[str, Any]
    published: tuple[Reproduction, ...] = ()
    svg: Mapping[str, str] = field(default_factory=dict)
    png: Mapping[str, bytes] = field(default_factory=dict)
    sensitivity: Mapping[str, Any] = _EMPTY
    surfaces: tuple[Mapping[str, Any], ...] = ()
    stored: str = ""

    @property
    def id(self) -> str:
        """The anchor of the outcome on the page."""
        return f"{self.evidence.review}-{self.evidence.outcome}"

    @property
    def title(self) -> str:
        """The outcome's title."""
        return self.evidence.title or self.evidence.outcome

    @property
    def measure(self) -> str:
        """OR, RR, MD, SMD, effect or rate."""
        return self.model.measure

    @property
    def prob(self) -> float:
        """Probability of the intervals."""
        return float(self.fit["mu"]["prob"])

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that did not pass."""
        return tuple(check["name"] for check in self.fit["checks"] if not check["passed"])

    @property
    def sampled(self) -> bool:
        """Whether the sampler has checked the answer."""
        return bool(self.fit["engines"].get("nuts"))

    @property
    def absolute(self) -> Mapping[str, Any] | None:
        """Absolute effects in the trials, where the model has risks."""
        effects = self.fit["effects"]["in_trials"]
        return effects if effects else None

    @property
    def chosen(self) -> Mapping[str, Any] | None:
        """Absolute effects at a chosen control risk, if one was given."""
        effects = self.fit["effects"]["at_control_risk"]
        return effects if effects else None

    @property
    def measure_name(self) -> str:
        """The measure in words, with its unit."""
        unit = f" ({self.evidence.unit})" if self.evidence.unit and self.measure == "MD" else ""
        return MEASURE_NAMES[self.measure] + unit

    @property
    def certainty(self) -> tuple[str, float | None]:
        """What the headline probability is of, and its value."""
        if self.evidence.role == "harm":
            return "harm", self.fit["p_harm"]
        return "benefit", self.fit["p_benefit"]

    def natural(self, summary: Mapping[str, Any] | None) -> str:
        """Median and interval of a summary on the natural scale."""
        if summary is None:
            return "-"
        median, low, high = (float(to_natural(self.measure, x)) for x in (summary["median"], *summary["ci"]))
        return with_interval(median, (low, high))

    @property
    def interval_name(self) -> str:
        """The interval in words."""
        return f"{percent(self.prob)} interval"

    @property
    def trials(self) -> str:
        """Trials and patients, counted."""
        n, people = self.fit["n_studies"], self.fit["n_participants"]
        count = f"{n} trial{'s' if n > 1 else ''}"
        return count if people is None else f"{people:,} patients in {count}"

    @property
    def ratio(self) -> bool:
        """Whether the effect is a ratio."""
        return is_ratio(self.measure)
