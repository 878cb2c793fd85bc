"""Independent draws from the exact posterior: tau from its marginal, mu given tau, every effect given both.

By inverse distribution functions throughout; what is interpolated is far below what thousands of draws can tell.
"""

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.quadrature.panels import Panels
from bayes_ivig.quadrature.posterior import Posterior
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study

Array = NDArray[np.float64]
N_DRAWS = 4000
_CHUNK = 500
_ORDER = 12
_Z = np.linspace(-8.5, 8.5, 137)
_RESOLVED = 6.0


def draw_posterior(
    posterior: Posterior, studies: tuple[Study, ...], model: Model, rng: np.random.Generator, n: int = N_DRAWS
) -> dict[str, Array]:
    """Draws of every parameter as one chain: mu, tau, theta_new (1, n); theta and nuisance parameters (1, n, k)."""
    tau = posterior.tau.draw(rng, n)
    mu = _draw_mu(posterior, tau, rng)
    theta = np.stack(
        [
            _draw_theta(curve, panels.panels, mu, tau, rng)
            for curve, panels in zip(posterior.surface.curves, posterior.theta, strict=True)
        ],
        axis=-1,
    )
    draws = {"mu": mu, "theta": theta, "theta_new": mu + tau * rng.standard_normal(n)}
    if model.effect == "random":
        draws["tau"] = tau
    likelihood = LIKELIHOODS[model.likelihood]
    nuisance = [likelihood.draw_given_theta(s, model, theta[:, i], rng) for i, s in enumerate(studies)]
    for name in nuisance[0]:
        draws[name] = np.stack([one[name] for one in nuisance], axis=-1)
    draws |= likelihood.derive(draws, likelihood.make_data(studies, model.measure), model)
    return {name: x[None] for name, x in draws.items()}


def _draw_mu(posterior: Posterior, tau: Array, rng: np.random.Generator) -> Array:
    """One mu for each tau, from its conditional posterior."""
    if posterior.joint.mu_panels is None:
        return np.full(len(tau), posterior.joint.mu[0])
    panels = Panels(posterior.joint.mu_panels.edges, _ORDER)
    log_prior = posterior.mu_prior.logpdf(panels.nodes)
    mu = np.empty(len(tau))
    for chunk in np.array_split(np.arange(len(tau)), len(tau) // _CHUNK + 1):
        log_density = posterior.surface.parts(panels.nodes, tau[chunk]).sum(axis=0) + log_prior
        mu[chunk] = _invert_rows(panels, log_density, rng)
    return mu


def _invert_rows(panels: Panels, log_density: Array, rng: np.random.Generator) -> Array:
    """One draw from each row of log densities at the nodes (rows, G).

    Each node stands for the stretch of the axis that has its weight (Gauss's nodes and such stretches interlace:
    the Chebyshev-Markov-Stieltjes theorem, Szego, Orthogonal Polynomials, sec. 3.41), evenly filled.
    """
    mass = np.exp(log_density - log_density.max(axis=1, keepdims=True)) * panels.weights
    whole = np.cumsum(mass, axis=1)
    target = rng.uniform(size=(len(mass), 1)) * whole[:, -1:]
    index = np.minimum((whole < target).sum(axis=1), mass.shape[1] - 1)[:, None]
    before = np.take_along_axis(whole - mass, index, axis=1)
    share = (target - before) / np.take_along_axis(mass, index, axis=1)
    borders = np.repeat(panels.edges[:-1], panels.order) + np.tile(np.cumsum(panels.rule.weights), len(panels.half)) * (
        np.repeat(panels.half, panels.order)
    )
    borders = np.concatenate([panels.edges[:1], borders])
    left, right = borders[index], borders[index + 1]
    return np.asarray((left + (right - left) * np.clip(share, 0, 1))[:, 0])


def _draw_theta(curve: Curve, panels: Panels | None, mu: Array, tau: Array, rng: np.random.Generator) -> Array:
    """One effect of a study for each mu and tau: its likelihood times a bell."""
    if panels is None:
        return mu.copy()
    theta = mu.copy()
    wide = 2 * panels.half[panels.locate(mu)[0]] <= _RESOLVED * tau
    profile = curve.log_profile(panels.nodes)
    for chunk in np.array_split(np.nonzero(wide)[0], np.count_nonzero(wide) // _CHUNK + 1):
        z = (panels.nodes - mu[chunk, None]) / tau[chunk, None]
        theta[chunk] = _invert_rows(panels, profile - 0.5 * z * z, rng)
    narrow = np.nonzero(~wide & (tau > 0))[0]
    for chunk in np.array_split(narrow, len(narrow) // _CHUNK + 1):
        logs = curve.log_profile(mu[chunk, None] + tau[chunk, None] * _Z) - 0.5 * _Z**2
        mass = np.exp(logs - logs.max(axis=1, keepdims=True))
        whole = np.cumsum(mass, axis=1)
        target = rng.uniform(size=(len(mass), 1)) * whole[:, -1:]
        index = np.minimum((whole < target).sum(axis=1), len(_Z) - 1)[:, None]
        share = (target - np.take_along_axis(whole - mass, index, axis=1)) / np.take_along_axis(mass, index, axis=1)
        theta[chunk] = mu[chunk] + tau[chunk] * (_Z[index] + (_Z[1] - _Z[0]) * (share - 0.5))[:, 0]
    return theta
