"""Composite Gauss-Legendre rules on panels: nodes, weights, interpolation and running integrals.

A function is held by its values at the nodes of each panel, which determine one polynomial a panel; integrals,
interpolation, running integrals and their inverse all follow from it (Trefethen, Approximation Theory and
Approximation Practice, 2013, ch. 19; Davis and Rabinowitz, Methods of Numerical Integration, 1984, sec. 2.7).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Rule(NamedTuple):
    """Gauss-Legendre rule of one order on [-1, 1] with its matrices.

    `to_legendre` (n, n) turns node values into Legendre coefficients, and `to_powers` (n, n) those into coefficients of
    powers; `running` (n, n) integrates the interpolant from -1 to each node; `barycentric` (n,) are the weights of
    barycentric interpolation.
    """

    nodes: Array
    weights: Array
    to_legendre: Array
    to_powers: Array
    running: Array
    barycentric: Array


@lru_cache(maxsize=8)
def legendre_rule(order: int) -> Rule:
    """Rule with `order` nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    values = np.polynomial.legendre.legvander(nodes, order)
    to_legendre = (np.arange(order) + 0.5)[:, None] * (values[:, :order] * weights[:, None]).T
    # The integral of P_l from -1 is (P_{l+1} - P_{l-1}) / (2 l + 1), and 1 + x for l = 0.
    degrees = np.arange(1, order)
    integrals = np.empty((order, order))
    integrals[:, 0] = nodes + 1
    integrals[:, 1:] = (values[:, 2:] - values[:, :-2]) / (2 * degrees + 1)
    to_powers = np.zeros((order, order))
    for degree, series in enumerate(np.eye(order)):
        to_powers[: degree + 1, degree] = np.polynomial.legendre.leg2poly(series)[: degree + 1]
    barycentric = np.asarray((-1.0) ** np.arange(order) * np.sqrt((1 - nodes**2) * weights), np.float64)
    return Rule(nodes, weights, to_legendre, to_powers, integrals @ to_legendre, barycentric)


@dataclass(frozen=True, eq=False)
class Panels:
    """Panels between increasing `edges` (m + 1,), each with `order` nodes; values at nodes have m * order entries."""

    edges: Array
    order: int

    @property
    def rule(self) -> Rule:
        """The rule of one panel."""
        return legendre_rule(self.order)

    @cached_property
    def half(self) -> Array:
        """Half the width of each panel, (m,)."""
        return np.diff(self.edges) / 2

    @cached_property
    def nodes(self) -> Array:
        """Nodes of all panels, increasing, (m * order,)."""
        middle = self.edges[:-1] + self.half
        return (middle[:, None] + self.half[:, None] * self.rule.nodes).ravel()

    @cached_property
    def weights(self) -> Array:
        """Quadrature weights, (m * order,)."""
        return (self.half[:, None] * self.rule.weights).ravel()

    def locate(self, x: Array) -> tuple[NDArray[np.intp], Array]:
        """Panel of each x (the outermost one outside), and its place there on [-1, 1] (beyond it outside)."""
        panel = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, len(self.half) - 1)
        return panel, (x - self.edges[panel]) / self.half[panel] - 1

    def basis(self, place: Array) -> Array:
        """Lagrange polynomials at `place` on [-1, 1] (any shape), shape (..., order)."""
        offset = place[..., None] - self.rule.nodes
        hit = offset == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = self.rule.barycentric / offset
            values = terms / terms.sum(axis=-1, keepdims=True)
        return np.where(hit.any(axis=-1, keepdims=True), hit.astype(float), values)

    def interpolate(self, x: Array, values: Array) -> Array:
        """Interpolate node `values` (..., m * order) at `x` (n,) inside the panels: shape (..., n)."""
        panel, place = self.locate(x)
        basis = self.basis(place)
        result = np.empty((*values.shape[:-1], len(x)))
        for one in np.unique(panel).tolist():
            chosen = panel == one
            result[..., chosen] = values[..., one * self.order : (one + 1) * self.order] @ basis[chosen].T
        return result

    def at(self, x: Array, values: Array) -> Array:
        """Interpolate node `values` (..., m * order) at scattered `x` (any shape): shape (..., *x.shape)."""
        panel, place = self.locate(x)
        local = values.reshape(*values.shape[:-1], len(self.half), self.order)
        # By way of the Legendre coefficients, which fall, the coefficients of powers keep every digit.
        powers = np.moveaxis(local @ self.rule.to_legendre.T, -1, 0)
        powers = np.tensordot(self.rule.to_powers, powers, 1)
        result = powers[-1][..., panel]
        for coefficient in powers[-2::-1]:
            result *= place
            result += coefficient[..., panel]
        return np.asarray(result)

    def running_integral(self, values: Array) -> tuple[Array, Array]:
        """Integral from the first edge to each edge (..., m + 1), and to each node (..., m * order)."""
        local = values.reshape(*values.shape[:-1], len(self.half), self.order)
        whole = (local * (self.half[:, None] * self.rule.weights)).sum(axis=-1)
        edges = np.concatenate([np.zeros((*whole.shape[:-1], 1)), np.cumsum(whole, axis=-1)], axis=-1)
        inner = (local @ self.rule.running.T) * self.half[:, None]
        return edges, (edges[..., :-1, None] + inner).reshape(values.shape)

    def slopes(self, values: Array) -> Array:
        """Derivative of the interpolant at each node, (m * order,)."""
        local = values.reshape(len(self.half), self.order)
        coefficients = np.polynomial.legendre.legder(self.rule.to_legendre @ local.T)
        derivative = np.polynomial.legendre.legval(self.rule.nodes, coefficients)
        return np.asarray((derivative / self.half[:, None]).ravel())


