"""The posterior of mu after one more trial, for thousands of possible results of that trial at once.

The posterior density of mu is a linear function of the new trial's likelihood L of its effect:

    p(mu | data, new) is proportional to the integral of L(theta) K(theta, mu) d theta,
    K(theta, mu) = sum over tau of p(mu, tau | data) Normal(theta; mu, tau).

K depends on the trials at hand alone. L is known at the nodes of panels of theta, which hold it as polynomials, so
that K becomes one matrix: a bell wider than the panels is summed over the nodes, a narrower one is integrated by
Gauss-Hermite nodes around each mu. It is the posterior of the exact engine, not an approximation to it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from bayes_ivig.plan.design import Design, Tables
from bayes_ivig.plan.likelihoods import log_likelihoods
from bayes_ivig.quadrature import Posterior, Surface, fit_posterior
from bayes_ivig.quadrature.panels import Panels, solve_series
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import curve_of
from bayes_ivig.summary import tails

Array = NDArray[np.float64]
_ORDER = 16
_PANEL = 7.5  # width of the panels of theta times sqrt(patients): five of the narrowest likelihood's SDs
_NARROW = 0.2  # bells below this share of a panel of theta are integrated around their middle
_HERMITE = 40
_TAIL = 1e-13  # probability beyond the ends of the panels
_TOLERANCE = 1e-4  # of the last coefficients, relative to the peak: moves P(mu > 0) by less than 1e-6
_ROUNDS = 5
UNLIKELY = 1e-8  # average likelihood, relative to its peak, below which a table is fitted on its own


class Updated(NamedTuple):
    """Posterior of mu after each of N possible tables: P(mu > 0) and the ends of the interval, arrays (N,)."""

    p_gt_0: Array
    low: Array
    high: Array

    @property
    def width(self) -> Array:
        """Width of each interval."""
        return self.high - self.low


@dataclass(frozen=True, eq=False)
class Current:
    """The trials at hand, and their posterior under the priors of the analysis."""

    surface: Surface
    mu: Shape
    tau: Shape | None
    posterior: Posterior

    @cached_property
    def heights(self) -> tuple[Panels, Array, Array]:
        """Panels of mu with 0 as an edge, tau (T,), and the posterior density of mu times the mass of tau (T, G)."""
        joint, marginal = self.posterior.joint, self.posterior.mu
        assert joint.mu_panels is not None
        low, high = marginal.quantile(np.array([_TAIL, 1 - _TAIL]))
        edges = np.unique([*joint.mu_panels.edges, 0.0] if low < 0 < high else joint.mu_panels.edges)
        first = max(int(np.searchsorted(edges, low, side="right")) - 1, 0)
        last = min(int(np.searchsorted(edges, high)), len(edges) - 1)
        edges = edges[first : last + 1]
        panels = Panels(np.unique(np.concatenate([edges, (edges[:-1] + edges[1:]) / 2])), _ORDER)
        # The prior of tau, with its weights, is the same at every mu: up to a factor, the first column.
        log_tau = joint.log_prior[:, [int(np.argmax(joint.log_prior[-1]))]]
        alive = joint.mass.sum(axis=1) > _TAIL / len(joint.tau)
        tau = joint.tau[alive]
        log_terms = self.surface.parts(panels.nodes, tau).sum(axis=0) + self.mu.logpdf(panels.nodes) + log_tau[alive]
        density = np.exp(log_terms - log_terms.max())
        return panels, tau, density / (density.sum(axis=0) @ panels.weights)

    def theta_range(self) -> tuple[float, float]:
        """Ends of the effects that the next trial may have, and of mu."""
        panels, _, _ = self.heights
        low, high = self.posterior.theta_new.quantile(np.array([_TAIL, 1 - _TAIL]))
        return min(float(low), panels.edges[0]), max(float(high), panels.edges[-1])


def update(current: Current, design: Design, tables: Tables, prob: float) -> Updated:
    """Posterior of mu with each of the tables (N, 4), all of one size, added to the trials at hand."""
    patients = int(tables[0].sum())
    low, high = current.theta_range()
    wanted = max(4, int(np.ceil((high - low) * np.sqrt(patients) / _PANEL)))
    for _ in range(_ROUNDS):
        theta = Panels(np.linspace(low, high, wanted + 1), _ORDER)
        log_l = log_likelihoods(tables, design, theta.nodes)
        likelihood = np.exp(log_l - log_l.max(axis=1, keepdims=True))
        if _left_out(theta, likelihood) < _TOLERANCE:
            break
        wanted *= 2
    density = likelihood @ kernel(current, theta)
    panels = current.heights[0]
    unlikely = np.flatnonzero(~(density @ panels.weights > UNLIKELY))
    density[unlikely] = 1.0  # whatever: fitted below
    result = summarise_densities(panels, density, prob)
    for i in unlikely:
        result.p_gt_0[i], result.low[i], result.high[i] = refit(current, design, tables[i], prob)
    return result


def refit(current: Current, design: Design, table: NDArray[np.int64], prob: float) -> tuple[float, float, float]:
    """Return what `update` does for one table, by a fit of its own."""
    surface = Surface((*current.surface.curves, curve_of(design.study(table), design.model)))
    mu = fit_posterior(surface, current.mu, current.tau).mu
    return (mu.p_gt(0.0), *mu.interval(prob))


def kernel(current: Current, theta: Panels) -> Array:
    """Matrix (J, G) from likelihoods at the nodes of theta to densities of mu at the nodes of mu."""
    panels, tau, density = current.heights
    mu, width = panels.nodes, 2 * float(theta.half[0])
    matrix = np.zeros((len(mu), len(theta.nodes)))
    narrow = tau < _NARROW * width
    z, weights = hermegauss(_HERMITE)
    weights /= weights.sum()
    row = np.arange(len(mu))[:, None, None]
    for t, height in zip(tau[narrow], density[narrow], strict=True):
        x = mu[:, None] + t * z
        panel, place = theta.locate(x)
        inside = (x >= theta.edges[0]) & (x <= theta.edges[-1])
        basis = theta.basis(np.clip(place, -1, 1)) * (weights * inside * height[:, None])[..., None]
        column = panel[..., None] * theta.order + np.arange(theta.order)
        np.add.at(matrix, (np.broadcast_to(row, column.shape), column), basis)
    for t, height in zip(tau[~narrow], density[~narrow], strict=True):
        bell = np.exp(-0.5 * ((theta.nodes - mu[:, None]) / t) ** 2) / (t * np.sqrt(2 * np.pi))
        matrix += height[:, None] * bell * theta.weights
    return matrix.T


def summarise_densities(panels: Panels, density: Array, prob: float) -> Updated:
    """P(mu > 0) and the equal-tailed interval of densities (N, G), not normalised; 0 is an edge of the panels."""
    mass = (density * panels.weights).reshape(len(density), -1, panels.order).sum(axis=2)
    total = mass.sum(axis=1)
    below = np.cumsum(mass, axis=1)
    above = int(np.searchsorted(panels.edges, 0.0))
    p_gt_0 = mass[:, above:].sum(axis=1) / total
    ends = []
    rows = np.arange(len(density))
    for q in tails(prob):
        need = q * total
        panel = np.minimum((below <= need[:, None]).sum(axis=1), mass.shape[1] - 1)
        need = need - np.where(panel > 0, below[rows, panel - 1], 0.0)
        local = density.reshape(len(density), -1, panels.order)[rows, panel] @ panels.rule.to_legendre.T
        half = panels.half[panel]
        ends.append(panels.edges[panel] + half * (1 + solve_series(local, half, need)))
    return Updated(p_gt_0, ends[0], ends[1])


def _left_out(theta: Panels, likelihood: Array) -> float:
    """Largest of the last Legendre coefficients of the likelihoods on any panel: what the polynomials leave out."""
    local = likelihood.reshape(len(likelihood), -1, theta.order)
    return float(np.abs(local @ theta.rule.to_legendre[-2:].T).max())
