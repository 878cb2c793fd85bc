"""Where a prior varies, and on what scale: what the meshes of a posterior need to know of it.

A prior of mu or tau, or anything with the same few members (the tests bring improper ones), is a `Shape`.
"""

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from bayes_ivig.priors import Prior
from bayes_ivig.profiles.nuisance import log_density_on_logit
from bayes_ivig.quadrature.panels import Landmark

Array = NDArray[np.float64]
TAIL = 1e-20  # mass left beyond the range of a mesh
FURTHEST = 1e25  # scales of a prior beyond which no mesh goes, whatever mass is left there


class Shape(Protocol):
    """A density on the analysis scale."""

    @property
    def text(self) -> str:
        """The prior as the user wrote it."""

    @property
    def point(self) -> float | None:
        """Its only value, if it is a point mass."""

    @property
    def support(self) -> tuple[float, float]:
        """Where the density is not 0."""

    @property
    def range(self) -> tuple[float, float]:
        """Ends that hold all of it that counts."""

    @property
    def landmarks(self) -> tuple[Landmark, ...]:
        """Where it varies, and on what scale."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """Where it jumps."""

    def beyond(self, low: float, high: float) -> tuple[float, float]:
        """Mass below `low` and above `high`; nothing for a density that does not integrate to 1."""

    def logpdf(self, x: Array) -> Array:
        """Log density."""


class PriorShape(NamedTuple):
    """The shape of a `Prior` of the grammar."""

    text: str
    prior: Prior
    on_logit: bool
    point: float | None
    support: tuple[float, float]
    range: tuple[float, float]
    landmarks: tuple[Landmark, ...]
    breaks: tuple[float, ...]

    def beyond(self, low: float, high: float) -> tuple[float, float]:
        """Mass below `low` and above `high`; a rate has none beyond the range of its logit."""
        if self.on_logit:
            return 0.0, 0.0
        return float(self.prior.cdf(low)), float(1 - self.prior.cdf(high))

    def logpdf(self, x: Array) -> Array:
        """Log density on the analysis scale; a prior of a risk with its Jacobian."""
        return log_density_on_logit(self.prior, x) if self.on_logit else self.prior.logpdf(x)


def shape_of(prior: Prior, *, rate: bool = False) -> PriorShape:
    """Shape of the prior of mu or tau; `rate`: mu is a logit, and a density on 0 to 1 is one of the rate."""
    if prior.is_point:
        value = float(prior.args[0])
        return PriorShape(prior.text, prior, False, value, (value, value), (value, value), (), ())
    on_logit = rate and prior.support[0] >= 0
    marks: list[Landmark] = []
    breaks: list[float] = []
    ranges = []
    for _, part in prior.parts:
        lo, hi, part_marks, part_breaks = _describe_logit(part) if on_logit else _describe(part)
        ranges.append((lo, hi))
        marks += part_marks
        breaks += part_breaks
    low, high = min(lo for lo, _ in ranges), max(hi for _, hi in ranges)
    support = (-math.inf, math.inf) if on_logit else prior.support
    return PriorShape(prior.text, prior, on_logit, None, support, (low, high), tuple(marks), tuple(breaks))


def _describe_logit(part: Prior) -> tuple[float, float, list[Landmark], list[float]]:
    """A density of the rate, carried to the logit: exponential tails or steeper."""
    lower, middle, upper = (float(np.log(x) - np.log1p(-x)) for x in part.ppf(np.array([0.16, 0.5, 0.84])))
    if part.family == "beta":
        a, b = part.args
        # P(p < x) <= 2 x^a / (a B(a, b)) for x < 1/2, and its mirror image
        log_low, log_rest = ((math.log(TAIL / 2 * c) + float(betaln(a, b))) / c for c in (a, b))
        low, high = log_low - math.log(-math.expm1(log_low)), math.log(-math.expm1(log_rest)) - log_rest
    else:
        ends = np.clip(part.support, 1e-300, 1 - 1e-16)
        low, high = (float(np.log(x) - np.log1p(-x)) for x in ends)
    scale = min((upper - lower) / 2, 1.5)
    breaks = [float(np.log(x) - np.log1p(-x)) for x in part.support if 0 < x < 1]
    return low, high, [Landmark(middle, scale)], breaks


def _describe(part: Prior) -> tuple[float, float, list[Landmark], list[float]]:
    family, args = part.family, part.args
    if family in ("normal", "student-t", "cauchy"):
        m, s = args[-2:]
        reach = min(m - float(part.ppf(TAIL)), FURTHEST * s)
        return m - reach, m + reach, [Landmark(m, s)], []
    if family == "uniform":
        return args[0], args[1], [], list(args)
    if family == "beta":
        low, high = float(part.ppf(1e-17)), float(part.ppf(1 - 1e-16))
        return max(low, 1e-30), high, [Landmark(0.0, max(low, 1e-30)), Landmark(1.0, max(1 - high, 1e-17))], []
    if family in ("half-normal", "half-cauchy", "half-student-t"):
        df = {"half-normal": math.inf, "half-cauchy": 1.0}.get(family, args[0])
        s = args[-1]
        # P(|Z| > z) <= TAIL: the normal's 9.3, a power law's TAIL^(-1/df)
        reach = max(9.5, math.exp(min(-math.log(TAIL / 10) / df, math.log(FURTHEST))) if math.isfinite(df) else 0.0)
        return 0.0, s * reach, [Landmark(0.0, s)], []
    if family == "exponential":
        return 0.0, -math.log(TAIL) / args[0], [Landmark(0.0, 1 / args[0])], []
    # log-normal, log-student-t, inverse-gamma: variation on the log scale, down to where nothing is left
    low, lower, middle, upper = (float(x) for x in part.ppf(np.array([TAIL, 0.16, 0.5, 0.84])))
    spread = math.log(upper / lower) / 2
    if family == "inverse-gamma":
        # P(X > x) <= (scale / x)^shape / Gamma(shape + 1)
        shape, scale = args
        high = min(scale * math.exp(min(-(math.log(TAIL) + math.lgamma(shape + 1)) / shape, 500.0)), middle * FURTHEST)
    else:
        high = min(float(part.ppf(1 - 1e-16)) * 1e3, middle * FURTHEST)
    low = max(low, middle / FURTHEST, 1e-200)
    marks = [Landmark(0.0, low)]
    if spread < 0.4:
        marks.append(Landmark(middle, middle * spread))
    return low, high, marks, []
