"""Checks that need the counts: one-sided tests, corrections that make a result, patients counted twice."""

import math
from collections.abc import Iterator, Sequence

from bayes_ivig.audit.finding import Case, Finding, listed
from bayes_ivig.audit.intervals import two_sided_tests
from bayes_ivig.effects import is_ratio
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.pooled.exact import fisher_exact, mcnemar_exact
from bayes_ivig.published import POOLED, Published
from bayes_ivig.published.answers import summed_n
from bayes_ivig.studies import Means, Paired, PairedMargins, TwoArm
from bayes_ivig.wording import probability, with_interval

_Armed = TwoArm | Means | Paired | PairedMargins
_LEAST_SHIFT = 0.1  # of a log ratio, from which the correction is said to make the estimate ...
_LEAST_SHARE = 0.2  # ... if it is also this share of the standard error
_MADE = "a pooled result that a correction of zero cells makes is a property of the correction, not of the trials"


def one_sided(case: Case) -> Iterator[Finding]:
    """A P value that equals a one-sided exact test and no common two-sided one."""
    p = case.published
    printed = p.p_range
    if printed is None or (p.measure != "p" and (not p.p or p.p[0] in "<>" or len(case.studies) != 1)):
        return
    exact = _exact_tests(case)
    two_sided = [(name, x) for name, x in exact if "one-sided" not in name]
    ones = [(name, x) for name, x in exact if "one-sided" in name]

    def fits(x: float) -> bool:
        return printed[0] - 1e-12 <= x <= printed[1] + 1e-12

    one = next(((name, x) for name, x in ones if fits(x)), None)
    rare = [name for name, x in two_sided if fits(x) and "mid-P" in name]
    usual = [name for name, x in two_sided if fits(x) and name not in rare]
    if one is None or usual or not two_sided or any(fits(e.p) for e in case.reproduction.by):
        return
    main = two_sided[0]
    lost = main[1] > 0.05 >= one[1]
    yield Finding(
        "one-sided P",
        (p.id,),
        f"{p.label}, {p.text}: this is {one[0]} ({probability(one[1])})",
        f"P = {probability(main[1])} by {main[0]}, two-sided" + (", not significant at 5%" if lost else ""),
        "possible" if rare else "probable",
        f"the printed digits are those of the one-sided test and of no usual two-sided one"
        f"{f', {listed(rare)} apart' if rare else ''}: "
        + "; ".join(f"{name} {probability(x)}" for name, x in two_sided),
    )


def _exact_tests(case: Case) -> list[tuple[str, float]]:
    """Tests of one trial by name; the first without 'one-sided' is the two-sided form of the first with."""
    if len(case.studies) != 1:
        return []
    study = case.studies[0]
    if isinstance(study, TwoArm):
        one, _ = fisher_exact(study.events_t, study.n_t, study.events_c, study.n_c)
        return [("Fisher's exact test, one-sided", one), *two_sided_tests((study,))]
    if isinstance(study, Paired) and study.t_only + study.c_only:
        b, c = study.t_only, study.c_only
        one, two = mcnemar_exact(b, c)
        n = b + c
        observed = math.exp(math.lgamma(n + 1) - math.lgamma(b + 1) - math.lgamma(c + 1) - n * math.log(2))
        plain, corrected = abs(b - c) / math.sqrt(n), max(0, abs(b - c) - 1) / math.sqrt(n)
        return [
            ("McNemar's exact test, one-sided", one),
            ("McNemar exact", two),
            ("McNemar mid-P", max(0.0, min(1.0, 2 * one - observed))),
            ("McNemar chi-squared", math.erfc(plain / math.sqrt(2))),
            ("McNemar chi-squared with continuity correction", math.erfc(corrected / math.sqrt(2))),
        ]
    return []


