"""A study's likelihood as a wave: its values on an even grid of effects, from which its Fourier transform follows.

Smoothing by Normal(mu, tau) multiplies the transform at frequency k by exp(-tau^2 k^2 / 2 + i k mu), a product of a
function of tau and one of mu, tau = 0 included. The even grid loses nothing: the likelihoods are analytic in a strip,
and what lies beyond the grid's highest frequency falls geometrically (Trefethen LN, Weideman JAC, SIAM Review
2014;56:385-458).

For two arms and an odds ratio the baseline is integrated on a lattice too: both logits live on multiples of one step,
so that each arm is evaluated once at each of them and every effect is a sum of products along a diagonal.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from scipy.special import gammaln, log_ndtr, ndtr

from bayes_ivig.priors import Prior
from bayes_ivig.profiles.nuisance import log_density_on_logit
from bayes_ivig.quadrature.curves import Curve

Array = NDArray[np.float64]
_CUT = 34.0  # log units below the peak where a wave ends: rounding
_REACH = 70.0  # effects beyond which a likelihood that does not fall is faded out
_FARTHEST = 300.0  # logit beyond which no arm is asked for
_FADE = 2.5  # SD of the fading, in steps: no frequency above the highest one
_FADED = 7.0  # SDs of the fading on either side of its middle
FADING = int(2 * _FADED * _FADE)  # steps that it takes
_FADE_IN = ndtr((np.arange(FADING) - _FADED * _FADE) / _FADE)
_STEP_GAUSS = 0.75  # of an even grid, in SDs of the bell it resolves to 1e-15
_STEP_LOGIT = 0.3  # and where functions are made of logistic ones
LONGEST_STEP = 0.25  # of effects; the others are halves of halves of it
_EFFECT_GAUSS = 0.42  # the same for effects, in SDs, where values between the grid's are needed
_RESOLVED = 3e-11  # share of the peak in the highest frequencies at which a grid is fine enough


class Tail(NamedTuple):
    """How a likelihood goes on where its wave has been faded out by a normal distribution function.

    On its `side` (-1 or 1) it is `level` * exp(`slope` * distance beyond `middle`), over the peak; `spread` is the SD
    of the fading about `middle`, and `crooked` by how much, relatively, it is off that line half as far out.
    """

    side: float
    middle: float
    spread: float
    level: float
    slope: float
    crooked: float

    def smoothed(self, mu: Array, tau: Array) -> Array:
        """What the fading took, smoothed by Normal(mu, tau), (T, G)."""
        x, variance = self.side * (mu - self.middle), tau[:, None] ** 2
        # E exp(s Z) Phi(Z / f) for Z ~ N(x, tau) is exp(s x + s^2 tau^2 / 2) Phi((x + s tau^2) / hypot(f, tau))
        inside = log_ndtr((x + self.slope * variance) / np.sqrt(self.spread**2 + variance))
        return np.asarray(self.level * np.exp(self.slope * x + 0.5 * self.slope**2 * variance + inside))


@dataclass(frozen=True, eq=False)
class Wave:
    """Likelihood over its peak at effects `low` + `step` * (0, 1, ...), zero elsewhere.

    Where the likelihood goes on beyond the grid, it has been faded out there and has a tail. `error` is the share of
    the peak that the highest frequencies hold. `centre` and `width` are those of a `Curve`.
    """

    low: float
    step: float
    values: Array
    log_peak: float
    tails: tuple[Tail, ...] = ()
    kink: None = None

    @property
    def high(self) -> float:
        """The last effect of the grid."""
        return self.low + self.step * (len(self.values) - 1)

    @cached_property
    def reliable(self) -> tuple[float, float]:
        """Ends of the effects at which the wave alone is the likelihood; infinite where it has fallen to nothing."""
        margin, sides = FADING * self.step, {tail.side for tail in self.tails}
        return (
            self.low + margin if -1 in sides else -math.inf,
            self.high - margin if 1 in sides else math.inf,
        )

    @cached_property
    def error(self) -> float:
        """Amplitude of the highest frequencies, over the peak."""
        return float(np.abs(np.fft.rfft(self.values)[-3:]).max() / len(self.values)) * 3

    @cached_property
    def _scale(self) -> tuple[float, float]:
        log_values = np.log(self.values)
        bend = -(log_values[2:] - 2 * log_values[1:-1] + log_values[:-2]) / self.step**2
        inside = self.low + self.step * np.arange(1, len(self.values) - 1)
        low, high = self.reliable
        score = np.where((inside > low) & (inside < high), bend * self.values[1:-1] ** 0.25, -1.0)
        best = int(np.argmax(score)) + 1
        return self.low + self.step * best, 1 / math.sqrt(max(float(bend[best - 1]), 1e-4))

    @property
    def centre(self) -> float:
        """Where the likelihood bends most."""
        return self._scale[0]

    @property
    def width(self) -> float:
        """Scale of that bend."""
        return self._scale[1]

    def transform(self, low: float, high: float, period: float) -> NDArray[np.complex128]:
        """Fourier coefficients (K,) at multiples of 2 pi / `period`, up to the grid's own highest frequency.

        Only effects between `low` and `high` matter: outside, the wave is faded out. `period` is a multiple of all
        steps there are, and at least the length of what is left.
        """
        first, last = max(0, math.floor((low - self.low) / self.step)), math.ceil((high - self.low) / self.step)
        start, stop = max(0, first - FADING), min(len(self.values), last + 1 + FADING)
        n = round(period / self.step)
        if start >= stop:
            return np.zeros(n // 2 + 1, complex)
        values = self.values[start:stop].copy()
        if start > 0:
            _fade(values, _FADE_IN)
        if stop < len(self.values):
            _fade(values[::-1], _FADE_IN)
        place = (round(self.low / self.step) + start) % n
        wound = np.zeros(-(-(place + len(values)) // n) * n)
        wound[place : place + len(values)] = values
        return np.asarray(np.fft.rfft(wound.reshape(-1, n).sum(axis=0))) * (self.step / period)


def _fade(values: Array, factors: Array) -> None:
    """Multiply the first values by these factors, in place."""
    n = min(len(factors), len(values))
    values[:n] *= factors[:n]


def fits_lattice(prior: Prior) -> bool:
    """Whether the lattice of `odds_ratio_wave` resolves this baseline prior and holds all its mass."""
    if prior.family == "beta":
        return min(prior.args) >= 1
    return prior.family == "normal" and _reach(prior) <= _REACH


def _reach(prior: Prior) -> float:
    """Logit beyond which the prior has no mass to speak of, whatever the data."""
    if prior.family == "beta":
        return _CUT + abs(math.log(prior.args[0] / prior.args[1]))
    return float(abs(prior.args[0]) + 7 * prior.args[1])


@lru_cache(maxsize=4096)
def odds_ratio_wave(counts: tuple[int, int, int, int], prior: Prior, control: bool) -> Wave | None:
    """Wave of a two-arm trial under the odds ratio; `counts` are events and patients on T, then on C.

    `prior` is a baseline density that `fits_lattice`, of the midpoint of both logits or of the control logit
    (`control`). None where no arm has patients. Small counts come again and again, and are remembered.
    """
    r_t, n_t, r_c, n_c = counts
    if n_t == 0 and n_c == 0:
        return None
    information = [max(r * (n - r) / n if n else 0.0, 0.0) for r, n in ((r_t, n_t), (r_c, n_c))]
    step = min(_STEP_LOGIT, _STEP_GAUSS / math.sqrt(sum(information) + _information(prior)))
    effect_step = _on_ladder(_EFFECT_GAUSS * math.sqrt(sum(1 / (i + 0.35) for i in information)))
    for _ in range(3):
        every = math.ceil(effect_step / step)
        wave = _on_lattice(counts, prior, control, effect_step / every, every)
        if wave.error < _RESOLVED:
            break
        effect_step /= 2
    return wave


def _information(prior: Prior) -> float:
    """How sharp the prior is at its peak, on the logit."""
    if prior.family == "beta":
        a, b = prior.args
        return a * b / (a + b)
    return float(prior.args[1] ** -2)


def _on_ladder(step: float) -> float:
    """Largest step allowed that is not above `step`."""
    return LONGEST_STEP * 0.5 ** max(0, math.ceil(math.log2(LONGEST_STEP / step)))


def _on_lattice(counts: tuple[int, int, int, int], prior: Prior, control: bool, step: float, every: int) -> Wave:
    """Wave with both logits on multiples of `step`, effects on every `every`-th."""
    r_t, n_t, r_c, n_c = counts
    held = _reach(prior)
    reaches = (held, held + _REACH) if control else (held + _REACH / 2,) * 2
    arms = [_arm(r, n, step, reach) for (r, n), reach in zip(((r_c, n_c), (r_t, n_t)), reaches, strict=True)]
    (first_u, a, top_a), (first_v, b, top_b) = arms
    # theta = v - u = step * every * m
    low, high = first_v - (first_u + len(a) - 1), first_v + len(b) - 1 - first_u
    m_low, m_high = -(-low // every), high // every
    reach = int(_REACH / (step * every))
    m_low, m_high = max(m_low, -reach), min(m_high, reach)
    m = np.arange(m_low, m_high + 1)
    # B at the lattice points u + theta, zero outside its range
    start = first_u + every * m_low
    needed = len(a) + every * (len(m) - 1)
    padded = np.zeros(needed)
    inner_low, inner_high = max(start, first_v), min(start + needed, first_v + len(b))
    padded[inner_low - start : inner_high - start] = b[inner_low - first_v : inner_high - first_v]
    size = padded.itemsize
    along = as_strided(padded, (len(m), len(a)), (every * size, size), writeable=False)
    if control:
        density, top = _density(prior, step * np.arange(first_u, first_u + len(a), dtype=float))
        values: Array = along @ (a * density)
    else:
        halves = 2 * first_u + every * m_low + np.arange(2 * len(a) - 1 + every * (len(m) - 1))
        density, top = _density(prior, np.asarray(step / 2 * halves, float))
        midpoint = as_strided(density, (len(m), len(a)), (every * size, 2 * size), writeable=False)
        values = np.einsum("mj,mj,j->m", along, midpoint, a)
    constant = sum(float(gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)) for r, n in ((r_t, n_t), (r_c, n_c)))
    return _trimmed(step * every * m_low, step * every, values, top + top_a + top_b + math.log(step) + constant)


def _arm(r: int, n: int, step: float, reach: float) -> tuple[int, Array, float]:
    """Binomial likelihood over its peak on the lattice of logits: first index, values, log of the peak."""
    peak = r * math.log(r / n) + (n - r) * math.log1p(-r / n) if 0 < r < n else 0.0
    low, high = -reach, reach
    if r > 0:  # r x + ... falls like r x on the left
        low = max(low, _fall(r, n, -1.0, peak))
    if r < n:
        high = min(high, _fall(r, n, 1.0, peak))
    first, last = math.floor(low / step), math.ceil(high / step)
    x = step * np.arange(first, last + 1)
    return first, np.exp(r * x - n * np.logaddexp(0.0, x) - peak), peak


def _fall(r: int, n: int, side: float, peak: float) -> float:
    """Logit at which the arm's log likelihood is `_CUT` below its peak on one side."""
    if side < 0:
        r = n - r  # by symmetry, on the right
    low, high = math.log(r / (n - r)) if r > 0 else -_FARTHEST, _FARTHEST
    for _ in range(32):
        middle = (low + high) / 2
        value = r * middle - n * (
            middle + math.log1p(math.exp(-middle)) if middle > 0 else math.log1p(math.exp(middle))
        )
        low, high = (middle, high) if value > peak - _CUT else (low, middle)
    return high if side > 0 else -high


