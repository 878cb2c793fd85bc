"""Checks of one printed line by itself: estimate, interval and P value must agree within their rounding."""

import math
from collections.abc import Iterator

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from bayes_ivig.audit.finding import Case, Finding
from bayes_ivig.effects import is_ratio, null_value
from bayes_ivig.pooled.exact import fisher_exact
from bayes_ivig.published import POOLED, Published, Reproduction, rounding
from bayes_ivig.published.answers import answers
from bayes_ivig.studies import Study, TwoArm
from bayes_ivig.wording import number

Span = tuple[float, float]  # lowest and highest value that rounding allows
_PROB = 0.95
_QUANTILE = 1e-4  # relative rounding of the normal quantile: programs that take 1.96 for it
_DIGITS = 8  # in estimate and limits together, from which a match by chance is unlikely
NEAR = 0.3  # standard errors within which a printed result is near what the data give


def asymmetric(case: Case) -> Iterator[Finding]:
    """An estimate that is not in the middle of its interval, on the log scale for ratios."""
    p = case.published
    if p.measure not in POOLED or len(p.printed) < 3 or case.reproduced:
        return
    estimate, low, high = _spans(p)
    if low[0] > high[1] or estimate[1] < low[0] or estimate[0] > high[1]:
        yield Finding(
            "interval",
            (p.id,),
            f"{p.text}: the estimate is outside its own interval",
            f"an estimate between {p.printed[1]} and {p.printed[2]}",
            "certain",
            "no interval excludes the estimate it belongs to",
        )
        return
    middle = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
    if middle[0] <= estimate[1] and estimate[0] <= middle[1]:
        return
    scale = "on the log scale" if is_ratio(p.measure) else "as differences are"
    natural = math.exp if is_ratio(p.measure) else float
    expected = natural(sum(middle) / 2)
    plain = [float(x) for x in p.printed]
    arithmetic = is_ratio(p.measure) and _meets(
        rounding(p.printed[0]), _mean(rounding(p.printed[1]), rounding(p.printed[2]))
    )
    exact = "" if arithmetic else "; an exact or profile interval need not be symmetric"
    yield Finding(
        "interval",
        (p.id,),
        f"{p.text}: the limits are not symmetric about the estimate {scale}"
        + (", but on the natural scale, where a ratio's interval is not made" if arithmetic else ""),
        f"with these limits, an estimate of {number(expected)}; with this estimate and lower limit, an upper limit of "
        f"{number(_mirror(p.measure, plain[0], plain[1]))}",
        "probable",
        f"rounding explains no more than {_range(middle, natural)} as the middle of the interval{exact}",
    )


def p_against_interval(case: Case) -> Iterator[Finding]:
    """A P value that does not belong to its interval; where it is half of the one that does, a one-sided P."""
    p = case.published
    printed = p.p_range
    if p.measure not in POOLED or len(p.printed) < 3 or printed is None or not p.p:
        return
    spans = _spans(p)
    null = null_value(p.measure) or 0.0
    centre = math.log(null) if is_ratio(p.measure) else null
    ranges = [_p_range(*spans, centre, df) for df in (None, *_degrees(case))]
    own = [e.p for e in case.reproduction.by]
    others = [x for _, x in two_sided_tests(case.tables)]
    if any(_meets(printed, r) for r in ranges) or any(_within(x, printed) for x in (*own, *others)):
        return
    normal = ranges[0]
    p_text = f"P {p.p}" if p.p[0] in "<>" else f"P = {p.p}"
    seen = f"{p.text}: with this estimate and interval P is {_p_words(normal)}, printed is {p_text}"
    if _meets(printed, (normal[0] / 2, normal[1] / 2)):
        yield Finding(
            "one-sided P",
            (p.id,),
            f"{seen}, half of it",
            f"the two-sided P, {_p_words(normal)}",
            "probable",
            "the printed P is that of a one-sided test of the same estimate, beside a two-sided interval",
        )
        return
    excludes = spans[1][0] > centre or spans[2][1] < centre
    includes = spans[1][1] < centre < spans[2][0]
    contradiction = (excludes and printed[0] > 1 - _PROB) or (includes and printed[1] < 1 - _PROB)
    yield Finding(
        "P and interval",
        (p.id,),
        seen,
        f"P {_p_words(normal)}, or another interval",
        "probable" if contradiction else "possible",
        "the interval and the P disagree on whether the effect is significant at 5%"
        if contradiction
        else "the P may come from another test than the interval",
    )