class Landmark(NamedTuple):
    """A place around which a function varies on a scale: panels within `reach` of it are a few scales wide at most."""

    centre: float
    scale: float
    reach: float = 0.0


NEAR, GROWTH, FAR_GROWTH = 2.5, 0.6, 3.0
_FAR = 60.0  # scales beyond which functions follow the distance itself


def lay_panels(low: float, high: float, landmarks: tuple[Landmark, ...], breaks: tuple[float, ...] = ()) -> Array:
    """Edges from `low` to `high`: panels `NEAR` scales wide at a landmark, wider in proportion to the distance.

    `breaks` inside the range become edges (a density may jump there).
    """
    centres, scales, reaches = (np.array([mark[i] for mark in landmarks]) for i in range(3))
    edges = [low]
    for stop in [*sorted(b for b in {*breaks} if low < b < high), high]:
        x = edges[-1]
        while x < stop:
            step = stop - x
            if len(centres):
                gap = np.abs(x - centres) - reaches
                growth = np.where(gap > _FAR * scales, FAR_GROWTH, GROWTH)
                # On the way towards a landmark the far end of the panel is the near one.
                room = np.where(x >= centres, growth, growth / (1 + growth)) * gap
                step = max(float(np.maximum(NEAR * scales, room).min()), 1e-12 * abs(x))
            x = x + step if x + 1.25 * step < stop else stop
            edges.append(x)
    return np.array(edges)


def split_panels(edges: Array, wanted: NDArray[np.bool_]) -> Array:
    """Halve the wanted panels, and then any panel more than about twice as wide as a neighbour."""
    while True:
        middles = (edges[:-1] + edges[1:])[wanted] / 2
        edges = np.sort(np.concatenate([edges, middles]))
        widths = np.diff(edges)
        neighbours = np.minimum(np.append(widths[1:], np.inf), np.insert(widths[:-1], 0, np.inf))
        wanted = widths > 2.5 * neighbours
        if not wanted.any() or not len(middles):
            return edges


def solve_series(coefficients: Array, half: Array, need: Array) -> Array:
    """Places on [-1, 1] at which the running integrals of Legendre series (K, n) reach `need`, by guarded Newton."""
    order = coefficients.shape[1]
    degrees = np.arange(1, order)
    whole = 2 * half * coefficients[:, 0]
    place = np.clip(2 * need / np.where(whole > 0, whole, 1.0) - 1, -1, 1)
    low, high = np.full_like(place, -1.0), np.full_like(place, 1.0)
    for _ in range(50):
        values = np.polynomial.legendre.legvander(place, order)
        running = coefficients[:, 0] * (place + 1) + (
            coefficients[:, 1:] * (values[:, 2:] - values[:, :-2]) / (2 * degrees + 1)
        ).sum(axis=1)
        miss = half * running - need
        slope = half * (coefficients * values[:, :order]).sum(axis=1)
        low, high = np.where(miss < 0, place, low), np.where(miss > 0, place, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = place - miss / slope
        new = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        if np.all(np.abs(new - place) < 1e-13):
            return new
        place = new
    return place
