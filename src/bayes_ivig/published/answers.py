"""What the trials themselves give for each kind of published number."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bayes_ivig.effects import is_ratio
from bayes_ivig.errors import InputError, nearest
from bayes_ivig.pooled import Estimate, pool, pool_variants
from bayes_ivig.pooled.exact import fisher_exact, mcnemar_exact
from bayes_ivig.published.printed import POOLED, Published
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, Study, TwoArm


@dataclass(frozen=True)
class Answer:
    """One computation's numbers in the order they are printed, and the estimate they come from, if any."""

    method: str
    values: tuple[float, ...]
    estimate: Estimate | None = None


def answers(published: Published, studies: tuple[Study, ...]) -> list[Answer]:
    """Return everything that the trials give in the measure of a published result, most usual first.

    Raises InputError where a percentage of two arms does not say which.
    """
    return _ANSWERS[published.measure](published, studies) if studies else []


def chosen_studies(published: Published, studies: Sequence[Study]) -> tuple[Study, ...]:
    """Return the trials a published result rests on. Raises InputError for one that is not there."""
    if published.studies is None:
        return tuple(studies)
    by_name = {study.study: study for study in studies}
    for name in published.studies:
        if name not in by_name:
            raise InputError(
                f"published '{published.id}', studies: no trial is called '{name}'{nearest(name, by_name)}"
            )
    return tuple(by_name[name] for name in published.studies)


def _pooled(published: Published, studies: tuple[Study, ...]) -> list[Answer]:
    measure = published.measure
    if isinstance(studies[0], Means) and measure not in ("MD", "SMD"):
        return []
    labelled = measure if isinstance(studies[0], Means | Effect) else None
    found = []
    for estimate in _estimates(studies, labelled, measure):
        if estimate.measure.split()[-1] != measure:
            continue
        value, low, high = estimate.natural()
        if published.inverted:
            value, high, low = (_invert(measure, x) for x in (value, low, high))
        found.append(Answer(estimate.label, published.select(value, low, high), estimate))
    return found


@lru_cache(maxsize=256)
def _estimates(studies: tuple[Study, ...], labelled: str | None, measure: str) -> tuple[Estimate, ...]:
    return pool(studies, labelled) + (pool_variants(studies, measure) if measure in ("RR", "OR", "RD") else ())


def _invert(measure: str, x: float) -> float:
    if not is_ratio(measure):
        return -x
    return 1 / x if x else math.inf


def _percent(published: Published, studies: tuple[Study, ...]) -> list[Answer]:
    if published.arm == "difference":
        (events_t, n_t), (events_c, n_c) = (summed(published, studies, arm) for arm in ("t", "c"))
        if not (n_t and n_c):
            return []
        difference = 100 * (events_t / n_t - events_c / n_c)
        return [Answer(f"{events_t} of {n_t} less {events_c} of {n_c}", (difference,))]
    events, n = summed(published, studies, published.arm)
    return [Answer(f"{events} of {n}", (100 * events / n,))] if n else []


def _number_needed(published: Published, studies: tuple[Study, ...]) -> list[Answer]:
    found = [
        Answer(f"1 over ({a.method})", (abs(100 / a.values[0]),))
        for a in _percent(replace(published, arm="difference"), studies)
        if a.values[0]
    ]
    pooled = _pooled(replace(published, measure="RD", estimate="0", ci=None), studies)
    usable = [a for a in pooled if a.values[0] and math.isfinite(a.values[0])]
    return found + [Answer(f"1 over {a.method}", (abs(1 / a.values[0]),)) for a in usable]


def _absolute(published: Published, studies: tuple[Study, ...]) -> list[Answer]:
    """Return the observed risk, and those that the control risk and each pooled effect make, per 100."""
    nan = math.nan
    found = [
        Answer(f"observed, {a.method}", published.select(a.values[0], nan, nan)) for a in _percent(published, studies)
    ]
    events, n = summed(published, studies, "c")
    if published.arm != "t" or not n:
        return found
    risk = events / n
    for measure, (word, treated) in _TREATED_RISK.items():
        whole = replace(published, measure=measure, estimate="1", ci=("1", "1"), inverted=False)
        for a in _pooled(whole, studies):
            values = tuple(100 * treated(risk, x) for x in a.values)
            method = f"control risk {events} of {n} {word} {a.method}"
            found.append(Answer(method, published.select(*values), a.estimate))
    return found


