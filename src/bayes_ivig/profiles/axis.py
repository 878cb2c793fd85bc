"""A nuisance parameter on a coordinate of the whole real line, for the trapezoidal rule.

The rule converges geometrically for analytic integrands on the real line (Trefethen and Weideman, SIAM Rev
2014;56:385-458). So a bounded support is stretched to the line, and far out, where only the prior varies, the
coordinate runs ahead as fast as the prior allows.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, log_expit, logit

from bayes_ivig.priors import Prior

Array = NDArray[np.float64]
Map = Callable[[Array], tuple[Array, Array]]

_STEP = 0.6  # what a likelihood made of logistic functions needs; its nearest singularities lie pi away
_EDGE_STEP = 0.25  # where data press a parameter against the end of its support
_FAR = 40.0  # log units that no longer matter
_WIDE = 5.0  # standard deviation from which a normal prior is worth a stretched coordinate


class Axis(NamedTuple):
    """One density on a coordinate v: `place(v)` is the parameter and log |dx/dv|, `log_density` that of x.

    Outside `low` to `high` there is no mass to speak of, whatever the data; `step` is the widest spacing of nodes
    that resolves prior and likelihood. An axis of a point mass has low = high. `real` tells that x runs over the
    whole line, unchanged where the likelihood varies.
    """

    low: float
    high: float
    step: float
    place: Map
    log_density: Callable[[Array], Array]
    real: bool = False


def real_axis(prior: Prior, reach: float) -> Axis:
    """Axis of one density (not a mixture) or point mass; the likelihood varies within `reach` of 0 only."""
    low, high = prior.support
    reach += _FAR
    if prior.is_point:
        return Axis(0.0, 0.0, _STEP, lambda v: (v + prior.args[0], np.zeros_like(v)), np.zeros_like)
    if math.isfinite(low) and math.isfinite(high):
        smallest = min(1.0, *prior.args) if prior.family == "beta" else 1.0
        step = _EDGE_STEP * min(1.0, 4 / (high - low))
        return Axis(-_FAR / smallest, _FAR / smallest, step, _bounded(low, high), prior.logpdf)
    if math.isfinite(low):
        return Axis(-reach - _FAR, reach + _FAR, _EDGE_STEP, _half_line(reach), prior.logpdf)
    if prior.family == "normal":
        m, s = prior.args
        reach += abs(m)
        slope = s if s > _WIDE else 1.0
        end = max(abs(m) + 10 * s, reach)
        end = end if slope == 1 else reach + (end - reach) / slope + 2
        return Axis(-end, end, _STEP, _faster(reach, slope), prior.logpdf, True)
    *df, m, s = prior.args
    reach += abs(m)
    width = s * math.sqrt(df[0]) if df else s  # of the strip where the density is analytic
    return Axis(-reach - _FAR, reach + _FAR, min(_STEP, 0.2 * width), _ever_faster(reach), prior.logpdf, True)


def logit_axis(prior: Prior, reach: float) -> Axis:
    """Axis of a baseline on the logit, from one density of the risk or of the logit itself."""
    low, high = prior.support
    if low < 0:
        return real_axis(prior, reach)
    if (low, high) == (0.0, 1.0):
        a, b = prior.args if prior.family == "beta" else (1.0, 1.0)
        mean, constant = math.log(a) - math.log(b), float(betaln(a, b))
        ends = min(mean, 0) - _FAR / min(a, 1) - reach, max(mean, 0) + _FAR / min(b, 1) + reach
        return Axis(*ends, _STEP, _as_it_is, lambda g: _logit_beta(g, a, b) - constant, True)

    def place(v: Array) -> tuple[Array, Array]:
        below, above = np.exp(log_expit(v)), np.exp(log_expit(-v))
        risk, rest = low + (high - low) * below, (1 - high) + (high - low) * above
        slope = math.log(high - low) + log_expit(v) + log_expit(-v) - np.log(risk) - np.log(rest)
        return np.log(risk) - np.log(rest), slope

    def log_density(g: Array) -> Array:
        return log_expit(g) + log_expit(-g) - math.log(high - low)

    spread = min(4.0, float(logit(high) - logit(low)))
    return Axis(-_FAR, _FAR, _EDGE_STEP * min(1.0, 4 / spread), place, log_density)


def _logit_beta(g: Array, a: float, b: float) -> Array:
    return a * log_expit(g) + b * log_expit(-g)


def _as_it_is(v: Array) -> tuple[Array, Array]:
    return v, np.zeros_like(v)


def _bounded(low: float, high: float) -> Map:
    def place(v: Array) -> tuple[Array, Array]:
        below = log_expit(v)
        return low + (high - low) * np.exp(below), math.log(high - low) + below + log_expit(-v)

    return place


def _half_line(reach: float) -> Map:
    inner = _ever_faster(reach)

    def place(v: Array) -> tuple[Array, Array]:
        y, slope = inner(v)
        return np.logaddexp(0.0, y), slope + log_expit(y)

    return place


def _faster(reach: float, slope: float) -> Map:
    """x = v up to `reach`, then `slope` times as fast."""
    if slope == 1:
        return _as_it_is

    def place(v: Array) -> tuple[Array, Array]:
        up, down = v - reach, -v - reach
        x = v + (slope - 1) * (np.logaddexp(0.0, up) - np.logaddexp(0.0, down))
        return x, np.log1p((slope - 1) * (np.exp(log_expit(up)) + np.exp(log_expit(down))))

    return place


def _ever_faster(reach: float) -> Map:
    """x = v up to `reach`, then exponentially far, as polynomial tails need."""

    def place(v: Array) -> tuple[Array, Array]:
        up, down = np.exp(v - reach), np.exp(-v - reach)
        return v + up - down, np.log1p(up + down)

    return place
