"""A study's likelihood tabulated in standard units: theta = centre + width * x, on meshes that are always the same.

Smoothing by Normal(mu, tau) is then one product with a matrix that is made once and serves every study of every
review; pairs that the theta mesh does not resolve, or outside the table, are smoothed directly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.curves import ConstantCurve, Curve
from bayes_ivig.quadrature.line_function import LineFunction, is_resolved
from bayes_ivig.quadrature.panels import Panels

Array = NDArray[np.float64]
LogLikelihood = Callable[[Array], Array]
_CORE = 8.25  # half the fine part of the meshes, in widths
_RELEVANT = 60.0  # log likelihoods this far below the peak do not matter
_TOLERANCE, _EXACT = 1e-10, 1e-11
_FLAT = 1e-10  # a slope below this, in log likelihood a width, is rounding
_SMALL_TAUS = 11
_FURTHEST, _CROOKED = 50.0, 1e-6  # effects up to which a likelihood must be straight beyond its mesh, and how straight
_CREASE = 1e-10  # share of the log likelihood that polynomials leave out of one panel beside a crease
_BEND = 1e-4  # widths: the finest panels beside a kink
_PAIRS = 200  # interpolated at a time where each tau has its own mu
_LEAST_TAU = 1e-3  # widths: bells narrower than this see no kink except beside it, and are no part of a table


def _edges(core_panels: int, outer_panels: int, widening: float) -> Array:
    """Edges symmetric about 0: equal panels to `_CORE`, then widening ones."""
    half = np.concatenate([np.linspace(0, _CORE, core_panels + 1), _CORE * widening ** np.arange(1, outer_panels + 1)])
    return np.concatenate([-half[:0:-1], half])


@dataclass(frozen=True, eq=False)
class _Mesh:
    """Meshes in standard units: theta, mu, and tau in two parts.

    Below `split`, tau^2 is the variable and `small_taus` are the nodes, tau = 0 first; above it, log tau is. Without
    small nodes, a smaller tau is not tabulated.
    """

    theta: Panels
    mu: Panels
    small_taus: Array
    split: float
    log_tau: Panels

    @cached_property
    def tau(self) -> Array:
        """All nodes of tau, (T,)."""
        return np.concatenate([self.small_taus, np.exp(self.log_tau.nodes)])

    @property
    def least_tau(self) -> float:
        """The smallest tau of the table."""
        return 0.0 if len(self.small_taus) else self.split

    @property
    def last(self) -> float:
        """The largest tau, and distance of mu, of the table."""
        return float(self.mu.edges[-1])

    def interpolate(self, table: Array, x: Array, t: Array) -> Array:
        """Interpolate a table (T, G) at places x (n,) of mu and t (m,) of tau: shape (m, n)."""
        by_mu = self.mu.interpolate(x, table)
        small, count = (t <= self.split) & (len(self.small_taus) > 0), len(self.small_taus)
        result = np.empty((len(t), len(x)))
        if small.any():
            result[small] = _chebyshev_basis(self.small_taus**2, t[small] ** 2) @ by_mu[:count]
        result[~small] = self.log_tau.interpolate(np.log(t[~small]), by_mu[count:].T).T
        return result


def _chebyshev_basis(nodes: Array, x: Array) -> Array:
    """Lagrange polynomials at x through Chebyshev points, ends included: (len(x), len(nodes))."""
    weights = (-1.0) ** np.arange(len(nodes))
    weights[[0, -1]] /= 2
    offset = x[:, None] - nodes
    hit = offset == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = weights / offset
        basis = terms / terms.sum(axis=1, keepdims=True)
    return np.where(hit.any(axis=1, keepdims=True), hit.astype(float), basis)


@lru_cache(maxsize=1)
def _mesh() -> _Mesh:
    """The mesh of a smooth likelihood."""
    theta, mu = Panels(_edges(11, 11, 1.45), 16), Panels(_edges(5, 7, 1.3), 12)
    split = math.sqrt(0.4)
    small = np.sqrt(split**2 * (1 - np.cos(math.pi * np.arange(_SMALL_TAUS) / (_SMALL_TAUS - 1))) / 2)
    log_tau = Panels(np.linspace(math.log(split), math.log(mu.edges[-1]), 5), 12)
    return _Mesh(theta, mu, small, split, log_tau)


@lru_cache(maxsize=1)
def _kinked_mesh() -> _Mesh:
    """The mesh of a likelihood with a kink at 0: panels narrow towards it, so that every bell near it is resolved."""
    theta = Panels(_narrowing_edges(_BEND, 36, 11, 1.45), 16)
    mu = Panels(_narrowing_edges(2 * _LEAST_TAU, 24, 7, 1.3), 12)
    # The kink is felt over a few taus, at a distance that grows with tau^2.
    narrow, middle = np.geomspace(_LEAST_TAU, 0.05, 5), np.geomspace(0.05, 2.0, 13)[1:]
    wide = np.geomspace(2.0, float(mu.edges[-1]), 10)[1:]
    log_tau = Panels(np.log(np.concatenate([narrow, middle, wide])), 12)
    return _Mesh(theta, mu, np.zeros(0), _LEAST_TAU, log_tau)


def _narrowing_edges(least: float, narrow_panels: int, outer_panels: int, widening: float) -> Array:
    """Edges symmetric about 0: from `least` panels as wide as a share of the distance, then equal, then widening."""
    half = np.concatenate(
        [
            np.geomspace(least, _CORE * 3 / 11, narrow_panels),
            np.linspace(_CORE * 3 / 11, _CORE, 9)[1:],
            _CORE * widening ** np.arange(1, outer_panels + 1),
        ]
    )
    return np.concatenate([-half[::-1], [0.0], half])


@lru_cache(maxsize=1)
def _coarse_panels() -> Panels:
    """The theta mesh with panels twice as wide: nearly every likelihood is a polynomial in them already."""
    return Panels(_mesh().theta.edges[::2], 18)


class _Bells(NamedTuple):
    """Which (tau, mu) nodes the theta mesh resolves (T, G), and the matrix of bells there (entries, N)."""

    resolved: NDArray[np.bool_]
    matrix: Array


@lru_cache(maxsize=1)
def _bells() -> _Bells:
    mesh = _mesh()
    resolved = is_resolved(mesh.theta, mesh.mu.nodes[None, :], mesh.tau[:, None])
    row, column = np.nonzero(resolved)
    tau = mesh.tau[row][:, None]
    bells = (mesh.theta.nodes - mesh.mu.nodes[column][:, None]) / tau
    bells *= bells
    bells *= -0.5
    np.maximum(bells, -300.0, out=bells)  # further down doubles run out, slowly
    np.exp(bells, out=bells)
    bells *= mesh.theta.weights / (tau * math.sqrt(2 * math.pi))
    return _Bells(resolved, bells)


@dataclass(frozen=True, eq=False)
class TabulatedCurve:
    """A likelihood held in standard units, and its table unless it `is_direct`: smoothed directly everywhere."""

    centre: float
    width: float
    line: LineFunction
    error: float
    kink: float | None = None
    is_direct: bool = False

    @property
    def _mesh(self) -> _Mesh:
        return _mesh() if self.kink is None else _kinked_mesh()

    def log_profile(self, theta: Array) -> Array:
        """Log likelihood at effects theta, any shape."""
        return self.line.at((np.asarray(theta) - self.centre) / self.width)

    def log_smoothed(self, mu: Array, tau: Array) -> Array:
        """Log likelihood at every mu (G,) and tau (T,), from the table inside it and directly outside: (T, G)."""
        if self.is_direct:
            return self.smooth_directly(mu, tau)
        x, t = (mu - self.centre) / self.width, tau / self.width
        columns, rows = self._covers(x, t)
        if columns.all() and rows.all():
            return self._mesh.interpolate(self.table, x, t)
        result = np.empty((len(t), len(x)))
        result[np.ix_(rows, columns)] = self._mesh.interpolate(self.table, x[columns], t[rows])
        row, column = np.nonzero(~(rows[:, None] & columns))
        result[row, column] = self.line.smooth(x[column], t[row])
        return result

    def smooth_directly(self, mu: Array, tau: Array) -> Array:
        """The same without the table, (T, G)."""
        x, t = np.broadcast_arrays((mu - self.centre) / self.width, (tau / self.width)[:, None])
        return self.line.smooth(x.ravel(), t.ravel()).reshape(x.shape)

    def table_errors(self, mu: Array, tau: Array) -> Array:
        """Direct smoothing less the table at pairs of mu and tau, (n,); 0 outside the table."""
        x, t = (mu - self.centre) / self.width, tau / self.width
        inside = np.nonzero(np.logical_and(*self._covers(x, t)))[0]
        x, t = x[inside], t[inside]
        result = np.zeros(len(mu))
        for some in np.array_split(np.arange(len(x)), len(x) // _PAIRS + 1):
            tabulated = self._mesh.interpolate(self.table, x[some], t[some]).diagonal()
            result[inside[some]] = self.line.smooth(x[some], t[some]) - tabulated
        return result

    @cached_property
    def table(self) -> Array:
        """Log smoothed likelihood at the nodes of tau and mu, (T, G)."""
        mesh, line = self._mesh, self.line
        if self.kink is not None:
            x, t = np.broadcast_arrays(mesh.mu.nodes, mesh.tau[:, None])
            return line.smooth(x.ravel(), t.ravel()).reshape(x.shape)
        bells = _bells()
        result = np.empty((len(mesh.tau), len(mesh.mu.nodes)))
        with np.errstate(divide="ignore"):
            result[bells.resolved] = np.log(bells.matrix @ np.exp(line.values - line.peak)) + line.peak
        row, column = np.nonzero(~bells.resolved)
        result[row, column] = line.smooth_narrow(mesh.mu.nodes[column], mesh.tau[row])
        # Where the products underflow, term by term.
        row, column = np.nonzero(~(result > line.peak - 250.0) & bells.resolved)
        if len(row):
            result[row, column] = line.smooth_wide(mesh.mu.nodes[column], mesh.tau[row])
        return result

    def _covers(self, x: Array, t: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which x and which t are inside the table."""
        return np.abs(x) <= self._mesh.last, (t >= self._mesh.least_tau) & (t <= self._mesh.last)


