"""Accepted fits: every outcome of every shipped review under the default model of each kind of its data."""

from typing import Any

from bayes_ivig.accepted.artefact import Artefact, Made
from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.engines import SAMPLED_AGAIN
from bayes_ivig.fit import Fit, run_fit
from bayes_ivig.fit_json import to_json
from bayes_ivig.output import small_files
from bayes_ivig.reproduction import check_published, load_kind
from bayes_ivig.reviews import list_reviews, load_review
from bayes_ivig.store import json_text


def list_artefacts() -> tuple[Artefact, ...]:
    """One fit an outcome and kind of data."""
    found = []
    for review in map(load_review, list_reviews()):
        for outcome, table in review.tables.items():
            for kind in table["data"]:
                slug = choose_model(load_kind(review, outcome, kind), Choices()).slug
                found.append(Artefact("fit", f"{review.name}/{outcome}/{slug}", (review.name, outcome, kind)))
    return tuple(found)


def make(artefact: Artefact, engine: str = "both") -> Made:
    """Fit it again, by both engines unless one is named."""
    from bayes_ivig.plots import svg_text
    from bayes_ivig.plots.forest import draw_forest

    name, outcome, kind = artefact.arguments
    review = load_review(name)
    evidence = load_kind(review, outcome, kind)
    fit = run_fit(
        evidence, choose_model(evidence, Choices()), engine=engine, published=check_published(review, outcome)
    )
    files = {"fit.json": json_text(accepted_json(fit)), **small_files(fit), "forest.svg": svg_text(draw_forest, fit)}
    return Made(files, tuple(check.name for check in fit.failed))


def accepted_json(fit: Fit) -> dict[str, Any]:
    """`fit.json` without what another run or another machine may change: versions, and what the sampler adds.

    The sampler's numbers stand in `summary.csv`, each with its Monte-Carlo error; here only its verdicts.
    """
    whole = to_json(fit)
    return whole | {
        "checks": [{key: check[key] for key in ("name", "limit", "passed")} for check in whole["checks"]],
        "engines": {"quadrature": whole["engines"]["quadrature"]},
        "notes": [note for note in whole["notes"] if not note.startswith(SAMPLED_AGAIN)],
        "provenance": {key: whole["provenance"][key] for key in ("seed", "data_sha256")},
    }
