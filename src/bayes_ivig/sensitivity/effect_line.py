"""The likelihood of mu alone, tau averaged over its prior: priors of mu, and biases, then cost next to nothing."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.mesh import Axis, prior_terms
from bayes_ivig.quadrature.panels import Landmark, Panels, lay_panels
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.sensitivity.more_curves import BiasedCurve

Array = NDArray[np.float64]
_ORDER = 16
_FAR = 1e4  # spreads of the studies beyond which a prior of tau adds nothing that a probability could show
_TABLE = 40.0  # widths of the studies that the table of the likelihood reaches beyond them
_REACH = 30.0  # scales of the data that the nodes of mu reach beyond them
_BELL = 8.5  # standard deviations of a bias that count
_SPACING = 0.5  # of the trapezoidal rule for a bias, in standard deviations of bell times likelihood


@dataclass(frozen=True, eq=False)
class EffectLine:
    """log L(mu) = log of the integral of L(mu, tau) over the prior of tau (None: tau = 0)."""

    surface: Surface
    tau: Shape | None

    def probability(self, prior: Shape, sign: int, bias: float = 0.0, bias_sd: float = 0.0) -> float:
        """P(sign * mu > 0) where every study estimates mu + b, b ~ Normal(bias, bias_sd); `prior` is no point."""
        panels = panels_of_mu(prior, tuple(Landmark(m.centre - bias, m.scale) for m in self.surface.mu_landmarks))
        mu = panels.nodes
        log_l = self._smoothed(mu + bias, bias_sd) if bias_sd > 0 else self.log_likelihood(mu + bias)
        return _share(sign * mu > 0, np.log(panels.weights) + log_l + prior.logpdf(mu))

    def log_likelihood(self, mu: Array) -> Array:
        """Log likelihood at each mu (n,), from the table; beyond it a straight line, as curves of studies have."""
        panels, values = self._table
        low, high = panels.edges[0], panels.edges[-1]
        left, right = panels.slopes(values)[[0, -1]]
        inside = panels.at(np.clip(mu, low, high), values)
        return np.asarray(inside + left * np.minimum(mu - low, 0.0) + right * np.maximum(mu - high, 0.0))

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
        tau, log_prior = self.tau_nodes
        return panels, _log_sum(self.surface.parts(panels.nodes, tau).sum(axis=0) + log_prior[:, None])

    @cached_property
    def tau_nodes(self) -> tuple[Array, Array]:
        """Nodes of tau and the log of prior times weight."""
        if self.tau is None or self.tau.point is not None:
            return np.array([0.0 if self.tau is None else float(self.tau.point or 0.0)]), np.zeros(1)
        curves = self.surface.varying
        centres = [curve.centre for curve in curves] or [0.0]
        spread = max(centres) - min(centres) + max((curve.width for curve in curves), default=1.0)
        low, high = self.tau.range
        marks = (*self.tau.landmarks, *self.surface.tau_landmarks)
        high = min(high, max(_FAR * spread, 2 * low))
        return prior_terms(Axis(lay_panels(low, high, marks, self.tau.breaks), None), self.tau, _ORDER, (low, high))


@dataclass(frozen=True, eq=False)
class OneBiased:
    """The trials of a line under a prior of mu, one of them biased: the others are looked up once."""

    line: EffectLine
    prior: Shape
    index: int

    def probability(self, bias: float, sign: int) -> float:
        """P(sign * mu > 0) where this trial estimates theta + bias."""
        tau, _ = self.line.tau_nodes
        mu = self._panels.nodes
        biased = BiasedCurve(self.line.surface.curves[self.index], bias)
        return _share(sign * mu > 0, _log_sum(self._rest + biased.log_smoothed(mu, tau)))

    @cached_property
    def _panels(self) -> Panels:
        """Panels fine enough wherever the biased trial may lie: as fine as it is narrow, all over the prior's bulk."""
        curve = self.line.surface.curves[self.index]
        marks = self.line.surface.mu_landmarks
        if math.isfinite(curve.width):
            centre, scale = self.prior.landmarks[0][:2] if self.prior.landmarks else (0.0, curve.width)
            marks = (*marks, Landmark(centre, max(curve.width, scale / 10), 4 * scale))
        return panels_of_mu(self.prior, marks)

    @cached_property
    def _rest(self) -> Array:
        """Log of weight, priors and the likelihood of the other trials, (T, G)."""
        mu, (tau, log_prior) = self._panels.nodes, self.line.tau_nodes
        others = self.line.surface.without(self.index).parts(mu, tau).sum(axis=0)
        return np.asarray(others + log_prior[:, None] + np.log(self._panels.weights) + self.prior.logpdf(mu))


def panels_of_mu(prior: Shape, marks: tuple[Landmark, ...]) -> Panels:
    """Panels over the range of a prior of mu and, where its support lets them be, the data; an edge at no effect."""
    low = min((m.centre - _REACH * m.scale for m in marks), default=math.inf)
    high = max((m.centre + _REACH * m.scale for m in marks), default=-math.inf)
    low = min(prior.range[0], max(low, prior.support[0]))
    high = max(prior.range[1], min(high, prior.support[1]))
    return Panels(lay_panels(low, high, (*prior.landmarks, *marks), (*prior.breaks, 0.0)), _ORDER)


def _share(chosen: NDArray[np.bool_], log_mass: Array) -> float:
    """Share of the mass that is chosen."""
    mass = np.exp(log_mass - log_mass.max())
    inside, outside = float(mass[chosen].sum()), float(mass[~chosen].sum())
    return inside / (inside + outside)


def _log_sum(terms: Array) -> Array:
    """Log of the sum of exp(terms) over the first axis."""
    top = terms.max(axis=0)
    return np.asarray(np.log(np.exp(terms - top).sum(axis=0)) + top)
