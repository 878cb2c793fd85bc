"""Densities of the next trial's effect and of each study's effect, from the joint posterior of mu and tau.

The next effect is Normal(mu, tau) averaged over the posterior. A study's effect has the density of a next effect
under the posterior without that study, times the study's own likelihood: both are one smoothing of a density of mu
by bells of SD tau. A bell wider than the panels is summed over the nodes of mu; a narrower one is integrated by
Gauss-Hermite nodes around each effect.
"""

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.quadrature.marginal import Marginal
from bayes_ivig.quadrature.panels import Landmark, Panels, lay_panels

if TYPE_CHECKING:
    from bayes_ivig.quadrature.posterior import Joint

Array = NDArray[np.float64]
_HERMITE = 20
_RESOLVED = 6.0  # panels this many tau wide resolve a bell of SD tau
_NARROW = 5.0  # bells this many times narrower than every panel are averaged over, not summed
_NEGLIGIBLE = 1e-22
_NO_MASS, _NO_MOMENT = 1e-17, 1e-12  # probability, and share of E(tau^2), of a tau that cannot be seen in the sum
_LITTLE = 1e-13  # share of a panel of mu, given tau, that need not be resolved
_ORDER = 16
_WIDE, _WIDEST = 24.0, 8.0  # tau beyond which a bell is nothing, and beyond the widest bell of all


def effect_densities(curves: tuple[Curve, ...], joint: "Joint") -> tuple[Marginal, tuple[Marginal, ...]]:
    """Marginals of theta_new and of the effect in each study."""
    if joint.mu_panels is None and joint.tau_panels is None and joint.tau[0] == 0:
        fixed = joint.mu_marginal
        return fixed, tuple(fixed for _ in curves)
    if joint.tau_panels is None and joint.tau[0] == 0:
        return joint.mu_marginal, tuple(joint.mu_marginal for _ in curves)
    target = _target_panels(curves, joint)
    # Log density of (mu, tau) per unit of mu, weight of tau included, for all studies and with each left out.
    per_mu = joint.log_terms - (np.log(joint.mu_panels.weights) if joint.mu_panels else 0.0)
    stack = [per_mu, *(per_mu - part for part in joint.parts)]
    tops = np.array([float(one.max()) for one in stack])
    smoothed = _smooth(joint, np.array([one - top for one, top in zip(stack, tops, strict=True)]), target)
    new = replace(_normalised(target, smoothed[0]), moments=_moments_of_next(joint))
    theta = []
    for curve, density in zip(curves, smoothed[1:], strict=True):
        profile = curve.log_profile(target.nodes)
        with np.errstate(divide="ignore"):
            log_density = profile + np.log(np.maximum(density, 0.0))
        theta.append(_normalised(target, np.exp(log_density - log_density.max())))
    return new, tuple(theta)


def _moments_of_next(joint: "Joint") -> tuple[float, float]:
    """Mean and SD of theta_new: E(mu), and Var(mu) + E(tau^2)."""
    mu, tau = joint.mu_marginal, joint.tau_marginal
    return mu.mean, math.hypot(mu.sd, tau.sd, tau.mean)


def _alive(joint: "Joint") -> NDArray[np.bool_]:
    """Which tau count: by their probability, or by their part in E(tau^2)."""
    by_tau = joint.mass.sum(axis=1)
    moment = by_tau * joint.tau**2
    return np.asarray((by_tau > _NO_MASS) | (moment > _NO_MOMENT * moment.sum()))


def _normalised(panels: Panels, density: Array) -> Marginal:
    """Scale to 1 and drop the empty ends."""
    mass = panels.weights * density
    total = mass.sum()
    by_panel = (mass * (1 + np.abs(panels.nodes))).reshape(-1, panels.order).sum(axis=1)
    kept = np.nonzero(by_panel > _NEGLIGIBLE * by_panel.max())[0]
    first, last = kept[0], kept[-1]
    cut = slice(first * panels.order, (last + 1) * panels.order)
    return Marginal(Panels(panels.edges[first : last + 2], panels.order), density[cut] / total)


def _target_panels(curves: tuple[Curve, ...], joint: "Joint") -> Panels:
    """Panels for effects: as fine as those of mu or the studies ask for, out to where the bells end."""
    by_tau = joint.mass.sum(axis=1)
    widest = _WIDEST * float(joint.tau[_alive(joint)].max())
    marks = [Landmark(c.centre, c.width, 2 * c.width) for c in curves if math.isfinite(c.width)]
    if joint.mu_panels is None:
        value = float(joint.mu[0])
        typical = float(joint.tau[np.argmax(by_tau)]) or widest / 10
        return Panels(lay_panels(value - widest, value + widest, (*marks, Landmark(value, typical))), _ORDER)
    edges = joint.mu_panels.edges
    marks += [Landmark((a + b) / 2, (b - a) / 2.5, (b - a) / 2) for a, b in pairwise(edges.tolist())]
    low, high = edges[0] - widest, edges[-1] + widest
    near = [m for m in marks if low - 10 * m.scale < m.centre < high + 10 * m.scale]
    kinks = tuple({c.kink for c in curves if c.kink is not None})
    return Panels(lay_panels(low, high, tuple(near), kinks), _ORDER)


