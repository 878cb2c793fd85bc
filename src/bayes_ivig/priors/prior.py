"""A prior: a density of one real number, a point mass, or a mixture of densities."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.priors.families import ABOVE_0, FAMILIES

type Array = NDArray[np.float64]

LARGEST = 1e100  # size of an argument: beyond it the densities run out of doubles
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Prior:
    """A density of one real number, or a point mass: a row of `FAMILIES`, or a mixture of densities.

    Raises InputError where an argument is not allowed. Functions keep the shape of their argument.
    """

    family: str
    args: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()  # of a mixture
    components: tuple["Prior", ...] = ()

    def __post_init__(self) -> None:
        """Check the family and its arguments, or the weights and components of a mixture."""
        complaint = _mixture_complaint(self) if self.family == "mixture" else _density_complaint(self)
        if complaint:
            raise InputError(complaint)

    @property
    def text(self) -> str:
        """Canonical text form; ``parse_prior(prior.text) == prior``."""
        if self.components:
            parts = zip(self.weights, self.components, strict=True)
            return " + ".join(f"{_number_text(weight)}*{part.text}" for weight, part in parts)
        return f"{self.family}({', '.join(map(_number_text, self.args))})"

    @property
    def is_point(self) -> bool:
        """Whether all mass is at one value."""
        return self.family == "fixed"

    @property
    def parts(self) -> tuple[tuple[float, "Prior"], ...]:
        """Weight (exactly normalised) and density of each part; a density alone is its only part."""
        total = math.fsum(self.weights)
        return tuple((w / total, part) for w, part in zip(self.weights, self.components, strict=True)) or ((1.0, self),)

    @property
    def support(self) -> tuple[float, float]:
        """Lower and upper end, infinite where open."""
        ends = [
            part.support if self.components else FAMILIES[part.family].support(*part.args) for _, part in self.parts
        ]
        return float(min(lo for lo, _ in ends)), float(max(hi for _, hi in ends))

    @property
    def mean(self) -> float:
        """Mean; nan where it does not exist, inf where it diverges."""
        return self._moments()[0]

    @property
    def sd(self) -> float:
        """Standard deviation; nan where it does not exist, inf where it diverges."""
        return self._moments()[1]

    def _moments(self) -> tuple[float, float]:
        with np.errstate(all="ignore"):
            if not self.components:
                mean, sd = FAMILIES[self.family].moments(*map(np.float64, self.args))
                return float(mean), float(sd)
            mean = float(np.sum([w * part.mean for w, part in self.parts]))
            squares = [w * (np.square(part.sd) + np.square(part.mean - mean)) for w, part in self.parts]
            return mean, math.inf if math.isinf(mean) else float(np.sqrt(np.sum(squares)))

    def logpdf(self, x: ArrayLike) -> Array:
        """Log density at x, -inf outside the support; for fixed(x0) the log mass: 0 at x0, -inf elsewhere."""
        x = np.asarray(x, dtype=float)
        with np.errstate(all="ignore"):
            if self.components:
                return np.logaddexp.reduce([math.log(w) + part.logpdf(x) for w, part in self.parts], axis=0)
            lo, hi = self.support
            return np.where((x < lo) | (x > hi), -math.inf, FAMILIES[self.family].logpdf(x, *self.args))

    def cdf(self, x: ArrayLike) -> Array:
        """P(X <= x), to full relative accuracy in the lower tail."""
        x = np.asarray(x, dtype=float)
        with np.errstate(all="ignore"):
            if self.components:
                return np.sum([w * part.cdf(x) for w, part in self.parts], axis=0)
            lo, hi = self.support
            return np.where(x < lo, 0.0, np.where(x >= hi, 1.0, FAMILIES[self.family].cdf(x, *self.args)))

    def ppf(self, q: ArrayLike) -> Array:
        """Quantile: the x with cdf(x) = q; the ends of the support at 0 and 1, nan outside [0, 1]."""
        q = np.asarray(q, dtype=float)
        lo, hi = self.support
        with np.errstate(all="ignore"):
            inside = _mixture_ppf(self, q) if self.components else FAMILIES[self.family].ppf(q, *self.args)
        inside = np.where(q == 0, lo, np.where(q == 1, hi, inside))
        return np.where((q >= 0) & (q <= 1), inside, math.nan)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...]) -> Array:
        """Independent draws of the given shape, by the family's own exact method."""
        with np.errstate(all="ignore"):
            if not self.components:
                return np.asarray(FAMILIES[self.family].rvs(rng, size, *self.args), dtype=float)
            pick = rng.choice(len(self.parts), size=size, p=[w for w, _ in self.parts])
            draws = np.stack([part.rvs(rng, size) for _, part in self.parts])
            return np.take_along_axis(draws, pick[np.newaxis], axis=0)[0]