def correction_only(case: Case) -> Iterator[Finding]:
    """A result reproduced only with 0.5 added somewhere, where that makes a difference.

    The difference is that of Mantel-Haenszel with and without this correction, whatever the method of the result:
    methods that weigh trials by their own variance cannot do without one.
    """
    p = case.published
    corrected = [e for e in case.reproduction.by if e.correction != "none"]
    if p.measure not in ("RR", "OR") or not corrected or len(corrected) < len(case.reproduction.by):
        return
    tables = case.tables
    touched = [t.study for t in tables if 0 in (t.events_t, t.events_c, t.n_t - t.events_t, t.n_c - t.events_c)]
    if not touched:
        return
    by = corrected[0]
    made, free = (_mantel_haenszel(tables, p.measure, correction) for correction in (by.correction, "none"))
    zero = listed(touched)
    text = p.text
    if math.isnan(free.estimate):
        totals = [sum(getattr(t, f"events_{arm}") for t in tables) for arm in ("t", "c")]
        yield Finding(
            "continuity correction",
            (p.id,),
            f"{text} exists only because 0.5 was added to the cells of {zero} ({by.label}); "
            f"the trials have {totals[0]} against {totals[1]} events",
            f"no finite {p.measure} ({free.note}); an exact or a Bayesian binomial analysis needs no correction",
            "certain",
            _MADE,
        )
        return
    shift = abs(made.estimate - free.estimate)
    changes = (made.p < 0.05) != (free.p < 0.05)
    if not changes and (shift < _LEAST_SHIFT or shift < _LEAST_SHARE * made.se):
        return
    value, low, high = (1 / x if p.inverted else x for x in free.natural())
    if p.inverted:
        low, high = high, low
    words = "the significance" if changes else "its size"
    yield Finding(
        "continuity correction",
        (p.id,),
        f"{text} owes {words} to 0.5 added to the cells of {zero} ({by.label})",
        f"without it, {p.measure} {with_interval(value, (low, high))} by Mantel-Haenszel",
        "certain",
        _MADE,
    )


def _mantel_haenszel(tables: Sequence[TwoArm], measure: str, correction: str) -> Estimate:
    wanted = ("Mantel-Haenszel", measure, correction)
    return next(e for e in pool(tables) if (e.method, e.measure, e.correction) == wanted)


def double_zero(cases: Sequence[Case]) -> Iterator[Finding]:
    """Trials without events in either arm that have no weight, and are counted or left out without a word."""
    hit = [case for case in cases if _loses_trials(case)]
    if not hit:
        return
    trials = {t.study: t for case in hit for t in case.tables if _no_events(t)}
    words = [
        case.published.text
        + (f", {case.published.participants} participants" if case.published.participants else "")
        + f" ({case.published.id})"
        for case in hit
    ]
    lost = sum(t.n_participants for t in trials.values())
    yield Finding(
        "double-zero trials",
        tuple(case.published.id for case in hit),
        f"{listed(list(trials))}, without events in either arm, {'has' if len(trials) == 1 else 'have'} no weight in "
        f"{listed(words)}; the method is {hit[0].reproduction.by[0].label}",
        f"saying that {lost} patients are left out, or a method that keeps them (risk difference, binomial model)",
        "certain",
        "every method that reproduces these results gives such trials no weight"
        + (", and their patients are among the printed participants" if hit[0].published.participants else ""),
    )


def _no_events(t: TwoArm) -> bool:
    return t.events_t + t.events_c == 0 and bool(t.n_t and t.n_c)


def _loses_trials(case: Case) -> bool:
    """Whether trials without events have no weight, and that is not simply what the usual methods for ratios do."""
    p, by = case.published, case.reproduction.by
    empty = [t for t in case.tables if _no_events(t)]
    if p.measure not in ("RR", "OR", "RD") or not empty or not by or not all(drops_double_zeros(e) for e in by):
        return False
    if not all(e.method in ("Mantel-Haenszel", "Peto") for e in by):
        return True
    rest = [t for t in case.tables if t not in empty]
    return p.participants is not None and int(p.participants) > sum(_people(t, p.participants, case) for t in rest)


def drops_double_zeros(e: Estimate) -> bool:
    """Whether a method gives no weight to trials without events."""
    if e.method == "Peto":
        return True
    return is_ratio(e.measure) and e.correction in ("revman", "none")


