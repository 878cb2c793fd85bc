"""A distribution of one quantity, held by its density on panels: moments, probabilities, quantiles, intervals."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_ivig.quadrature.panels import Panels
from bayes_ivig.summary import Summary, tails

Array = NDArray[np.float64]
_FAR = 1e5  # a mesh that had to go this many scales out has a tail that falls as a power


@dataclass(frozen=True, eq=False)
class Marginal:
    """Density at the nodes of `panels`, or all mass at one `point` (`panels` is None then, and there is no density).

    `moments` are mean and SD where they are known better than by the density, whose mesh ends somewhere.
    """

    panels: Panels | None
    density: Array
    point: float | None = None
    moments: tuple[float, float] | None = None

    @property
    def _value(self) -> float:
        assert self.point is not None
        return self.point

    @cached_property
    def _mass(self) -> Array:
        assert self.panels is not None
        return self.panels.weights * self.density

    def _expect(self, power: int, centre: float) -> float:
        if self.panels is None:
            return (self._value - centre) ** power
        return float(self._mass @ (self.panels.nodes - centre) ** power)

    @cached_property
    def tail_index(self) -> float:
        """Exponent with which the density falls at the far ends of the mesh; inf where no mass is far out.

        The last panel is left out: it may hold what lies beyond it.
        """
        if self.panels is None or len(self.panels.half) < 6:
            return math.inf
        nodes = self.panels.nodes
        centre, spread = self.quantile(0.5), self.quantile(0.9) - self.quantile(0.1)
        index = math.inf
        order = self.panels.order
        for end, inner in ((-1 - order, -1 - 2 * order), (order, 2 * order)):
            reach, near = abs(nodes[end] - centre), abs(nodes[inner] - centre)
            if reach > _FAR * spread and self.density[end] > 0 and self.density[inner] > 0:
                index = min(index, -math.log(self.density[end] / self.density[inner]) / math.log(reach / near))
        return index

    @cached_property
    def mean(self) -> float:
        """Mean; nan where the tail is too heavy for one."""
        if self.moments:
            return self.moments[0]
        return self._expect(1, 0.0) if self.tail_index > 2.02 else math.nan

    @cached_property
    def sd(self) -> float:
        """Standard deviation; inf where the tail is too heavy for one."""
        if self.moments:
            return self.moments[1]
        if not self.tail_index > 3.02:
            return math.inf
        return math.sqrt(max(self._expect(2, self.mean), 0.0))

    def pdf(self, x: ArrayLike) -> Array:
        """Density at x, 0 outside the mesh and for a point mass."""
        x = np.asarray(x, float)
        if self.panels is None:
            return np.zeros_like(x)
        inside = (x >= self.panels.edges[0]) & (x <= self.panels.edges[-1])
        return np.where(inside, np.maximum(self.panels.at(x, self.density), 0.0), 0.0)

    @cached_property
    def _running(self) -> tuple[Array, Array]:
        assert self.panels is not None
        return self.panels.running_integral(self.density)

    def cdf(self, x: ArrayLike) -> Array:
        """P(X <= x)."""
        x = np.asarray(x, float)
        if self.panels is None:
            return np.where(x >= self._value, 1.0, 0.0)
        edges, _ = self._running
        panel, place = self.panels.locate(np.clip(x, self.panels.edges[0], self.panels.edges[-1]))
        return np.clip(edges[panel] + self._within(panel, place), 0.0, 1.0)

    def _within(self, panel: NDArray[np.intp], place: Array) -> Array:
        """Mass between the left edge of a panel and a place in it."""
        assert self.panels is not None
        rule = self.panels.rule
        coefficients = (self.density.reshape(-1, self.panels.order) @ rule.to_legendre.T)[panel]
        values = np.polynomial.legendre.legvander(place, self.panels.order).reshape(*np.shape(place), -1)
        degrees = np.arange(1, self.panels.order)
        integrals = np.concatenate(
            [(place + 1)[..., None], (values[..., 2:] - values[..., :-2]) / (2 * degrees + 1)], axis=-1
        )
        return np.asarray((coefficients * integrals).sum(axis=-1) * self.panels.half[panel])

    def p_gt(self, x: float) -> float:
        """P(X > x), the smaller tail to full relative accuracy."""
        if self.panels is None:
            return float(1 - self.cdf(x))
        panel, place = self.panels.locate(np.clip(np.array(x, float), self.panels.edges[0], self.panels.edges[-1]))
        edges, _ = self._running
        pieces = np.diff(edges)
        above = float(pieces[panel + 1 :].sum() + pieces[panel] - self._within(panel, place))
        if x < self.panels.edges[0]:
            above = float(pieces.sum())
        if x >= self.panels.edges[-1]:
            above = 0.0
        return min(max(above, 0.0), 1.0)

    def quantile(self, q: ArrayLike) -> Array:
        """Smallest x with P(X <= x) >= q, by Newton's method inside its panel, guarded by bisection."""
        q = np.asarray(q, float)
        if self.panels is None:
            return np.full_like(q, self._value)
        edges, _ = self._running
        panel = np.clip(np.searchsorted(edges, q, side="right") - 1, 0, len(self.panels.half) - 1)
        need = q - edges[panel]
        low, high = np.full_like(q, -1.0), np.full_like(q, 1.0)
        place = np.clip(2 * need / np.maximum(np.diff(edges)[panel], 1e-300) - 1, -1, 1)
        for _ in range(60):
            miss = self._within(panel, place) - need
            low, high = np.where(miss < 0, place, low), np.where(miss > 0, place, high)
            slope = self._density_within(panel, place) * self.panels.half[panel]
            newton = place - miss / np.where(slope > 0, slope, np.inf)
            step = np.where((newton >= low) & (newton <= high) & (slope > 0), newton, (low + high) / 2)
            done = np.abs(step - place) <= 1e-14
            place = step
            if np.all(done):
                break
        return np.asarray(self.panels.edges[panel] + self.panels.half[panel] * (place + 1))

    def _density_within(self, panel: NDArray[np.intp], place: Array) -> Array:
        assert self.panels is not None
        local = self.density.reshape(-1, self.panels.order)[panel]
        return np.asarray((local * self.panels.basis(place)).sum(axis=-1))

    def interval(self, prob: float) -> tuple[float, float]:
        """Equal-tailed interval that holds `prob`."""
        low, high = self.quantile(np.array(tails(prob)))
        return float(low), float(high)

    def hdi(self, prob: float) -> tuple[float, float]:
        """Shortest interval that holds `prob`, by golden section over its lower tail."""
        low, high, ratio = 0.0, 1 - prob, (math.sqrt(5) - 1) / 2

        def width(p: float) -> float:
            a, b = self.quantile(np.array([max(p, 1e-15), min(p + prob, 1 - 1e-15)]))
            return float(b - a)

        for _ in range(60):
            a, b = high - ratio * (high - low), low + ratio * (high - low)
            low, high = (low, b) if width(a) < width(b) else (a, high)
        p = (low + high) / 2
        a, b = self.quantile(np.array([max(p, 1e-15), min(p + prob, 1 - 1e-15)]))
        return float(a), float(b)

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Independent draws, (n,)."""
        return self.quantile(rng.uniform(size=n))

    def summary(self, prob: float) -> Summary:
        """Mean, SD, median, equal-tailed interval and P(> 0)."""
        return Summary(self.mean, self.sd, float(self.quantile(0.5)), self.interval(prob), prob, self.p_gt(0.0))