def unknown_prior(word: str, known: Iterable[str]) -> str:
    """Say that `word` is none of the `known` priors."""
    known = tuple(known)
    return f"unknown prior {word!r}; known are {', '.join(known)}{nearest(word, known)}"


def _number_text(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _signature(family: str) -> str:
    return f"{family}({', '.join(FAMILIES[family].args)})"


def _density_complaint(prior: Prior) -> str:
    row = FAMILIES.get(prior.family)
    if row is None:
        return unknown_prior(prior.family, FAMILIES)
    if len(prior.args) != len(row.args) or prior.weights or prior.components:
        return f"'{prior.text}' has {len(prior.args)} numbers; write {_signature(prior.family)}"
    for name, value in zip(row.args, prior.args, strict=True):
        found = f"{_signature(prior.family)}: {name} = {value:g} is not allowed; it must be"
        if not abs(value) <= LARGEST:
            return f"{found} a finite number, at most {LARGEST:g} in size"
        if name in ABOVE_0 and value < 1 / LARGEST:
            return f"{found} above 0, at least {1 / LARGEST:g}"
    complaint = row.complaint(*prior.args)
    return complaint and f"'{prior.text}' is not allowed; {complaint}"


def _mixture_complaint(prior: Prior) -> str:
    if prior.args or len(prior.weights) != len(prior.components):
        return "a mixture has a weight for each part, such as 0.8*normal(0, 1) + 0.2*normal(0, 10)"
    if not all(weight > 0 for weight in prior.weights):
        return f"'{prior.text}' is not allowed; the weights of a mixture must be above 0"
    total = math.fsum(prior.weights)
    if not abs(total - 1) <= 1e-9:
        return f"the weights of '{prior.text}' sum to {total:.10g}; they must sum to 1"
    if len(prior.components) < 2 or any(part.is_point or part.components for part in prior.components):
        return f"'{prior.text}' is not allowed; a mixture is made of two densities or more, without fixed(x)"
    return ""


def _halfway(lo: Array, hi: Array) -> Array:
    """The double halfway between two in the order of all doubles, so that 64 halvings reach any of them."""

    def flip(bits: Any) -> Any:  # sign and magnitude <-> two's complement
        return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)

    a, b = flip(lo.view(np.int64)), flip(hi.view(np.int64))
    return flip((a >> 1) + (b >> 1) + (a & b & 1)).view(np.float64)


def _mixture_ppf(mixture: Prior, q: Array) -> Array:
    """Newton's method on the log CDF (upper half: log survival); where it is slow, the bracket is halved.

    After rtsafe in Press et al., Numerical Recipes, 3rd ed., section 9.4.
    """
    ends = np.array([part.ppf(q) for _, part in mixture.parts])
    lo, hi = ends.min(axis=0), ends.max(axis=0)
    x = _halfway(lo, hi)
    last = np.full_like(x, np.inf)
    for _ in range(400):
        cdf, pdf = mixture.cdf(x), np.exp(mixture.logpdf(x))
        lo, hi = np.where(cdf < q, x, lo), np.where(cdf < q, hi, x)
        lower = np.log(cdf / q) * cdf / pdf
        newton = x - np.where(q < 0.5, lower, np.log((1 - q) / (1 - cdf)) * (1 - cdf) / pdf)
        quick = (newton > lo) & (newton < hi) & (np.abs(newton - x) < 0.5 * last)
        new = np.where(quick, newton, _halfway(lo, hi))
        exact = (np.abs(cdf - q) <= 2 * _EPS * q) | (np.abs(newton - x) <= 2 * _EPS * np.abs(x))
        new = np.where(exact | ~(np.nextafter(lo, hi) < hi), x, new)
        if np.array_equal(new, x, equal_nan=True):
            break
        x, last = new, np.abs(new - x)
    return x
