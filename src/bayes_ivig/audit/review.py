"""The audit of a whole review: every outcome, and what only the outcomes together show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bayes_ivig.audit import Audit, Finding, audit, audit_together
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.formats import Source, to_evidence
from bayes_ivig.published import Published
from bayes_ivig.reproduction import load_kind, load_published
from bayes_ivig.reviews import Review


@dataclass(frozen=True)
class ReviewAudit:
    """The audits of all outcomes, the findings that concern several of them, and why outcomes could not be read."""

    name: str
    title: str
    audits: tuple[Audit, ...]
    together: tuple[Finding, ...]
    refused: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, outcome by outcome."""
        return (*(f for a in self.audits for f in a.findings), *self.together)

    @property
    def failed(self) -> tuple[Published, ...]:
        """Results that were expected to be reproduced and are not."""
        return tuple(p for a in self.audits for p in a.failed)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "review": self.name,
            "title": self.title,
            "n_published": sum(len(a.cases) for a in self.audits),
            "n_reproduced": sum(r.reproduced for a in self.audits for r in a.reproductions),
            "n_findings": len(self.findings),
            "failed": [p.id for p in self.failed],
            "outcomes": [a.to_json() for a in self.audits],
            "refused": list(self.refused),
            "findings_across_outcomes": [f.to_json() for f in self.together],
        }


def audit_review(review: Review, *, enumerate_all: bool = False) -> ReviewAudit:
    """Audit every outcome of a review folder: each published result against the kind of data it rests on.

    Raises InputError as `audit` and `load_evidence` do.
    """
    audits = tuple(_outcome(review, outcome, enumerate_all) for outcome in review.outcomes)
    further = [
        load_kind(review, outcome, kind)
        for outcome in review.outcomes
        for kind in list(review.tables[outcome]["data"])[1:]
    ]
    together = audit_together(audits, further)
    return ReviewAudit(review.name, f"{review.title}, {review.edition}", audits, together)


def audit_one(evidence: Evidence, published: Sequence[Published], *, enumerate_all: bool = False) -> ReviewAudit:
    """Audit the results of a single outcome, such as a user's file."""
    single = audit(evidence, published, enumerate_all=enumerate_all)
    return ReviewAudit(evidence.review, evidence.title or evidence.outcome, (single,), audit_together((single,)))


def audit_sources(
    sources: Sequence[Source], title: str, published: Sequence[Published] = (), *, enumerate_all: bool = False
) -> ReviewAudit:
    """Audit the outcomes of a file by the results that it carries, and by `published` where they are given.

    A P value that a file holds as a result of its own goes beside its estimate, and numbers of full precision are
    shortened to four digits, since programs differ beyond. Raises InputError where no outcome can be read.
    """
    audits: list[Audit] = []
    refused: list[str] = []
    for source in sources:
        try:
            evidence = to_evidence(source)
        except InputError as error:
            refused.append(str(error))
            continue
        audits.append(audit(evidence, (*_carried(source), *published), enumerate_all=enumerate_all))
    if not audits:
        raise InputError(refused[0] if refused else f"{title}: there is no outcome; give a file with trials")
    return ReviewAudit("user", title, tuple(audits), audit_together(audits), tuple(refused))


def _carried(source: Source) -> tuple[Published, ...]:
    p_values = {p.id.removesuffix("-p"): p.estimate for p in source.published if p.measure == "p"}
    return tuple(
        replace(
            p,
            estimate=p.estimate and _shortened(p.estimate),
            ci=p.ci and (_shortened(p.ci[0]), _shortened(p.ci[1])),
            p=_shortened(text) if (text := p_values.get(p.id)) and 0 <= float(text) <= 1 else None,
        )
        for p in source.published
        if p.measure != "p"
    )


def _shortened(text: str) -> str:
    """Four digits, and two decimals at least."""
    value = Decimal(text)
    decimals = max(2, 3 - value.adjusted())
    return f"{value:.{decimals}f}" if -int(value.as_tuple().exponent) > decimals else text


def _outcome(review: Review, outcome: str, enumerate_all: bool) -> Audit:
    """Audit the kinds of data of an outcome apart, and put the answers together in the order of the results."""
    published = load_published(review, outcome)
    kinds = list(review.tables[outcome]["data"])
    parts = []
    for kind in kinds:
        results = [p for p in published if (p.kind or kinds[0]) == kind]
        if results or kind in (kinds[0], "crossover"):
            parts.append(audit(load_kind(review, outcome, kind), results, enumerate_all=enumerate_all))
    order = {p.id: i for i, p in enumerate(published)}
    cases = sorted((c for part in parts for c in part.cases), key=lambda c: order[c.published.id])
    return replace(
        parts[0],
        cases=tuple(cases),
        findings=tuple(f for part in parts for f in part.findings),
        pairs=tuple(pair for part in parts for pair in part.pairs),
    )