def _people(t: TwoArm, printed: str, case: Case) -> int:
    """Patients of a trial in the unit in which the printed participants count: exposures where arms were counted."""
    arms = sum(summed_n(s, "t") for s in case.tables)
    return t.n_t if int(printed) == arms and arms != sum(s.n_participants for s in case.tables) else t.n_participants


def counted_twice(cases: Sequence[Case]) -> Iterator[Finding]:
    """Patients of crossover trials who enter both arms as if they were two people."""
    hit: list[Case] = []
    trials: dict[str, TwoArm | Means] = {}
    guessed = False
    for case in cases:
        twice = [s for s in case.studies if isinstance(s, TwoArm | Means) and _is_crossover(s, case)]
        if not twice or case.published.measure not in POOLED or not case.reproduction.computed:
            continue
        if case.reproduced or case.published.expected == "consistent":
            hit.append(case)
            trials |= {s.study: s for s in twice}
            guessed |= any(s.participants is None for s in twice)
    if not hit:
        return
    words = [f"{s.study} ({s.n_t} and {s.n_c} of {s.n_participants} patients)" for s in trials.values()]
    if guessed:
        words = [f"{s.study} ({s.n_t} and {s.n_c})" for s in trials.values()]
    exact = all(c.reproduced for c in hit)
    yield Finding(
        "patients counted twice",
        tuple(c.published.id for c in hit),
        f"the intervals of {listed([c.published.id for c in hit])} are those of two independent groups, but patients "
        f"of {listed(words)} are in both arms",
        "a paired analysis (conditional or marginal effects of the crossover tables), or the first period alone",
        "certain" if exact and not guessed else "probable",
        "the trials are described as crossover trials, and the arms are of equal size"
        if guessed
        else "the data count fewer patients than the arms together"
        + ("" if exact else "; the result itself is reproduced approximately only"),
    )


def _is_crossover(study: TwoArm | Means, case: Case) -> bool:
    if study.participants is not None:
        return study.participants < study.n_t + study.n_c
    row = next((r for r in case.evidence.rows if study.study in r.values()), {})
    design = row.get("design", "").casefold().replace("-", "")
    return ("crossover" in design or "cross over" in design) and study.n_t == study.n_c


def participants(cases: Sequence[Case]) -> Iterator[Finding]:
    """Printed numbers of participants that are exposures, or not those of the data."""
    exposures: list[tuple[Published, int, int, list[_Armed]]] = []
    for case in cases:
        p = case.published
        text = p.estimate if p.measure == "participants" else p.participants
        people = [s.n_participants for s in case.studies]
        if text is None or None in people or (p.trials and not set(p.trials) <= {s.study for s in case.studies}):
            continue
        printed, patients = int(float(text)), sum(n for n in people if n is not None)
        if printed == patients:
            continue
        armed = [s for s in case.studies if isinstance(s, _Armed)]
        arms = [sum(summed_n(s, arm) for s in armed) for arm in ("t", "c")]
        if armed and printed in (*arms, sum(arms)):
            exposures.append((p, printed, patients, [s for s in armed if _other_exposures(s, printed == sum(arms))]))
        else:
            yield Finding(
                "participants",
                (p.id,),
                f"{p.label}: {printed} participants are printed, the data have {patients}",
                f"{patients} participants, or other data",
                "possible",
                "the source may count patients who do not enter this result",
            )
    if exposures:
        trials = {s.study: s for *_, studies in exposures for s in studies}
        details = [
            f"{s.study} ({summed_n(s, 't')} and {summed_n(s, 'c')} of {s.n_participants} patients)"
            for s in trials.values()
        ]
        yield Finding(
            "patients counted twice",
            tuple(p.id for p, *_ in exposures),
            f"the printed participants are exposures: {'; '.join(f'{p.id}, {n}' for p, n, *_ in exposures)}, with "
            + listed(details),
            f"patients, each counted once: {'; '.join(f'{p.id}, {n}' for p, _, n, _ in exposures)}",
            "certain",
            "each printed number is the size of one arm, or of both, and the data count other patients",
        )


def _other_exposures(study: _Armed, both: bool) -> bool:
    arms = [summed_n(study, arm) for arm in ("t", "c")]
    return study.n_participants != (sum(arms) if both else arms[0])
