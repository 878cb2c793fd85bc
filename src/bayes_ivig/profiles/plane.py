"""Integrals over a plane, one for each of many effects, by the trapezoidal rule in a window found for each.

`log_f(rows, v1, v2)` is the log integrand for the effects of index `rows` (shape (r,)) at coordinates v1 of shape
(r, n1, 1) and v2 of shape (r, 1, n2). It is taken to have one hill, or hills within sight of each other on a grid
of twelve by twelve: its mass is found by looking at ever smaller windows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
LogIntegrand = Callable[[Index, Array, Array], Array]

_DROP = 28.0  # log units below the highest point, where the window ends: 1e-12
_LOOKS = (12, 20)  # points a side when looking for the window, first and last
_SHRINKS = 0.9  # a window that stays larger than this share is found
_EVERY = 4
_MOST = 4000
_CHUNK = 2**16  # points evaluated at once: what a processor's cache holds
_COARSE = 2.0  # gaps between nodes, for drawing, in those of the integral
_ENVELOPE = 2.0  # the integrand exceeds the linear interpolation between such nodes by less than this factor


class Window(NamedTuple):
    """Ends of the window of each effect, arrays of shape (m,); low2 = high2 for a point mass.

    `across1` and `across2` are how far the hill reaches along each axis through its highest point, which is less
    where the hill is a ridge at an angle.
    """

    low1: Array
    high1: Array
    low2: Array
    high2: Array
    across1: Array
    across2: Array


def find_windows(log_f: LogIntegrand, start: Sequence[Array], place: Array) -> Window:
    """Find the window of each effect; of many, only every fourth in the order of `place` (m,) is looked for.

    One between two of those has a window that holds both of theirs.
    """
    order = np.argsort(place)
    every = _EVERY if len(order) > 16 * _EVERY else 1
    if not len(order):
        low1, high1, low2, high2 = start
        return Window(low1, high1, low2, high2, low1, low2)
    known = np.unique(np.append(np.arange(0, len(order), every), len(order) - 1))
    found = find_window(log_f, [end[order[known]] for end in start], order[known])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    after = np.searchsorted(known, rank)
    before = np.where(known[after] == rank, after, after - 1)
    merge = (np.minimum, np.maximum, np.minimum, np.maximum, np.minimum, np.minimum)
    return Window(*(pick(end[before], end[after]) for pick, end in zip(merge, found, strict=True)))


def find_window(log_f: LogIntegrand, start: Sequence[Array], index: Index) -> Window:
    """Shrink the windows `start` of the effects `index` to where the integrand is near its highest point.

    Near is within 28 log units; `start` is low1, high1, low2, high2.

    Along one axis of a log-concave integrand that set reaches less than one gap beyond the grid points it holds, or
    lies beside the highest one. For the other axis, whose grid may miss the ridge, a row is given the benefit of
    the doubt: it is as high as a concave function through its points can be.
    """
    low1, high1, low2, high2 = (np.array(end, float) for end in start)
    across1, across2 = high1 - low1, high2 - low2
    for look in _LOOKS:
        share = np.linspace(0, 1, look)
        rows = np.arange(len(low1))
        for _ in range(60):
            v1 = low1[rows, None] + (high1 - low1)[rows, None] * share
            v2 = low2[rows, None] + (high2 - low2)[rows, None] * (share if np.any(high2 > low2) else share[:1])
            f = log_f(index[rows], v1[:, :, None], v2[:, None, :])
            lowest = f.max(axis=(1, 2))[:, None] - _DROP
            before = (high1 - low1)[rows], (high2 - low2)[rows]
            top1, top2 = np.divmod(f.reshape(len(rows), -1).argmax(axis=1), f.shape[2])
            at, high = np.arange(len(rows)), f > lowest[:, :, None]
            across1[rows] = before[0] * (high[at, :, top2].sum(axis=1) + 1) / (look - 1)
            across2[rows] = before[1] * (high[at, top1].sum(axis=1) + 1) / (look - 1)
            low1[rows], high1[rows] = _hull(v1, _ridge(f) > lowest)
            low2[rows], high2[rows] = _hull(v2, _ridge(f.swapaxes(1, 2)) > lowest)
            shrinking = ((high1 - low1)[rows] < _SHRINKS * before[0]) | ((high2 - low2)[rows] < _SHRINKS * before[1])
            rows = rows[shrinking]
            if not len(rows):
                break
    return Window(low1, high1, low2, high2, across1, across2)


def _ridge(f: Array) -> Array:
    """How high f (r, n, other), concave, may be somewhere along the other axis, shape (r, n).

    Beside the highest point it lies under the lines through the two points on either side.
    """
    last = f.shape[2] - 1
    if not last:
        return f[:, :, 0]
    top = f.argmax(axis=2)[:, :, None]
    far_left, left, highest, right, far_right = (
        np.where((at < 0) | (at > last), np.nan, np.take_along_axis(f, np.clip(at, 0, last), axis=2))[:, :, 0]
        for at in (top + step for step in (-2, -1, 0, 1, 2))
    )
    with np.errstate(invalid="ignore"):  # where the integrand is 0 all along the line
        # fmin and fmax pass over the points beyond the edge
        below = np.fmin(2 * highest - right, left + np.fmax(left - far_left, 0))
        above = np.fmin(2 * highest - left, right + np.fmax(right - far_right, 0))
    below, above = np.where(np.isnan(left), np.nan, below), np.where(np.isnan(right), np.nan, above)
    return np.asarray(np.fmax(highest, np.fmax(below, above)))


def _hull(v: Array, high: NDArray[np.bool_]) -> tuple[Array, Array]:
    """From the point before the first high one to the point after the last."""
    last = v.shape[1] - 1
    first, end = high.argmax(axis=1), last - high[:, ::-1].argmax(axis=1)
    at = np.arange(len(v))
    return v[at, np.maximum(first - 1, 0)], v[at, np.minimum(end + 1, last)]


def integrate(log_f: LogIntegrand, window: Window, steps: tuple[Array, Array]) -> Array:
    """Return the log of the integral for each effect, shape (m,); nodes no further apart than `steps`, two arrays
    of shape (m,)."""
    result = np.empty(len(window.low1))
    for rows, v1, v2, spacing in _grids(window, steps):
        f = log_f(rows, v1[:, :, None], v2[:, None, :])
        top = f.max(axis=(1, 2))
        np.subtract(f, top[:, None, None], out=f)
        result[rows] = top + np.log(np.exp(f, out=f).sum(axis=(1, 2))) + np.log(spacing)
    return result


def draw(
    log_f: LogIntegrand, window: Window, steps: tuple[Array, Array], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draw one point from the normalised integrand of each effect: coordinates v1 and v2, each shape (m,).

    A node is drawn by its weight, a point beside it from the tent between its neighbours: that is a draw from the
    linear interpolation of the integrand, and rejection makes it one from the integrand itself.
    """
    x1, x2 = np.empty((2, len(window.low1)))
    for rows, v1, v2, _ in _grids(window, (_COARSE * steps[0], _COARSE * steps[1])):
        f = log_f(rows, v1[:, :, None], v2[:, None, :])
        top = f.max(axis=(1, 2))
        weight = np.exp(f - top[:, None, None])
        cumulative = np.cumsum(weight.reshape(len(rows), -1), axis=1)
        left = np.arange(len(rows))
        while len(left):
            u = rng.uniform(size=len(left)) * cumulative[left, -1]
            node = np.minimum((cumulative[left] <= u[:, None]).sum(axis=1), cumulative.shape[1] - 1)
            p1, i, share1 = _beside(v1[left], node // v2.shape[1], rng)
            p2, j, share2 = _beside(v2[left], node % v2.shape[1], rng)
            x1[rows[left]], x2[rows[left]] = p1, p2
            linear = _bilinear(weight[left], i, share1, j, share2)
            target = np.exp(log_f(rows[left], p1[:, None, None], p2[:, None, None])[:, 0, 0] - top[left])
            left = left[rng.uniform(size=len(left)) * linear * _ENVELOPE > target]
    return x1, x2


def _beside(v: Array, node: Index, rng: np.random.Generator) -> tuple[Array, Index, Array]:
    """Draw from the tent around each node: the point, the node to its left and the share of the way to the next."""
    if v.shape[1] == 1:
        return v[:, 0], node, np.zeros(len(v))
    offset = rng.uniform(size=len(v)) + rng.uniform(size=len(v)) - 1
    place = np.clip(node + offset, 0, v.shape[1] - 1)
    left = np.minimum(place.astype(int), v.shape[1] - 2)
    return v[:, 0] + (v[:, 1] - v[:, 0]) * place, left, place - left


def _bilinear(weight: Array, i: Index, share1: Array, j: Index, share2: Array) -> Array:
    at = np.arange(len(weight))
    right1, right2 = np.minimum(i + 1, weight.shape[1] - 1), np.minimum(j + 1, weight.shape[2] - 1)
    left = (1 - share2) * weight[at, i, j] + share2 * weight[at, i, right2]
    right = (1 - share2) * weight[at, right1, j] + share2 * weight[at, right1, right2]
    return (1 - share1) * left + share1 * right


def _grids(window: Window, steps: tuple[Array, Array]) -> Iterator[tuple[Index, Array, Array, Array]]:
    """Yield effects that need about as many nodes: their index, nodes (r, n1) and (r, n2), and cell size (r,)."""
    n1, n2 = _nodes(window.low1, window.high1, steps[0]), _nodes(window.low2, window.high2, steps[1])
    order = np.lexsort((n2, n1))
    start = 0
    while start < len(order):
        size, end = 0, start
        while end < len(order):
            rows = order[start : end + 1]
            size = len(rows) * int(n1[rows].max()) * int(n2[rows].max())
            if size > _CHUNK and end > start:
                break
            end += 1
        rows = order[start:end]
        v1, gap1 = _spread(window.low1[rows], window.high1[rows], int(n1[rows].max()))
        v2, gap2 = _spread(window.low2[rows], window.high2[rows], int(n2[rows].max()))
        yield rows, v1, v2, gap1 * gap2
        start = end


def _nodes(low: Array, high: Array, step: Array) -> Index:
    return np.where(high > low, np.clip(np.ceil((high - low) / np.where(step > 0, step, 1)) + 1, 2, _MOST), 1).astype(
        int
    )


def _spread(low: Array, high: Array, n: int) -> tuple[Array, Array]:
    """Nodes (r, n) from end to end, and their spacing (r,), 1 for a point mass."""
    if n == 1:
        return low[:, None], np.ones(len(low))
    gap = (high - low) / (n - 1)
    return low[:, None] + gap[:, None] * np.arange(n), gap
