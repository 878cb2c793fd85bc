"""The likelihood surface as the page carries it: a table that script/surface.js interpolates.

    {"mu": {"edges": [...]}, "tau": {"edges": [...], "scale": t}, "degree": d, "peak": p, "error": e, "log": base64}

`mu.edges` are the ends of panels in mu, `tau.edges` those of panels in w = asinh(tau / t), from w = 0 (tau = 0) on.
A panel holds one polynomial of degree d in mu (or in w), through the Chebyshev points of the second kind of that
panel (Trefethen, Approximation Theory and Approximation Practice, 2013, ch. 2 and 5); neighbours share their edge,
so m panels have d m + 1 nodes. `log` holds log L(mu, tau) - p as little-endian 32-bit floats, one row of all mu
nodes for each tau node.

Beyond the last edges in mu log L falls in a straight line or stays what it is: every likelihood of this project has
straight tails, flat or falling ones, or negligible ones. Beyond the last tau it keeps its shape on a wider scale:
log L(c + m, tau) is that of c + m t' / tau at the last tau t', c the middle edge, plus what follows from its course
over the last two units of w.

Both variables make these tables small: in mu a normal likelihood is a parabola, whatever the width of the panel, and
log(se^2 + tau^2) has no singularity nearer than i pi / 2 to any real w when t is the smallest standard error.

The panels are the same for every surface, in units of where its trials lie; `error` is the largest miss found between
the nodes within 10 of the peak.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import effect_sizes
from bayes_ivig.studies import Study

Array = NDArray[np.float64]
LogLikelihood = Callable[[Array, Array], Array]  # mu (m,), tau (n,) -> (n, m)

DEGREE = 8
TAU_PANELS = 6
# Edges in mu on either side of the centre, in units of the reach: 97 x 49 nodes make 25 kB.
_OUTWARDS = np.array([0.3, 0.6, 0.9, 1.3, 2.2, 6.0])
_LAST_TAU = 40.0  # in units of the reach
_NEAR = 10.0  # below the peak: where a miss would be seen in an answer


@dataclass(frozen=True)
class Extent:
    """Where a surface has its features: `center` of the effects, `reach` around it, `scale` the smallest SE."""

    center: float
    reach: float
    scale: float

    @classmethod
    def of(cls, studies: Sequence[Study], measure: str) -> "Extent":
        """Take the extent from the effects of the trials, 0.5 added where a table has a zero."""
        y, se, _ = effect_sizes(studies, measure)
        seen = np.isfinite(y) & np.isfinite(se)
        if not seen.any():
            return cls(0.0, 5.0, 1.0)
        y, se = y[seen], se[seen]
        center = float(np.average(y, weights=se**-2))
        return cls(center, float(np.max(np.abs(y - center) + 3 * se)), float(se.min()))


def surface_table(log_likelihood: LogLikelihood, extent: Extent) -> dict[str, Any]:
    """Tabulate a likelihood surface for the page.

    Parameters
    ----------
    log_likelihood
        log L at mu (m,) and tau (n,), an array (n, m), every constant included.
    extent
        Where its features are.

    Returns
    -------
    dict
        Plain values, as the module says.
    """
    outwards = extent.reach * _OUTWARDS
    mu_edges = extent.center + np.concatenate([-outwards[::-1], [0.0], outwards])
    tau_edges = np.linspace(0, np.arcsinh(_LAST_TAU * extent.reach / extent.scale), TAU_PANELS + 1)
    table = log_likelihood(nodes(mu_edges), extent.scale * np.sinh(nodes(tau_edges)))
    peak = float(table.max())
    return {
        "mu": {"edges": [float(x) for x in mu_edges]},
        "tau": {"edges": [float(x) for x in tau_edges], "scale": extent.scale},
        "degree": DEGREE,
        "peak": peak,
        "error": _miss(log_likelihood, table, mu_edges, tau_edges, extent.scale),
        "log": base64.b64encode((table - peak).astype("<f4").tobytes()).decode("ascii"),
    }


def curve_table(log_profile: Callable[[Array], Array], extent: Extent) -> dict[str, Any]:
    """Tabulate one trial's log likelihood of its own effect on the panels of mu, up to a constant."""
    outwards = extent.reach * _OUTWARDS
    edges = extent.center + np.concatenate([-outwards[::-1], [0.0], outwards])
    log = log_profile(nodes(edges))
    data = (log - log.max()).astype("<f4").tobytes()
    return {
        "edges": [float(x) for x in edges],
        "degree": DEGREE,
        "log": base64.b64encode(data).decode("ascii"),
    }


def _miss(log_likelihood: LogLikelihood, table: Array, mu_edges: Array, tau_edges: Array, scale: float) -> float:
    """Largest error of the interpolation halfway between nodes near the centre, where log L is near its peak."""
    between = np.array([-np.cos(np.pi * (DEGREE // 2 - 0.5) / DEGREE)])
    matrix = _interpolation(between)[0]
    chosen = range(2, len(mu_edges) - 3)
    mu = np.array([_at(mu_edges, i, between[0]) for i in chosen])
    tau = scale * np.sinh([_at(tau_edges, i, between[0]) for i in range(TAU_PANELS)])
    truth = log_likelihood(mu, tau)
    in_tau = np.stack([matrix @ table[DEGREE * i : DEGREE * (i + 1) + 1] for i in range(TAU_PANELS)])
    held = np.stack([in_tau[:, DEGREE * i : DEGREE * (i + 1) + 1] @ matrix for i in chosen], axis=1)
    near = truth > table.max() - _NEAR
    return float(np.max(np.abs(held - truth)[near], initial=0.0))


def _at(edges: Array, panel: int, x: float) -> float:
    """Return the place of x in [-1, 1] on one panel."""
    return float((edges[panel] + edges[panel + 1]) / 2 + x * (edges[panel + 1] - edges[panel]) / 2)


def nodes(edges: Array) -> Array:
    """Chebyshev points of the second kind of each panel, shared edges once, shape (DEGREE * m + 1,)."""
    x = -np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
    half = np.diff(edges)[:, None] / 2
    inside = edges[:-1, None] + half * (1 + x[:-1])
    return np.append(inside.ravel(), edges[-1])


def _interpolation(at: Array) -> Array:
    """Return the matrix (len(at), DEGREE + 1) from node values on [-1, 1] to values at points that are no nodes."""
    x = -np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
    weights = (-1.0) ** np.arange(DEGREE + 1)
    weights[[0, -1]] /= 2
    terms = weights / (at[:, None] - x)
    return np.asarray(terms / terms.sum(axis=1, keepdims=True))


def normal_surface(y: Array, se: Array) -> LogLikelihood:
    """Return log L of the normal model in closed form: the sum over trials of log N(y_i; mu, sqrt(se_i^2 + tau^2))."""
    y, se = np.asarray(y, dtype=float), np.asarray(se, dtype=float)

    def log_likelihood(mu: Array, tau: Array) -> Array:
        total = np.zeros((len(tau), len(mu)))
        for one, error in zip(y, se, strict=True):
            variance = error**2 + tau[:, None] ** 2
            total -= 0.5 * ((one - mu) ** 2 / variance + np.log(2 * np.pi * variance))
        return total

    return log_likelihood
