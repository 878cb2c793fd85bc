"""Checks of direction: a result upside down, a trial entered the wrong way round, analyses that disagree."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bayes_ivig.audit.finding import Case, Finding, by_same_method, listed, plainest
from bayes_ivig.audit.intervals import NEAR, by_exchange, distance, p_agrees
from bayes_ivig.effects import is_ratio, null_value
from bayes_ivig.published import POOLED, reproduce
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, Study, TwoArm

_FAR = 1.0  # standard errors from which a result is far from what the data give
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
            f"{p.text} is {first} {over} {second} in these data ({plainest(again)})",
            f"{by_same_method(p, case.studies, again) or second} as {second} {over} {first}",
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
    if not 1 < len(case.studies) <= _MAX_TRIALS or (distance(p, case.studies) or 0.0) < NEAR:
        return None
    for i, study in enumerate(case.studies):
        for how, other in _turned(study):
            studies = (*case.studies[:i], other, *case.studies[i + 1 :])
            again = reproduce(replace(p, studies=None), studies)
            if again.reproduced and p_agrees(p, again):
                return Finding(
                    "direction",
                    (p.id,),
                    f"{p.text} follows from these trials with {how} of {study.study} exchanged ({plainest(again)})",
                    by_same_method(p, case.studies, again) or "the result of the trials as they are",
                    by_exchange(p),
                    "every printed digit is reproduced by that exchange and by no method without it; "
                    "one exchange of many that were tried may fit by chance",
                )
    return None


def _nearly(case: Case) -> Finding | None:
    """A result near what the data give the other way round, and far from what they give."""
    p = case.published
    direct, turned = (distance(q, case.studies) for q in (p, replace(p, inverted=not p.inverted)))
    if direct is None or turned is None or turned > NEAR or direct < _FAR:
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
        f"estimate and limits are within {turned:.2f} standard errors that way round, "
        f"{direct:.1f} the other way; no method gives every printed digit",
    )


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
