"""Exact binomial inference: Clopper-Pearson limits, Fisher's test and McNemar's exact test."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, betaincinv, gammaln


def clopper_pearson(events: int, n: int, prob: float) -> tuple[float, float]:
    """Exact interval of a rate, n >= 1 (Clopper and Pearson 1934, Biometrika 26:404)."""
    tail = (1 - prob) / 2
    low = float(betaincinv(events, n - events + 1, tail)) if events else 0.0
    high = float(betaincinv(events + 1, n - events, 1 - tail)) if events < n else 1.0
    return low, high


def fisher_exact(events_t: int, n_t: int, events_c: int, n_c: int) -> tuple[float, float]:
    """One-sided (in the observed direction) and two-sided p of Fisher's exact test.

    Two-sided sums every table no likelier than the observed one, as R and scipy do.
    """
    total = events_t + events_c
    x = np.arange(max(0, total - n_c), min(n_t, total) + 1)
    log_p = _log_choose(n_t, x) + _log_choose(n_c, total - x) - _log_choose(n_t + n_c, np.array(total))
    p = np.exp(log_p)
    observed = p[x == events_t][0]
    one_sided = min(p[x <= events_t].sum(), p[x >= events_t].sum())
    two_sided = p[p <= observed * (1 + 1e-7)].sum()  # ties differ by rounding
    return min(1.0, float(one_sided)), min(1.0, float(two_sided))


def mcnemar_exact(t_only: int, c_only: int) -> tuple[float, float]:
    """One-sided (in the observed direction) and two-sided p of McNemar's exact test; 1 without pairs."""
    one_sided = float(bdtr(min(t_only, c_only), t_only + c_only, 0.5))
    return one_sided, min(1.0, 2 * one_sided)


def _log_choose(n: int, k: NDArray[np.int_]) -> NDArray[np.float64]:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
