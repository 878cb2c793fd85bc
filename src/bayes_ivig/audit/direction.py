"""Checks of direction: a result upside down, a trial entered the wrong way round, analyses that disagree."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bayes_ivig.audit.finding import Case, Finding, listed
from bayes_ivig.audit.intervals import standard_error
from bayes_ivig.effects import is_ratio, null_value
from bayes_ivig.published import POOLED, Published, reproduce
from bayes_ivig.published.answers import answers
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, Study, TwoArm

_CLOSE, _FAR = 0.3, 1.0  # standard errors within which a result is near, and from which it is far
_MAX_TRIALS = 30  # that are turned round one by one


def upside_down(case: Case) -> Iterator[Finding]:
    """A result that the data give only as control over (or minus) treatment, or with one trial turned round."""
    p = case.published
    if p.measure not in POOLED or case.reproduced or not p.printed:
        return
    again = reproduce(replace(p, inverted=not p.inverted), case.evidence.studies)
    if again.reproduced:
        e = case.evidence
        over = "over" if is_ratio(p.measure) else "minus"
        first, second = (e.control, e.treatment) if not p.inverted else (e.treatment, e.control)
        yield Finding(
            "direction",
            (p.id,),
            f"{p.text} is {first} {over} {second} in these data ({again.methods[0]})",
            f"{case.reproduction.computed} as {second} {over} {first}"
            if case.reproduction.methods
            else f"{second} {over} {first}",
            "certain" if len(p.printed) == 3 else "probable",
            "every printed digit is reproduced that way round, and by no method the other way",
        )
        return
    if len(p.printed) < 3:
        return
    found = _one_turned(case) or _nearly(case)
    if found is not None:
        yield found


def _one_turned(case: Case) -> Finding | None:
    """A result that follows from the trials if one of them is turned round."""
    p = case.published
    if not 1 < len(case.studies) <= _MAX_TRIALS:
        return None
    for i, study in enumerate(case.studies):
        for how, other in _turned(study):
            studies = (*case.studies[:i], other, *case.studies[i + 1 :])
            again = reproduce(replace(p, studies=None), studies)
            if again.reproduced:
                return Finding(
                    "direction",
                    (p.id,),
                    f"{p.text} follows from these trials with {how} of {study.study} exchanged ({again.methods[0]})",
                    f"{case.reproduction.computed} by {case.reproduction.methods[0]}"
                    if case.reproduction.methods
                    else "the result of the trials as they are",
                    "certain",
                    "every printed digit is reproduced by that exchange, and by no method without it",
                )
    return None


def _nearly(case: Case) -> Finding | None:
    """A result near what the data give the other way round, and far from what they give."""
    p = case.published
    se = standard_error(p)
    direct, turned = (_distance(q, case) for q in (p, replace(p, inverted=not p.inverted)))
    if se is None or direct is None or turned is None or not sum(se) > 0:
        return None
    unit = sum(se) / 2
    if turned > _CLOSE * unit or direct < _FAR * unit:
        return None
    e = case.evidence
    over = "over" if is_ratio(p.measure) else "minus"
    first, second = (e.control, e.treatment) if not p.inverted else (e.treatment, e.control)
    return Finding(
        "direction",
        (p.id,),
        f"{p.text} is near what these data give as {first} {over} {second}, and far from {second} {over} {first}",
        f"{case.reproduction.computed} as {second} {over} {first}",
        "probable",
        f"estimate and limits are within {turned / unit:.2f} standard errors that way round, "
        f"{direct / unit:.1f} the other way; no method gives every printed digit",
    )


def _distance(p: Published, case: Case) -> float | None:
    """Largest difference, on the analysis scale, between the printed numbers and the nearest answer's."""
    scale = (lambda x: math.log(x) if x > 0 else math.nan) if is_ratio(p.measure) else float
    printed = [scale(float(text)) for text in p.printed]
    gaps = [
        max(abs(scale(x) - y) for x, y in zip(a.values, printed, strict=True))
        for a in answers(p, case.studies)
        if all(math.isfinite(x) for x in a.values)
    ]
    return min((gap for gap in gaps if math.isfinite(gap)), default=None)


def _turned(s: Study) -> list[tuple[str, Study]]:
    """Ways in which a trial can have been entered the wrong way round."""
    if isinstance(s, TwoArm):
        arms = TwoArm(s.study, s.events_c, s.n_c, s.events_t, s.n_t, s.participants)
        others = TwoArm(s.study, s.n_t - s.events_t, s.n_t, s.n_c - s.events_c, s.n_c, s.participants)
        return [("the arms", arms), ("events and non-events", others)]
    if isinstance(s, Means):
        return [("the arms", Means(s.study, s.mean_c, s.sd_c, s.n_c, s.mean_t, s.sd_t, s.n_t, s.participants))]
    if isinstance(s, Effect):
        return [("the sign", replace(s, y=-s.y))]
    if isinstance(s, Paired):
        return [("the treatments", replace(s, t_only=s.c_only, c_only=s.t_only))]
    if isinstance(s, PairedMargins):
        return [("the treatments", replace(s, margins_t=s.margins_c, margins_c=s.margins_t))]
    return []


def flips(outcomes: Sequence[Sequence[Case]]) -> Iterator[Finding]:
    """Analyses of one comparison printed in opposite directions."""
    for measure_kind in ("ratios", "differences"):
        ways: dict[tuple[str, str], dict[bool, list[str]]] = {}
        for case in (case for cases in outcomes for case in cases):
            p = case.published
            if p.measure not in POOLED or is_ratio(p.measure) != (measure_kind == "ratios") or not p.printed:
                continue
            if p.estimate is not None and float(p.estimate) == null_value(p.measure):
                continue
            pair = (case.evidence.treatment, case.evidence.control)
            ways.setdefault(pair, {}).setdefault(_is_inverted(case), []).append(p.id)
        for (treatment, control), found in ways.items():
            if len(found) < 2:
                continue
            few = min(found, key=lambda way: (len(found[way]), not way))
            over = "over" if measure_kind == "ratios" else "minus"
            names = {False: f"{treatment} {over} {control}", True: f"{control} {over} {treatment}"}
            yield Finding(
                "direction",
                tuple(found[few]),
                f"{listed(found[few])} {'is' if len(found[few]) == 1 else 'are'} printed as {names[few]}, "
                f"{listed(found[not few])} as {names[not few]}",
                f"one direction for every analysis of {treatment} against {control}",
                "certain",
                "the counts of the trials reproduce each in the direction named",
            )


def _is_inverted(case: Case) -> bool:
    """The direction in which a result is printed: as the data reproduce it, else as it is marked."""
    p = case.published
    if case.reproduced:
        return p.inverted
    return reproduce(replace(p, inverted=not p.inverted), case.evidence.studies).reproduced != p.inverted
