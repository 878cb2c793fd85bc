"""The likelihood of mu alone, tau averaged over its prior: priors of mu, and shifts of it, then cost next to nothing."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.panels import Landmark, Panels, lay_panels
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface

Array = NDArray[np.float64]
_ORDER = 16
_FAR = 1e4  # spreads of the studies beyond which a prior of tau adds nothing that a probability could show
_TABLE = 60.0  # widths of the studies that the table of the likelihood reaches beyond them
_BELL = 8.5  # standard deviations of a bias that count
_SPACING = 0.5  # of the trapezoidal rule for a bias, in standard deviations of bell times likelihood


@dataclass(frozen=True, eq=False)
class EffectLine:
    """log L(mu) = log of the integral of L(mu, tau) over the prior of tau (None: tau = 0)."""

    surface: Surface
    tau: Shape | None

    def probability(self, prior: Shape, sign: int, bias: float = 0.0, bias_sd: float = 0.0) -> float:
        """P(sign * mu > 0) where every study estimates mu + b, b ~ Normal(bias, bias_sd); `prior` is no point."""
        marks = tuple(Landmark(m.centre - bias, m.scale) for m in self.surface.mu_landmarks)
        low, high = prior.range
        panels = Panels(lay_panels(low, high, (*prior.landmarks, *marks), (*prior.breaks, 0.0)), _ORDER)
        mu = panels.nodes
        log_l = self._smoothed(mu + bias, bias_sd) if bias_sd > 0 else self.log_likelihood(mu + bias)
        terms = log_l + prior.logpdf(mu)
        mass = panels.weights * np.exp(terms - terms.max())
        inside, outside = float(mass[sign * mu > 0].sum()), float(mass[sign * mu < 0].sum())
        return inside / (inside + outside)

    def log_likelihood(self, mu: Array) -> Array:
        """Log likelihood at each mu (n,), from the table where it reaches."""
        panels, values = self._table
        inside = (mu >= panels.edges[0]) & (mu <= panels.edges[-1])
        result = np.empty(len(mu))
        result[inside] = panels.at(mu[inside], values)
        if not inside.all():
            result[~inside] = self._directly(mu[~inside])
        return result

    def _smoothed(self, x: Array, sd: float) -> Array:
        """Log of the likelihood averaged over Normal(x, sd), by the trapezoidal rule."""
        ratio = sd / min((m.scale for m in self.surface.mu_landmarks), default=math.inf)
        step = _SPACING / math.sqrt(1 + ratio**2)
        z = np.arange(-math.ceil(_BELL / step), math.ceil(_BELL / step) + 1) * step
        log_l = self.log_likelihood((x[:, None] + sd * z).ravel()).reshape(len(x), len(z))
        return np.asarray(_log_sum((log_l - 0.5 * z * z).T) + math.log(step) - 0.5 * math.log(2 * math.pi))

    @cached_property
    def _table(self) -> tuple[Panels, Array]:
        curves = self.surface.varying
        low = min((c.centre - _TABLE * c.width for c in curves), default=-1.0)
        high = max((c.centre + _TABLE * c.width for c in curves), default=1.0)
        panels = Panels(lay_panels(low, high, self.surface.mu_landmarks), _ORDER)
        return panels, self._directly(panels.nodes)

    def _directly(self, mu: Array) -> Array:
        tau, log_prior = self._tau_nodes
        return _log_sum(self.surface.parts(mu, tau).sum(axis=0) + log_prior[:, None])

    @cached_property
    def _tau_nodes(self) -> tuple[Array, Array]:
        """Nodes of tau and the log of prior times weight."""
        if self.tau is None or self.tau.point is not None:
            return np.array([0.0 if self.tau is None else float(self.tau.point or 0.0)]), np.zeros(1)
        curves = self.surface.varying
        centres = [curve.centre for curve in curves] or [0.0]
        spread = max(centres) - min(centres) + max((curve.width for curve in curves), default=1.0)
        low, high = self.tau.range
        marks = (*self.tau.landmarks, *self.surface.tau_landmarks)
        panels = Panels(lay_panels(low, min(high, max(_FAR * spread, 2 * low)), marks, self.tau.breaks), _ORDER)
        nodes, logs = panels.nodes, np.log(panels.weights) + self.tau.logpdf(panels.nodes)
        if self.tau.below > 0:
            nodes, logs = np.insert(nodes, 0, 0.0), np.insert(logs, 0, math.log(self.tau.below))
        return nodes, logs


def _log_sum(terms: Array) -> Array:
    """Log of the sum of exp(terms) over the first axis."""
    top = terms.max(axis=0)
    return np.asarray(np.log(np.exp(terms - top).sum(axis=0)) + top)
