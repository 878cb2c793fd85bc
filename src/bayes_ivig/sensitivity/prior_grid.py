"""Effect priors, heterogeneity priors and baseline priors crossed: what each combination says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature import Surface
from bayes_ivig.quadrature.grid import answer_grids
from bayes_ivig.sensitivity.baselines import Baselines
from bayes_ivig.sensitivity.prior_sets import (
    LabelledPrior,
    baseline_priors,
    effect_priors,
    heterogeneity_priors,
    short_text,
)
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.sensitivity.study_curves import mu_shape, tau_shape
from bayes_ivig.summary import tails

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PriorGrid:
    """Answers over (baseline, tau prior, mu prior): median, limits, probability, log evidence, all (B, T, M).

    The first of each axis is the model as it stands; without a baseline that axis has one entry, of no prior.
    """

    mu: tuple[LabelledPrior, ...]
    tau: tuple[LabelledPrior, ...]
    baseline: tuple[str, ...]
    median: Array
    low: Array
    high: Array
    p: Array
    log_evidence: Array

    @property
    def n(self) -> int:
        """How many combinations."""
        return self.p.size

    def extreme(self, worst: bool = True) -> tuple[int, int, int]:
        """Where P is lowest, or highest."""
        place = int(np.argmin(self.p) if worst else np.argmax(self.p))
        b, t, m = np.unravel_index(place, self.p.shape)
        return int(b), int(t), int(m)

    def describe(self, b: int, t: int, m: int) -> str:
        """One combination in words."""
        base = f", baseline {self.baseline[b]}" if self.baseline[b] else ""
        return f"mu {short_text(self.mu[m].prior)}, tau {short_text(self.tau[t].prior)}{base}"

    def to_json(self) -> dict[str, Any]:
        """The grid as plain JSON values: its size, where P is lowest, how high it goes, and one row a combination."""
        place = self.extreme()
        return {
            "n": self.n,
            "p_lowest": float(self.p[place]),
            "p_lowest_at": self.describe(*place),
            "p_highest": float(self.p.max()),
            "rows": self.to_rows(),
        }

    def to_rows(self) -> list[dict[str, Any]]:
        """One row a combination."""
        return [
            {
                "mu_label": mu.label,
                "mu": mu.prior.text,
                "tau_label": tau.label,
                "tau": tau.prior.text,
                "baseline": baseline,
                "median": float(self.median[b, t, m]),
                "low": float(self.low[b, t, m]),
                "high": float(self.high[b, t, m]),
                "p": float(self.p[b, t, m]),
                "log_evidence": float(self.log_evidence[b, t, m]),
            }
            for b, baseline in enumerate(self.baseline)
            for t, tau in enumerate(self.tau)
            for m, mu in enumerate(self.mu)
        ]


def cross_priors(setting: Setting, baselines: Baselines) -> PriorGrid:
    """Answer under every combination, on the parametrisation of the model."""
    mu = effect_priors(setting.model, setting.direction.sign)
    tau = heterogeneity_priors(setting.model, setting.evidence.role)
    names, surfaces = _surfaces(setting, baselines)
    lower, upper = tails(setting.prob)
    mu_shapes = [mu_shape(one.prior, setting.model) for one in mu]
    tau_shapes = [tau_shape(one.prior) for one in tau]
    grids = answer_grids(surfaces, mu_shapes, tau_shapes, (lower, 0.5, upper))
    quantiles = np.stack([grid.quantiles for grid in grids])
    above = np.stack([grid.p_gt_0 for grid in grids])
    return PriorGrid(
        mu,
        tau,
        tuple(names),
        quantiles[..., 1],
        quantiles[..., 0],
        quantiles[..., 2],
        above if setting.direction.sign > 0 else 1 - above,
        np.stack([grid.log_evidence for grid in grids]),
    )


def _surfaces(setting: Setting, baselines: Baselines) -> tuple[Sequence[str], Sequence[Surface]]:
    """The baseline priors on the parametrisation of the model that were tried, and the surface of each."""
    if not setting.model.has_baseline:
        return [""], [setting.surface]
    names = [prior.text for prior in baseline_priors(setting.model)]
    pairs = [(name, baselines.surface_of(name, setting.model.parametrisation)) for name in names]
    found = [(name, surface) for name, surface in pairs if surface is not None]
    return [name for name, _ in found], [surface for _, surface in found]
