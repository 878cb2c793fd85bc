"""The likelihood of one crossover trial with its baseline and its association integrated out.

The integrand depends on the midpoint h of the two logits, on half the effect, d, and on the association. For very
negative associations it bends sharply at h = 0; the coordinate t with sinh(h) = w sinh(t) takes the bend apart.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayes_ivig.priors import Prior
from bayes_ivig.profiles.axis import Axis, logit_axis, real_axis
from bayes_ivig.profiles.hypergeometric import Support, log_normaliser
from bayes_ivig.profiles.plackett import (
    CELLS,
    MAX_ASSOCIATION,
    MAX_HALF_EFFECT,
    MAX_MIDPOINT,
    cells_from_hyperbolics,
    kink_width,
)
from bayes_ivig.profiles.plane import Index, LogIntegrand, Window, draw, find_windows, integrate
from bayes_ivig.spec import Model

Array = NDArray[np.float64]

COUNTS = (*CELLS, "events_t", "others_t", "events_c", "others_c")  # pairs, then patients with one treatment only
_STEP = 0.36  # widest spacing in the midpoint, whose bend is pi/2 away from the real axis
_FEWEST = (42, 36)  # gaps along both axes: a hill with normal flanks is 16 to 20 standard deviations wide
SHARPEST = 1e-5  # width of a bend below which it is an edge
_REMOTE = 0.7  # how far from the middle of the window to its end associations make a bend that matters


@dataclass(frozen=True)
class PairedCounts:
    """One trial: pairs by cell, patients with one treatment only, and the log of every coefficient.

    Where only the margins are known, `cells` is the first table that has them and `tables` the weights of all.
    `started` are the patients whose first treatment was T, or C, where non-responders alone crossed over.
    `power` is what the likelihood is raised to.
    """

    cells: Mapping[str, float]
    events_t: int
    n_t: int
    events_c: int
    n_c: int
    constant: float
    tables: Support | None = None
    started: tuple[int, int] | None = None
    power: float = 1.0

    def count(self, name: str) -> float:
        """Patients by a name of `COUNTS`."""
        if name in self.cells:
            return self.cells[name]
        events, n = (self.events_t, self.n_t) if name.endswith("_t") else (self.events_c, self.n_c)
        return float(events if name.startswith("events") else n - events)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Cells whose probabilities the likelihood needs."""
        return CELLS if self.n_t + self.n_c else tuple(name for name in CELLS if self.cells[name])

    def log_likelihood(self, cells: Mapping[str, Array], association: Array) -> Array:
        """Log likelihood of cell probabilities, arrays that broadcast with the log odds ratio within patients."""
        total = np.full_like(association, self.constant)
        if self.tables is not None:
            total = total + log_normaliser(self.tables, np.clip(association, -MAX_ASSOCIATION, MAX_ASSOCIATION))
        for name in CELLS:
            if self.cells[name]:
                total = total + self.cells[name] * np.log(cells[name])
        for name, pair in _SIDES.items():
            n = self.count(name)
            if n:
                total = total + n * np.log(cells[pair[0]] + cells[pair[1]])
        return self.power * total


_SIDES = {
    "events_t": ("both", "t_only"),
    "others_t": ("c_only", "neither"),
    "events_c": ("both", "c_only"),
    "others_c": ("t_only", "neither"),
}


def log_integrated(trial: PairedCounts, model: Model, theta: Array) -> Array:
    """Log integrated likelihood at effects `theta`, shape (m,)."""
    parts = [log_weight + plan.log_integral() for log_weight, plan in _plans(trial, model, theta)]
    return np.asarray(logsumexp(parts, axis=0))


