"""Curves of studies as they might have been: repeated, or biased."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.curves import Curve

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RepeatedCurve:
    """`times` studies alike, each with an effect of its own; a fraction of one is allowed."""

    curve: Curve
    times: float

    @property
    def centre(self) -> float:
        """Where the likelihood peaks."""
        return self.curve.centre

    @property
    def width(self) -> float:
        """Scale on which all of them together vary."""
        return self.curve.width / math.sqrt(max(self.times, 1.0))

    @property
    def error(self) -> float:
        """Bound on the error of the log likelihood."""
        return self.curve.error * self.times

    @property
    def kink(self) -> float | None:
        """Where the slope jumps, if it does."""
        return self.curve.kink

    def log_profile(self, theta: Array) -> Array:
        """Log likelihood were all of them at the same effects theta."""
        return self.times * self.curve.log_profile(theta)

    def log_smoothed(self, mu: Array, tau: Array) -> Array:
        """Log likelihood of all of them at every mu and tau, (T, G)."""
        return self.times * self.curve.log_smoothed(mu, tau)


@dataclass(frozen=True)
class BiasedCurve:
    """A study that estimates theta + b, b ~ Normal(bias, sd): theta + b ~ Normal(mu + bias, hypot(tau, sd))."""

    curve: Curve
    bias: float
    sd: float = 0.0

    @property
    def centre(self) -> float:
        """Where the likelihood of theta peaks."""
        return self.curve.centre - self.bias

    @property
    def width(self) -> float:
        """Scale on which it varies."""
        return math.hypot(self.curve.width, self.sd)

    @property
    def error(self) -> float:
        """Bound on the error of the log likelihood."""
        return self.curve.error

    @property
    def kink(self) -> float | None:
        """Where the slope jumps, if it does: a spread bias rounds it off."""
        return None if self.curve.kink is None or self.sd > 0 else self.curve.kink - self.bias

    def log_profile(self, theta: Array) -> Array:
        """Log likelihood at effects theta, any shape, the bias averaged over."""
        theta = np.asarray(theta, float)
        if self.sd == 0:
            return self.curve.log_profile(theta + self.bias)
        smoothed = self.curve.log_smoothed(theta.ravel() + self.bias, np.array([self.sd]))
        return smoothed.reshape(theta.shape)

    def log_smoothed(self, mu: Array, tau: Array) -> Array:
        """Log likelihood at every mu and tau, (T, G)."""
        return self.curve.log_smoothed(mu + self.bias, np.hypot(tau, self.sd))
