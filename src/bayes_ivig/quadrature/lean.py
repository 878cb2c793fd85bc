"""The posterior of mu and tau for thousands of reviews: each study a wave, all of them at the same frequencies.

A study then costs one product of matrices: functions of tau by frequency, times its own transform, times functions of
frequency by mu, which the studies share. Answers come with an estimate of their error; where that is not small (a study
far out in its own tail, a prior that reaches beyond the waves) there is no answer, and the full engine has to give it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature.curves import ConstantCurve, Curve, NormalCurve
from bayes_ivig.quadrature.density import Answers, describe_density, describe_point
from bayes_ivig.quadrature.grid import PROBS
from bayes_ivig.quadrature.mesh import Axis, log_prior, prior_terms
from bayes_ivig.quadrature.panels import Landmark, Panels, lay_panels, legendre_rule, split_panels
from bayes_ivig.quadrature.posterior import Joint
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface, make_surface
from bayes_ivig.quadrature.tabulated import TabulatedCurve
from bayes_ivig.quadrature.waves import FADING, LONGEST_STEP, Wave, curve_wave, fits_lattice, odds_ratio_wave
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study, TwoArm

Array = NDArray[np.float64]
TOLERANCE = 1e-6  # estimated error of an answer, in posterior SDs, up to which it is given
_COARSE, _FINE, _DENSE = 4, 12, 20  # nodes a panel: to find the mesh, of the joint posterior, of the marginals
_DEEP = 700.0  # minus the lowest log density
_NO_MASS = 23.0  # log mass, below the largest, of a panel that is cut off
_ROUNDS = 4
_REACH_MU, _REACH_TAU = 50.0, 150.0  # beyond which the waves are not asked
_CUT_OFF = 1e-9  # mass at the end of the mesh from which something beyond it may count
_FLOOR = 1e-16  # of a likelihood over its peak: below this it is rounding
_NOISE = 1e-14  # rounding of a likelihood over its peak
_AT_ONCE = 17  # likelihoods of at least `_FLOOR` whose product is no underflow
_FALLEN, _FALLEN_COARSE = 8.4, 5.0  # SDs of a bell, in frequency or effect, beyond which it is nothing
_NO_PRIOR = 35.0  # log density of a prior, below its largest, that no data bring back unless it is said to have failed
_ALIKE = 6.0  # taus that share their frequencies differ by less than this factor
_ROUND = 8 * LONGEST_STEP  # periods are multiples of this: few prime factors for the transforms


@dataclass(frozen=True, eq=False)
class LeanSurface:
    """The likelihood of mu and tau of one review: waves, normal likelihoods, and a constant for the other studies."""

    waves: tuple[Wave, ...]
    normals: tuple[NormalCurve, ...] = ()
    level: float = 0.0

    @cached_property
    def landscape(self) -> Surface:
        """A surface that knows where the studies lie, for the meshes, and nothing else."""
        return Surface(cast(tuple[Curve, ...], (*self.waves, *self.normals)))

    @cached_property
    def narrowest(self) -> float:
        """Width of the narrowest wave."""
        return min(wave.width for wave in self.waves)

    def log_likelihood(self, mu: Array, tau: Array, fallen: float = _FALLEN) -> tuple[Array, Array]:
        """Log likelihood at increasing mu (G,) and tau (T,), and the error that the waves make there, both (T, G).

        What is `fallen` SDs out in a bell is taken for nothing.
        """
        total = np.full((len(tau), len(mu)), self.level + sum(wave.log_peak for wave in self.waves), float)
        noise = np.zeros_like(total)
        start = 0
        while start < len(tau) and self.waves:
            most = max(_ALIKE * tau[start], self.narrowest / 2)
            end = int(np.searchsorted(tau, most, side="right"))
            values = self._smoothed(mu, tau[start:end], fallen)
            for i in range(0, len(values), _AT_ONCE):
                total[start:end] += np.log(values[i : i + _AT_ONCE].prod(axis=0))
            noise[start:end] = self._noise(mu, tau[start:end], values)
            start = end
        for normal in self.normals:
            total += normal.log_smoothed(mu, tau)
        return total, noise

    def _smoothed(self, mu: Array, tau: Array, fallen: float) -> Array:
        """Every wave smoothed, over its peak, (k, T, G), for taus of about one size."""
        reach = fallen * float(tau[-1])
        low, high = float(mu[0]) - reach, float(mu[-1]) + reach
        # Copies of the waves, one period away, must not be felt.
        period = _ROUND * math.ceil((high - low + FADING * max(wave.step for wave in self.waves)) / _ROUND)
        transforms = [wave.transform(low, high, period) for wave in self.waves]
        n = max(map(len, transforms))
        if tau[0] > 0:
            n = min(n, math.ceil(fallen / float(tau[0]) * period / (2 * math.pi)) + 1)
        both = np.zeros((len(transforms), 2, n))
        for own, transform in zip(both, transforms, strict=True):
            used = transform[:n]
            own[0, : len(used)], own[1, : len(used)] = used.real, -used.imag
        both[:, :, 1:] *= 2
        k = 2 * math.pi / period * np.arange(n)
        angle = np.outer(k, mu)
        across = np.concatenate([np.cos(angle), np.sin(angle)])
        bells = np.exp(-0.5 * np.outer(tau, k) ** 2)
        along = (both[:, None] * bells[:, None, :]).reshape(len(transforms) * len(tau), 2 * n)
        values = (along @ across).reshape(len(transforms), len(tau), len(mu))
        return np.maximum(values, _FLOOR, out=values)

    def _noise(self, mu: Array, tau: Array, values: Array) -> Array:
        """Sum of the relative errors of the smoothed waves, (T, G)."""
        inverse = np.reciprocal(values)
        noise = np.tensordot([_NOISE + wave.error for wave in self.waves], inverse, 1)
        with np.errstate(divide="ignore"):
            for wave, own in zip(self.waves, inverse, strict=True):
                low, high = wave.reliable
                if low > -math.inf:
                    noise += own * ndtr((low - mu) / tau[:, None])
                if high < math.inf:
                    noise += own * ndtr((mu - high) / tau[:, None])
        return np.asarray(noise)


def make_lean_surface(studies: Sequence[Study], model: Model) -> LeanSurface:
    """The surface of these studies under the likelihood, measure and nuisance priors of `model`."""
    if model.likelihood == "binomial" and model.measure == "OR" and fits_lattice(model.priors["baseline"]):
        LIKELIHOODS["binomial"].make_data(tuple(studies), model.measure)  # refuses studies of another kind
        prior, control = model.priors["baseline"], model.parametrisation == "control"
        tables = [s for s in studies if isinstance(s, TwoArm)]
        found = (odds_ratio_wave((s.events_t, s.n_t, s.events_c, s.n_c), prior, control) for s in tables)
        return LeanSurface(tuple(wave for wave in found if wave))
    curves = make_surface(studies, model).curves
    return LeanSurface(
        tuple(wave for curve in curves if isinstance(curve, TabulatedCurve) and (wave := curve_wave(curve))),
        tuple(curve for curve in curves if isinstance(curve, NormalCurve)),
        float(sum(curve.level for curve in curves if isinstance(curve, ConstantCurve))),
    )


class LeanPosterior(NamedTuple):
    """Answers for mu and tau, the log evidence, and the estimated error of all of them in posterior SDs."""

    mu: Answers
    tau: Answers
    log_evidence: float
    error: float


def fit_lean(
    surface: LeanSurface, mu: Shape, tau: Shape | None, probs: tuple[float, ...] = PROBS
) -> LeanPosterior | None:
    """Posterior under these priors (`tau` None is a common effect), or None where the waves cannot vouch for it.

    `probs` are the probabilities of the quantiles, increasing.
    """
    # SDs by which the outermost quantile of a normal density moves, over the mass that moves it.
    moves = math.sqrt(2 * math.pi) * math.exp(0.5 * float(ndtri(min(probs[0], 1 - probs[-1]))) ** 2)
    axes = _find_axes(surface, mu, tau)
    for _ in range(_ROUNDS):
        joint, noise = _joint(surface, axes, mu, tau, _FINE)
        rounding = float((joint.mass * noise).sum())
        if not rounding <= TOLERANCE:
            return None
        by_mu, by_tau = (_marginal(axis, mass) for axis, mass in zip(axes, _masses(joint), strict=True))
        error = rounding + float(by_mu.missed.sum() + by_tau.missed.sum()) * moves
        if error <= TOLERANCE:
            if by_mu.is_cut(_REACH_MU) or by_tau.is_cut(_REACH_TAU):
                return None
            return LeanPosterior(by_mu.describe(probs), by_tau.describe(probs), joint.log_evidence, error)
        axes = _split(axes[0], moves * by_mu.missed), _split(axes[1], moves * by_tau.missed)
    return None


def _find_axes(surface: LeanSurface, mu: Shape, tau: Shape | None) -> tuple[Axis, Axis]:
    """Panels where the posterior is, by a coarse look at all that prior and data leave open."""
    axes = _first_axes(surface.landscape, mu, tau)
    (x, log_w), (t, log_v) = (axis.nodes(_COARSE) for axis in axes)
    seen = np.maximum(t, surface.narrowest / 2) if surface.waves else t  # what tau does below that is no matter here
    terms = surface.log_likelihood(x, seen, _FALLEN_COARSE)[0]
    terms += (log_v + log_prior(tau, t))[:, None] + log_w + log_prior(mu, x)
    mass = np.exp(terms - terms.max())
    by_mu, by_tau = mass.sum(axis=0), mass.sum(axis=1)
    across, along = axes
    if across.edges is not None:
        low, high = _held(across.edges, by_mu)
        mean = by_mu @ x / by_mu.sum()
        sd = math.sqrt(by_mu @ (x - mean) ** 2 / by_mu.sum())
        across = Axis(lay_panels(low, high, (Landmark(mean, sd),), mu.breaks), None)
    if along.edges is not None:
        low, high = _held(along.edges, by_tau)
        edges = along.edges[(along.edges >= low) & (along.edges <= high)]
        along = Axis(np.insert(edges, 1, (edges[0] + edges[1]) / 2), None)
    return across, along


def _first_axes(landscape: Surface, mu: Shape, tau: Shape | None) -> tuple[Axis, Axis]:
    """Coarse panels over all that the priors leave open, within the reach of the waves."""
    across, along = Axis(None, mu.point), Axis(None, 0.0 if tau is None else tau.point)
    if mu.point is None:
        marks = (*mu.landmarks, *landscape.mu_landmarks)
        across = Axis(lay_panels(*_range(mu, _REACH_MU), marks, mu.breaks), None)
    if tau is not None and tau.point is None:
        marks = (*tau.landmarks, *landscape.tau_landmarks)
        along = Axis(lay_panels(*_range(tau, _REACH_TAU), marks, tau.breaks), None)
    return across, along


def _range(shape: Shape, reach: float) -> tuple[float, float]:
    """Where a prior has mass that the data may leave, within the reach of the waves."""
    low, high = max(shape.range[0], -reach), min(shape.range[1], reach)
    x = np.linspace(low, high, 201)[1:-1]
    logs = shape.logpdf(x)
    held = np.nonzero(logs > logs.max() - _NO_PRIOR)[0]
    return (low if held[0] == 0 else float(x[held[0] - 1])), (
        high if held[-1] == len(x) - 1 else float(x[held[-1] + 1])
    )


def _joint(
    surface: LeanSurface, axes: tuple[Axis, Axis], mu: Shape, tau: Shape | None, order: int
) -> tuple[Joint, Array]:
    """The joint posterior at `order` nodes a panel, and the error of its log likelihoods (T, G)."""
    (x, log_mu), (t, log_tau) = (prior_terms(*pair, order) for pair in zip(axes, (mu, tau), strict=True))
    likelihood, noise = surface.log_likelihood(x, t)
    prior = log_tau[:, None] + log_mu
    return Joint(axes[0].panels(order), axes[1].panels(order), x, t, likelihood[None], prior), noise


def _masses(joint: Joint) -> tuple[Array, Array]:
    """Posterior mass at the nodes of mu, and of tau."""
    return joint.mass.sum(axis=0), joint.mass.sum(axis=1)


def _held(edges: Array, mass: Array) -> tuple[float, float]:
    """Ends of the panels that hold all mass that counts."""
    held = np.nonzero(mass.reshape(len(edges) - 1, -1).max(axis=1) > math.exp(-_NO_MASS) * mass.max())[0]
    return float(edges[held[0]]), float(edges[held[-1] + 1])


class _Density(NamedTuple):
    """A marginal density at the nodes of panels, and the mass that the polynomial of each panel may miss."""

    panels: Panels | None
    density: Array
    point: float | None
    missed: Array

    def describe(self, probs: tuple[float, ...]) -> Answers:
        """Moments, quantiles and P(> 0)."""
        if self.panels is None:
            return describe_point(float(self.point or 0.0), probs)
        return describe_density(self.panels, self.density, probs)

    def is_cut(self, reach: float) -> bool:
        """Whether mass that counts lies at the end of what the waves reach."""
        if self.panels is None:
            return False
        local = (self.panels.weights * self.density).reshape(-1, self.panels.order).sum(axis=1)
        return bool(
            (self.panels.edges[0] <= -reach and local[0] > _CUT_OFF)
            or (self.panels.edges[-1] >= reach and local[-1] > _CUT_OFF)
        )


def _marginal(axis: Axis, mass: Array) -> _Density:
    """Density from the mass at nodes; its logarithm, which is smoother, is interpolated to more nodes a panel."""
    if axis.edges is None:
        return _Density(None, np.zeros(0), axis.point, np.zeros(1))
    coarse, fine = Panels(axis.edges, _FINE), Panels(axis.edges, _DENSE)
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(mass / coarse.weights), -_DEEP).reshape(-1, _FINE)
    density = np.exp(logs @ fine_basis().T)
    coefficients = np.abs(logs @ coarse.rule.to_legendre[-4:].T)
    last = coefficients[:, 2:].max(axis=1)
    before = np.maximum(coefficients[:, :2].max(axis=1), last)
    # The first coefficients left out, if they go on falling as the last ones do.
    next_ = last * np.divide(last, before, out=np.zeros_like(last), where=before > 0)
    held = (density * fine.rule.weights).sum(axis=1) * fine.half
    missed = held * np.minimum(next_, 1.0) / _FINE + np.abs(held - mass.reshape(-1, _FINE).sum(axis=1))
    return _Density(fine, density.ravel(), None, missed)


@lru_cache(maxsize=1)
def fine_basis() -> Array:
    """Values at `_DENSE` nodes of the polynomials through `_FINE` ones."""
    return Panels(np.array([-1.0, 1.0]), _FINE).basis(legendre_rule(_DENSE).nodes)


def _split(axis: Axis, missed: Array) -> Axis:
    """Halve the panels that miss most of what is missed."""
    if axis.edges is None or missed.sum() < TOLERANCE / 4:
        return axis
    return Axis(split_panels(axis.edges, missed > TOLERANCE / (8 * len(missed))), None)
