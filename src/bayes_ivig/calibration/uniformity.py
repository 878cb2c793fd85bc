"""Are values uniform? The exact p of the largest departure of their running share, over all places at once.

Simultaneous bands after Saeilynoja, Buerkner and Vehtari (Stat Comput 2022;32:32): at each place z the number of
values below is binomial; the band leaves out a share gamma at every place, and the probability of staying inside
everywhere follows from a recursion over the places. Here gamma is the one that the values just touch, which gives p.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaln, xlog1py, xlogy

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
N_BINS = 100


def bin_values(u: Array) -> Counts:
    """Count values in [0, 1] by hundredths, (100,); 1 itself belongs to the last."""
    return np.bincount(np.minimum((u * N_BINS).astype(int), N_BINS - 1), minlength=N_BINS)


def uniform_p(counts: Counts) -> float:
    """Probability that n uniform values stray from the diagonal as far as these do; counts in equal bins, (K,)."""
    n, bins = int(counts.sum()), len(counts)
    if n == 0:
        return 1.0
    z = np.arange(1, bins) / bins
    below = np.cumsum(counts)[:-1]
    touched = float(_two_sided(below, n, z).min())
    # Counts that are strictly less surprising than the most surprising one seen.
    everywhere = np.arange(n + 1)
    ends = []
    for place in z:
        inside = np.flatnonzero(_two_sided(everywhere, n, place) > touched * (1 + 1e-9))
        if not len(inside):
            return 1.0
        ends.append((int(inside[0]), int(inside[-1])))
    return float(min(max(1.0 - _stay_inside(n, z, ends), 0.0), 1.0))


def band(n: int, level: float, bins: int = N_BINS) -> tuple[Array, Array]:
    """Lower and upper limit of the running share at k/bins, (bins - 1,) each, simultaneous at `level`."""
    z = np.arange(1, bins) / bins
    everywhere = np.arange(n + 1)
    tails = np.array([_two_sided(everywhere, n, place) for place in z])
    low, high = -12.0, 0.0  # of log10 gamma
    for _ in range(30):
        middle = (low + high) / 2
        ends = [(int(i[0]), int(i[-1])) if len(i := np.flatnonzero(t > 10**middle)) else (0, -1) for t in tails]
        enough = all(a <= b for a, b in ends) and _stay_inside(n, z, ends) >= level
        low, high = (middle, high) if enough else (low, middle)
    limits = [np.flatnonzero(t > 10**low) for t in tails]
    return np.array([i[0] / n for i in limits]), np.array([i[-1] / n for i in limits])


def _two_sided(below: Counts, n: int, z: Array | float) -> Array:
    """Twice the smaller tail of Binomial(n, z) at each count, the count itself in both tails."""
    lower = bdtr(below, n, z)
    upper = np.where(below > 0, 1 - bdtr(np.maximum(below - 1, 0), n, z), 1.0)
    return np.asarray(2 * np.minimum(lower, upper))


def _stay_inside(n: int, z: Array, ends: list[tuple[int, int]]) -> float:
    """Probability that the count at every place stays between its ends, both included."""
    start, place = np.array([0]), 0.0
    p = np.array([1.0])
    for here, (low, high) in zip(z, ends, strict=True):
        counts = np.arange(low, high + 1)
        step = (here - place) / (1 - place)
        left, more = n - start[:, None], counts - start[:, None]
        possible = (more >= 0) & (more <= left)
        x = np.clip(more, 0, left)
        log_p = gammaln(left + 1) - gammaln(x + 1) - gammaln(left - x + 1) + xlogy(x, step) + xlog1py(left - x, -step)
        p = p @ np.where(possible, np.exp(log_p), 0.0)
        start, place = counts, float(here)
    return float(p.sum())
