"""Crossover trials under every association: mu with the log odds ratio within patients fixed, from end to end.

At -6 the patients who respond to one treatment are all but never those who respond to the other, at 6 all but
always (as far as the margins allow): between them lies whatever the tables could have looked like. The named priors
stand beside them; at 0 the two treatments of a patient are independent, as in parallel arms.
"""

from dataclasses import dataclass, replace
from typing import Any

from bayes_ivig.priors import Prior, parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface
from bayes_ivig.sensitivity.setting import Answer, Direction, Setting
from bayes_ivig.wording import probability

FIXED = tuple(map(float, range(-6, 7)))
NAMED = ("normal(0, 1.5)", "normal(1.5, 1)")


@dataclass(frozen=True)
class AssociationRow:
    """The answer under one association prior; `value` is lambda where it is fixed, None for a density."""

    prior: str
    value: float | None
    as_fitted: bool
    answer: Answer

    def to_row(self) -> dict[str, Any]:
        """One row of a table."""
        return {"association": self.prior, "lambda": self.value, "as_fitted": self.as_fitted, **self.answer.to_row()}


@dataclass(frozen=True)
class AssociationSweep:
    """The answer as fitted and under the named priors first, then with lambda fixed, ascending."""

    rows: tuple[AssociationRow, ...]
    direction: Direction

    @property
    def fixed(self) -> tuple[AssociationRow, ...]:
        """The rows with lambda fixed by the sweep, ascending."""
        return tuple(row for row in self.rows if row.value is not None and not row.as_fitted)

    @property
    def densities(self) -> tuple[AssociationRow, ...]:
        """The other rows."""
        return tuple(row for row in self.rows if row.value is None or row.as_fitted)

    @property
    def sentence(self) -> str:
        """How far the association could matter."""
        lowest, highest = (f(self.fixed, key=lambda row: row.answer.p) for f in (min, max))
        return (
            f"Whatever the association within patients, from lambda {FIXED[0]:g} to {FIXED[-1]:g}, "
            f"{self.direction.text} lies between {probability(lowest.answer.p)} (lambda {lowest.value:g}) and "
            f"{probability(highest.answer.p)} (lambda {highest.value:g})."
        )

    def to_rows(self) -> list[dict[str, Any]]:
        """Every row as cells."""
        return [row.to_row() for row in self.rows]


def sweep_association(setting: Setting) -> AssociationSweep | None:
    """Answer again under each association; None where the model has none."""
    if setting.model.likelihood != "crossover":
        return None
    prior = setting.model.priors["association"]
    rows = [AssociationRow(prior.text, _point(prior), True, setting.answer)]
    named = [parse_prior(text) for text in NAMED if text != prior.text]
    rows += [AssociationRow(other.text, None, False, _answer(setting, other)) for other in named]
    for value in FIXED:
        fixed = parse_prior(f"fixed({value:g})")
        rows.append(AssociationRow(fixed.text, value, False, _answer(setting, fixed)))
    return AssociationSweep(tuple(rows), setting.direction)


def _answer(setting: Setting, prior: Prior) -> Answer:
    changed = replace(setting.model, priors={**setting.model.priors, "association": prior})
    surface = make_surface(setting.evidence.studies, changed)
    return setting.answer_of(fit_posterior(surface, setting.mu, setting.tau))


def _point(prior: Prior) -> float | None:
    return prior.support[0] if prior.support[0] == prior.support[1] else None
