"""What a trial of infinite size would show: it reveals its own effect exactly, and mu stays uncertain by tau."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.plan.refit import Current
from bayes_ivig.plan.truth import Truth
from bayes_ivig.quadrature.panels import Panels

Array = NDArray[np.float64]
_LEGENDRE = 64
_REACH = 9.0  # SDs of a bell
_NARROW = 0.2  # bells below this share of the widest panel of mu are integrated around their middle
_GRID = 400


def revealed(current: Current, theta: Array) -> Array:
    """P(mu > 0) once an effect theta (M,) of a further trial is known exactly: (M,)."""
    panels, tau, density = current.heights
    above, below = np.zeros(len(theta)), np.zeros(len(theta))
    narrow = tau < _NARROW * 2 * panels.half.max()
    positive = panels.nodes > 0
    for t, height in zip(tau[~narrow], density[~narrow], strict=True):
        bell = np.exp(-0.5 * ((theta[:, None] - panels.nodes) / t) ** 2) / t
        mass = bell * (height * panels.weights)
        above += mass[:, positive].sum(axis=1)
        below += mass[:, ~positive].sum(axis=1)
    z, weights = np.polynomial.legendre.leggauss(_LEGENDRE)
    for t, height in zip(tau[narrow], density[narrow], strict=True):
        if t == 0:
            here = _at(panels, theta, height) * np.sqrt(2 * np.pi)
            above, below = above + np.where(theta > 0, here, 0.0), below + np.where(theta > 0, 0.0, here)
            continue
        low, high = theta - _REACH * t, theta + _REACH * t
        middle = np.clip(0.0, low, high)
        for start, end, side in ((low, middle, below), (middle, high, above)):
            half = (end - start) / 2
            mu = start[:, None] + half[:, None] * (1 + z)
            side += (_at(panels, mu, height) * np.exp(-0.5 * ((theta[:, None] - mu) / t) ** 2) / t) @ weights * half
    total = above + below
    return np.divide(above, total, out=(theta > 0).astype(float), where=total > 0)


def limit_of(current: Current, truth: Truth, sign: int, threshold: float) -> float:
    """Chance that a trial of infinite size brings P(mu in direction `sign`) above `threshold`."""

    def surplus(theta: Array) -> Array:
        p = revealed(current, theta)
        return (p if sign > 0 else 1 - p) - threshold

    if truth.value is not None:
        return float(surplus(np.array([truth.value]))[0] > 0)
    assert truth.marginal is not None
    low, high = truth.marginal.quantile(np.array([1e-9, 1 - 1e-9]))
    theta = np.linspace(float(low), float(high), _GRID)
    good = surplus(theta) > 0
    total = truth.marginal.p_gt(theta[-1]) if good[-1] else 0.0
    total += float(truth.marginal.cdf(theta[0])) if good[0] else 0.0
    cuts = [theta[0]]
    for i in np.flatnonzero(good[1:] != good[:-1]):
        a, b = theta[i], theta[i + 1]
        for _ in range(40):
            middle = (a + b) / 2
            a, b = (middle, b) if (surplus(np.array([middle]))[0] > 0) == good[i] else (a, middle)
        cuts.append((a + b) / 2)
    cuts.append(theta[-1])
    is_good = bool(good[0])
    for a, b in pairwise(cuts):
        total += float(truth.marginal.cdf(b) - truth.marginal.cdf(a)) if is_good else 0.0
        is_good = not is_good
    return total


def _at(panels: Panels, x: Array, height: Array) -> Array:
    """Density at x, 0 outside the panels."""
    near = np.clip(x, panels.edges[0], panels.edges[-1])
    return np.where(near == x, panels.at(near, height), 0.0)