def tabulate(log_likelihood: LogLikelihood, kink: float | None = None, crease: float | None = None) -> Curve:
    """Tabulate a study's log likelihood, a function of effects (m,), where and as finely as it varies.

    `kink` is a place where its slope jumps; `crease` one where it may bend too sharply for a smooth mesh.
    """
    found = _find_scale(log_likelihood)
    if found is None:
        return ConstantCurve(float(log_likelihood(np.zeros(1))[0]))
    if kink is not None:
        return _tabulate_around(log_likelihood, kink, 1.0, kink)
    curve = _tabulate_around(log_likelihood, *found, None)
    if crease is not None and (curve.error > _TOLERANCE or _is_creased(curve, crease)):
        return _tabulate_around(log_likelihood, crease, 1.0, crease)
    if not _is_straight_beyond(log_likelihood, curve):
        return _tabulate_around(log_likelihood, curve.centre, 1.0, curve.centre)
    return curve


def _tabulate_around(log_likelihood: LogLikelihood, centre: float, width: float, kink: float | None) -> TabulatedCurve:
    """Tabulate on the widest mesh that resolves the likelihood; the bend at a kink is no scale."""
    for _ in range(6):
        curve = _tabulate_at(log_likelihood, centre, width, kink)
        if curve.error <= _TOLERANCE:
            break
        width /= 1.7
    return curve


