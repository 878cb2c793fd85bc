"""A log likelihood held by its values on panels, straight beyond them; and its smoothing by a bell, pair by pair.

Where the panels are narrow against the bell, the bell is summed over their nodes; elsewhere it is integrated by
Gauss-Hermite nodes around the top of likelihood times bell (Liu Q, Pierce DA, Biometrika 1994;81:624-629). The
smoothing of a straight line has a closed form.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr

from bayes_ivig.quadrature.panels import Panels, legendre_rule

Array = NDArray[np.float64]
LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
_RESOLVED = 7.0  # panels this many tau wide still integrate a bell of SD tau to 1e-11 of its peak
_HERMITE, _NEWTON = 24, 3
_SHORT = 16  # Gauss-Hermite nodes of a bell that the likelihood moves by less than `_MOVED` of its SDs
_MOVED = 2.0
_FEW, _VERY_FAR = 8, 30.0  # nodes that do for bells this much wider than the panels
_PIECE = 4000  # pairs at a time
_HALVINGS = 20  # of the core: the narrowest part that counts as one polynomial for some bells
_TILT = 6.0  # log ratio of a bell's heights from the middle to the end of what counts as one polynomial
_WINGS = 9.0  # SDs at which a bell ends
_DEAD = 200.0  # log values this far below the peak add nothing to a bell


@lru_cache(maxsize=4)
def _hermite(order: int) -> tuple[Array, Array]:
    nodes, weights = hermegauss(order)
    return nodes, weights


def is_resolved(panels: Panels, x: Array, t: Array) -> NDArray[np.bool_]:
    """Whether panels within six t of x are narrow enough for a bell of SD t; panels widen away from 0."""
    furthest = np.minimum(np.abs(x) + 6 * t, panels.edges[-1])
    panel, _ = panels.locate(furthest)
    return np.asarray(2 * panels.half[panel] <= _RESOLVED * t)


def log_sum(terms: Array) -> Array:
    """Log of the sum of exp(terms) over the last axis."""
    top = terms.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(terms - top).sum(axis=-1)) + top[..., 0])


@dataclass(frozen=True, eq=False)
class LineFunction:
    """Values at the nodes of panels that are symmetric about 0, and the slopes of the straight lines beyond them.

    `core` is the part of the panels that counts as one polynomial for bells wider than it.
    """

    panels: Panels
    values: Array
    slopes: tuple[float, float]
    core: float

    @property
    def peak(self) -> float:
        """Largest value at a node."""
        return float(self.values.max())

    @property
    def last(self) -> float:
        """Where the panels end."""
        return float(self.panels.edges[-1])

    def at(self, x: Array) -> Array:
        """Value at x, any shape."""
        inside = self.panels.at(np.clip(x, -self.last, self.last), self.values)
        left, right = self.slopes
        beyond = left * np.minimum(x + self.last, 0.0) + right * np.maximum(x - self.last, 0.0)
        return np.asarray(inside + beyond)

    @cached_property
    def _bends(self) -> tuple[Array, Array]:
        slope = self.panels.slopes(self.values)
        return slope, self.panels.slopes(slope)

    @cached_property
    def _steepest(self) -> float:
        """Largest slope at a node that counts."""
        return float(np.abs(self._bends[0][self.values > self.peak - _DEAD]).max())

    def _bend_at(self, x: Array) -> tuple[Array, Array]:
        """Slope and downward bend at x."""
        clipped = np.clip(x, -self.last, self.last)
        slope, bend = (self.panels.at(clipped, values) for values in self._bends)
        slope = np.where(x < -self.last, self.slopes[0], np.where(x > self.last, self.slopes[1], slope))
        return slope, np.where(np.abs(x) > self.last, 0.0, np.maximum(-bend, 0.0))

    def smooth(self, x: Array, t: Array) -> Array:
        """Log of the average of exp(value) over Normal(x, t), for pairs of one shape (n,)."""
        result = np.empty(len(x))
        straight = np.zeros(len(x), bool)
        for side, slope in zip((-1.0, 1.0), self.slopes, strict=True):
            # The whole bell, moved by the slope, stands on the straight line.
            on_line = (side * x > self.last) & (side * (x + slope * t * t) - 8.5 * t > self.last)
            level = float(self.at(np.array(side * self.last)))
            result[on_line] = level + slope * (x[on_line] - side * self.last) + 0.5 * (slope * t[on_line]) ** 2
            straight |= on_line
        large = is_resolved(self.panels, x, t)
        for chosen, method in ((~large & ~straight, self.smooth_narrow), (large & ~straight, self.smooth_wide)):
            for piece in np.array_split(np.nonzero(chosen)[0], np.count_nonzero(chosen) // _PIECE + 1):
                result[piece] = method(x[piece], t[piece])
        return result

    def smooth_narrow(self, x: Array, t: Array) -> Array:
        """The same by Gauss-Hermite nodes around the top of likelihood times bell."""
        top, safe = x, np.where(t > 0, t, 1.0)
        for _ in range(_NEWTON):
            slope, bend = self._bend_at(top)
            spread = t / np.sqrt(1 + t * t * bend)
            pull = np.where(t > 0, (top - x) / safe**2, 0.0)
            top = top + np.clip(spread**2 * (slope - pull), -2 * t, 2 * t)
        result = np.log(np.where(t > 0, spread / safe, 1.0))
        far = np.abs(top - x) > _MOVED * t
        for chosen, order in ((~far, _SHORT), (far, _HERMITE)):
            result[chosen] += self._gauss_hermite(x[chosen], t[chosen], top[chosen], spread[chosen], order)
        return result

    def _gauss_hermite(self, x: Array, t: Array, top: Array, spread: Array, order: int) -> Array:
        """Log of the sum over nodes around the top, short of the factor spread / t."""
        nodes, weights = _hermite(order)
        step = (top - x)[:, None] + spread[:, None] * nodes
        z = step / np.where(t > 0, t, 1.0)[:, None]
        tilt = np.where(t[:, None] > 0, 0.5 * nodes**2 - 0.5 * z**2, 0.0)
        return log_sum(self.at(x[:, None] + step) + tilt + np.log(weights) - LOG_ROOT_2PI)

    @cached_property
    def _rules(self) -> tuple[tuple[float, Array, Array], ...]:
        """Nodes and weights for bells with an SD above a reach: all within that reach is one polynomial panel there."""
        kept = self.values > self.peak - _DEAD
        mass = np.where(kept, self.panels.weights * np.exp(self.values - self.peak), 0.0)
        rules = [(0.0, self.panels.nodes[kept], mass[kept])]
        narrow = self.core * 0.5 ** np.arange(_HALVINGS, -1, -1.0)
        narrow = narrow[narrow > _RESOLVED * self.panels.half.min()]
        reaches = [*((reach, _HERMITE) for reach in (*narrow, self.last)), (_VERY_FAR * self.last, _FEW)]
        for reach, order in reaches:
            within = min(reach, self.last)
            near = np.abs(self.panels.nodes) < within
            basis = Panels(np.array([-within, within]), order).basis(self.panels.nodes[near] / within)
            beyond = ~near & kept
            nodes = np.concatenate([within * legendre_rule(order).nodes, self.panels.nodes[beyond]])
            rules.append((reach, nodes, np.concatenate([mass[near] @ basis, mass[beyond]])))
        return tuple(rules)

    def _sum_over(self, x: Array, t: Array, nodes: Array, weights: Array) -> Array:
        """The nodes' part under each bell."""
        z = (nodes - x[:, None]) / t[:, None]
        # The weights may be negative: sum, then take the logarithm, relative to the nearest node.
        nearest = np.clip(x, nodes.min(), nodes.max())
        shift = -0.5 * ((nearest - x) / t) ** 2
        z *= z
        z *= -0.5
        z -= shift[:, None]
        total = np.exp(z, out=z) @ weights
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(total, 0.0)) + shift + self.peak - np.log(t) - LOG_ROOT_2PI)

    def smooth_wide(self, x: Array, t: Array) -> Array:
        """The same by the nodes of the panels, and the straight lines beyond them in closed form."""
        result = np.full(len(x), -np.inf)
        # How much higher the bell stands at one end of what is one polynomial than at the other bounds its rounding.
        narrowest = t * (_TILT * t / np.maximum(np.abs(x), _TILT * t))
        rule = np.searchsorted([reach for reach, _, _ in self._rules], narrowest) - 1
        for which in np.unique(rule).tolist():
            chosen = rule == which
            _, nodes, weights = self._rules[which]
            # Along its steepest slope a likelihood moves the top of a bell by slope times t^2.
            felt = (np.abs(x) + (_WINGS + 2 * self._steepest * t) * t)[chosen].max()
            inside = np.abs(nodes) <= max(felt, np.abs(nodes).min())
            result[chosen] = self._sum_over(x[chosen], t[chosen], nodes[inside], weights[inside])
        for side, slope in zip((-1.0, 1.0), self.slopes, strict=True):
            # integral of exp(level + s (y - last)) N(y; m, t) over y > last, on the side turned to the right
            s, m = side * slope, side * x
            level = float(self.at(np.array(side * self.last)))
            gap = (m - self.last) / t
            a = gap + s * t
            # A line that starts far down and falls adds nothing unless the bell stands on it, or on nothing else.
            counts = np.full(len(x), True) if s == 0 or level > self.peak - _DEAD else (a > 0) | ~np.isfinite(result)
            if counts.any():
                gap, a, m, sd = gap[counts], a[counts], m[counts], t[counts]
                # exp(a^2/2) Phi(a) is kept together where the exponent is huge
                outside = level - 0.5 * gap**2 + np.log(0.5 * erfcx(-np.minimum(a, 0.0) / math.sqrt(2)))
                inside = level + s * (m - self.last) + 0.5 * (s * np.where(a > 0, sd, 0.0)) ** 2 + log_ndtr(a)
                result[counts] = np.logaddexp(result[counts], np.where(a > 0, inside, outside))
        return result
