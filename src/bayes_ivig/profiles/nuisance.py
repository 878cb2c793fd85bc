"""One nuisance parameter integrated out, or drawn, at many values of the effect at once.

The integrand is a function of the real line with one mode and tails that fall exponentially or faster (or as a
power, under a heavy-tailed prior). It is centred at its mode, the line is stretched by a hyperbolic sine, and the
trapezoidal rule, which converges geometrically for such functions, does the rest (Trefethen LN, Weideman JAC,
SIAM Review 2014;56:385-458, sec. 5 and 14).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from bayes_ivig.priors import Prior

Array = NDArray[np.float64]
LogIntegrand = Callable[[Array, Array], Array]  # of theta (m, 1) and x (m, n)

_SPACING, _FIRST_SPACING = 0.1, 0.2  # of the trapezoidal rule, in units of the stretched line
_TOLERANCE = 1e-10  # halving the spacing takes an error this small below 1e-11, also where tails fall slowly
_DROP = 45.0  # the rule ends where the integrand is this far below its peak, on the log scale
_SEARCH = np.sinh(np.linspace(-np.arcsinh(2000.0), np.arcsinh(2000.0), 65))
_EVERY = 8  # effects of which one has its mode searched for; in between it moves smoothly
_ABOUT = np.linspace(-3.0, 3.0, 9)  # scales around a foretold mode
_REACH = np.array([2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0, 12.0, 18.0, 26.0, 36.0])


class LineRule(NamedTuple):
    """Nodes x (m, n) and the log of integrand times weight there (m, n), for m values of the effect."""

    x: Array
    log_terms: Array


def log_integral(log_f: LogIntegrand, theta: Array) -> Array:
    """Log of the integral of exp(log_f(theta, x)) over the real line x, for each theta (m,): shape (m,).

    The spacing is halved, the old nodes kept, at least once and for as long as that moves the answer.
    """
    stretch = _stretch(log_f, theta, _FIRST_SPACING)
    values = log_sum(stretch.terms(log_f, theta))
    open_ = np.arange(len(theta))
    for _ in range(6):
        between = log_sum(stretch.halfway().terms(log_f, theta[open_]))
        finer = np.logaddexp(values[open_], between) - np.log(2)
        moved = np.abs(values[open_] - finer) > _TOLERANCE
        values[open_] = finer
        open_ = open_[moved]
        if not len(open_):
            break
        stretch = stretch.halved(moved)
    return values


class _Stretch(NamedTuple):
    """Equally spaced places v on the stretched line, x = mode + scale sinh(v), for each theta; all arrays (m, 1)."""

    mode: Array
    scale: Array
    start: Array
    step: Array
    n: int

    def nodes(self) -> tuple[Array, Array]:
        """x and the log of dx, (m, n)."""
        v = self.start + self.step * np.arange(self.n)
        return self.mode + self.scale * np.sinh(v), np.log(self.scale * np.cosh(v) * self.step)

    def terms(self, log_f: LogIntegrand, theta: Array) -> Array:
        """Log of integrand times dx at each node, (m, n)."""
        x, log_dx = self.nodes()
        return log_f(theta[:, None], x) + log_dx

    def halfway(self) -> "_Stretch":
        """Return the places between these."""
        return self._replace(start=self.start + self.step / 2, n=self.n - 1)

    def halved(self, kept: NDArray[np.bool_]) -> "_Stretch":
        """Return these places and those between them, for some of the thetas."""
        mode, scale, start, step = (x[kept] for x in self[:4])
        return _Stretch(mode, scale, start, step / 2, 2 * self.n - 1)


def log_sum(terms: Array) -> Array:
    """Log of the sum of exp(terms) over the last axis; -inf where every term is."""
    top = terms.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(terms - top).sum(axis=-1)) + top[..., 0])


def line_rule(log_f: LogIntegrand, theta: Array, spacing: float = _SPACING) -> LineRule:
    """Trapezoidal rule on the stretched line for each theta (m,)."""
    stretch = _stretch(log_f, theta, spacing)
    x, log_dx = stretch.nodes()
    return LineRule(x, log_f(theta[:, None], x) + log_dx)


def _stretch(log_f: LogIntegrand, theta: Array, spacing: float) -> _Stretch:
    """Centre and scale the line at the integrand's mode, and end it where nothing is left."""
    column = theta[:, None]
    mode, scale, peak = _find_mode(log_f, column)
    ends = []
    for side in (-1.0, 1.0):
        far = mode + side * scale * np.sinh(_REACH)
        low = log_f(column, far) + np.log(scale * np.cosh(_REACH)) < peak + np.log(scale) - _DROP
        low &= np.flip(np.logical_and.accumulate(np.flip(low, axis=1), axis=1), axis=1)
        low[:, -1] = True
        ends.append(side * _REACH[np.argmax(low, axis=1)])
    left, right = ends
    n = int(np.ceil((right - left).max() / spacing)) + 1
    return _Stretch(mode, scale, left[:, None], ((right - left) / (n - 1))[:, None], n)