# How a pooled effect and a control risk make a risk on treatment: the word between them, and the sum.
_TREATED_RISK: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "RR": ("times", lambda risk, x: risk * x),
    "OR": ("and", lambda risk, x: risk / (risk + (1 - risk) / x) if x > 0 else 0.0 * x),
    "RD": ("plus", lambda risk, x: risk + x),
}


def _participants(published: Published, studies: tuple[Study, ...]) -> list[Answer]:
    patients = [s.n_participants for s in studies]
    once = "patients or exposures" if isinstance(studies[0], SingleArm) else "patients, each once"
    found = [(once, sum(n for n in patients if n is not None))] if None not in patients else []
    arms = [(summed_n(s, "t"), summed_n(s, "c")) for s in studies if not isinstance(s, Effect | SingleArm)]
    if arms:
        n_t, n_c = (sum(column) for column in zip(*arms, strict=True))
        found += [("exposures to the treatment", n_t), ("exposures to the control", n_c)]
        found += [("both arms together", n_t + n_c)]
    return [Answer(f"{name}: {n}", (n,)) for name, n in found]


def _count(published: Published, studies: tuple[Study, ...]) -> list[Answer]:
    events, n = summed(published, studies, published.arm)
    return [Answer(f"events of {n}", (events,))] if n else []


def summed(published: Published, studies: Sequence[Study], arm: str | None) -> tuple[int, int]:
    """Events and patients of an arm over the trials of counts; (0, 0) without such trials."""
    asked = replace(published, arm=arm)
    counts = [_arm_counts(asked, study) for study in studies if not isinstance(study, Effect | Means)]
    return sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)


def summed_n(study: TwoArm | Paired | PairedMargins | Means, arm: str) -> int:
    """Patients of one trial who had the treatment ('t') or the control ('c')."""
    if isinstance(study, PairedMargins):
        return study.n_pairs
    n = study.n_t if arm == "t" else study.n_c
    return n + study.n_pairs if isinstance(study, Paired) else n


def _arm_counts(published: Published, study: TwoArm | Paired | PairedMargins | SingleArm) -> tuple[int, int]:
    """Events and patients of the arm; patients of a crossover trial count in every arm they had."""
    if isinstance(study, SingleArm):
        return study.events, study.n
    if published.arm is None:
        raise InputError(f"published '{published.id}', arm: a percentage of two arms needs its arm; give 't' or 'c'")
    on_t = published.arm == "t"
    if isinstance(study, PairedMargins):
        return (study.margins_t if on_t else study.margins_c), study.n_pairs
    events, n = (study.events_t, study.n_t) if on_t else (study.events_c, study.n_c)
    if isinstance(study, Paired):
        return events + study.both + (study.t_only if on_t else study.c_only), n + study.n_pairs
    return events, n


def _p_values(_: Published, studies: tuple[Study, ...]) -> list[Answer]:
    if len(studies) != 1:
        return []
    study = studies[0]
    if isinstance(study, TwoArm):
        test, pair = "Fisher exact", fisher_exact(study.events_t, study.n_t, study.events_c, study.n_c)
    elif isinstance(study, Paired):
        test, pair = "McNemar exact", mcnemar_exact(study.t_only, study.c_only)
    else:
        return []
    return [Answer(f"{test}, {sides}", (p,)) for sides, p in zip(("one-sided", "two-sided"), pair, strict=True)]


_ANSWERS = {
    **dict.fromkeys(POOLED, _pooled),
    "percent": _percent,
    "per-100": _absolute,
    "NNT": _number_needed,
    "participants": _participants,
    "count": _count,
    "p": _p_values,
}
