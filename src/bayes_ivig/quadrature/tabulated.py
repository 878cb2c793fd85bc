"""A study's likelihood tabulated in standard units: theta = centre + width * x, on meshes that are always the same.

Smoothing by Normal(mu, tau) is then one product with a matrix that is made once and serves every study of every
review. Where tau is small against the local panels the matrix would miss the bell; there the bell is integrated by
Gauss-Hermite nodes centred by the local slope and bend (Liu Q, Pierce DA, Biometrika 1994;81:624-629). Beyond the
mesh the log likelihood goes on as a straight line, whose smoothing has a closed form.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr

from bayes_ivig.quadrature.curves import ConstantCurve, Curve
from bayes_ivig.quadrature.panels import Panels, legendre_rule

Array = NDArray[np.float64]
_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
_CORE = 8.25  # half the fine part of the meshes, in widths
_RESOLVED = 7.0  # panels this many tau wide still integrate a bell of SD tau to 1e-11 of its peak
_RELEVANT = 60.0  # log likelihoods this far below the peak do not matter
_TOLERANCE = 1e-10
_HERMITE = 24
_NEWTON = 3
_FLAT = 1e-10  # a slope below this, in log likelihood a width, is rounding


def _edges(core_panels: int, outer_panels: int, widening: float) -> Array:
    """Edges symmetric about 0: equal panels to `_CORE`, then widening ones."""
    half = np.concatenate([np.linspace(0, _CORE, core_panels + 1), _CORE * widening ** np.arange(1, outer_panels + 1)])
    return np.concatenate([-half[:0:-1], half])


class _Mesh(NamedTuple):
    """The meshes in standard units: theta, mu and the nodes of tau, tau = 0 first."""

    theta: Panels
    mu: Panels
    tau: Array
    split: float  # tau^2 is the variable below this tau, log tau above it
    log_tau: Panels


_SMALL_TAUS = 11


@lru_cache(maxsize=1)
def _mesh() -> _Mesh:
    theta, mu = Panels(_edges(11, 11, 1.45), 16), Panels(_edges(5, 7, 1.3), 12)
    split = math.sqrt(0.4)
    small = np.sqrt(split**2 * (1 - np.cos(math.pi * np.arange(_SMALL_TAUS) / (_SMALL_TAUS - 1))) / 2)
    log_tau = Panels(np.linspace(math.log(split), math.log(mu.edges[-1]), 5), 12)
    return _Mesh(theta, mu, np.concatenate([small, np.exp(log_tau.nodes)]), split, log_tau)


class _Bells(NamedTuple):
    """Which (tau, mu) nodes the theta mesh resolves (T, G), and the matrix of bells there (entries, N)."""

    resolved: NDArray[np.bool_]
    matrix: Array


@lru_cache(maxsize=1)
def _bells() -> _Bells:
    mesh = _mesh()
    resolved = _is_resolved(mesh.mu.nodes[None, :], mesh.tau[:, None])
    row, column = np.nonzero(resolved)
    tau = mesh.tau[row][:, None]
    bells = (mesh.theta.nodes - mesh.mu.nodes[column][:, None]) / tau
    bells *= bells
    bells *= -0.5
    np.maximum(bells, -300.0, out=bells)  # further down doubles run out, slowly
    np.exp(bells, out=bells)
    bells *= mesh.theta.weights / (tau * math.sqrt(2 * math.pi))
    return _Bells(resolved, bells)


def _is_resolved(mu: Array, tau: Array) -> NDArray[np.bool_]:
    """Whether panels within six tau of mu are narrow enough for a bell of SD tau; they widen outwards."""
    panels = _mesh().theta
    furthest = np.minimum(np.abs(mu) + 6 * tau, panels.edges[-1])
    panel, _ = panels.locate(furthest)
    return np.asarray(2 * panels.half[panel] <= _RESOLVED * tau)


def _small_tau_basis(tau: Array) -> Array:
    """Polynomials in tau^2 through the Chebyshev points of the first nodes, (len(tau), _SMALL_TAUS)."""
    nodes = _mesh().tau[:_SMALL_TAUS] ** 2
    weights = (-1.0) ** np.arange(_SMALL_TAUS)
    weights[[0, -1]] /= 2
    offset = (tau**2)[:, None] - nodes
    hit = offset == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = weights / offset
        basis = terms / terms.sum(axis=1, keepdims=True)
    return np.where(hit.any(axis=1, keepdims=True), hit.astype(float), basis)


@dataclass(frozen=True, eq=False)
class TabulatedCurve:
    """A likelihood known by its log values at the nodes of the theta mesh, in standard units.

    `slopes` are those of the straight lines beyond the mesh, in log likelihood a width.
    """

    centre: float
    width: float
    values: Array
    slopes: tuple[float, float]
    error: float

    @property
    def peak(self) -> float:
        """Largest log likelihood on the mesh."""
        return float(self.values.max())

    def log_profile(self, theta: Array) -> Array:
        """Log likelihood at effects theta, any shape."""
        return self._at((np.asarray(theta) - self.centre) / self.width)

    def _at(self, x: Array) -> Array:
        panels = _mesh().theta
        last = panels.edges[-1]
        inside = panels.at(np.clip(x, -last, last), self.values)
        left, right = self.slopes
        return np.asarray(inside + left * np.minimum(x + last, 0.0) + right * np.maximum(x - last, 0.0))

    @cached_property
    def _bends(self) -> tuple[Array, Array]:
        """Slope and bend of the log likelihood at the nodes of the theta mesh."""
        slope = _mesh().theta.slopes(self.values)
        return slope, _mesh().theta.slopes(slope)

    def _bend_at(self, x: Array) -> tuple[Array, Array]:
        """Slope and downward bend of the log likelihood at x."""
        last = _mesh().theta.edges[-1]
        slope, bend = (_mesh().theta.at(np.clip(x, -last, last), values) for values in self._bends)
        slope = np.where(x < -last, self.slopes[0], np.where(x > last, self.slopes[1], slope))
        return slope, np.where(np.abs(x) > last, 0.0, np.maximum(-bend, 0.0))

    @cached_property
    def table(self) -> Array:
        """Log smoothed likelihood at the nodes of tau and mu, (T, G)."""
        mesh, bells = _mesh(), _bells()
        result = np.empty((len(mesh.tau), len(mesh.mu.nodes)))
        with np.errstate(divide="ignore"):
            smooth = np.log(bells.matrix @ np.exp(self.values - self.peak)) + self.peak
        result[bells.resolved] = smooth
        row, column = np.nonzero(~bells.resolved)
        result[row, column] = self._small_tau(mesh.mu.nodes[column], mesh.tau[row])
        # Where the products underflow, term by term.
        row, column = np.nonzero(~(result > self.peak - 250.0) & bells.resolved)
        if len(row):
            result[row, column] = self._large_tau(mesh.mu.nodes[column], mesh.tau[row])
        return result

    def log_smoothed(self, mu: Array, tau: Array) -> Array:
        """Log likelihood at every mu (G,) and tau (T,), from the table inside it and directly outside: (T, G)."""
        x, t = (mu - self.centre) / self.width, tau / self.width
        last = _mesh().mu.edges[-1]
        columns, rows = np.abs(x) <= last, t <= last
        if columns.all() and rows.all():
            return self._interpolate(x, t)
        result = np.empty((len(t), len(x)))
        inside = np.ix_(rows, columns)
        result[inside] = self._interpolate(x[columns], t[rows])
        outside = ~(rows[:, None] & columns)
        row, column = np.nonzero(outside)
        result[row, column] = self.smooth_directly(x[column], t[row])
        return result

    def _interpolate(self, x: Array, t: Array) -> Array:
        mesh = _mesh()
        small = t <= mesh.split
        by_mu = self.table @ mesh.mu.interpolation(x).T
        result = np.empty((len(t), len(x)))
        result[small] = _small_tau_basis(t[small]) @ by_mu[:_SMALL_TAUS]
        result[~small] = mesh.log_tau.interpolation(np.log(t[~small])) @ by_mu[_SMALL_TAUS:]
        return result

    def smooth_directly(self, x: Array, t: Array) -> Array:
        """Log smoothed likelihood at pairs of mu and tau in standard units, without the table; same shapes."""
        result = np.empty(len(x))
        straight = np.zeros(len(x), bool)
        last = _mesh().theta.edges[-1]
        for side, slope in zip((-1.0, 1.0), self.slopes, strict=True):
            # The whole bell, moved by the slope, stands on the straight line.
            on_line = (side * x > last) & (side * (x + slope * t * t) - 8.5 * t > last)
            level = float(self._at(np.array(side * last)))
            line = level + slope * (x[on_line] - side * last) + 0.5 * (slope * t[on_line]) ** 2
            result[on_line] = line
            straight |= on_line
        large = _is_resolved(x, t)
        for chosen, smooth in ((~large & ~straight, self._small_tau), (large & ~straight, self._large_tau)):
            for piece in np.array_split(np.nonzero(chosen)[0], np.count_nonzero(chosen) // 4000 + 1):
                result[piece] = smooth(x[piece], t[piece])
        return result

    def _small_tau(self, x: Array, t: Array) -> Array:
        """By Gauss-Hermite nodes around the top of likelihood times bell."""
        top = x
        for _ in range(_NEWTON):
            slope, bend = self._bend_at(top)
            spread = t / np.sqrt(1 + t * t * bend)
            top = top + np.clip(spread**2 * (slope - np.divide(top - x, t * t, out=np.zeros_like(t), where=t > 0)), -2 * t, 2 * t)
        nodes, weights = hermegauss(_HERMITE)
        step = (top - x)[:, None] + spread[:, None] * nodes
        z = np.divide(step, t[:, None], out=np.zeros_like(step), where=t[:, None] > 0)
        narrowing = np.log(np.divide(spread, t, out=np.ones_like(t), where=t > 0))
        terms = self._at(x[:, None] + step) - 0.5 * z**2 + np.where(t[:, None] > 0, 0.5 * nodes**2, 0.0)
        return _log_sum(terms + np.log(weights) - _LOG_ROOT_2PI) + narrowing

    @cached_property
    def _far_rule(self) -> tuple[Array, Array]:
        """Nodes and weights for bells wider than the mu mesh: its whole inside is one polynomial panel there."""
        panels, reach = _mesh().theta, _mesh().mu.edges[-1]
        mass = panels.weights * np.exp(self.values - self.peak)
        near = np.abs(panels.nodes) < reach
        rule = legendre_rule(_HERMITE)
        gathered = mass[near] @ Panels(np.array([-reach, reach]), _HERMITE).basis(panels.nodes[near] / reach)
        nodes = np.concatenate([reach * rule.nodes, panels.nodes[~near]])
        return nodes, np.concatenate([gathered, mass[~near]])

    def _large_tau(self, x: Array, t: Array) -> Array:
        """By the nodes of the theta mesh, and the straight lines beyond it in closed form."""
        panels = _mesh().theta
        result = np.full(len(x), -np.inf)
        far = t > _mesh().mu.edges[-1]
        if far.any():
            nodes, weights = self._far_rule
            z = (nodes - x[far, None]) / t[far, None]
            # The weights may be negative: sum, then take the logarithm, relative to the nearest point of the core.
            nearest = np.clip(x[far], nodes.min(), nodes.max())
            shift = -0.5 * ((nearest - x[far]) / t[far]) ** 2
            total = (weights * np.exp(-0.5 * z**2 - shift[:, None])).sum(axis=1)
            with np.errstate(divide="ignore"):
                result[far] = np.log(np.maximum(total, 0.0)) + shift + self.peak - np.log(t[far]) - _LOG_ROOT_2PI
        if not far.all():
            z = (panels.nodes - x[~far, None]) / t[~far, None]
            terms = self.values + np.log(panels.weights) - 0.5 * z**2
            result[~far] = _log_sum(terms) - np.log(t[~far]) - _LOG_ROOT_2PI
        last = panels.edges[-1]
        for side, slope in zip((-1.0, 1.0), self.slopes, strict=True):
            # integral of exp(level + slope (y - last)) N(y; mu, tau) over y > last, on the side turned to the right
            s, m = side * slope, side * x
            level = float(self._at(np.array(side * last)))
            a, gap = (m - last) / t + s * t, (m - last) / t
            # exp(a^2/2) Phi(a) is kept together where the exponent is huge
            left_out = level - 0.5 * gap**2 + np.log(0.5 * erfcx(-np.minimum(a, 0.0) / math.sqrt(2)))
            inside = level + s * (m - last) + 0.5 * (s * np.where(a > 0, t, 0.0)) ** 2 + log_ndtr(a)
            result = np.logaddexp(result, np.where(a > 0, inside, left_out))
        return result


def _log_sum(terms: Array) -> Array:
    top = terms.max(axis=1)
    return np.asarray(np.log(np.exp(terms - top[:, None]).sum(axis=1)) + top)


def tabulate(log_likelihood: Callable[[Array], Array]) -> Curve:
    """Tabulate a study's log likelihood, a function of effects (m,), where and as finely as it varies."""
    found = _find_scale(log_likelihood)
    if found is None:
        return ConstantCurve(float(log_likelihood(np.zeros(1))[0]))
    centre, width = found
    for _ in range(5):
        curve = _tabulate_at(log_likelihood, centre, width)
        if curve.error <= _TOLERANCE:
            break
        width /= 1.7
    return curve


