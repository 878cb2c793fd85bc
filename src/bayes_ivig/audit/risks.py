"""Checks of percentages and absolute risks: what no count can give, and what lies outside 0 to 100."""

from collections.abc import Iterator

from bayes_ivig.audit.finding import Case, Finding
from bayes_ivig.published import rounding
from bayes_ivig.published.answers import summed
from bayes_ivig.studies import Effect, Means
from bayes_ivig.wording import number

_FAR = 5.0  # points per 100 from which a computed risk contradicts the observed one


def out_of_range(case: Case) -> Iterator[Finding]:
    """A percentage or risk per 100 below 0 or above 100."""
    p = case.published
    if p.measure not in ("percent", "per-100") or p.arm == "difference":
        return
    outside = [text for text in p.printed if not 0 <= float(text) <= 100]
    if not outside:
        return
    how = f"; it is reproduced by {case.reproduction.methods[0]}" if case.reproduced else ""
    yield Finding(
        "absolute risk",
        (p.id,),
        f"{p.label}, {p.text}: {' and '.join(outside)} is outside 0 to 100 per 100{how}",
        "limits within 0 to 100, as an odds ratio or a model of the risks gives them",
        "certain",
        "a risk is a share of the patients; a risk ratio times a control risk is not bounded",
    )


def contradicts_observed(case: Case) -> Iterator[Finding]:
    """A risk on treatment, computed from a pooled ratio, far from the one seen in the same trials."""
    p = case.published
    counted = [s for s in case.studies if not isinstance(s, Effect | Means)]
    if p.measure != "per-100" or p.arm != "t" or p.estimate is None or not counted:
        return
    events, n = summed(p, counted, "t")
    if not n:
        return
    observed = 100 * events / n
    if abs(observed - float(p.estimate)) <= _FAR:
        return
    computed = [m for m in case.reproduction.methods if not m.startswith("observed")] if case.reproduced else []
    yield Finding(
        "absolute risk",
        (p.id,),
        f"{p.label}, {p.text}: {events} of {n}, {number(observed)} per 100, were observed in the same trials"
        + (f"; the printed risk is {computed[0]}" if computed else ""),
        f"about {number(observed)} per 100 at the control risk of these trials",
        "certain" if computed else "possible",
        "the control risk is that of these trials, so the treated risk should be too"
        if computed
        else "the control risk may be that of other patients",
    )


def impossible_percentage(case: Case) -> Iterator[Finding]:
    """A percentage that no whole number of the patients gives (GRIM: Brown and Heathers 2017)."""
    p = case.published
    if p.measure != "percent" or p.arm == "difference" or p.estimate is None or case.reproduced:
        return
    if not 0 <= float(p.estimate) <= 100:
        return  # said by another check
    given = p.n_c if p.arm == "c" else p.n_t
    counted = [s for s in case.studies if not isinstance(s, Effect | Means)]
    n = int(given) if given is not None else summed(p, counted, p.arm)[1]
    if not n:
        return
    low, high = rounding(p.estimate)
    if any(low - 1e-9 <= 100 * k / n <= high + 1e-9 for k in range(n + 1)):
        return
    nearest = sorted(range(n + 1), key=lambda k: abs(100 * k / n - float(p.estimate or 0)))[:2]
    decimals = len(p.estimate.partition(".")[2])
    near = " or ".join(f"{100 * k / n:.{decimals}f} ({k} of {n})" for k in sorted(nearest))
    yield Finding(
        "impossible percentage",
        (p.id,),
        f"{p.label}, {p.text}: no count of {n} patients gives {p.estimate} percent",
        f"{near} percent, or another number of patients",
        "certain",
        f"given {n} patients, which {'are printed beside it' if given is not None else 'these data have'}",
    )
