"""One study's likelihood as a function of its effect theta, and of mu and tau once theta ~ Normal(mu, tau).

`log_profile(theta)` is the likelihood with the nuisance parameters integrated out, and
`log_smoothed(mu, tau)` = log of the integral of exp(log_profile(theta)) Normal(theta; mu, tau) over theta,
tau = 0 included. A study with a normal likelihood has both in closed form; every other study is tabulated.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Curve(Protocol):
    """The likelihood of one study."""

    @property
    def centre(self) -> float:
        """Where on the effect scale the likelihood varies."""

    @property
    def width(self) -> float:
        """On what scale it varies; infinite where it is constant."""

    @property
    def error(self) -> float:
        """Bound on the absolute error of its logarithm where it matters."""

    @property
    def kink(self) -> float | None:
        """Where its slope jumps, if it does."""

    def log_profile(self, theta: Array) -> Array:
        """Log likelihood at effects theta, any shape."""

    def log_smoothed(self, mu: Array, tau: Array) -> Array:
        """Log likelihood at every mu (G,) and tau (T,): shape (T, G)."""


@dataclass(frozen=True)
class NormalCurve:
    """y ~ N(theta, se), hence y ~ N(mu, sqrt(se^2 + tau^2)); `power` raises the density of y given theta to a power."""

    y: float
    se: float
    power: float = 1.0
    error: float = 0.0
    kink: float | None = None

    @property
    def centre(self) -> float:
        """Where the likelihood peaks."""
        return self.y

    @property
    def width(self) -> float:
        """SD of the likelihood; infinite for the power 0."""
        return self.se / math.sqrt(self.power) if self.power > 0 else math.inf

    def log_profile(self, theta: Array) -> Array:
        """Log density of y at each theta."""
        z = (self.y - theta) / self.se
        return np.asarray(self.power * (-0.5 * z * z - math.log(self.se) - 0.5 * math.log(2 * math.pi)))

    def log_smoothed(self, mu: Array, tau: Array) -> Array:
        """Log density of y at every mu and tau, (T, G)."""
        if self.power == 0:
            return np.zeros((len(tau), len(mu)))
        variance = (self.width**2 + tau**2)[:, None]
        # N(y; theta, se)^a = c N(y; theta, se / sqrt(a)), c = (2 pi se^2)^((1 - a)/2) / sqrt(a)
        constant = 0.5 * (1 - self.power) * math.log(2 * math.pi * self.se**2) - 0.5 * math.log(self.power)
        return np.asarray(constant - 0.5 * (self.y - mu) ** 2 / variance - 0.5 * np.log(2 * math.pi * variance))


@dataclass(frozen=True)
class ConstantCurve:
    """A study whose likelihood does not depend on its effect (no patients; a double zero in the conditional model)."""

    level: float
    centre: float = 0.0
    width: float = math.inf
    error: float = 0.0
    kink: float | None = None

    def log_profile(self, theta: Array) -> Array:
        """Return the constant at each theta."""
        return np.full(np.shape(theta), self.level)

    def log_smoothed(self, mu: Array, tau: Array) -> Array:
        """Return the constant at every mu and tau, (T, G)."""
        return np.full((len(tau), len(mu)), self.level)