def _smooth(joint: "Joint", log_density: Array, target: Panels) -> Array:
    """Sum over tau of the densities of mu (K, T, G), each smoothed by its tau, at the target nodes: (K, N)."""
    x, panels = target.nodes, joint.mu_panels
    result = np.zeros((len(log_density), len(x)))
    alive = _alive(joint)
    for t, tau in enumerate(joint.tau.tolist()):
        logs = log_density[:, t]
        if panels is None:
            result += np.exp(logs) * _bells(x, joint.mu, tau)[:, 0]
            continue
        if not alive[t]:
            continue
        mass = np.concatenate([np.exp(logs - logs.max(axis=1, keepdims=True)) * panels.weights, joint.mass[t][None]])
        by_panel = mass.reshape(len(mass), -1, panels.order).sum(axis=-1)
        holds = (by_panel > _LITTLE * by_panel.sum(axis=1, keepdims=True)).any(axis=0)
        first, last = np.nonzero(holds)[0][[0, -1]]
        for part, begin, end in _parts(panels, x, tau, first, last):
            if begin == end:
                result[:, part] += _narrow(panels, logs, x[part], tau)
            else:
                pieces = np.ceil(2 * panels.half[begin:end] / (_RESOLVED * tau)).astype(int)
                nodes, values = _split(panels, logs, begin, pieces)
                result[:, part] += (_bells(x[part], nodes, tau) @ values.T).T
    return result


def _parts(panels: Panels, x: Array, tau: float, first: int, last: int) -> list[tuple[slice, int, int]]:
    """Stretches of the targets x, each with the panels (begin, end) among first..last to sum over there.

    No panels (begin = end) where every panel near a target is many tau wide: there the bell is averaged over.
    """
    reach = slice(*np.searchsorted(x, [panels.edges[first] - _WIDE * tau, panels.edges[last + 1] + _WIDE * tau]))
    begin, end = (np.searchsorted(panels.edges, x[reach] + side * _WIDE * tau) for side in (-1, 1))
    begin, end = np.clip(begin - 1, first, last), np.clip(end, first + 1, last + 1)
    fine = np.concatenate([[0], np.cumsum(2 * panels.half < _NARROW * tau)])
    summed = fine[end] > fine[begin]
    borders = np.concatenate([[0], np.nonzero(np.diff(summed))[0] + 1, [len(summed)]])
    return [
        (slice(reach.start + a, reach.start + b), int(begin[a]), int(end[b - 1]) if summed[a] else int(begin[a]))
        for a, b in pairwise(borders.tolist())
        if b > a
    ]


def _split(panels: Panels, log_density: Array, first: int, pieces: NDArray[np.intp]) -> tuple[Array, Array]:
    """Nodes (M,) and density times weight (K, M) of consecutive panels, each cut into equal pieces."""
    last = first + len(pieces)
    if pieces.max() == 1:
        nodes = slice(first * panels.order, last * panels.order)
        return panels.nodes[nodes], np.exp(log_density[:, nodes]) * panels.weights[nodes]
    edges = [
        np.linspace(panels.edges[first + i], panels.edges[first + i + 1], n + 1)[:-1] for i, n in enumerate(pieces)
    ]
    fine = Panels(np.concatenate([*edges, panels.edges[last : last + 1]]), panels.order)
    floor = np.maximum(log_density, log_density.max(axis=1, keepdims=True) - 700.0)
    return fine.nodes, np.exp(panels.at(fine.nodes, floor)) * fine.weights


def _bells(x: Array, mu: Array, tau: float) -> Array:
    """Density of Normal(mu, tau) at x, (len(x), len(mu)); floored where it would underflow, which is slow."""
    z = (x[:, None] - mu) / tau
    z *= z
    z *= -0.5
    np.maximum(z, -300.0, out=z)
    return np.exp(z, out=z) / (tau * math.sqrt(2 * math.pi))


def _narrow(panels: Panels, log_density: Array, x: Array, tau: float) -> Array:
    """Average of the densities (K, G) over Normal(x, tau), by Gauss-Hermite nodes: (K, len(x))."""
    low, high = panels.edges[0], panels.edges[-1]
    if tau == 0:
        nodes, weights = np.zeros(1), np.ones(1)
    else:
        nodes, weights = hermegauss(_HERMITE)
        weights = weights / weights.sum()
    places = x[:, None] + tau * nodes
    inside = (places >= low) & (places <= high)
    floor = np.maximum(log_density, log_density.max(axis=1, keepdims=True) - 700.0)
    values = np.exp(panels.at(np.clip(places, low, high), floor))
    return np.asarray((np.where(inside, values, 0.0) * weights).sum(axis=-1))