def two_sided_tests(tables: tuple[TwoArm, ...]) -> list[tuple[str, float]]:
    """Common two-sided P values of one two-arm trial: Fisher, its mid-P, chi-squared with and without correction."""
    if len(tables) != 1 or not tables[0].n_t or not tables[0].n_c:
        return []
    t = tables[0]
    one, two = fisher_exact(t.events_t, t.n_t, t.events_c, t.n_c)
    a, b, c, d = t.events_t, t.n_t - t.events_t, t.events_c, t.n_c - t.events_c
    n, product = t.n_t + t.n_c, t.n_t * t.n_c * (a + c) * (b + d)
    if not product:
        return [("Fisher exact", two)]
    cross = abs(a * d - b * c)
    plain, yates = (math.sqrt(n * max(0.0, cross - less) ** 2 / product) for less in (0.0, n / 2))
    observed = math.exp(sum(_log_choose(*x) for x in ((t.n_t, a), (t.n_c, c))) - _log_choose(n, a + c))
    return [
        ("Fisher exact", two),
        ("Fisher mid-P", min(1.0, 2 * one - observed)),
        ("chi-squared", float(2 * ndtr(-plain))),
        ("chi-squared with continuity correction", float(2 * ndtr(-yates))),
    ]


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _spans(p: Published) -> tuple[Span, Span, Span]:
    """Rounding spans of estimate and limits on the analysis scale."""
    spans = [rounding(text) for text in p.printed]
    if is_ratio(p.measure):
        spans = [tuple(math.log(x) if x > 0 else -math.inf for x in s) for s in spans]  # type: ignore[misc]
    return spans[0], spans[1], spans[2]


def standard_error(p: Published) -> Span | None:
    """Standard errors, on the analysis scale, that the printed normal interval can have."""
    if len(p.printed) < 3:
        return None
    _, low, high = _spans(p)
    width = 2 * float(ndtri((1 + _PROB) / 2))
    return (max(0.0, high[0] - low[1]) / width, (high[1] - low[0]) / width)


def distance(p: Published, studies: tuple[Study, ...]) -> float | None:
    """Largest difference between the printed numbers and the nearest answer's, in printed standard errors."""
    se = standard_error(p)
    if se is None or not sum(se) > 0:
        return None
    scale = _log if is_ratio(p.measure) else float
    printed = [scale(float(text)) for text in p.printed]
    gaps = [
        max(abs(scale(x) - y) for x, y in zip(a.values, printed, strict=True))
        for a in answers(p, studies)
        if all(math.isfinite(x) for x in a.values)
    ]
    nearest = min((gap for gap in gaps if math.isfinite(gap)), default=None)
    return None if nearest is None else nearest / (sum(se) / 2)


def p_agrees(p: Published, again: Reproduction) -> bool:
    """Whether the P printed beside a result, if any, is that of an estimate that reproduces it."""
    printed = p.p_range
    return printed is None or any(_within(e.p, printed) for e in again.by)


def by_exchange(p: Published) -> str:
    """How sure a match is that one exchange of many tried gave: few printed digits match by chance."""
    digits = sum(len(text.replace(".", "").lstrip("-0")) for text in p.printed)
    return "probable" if len(p.printed) == 3 and digits >= _DIGITS else "possible"


def _log(x: float) -> float:
    return math.log(x) if x > 0 else math.nan


def _p_range(estimate: Span, low: Span, high: Span, null: float, df: int | None) -> Span:
    quantile = float(ndtri((1 + _PROB) / 2) if df is None else stdtrit(df, (1 + _PROB) / 2))
    narrow, wide = max(high[0] - low[1], 0.0) / 2 / quantile, (high[1] - low[0]) / 2 / quantile
    narrow, wide = narrow * (1 - _QUANTILE), wide * (1 + _QUANTILE)
    away = sorted(abs(x - null) for x in estimate)
    nearest = 0.0 if estimate[0] <= null <= estimate[1] else away[0]
    z = (nearest / wide if wide else math.inf, away[1] / narrow if narrow else math.inf)
    return tuple(float(2 * (ndtr(-x) if df is None else stdtr(df, -x))) for x in (z[1], z[0]))  # type: ignore[return-value]


def _degrees(case: Case) -> list[int]:
    """Degrees of freedom that Student's t could have: trials less one, or patients less one or two."""
    found = {len(case.studies) - 1}
    if len(case.studies) == 1 and (n := case.studies[0].n_participants):
        found |= {n - 1, n - 2}
    return sorted(df for df in found if df > 0)


def _meets(a: Span, b: Span) -> bool:
    slack = 1e-9
    return a[0] <= b[1] + slack and b[0] <= a[1] + slack


def _within(x: float, span: Span) -> bool:
    return span[0] - 1e-12 <= x <= span[1] + 1e-12


def _mean(a: Span, b: Span) -> Span:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _mirror(measure: str, estimate: float, low: float) -> float:
    if not is_ratio(measure):
        return 2 * estimate - low
    return estimate**2 / low if low else math.inf


def _range(span: Span, natural: object) -> str:
    low, high = (number(natural(x)) for x in span)  # type: ignore[operator]
    return f"{low} to {high}"


def _p_words(span: Span) -> str:
    low, high = (float(f"{x:.2g}") for x in span)
    if high < 0.001:
        return "below 0.001"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
