"""Where the baseline prior sits, and what it is: the choice that decides most where there are zero cells.

A trial without an event in either arm, or with one arm only, has no likelihood of its own for the effect, and still
moves the answer once a baseline prior is laid over both arms: each cell says by how much, study by study.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature import Surface
from bayes_ivig.sensitivity.prior_sets import baseline_priors
from bayes_ivig.sensitivity.quick import quick_answer
from bayes_ivig.sensitivity.setting import Answer, Setting
from bayes_ivig.spec import PARAMETRISATIONS

Array = NDArray[np.float64]
_POINTS = 161  # of a drawn profile
_REACH = 3.0  # posterior widths that the profiles are drawn beyond the studies' centres


@dataclass(frozen=True)
class Contribution:
    """What one study adds: posterior mean of mu, probability and log evidence with it, minus those without it."""

    study: str
    mu: float
    p: float
    log_evidence: float


@dataclass(frozen=True, eq=False)
class BaselineCell:
    """One baseline prior on one parametrisation.

    `profiles` (k, n) are the log likelihoods of the studies at the effects `theta` (n,) of all cells, 0 at their peak.
    """

    prior: str
    parametrisation: str
    as_fitted: bool
    answer: Answer
    contributions: tuple[Contribution, ...]
    theta: Array
    profiles: Array

    @property
    def label(self) -> str:
        """Prior and place, as a table shows them."""
        return f"{self.prior} on the {'midpoint' if self.parametrisation == 'midpoint' else 'control risk'}"

    def to_row(self) -> dict[str, Any]:
        """The cell as a row of a table."""
        return {
            "baseline": self.prior,
            "parametrisation": self.parametrisation,
            "as_fitted": self.as_fitted,
            **self.answer.to_row(),
        }


@dataclass(frozen=True, eq=False)
class Baselines:
    """Every cell, the model as it stands first, and the surface of each (for the prior grid)."""

    cells: tuple[BaselineCell, ...]
    surfaces: tuple[Surface, ...]

    def surface_of(self, prior: str, parametrisation: str | None) -> Surface | None:
        """The surface of one cell, if it is there."""
        pairs = zip(self.cells, self.surfaces, strict=True)
        return next((s for c, s in pairs if (c.prior, c.parametrisation) == (prior, parametrisation)), None)

    def to_rows(self) -> list[dict[str, Any]]:
        """One row a cell."""
        return [cell.to_row() for cell in self.cells]

    def contribution_rows(self) -> list[dict[str, Any]]:
        """One row a cell and study."""
        return [
            {"baseline": cell.prior, "parametrisation": cell.parametrisation, **vars(contribution)}
            for cell in self.cells
            for contribution in cell.contributions
        ]


def compare_baselines(setting: Setting) -> Baselines:
    """Answer under every baseline prior and parametrisation; no cells where the likelihood has no baseline."""
    model = setting.model
    if not model.has_baseline:
        return Baselines((), ())
    places = (model.parametrisation, *(p for p in PARAMETRISATIONS if p != model.parametrisation))
    variants = [
        setting
        if prior == model.priors["baseline"] and place == model.parametrisation
        else setting.with_model(baseline=prior, parametrisation=place)
        for place in places
        for prior in baseline_priors(model)
    ]
    theta = _range(setting)
    cells = tuple(_cell(variant, variant is setting, theta) for variant in variants)
    return Baselines(cells, tuple(variant.surface for variant in variants))


def _cell(setting: Setting, as_fitted: bool, theta: Array) -> BaselineCell:
    profiles = np.array([curve.log_profile(theta) for curve in setting.surface.curves])
    return BaselineCell(
        setting.model.priors["baseline"].text,
        str(setting.model.parametrisation),
        as_fitted,
        setting.answer,
        contributions(setting),
        theta,
        profiles - profiles.max(axis=1, keepdims=True),
    )


def contributions(setting: Setting) -> tuple[Contribution, ...]:
    """What each study adds to the answer."""
    answer = setting.answer
    result = []
    for i, name in enumerate(setting.names):
        rest = quick_answer(setting.surface.without(i), setting.mu, setting.tau, setting.direction)
        result.append(
            Contribution(name, answer.mean - rest.mean, answer.p - rest.p, answer.log_evidence - rest.log_evidence)
        )
    return tuple(result)


def _range(setting: Setting) -> Array:
    """Effects at which the profiles are drawn: no effect, and every study's centre with its width."""
    curves = setting.surface.varying
    ends = [0.0, *(c.centre + s * _REACH * c.width for c in curves for s in (-1.0, 1.0))]
    return np.linspace(min(ends), max(ends), _POINTS)
