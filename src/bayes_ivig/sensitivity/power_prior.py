"""A prior raised to a power: how much it is believed, as a number.

The power of most densities of the grammar is a density of the grammar. Where it is not (a mixture), or cannot be
normalised, it is used as it stands: the posterior does not depend on the constant.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.priors import Prior
from bayes_ivig.quadrature import shape_of
from bayes_ivig.quadrature.panels import Landmark
from bayes_ivig.quadrature.prior_shapes import Shape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PowerShape:
    """A shape whose log density is `alpha` times that of `base`, without a constant to make it integrate to 1."""

    text: str
    base: Shape
    alpha: float
    point: float | None
    support: tuple[float, float]
    range: tuple[float, float]
    landmarks: tuple[Landmark, ...]
    breaks: tuple[float, ...]

    def beyond(self, low: float, high: float) -> tuple[float, float]:
        """Nothing: its mass is not known."""
        return 0.0, 0.0

    def logpdf(self, x: Array) -> Array:
        """Log of the power of the density, not normalised."""
        return self.alpha * self.base.logpdf(x)


def power_prior(prior: Prior, alpha: float) -> Prior | None:
    """Return the prior whose density is proportional to that of `prior` to the power alpha.

    None where the grammar has no such density, or where the power cannot be normalised.
    """
    args = prior.args
    match prior.family:
        case "fixed" | "uniform":
            return prior
        case "normal" | "half-normal":
            return Prior(prior.family, (*args[:-1], args[-1] / math.sqrt(alpha)))
        case "student-t" | "cauchy" | "half-student-t" | "half-cauchy":
            half = prior.family.startswith("half")
            df = 1.0 if "cauchy" in prior.family else args[0]
            more = alpha * (df + 1) - 1
            if more <= 0:
                return None
            # (1 + z^2/(df s^2))^(-alpha (df + 1)/2), z^2/(df s^2) = z^2/(more s'^2)
            s = args[-1] * math.sqrt(df / more)
            return Prior("half-student-t", (more, s)) if half else Prior("student-t", (more, args[-2], s))
        case "exponential":
            return Prior("exponential", (alpha * args[0],))
        case "log-normal":
            m, s = args
            return Prior("log-normal", (m + (1 / alpha - 1) * s**2, s / math.sqrt(alpha)))
        case "inverse-gamma":
            shape = alpha * (args[0] + 1) - 1
            return Prior("inverse-gamma", (shape, alpha * args[1])) if shape > 0 else None
        case "beta":
            a, b = (alpha * (x - 1) + 1 for x in args)
            return Prior("beta", (a, b)) if a > 0 and b > 0 else None
    return None


def power_shape(prior: Prior, alpha: float) -> Shape:
    """Shape of the prior to the power alpha; normalised where the grammar has the density."""
    if alpha == 1:
        return shape_of(prior)
    if not prior.components and (powered := power_prior(prior, alpha)) is not None:
        return shape_of(powered)
    base = shape_of(prior)
    wide = [shape_of(power_prior(part, alpha) or part) for _, part in prior.parts]
    ends = [base.range, *(shape.range for shape in wide)]
    marks = {*base.landmarks, *(mark for shape in wide for mark in shape.landmarks)}
    return PowerShape(
        f"({prior.text})^{alpha:g}",
        base,
        alpha,
        None,
        prior.support,
        (min(low for low, _ in ends), max(high for _, high in ends)),
        tuple(sorted(marks)),
        base.breaks,
    )


def is_normalised(shape: Shape) -> bool:
    """Whether a log evidence under this shape means anything."""
    return not isinstance(shape, PowerShape)


def scale_free(prior: Prior) -> bool:
    """Whether every power of the density is the density itself: flat, or a point."""
    return prior.family in ("fixed", "uniform") or (prior.family == "beta" and prior.args == (1.0, 1.0))
