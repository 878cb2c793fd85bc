"""The likelihood of many simulated tables at once, as functions of the effect.

The probabilities of the four cells at every node of the nuisance parameters do not depend on the table. For one effect
they are computed once; all tables are then one product of their counts with the log probabilities, summed over the
nodes. A node matters to a table only where both of its margins are possible: the likelihood of a table is at most
that of either margin, so nodes outside both margins' likelihood (35 log units) are left out.
The nodes are those of the trapezoidal rule, on the coordinates of `profiles.axis` and `profiles.paired_integral`.
"""

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, logit, xlogy

from bayes_ivig.plan.design import Design, Tables
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.profiles.axis import Axis, logit_axis, real_axis
from bayes_ivig.profiles.binomial import log_risks
from bayes_ivig.profiles.paired_integral import SHARPEST, cut_at_the_bend
from bayes_ivig.profiles.plackett import CELLS, MAX_ASSOCIATION, MAX_MIDPOINT, cells_from_hyperbolics, kink_width

Array = NDArray[np.float64]
_FAR = 700.0  # logit beyond every risk
_DROP = 35.0  # log units below the best that no longer matter
_BLOCK = 48  # tables that share one window of nodes
_STEP, _BENT_STEP = 0.5, 0.36  # widest spacing, of logistic functions and of cells whose bend is taken apart
# Spacing of nodes times sqrt(patients): 0.7 to 0.9 of the narrowest hill that so many patients can make.
_SPREAD, _PAIRED_SPREAD, _ASSOCIATION_SPREAD = 1.5, 1.2, 3.2


class _Nodes(NamedTuple):
    """Nuisance nodes at one effect: rising logits of both risks (Q,), log probabilities (4, Q), log weights (Q,)."""

    logit_t: Array
    logit_c: Array
    log_p: Array
    log_weight: Array


class _Part(NamedTuple):
    """One density of the baseline and, for pairs, one of the association, with the log of their weight."""

    design: Design
    log_weight: float
    baseline: Axis
    v1: Array
    association: Axis | None
    v2: Array

    def nodes(self, theta: float) -> _Nodes:
        """Nodes at one effect."""
        if self.association is None:
            g, slope = self.baseline.place(self.v1)
            log_p = np.array(log_risks(np.array(theta), g, self.design.model))
            return _Nodes(
                log_p[0] - log_p[1], log_p[2] - log_p[3], log_p, self.baseline.log_density(g) + slope + self.log_weight
            )
        return self._paired_nodes(theta / 2)

    def _paired_nodes(self, d: float) -> _Nodes:
        assert self.association is not None
        control = self.design.model.parametrisation == "control"
        t, slope1 = self.baseline.place(self.v1[:, None])
        association, slope2 = self.association.place(self.v2)
        prior2 = self.association.log_density(association) + slope2
        association = np.clip(association, -MAX_ASSOCIATION, MAX_ASSOCIATION)
        if self.baseline.real:
            # The cells bend at h = 0, sharply for negative associations: sinh(h) = w sinh(t) takes the bend apart.
            w = np.maximum(kink_width(d, association), SHARPEST)
            near = np.clip(t, -MAX_MIDPOINT, MAX_MIDPOINT)
            sinh_h = w * np.sinh(near)
            h = np.arcsinh(sinh_h) + (t - near)
            slope1 = slope1 + np.log(w * np.cosh(near)) - 0.5 * np.log1p(sinh_h**2)
        else:
            h = np.broadcast_to(t + d if control else t, (len(t), len(association)))
            sinh_h = np.sinh(np.clip(h, -MAX_MIDPOINT, MAX_MIDPOINT))
        prior1 = self.baseline.log_density(h - d if control else h) + slope1
        weight = (prior1 + prior2 + self.log_weight).ravel()
        order = np.argsort(h.ravel())
        order = order[weight[order] > weight.max() - _DROP - 10.0]
        sinh_h, h = sinh_h.ravel()[order], h.ravel()[order]
        psi = np.exp(np.broadcast_to(association, (len(t), len(association))).ravel()[order])
        cells = cells_from_hyperbolics(sinh_h, np.sqrt(1 + sinh_h**2), math.sinh(d), math.cosh(d), psi)
        return _Nodes(h + d, h - d, np.log([cells[name] for name in CELLS]), weight[order])


def _parts(design: Design, n: int, reach: float) -> list[_Part]:
    """Every pair of parts of the two priors; nodes as close as n patients ask for, half effects up to `reach`."""
    model = design.model
    baselines = list(model.priors["baseline"].parts)
    if not design.is_paired:
        axes = [(math.log(weight), logit_axis(part, reach)) for weight, part in baselines]
        return [
            _Part(design, log_w + log_h, axis, v, None, np.zeros(1))
            for log_w, axis in axes
            for v, log_h in [_line(axis, _STEP, _SPREAD / math.sqrt(n), reach)]
        ]
    if model.parametrisation != "control":
        baselines = [piece for part in baselines for piece in cut_at_the_bend(*part)]
    parts = []
    for (w1, one), (w2, other) in product(baselines, model.priors["association"].parts):
        first, second = logit_axis(one, reach), real_axis(other, reach)
        v1, log_h1 = _line(first, _BENT_STEP, _PAIRED_SPREAD / math.sqrt(n), reach - math.log(SHARPEST))
        v2, log_h2 = _line(second, _STEP, _ASSOCIATION_SPREAD / math.sqrt(n), 0.0)
        parts.append(_Part(design, math.log(w1) + math.log(w2) + log_h1 + log_h2, first, v1, second, v2))
    return parts


