"""The table of prior families. A new prior is one row of `FAMILIES`.

Symbols: m location, s scale (a standard deviation where one exists, never a variance), df degrees of
freedom. Densities and moments: Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, 1994-95.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

REAL = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


# ---------------------------------------------------------------- standard densities, symmetric about 0


@dataclass(frozen=True)
class _Standard:
    """A density symmetric about 0, of z and its shape arguments; within(z) = P(|Z| <= z) for z >= 0."""

    logpdf: Callable[..., Any]
    cdf: Callable[..., Any]
    ppf: Callable[..., Any]
    within: Callable[..., Any]
    within_ppf: Callable[..., Any]
    rvs: Callable[..., Any]  # (rng, size, *shape)
    sd: Callable[..., Any]
    mean_abs: Callable[..., Any]


_NORMAL = _Standard(
    logpdf=lambda z: -0.5 * z * z - _HALF_LOG_2PI,
    cdf=special.ndtr,
    ppf=special.ndtri,
    within=lambda z: special.erf(z / math.sqrt(2)),
    within_ppf=lambda w: math.sqrt(2) * special.erfinv(w),
    rvs=lambda rng, size: rng.standard_normal(size),
    sd=lambda: 1.0,
    mean_abs=lambda: math.sqrt(2 / math.pi),
)


# Student's t by incomplete beta functions of u = |z| / sqrt(df), whose arguments cos2 = 1/(1 + u^2) and
# sin2 = u^2/(1 + u^2) keep every digit; scipy's stdtrit loses the far tails (stdtrit(5, 1e-300) = inf).


def _t_log_edge(df: Any) -> Any:
    """log(a B(a, 1/2)), a = df/2: the incomplete beta function is x^a / (a B) as x goes to 0."""
    return np.log(df / 2) + special.betaln(df / 2, 0.5)


def _t_tail(u: Any, df: Any) -> Any:
    """P(|T| > u sqrt(df))."""
    cos2, sin2 = 1 / (1 + u * u), u * u / (1 + u * u)
    tail = np.where(u < 1, special.betaincc(0.5, df / 2, sin2), special.betainc(df / 2, 0.5, cos2))
    return np.where(u > 1e10, np.exp(-df * np.log(u) - _t_log_edge(df)), tail)


def _t_tail_ppf(p: Any, df: Any) -> Any:
    """u with P(|T| > u sqrt(df)) = p."""
    cos2 = special.betaincinv(df / 2, 0.5, p)
    u = np.sqrt(special.betainccinv(0.5, df / 2, p) / cos2)
    return np.where(cos2 < 1e-20, np.exp(-(np.log(p) + _t_log_edge(df)) / df), u)


def _t_within(z: Any, df: Any) -> Any:
    """P(|T| <= z), z >= 0; near 0 it is linear in z, where u^2 would underflow."""
    u = z / np.sqrt(df)
    within = np.where(u < 1, special.betainc(0.5, df / 2, u * u / (1 + u * u)), 1 - _t_tail(u, df))
    return np.where(np.maximum(u, z) < 1e-10, 2 * u * np.exp(-special.betaln(df / 2, 0.5)), within)


def _t_within_ppf(w: Any, df: Any) -> Any:
    sin2 = special.betaincinv(0.5, df / 2, w)
    u = np.sqrt(sin2 / special.betainccinv(df / 2, 0.5, w))
    near_0 = 0.5 * w * np.exp(special.betaln(df / 2, 0.5))
    u = np.where(near_0 * np.maximum(1, np.sqrt(df)) < 1e-10, near_0, u)
    return np.sqrt(df) * np.where(w < 0.5, u, _t_tail_ppf(1 - w, df))


def _t_logpdf(z: Any, df: Any) -> Any:
    spread = np.logaddexp(0.0, 2 * np.log(np.abs(z)) - np.log(df))  # log(1 + z^2/df), safe for any z
    return -special.betaln(df / 2, 0.5) - 0.5 * np.log(df) - 0.5 * (df + 1) * spread


def _t_cdf(z: Any, df: Any) -> Any:
    return np.where(z < 0, 0.5 * _t_tail(np.abs(z) / np.sqrt(df), df), 0.5 + 0.5 * _t_within(np.abs(z), df))


def _t_ppf(q: Any, df: Any) -> Any:
    tail = np.sqrt(df) * _t_tail_ppf(2 * np.minimum(q, 1 - q), df)
    return np.sign(q - 0.5) * np.where(np.abs(q - 0.5) < 0.25, _t_within_ppf(np.abs(2 * q - 1), df), tail)


_STUDENT_T = _Standard(
    logpdf=_t_logpdf,
    cdf=_t_cdf,
    ppf=_t_ppf,
    within=_t_within,
    within_ppf=_t_within_ppf,
    rvs=lambda rng, size, df: rng.standard_t(df, size),
    sd=lambda df: math.sqrt(df / (df - 2)) if df > 2 else math.inf if df > 1 else math.nan,
    # 2 sqrt(df) / ((df - 1) B(df/2, 1/2)), Psarakis and Panaretos 1990
    mean_abs=lambda df: 2 * np.sqrt(df) / (df - 1) * np.exp(-special.betaln(df / 2, 0.5)) if df > 1 else math.inf,
)


def _with_df(function: Callable[..., Any], df: float) -> Callable[..., Any]:
    return lambda *args: function(*args, df)


_CAUCHY = _Standard(  # Student's t with 1 degree of freedom
    **{name: _with_df(getattr(_STUDENT_T, name), 1.0) for name in _Standard.__dataclass_fields__}
)


# ---------------------------------------------------------------- families


@dataclass(frozen=True)
class Family:
    """One row of the table of families. Functions take (x or q, *args); `complaint` is '' for good args."""

    args: tuple[str, ...]
    support: Callable[..., tuple[float, float]]
    logpdf: Callable[..., Any]
    cdf: Callable[..., Any]
    ppf: Callable[..., Any]
    moments: Callable[..., tuple[Any, Any]]  # mean, sd
    rvs: Callable[..., Any]  # (rng, size, *args)
    complaint: Callable[..., str] = lambda *args: ""


ABOVE_0 = frozenset({"s", "df", "rate", "shape", "scale"})  # arguments that must be positive, in any family


def _location_scale(base: _Standard, *shape: str) -> Family:
    """X = m + s Z."""
    return Family(
        args=(*shape, "m", "s"),
        support=lambda *_: REAL,
        logpdf=lambda x, *a: base.logpdf((x - a[-2]) / a[-1], *a[:-2]) - np.log(a[-1]),
        cdf=lambda x, *a: base.cdf((x - a[-2]) / a[-1], *a[:-2]),
        ppf=lambda q, *a: a[-2] + a[-1] * base.ppf(q, *a[:-2]),
        moments=lambda *a: (math.nan if np.isnan(base.sd(*a[:-2])) else a[-2], a[-1] * base.sd(*a[:-2])),
        rvs=lambda rng, size, *a: a[-2] + a[-1] * base.rvs(rng, size, *a[:-2]),
    )


def _half(base: _Standard, *shape: str) -> Family:
    """X = s |Z|."""

    def moments(*a: Any) -> tuple[Any, Any]:
        mean, sd = base.mean_abs(*a[:-1]), base.sd(*a[:-1])
        return a[-1] * mean, a[-1] * (np.sqrt(sd * sd - mean * mean) if np.isfinite(sd) else math.inf)

    return Family(
        args=(*shape, "s"),
        support=lambda *_: POSITIVE,
        logpdf=lambda x, *a: math.log(2) + base.logpdf(x / a[-1], *a[:-1]) - np.log(a[-1]),
        cdf=lambda x, *a: base.within(x / a[-1], *a[:-1]),
        ppf=lambda q, *a: a[-1] * base.within_ppf(q, *a[:-1]),
        moments=moments,
        rvs=lambda rng, size, *a: a[-1] * np.abs(base.rvs(rng, size, *a[:-1])),
    )


def _log(base: _Standard, *shape: str, log_density_at_0: float, moments: Callable[..., Any]) -> Family:
    """log X = m + s Z."""

    def logpdf(x: Any, *a: Any) -> Any:
        log_x = np.log(x)
        inside = base.logpdf((log_x - a[-2]) / a[-1], *a[:-2]) - np.log(a[-1]) - log_x
        return np.where(x == 0, log_density_at_0, inside)

    return Family(
        args=(*shape, "m", "s"),
        support=lambda *_: POSITIVE,
        logpdf=logpdf,
        cdf=lambda x, *a: base.cdf((np.log(x) - a[-2]) / a[-1], *a[:-2]),
        ppf=lambda q, *a: np.exp(a[-2] + a[-1] * base.ppf(q, *a[:-2])),
        moments=moments,
        rvs=lambda rng, size, *a: np.exp(a[-2] + a[-1] * base.rvs(rng, size, *a[:-2])),
    )


def _inverse_gamma_logpdf(x: Any, shape: Any, scale: Any) -> Any:
    inside = shape * np.log(scale) - special.gammaln(shape) - (shape + 1) * np.log(x) - scale / x
    return np.where(x == 0, -math.inf, inside)


FAMILIES: dict[str, Family] = {
    "normal": _location_scale(_NORMAL),
    "student-t": _location_scale(_STUDENT_T, "df"),
    "cauchy": _location_scale(_CAUCHY),
    "uniform": Family(
        args=("a", "b"),
        support=lambda a, b: (a, b),
        logpdf=lambda x, a, b: np.zeros_like(x) - np.log(b - a),
        cdf=lambda x, a, b: (x - a) / (b - a),
        ppf=lambda q, a, b: np.clip(a + q * (b - a), a, b),
        moments=lambda a, b: (a / 2 + b / 2, (b - a) / math.sqrt(12)),
        rvs=lambda rng, size, a, b: rng.uniform(a, b, size),
        complaint=lambda a, b: "" if a < b else "a must be below b",
    ),
    "beta": Family(
        args=("a", "b"),
        support=lambda *_: (0.0, 1.0),
        logpdf=lambda x, a, b: special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b),
        cdf=lambda x, a, b: special.betainc(a, b, x),
        ppf=lambda q, a, b: special.betaincinv(a, b, q),
        moments=lambda a, b: (a / (a + b), np.sqrt(a / (a + b) * (b / (a + b)) / (a + b + 1))),
        rvs=lambda rng, size, a, b: rng.beta(a, b, size),
        complaint=lambda a, b: "" if a > 0 and b > 0 else "a and b must be above 0",
    ),
    "half-normal": _half(_NORMAL),
    "half-cauchy": _half(_CAUCHY),
    "half-student-t": _half(_STUDENT_T, "df"),
    "exponential": Family(
        args=("rate",),
        support=lambda *_: POSITIVE,
        logpdf=lambda x, rate: np.log(rate) - rate * x,
        cdf=lambda x, rate: -np.expm1(-rate * x),
        ppf=lambda q, rate: -np.log1p(-q) / rate,
        moments=lambda rate: (1 / rate, 1 / rate),
        rvs=lambda rng, size, rate: rng.standard_exponential(size) / rate,
    ),
    "log-normal": _log(
        _NORMAL,
        log_density_at_0=-math.inf,
        moments=lambda m, s: (np.exp(m + s * s / 2), np.exp(m + s * s) * np.sqrt(-np.expm1(-s * s))),
    ),
    "log-student-t": _log(_STUDENT_T, "df", log_density_at_0=math.inf, moments=lambda *_: (math.inf, math.inf)),
    "inverse-gamma": Family(
        args=("shape", "scale"),
        support=lambda *_: POSITIVE,
        logpdf=_inverse_gamma_logpdf,
        cdf=lambda x, shape, scale: special.gammaincc(shape, scale / x),
        ppf=lambda q, shape, scale: scale / special.gammainccinv(shape, q),
        moments=lambda shape, scale: (
            scale / (shape - 1) if shape > 1 else math.inf,
            scale / (shape - 1) / np.sqrt(shape - 2) if shape > 2 else math.inf,
        ),
        rvs=lambda rng, size, shape, scale: scale / rng.standard_gamma(shape, size),
    ),
    "fixed": Family(
        args=("x",),
        support=lambda x: (x, x),
        logpdf=lambda x, x0: np.zeros_like(x),
        cdf=lambda x, x0: np.ones_like(x),
        ppf=lambda q, x0: np.full_like(q, x0),
        moments=lambda x: (x, 0.0),
        rvs=lambda rng, size, x: np.full(size, x),
    ),
}
