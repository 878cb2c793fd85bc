"""Are the published numbers right? Recompute them, trace the method, and flag what cannot be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bayes_ivig.audit import counts, direction, dispersion, intervals, risks, sources
from bayes_ivig.audit.enumeration import Reconstruction, TrialSize, enumerate_tables, paired_tables, sizes_of
from bayes_ivig.audit.finding import Case, Finding
from bayes_ivig.evidence import Evidence
from bayes_ivig.published import Published, Reproduction, chosen_studies, reproduce
from bayes_ivig.reviews import read_as
from bayes_ivig.studies import PairedMargins, TwoArm

__all__ = [
    "CHECKS",
    "Audit",
    "Case",
    "Finding",
    "Reconstruction",
    "TrialSize",
    "audit",
    "audit_together",
    "enumerate_tables",
]

# What is asked of each published result by itself ...
OF_EACH: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    intervals.asymmetric,
    intervals.p_against_interval,
    counts.one_sided,
    dispersion.swapped_in_data,
    dispersion.beyond_its_p,
    dispersion.plus_minus,
    dispersion.width_for_n,
    direction.upside_down,
    risks.impossible_percentage,
    risks.out_of_range,
    risks.contradicts_observed,
    counts.correction_only,
    sources.claimed_reading,
    sources.decides,
)
# ... and of the results of one outcome together.
OF_OUTCOME: tuple[Callable[[Sequence[Case]], Iterator[Finding]], ...] = (
    counts.double_zero,
    counts.counted_twice,
    counts.participants,
    dispersion.too_small,
    sources.disagree,
)
CHECKS: Mapping[str, str] = {
    "interval": "the estimate lies in the middle of its interval, on the log scale for ratios",
    "P and interval": "the P value is that of the estimate and its interval",
    "one-sided P": "the P value is two-sided",
    "SE and SD": "standard errors and standard deviations are what they are said to be",
    "interval and n": "the interval is as wide as the number of patients makes it",
    "direction": "effects point the way they are said to, the same in every analysis of a comparison",
    "impossible percentage": "a whole number of patients gives the percentage",
    "absolute risk": "risks lie within 0 to 100 per 100 and agree with those observed",
    "continuity correction": "the result does not owe its existence, size or significance to added halves",
    "patients counted twice": "each patient counts once",
    "double-zero trials": "trials without events are not dropped in silence",
    "participants": "the printed number of participants is that of the trials",
    "missing patients": "a trial has the same patients in every outcome",
    "data claimed": "the result rests on the data it is said to rest on",
    "reading decides": "the conclusion does not depend on how one trial is read",
    "sources disagree": "sources give one number for one quantity",
}


@dataclass(frozen=True)
class Audit:
    """The verdicts on the published results of one outcome.

    `cases` hold each result with what reproduces it, `findings` the flags, `reconstructions` what searches over
    tables left (name of the data or reading, and the answer), `pairs` how many tables of pairs the margins of
    each crossover trial leave.
    """

    evidence: Evidence
    cases: tuple[Case, ...]
    findings: tuple[Finding, ...]
    reconstructions: tuple[tuple[str, Reconstruction], ...] = ()
    pairs: tuple[tuple[str, int], ...] = ()

    @property
    def reproductions(self) -> tuple[Reproduction, ...]:
        """The verdict on each result, in the order given."""
        return tuple(case.reproduction for case in self.cases)

    @property
    def failed(self) -> tuple[Published, ...]:
        """Results that were expected to be reproduced and are not."""
        return tuple(r.published for r in self.reproductions if r.failed)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "review": self.evidence.review,
            "outcome": self.evidence.outcome,
            "title": self.evidence.title,
            "published": [r.to_json() | {"text": r.published_text, "verdict": r.verdict} for r in self.reproductions],
            "findings": [finding.to_json() for finding in self.findings],
            "reconstructions": [{"data": name, **r.to_json()} for name, r in self.reconstructions],
            "paired_tables": [{"study": name, "tables": n} for name, n in self.pairs],
        }


def audit(evidence: Evidence, published: Sequence[Published], *, enumerate_all: bool = False) -> Audit:
    """Judge the published results of one outcome by its trials.

    Parameters
    ----------
    evidence
        The trials, all of one kind.
    published
        Results that rest on this kind of data, or on a reading of it that `evidence.readings` has.
    enumerate_all
        Search for other tables compatible with the results even where every count is known; without it only
        counts that a status column calls reconstructed are searched for.

    Raises
    ------
    InputError
        A result that names a trial or a reading that is not there.
    """
    cases = tuple(_case(evidence, p, published) for p in published)
    findings = [f for case in cases for check in OF_EACH for f in check(case)]
    findings += [f for check in OF_OUTCOME for f in check(cases)]
    pairs = tuple((s.study, len(paired_tables(s))) for s in evidence.studies if isinstance(s, PairedMargins))
    return Audit(evidence, cases, tuple(findings), _reconstruct(evidence, published, enumerate_all), pairs)


def audit_together(audits: Sequence[Audit], evidences: Sequence[Evidence] = ()) -> tuple[Finding, ...]:
    """Return what only the outcomes of a review together show; `evidences` are further data on the same trials."""
    cases = [a.cases for a in audits]
    every = [*(a.evidence for a in audits), *evidences]
    return (
        *direction.flips(cases),
        *sources.counted_elsewhere(cases, every),
        *sources.sizes_differ(cases, every),
    )


def _case(evidence: Evidence, p: Published, published: Sequence[Published]) -> Case:
    read = read_as(evidence, p.reading) if p.reading else evidence
    siblings = tuple(other for other in published if other is not p)
    return Case(p, read, chosen_studies(p, read.studies), reproduce(p, read.studies), siblings)


def _reconstruct(
    evidence: Evidence, published: Sequence[Published], everything: bool
) -> tuple[tuple[str, Reconstruction], ...]:
    """Search for the counts that are not known, with the sizes used and with those of every reading."""
    found = []
    other_sizes = [r for r in evidence.readings if isinstance(r.study, TwoArm) and _other_size(r.study, evidence)]
    for name, read in (("", evidence), *((r.name, read_as(evidence, r.name)) for r in other_sizes)):
        tables = [s for s in read.studies if isinstance(s, TwoArm)]
        if len(tables) < len(read.studies):
            continue
        trials = sizes_of(tables, read.rows, everything)
        if all(t.known for t in trials):
            continue
        whole = [replace(p, n_t=None, n_c=None) if name else p for p in published]
        answer = enumerate_tables(trials, whole)
        if answer is not None:
            found.append((name, answer))
    return tuple(found)


def _other_size(study: TwoArm, evidence: Evidence) -> bool:
    used = next(s for s in evidence.studies if s.study == study.study)
    return isinstance(used, TwoArm) and (used.n_t, used.n_c) != (study.n_t, study.n_c)
