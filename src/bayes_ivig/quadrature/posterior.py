"""The exact posterior of mu, tau, the next trial's effect and every study's effect, under any prior.

The joint posterior lives on a product of panels in mu and tau that prior and data lay together. Everything is
computed with more and more nodes a panel until the answer stops moving; the last movement is the error estimate.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.marginal import Marginal
from bayes_ivig.quadrature.mesh import Axis, find_mesh, prior_terms
from bayes_ivig.quadrature.panels import Panels
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.study_effects import effect_densities
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.quadrature.table_check import table_error, without_tables

Array = NDArray[np.float64]
ORDERS = (12, 18, 26)
TOLERANCE = 2e-8  # movement of an answer, in posterior SDs, at which refining stops
UNSETTLED = 2e-7  # movement at which all panels are halved, error of the tables at which they are left
_PROBES = 150


@dataclass(frozen=True, eq=False)
class Joint:
    """Posterior of (mu, tau) at nodes: log likelihood of each study (k, T, G) and log prior times weight (T, G)."""

    mu_panels: Panels | None
    tau_panels: Panels | None
    mu: Array
    tau: Array
    parts: Array
    log_prior: Array

    @cached_property
    def log_terms(self) -> Array:
        """Log of likelihood times prior times weight, (T, G)."""
        return np.asarray(self.parts.sum(axis=0) + self.log_prior)

    @cached_property
    def log_evidence(self) -> float:
        """Log of the sum of all terms."""
        top = float(self.log_terms.max())
        return top + math.log(float(np.exp(self.log_terms - top).sum()))

    @cached_property
    def mass(self) -> Array:
        """Posterior probability at each node, (T, G)."""
        return np.exp(self.log_terms - self.log_evidence)

    @cached_property
    def mu_marginal(self) -> Marginal:
        """Posterior of mu."""
        if self.mu_panels is None:
            return Marginal(None, np.zeros(0), float(self.mu[0]))
        return Marginal(self.mu_panels, self.mass.sum(axis=0) / self.mu_panels.weights)

    @cached_property
    def tau_marginal(self) -> Marginal:
        """Posterior of tau."""
        if self.tau_panels is None:
            return Marginal(None, np.zeros(0), float(self.tau[0]))
        return Marginal(self.tau_panels, self.mass.sum(axis=1) / self.tau_panels.weights)


@dataclass(frozen=True, eq=False)
class Posterior:
    """The posterior under one pair of priors.

    `movement` is by how much any mean, SD, quantile (in posterior SDs) or the log evidence moved when the nodes were
    last refined, with what the studies' own tables may add: the engine's estimate of its error.
    """

    surface: Surface
    mu_prior: Shape
    tau_prior: Shape | None
    joint: Joint
    movement: float

    @property
    def mu(self) -> Marginal:
        """The average effect."""
        return self.joint.mu_marginal

    @property
    def tau(self) -> Marginal:
        """The SD of effects between trials."""
        return self.joint.tau_marginal

    @property
    def log_evidence(self) -> float:
        """Log marginal likelihood, every constant included."""
        return self.joint.log_evidence

    @cached_property
    def _effects(self) -> tuple[Marginal, tuple[Marginal, ...]]:
        return effect_densities(self.surface.curves, self.joint)

    @property
    def theta_new(self) -> Marginal:
        """The effect in the next trial."""
        return self._effects[0]

    @property
    def theta(self) -> tuple[Marginal, ...]:
        """The effect in each study."""
        return self._effects[1]


def fit_posterior(surface: Surface, mu: Shape, tau: Shape | None) -> Posterior:
    """Return the posterior under these priors; `tau` None is a common effect (tau = 0)."""
    axes = find_mesh(surface, mu, tau, lambda x, t: surface.parts(x, t).sum(axis=0))
    fine, movement = _refine(surface, axes, mu, tau)
    if movement > UNSETTLED:
        axes = (axes[0].halved(), axes[1].halved())
        fine, movement = _refine(surface, axes, mu, tau)
    error = table_error(surface.curves, *_likeliest(fine))
    if error > UNSETTLED:
        # The tables miss something just where this posterior is: do without them, which takes seconds.
        return fit_posterior(without_tables(surface), mu, tau)
    return Posterior(surface, mu, tau, fine, movement + error + surface.error)


def _refine(surface: Surface, axes: tuple[Axis, Axis], mu: Shape, tau: Shape | None) -> tuple[Joint, float]:
    """Return the joint posterior with as many nodes a panel as it takes, and its last movement."""
    coarse = make_joint(surface, axes, mu, tau, ORDERS[0])
    for order in ORDERS[1:]:
        fine = make_joint(surface, axes, mu, tau, order)
        movement = _movement(coarse, fine)
        if movement < TOLERANCE:
            break
        coarse = fine
    return fine, movement


def make_joint(surface: Surface, axes: tuple[Axis, Axis], mu: Shape, tau: Shape | None, order: int) -> Joint:
    """Evaluate likelihood and priors at the nodes of these axes."""
    (x, log_mu), (t, log_tau) = (prior_terms(*pair, order) for pair in zip(axes, (mu, tau), strict=True))
    panels = axes[0].panels(order), axes[1].panels(order)
    return Joint(*panels, x, t, surface.parts(x, t), log_tau[:, None] + log_mu)


def _movement(coarse: Joint, fine: Joint) -> float:
    """Largest change of an answer between two joints, in SDs of the finer."""
    moved = [abs(coarse.log_evidence - fine.log_evidence)]
    probs = np.array([0.025, 0.5, 0.975])
    for before, after in ((coarse.mu_marginal, fine.mu_marginal), (coarse.tau_marginal, fine.tau_marginal)):
        if after.panels is None:
            continue
        scale = after.sd if math.isfinite(after.sd) else float(np.diff(after.quantile(np.array([0.16, 0.84])))[0]) / 2
        if not scale > 0:
            continue
        moved += (np.abs(before.quantile(probs) - after.quantile(probs)) / scale).tolist()
        if math.isfinite(after.sd) and math.isfinite(before.sd):
            moved += [abs(before.mean - after.mean) / scale, abs(before.sd - after.sd) / scale]
    return max(moved)


def _likeliest(joint: Joint) -> tuple[Array, Array]:
    """Values of mu and tau (n,) at the likeliest nodes, each as often as it is likely."""
    mass = joint.mass.ravel()
    order = np.argsort(mass)[::-1]
    held = np.cumsum(mass[order])
    chosen = order[np.searchsorted(held, (np.arange(_PROBES) + 0.5) / _PROBES).clip(0, len(order) - 1)]
    row, column = np.unravel_index(chosen, joint.mass.shape)
    return joint.mu[column], joint.tau[row]