def _tabulate_at(log_likelihood: Callable[[Array], Array], centre: float, width: float) -> TabulatedCurve:
    panels = _mesh().theta
    values = log_likelihood(centre + width * panels.nodes)
    finite = np.isfinite(values)
    if not finite.all():  # beyond what doubles can tell: go on as it was
        values = np.interp(panels.nodes, panels.nodes[finite], values[finite])
    slope = panels.slopes(values)
    ends = (float(slope[0]), float(slope[-1]))
    ends = tuple(0.0 if abs(s) < _FLAT * max(1.0, np.abs(values).max() * 1e-6) else s for s in ends)
    return TabulatedCurve(centre, width, values, (max(ends[0], 0.0), min(ends[1], 0.0)), _unresolved(panels, values))


def _unresolved(panels: Panels, values: Array) -> float:
    """Largest of the last Legendre coefficients of the panels that matter: what the polynomials leave out."""
    local = values.reshape(-1, panels.order)
    last = np.abs(local @ panels.rule.to_legendre[-2:].T).max(axis=1)
    below = values.max() - local.max(axis=1)
    rounding = 4e-15 * np.abs(local).max(axis=1) * panels.order
    return float((np.maximum(last - rounding, 0.0) * np.exp(-np.maximum(below - 12.0, 0.0) / 2))[below < _RELEVANT].max())


def _find_scale(log_likelihood: Callable[[Array], Array]) -> tuple[float, float] | None:
    """Where the likelihood bends most, weighed by its height, and the width of that bend; None for a constant."""
    x = np.sinh(np.linspace(-math.asinh(200), math.asinh(200), 61))
    for _ in range(8):
        values = log_likelihood(x)
        top = values.max()
        if top - values.min() < 1e-12 * (1 + abs(top)):
            return None
        gaps = np.diff(x)
        bend = -np.diff(np.diff(values) / gaps) / ((gaps[1:] + gaps[:-1]) / 2)
        score = bend * np.exp((values[1:-1] - top) / 4)
        best = int(np.argmax(score)) + 1
        width = 1 / math.sqrt(max(bend[best - 1], 1e-300))
        spacing = max(gaps[best - 1], gaps[best])
        if spacing < 0.5 * width:
            return float(x[best]), float(min(width, 20.0))
        centre, reach = x[best], 3 * spacing
        x = np.linspace(centre - reach, centre + reach, 41)
    return float(x[best]), float(min(width, 20.0))