def _find_mode(log_f: LogIntegrand, column: Array) -> tuple[Array, Array, Array]:
    """Mode, scale and peak (m, 1); where effects are many, most modes are foretold from their neighbours'."""
    m = len(column)
    if m < 4 * _EVERY or np.any(np.diff(column[:, 0]) <= 0):
        return _search_mode(log_f, column)
    known = np.append(np.arange(0, m - 1, _EVERY), m - 1)
    modes, scales, _ = _search_mode(log_f, column[known])
    at = column[:, 0]
    mode = np.interp(at, at[known], modes[:, 0])[:, None]
    scale = np.exp(np.interp(at, at[known], np.log(scales[:, 0])))[:, None]
    x = mode + scale * _ABOUT
    f = log_f(column, x)
    best = np.argmax(f, axis=1)
    inside = (best > 0) & (best < len(_ABOUT) - 1)
    mode, scale, peak = _bend_at_best(x, f, np.clip(best, 1, len(_ABOUT) - 2)[:, None])
    lost = np.nonzero(~inside)[0]
    if len(lost):
        mode[lost], scale[lost], peak[lost] = _search_mode(log_f, column[lost])
    return mode, scale, peak


def _search_mode(log_f: LogIntegrand, column: Array) -> tuple[Array, Array, Array]:
    """Mode, scale and peak (m, 1): a coarse search, then finer ones between the neighbours of the best point."""
    x = np.broadcast_to(_SEARCH, (len(column), len(_SEARCH)))
    for _ in range(12):
        f = log_f(column, x)
        best = np.clip(np.argmax(f, axis=1), 1, x.shape[1] - 2)[:, None]
        below, here, above = (np.take_along_axis(f, best + i, axis=1) for i in (-1, 0, 1))
        if np.all(here - np.minimum(below, above) < 2.0):
            break
        left, right = (np.take_along_axis(x, best + i, axis=1) for i in (-1, 1))
        x = left + (right - left) * np.linspace(0, 1, 17)
    return _bend_at_best(x, f, best)


def _bend_at_best(x: Array, f: Array, best: NDArray[np.intp]) -> tuple[Array, Array, Array]:
    """The best point of each row, the scale of the parabola through it and its neighbours, and its value, (m, 1)."""
    below, here, above = (np.take_along_axis(f, best + i, axis=1) for i in (-1, 0, 1))
    left, mode, right = (np.take_along_axis(x, best + i, axis=1) for i in (-1, 0, 1))
    bend = 2 * ((above - here) / (right - mode) - (here - below) / (mode - left)) / (right - left)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 / np.sqrt(-bend)
    return mode, np.where(scale > 0, np.clip(scale, 1e-9, 5.0), 5.0), here


def draw_from(rule: LineRule, rng: np.random.Generator) -> Array:
    """One draw of x for each theta by inverting the running sum of the rule, (m,).

    Linear between nodes a tenth of a scale apart: far below what a few thousand draws can tell.
    """
    mass = np.exp(rule.log_terms - rule.log_terms.max(axis=1, keepdims=True))
    cdf = np.cumsum(mass, axis=1) - mass / 2
    target = rng.uniform(size=(len(mass), 1)) * mass.sum(axis=1, keepdims=True)
    upper = np.clip((cdf < target).sum(axis=1, keepdims=True), 1, cdf.shape[1] - 1)
    c0, c1 = (np.take_along_axis(cdf, upper + i, axis=1) for i in (-1, 0))
    x0, x1 = (np.take_along_axis(rule.x, upper + i, axis=1) for i in (-1, 0))
    return np.asarray((x0 + (x1 - x0) * np.clip((target - c0) / (c1 - c0), 0, 1))[:, 0])


def log_density_on_logit(prior: Prior, g: Array) -> Array:
    """Log density of g on the logit: of the real line as it stands, of a risk with the Jacobian p (1 - p)."""
    if prior.support[0] < 0:
        return prior.logpdf(g)
    if prior.family == "beta":  # by log_expit, which keeps its digits where the risk rounds to 0 or 1
        a, b = prior.args
        log_p = log_expit(g)
        return prior.logpdf(0.5) + (a + b - 2) * np.log(2) + (a + b) * log_p - b * g
    if prior.components:
        parts = [np.log(w) + log_density_on_logit(part, g) for w, part in prior.parts]
        return np.asarray(np.logaddexp.reduce(parts, axis=0))
    return prior.logpdf(expit(g)) + log_expit(g) + log_expit(-g)