def _density(prior: Prior, g: Array) -> tuple[Array, float]:
    log_density = log_density_on_logit(prior, np.asarray(g, float))
    top = float(log_density.max())
    return np.exp(log_density - top), top


def curve_wave(curve: Curve) -> Wave | None:
    """Wave of any tabulated curve; None for a constant one."""
    if not math.isfinite(curve.width):
        return None
    step = _on_ladder(0.3 * curve.width)
    centre = round(curve.centre / step)
    reach = int(_REACH / step)
    theta: Array = np.arange(centre - reach, centre + reach + 1, dtype=float) * step
    log_values = curve.log_profile(theta)
    top = float(log_values.max())
    return _trimmed(float(theta[0]), step, np.exp(log_values - top), top)


def _trimmed(low: float, step: float, values: Array, log_scale: float) -> Wave:
    """Cut away what is nothing, fade what does not end."""
    top = float(values.max())
    kept = np.nonzero(values > top * math.exp(-_CUT))[0]
    first, last = int(kept[0]), int(kept[-1])
    is_open = {-1.0: first == 0, 1.0: last == len(values) - 1}
    values = values[first : last + 1] / top
    low += step * first
    tails = []
    for side in (side for side, goes_on in is_open.items() if goes_on):
        end = low if side < 0 else low + step * (len(values) - 1)
        inwards = values if side < 0 else values[::-1]
        tails.append(_tail(side, end, step, inwards))
    for tail in tails:
        _fade(values if tail.side < 0 else values[::-1], _FADE_IN)
    return Wave(low, step, values, math.log(top) + log_scale, tuple(tails))


def _tail(side: float, end: float, step: float, inwards: Array) -> Tail:
    """The straight line through the ends of the part that is faded out, of values from the end inwards."""
    logs = np.log(inwards[: max(2 * FADING, round(abs(end) / 2 / step))])
    # No likelihood goes on rising.
    slope = min(float(logs[0] - logs[FADING]) / (FADING * step), 0.0)
    off = logs - (logs[0] - slope * step * np.arange(len(logs)))
    depth = _FADED * _FADE * step
    level = math.exp(float(logs[0]) - slope * depth)
    crooked = min(float(np.abs(np.expm1(off)).max()), 1.0)
    return Tail(side, end - side * depth, _FADE * step, level, slope, crooked)
