"""A density on dense panels: moments, quantiles and tail probability by interpolation, in a tenth of a millisecond.

`Marginal` asks more questions and takes every care; this asks the few of a table with thousands of rows, of densities
whose panels hold more nodes than they need.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.panels import Panels

Array = NDArray[np.float64]
_NEWTON = 6


@dataclass(frozen=True)
class Answers:
    """Mean, SD, quantiles at the probabilities asked for, and P(> 0)."""

    mean: float
    sd: float
    quantiles: tuple[float, ...]
    p_gt_0: float


def describe_point(value: float, probs: tuple[float, ...]) -> Answers:
    """Answers of a point mass."""
    return Answers(value, 0.0, (value,) * len(probs), float(value > 0))


def describe_density(panels: Panels, density: Array, probs: tuple[float, ...]) -> Answers:
    """Answers of a density (m * order,) at the nodes of its panels, of which the integral need not be 1."""
    edges, nodes = panels.running_integral(density)
    total = float(edges[-1])
    mass = panels.weights * density / total
    mean = float(mass @ panels.nodes)
    sd = math.sqrt(max(float(mass @ (panels.nodes - mean) ** 2), 0.0))
    x = _invert(panels, density, edges, nodes, np.array(probs) * total)
    above = total - _running_at(panels, edges, nodes, 0.0)
    return Answers(mean, sd, tuple(x.tolist()), min(max(above / total, 0.0), 1.0))


def _invert(panels: Panels, density: Array, edges: Array, nodes: Array, need: Array) -> Array:
    """Places where the running integral reaches `need`, by Newton's method kept inside its panel."""
    panel = np.clip(np.searchsorted(edges, need, side="right") - 1, 0, len(panels.half) - 1)
    running = nodes.reshape(-1, panels.order)[panel]
    local, half = density.reshape(-1, panels.order)[panel], panels.half[panel]
    ends = np.concatenate([edges[panel, None], running, edges[panel + 1, None]], axis=1)
    places = np.concatenate([[-1.0], panels.rule.nodes, [1.0]])
    place = np.array([np.interp(n, e, places) for n, e in zip(need, ends, strict=True)])
    for _ in range(_NEWTON):
        basis = panels.basis(place)
        miss = (basis * running).sum(axis=1) - need
        slope = (basis * local).sum(axis=1) * half
        step = np.divide(miss, slope, out=np.zeros_like(miss), where=slope > 0)
        place = np.clip(place - step, -1.0, 1.0)
        if np.abs(step).max() < 1e-11:
            break
    return np.asarray(panels.edges[panel] + half * (1 + place))


def _running_at(panels: Panels, edges: Array, nodes: Array, x: float) -> float:
    if x <= panels.edges[0]:
        return 0.0
    if x >= panels.edges[-1]:
        return float(edges[-1])
    panel, place = panels.locate(np.array([x]))
    return float(panels.basis(place)[0] @ nodes.reshape(-1, panels.order)[panel[0]])