def _is_creased(curve: TabulatedCurve, place: float) -> bool:
    """Whether the likelihood bends too sharply at a place for its mesh, be it far down in a tail."""
    panels, values = curve.line.panels, curve.line.values
    panel, _ = panels.locate(np.array([(place - curve.centre) / curve.width]))
    local = values.reshape(-1, panels.order)[panel[0]]
    left_out = np.abs(panels.rule.to_legendre[-2:] @ local).max()
    return bool(left_out > _CREASE * (1 + np.abs(local).max()) and local.max() > values.max() - _RELEVANT)


def _is_straight_beyond(log_likelihood: LogLikelihood, curve: TabulatedCurve) -> bool:
    """Whether the likelihood goes on as a straight line beyond its mesh, as far as it matters."""
    steps = curve.line.last * curve.width * np.array([1.0, 1.3, 2.0, 4.0, 10.0, 30.0])
    theta = np.concatenate([curve.centre - steps, curve.centre + steps])
    theta = theta[np.abs(theta) < _FURTHEST]
    if not len(theta):
        return True
    values = log_likelihood(theta)
    matters = values > curve.line.peak - _RELEVANT
    return bool(np.all(np.abs(values - curve.log_profile(theta))[matters] < _CROOKED))


def _tabulate_at(log_likelihood: LogLikelihood, centre: float, width: float, kink: float | None) -> TabulatedCurve:
    panels = (_mesh() if kink is None else _kinked_mesh()).theta
    values = None
    if kink is None:
        coarse = _coarse_panels()
        seen = _values_at(log_likelihood, centre, width, coarse)
        if _is_exact(coarse, seen):
            values = coarse.at(panels.nodes, seen)
    if values is None:
        values = _values_at(log_likelihood, centre, width, panels)
    slope = panels.slopes(values)
    rounding = _FLAT * max(1.0, float(np.abs(values).max()) * 1e-6)
    left, right = (0.0 if abs(s) < rounding else float(s) for s in (slope[0], slope[-1]))
    line = LineFunction(panels, values, (max(left, 0.0), min(right, 0.0)), float(_mesh().mu.edges[-1]))
    return TabulatedCurve(centre, width, line, _unresolved(panels, values), kink)


