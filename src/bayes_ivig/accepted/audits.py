"""Accepted audits: the verdict on every published number of a review."""

from bayes_ivig.accepted.artefact import Artefact, Made
from bayes_ivig.audit.review import audit_review
from bayes_ivig.reviews import list_reviews, load_review
from bayes_ivig.store import json_text


def list_artefacts() -> tuple[Artefact, ...]:
    """One audit a shipped review."""
    return tuple(Artefact("audit", f"{name}/audit", (name,)) for name in list_reviews())


def make(artefact: Artefact) -> Made:
    """Audit the review again."""
    result = audit_review(load_review(artefact.arguments[0]), enumerate_all=False)
    failed = tuple(f"published result {published.id} not reproduced" for published in result.failed)
    return Made({"audit.json": json_text({"schema": 1, **result.to_json()})}, failed)
