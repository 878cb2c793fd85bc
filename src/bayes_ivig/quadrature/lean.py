"""The posterior of mu and tau for thousands of reviews: each study a wave, all of them at the same frequencies.

A study then costs one product of matrices: functions of tau by frequency, times its own transform, times functions of
frequency by mu, which the studies share. Answers come with an estimate of their error; where that is not small (a study
far out in its own tail, a prior that reaches beyond the waves) there is no answer, and the full engine has to give it.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bayes_ivig.quadrature.curves import Curve, NormalCurve
from bayes_ivig.quadrature.marginal import Marginal
from bayes_ivig.quadrature.mesh import Axis, first_tau_axis, log_prior, mu_extent
from bayes_ivig.quadrature.panels import Landmark, Panels, lay_panels, legendre_rule, split_panels
from bayes_ivig.quadrature.posterior import Joint
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.quadrature.waves import LONGEST_STEP, Wave

Array = NDArray[np.float64]
TOLERANCE = 5e-7  # estimated error of an answer, in posterior SDs, up to which it is given
_COARSE, _FINE, _DENSE = 4, 12, 20  # nodes a panel: to find the mesh, of the joint posterior, of the marginals
_DEEP = 700.0  # minus the lowest log density
_QUANTILE = 20.0  # SDs by which a quantile of 2.5% moves, over the mass that moves it
_NO_MASS = 23.0  # log mass, below the largest, of a panel that is cut off
_ROUNDS = 4
_REACH_MU, _REACH_TAU = 50.0, 25.0  # beyond which the waves are not asked
_CUT_OFF = 1e-9  # mass at the end of the mesh from which something beyond it may count
_FLOOR = 1e-16  # of a likelihood over its peak: below this it is rounding
_NOISE = 1e-14  # rounding of a likelihood over its peak
_AT_ONCE = 17  # likelihoods of at least `_FLOOR` whose product is no underflow
_FALLEN = 8.4  # SDs of a bell, in frequency or effect, beyond which it is nothing
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
    def _narrowest(self) -> float:
        return min(wave.width for wave in self.waves)

    def log_likelihood(self, mu: Array, tau: Array) -> tuple[Array, Array]:
        """Log likelihood at mu (G,) and increasing tau (T,), and the error that the waves make there, both (T, G)."""
        total = np.full((len(tau), len(mu)), self.level + sum(wave.log_peak for wave in self.waves))
        noise = np.zeros_like(total)
        start = 0
        while start < len(tau) and self.waves:
            most = max(_ALIKE * tau[start], self._narrowest / 2)
            end = int(np.searchsorted(tau, most, side="right"))
            self._add_waves(mu, tau[start:end], total[start:end], noise[start:end])
            start = end
        for normal in self.normals:
            total += normal.log_smoothed(mu, tau)
        return total, noise

    def _add_waves(self, mu: Array, tau: Array, total: Array, noise: Array) -> None:
        """Add the log of every wave, smoothed, and its error, for taus of about one size."""
        reach = _FALLEN * float(tau[-1])
        low, high = float(mu[0]) - reach, float(mu[-1]) + reach
        fading = 36 * max(wave.step for wave in self.waves)
        # Copies of the waves, one period away, must not be felt.
        period = _ROUND * math.ceil((high - low + fading) / _ROUND)
        transforms = [wave.transform(low, high, period) for wave in self.waves]
        n = max(map(len, transforms))
        if tau[0] > 0:
            n = min(n, math.ceil(_FALLEN / float(tau[0]) * period / (2 * math.pi)) + 1)
        both = np.zeros((len(transforms), 2, n))
        for own, transform in zip(both, transforms, strict=True):
            used = transform[:n]
            own[0, : len(used)], own[1, : len(used)] = 2 * used.real, -2 * used.imag
        both[:, :, 0] /= 2
        k = 2 * math.pi / period * np.arange(n)
        angle = np.outer(k, mu)
        across = np.concatenate([np.cos(angle), np.sin(angle)])
        bells = np.exp(-0.5 * np.outer(tau, k) ** 2)
        along = (both[:, None] * bells[:, None, :]).reshape(len(transforms) * len(tau), 2 * n)
        values = (along @ across).reshape(len(transforms), len(tau), len(mu))
        np.maximum(values, _FLOOR, out=values)
        for i, wave in enumerate(self.waves):
            noise += self._noise_of(wave, mu, tau) / values[i]
        for i in range(0, len(values), _AT_ONCE):
            total += np.log(values[i : i + _AT_ONCE].prod(axis=0))

    def _noise_of(self, wave: Wave, mu: Array, tau: Array) -> Array | float:
        """Absolute error of a smoothed wave over its peak."""
        noise: Array | float = _NOISE + wave.error
        low, high = wave.reliable
        with np.errstate(divide="ignore"):
            if low > -math.inf:
                noise = noise + ndtr((low - mu) / tau[:, None])
            if high < math.inf:
                noise = noise + ndtr((mu - high) / tau[:, None])
        return noise


class LeanPosterior(NamedTuple):
    """Marginals of mu and tau, the log evidence, and the estimated error of all of them in posterior SDs."""

    mu: Marginal
    tau: Marginal
    log_evidence: float
    error: float


def fit_lean(surface: LeanSurface, mu: Shape, tau: Shape | None) -> LeanPosterior | None:
    """Posterior under these priors (`tau` None is a common effect), or None where the waves cannot vouch for it."""
    axes = _first_axes(surface.landscape, mu, tau)
    joint, _ = _joint(surface, axes, mu, tau, _COARSE)
    axes = _narrow(axes, joint, mu)
    for _ in range(_ROUNDS):
        joint, noise = _joint(surface, axes, mu, tau, _FINE)
        rounding = float((joint.mass * noise).sum())
        if not rounding <= TOLERANCE:
            return None
        by_mu, by_tau = (_marginal(axis, mass) for axis, mass in zip(axes, _masses(joint), strict=True))
        error = rounding + float(by_mu.missed.sum() + by_tau.missed.sum()) * _QUANTILE
        if error <= TOLERANCE:
            if by_mu.is_cut(_REACH_MU) or by_tau.is_cut(_REACH_TAU):
                return None
            atom = (0.0, float(joint.mass[0].sum())) if joint.has_atom else None
            return LeanPosterior(by_mu.marginal(), by_tau.marginal(atom), joint.log_evidence, error)
        axes = _split(axes[0], by_mu.missed), _split(axes[1], by_tau.missed)
    return None


def _first_axes(landscape: Surface, mu: Shape, tau: Shape | None) -> tuple[Axis, Axis]:
    """Coarse panels over all that prior and data leave open, within the reach of the waves."""
    across = Axis(None, mu.point)
    if mu.point is None:
        low, high = mu_extent(landscape)
        low, high = min(mu.range[0], max(low, mu.support[0])), max(mu.range[1], min(high, mu.support[1]))
        low, high = max(low, -_REACH_MU), min(high, _REACH_MU)
        marks = (*mu.landmarks, *landscape.mu_landmarks)
        across = Axis(lay_panels(low, high, marks, mu.breaks), None)
    along = first_tau_axis(landscape, tau)
    if along.edges is not None and along.edges[-1] > _REACH_TAU:
        along = Axis(np.append(along.edges[along.edges < _REACH_TAU], _REACH_TAU), None)
    return across, along


def _joint(surface: LeanSurface, axes: tuple[Axis, Axis], mu: Shape, tau: Shape | None, order: int) -> tuple[Joint, Array]:
    """The joint posterior at `order` nodes a panel, and the error of its log likelihoods (T, G)."""
    (x, log_w), (t, log_v) = (axis.nodes(order) for axis in axes)
    log_tau = log_v + log_prior(tau, t)
    has_atom = tau is not None and tau.below > 0
    if has_atom:
        assert tau is not None
        t, log_tau = np.insert(t, 0, 0.0), np.insert(log_tau, 0, math.log(tau.below))
    likelihood, noise = surface.log_likelihood(x, t)
    prior = log_tau[:, None] + log_w + log_prior(mu, x)
    return Joint(axes[0].panels(order), axes[1].panels(order), x, t, likelihood[None], prior, has_atom), noise


def _masses(joint: Joint) -> tuple[Array, Array]:
    """Posterior mass at the nodes of mu, and of tau without the atom."""
    return joint.mass.sum(axis=0), joint.mass.sum(axis=1)[int(joint.has_atom) :]


def _narrow(axes: tuple[Axis, Axis], joint: Joint, mu: Shape) -> tuple[Axis, Axis]:
    """Panels where the posterior is, a few SDs of mu wide."""
    across, along = axes
    by_mu, by_tau = _masses(joint)
    if across.edges is not None:
        low, high = _held(across.edges, by_mu)
        mean = by_mu @ joint.mu / by_mu.sum()
        sd = math.sqrt(by_mu @ (joint.mu - mean) ** 2 / by_mu.sum())
        across = Axis(lay_panels(low, high, (Landmark(mean, sd),), mu.breaks), None)
    if along.edges is not None:
        low, high = _held(along.edges, by_tau)
        along = Axis(along.edges[(along.edges >= low) & (along.edges <= high)], None)
    return across, along


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

    def marginal(self, atom: tuple[float, float] | None = None) -> Marginal:
        return Marginal(None, self.density, (float(self.point), 1.0)) if self.point is not None else Marginal(
            self.panels, self.density, atom if atom and atom[1] > 0 else None
        )

    def is_cut(self, reach: float) -> bool:
        """Whether mass that counts lies at the end of what the waves reach."""
        if self.panels is None:
            return False
        local = (self.panels.weights * self.density).reshape(-1, self.panels.order).sum(axis=1)
        return bool(
            (self.panels.edges[0] <= -reach and local[0] > _CUT_OFF) or (self.panels.edges[-1] >= reach and local[-1] > _CUT_OFF)
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
    if axis.edges is None or _QUANTILE * missed.sum() < TOLERANCE / 4:
        return axis
    return Axis(split_panels(axis.edges, _QUANTILE * missed > TOLERANCE / (8 * len(missed))), None)
