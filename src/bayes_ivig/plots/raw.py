"""The raw effect of each trial: what its own data say, with no model, no prior and no continuity correction.

A ratio that is 0 or infinite stays so. Its one finite limit is
- for the OR the limit of the exact conditional interval (non-central hypergeometric given the totals; Cornfield
  1956, Proc 3rd Berkeley Symp 4:135), the one that R's `fisher.test` prints;
- for the RR the limit of Koopman's score interval (Biometrics 1984;40:513), because conditioning on the totals
  leaves no likelihood of the RR alone.
Otherwise intervals are normal on the analysis scale (Woolf for the log OR, Katz for the log RR), and exact for a
rate (Clopper and Pearson).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, logit, logsumexp, ndtri

from bayes_ivig.effects import effect_sizes, table_effects
from bayes_ivig.pooled.exact import clopper_pearson
from bayes_ivig.studies import Paired, PairedMargins, SingleArm, Study, TwoArm

_REACH = 50.0  # no finite limit of a log ratio is further from 0
_SUPPORT = 10_000  # tables nearest to the observed one; those beyond have no probability at a limit


@dataclass(frozen=True)
class Raw:
    """Estimate and limits on the analysis scale, infinite where the data allow no bound; or why there is none."""

    estimate: float
    low: float
    high: float
    why: str = ""

    @property
    def exists(self) -> bool:
        """Whether the data say anything about the effect."""
        return not self.why


def arms(study: Study) -> tuple[int, int, int, int] | None:
    """Events and patients on T, then on C; both margins of a crossover trial. None for data without two arms."""
    match study:
        case TwoArm():
            return study.events_t, study.n_t, study.events_c, study.n_c
        case Paired():
            n = study.n_pairs
            on_t, on_c = study.both + study.t_only, study.both + study.c_only
            return on_t + study.events_t, n + study.n_t, on_c + study.events_c, n + study.n_c
        case PairedMargins():
            return study.margins_t, study.n_pairs, study.margins_c, study.n_pairs
    return None


def raw_effects(studies: Sequence[Study], measure: str, prob: float) -> tuple[Raw, ...]:
    """Return the raw effect of each trial with its interval at `prob`."""
    z = float(ndtri((1 + prob) / 2))
    if any(arms(study) for study in studies):
        return tuple(_of_counts(counts, measure, z) for study in studies if (counts := arms(study)))
    rates = [study for study in studies if isinstance(study, SingleArm)]
    if rates:
        return tuple(_of_rate(study, prob) for study in rates)
    y, se, _ = effect_sizes(studies, measure)
    return tuple(
        Raw(float(a), float(a - z * b), float(a + z * b)) if math.isfinite(a) else _missing("no effect")
        for a, b in zip(y, se, strict=True)
    )


def _missing(why: str) -> Raw:
    return Raw(math.nan, math.nan, math.nan, why)


def _of_rate(study: SingleArm, prob: float) -> Raw:
    if study.n == 0:
        return _missing("no patients")
    low, high = clopper_pearson(study.events, study.n, prob)
    rate, low, high = (float(logit(p)) for p in (study.events / study.n, low, high))
    return Raw(rate, low, high)


def _of_counts(counts: tuple[int, int, int, int], measure: str, z: float) -> Raw:
    a, n_t, c, n_c = counts
    b, d = n_t - a, n_c - c
    if not (n_t and n_c):
        return _missing("no patients in one arm" if n_t or n_c else "no patients")
    if a == c == 0:
        return _missing("no events in either arm")
    if measure == "OR":
        if b == d == 0:
            return _missing("only events in both arms")
        if b == 0 or c == 0:
            return Raw(math.inf, exact_log_or_limit(a, n_t, c, n_c, z), math.inf)
        if a == 0 or d == 0:
            return Raw(-math.inf, -math.inf, -exact_log_or_limit(c, n_c, a, n_t, z))
    elif a == 0 or c == 0 or b == d == 0:
        point = math.inf if c == 0 else -math.inf if a == 0 else 0.0
        low = -math.inf if a == 0 else score_log_rr_limit(a, n_t, c, n_c, z)
        return Raw(point, low, math.inf if c == 0 else -score_log_rr_limit(c, n_c, a, n_t, z))
    y, v = table_effects(np.array([[a, b, c, d]], float), measure)
    half = z * math.sqrt(v[0])
    return Raw(float(y[0]), float(y[0] - half), float(y[0] + half))


def exact_log_or_limit(events_t: int, n_t: int, events_c: int, n_c: int, z: float) -> float:
    """Lower limit of the log OR where the raw OR is infinite: P(X = observed) is the upper tail of `z` there."""
    total = events_t + events_c
    x = np.arange(max(0, total - n_c, events_t - _SUPPORT), events_t + 1, dtype=float)
    log_w = -gammaln(x + 1) - gammaln(n_t - x + 1) - gammaln(total - x + 1) - gammaln(n_c - total + x + 1)
    tail = _log_upper_tail(z)

    def shortfall(log_or: float) -> float:
        terms = log_w + (x - events_t) * log_or
        return float(tail - (log_w[-1] - logsumexp(terms)))

    return _root(shortfall)


def score_log_rr_limit(events_t: int, n_t: int, events_c: int, n_c: int, z: float) -> float:
    """Lower limit of the log RR: the RR whose score statistic is `z` (risks at their constrained maximum)."""

    def excess(log_rr: float) -> float:
        ratio = math.exp(log_rr)
        b = ratio * (n_t + events_c) + events_t + n_c
        total = events_t + events_c
        p_c = 2 * total / (b + math.sqrt(max(0.0, b * b - 4 * (n_t + n_c) * ratio * total)))
        p_t = min(1.0, ratio * p_c)
        variance = p_t * (1 - p_t) / n_t + ratio**2 * p_c * (1 - p_c) / n_c
        difference = events_t / n_t - ratio * events_c / n_c
        return difference / math.sqrt(max(variance, 1e-300)) - z

    return _root(excess)


def _log_upper_tail(z: float) -> float:
    return math.log(0.5 * math.erfc(z / math.sqrt(2)))


def _root(falling: Callable[[float], float]) -> float:
    low, high = -_REACH, _REACH
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