def _line(axis: Axis, widest: float, step: float, beyond: float) -> tuple[Array, float]:
    """Equally spaced nodes along an axis and the log of their spacing; a point mass has one, of weight 1."""
    if axis.low == axis.high:
        return np.array([axis.low]), 0.0
    step = min(axis.step, widest, step)
    beyond = beyond if axis.real else 0.0
    v = np.arange(axis.low - beyond, axis.high + beyond + step, step)
    x, slope = axis.place(v)
    log_weight = axis.log_density(x) + slope
    kept = np.flatnonzero(log_weight > log_weight.max() - _DROP - 10.0)
    ends = slice(kept[0], kept[-1] + 1) if not beyond else slice(None)
    return v[ends], math.log(step)


def log_likelihoods(tables: Tables, design: Design, theta: Array) -> Array:
    """Log likelihood of every table (N, 4) at every effect theta (J,), shape (N, J), up to a constant of the table.

    Nuisance parameters are integrated out; -inf where it is more than about 35 log units below the table's best.
    """
    model = design.model
    if model.likelihood == "conditional" or (model.measure == "RR" and model.parametrisation == "control"):
        likelihood = LIKELIHOODS[model.likelihood]
        return np.array([likelihood.log_integrated(design.study(table), model, theta) for table in tables])
    n = int(tables[0].sum())
    total = np.zeros((len(tables), len(theta)))
    on_t = tables[:, 0] + (tables[:, 1] if design.is_paired else 0)
    on_c = tables[:, 2] + (tables[:, 0] if design.is_paired else 0)
    n_t, n_c = design.arms(n)
    best = _best(tables, design)
    ends_t, ends_c = _possible_logits(n_t), _possible_logits(n_c)
    parts = _parts(design, n, float(np.abs(theta).max()) / 2)
    for j, effect in enumerate(theta):
        for part in parts:
            nodes = part.nodes(float(effect))
            low_t, high_t = _windows(ends_t, nodes.logit_t)
            low_c, high_c = _windows(ends_c, nodes.logit_c)
            low, high = np.maximum(low_t[on_t], low_c[on_c]), np.minimum(high_t[on_t], high_c[on_c])
            total[:, j] += _sums(tables, nodes, low, high, best)
    with np.errstate(divide="ignore"):
        return np.log(total) + best[:, None]


def _best(tables: Tables, design: Design) -> Array:
    """Largest log likelihood of each table under any probabilities, up to its constant."""
    if design.is_paired:
        return np.asarray(xlogy(tables, tables / tables.sum(axis=1, keepdims=True)).sum(axis=1))
    return sum(
        xlogy(arm, arm / np.maximum(arm.sum(axis=1, keepdims=True), 1)).sum(axis=1)
        for arm in (tables[:, :2], tables[:, 2:])
    )


def _windows(ends: tuple[Array, Array], logits: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First node, and one past the last, between the `ends` of each number of events; logits rise along the nodes."""
    return np.searchsorted(logits, ends[0]), np.searchsorted(logits, ends[1], side="right")


def _possible_logits(n: int) -> tuple[Array, Array]:
    """Lowest and highest logit of the risk at which k = 0 to n of n events are within reach: two arrays (n + 1,)."""
    k = np.arange(n + 1.0)
    share = k / max(n, 1)
    least = xlogy(k, share) + xlogy(n - k, 1 - share) - _DROP
    ends = []
    for side in (-1.0, 1.0):
        inside = np.clip(logit(share), -_FAR, _FAR)
        outside = np.full(n + 1, side * _FAR)
        for _ in range(60):
            middle = (inside + outside) / 2
            possible = k * log_expit(middle) + (n - k) * log_expit(-middle) > least
            inside, outside = np.where(possible, middle, inside), np.where(possible, outside, middle)
        ends.append(outside)
    return ends[0], ends[1]


def _sums(tables: Tables, nodes: _Nodes, low: NDArray[np.intp], high: NDArray[np.intp], best: Array) -> Array:
    """Likelihood of each table, relative to its best, summed over its window of nodes: (N,)."""
    result = np.zeros(len(tables))
    alive = np.flatnonzero(low < high)
    alive = alive[np.lexsort((high[alive], low[alive]))]
    for start in range(0, len(alive), _BLOCK):
        chosen = alive[start : start + _BLOCK]
        window = slice(low[chosen].min(), high[chosen].max())
        counts = tables[chosen].astype(float)
        log_terms = counts @ nodes.log_p[:, window]
        log_terms -= best[chosen, None]
        np.exp(log_terms, out=log_terms)
        result[chosen] = log_terms @ np.exp(nodes.log_weight[window])
    return result
