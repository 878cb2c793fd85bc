"""Many priors at once: the posterior of mu under every pair of an effect prior and a heterogeneity prior.

For each prior of tau the surface is integrated over tau once, on panels of mu that the data alone lay. What is left
is a smooth function of mu; each prior of mu brings its own nodes to it, so that a narrow prior is as exact as a wide
one, and all priors of tau are answered together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.quadrature.mesh import Axis, first_tau_axis, fit_axis, log_prior, mu_extent, prior_terms
from bayes_ivig.quadrature.panels import Landmark, Panels, lay_panels, solve_series, split_panels
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.quadrature.table_check import Pairs, without_tables, worst_table_errors

Array = NDArray[np.float64]
PROBS = (0.025, 0.25, 0.5, 0.75, 0.975)
_ORDER, _TAU_ORDER = 16, 14
_AT_ONCE = 48  # surfaces
_VARIATION = 10.0
_NO_MASS = 30.0  # log mass, below the largest, of a panel of tau that is cut off
_FINER = 0.3  # of the scale of tau: far from the data's mu the likelihood of tau bends more than near it
_OVERSHOOT = 0.5  # log units that a peak between nodes may rise above them
_MISSED = 2e-7  # log likelihood that the tables of studies may miss where a posterior lies
_ROUNDS = 6  # of splitting panels of mu where the likelihood is no polynomial
_LEFT_OUT = 2e-6  # log likelihood in the last terms of a polynomial, about ten times what it leaves out
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

    def tails(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names of the arrays and their shapes beyond the rows."""
        names = ("mean", "sd", "quantiles", "p_gt_0", "log_evidence", "error")
        return tuple((name, getattr(self, name).shape[1:]) for name in names)


def answer_grid(
    surface: Surface, mu_shapes: Sequence[Shape], tau_shapes: Sequence[Shape | None], probs: tuple[float, ...] = PROBS
) -> GridAnswers:
    """Answer every pair of priors; a tau prior of None is a common effect.

    Moments are those of the density up to 10^12 widths of the data: under heavy tails on both sides ask
    `fit_posterior`, which says where a moment does not exist.
    """
    return answer_grids((surface,), mu_shapes, tau_shapes, probs)[0]


