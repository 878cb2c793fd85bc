"""What every analysis of the sensitivity starts from: the evidence, the model, its surface, and what is asked of it."""

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import Prior
from bayes_ivig.quadrature import Posterior, Surface, fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.marginal import Marginal
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.spec import Model
from bayes_ivig.summary import tails


class Direction(NamedTuple):
    """The direction whose probability is asked for: `sign` of mu, and what it is called."""

    sign: int
    name: str

    @property
    def text(self) -> str:
        """How its probability is written: "P(benefit)"."""
        return f"P({self.name})"

    def p(self, mu: Marginal) -> float:
        """Probability that mu lies in this direction."""
        above = mu.p_gt(0.0)
        return above if self.sign > 0 else 1 - above


def direction_of(evidence: Evidence) -> Direction:
    """Benefit where the evidence says which way it lies, harm for a harm; else an effect above 0."""
    if evidence.benefit is None:
        return Direction(1, "effect above 0")
    good = 1 if evidence.benefit == "higher" else -1
    return Direction(-good, "harm") if evidence.role == "harm" else Direction(good, "benefit")


@dataclass(frozen=True)
class Answer:
    """What one analysis says of mu, on the analysis scale; `ci` is equal-tailed, `p` the probability asked for."""

    mean: float
    sd: float
    median: float
    ci: tuple[float, float]
    p: float
    log_evidence: float

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        return asdict(self) | {"ci": list(self.ci)}

    def to_row(self) -> dict[str, Any]:
        """The answer as cells of a table."""
        cells = asdict(self)
        low, high = cells.pop("ci")
        return {"mean": cells.pop("mean"), "sd": cells.pop("sd"), "median": cells.pop("median")} | {
            "low": low,
            "high": high,
            **cells,
        }


@dataclass(frozen=True, eq=False)
class Setting:
    """One outcome, one model, the probability of the intervals. Raises InputError for a model of rates.

    The surface and the posterior of the model as it stands are computed once, when asked for.
    """

    evidence: Evidence
    model: Model
    prob: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what has no effect to doubt."""
        if self.model.likelihood == "single-arm":
            raise InputError(
                f"{self.evidence.outcome}: a rate has no control arm and no effect whose direction could be doubted; "
                "give an outcome with two arms, or effects"
            )

    @cached_property
    def direction(self) -> Direction:
        """Whose probability is asked for."""
        return direction_of(self.evidence)

    @cached_property
    def surface(self) -> Surface:
        """The likelihood of mu and tau."""
        return make_surface(self.evidence.studies, self.model)

    @cached_property
    def mu(self) -> Shape:
        """The prior of mu."""
        return shape_of(self.model.priors["mu"])

    @cached_property
    def tau(self) -> Shape | None:
        """The prior of tau; None for a common effect."""
        return shape_of(self.model.priors["tau"]) if self.model.effect == "random" else None

    @cached_property
    def posterior(self) -> Posterior:
        """The posterior of the model as it stands."""
        return fit_posterior(self.surface, self.mu, self.tau)

    @cached_property
    def answer(self) -> Answer:
        """What the model as it stands says."""
        return self.answer_of(self.posterior)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the trials."""
        return tuple(study.study for study in self.evidence.studies)

    def answer_of(self, posterior: Posterior) -> Answer:
        """What a posterior says of mu."""
        mu = posterior.mu
        low, median, high = mu.quantile([tails(self.prob)[0], 0.5, tails(self.prob)[1]])
        return Answer(
            mu.mean, mu.sd, float(median), (float(low), float(high)), self.direction.p(mu), posterior.log_evidence
        )

    def with_model(self, **changes: Any) -> "Setting":
        """Return the setting with other keys or priors of the model: a prior's name, or a field of the model."""
        priors = {key: value for key, value in changes.items() if isinstance(value, Prior)}
        others = {key: value for key, value in changes.items() if key not in priors}
        merged = MappingProxyType({**self.model.priors, **priors})
        return Setting(self.evidence, replace(self.model, priors=merged, **others), self.prob)


def log_odds(p: float) -> float:
    """Log odds of a probability, infinite at 0 and 1."""
    return math.log(p) - math.log1p(-p) if 0 < p < 1 else math.copysign(math.inf, p - 0.5)
