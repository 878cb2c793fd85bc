"""Densities for figures: smooth ones from draws, exact ones from priors."""

import numpy as np
from scipy.special import expit, log_expit, ndtri

from bayes_ivig.effects import Array
from bayes_ivig.priors import Prior

_BINS = 512
_POINTS = 8192


def kernel_density(draws: Array, start: float, stop: float, low: float = -np.inf) -> tuple[Array, Array]:
    """Gaussian kernel density of draws on a grid from `start` to `stop`: places and densities, arrays (512,).

    Silverman's bandwidth (1986, eq. 3.30). Draws near a hard lower end, `low`, are reflected there.
    """
    lower, upper = np.quantile(draws, [0.25, 0.75])
    spread = min(float(np.std(draws)), float(upper - lower) / 1.349)
    start = max(start, low)
    step = (stop - start) / _BINS
    width = max(1.06 * spread * len(draws) ** -0.2, 0.5 * step)
    half = int(np.ceil(4 * width / step))
    # The grid goes on for four bandwidths on either side, so that draws beyond the ends count too.
    counts, _ = np.histogram(draws, _BINS + 2 * half, (start - half * step, stop + half * step))
    mass = counts.astype(float)
    if start == low:
        mass[:half] = 0.0
        mirrored = min(half, _BINS + half)
        mass[half - mirrored : half] = mass[half : half + mirrored][::-1]
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) * step / width) ** 2)
    density = np.convolve(mass, kernel / kernel.sum(), "valid") / (len(draws) * step)
    places = start + step * (np.arange(_BINS) + 0.5)
    return np.asarray(places, dtype=np.float64), np.asarray(density, dtype=np.float64)


def effect_density(prior: Prior, x: Array, rate: bool) -> Array:
    """Density of mu at x on the analysis scale; a prior on the rate is carried to the logit."""
    if rate and prior.support[0] >= 0:
        return np.exp(prior.logpdf(expit(x)) + log_expit(x) + log_expit(-x))
    return np.exp(prior.logpdf(x))


def effect_quantile(prior: Prior, q: Array, rate: bool) -> Array:
    """Quantiles of mu on the analysis scale."""
    x = prior.ppf(q)
    return np.log(x) - np.log1p(-x) if rate and prior.support[0] >= 0 else x


def new_effect_draws(mu: Prior, tau: Prior, rate: bool) -> Array:
    """Evenly spread prior draws of theta_new = mu + tau z, z standard normal, shape (8192,).

    The points are Roberts' R3 sequence, the multiples of 1/g, 1/g^2, 1/g^3 modulo 1 with g^4 = g + 1.
    """
    g = 1.2207440846057596
    u = (0.5 + np.arange(1, _POINTS + 1)[:, None] * g ** -np.arange(1.0, 4.0)) % 1
    return effect_quantile(mu, u[:, 0], rate) + tau.ppf(u[:, 1]) * ndtri(u[:, 2])