def draw_given_theta(trial: PairedCounts, model: Model, theta: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Draws of baseline and association given the data and theta, each of shape (m,)."""
    plans = list(_plans(trial, model, theta))
    pick = np.zeros(len(theta), int)
    if len(plans) > 1:
        shares = np.cumsum(np.exp([w + plan.log_integral() for w, plan in plans]), axis=0)
        pick = (shares / shares[-1] < rng.uniform(size=len(theta))).sum(axis=0)
    baseline, association = np.empty((2, len(theta)))
    for i, (_, whole) in enumerate(plans):
        chosen = np.flatnonzero(pick == i)
        if len(chosen):
            plan = whole if len(plans) == 1 else whole.only(chosen)
            baseline[chosen], association[chosen] = plan.draw(rng)
    return {"baseline": baseline, "association": association}


def _plans(trial: PairedCounts, model: Model, theta: Array) -> "list[tuple[float, _Plan]]":
    """One plan, with the log of its weight, for each pair of parts of the two priors."""
    theta = np.asarray(theta, float)
    reach = float(np.abs(theta).max(initial=0.0)) / 2
    control = model.parametrisation == "control"
    baselines = list(model.priors["baseline"].parts)
    if not control:
        baselines = [piece for part in baselines for piece in cut_at_the_bend(*part)]
    pairs = product(baselines, model.priors["association"].parts)
    return [
        (
            math.log(w1) + math.log(w2),
            _Plan(trial, theta / 2, logit_axis(baseline, reach), real_axis(association, reach), control),
        )
        for (w1, baseline), (w2, association) in pairs
    ]


def cut_at_the_bend(weight: float, prior: Prior) -> tuple[tuple[float, Prior], ...]:
    """A uniform risk from below to above 1/2 as two, because its coordinate cannot take the bend there apart."""
    low, high = prior.support
    if prior.family != "uniform" or (low, high) == (0, 1) or not low < 0.5 < high:
        return ((weight, prior),)
    below, above = Prior("uniform", (low, 0.5)), Prior("uniform", (0.5, high))
    return (weight * (0.5 - low) / (high - low), below), (weight * (high - 0.5) / (high - low), above)


class _Plan(NamedTuple):
    """The integral over one density of the baseline and one of the association; d is theta/2, shape (m,)."""

    trial: PairedCounts
    d: Array
    baseline: Axis
    association: Axis
    control: bool

    def only(self, chosen: Index) -> "_Plan":
        return self._replace(d=self.d[chosen])

    def log_integral(self) -> Array:
        return integrate(*self._prepared())

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        log_f, window, steps = self._prepared()
        v1, v2 = draw(log_f, window, steps, rng)
        association, _ = self.association.place(v2)
        _, h, _ = self._midpoint(np.arange(len(v1)), v1, self._bend(window))
        return h - self.d if self.control else h, association

    def _prepared(self) -> tuple[LogIntegrand, Window, tuple[Array, Array]]:
        """Integrand, window and spacing of nodes: a window without taking the bend apart, then stretched."""
        m, beyond = len(self.d), np.abs(self.d) * (1 if self.baseline.real else 0)
        ends = (self.baseline.low - beyond, self.baseline.high + beyond, self.association.low, self.association.high)
        start = [np.broadcast_to(end, m) for end in ends]
        found = find_windows(self._log_f(np.ones(m)), start, self.d)
        width = self._bend(found)
        low, high = (np.sign(v) * _stretched(np.abs(v), width) for v in (found.low1, found.high1))
        step1 = np.minimum(min(_STEP, self.baseline.step), found.across1 / _FEWEST[0])
        step2 = np.minimum(self.association.step, found.across2 / _FEWEST[1])
        return self._log_f(width), found._replace(low1=low, high1=high), (step1, step2)

    def _bend(self, window: Window) -> Array:
        """Width of the sharpest bend that matters, shape (m,)."""
        if not self.baseline.real:
            return np.ones(len(self.d))
        remote = _REMOTE * window.low2 + (1 - _REMOTE) * (window.low2 + window.high2) / 2
        lowest = np.clip(self.association.place(remote)[0], -MAX_ASSOCIATION, MAX_ASSOCIATION)
        return np.maximum(kink_width(np.clip(self.d, -MAX_HALF_EFFECT, MAX_HALF_EFFECT), lowest), SHARPEST)

    def _midpoint(self, rows: Index, v: Array, width: Array) -> tuple[Array, Array, Array]:
        """sinh(h), h and log |dh/dv| at the baseline's coordinate v, whose first axis is that of `rows`."""
        t, slope = self.baseline.place(v)
        shape = (-1, *[1] * (v.ndim - 1))
        if not self.baseline.real:
            h = t + self.d[rows].reshape(shape) if self.control else t
            return np.sinh(np.clip(h, -MAX_MIDPOINT, MAX_MIDPOINT)), h, slope
        w = width[rows].reshape(shape)
        near = np.clip(t, -MAX_MIDPOINT, MAX_MIDPOINT)
        sinh_h = w * np.sinh(near)
        h = np.arcsinh(sinh_h) + (t - near)
        return sinh_h, h, slope + np.log(w * np.cosh(near)) - 0.5 * np.log1p(sinh_h**2)

    def _log_f(self, width: Array) -> LogIntegrand:
        d = np.clip(self.d, -MAX_HALF_EFFECT, MAX_HALF_EFFECT)
        sinh_d, cosh_d = np.sinh(d), np.cosh(d)

        def log_f(rows: Index, v1: Array, v2: Array) -> Array:
            association, slope2 = self.association.place(v2)
            sinh_h, h, slope1 = self._midpoint(rows, v1, width)
            psi = np.exp(np.clip(association, -MAX_ASSOCIATION, MAX_ASSOCIATION))
            cells = cells_from_hyperbolics(
                sinh_h,
                np.sqrt(1 + sinh_h**2),
                sinh_d[rows, None, None],
                cosh_d[rows, None, None],
                psi,
                wanted=self.trial.wanted,
            )
            g = h - self.d[rows, None, None] if self.control else h
            prior1 = self.baseline.log_density(g) + slope1
            prior2 = self.association.log_density(association) + slope2
            return self.trial.log_likelihood(cells, association) + prior1 + prior2

        return log_f


def _stretched(v: Array, width: Array) -> Array:
    """The t >= 0 with sinh(v) = width sinh(t)."""
    near = np.minimum(v, MAX_MIDPOINT)
    return np.arcsinh(np.sinh(near) / width) + (v - near)
