"""The report for machines: everything the page says, as JSON."""

from typing import Any

from bayes_ivig import __version__
from bayes_ivig.page.blocks import Section, Table
from bayes_ivig.page.checklist import ITEMS
from bayes_ivig.page.methods import implied_range, methods_text, prior_source
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.page.report import Report
from bayes_ivig.page.trials import evidence_section


def to_object(report: Report) -> dict[str, Any]:
    """Return the whole report as plain values (schema 1)."""
    review = report.review
    return {
        "schema": 1,
        "version": __version__,
        "title": report.title,
        "question": report.question,
        "review": None
        if review is None
        else {
            "name": review.name,
            "edition": review.edition,
            "citation": review.citation,
            "doi": review.doi,
            "faults": list(review.faults),
            "sources": {key: dict(source) for key, source in review.sources.items()},
        },
        "commands": list(report.commands),
        "outcomes": [_outcome(outcome, report) for outcome in report.outcomes],
        "checklist": [
            {"item": item.id, "asks": item.text, "status": verdict.status, "why": verdict.why, "place": verdict.anchor}
            for item in ITEMS
            for verdict in (item.decide(report),)
        ],
    }


def _outcome(outcome: Outcome, report: Report) -> dict[str, Any]:
    evidence = outcome.evidence
    return {
        "id": outcome.id,
        "title": outcome.title,
        "definition": evidence.definition,
        "sampled": outcome.sampled,
        "stored": outcome.stored or None,
        "trials": [dict(row) for row in evidence.rows],
        "readings": [
            {"name": r.name, "status": r.status, "source": r.source, "note": r.note, **vars(r.study)}
            for r in evidence.readings
        ],
        "evidence_tables": _tables(evidence_section(outcome, report.review)),
        "methods": methods_text(outcome),
        "priors": [
            {
                "parameter": key,
                "density": outcome.model.priors[key].text,
                "implies": implied_range(key, outcome.model.priors[key], outcome),
                "source": prior_source(outcome, key),
            }
            for key in outcome.model.needed
        ],
        "fit": outcome.fit,
        "sensitivity": dict(outcome.sensitivity),
        "surfaces": [dict(surface) for surface in outcome.surfaces],
    }


def _tables(section: Section) -> list[dict[str, Any]]:
    return [
        {
            "caption": block.caption,
            "header": list(block.header),
            "rows": [[cell.text for cell in row] for row in block.rows],
        }
        for block in section.blocks
        if isinstance(block, Table)
    ]
