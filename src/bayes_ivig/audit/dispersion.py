"""Checks of standard deviations and standard errors: one entered as the other, and intervals no n can give."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from bayes_ivig.audit.finding import Case, Finding, by_same_method, plainest
from bayes_ivig.audit.intervals import NEAR, by_exchange, distance, p_agrees, standard_error
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.published import Published, reproduce, rounding
from bayes_ivig.studies import Effect, Means, Study
from bayes_ivig.wording import number

_SE_AS_SD = "standard errors entered as standard deviations"
_SD_AS_SE = "standard deviations entered as standard errors"
_BEYOND = 1.5  # times the largest standardised difference that a P value allows
_WIDE = 2.0  # times the standard error that n patients give
_NARROW = 0.6
_FAR_APART = 3.0  # standard deviations between two means, from which one looks again
_NEAR = 1.25  # ratio of t statistics that different tests of the same data may have
_MAX_TRIALS = 30  # that are tried one by one


def swapped_in_data(case: Case) -> Iterator[Finding]:
    """A result that follows from the trials if the SDs of all, or of one, are taken for SEs or the reverse."""
    p = case.published
    means = [s for s in case.studies if isinstance(s, Means)]
    if p.measure not in ("SMD", "MD") or case.reproduced or not p.printed or len(means) < len(case.studies):
        return
    away = distance(p, case.studies)
    if away is not None and away < NEAR:
        return
    for name, power in ((_SE_AS_SD, -0.5), (_SD_AS_SE, 0.5)):
        for which in _subsets(means):
            altered = tuple(_scaled(s, power) if s.study in which else s for s in means)
            again = reproduce(replace(p, studies=None), altered)
            if not again.reproduced or not p_agrees(p, again):
                continue
            whom = "every trial" if len(which) == len(means) else which[0]
            yield Finding(
                "SE and SD",
                (p.id,),
                f"{p.text} follows from these trials with {name} in {whom} ({plainest(again)})",
                by_same_method(p, case.studies, again) or "the result of the standard deviations in the data",
                "certain" if len(which) == len(means) and len(p.printed) == 3 else by_exchange(p),
                "the estimate is reproduced by that exchange, but no interval is printed"
                if len(p.printed) < 3
                else "every printed digit is reproduced by that exchange and by no method without it"
                + ("" if len(which) == len(means) else "; one exchange of many that were tried may fit by chance"),
            )
            return


def _subsets(means: Sequence[Means]) -> list[tuple[str, ...]]:
    every = tuple(s.study for s in means)
    single = [(name,) for name in every] if 1 < len(every) <= _MAX_TRIALS else []
    return [every, *single]


def _scaled(s: Means, power: float) -> Means:
    return replace(s, sd_t=s.sd_t * s.n_t**power, sd_c=s.sd_c * s.n_c**power)


def beyond_its_p(case: Case) -> Iterator[Finding]:
    """A standardised difference larger than the test of the same difference allows.

    A t statistic of N patients bounds it: |SMD| <= 2 |t| / sqrt(N), reached by two equal groups and by pairs
    correlated -1. Standard errors entered as standard deviations multiply it by the root of the group size.
    """
    p = case.published
    if p.measure != "SMD" or p.estimate is None or case.reproduced or len(case.studies) != 1:
        return
    known = _statistics(case)
    if not known:
        return
    what, t, n, pairs = known[0]
    largest = 2 * t / math.sqrt(n)
    value = abs(float(p.estimate))
    if value <= _BEYOND * largest:
        return
    group = n if pairs else n / 2
    reduced = value / math.sqrt(group)
    entered = reduced <= largest
    yield Finding(
        "SE and SD",
        (p.id,),
        f"{p.text}: {what} allows at most {number(largest)} in {n} patients"
        + (f", and {p.estimate} over the root of {group:g} is {number(reduced)}" if entered else ""),
        f"{number(reduced)} with the standard deviations behind them, or about {number(t * math.sqrt(2 / group))} "
        "from the test itself"
        if entered
        else f"at most {number(largest)}",
        "probable",
        (
            f"that is what {_SE_AS_SD} give"
            if entered
            else "the standardised difference and the test cannot come from the same data"
        )
        + "; the bound holds for parallel groups and for any correlation within patients",
    )


def too_small(cases: Sequence[Case]) -> Iterator[Finding]:
    """Trials whose means differ by more standard deviations than is likely: SDs in the data that may be SEs."""
    trials = {s.study: s for case in cases for s in case.evidence.studies if isinstance(s, Means)}
    for s in trials.values():
        sd = math.sqrt((s.sd_t**2 + s.sd_c**2) / 2)
        apart, n = abs(s.mean_t - s.mean_c) / sd, math.sqrt(s.n_t * s.n_c)
        if apart < _FAR_APART:
            continue
        others = [math.sqrt((o.sd_t**2 + o.sd_c**2) / 2) for o in trials.values() if o is not s]
        small = bool(others) and sd < 2 * float(np.median(others)) / math.sqrt(n)
        yield Finding(
            "SE and SD",
            (s.study,),
            f"{s.study}: the means {number(s.mean_t)} and {number(s.mean_c)} are {apart:.1f} standard deviations apart "
            f"(SD {number(s.sd_t)} and {number(s.sd_c)} in {s.n_t} and {s.n_c} patients)",
            f"{number(apart / math.sqrt(n))} standard deviations if these are standard errors",
            "probable" if small else "possible",
            f"effects of {_FAR_APART:g} standard deviations are rare"
            + (", and the other trials have standard deviations as many times larger" if small else ""),
        )


def _statistics(case: Case) -> list[tuple[str, float, int, bool]]:
    """Tests of the same difference: words, |t|, patients, and whether each had both treatments."""
    n = case.studies[0].n_participants
    found: list[tuple[str, float, int, bool]] = []
    if not n or n < 3:
        return found
    p = case.published
    arms = [int(x) for x in (p.n_t, p.n_c) if x is not None]
    pairs = bool(arms) and max(arms) == n
    for other in case.siblings:
        span = other.p_range
        if other.measure == "MD" and other.p and span and span[0] > 0 and other.studies == p.studies:
            t = float(stdtrit(n - 1, 1 - span[0] / 2))
            found.append((f"P = {other.p} of {other.label}", t, n, pairs))
    study = case.studies[0]
    if isinstance(study, Effect) and case.evidence.measure == "MD":
        found.append(
            (f"the mean difference {number(study.y)} (SE {number(study.se)})", abs(study.y) / study.se, n, pairs)
        )
    return sorted(found, key=lambda x: -x[1])


def plus_minus(case: Case) -> Iterator[Finding]:
    """Means with a plus-minus figure and a P: whether the figure can be the SD, or the SE, that it is said to be."""
    p = case.published
    printed = p.p_range
    if printed is None or None in (p.mean_t, p.mean_c, p.spread_t, p.spread_c, p.n_t, p.n_c):
        return
    n_t, n_c = int(p.n_t or 0), int(p.n_c or 0)
    if min(n_t, n_c) < 2:
        return
    total = int(p.participants) if p.participants else None
    designs = [d for d in ("pairs", "groups") if _possible(d, n_t, n_c, total)]
    as_sd, as_se = ([_t_span(p, n_t, n_c, design, standard=x) for design in designs] for x in (False, True))
    sd_fits, se_fits = (any(_fits(printed, *span) for span in spans) for spans in (as_sd, as_se))
    stated = p.spread or "unnamed"
    if not designs or sd_fits == se_fits or ((stated == "SD") == sd_fits and stated != "unnamed"):
        return
    if stated == "unnamed" and sd_fits:
        return  # what an unnamed plus-minus figure is usually taken for
    wrong, right = ("SD", "SE") if se_fits else ("SE", "SD")
    spans = as_sd if se_fits else as_se
    low, high = min(_p(t[1], df) for *t, df in spans), max(_p(t[0], df) for *t, df in spans)
    r = _correlation(p, n_t, printed) if right == "SE" and "pairs" in designs else None
    implied = "" if r is None else f", with a correlation within patients of {r:.2f}"
    odd = r is not None and abs(r) > 0.5 and r < 0
    said = "does not say what it is" if stated == "unnamed" else f"is said to be the {stated}"
    yield Finding(
        "SE and SD",
        (p.id,),
        f"{p.label}, {p.text}: the plus-minus figure {said}; as {wrong} it gives P "
        + (f"below {number(high)}" if low < 1e-3 * high else f"of {number(low)} to {number(high)}"),
        f"the plus-minus figure is the {right}{implied}",
        "possible" if odd else "certain",
        "that correlation is strange, so the unit or the test may differ too"
        if odd
        else f"no t test of {wrong}s gives a P near the printed one, whatever the rounding"
        + (" and the correlation within patients" if "pairs" in designs else ""),
    )


def _possible(design: str, n_t: int, n_c: int, total: int | None) -> bool:
    if design == "pairs":
        return n_t == n_c and total in (None, n_t)
    return total in (None, n_t + n_c)


def _fits(printed: tuple[float, float], low: float, high: float, df: int) -> bool:
    """Whether a printed P is near those of t between the two: other tests differ by less than SE from SD."""
    least, most = (float(stdtrit(df, 1 - x / 2)) if x > 0 else math.inf for x in reversed(printed))
    return low / _NEAR <= most and least <= high * _NEAR


def _t_span(p: Published, n_t: int, n_c: int, design: str, *, standard: bool) -> tuple[float, float, int]:
    """Lowest and highest |t| that the printed figures allow, rounding and any correlation included, and its df."""
    mean_t, mean_c, spread_t, spread_c = (rounding(str(x)) for x in (p.mean_t, p.mean_c, p.spread_t, p.spread_c))
    ends = [mean_t[0] - mean_c[1], mean_t[1] - mean_c[0]]
    smallest = 0.0 if ends[0] <= 0 <= ends[1] else min(map(abs, ends))
    largest = max(map(abs, ends))
    root_t, root_c = (1.0, 1.0) if standard else (math.sqrt(n_t), math.sqrt(n_c))
    high = [spread_t[1] / root_t, spread_c[1] / root_c]
    low = [max(spread_t[0], 0.0) / root_t, max(spread_c[0], 0.0) / root_c]
    if design == "pairs":
        df, wide, narrow = n_t - 1, sum(high), max(0.0, low[0] - high[1], low[1] - high[0])
    else:
        df, wide, narrow = n_t + n_c - 2, math.hypot(*high), math.hypot(*low)
    return smallest / wide if wide else math.inf, largest / narrow if narrow else math.inf, df


def _p(t: float, df: int) -> float:
    return float(2 * stdtr(df, -t))


def _correlation(p: Published, n: int, printed: tuple[float, float]) -> float | None:
    """Correlation within patients that makes a paired t test of the means, with SEs, give the printed P."""
    mean_t, mean_c, se_t, se_c = (float(str(x)) for x in (p.mean_t, p.mean_c, p.spread_t, p.spread_c))
    middle = sum(printed) / 2
    if not 0 < middle < 1 or not se_t * se_c:
        return None
    t = float(stdtrit(n - 1, 1 - middle / 2))
    r = (se_t**2 + se_c**2 - ((mean_t - mean_c) / t) ** 2) / (2 * se_t * se_c)
    return float(np.clip(r, -1, 1))


def width_for_n(case: Case) -> Iterator[Finding]:
    """The interval of a standardised difference, against the standard error that its patients give."""
    p = case.published
    se = standard_error(p) if p.measure == "SMD" else None
    sizes = _sizes(p, case.studies)
    if se is None or sizes is None or case.reproduced or p.estimate is None:
        return
    n_t, n_c = sizes
    expected = math.sqrt(1 / n_t + 1 / n_c + float(p.estimate) ** 2 / (2 * (n_t + n_c)))
    floor = math.sqrt(1 / n_t + 1 / n_c)
    fixed = any(word in p.method.casefold() for word in ("fixed", "common"))
    printed = sum(se) / 2
    widest = max((e.ci[1] - e.ci[0] for e in _estimates(case) if math.isfinite(e.se)), default=0.0) / 2 / ndtri(0.975)
    if se[0] > _WIDE * max(expected, widest):
        yield Finding(
            "interval and n",
            (p.id,),
            f"{p.text}: its interval has a standard error of {number(printed)}, "
            f"{printed / expected:.1f} times the {number(expected)} that {n_t} and {n_c} patients give",
            f"a standard error near {number(expected)} with a common effect"
            + ("" if fixed else ", or random effects with great heterogeneity"),
            "certain" if fixed else "possible",
            f"the method is given as {p.method}" if fixed else "random effects can widen the interval",
        )
    elif se[1] < _NARROW * floor:
        yield Finding(
            "interval and n",
            (p.id,),
            f"{p.text}: its interval has a standard error of {number(printed)}, "
            f"less than the {number(floor)} that {n_t} and {n_c} patients give at least",
            f"a standard error of at least {number(floor)}",
            "probable",
            "no method makes a standardised difference of independent groups so precise; a paired one can be",
        )


def _estimates(case: Case) -> tuple[Estimate, ...]:
    """Every estimate of the trials at hand where they are means: heterogeneity may explain a wide interval."""
    means = [s for s in case.studies if isinstance(s, Means)]
    return pool(means, "SMD") if means else ()


def _sizes(p: Published, studies: Sequence[Study]) -> tuple[int, int] | None:
    if p.n_t is not None and p.n_c is not None:
        n_t, n_c = int(p.n_t), int(p.n_c)
    else:
        means = [s for s in studies if isinstance(s, Means)]
        if len(means) < len(studies):
            return None
        n_t, n_c = sum(s.n_t for s in means), sum(s.n_c for s in means)
    return (n_t, n_c) if n_t and n_c else None