def answer_grids(
    surfaces: Sequence[Surface],
    mu_shapes: Sequence[Shape],
    tau_shapes: Sequence[Shape | None],
    probs: tuple[float, ...] = PROBS,
) -> tuple[GridAnswers, ...]:
    """Answer every pair of priors on every surface: surfaces on one mesh share the curves of their studies."""
    answers: list[GridAnswers] = []
    for start in range(0, len(surfaces), _AT_ONCE):
        some = Surfaces(tuple(surfaces[start : start + _AT_ONCE]))
        found, probes = _answer_together(some, mu_shapes, tau_shapes, probs)
        missed = np.nonzero(worst_table_errors(some.surfaces, probes) > _MISSED)[0].tolist()
        if missed:
            # The tables miss something just where these posteriors are: do without them.
            direct = Surfaces(tuple(without_tables(some.surfaces[i]) for i in missed))
            for i, one in zip(missed, _answer_together(direct, mu_shapes, tau_shapes, probs)[0], strict=True):
                found[i] = one
        answers += found
    return tuple(answers)


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Surfaces that one mesh serves; `varying` and the landmarks are those of all of them."""

    surfaces: tuple[Surface, ...]

    @cached_property
    def varying(self) -> tuple[Curve, ...]:
        """The studies whose likelihood depends on the effect, each once."""
        return tuple(dict.fromkeys(curve for surface in self.surfaces for curve in surface.varying))

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """All studies, each once, in an order that is the same in every run: sums depend on it in the last digit."""
        return tuple(dict.fromkeys(curve for surface in self.surfaces for curve in surface.curves))

    @cached_property
    def mu_landmarks(self) -> tuple[Landmark, ...]:
        """Where the likelihood of mu varies."""
        return tuple(dict.fromkeys(mark for surface in self.surfaces for mark in surface.mu_landmarks))

    @cached_property
    def tau_landmarks(self) -> tuple[Landmark, ...]:
        """Where the likelihood of tau varies: all near 0, so that the narrowest stands for the others."""
        marks = [mark for surface in self.surfaces for mark in surface.tau_landmarks]
        return (min(marks, key=lambda mark: mark.scale),) if marks else ()

    def log_likelihood(self, mu: Array, tau: Array) -> Array:
        """Log likelihood of each surface at every mu (G,) and tau (T,), (T, S, G)."""
        result = np.zeros((len(tau), len(self.surfaces), len(mu)))
        for curve in self.curves:
            smoothed = curve.log_smoothed(mu, tau)
            for i, surface in enumerate(self.surfaces):
                for _ in range(surface.curves.count(curve)):
                    result[:, i] += smoothed
        return result


def _answer_together(
    surfaces: Surfaces, mu_shapes: Sequence[Shape], tau_shapes: Sequence[Shape | None], probs: tuple[float, ...]
) -> tuple[list[GridAnswers], list[Pairs]]:
    """Answers of each surface, and pairs of mu and tau where its posteriors lie."""
    base = _base_panels(surfaces, mu_shapes)
    count, shape = len(surfaces.surfaces), (len(surfaces.surfaces) * len(tau_shapes), len(mu_shapes))
    for _ in range(_ROUNDS):
        marginal, likeliest = _integrate_tau(surfaces, base, mu_shapes, tau_shapes)
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
            _answer(surfaces, base, marginal, mu, answers, m)
        crooked = _crooked_panels(base, marginal, answers.quantiles)
        if not crooked.any():
            break
        base = Panels(split_panels(base.edges, crooked), _ORDER)
    found = [
        GridAnswers(probs, *(getattr(answers, name).reshape(count, -1, *tail)[i] for name, tail in answers.tails()))
        for i in range(count)
    ]
    return found, _probes(base, likeliest, answers.quantiles, count)


def _crooked_panels(base: Panels, marginal: Array, quantiles: Array) -> NDArray[np.bool_]:
    """Which panels of mu hold a quantile of a posterior whose likelihood there is no polynomial."""
    panel, _ = base.locate(quantiles.reshape(len(quantiles), -1))
    local = marginal.reshape(-1, _ORDER, marginal.shape[1])
    left_out = np.abs(base.rule.to_legendre[-2:] @ local).max(axis=1)  # (panels, rows)
    crooked = np.zeros(len(base.half), bool)
    rows = np.arange(len(quantiles))[:, None]
    crooked[panel[left_out[panel, rows] > _LEFT_OUT]] = True
    return crooked


def _probes(base: Panels, likeliest: Array, quantiles: Array, count: int) -> list[Pairs]:
    """Of each surface, one pair of mu and tau in every part of their meshes where one of its posteriors lies."""
    rows = len(quantiles)
    mu = quantiles.reshape(rows, -1)
    node = np.searchsorted(base.nodes, mu).clip(0, len(base.nodes) - 1)
    tau = likeliest[node, np.arange(rows)[:, None]]
    octave = np.log2(np.maximum(tau, 1e-9)).astype(int)
    part = node // base.order * 1000 + octave
    pairs = []
    for one in np.split(np.arange(rows), count):
        _, first = np.unique(part[one], return_index=True)
        pairs.append((mu[one].ravel()[first], tau[one].ravel()[first]))
    return pairs


def _base_panels(surfaces: Surfaces, mu_shapes: Sequence[Shape]) -> Panels:
    """Panels of mu that resolve the data wherever any of the priors goes."""
    points = [shape.point for shape in mu_shapes if shape.point is not None]
    ranges = [shape.range for shape in mu_shapes if shape.point is None]
    low, high = mu_extent(surfaces)
    widest = max((curve.width for curve in surfaces.varying), default=1.0)
    low = max(min([low, *points, *(lo for lo, _ in ranges)]), -_FAR_OUT * widest) - widest
    high = min(max([high, *points, *(hi for _, hi in ranges)]), _FAR_OUT * widest) + widest
    return Panels(lay_panels(low, high, surfaces.mu_landmarks), _ORDER)


def _integrate_tau(
    surfaces: Surfaces, base: Panels, mu_shapes: Sequence[Shape], tau_shapes: Sequence[Shape | None]
) -> tuple[Array, Array]:
    """Log likelihood of mu at the base nodes with tau integrated out, and the likeliest tau there.

    Both (G, S * K), the surfaces one after another.
    """
    nodes, count = base.nodes, len(surfaces.surfaces)
    if not surfaces.varying:
        level = surfaces.log_likelihood(nodes, np.zeros(1))[0]
        flat = np.repeat(level, len(tau_shapes), axis=0).T
        return flat, np.zeros_like(flat)
    points = [0.0 if tau is None else tau.point for tau in tau_shapes]
    fixed = sorted({0.0} | {point for point in points if point is not None})
    exact = dict(zip(fixed, surfaces.log_likelihood(nodes, np.array(fixed)), strict=True))
    spread = [tau for tau in tau_shapes if tau is not None and tau.point is None]
    by_prior, likeliest = [], []
    if spread:
        first = [first_tau_axis(surfaces, tau) for tau in spread]
        highest = max(float(axis.edges[-1]) for axis in first if axis.edges is not None)
        marks = tuple(mark._replace(scale=_FINER * mark.scale) for mark in surfaces.tau_landmarks)
        panels = _tau_panels(surfaces, base, lay_panels(0.0, highest, marks), spread)
        table = surfaces.log_likelihood(nodes, panels.nodes)
        top = np.concatenate([table.max(axis=2).T, *table[:, :, _pulled_to(nodes, table, mu_shapes)].T])
        table = table.reshape(len(table), -1)
    axes = iter(first) if spread else iter(())
    for tau, point in zip(tau_shapes, points, strict=True):
        if tau is None or point is not None:
            by_prior.append(exact[point or 0.0])
            likeliest.append(np.full((count, len(nodes)), point or 0.0))
            continue

        def log_posterior(t: Array, tau: Shape = tau) -> Array:
            return np.asarray(panels.at(t, top).T + log_prior(tau, t)[:, None])

        axis = fit_axis(_within(next(axes), panels), log_posterior)
        t, log_tau = prior_terms(axis, tau, _ORDER)
        terms = _interpolate(panels, table, t)
        terms += log_tau[:, None]
        top_row = terms.argmax(axis=0)
        highest_term = terms[top_row, np.arange(terms.shape[1])]
        terms -= highest_term
        by_prior.append((np.log(np.exp(terms, out=terms).sum(axis=0)) + highest_term).reshape(count, -1))
        likeliest.append(t[top_row].reshape(count, -1))
    both = (np.stack(rows, axis=1).reshape(-1, len(nodes)).T for rows in (by_prior, likeliest))
    return next(both), next(both)


def _pulled_to(nodes: Array, table: Array, mu_shapes: Sequence[Shape]) -> list[int]:
    """Nodes of mu to which a prior may pull the posterior, away from where the data alone would have it."""
    best = table.max(axis=(0, 1))
    found = set()
    for shape in mu_shapes:
        low, high = shape.range if shape.point is None else (shape.point, shape.point)
        away = np.abs(nodes - np.clip(nodes, low, high))
        near = np.nonzero(away == away.min())[0]
        prior = np.zeros(len(near)) if shape.point is not None else shape.logpdf(np.clip(nodes[near], low, high))
        found.add(int(near[(best[near] + prior).argmax()]))
    return sorted(found)


def _tau_panels(surfaces: Surfaces, base: Panels, edges: Array, priors: Sequence[Shape]) -> Panels:
    """Panels of tau for the table, cut where no prior leaves any mass."""
    coarse = Panels(edges, 3)
    likelihood = surfaces.log_likelihood(base.nodes[base.order // 2 :: base.order], coarse.nodes).max(axis=2)
    alive = 0
    for prior in priors:
        mass = likelihood + (prior.logpdf(coarse.nodes) + np.log(coarse.weights))[:, None]
        seen = np.nonzero((mass > np.nan_to_num(mass, nan=-np.inf).max(axis=0) - _NO_MASS).any(axis=1))[0]
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


def _answer(surfaces: Surfaces, base: Panels, marginal: Array, mu: Shape, answers: GridAnswers, m: int) -> None:
    if mu.point is not None:
        value = _interpolate(base, marginal, np.array([mu.point]))[0]
        answers.log_evidence[:, m], answers.mean[:, m], answers.sd[:, m] = value, mu.point, 0.0
        answers.quantiles[:, m], answers.p_gt_0[:, m], answers.error[:, m] = mu.point, float(mu.point > 0), 0.0
        return
    low = max(mu.range[0], base.edges[0]) if mu.support[0] > -np.inf else base.edges[0]
    high = min(mu.range[1], base.edges[-1]) if mu.support[1] < np.inf else base.edges[-1]
    extent = mu_extent(surfaces)
    low, high = max(low, min(mu.range[0], extent[0])), min(high, max(mu.range[1], extent[1]))
    edges = lay_panels(low, high, (*mu.landmarks, *surfaces.mu_landmarks), (*mu.breaks, 0.0))
    for _ in range(8):
        panels = Panels(edges, _ORDER)
        nodes, log_mass = prior_terms(Axis(edges, None), mu, _ORDER, (low, high))
        log_terms = _interpolate(base, marginal, nodes) + (log_mass - np.log(panels.weights))[:, None]
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
