"""Every specification answered: one grid of priors on each surface that differs from the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayes_ivig.effects import Array
from bayes_ivig.quadrature import Surface, fit_posterior
from bayes_ivig.quadrature.grid import GridAnswers, answer_grids
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.sensitivity.specifications import Plan
from bayes_ivig.sensitivity.study_curves import mu_shape, tau_shape

TOLERANCE = 2e-6  # share of a density


@dataclass(frozen=True, eq=False)
class Answers:
    """Quantiles (cells, T, M, probs), P(mu > 0) and log evidence (cells, T, M) of every cell and pair of priors.

    `error` is the largest that the engine estimates of its own: of a curve's log likelihood, or a share of a density.
    """

    quantiles: Array
    p_gt_0: Array
    log_evidence: Array
    error: float


def _mend(
    grid: GridAnswers, surface: Surface, mu: Sequence[Shape], tau: Sequence[Shape | None], probs: tuple[float, ...]
) -> None:
    """Fit alone every pair whose error the grid itself finds too large."""
    for k, m in np.argwhere(~(grid.error <= TOLERANCE)):
        alone = fit_posterior(surface, mu[m], tau[k])
        grid.quantiles[k, m] = alone.mu.quantile(np.array(probs))
        grid.p_gt_0[k, m], grid.log_evidence[k, m] = alone.mu.p_gt(0.0), alone.log_evidence
        grid.error[k, m] = alone.movement


def answer_all(plan: Plan, probs: tuple[float, ...]) -> tuple[Answers, int]:
    """Answer every cell under every pair of priors; return also how many of the specifications are distinct."""
    mu = [mu_shape(a.prior, plan.model) for a in plan.effects]
    tau = [tau_shape(a.prior) for a in plan.scales]
    surfaces = {cell.key: Surface(cell.curves) for cell in plan.cells}
    by_key = dict(zip(surfaces, answer_grids(tuple(surfaces.values()), mu, tau, probs), strict=True))
    for key, grid in by_key.items():
        _mend(grid, surfaces[key], mu, tau, probs)
    grids = [by_key[cell.key] for cell in plan.cells]
    errors = [*(float(grid.error.max()) for grid in grids), *(curve.error for c in plan.cells for curve in c.curves)]
    return (
        Answers(
            np.stack([grid.quantiles for grid in grids]),
            np.stack([grid.p_gt_0 for grid in grids]),
            np.stack([grid.log_evidence + cell.constant for grid, cell in zip(grids, plan.cells, strict=True)]),
            max(errors),
        ),
        len(by_key) * len(mu) * len(tau),
    )
