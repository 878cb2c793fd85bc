"""Many priors at once: the posterior of mu under every pair of an effect prior and a heterogeneity prior.

For each prior of tau the surface is integrated over tau once, on panels of mu that the data alone lay. What is left
is a smooth function of mu; each prior of mu brings its own nodes to it, so that a narrow prior is as exact as a wide
one, and all priors of tau are answered together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.mesh import Axis, first_tau_axis, fit_axis, log_prior, mu_extent
from bayes_ivig.quadrature.panels import Panels, lay_panels, solve_series, split_panels
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface

Array = NDArray[np.float64]
PROBS = (0.025, 0.25, 0.5, 0.75, 0.975)
_ORDER, _TAU_ORDER = 16, 14
_VARIATION = 10.0
_FINER = 0.3  # of the scale of tau: far from the data's mu the likelihood of tau bends more than near it
_OVERSHOOT = 0.5  # log units that a peak between nodes may rise above them
_FAR_OUT = 1e12  # widths of the data beyond which no prior is followed


@dataclass(frozen=True, eq=False)
class GridAnswers:
    """Posterior of mu under priors of tau (rows, K) and of mu (columns, M).

    `quantiles` has the shape (K, M, len(probs)); `error` is the share of the density that its polynomials leave out.
    """

    probs: tuple[float, ...]
    mean: Array
    sd: Array
    quantiles: Array
    p_gt_0: Array
    log_evidence: Array
    error: Array


def answer_grid(
    surface: Surface, mu_shapes: Sequence[Shape], tau_shapes: Sequence[Shape | None], probs: tuple[float, ...] = PROBS
) -> GridAnswers:
    """Answer every pair of priors; a tau prior of None is a common effect.

    Moments are those of the density up to 10^12 widths of the data: under heavy tails on both sides ask
    `fit_posterior`, which says where a moment does not exist.
    """
    base = _base_panels(surface, mu_shapes)
    marginal = _integrate_tau(surface, base, tau_shapes)
    shape = (len(tau_shapes), len(mu_shapes))
    answers = GridAnswers(
        probs=probs,
        mean=np.empty(shape),
        sd=np.empty(shape),
        quantiles=np.empty((*shape, len(probs))),
        p_gt_0=np.empty(shape),
        log_evidence=np.empty(shape),
        error=np.empty(shape),
    )
    for m, mu in enumerate(mu_shapes):
        _answer(surface, base, marginal, mu, answers, m)
    return answers


def _base_panels(surface: Surface, mu_shapes: Sequence[Shape]) -> Panels:
    """Panels of mu that resolve the data wherever any of the priors goes."""
    points = [shape.point for shape in mu_shapes if shape.point is not None]
    ranges = [shape.range for shape in mu_shapes if shape.point is None]
    low, high = mu_extent(surface)
    widest = max((curve.width for curve in surface.varying), default=1.0)
    low = max(min([low, *points, *(lo for lo, _ in ranges)]), -_FAR_OUT * widest) - widest
    high = min(max([high, *points, *(hi for _, hi in ranges)]), _FAR_OUT * widest) + widest
    return Panels(lay_panels(low, high, surface.mu_landmarks), _ORDER)


def _integrate_tau(surface: Surface, base: Panels, tau_shapes: Sequence[Shape | None]) -> Array:
    """Log likelihood of mu at the base nodes with tau integrated out, (G, K)."""
    if not surface.varying:
        level = surface.parts(base.nodes, np.zeros(1)).sum(axis=0)[0]
        return np.repeat(level[:, None], len(tau_shapes), axis=1)
    points = [0.0 if tau is None else tau.point for tau in tau_shapes]
    fixed = {0.0} | {point for point in points if point is not None}
    exact = {point: surface.parts(base.nodes, np.array([point])).sum(axis=0)[0] for point in fixed}
    spread = [tau for tau in tau_shapes if tau is not None and tau.point is None]
    columns = []
    if spread:
        first = [first_tau_axis(surface, tau) for tau in spread]
        highest = max(float(axis.edges[-1]) for axis in first if axis.edges is not None)
        marks = tuple(mark._replace(scale=_FINER * mark.scale) for mark in surface.tau_landmarks)
        panels = _tau_panels(surface, base, lay_panels(0.0, highest, marks), spread)
        table = surface.parts(base.nodes, panels.nodes).sum(axis=0)
        top = table.max(axis=1)
    axes = iter(first) if spread else iter(())
    for tau, point in zip(tau_shapes, points, strict=True):
        if tau is None or point is not None:
            columns.append(exact[point or 0.0])
            continue

        def log_posterior(t: Array, tau: Shape = tau) -> Array:
            return np.asarray(panels.at(t, top) + log_prior(tau, t))

        axis = fit_axis(_within(next(axes), panels), log_posterior)
        t, log_w = axis.nodes(_ORDER)
        terms = _interpolate(panels, table, t) + (log_w + tau.logpdf(t))[:, None]
        if tau.below > 0:
            terms = np.vstack([terms, exact[0.0] + np.log(tau.below)])
        highest_term = terms.max(axis=0)
        columns.append(np.log(np.exp(terms - highest_term).sum(axis=0)) + highest_term)
    return np.stack(columns, axis=-1)


def _tau_panels(surface: Surface, base: Panels, edges: Array, priors: Sequence[Shape]) -> Panels:
    """Panels of tau for the table, cut where no prior leaves any mass."""
    coarse = Panels(edges, 3)
    likelihood = surface.parts(base.nodes[base.order // 2 :: base.order], coarse.nodes).sum(axis=0).max(axis=1)
    alive = 0
    for prior in priors:
        mass = likelihood + prior.logpdf(coarse.nodes) + np.log(coarse.weights)
        seen = np.nonzero(mass > np.nan_to_num(mass, nan=-np.inf).max() - 50.0)[0]
        # A prior may end before the first node of a panel, or be so narrow that no node sees it.
        end = int(coarse.locate(np.array(prior.range[1]))[0])
        alive = max(alive, min(end, int(seen[-1]) // coarse.order + 1) if len(seen) else end)
    return Panels(edges[: alive + 2], _TAU_ORDER)


def _within(axis: Axis, panels: Panels) -> Axis:
    """The axis up to the end of the tabulated tau."""
    assert axis.edges is not None
    end = min(axis.edges[-1], panels.edges[-1])
    inside = axis.edges[axis.edges < (1 - 1e-6) * end]  # a last panel without width would be split for ever
    return Axis(np.append(inside, end), None)


def _answer(surface: Surface, base: Panels, marginal: Array, mu: Shape, answers: GridAnswers, m: int) -> None:
    if mu.point is not None:
        value = _interpolate(base, marginal, np.array([mu.point]))[0]
        answers.log_evidence[:, m], answers.mean[:, m], answers.sd[:, m] = value, mu.point, 0.0
        answers.quantiles[:, m], answers.p_gt_0[:, m], answers.error[:, m] = mu.point, float(mu.point > 0), 0.0
        return
    low = max(mu.range[0], base.edges[0]) if mu.support[0] > -np.inf else base.edges[0]
    high = min(mu.range[1], base.edges[-1]) if mu.support[1] < np.inf else base.edges[-1]
    low, high = max(low, min(mu.range[0], mu_extent(surface)[0])), min(high, max(mu.range[1], mu_extent(surface)[1]))
    edges = lay_panels(low, high, (*mu.landmarks, *surface.mu_landmarks), (*mu.breaks, 0.0))
    for _ in range(8):
        panels = Panels(edges, _ORDER)
        log_terms = _interpolate(base, marginal, panels.nodes) + mu.logpdf(panels.nodes)[:, None]
        top = log_terms.max(axis=0)
        local = (log_terms - top).reshape(-1, _ORDER, log_terms.shape[1])
        height = local.max(axis=1)
        split = ((height > -45.0) & (height - np.maximum(local.min(axis=1), -60.0) > _VARIATION)).any(axis=1)
        if not split.any():
            break
        edges = split_panels(edges, split)
    density = np.exp(log_terms - top)
    _summarise(panels, density, top, answers, m)


def _interpolate(base: Panels, values: Array, x: Array) -> Array:
    """Interpolate node values (G, K) at x: (len(x), K).

    Nowhere much above the nodes around: far out, where panels are wide, a polynomial may overshoot.
    """
    panel, place = base.locate(x)
    local = values.reshape(-1, base.order, values.shape[1])
    basis = base.basis(place)
    result = np.empty((len(x), values.shape[1]))
    starts = np.concatenate([[0], np.nonzero(np.diff(panel))[0] + 1, [len(x)]])
    for a, b in pairwise(starts):
        nodes = local[panel[a]]
        # Far out one panel may hold thousands of log units: no polynomial may rise above its nodes.
        result[a:b] = np.minimum(basis[a:b] @ nodes, nodes.max(axis=0) + _OVERSHOOT)
    return result


def _summarise(panels: Panels, density: Array, top: Array, answers: GridAnswers, m: int) -> None:
    """Fill column m from the unnormalised densities (G, K)."""
    mass = panels.weights[:, None] * density
    total = mass.sum(axis=0)
    by_panel = mass.reshape(-1, panels.order, mass.shape[1]).sum(axis=1) / total
    edges = np.vstack([np.zeros(len(total)), np.cumsum(by_panel, axis=0)])
    answers.log_evidence[:, m] = np.log(total) + top
    mean = panels.nodes @ mass / total
    answers.mean[:, m] = mean
    answers.sd[:, m] = np.sqrt(((panels.nodes[:, None] - mean) ** 2 * mass).sum(axis=0) / total)
    above = np.searchsorted(panels.edges, 0.0)  # 0 is an edge wherever it is inside
    answers.p_gt_0[:, m] = by_panel[above:].sum(axis=0) if above < len(panels.edges) else 0.0
    local = density.reshape(-1, panels.order, len(total)) / total
    coefficients = panels.rule.to_legendre @ local  # (panels, order, K)
    answers.error[:, m] = (np.abs(coefficients[:, -2:]).sum(axis=1) * panels.half[:, None]).sum(axis=0)
    # Every quantile of every column at once: panels (K, Q), then series (K * Q, order).
    probs = np.array(answers.probs)
    panel = np.clip((edges[..., None] <= probs).sum(axis=0) - 1, 0, len(panels.half) - 1)
    columns = np.arange(len(total))[:, None]
    half, need = panels.half[panel], probs - edges[panel, columns]
    own = coefficients[panel, :, columns].reshape(-1, panels.order)
    place = solve_series(own, half.ravel(), need.ravel()).reshape(panel.shape)
    answers.quantiles[:, m] = panels.edges[panel] + half * (1 + place)
