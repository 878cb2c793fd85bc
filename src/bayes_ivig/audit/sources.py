"""Checks across statements: data claimed and data used, readings that decide, sources and outcomes that disagree."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from bayes_ivig.audit.finding import Case, Finding, by_same_method, in_words, listed, plainest, same_method
from bayes_ivig.evidence import Evidence, Reading
from bayes_ivig.published import POOLED, Published, chosen_studies, reproduce, rounding
from bayes_ivig.reviews import read_as


def claimed_reading(case: Case) -> Iterator[Finding]:
    """A result said to rest on one reading of a trial, and reproduced by another only."""
    p = case.published
    if p.claims is None or not case.reproduced:
        return
    other = read_as(case.evidence, p.claims)
    again = reproduce(p, other.studies)
    if again.reproduced:
        return
    reading = next(r for r in case.evidence.readings if r.name == p.claims)
    used = next(s for s in case.evidence.studies if s.study == reading.study.study)
    method = plainest(case.reproduction)
    yield Finding(
        "data claimed",
        (p.id,),
        f"{p.text} is reproduced with {_cells(used)} of {used.study}, not with {_cells(reading.study)}, "
        f"the data said to be used ({p.claims})",
        by_same_method(p, chosen_studies(p, other.studies), case.reproduction) or again.computed,
        "certain",
        f"every printed digit follows from the other data by {method}; no method gives it from those claimed",
    )


def decides(case: Case) -> Iterator[Finding]:
    """A result whose significance depends on how one trial is read."""
    p = case.published
    if p.measure not in POOLED or not case.reproduced or len(case.evidence.studies) < 2:
        return
    used = case.reproduction.by[0]
    chosen = {s.study for s in case.studies}
    changed: list[tuple[Reading, str]] = []
    for reading in case.evidence.readings:
        if reading.study.study not in chosen or reading.name == p.reading:
            continue
        estimate = same_method(p, chosen_studies(p, read_as(case.evidence, reading.name).studies), used)
        if estimate is not None and estimate.p == estimate.p and (estimate.p < 0.05) != (used.p < 0.05):
            changed.append((reading, in_words(p, estimate)))
    if not changed:
        return
    yield Finding(
        "reading decides",
        (p.id,),
        f"{p.text} is {'' if used.p < 0.05 else 'not '}significant at 5% with the data used; by the same method "
        + "; ".join(f"{text} with {r.name} ({_cells(r.study)} of {r.study.study})" for r, text in changed),
        "both results side by side, and the reason for the choice",
        "certain",
        "only the data of one trial differ",
    )


def _cells(study: object) -> str:
    """The counts of one trial, events of patients."""
    values = vars(study)
    if {"events_t", "n_t", "events_c", "n_c"} <= values.keys() and "both" not in values:
        return f"{values['events_t']}/{values['n_t']} against {values['events_c']}/{values['n_c']}"
    return ", ".join(f"{key} {value}" for key, value in values.items() if key != "study" and value is not None)


def disagree(cases: Sequence[Case]) -> Iterator[Finding]:
    """Different numbers for what is meant to be the same quantity."""
    by_id = {case.published.id: case for case in cases}
    groups: dict[str, list[Case]] = {}
    for case in cases:
        first = case.published.same_as
        if first in by_id:
            groups.setdefault(str(first), [by_id[str(first)]]).append(case)
    for group in groups.values():
        spans = [_span(case.published) for case in group]
        known = [(case, span) for case, span in zip(group, spans, strict=True) if span is not None]
        if len(known) < 2 or _overlap([s for _, s in known]):
            continue
        said = "; ".join(f"{case.published.text} ({case.published.source or case.published.id})" for case, _ in known)
        yield Finding(
            "sources disagree",
            tuple(case.published.id for case, _ in known),
            f"{known[0][0].published.label}: {said}",
            "one number, or the difference explained (another estimator, window or rule)",
            "certain",
            "rounding does not reconcile them",
        )


def _overlap(spans: Sequence[tuple[float, float]]) -> bool:
    return max(low for low, _ in spans) <= min(high for _, high in spans)


def _span(p: Published) -> tuple[float, float] | None:
    if p.estimate is not None and p.measure in ("count", "participants"):
        return float(p.estimate), float(p.estimate)
    if p.estimate is not None:
        return rounding(p.estimate)
    if p.mean_t is None or p.mean_c is None:
        return None
    (low_t, high_t), (low_c, high_c) = rounding(p.mean_t), rounding(p.mean_c)
    return low_t - high_c, high_t - low_c


_FEW_MISSING = 0.9  # share of a trial's patients above which an outcome is as complete as outcomes are
Sizes = Mapping[str, Mapping[str, set[int]]]  # trial -> "patients" or "exposures" -> every number found


def sizes_of_trials(evidences: Sequence[Evidence]) -> Sizes:
    """Patients and exposures of each trial over all outcomes."""
    sizes: dict[str, dict[str, set[int]]] = {}
    for study in (s for e in evidences for s in e.studies):
        entry = sizes.setdefault(study.study, {"patients": set(), "exposures": set()})
        if study.n_participants is not None and study.kind != "single-arm":
            entry["patients"].add(study.n_participants)
        for column in ("n_t", "n_c", "n"):
            if study.kind != "crossover" and (n := getattr(study, column, None)):
                entry["exposures"].add(n)
    return sizes


def counted_elsewhere(outcomes: Sequence[Sequence[Case]], evidences: Sequence[Evidence]) -> Iterator[Finding]:
    """A printed number of participants against the sizes that its trials have in every outcome."""
    sizes = sizes_of_trials(evidences)
    for p in (case.published for cases in outcomes for case in cases):
        text = p.estimate if p.measure == "participants" else p.participants
        if text is None or not p.trials or not all(sizes.get(t, {}).get("patients") for t in p.trials):
            continue
        printed = int(float(text))
        patients = {sum(x) for x in product(*(sizes[t]["patients"] for t in p.trials))}
        most = sum(max(sizes[t]["patients"], default=0) for t in p.trials)
        either = {sum(x) for x in product(*(sizes[t]["patients"] | sizes[t]["exposures"] for t in p.trials))}
        if printed == most:
            continue
        each = "; ".join(f"{t} {listed([str(n) for n in sorted(sizes[t]['patients'])])}" for t in p.trials)
        if printed not in either:
            yield Finding(
                "participants",
                (p.id,),
                f"{p.label}: {printed} participants are printed, but no choice among the sizes of its trials "
                f"adds up to it (patients: {each})",
                f"{listed([str(n) for n in sorted(either)])}",
                "probable",
                "the trials have other sizes in every outcome of this review",
            )
        else:
            exposures = [t for t in p.trials if sizes[t]["exposures"] - sizes[t]["patients"]]
            yield Finding(
                "patients counted twice" if most > printed and exposures else "participants",
                (p.id,),
                f"{p.label}: {printed} participants are printed; the trials have {most} patients, each counted once "
                f"({each})",
                f"{most} patients" + (f"; some outcomes count exposures of {listed(exposures)}" if exposures else ""),
                "probable" if printed in patients else "certain",
                "the number is that of exposures or of a part of the patients in some outcome",
            )


def sizes_differ(outcomes: Sequence[Sequence[Case]], evidences: Sequence[Evidence]) -> Iterator[Finding]:
    """A trial with other numbers of patients in other outcomes: some are missing somewhere."""
    by_trial: dict[str, dict[int, list[str]]] = {}
    for e in evidences:
        for s in e.studies:
            if s.n_participants is not None and s.kind != "single-arm":
                by_trial.setdefault(s.study, {}).setdefault(s.n_participants, []).append(e.outcome)
    used = {s.study for cases in outcomes for case in cases for s in case.studies}
    for trial, found in by_trial.items():
        most = max(found)
        if trial not in used or min(found) > _FEW_MISSING * most:
            continue
        words = "; ".join(f"{n} in {listed(list(dict.fromkeys(where)))}" for n, where in sorted(found.items()))
        yield Finding(
            "missing patients",
            (trial,),
            f"{trial} has different numbers of patients: {words}",
            f"{most} in every outcome, or the reason why some are missing",
            "possible",
            "patients may not have been assessed, or an outcome may be counted in a part of them",
        )