def _values_at(log_likelihood: LogLikelihood, centre: float, width: float, panels: Panels) -> Array:
    values = log_likelihood(centre + width * panels.nodes)
    finite = np.isfinite(values)
    if finite.all():
        return values
    # Beyond what doubles can tell: go on as it was.
    return np.interp(panels.nodes, panels.nodes[finite], values[finite])


def _is_exact(panels: Panels, values: Array) -> bool:
    """Whether the polynomials leave out nothing but rounding, however far below the peak."""
    local = values.reshape(-1, panels.order)
    last = np.abs(local @ panels.rule.to_legendre[-2:].T).max(axis=1)
    return bool(np.all(last <= _EXACT * (1 + np.abs(local).max(axis=1))))


def _unresolved(panels: Panels, values: Array) -> float:
    """Largest of the last Legendre coefficients of the panels that matter: what the polynomials leave out."""
    local = values.reshape(-1, panels.order)
    last = np.abs(local @ panels.rule.to_legendre[-2:].T).max(axis=1)
    below = values.max() - local.max(axis=1)
    rounding = 4e-15 * np.abs(local).max(axis=1) * panels.order
    left_out = np.maximum(last - rounding, 0.0) * np.exp(-np.maximum(below - 12.0, 0.0) / 2)
    return float(left_out[below < _RELEVANT].max())


def _find_scale(log_likelihood: LogLikelihood) -> tuple[float, float] | None:
    """Where the likelihood bends most, weighed by its height, and the width of that bend; None for a constant."""
    x = np.sinh(np.linspace(-math.asinh(200), math.asinh(200), 61))
    for _ in range(8):
        values = log_likelihood(x)
        top = values.max()
        if top - values.min() < 1e-12 * (1 + abs(top)):
            return None
        gaps = np.diff(x)
        bend = -np.diff(np.diff(values) / gaps) / ((gaps[1:] + gaps[:-1]) / 2)
        best = int(np.argmax(bend * np.exp((values[1:-1] - top) / 4))) + 1
        width = 1 / math.sqrt(max(bend[best - 1], 1e-300))
        spacing = max(gaps[best - 1], gaps[best])
        if spacing < 0.5 * width:
            break
        x = np.linspace(x[best] - 3 * spacing, x[best] + 3 * spacing, 41)
    return float(x[best]), float(min(width, 20.0))
