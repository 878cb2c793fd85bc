"""Panels for the posterior of mu and tau: laid by what prior and data say, split where the posterior needs it,
cut to where the posterior is."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.quadrature.panels import Landmark, Panels, lay_panels, split_panels
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface

Array = NDArray[np.float64]
_COARSE = 4  # nodes a panel while the mesh is being found
_VARIATION = 10.0  # of the log posterior inside one panel that 12 nodes resolve
_NO_MASS, _NO_MOMENT = 42.0, 30.0  # log mass and log second moment, below the largest, of a panel that is cut off
_ROUNDS = 24
_BEYOND = 1e-12  # prior mass that is worth adding to an end panel, and is no rounding of 1 - cdf
_STEEP = 10.0  # widths beyond the data that a prior narrower than that can still be pulled to


class Landscape(Protocol):
    """Where likelihoods of mu and tau vary: what a mesh asks of them."""

    @property
    def varying(self) -> tuple[Curve, ...]:
        """The studies whose likelihood depends on the effect."""

    @property
    def mu_landmarks(self) -> tuple[Landmark, ...]:
        """Where the likelihood of mu varies."""

    @property
    def tau_landmarks(self) -> tuple[Landmark, ...]:
        """Where the likelihood of tau varies."""


class Axis(NamedTuple):
    """Edges of the panels of one parameter, or the only value it has."""

    edges: Array | None
    point: float | None

    def panels(self, order: int) -> Panels | None:
        """The panels with `order` nodes each."""
        return None if self.edges is None else Panels(self.edges, order)

    def nodes(self, order: int) -> tuple[Array, Array]:
        """Nodes and log weights; a fixed value has weight 1."""
        if self.edges is None:
            return np.array([self.point]), np.zeros(1)
        panels = Panels(self.edges, order)
        return panels.nodes, np.log(panels.weights)

    def halved(self) -> "Axis":
        """Return the axis with every panel halved."""
        if self.edges is None:
            return self
        return Axis(np.sort(np.concatenate([self.edges, (self.edges[:-1] + self.edges[1:]) / 2])), None)


def find_mesh(
    surface: Surface, mu: Shape, tau: Shape | None, evaluate: Callable[[Array, Array], Array]
) -> tuple[Axis, Axis]:
    """Axes of mu and tau for the posterior under these priors; `tau` None is a common effect.

    `evaluate(mu_nodes, tau_nodes)` is the log likelihood, (T, G).
    """
    first = _first_axis(mu, mu_extent(surface), surface.mu_landmarks, surface.kinks)
    axes = [first, first_tau_axis(surface, tau)]
    for _ in range(_ROUNDS):
        (x, log_w), (t, log_v) = (axis.nodes(_COARSE) for axis in axes)
        joint = evaluate(x, t) + log_prior(mu, x) + log_prior(tau, t)[:, None]
        finite = np.nan_to_num(joint, nan=-np.inf)
        changed = False
        for which, (axis, across) in enumerate(zip(axes, (finite.max(axis=0), finite.max(axis=1)), strict=True)):
            if axis.edges is None:
                continue
            weight = (log_w, log_v)[which]
            other = (log_v, log_w)[which]
            along = finite if which == 0 else finite.T
            log_mass = np.logaddexp.reduce(along + other[:, None], axis=0) + weight
            edges, moved = _adapt(axis.edges, across[:, None], log_mass[:, None])
            changed |= moved
            axes[which] = Axis(edges, None)
        if not changed:
            break
    return axes[0], axes[1]


def fit_axis(axis: Axis, log_posterior: Callable[[Array], Array]) -> Axis:
    """Split and cut the panels of one parameter by what `log_posterior` (of nodes (n,), shape (n, S)) says of it."""
    for _ in range(_ROUNDS):
        if axis.edges is None:
            break
        nodes, log_weights = axis.nodes(_COARSE)
        top = np.nan_to_num(log_posterior(nodes), nan=-np.inf)
        edges, changed = _adapt(axis.edges, top, top + log_weights[:, None])
        axis = Axis(edges, None)
        if not changed:
            break
    return axis


def prior_terms(
    axis: Axis, shape: Shape | None, order: int, ends: tuple[float, float] | None = None
) -> tuple[Array, Array]:
    """Nodes, and the log of prior times weight there.

    Where the axis goes as far as `ends` (the prior's range unless given), the panel there holds all that the prior has
    from it on: so far out (or so near to 0) no likelihood changes any more, or none is left.
    """
    nodes, logs = axis.nodes(order)
    logs = logs + log_prior(shape, nodes)
    if axis.edges is None or shape is None:
        return nodes, logs
    low, high = ends or shape.range
    are_ends = (axis.edges[0] <= low, axis.edges[-1] >= high)
    masses = shape.beyond(float(axis.edges[1]), float(axis.edges[-2]))
    for is_end, mass, panel in zip(are_ends, masses, (slice(order), slice(-order, None)), strict=True):
        held = np.exp(logs[panel]).sum()
        if is_end and 0 < held < mass - _BEYOND:
            logs[panel] += np.log(mass / held)
    return nodes, logs


def log_prior(shape: Shape | None, x: Array) -> Array:
    """Log density of a prior at nodes; 0 for a fixed value or none."""
    return np.zeros(len(x)) if shape is None or shape.point is not None else shape.logpdf(x)


def mu_extent(surface: Landscape) -> tuple[float, float]:
    """Ends of what the data may say of mu, (inf, -inf) where they say nothing."""
    if not surface.varying:
        return (np.inf, -np.inf)
    low = min(curve.centre - _STEEP * curve.width for curve in surface.varying)
    return low, max(curve.centre + _STEEP * curve.width for curve in surface.varying)


def _first_axis(
    shape: Shape, extent: tuple[float, float], marks: tuple[Landmark, ...], kinks: tuple[float, ...] = ()
) -> Axis:
    if shape.point is not None:
        return Axis(None, shape.point)
    low, high = shape.range
    low, high = min(low, max(extent[0], shape.support[0])), max(high, min(extent[1], shape.support[1]))
    return Axis(lay_panels(low, high, (*shape.landmarks, *marks), (*shape.breaks, *kinks)), None)


def first_tau_axis(surface: Landscape, tau: Shape | None) -> Axis:
    """Panels of tau before the posterior is known; the single value 0 for a common effect."""
    if tau is None:
        return Axis(None, 0.0)
    centres = [curve.centre for curve in surface.varying]
    spread = max(centres) - min(centres) + max(c.width for c in surface.varying) if centres else 0.0
    return _first_axis(tau, (np.inf, _STEEP * spread), surface.tau_landmarks)


def _adapt(edges: Array, top: Array, log_mass: Array) -> tuple[Array, bool]:
    """Split panels over which a posterior changes too much to integrate; cut ends without mass.

    The arrays (n, S) are those of S posteriors, all of which the panels are to serve.
    """
    panels = Panels(edges, _COARSE)
    count = top.shape[1]
    peak = np.argmax(log_mass, axis=0)
    reach = np.abs(panels.nodes[:, None] - panels.nodes[peak]) / (2 * panels.half[peak // _COARSE])
    mass = log_mass.reshape(-1, _COARSE, count).max(axis=1)
    moment = (log_mass + np.log1p(reach**2)).reshape(-1, _COARSE, count).max(axis=1)
    matters = (mass > mass.max(axis=0) - _NO_MASS) | (moment > moment.max(axis=0) - _NO_MOMENT)
    local = top.reshape(-1, _COARSE, count)
    height = local.max(axis=1)
    highest = height.max(axis=0)
    # Between its nodes and beyond its ends a panel may hold more than they show.
    change = np.where(np.isfinite(height), height - np.maximum(local.min(axis=1), highest - 60.0), 0.0)
    ends = np.concatenate([local[:1, 0], (local[1:, 0] + local[:-1, -1]) / 2, local[-1:, -1]])
    beside = np.maximum(np.abs(np.diff(ends, axis=0)), change)
    near_top = height > highest - 50.0
    split = (matters & near_top & (np.where(np.isfinite(beside), beside, np.inf) > _VARIATION)).any(axis=1)
    first, last = np.nonzero(matters.any(axis=1))[0][[0, -1]]
    # One panel more on either side, in case the split ones show that it matters.
    first, last = max(first - 1, 0), min(last + 1, len(matters) - 1)
    kept, wanted = edges[first : last + 2], split[first : last + 1]
    if not wanted.any():
        return kept, len(kept) < len(edges)
    return split_panels(kept, wanted), True
