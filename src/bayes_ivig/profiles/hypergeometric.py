"""Fisher's non-central hypergeometric distribution, safe for arms of a million.

Weights of x are C(n_t, x) C(n_c, total - x) exp(x theta). They are kept as log ratios to one weight, summed up from
the ratios of neighbours, because log-gamma functions of large arms lose the digits of their differences.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_DROP = 45.0  # log units below the largest weight where a sum ends: 1e-19
_WHOLE = 2000  # tables up to this many are summed whole
_CHUNK = 2**18
NO_TABLE = -1e9  # log weight in the place of a table that does not exist


class Support(NamedTuple):
    """Every table with the given totals: x from `lowest`, log weights at theta = 0 relative to the first."""

    lowest: int
    log_weight: Array

    @property
    def x(self) -> Array:
        """Events of arm T in each table."""
        return self.lowest + np.arange(len(self.log_weight), dtype=float)


def support(n_t: int, n_c: int, total: int) -> Support:
    """Return the tables with `total` events among n_t and n_c."""
    lowest, highest = max(0, total - n_c), min(n_t, total)
    x = np.arange(lowest, highest, dtype=float)
    ratios = np.log((n_t - x) * (total - x)) - np.log((x + 1) * (n_c - total + x + 1))
    return Support(lowest, np.concatenate([[0.0], np.cumsum(ratios)]))


def log_normaliser(tables: Support, theta: Array) -> Array:
    """Log of the sum of exp(log_weight + (x - lowest) theta), shape of `theta`."""
    offset = np.arange(len(tables.log_weight), dtype=float)
    flat = np.ravel(theta)
    result = np.empty(len(flat))
    if len(offset) <= _WHOLE:
        rows = max(1, _CHUNK // len(offset))
        for start in range(0, len(flat), rows):
            terms = tables.log_weight + flat[start : start + rows, None] * offset
            top = terms.max(axis=1, keepdims=True)
            result[start : start + rows] = top[:, 0] + np.log(np.exp(terms - top).sum(axis=1))
        return result.reshape(np.shape(theta))
    first, last = window(tables, flat)
    for i, t in enumerate(flat):
        kept = slice(first[i], last[i] + 1)
        line = tables.log_weight[kept] + t * offset[kept]
        result[i] = line.max() + np.log(np.exp(line - line.max()).sum())
    return result.reshape(np.shape(theta))


def window(tables: Support, theta: Array, drop: float = _DROP) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last table within `drop` log units of the likeliest one at each theta, shape (m,).

    The weights are log-concave: their neighbours' ratios fall, so the mode and both ends are found by bisection.
    """
    ratios = np.diff(tables.log_weight)
    mode = np.searchsorted(-ratios, theta)  # ratios + theta > 0 before the mode

    def is_low(index: NDArray[np.intp]) -> NDArray[np.bool_]:
        gain = tables.log_weight[index] - tables.log_weight[mode] + (index - mode) * theta
        return gain < -drop

    ends = []
    for edge in (0, len(ratios)):
        inside, outside = mode.copy(), np.full_like(mode, edge)
        for _ in range(len(ratios).bit_length() + 1):
            middle = (inside + outside + (edge > 0)) // 2
            low = is_low(middle)
            inside, outside = np.where(low, inside, middle), np.where(low, middle, outside)
        ends.append(outside)
    return ends[0], ends[1]


def sample(tables: Support, theta: Array, rng: np.random.Generator) -> Array:
    """Draw x at each theta, same shape."""
    flat = np.ravel(theta)
    first, last = window(tables, flat)
    u = rng.uniform(size=len(flat))
    drawn = np.empty(len(flat))
    order = np.argsort(last - first)
    start = 0
    while start < len(order):
        width = int((last - first)[order[start]]) + 1
        rows = order[start : start + max(1, _CHUNK // (2 * width))]
        index = first[rows, None] + np.arange(int((last - first)[rows].max()) + 1)
        known = index <= last[rows, None]
        index = np.minimum(index, last[rows, None])
        terms = np.where(known, tables.log_weight[index] + (index - first[rows, None]) * flat[rows, None], -np.inf)
        cumulative = np.cumsum(np.exp(terms - terms.max(axis=1, keepdims=True)), axis=1)
        drawn[rows] = first[rows] + (cumulative < u[rows, None] * cumulative[:, -1:]).sum(axis=1)
        start += len(rows)
    return (tables.lowest + drawn).reshape(np.shape(theta))


def padded(rows: Sequence[Array], end: float) -> Array:
    """Rows of different lengths as one array (len(rows), longest), filled up with `end`."""
    result = np.full((len(rows), max(map(len, rows), default=1)), end)
    for own, row in zip(result, rows, strict=True):
        own[: len(row)] = row
    return result
