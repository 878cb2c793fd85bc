"""Accepted reports: the review page of each edition as Markdown.

The page itself is 2 MB, most of it likelihood surfaces, which no reader of the repository could look at; its words,
tables and checks are the same. Versions of programs are left out: they differ between machines.
"""

import re

from bayes_ivig.accepted.artefact import Artefact, Made
from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.page.cache import forgetful
from bayes_ivig.page.collect import fresh_outcome
from bayes_ivig.page.document import to_markdown
from bayes_ivig.page.report import Report
from bayes_ivig.page.sensitivity import with_sensitivity
from bayes_ivig.reproduction import check_published
from bayes_ivig.reviews import list_reviews, load_evidence, load_review

_LAST = "\n## Provenance\n"
_VERSIONS = re.compile(r" Software: [^\n]*$", re.MULTILINE)


def list_artefacts() -> tuple[Artefact, ...]:
    """One report a shipped review."""
    return tuple(Artefact("report", f"{name}/report", (name,)) for name in list_reviews())


def make(artefact: Artefact) -> Made:
    """Write the report again, by the exact engine."""
    review = load_review(artefact.arguments[0])
    outcomes = []
    with forgetful():
        for name in review.outcomes:
            evidence = load_evidence(review, name, None)
            outcome = fresh_outcome(
                evidence,
                choose_model(evidence, Choices()),
                check_published(review, name),
                engine="quadrature",
                prob=0.95,
                control_risk=None,
                png=False,
            )
            outcomes.append(with_sensitivity(outcome, None, review))
    report = Report(review, tuple(outcomes))
    text, cut, _ = to_markdown(report).partition(_LAST)
    assert cut
    return Made({"review.md": _VERSIONS.sub("", text).rstrip() + "\n"}, report.failed)
