"""The likelihood surface as the page carries it: a table that script/surface.js interpolates.

    {"mu": {"edges": [...]}, "tau": {"edges": [...], "scale": t}, "degree": d, "peak": p, "error": e, "log": base64}

`mu.edges` are the ends of panels in mu, `tau.edges` those of panels in w = asinh(tau / t), from w = 0 (tau = 0) on.
A panel holds one polynomial of degree d in mu (or in w), through the Chebyshev points of the second kind of that
panel (Trefethen, Approximation Theory and Approximation Practice, 2013, ch. 2 and 5); neighbours share their edge,
so m panels have d m + 1 nodes. `log` holds log L(mu, tau) - p as little-endian 32-bit floats, one row of all mu
nodes for each tau node. Beyond the last edges log L goes on in a straight line: in mu, where every likelihood of this
project has straight tails or negligible ones, and in w, that is in log tau. Both variables make these tables small: in
mu a normal likelihood is a parabola, whatever the width of the panel, and log(se^2 + tau^2) has no singularity nearer
than i pi / 2 to any real w when t is the smallest standard error.

Panels are halved where the table misses the function between its nodes, until it does not or the table is full;
`error` is the largest miss that is left, in units of log L; a miss d below the peak counts 1 / (1 + (d / 40)^4).
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import effect_sizes
from bayes_ivig.studies import Study

Array = NDArray[np.float64]
LogLikelihood = Callable[[Array, Array], Array]  # mu (m,), tau (n,) -> (n, m)

DEGREE = 8
MOST_NODES = 5600  # 22.4 kB of floats, 30 kB as base64
MOST_MU_PANELS = 14
TOLERANCE = 1e-5  # in log L
_DEEP = 40.0  # below the peak: from there on a miss matters less and less


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
    outwards = extent.reach * np.array([1.0, 6.0, 40.0])
    mu_edges = extent.center + np.concatenate([-outwards[::-1], [0.0], outwards])
    tau_edges = np.linspace(0, np.arcsinh(40 * extent.reach / extent.scale), 4)

    def tau_of(w: Array) -> Array:
        return extent.scale * np.sinh(w)

    near = np.max(log_likelihood(nodes(mu_edges), tau_of(nodes(tau_edges))))
    mu_probes = extent.center + extent.reach * np.array([-20.0, -2.0, -0.7, -0.2, 0.0, 0.2, 0.7, 2.0, 20.0])
    tau_probes = tau_of(np.linspace(0, tau_edges[-1], 9))
    mu_edges, mu_error = _refine(mu_edges, lambda mu: log_likelihood(mu, tau_probes).T - near, MOST_MU_PANELS)
    most = (MOST_NODES // (DEGREE * (len(mu_edges) - 1) + 1) - 1) // DEGREE
    tau_edges, tau_error = _refine(tau_edges, lambda w: log_likelihood(mu_probes, tau_of(w)) - near, most)
    table = log_likelihood(nodes(mu_edges), tau_of(nodes(tau_edges)))
    peak = float(table.max())
    return {
        "mu": {"edges": [float(x) for x in mu_edges]},
        "tau": {"edges": [float(x) for x in tau_edges], "scale": extent.scale},
        "degree": DEGREE,
        "peak": peak,
        "error": max(mu_error, tau_error),
        "log": base64.b64encode((table - peak).astype("<f4").tobytes()).decode("ascii"),
    }


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


def _refine(edges: Array, function: Callable[[Array], Array], most: int) -> tuple[Array, float]:
    """Halve panels until a function of one variable, values (n, others), is met between the nodes of each.

    Returns the edges and the largest miss that is left: at most `most` panels are made.
    """
    between = -np.cos(np.pi * (np.arange(DEGREE) + 0.5) / DEGREE)
    matrix = _interpolation(between)
    while True:
        half = np.diff(edges)[:, None] / 2
        places = (edges[:-1, None] + half * (1 + between)).ravel()
        truth = function(places).reshape(len(edges) - 1, DEGREE, -1)
        values = function(nodes(edges))
        held = np.stack([values[DEGREE * i : DEGREE * (i + 1) + 1] for i in range(len(edges) - 1)])
        allowed = 1 + (np.minimum(truth, 0) / _DEEP) ** 4
        misses = np.max(np.abs(matrix @ held - truth) / allowed, axis=(1, 2))
        bad = np.flatnonzero(misses > TOLERANCE)
        room = most - (len(edges) - 1)
        if not len(bad) or room <= 0:
            return edges, float(misses.max())
        worst = bad[np.argsort(misses[bad])[::-1][:room]]
        edges = np.sort(np.append(edges, (edges[worst] + edges[worst + 1]) / 2))


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


def sizes(table: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return the numbers of mu nodes and of tau nodes, and the bytes of the encoded values."""
    return (
        DEGREE * (len(table["mu"]["edges"]) - 1) + 1,
        DEGREE * (len(table["tau"]["edges"]) - 1) + 1,
        len(table["log"]),
    )
