"""Accepted sensitivity analyses: what the conclusion of each binary outcome depends on, for each kind of its data."""

from typing import Any

from bayes_ivig.accepted.artefact import Artefact, Made
from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.reproduction import load_kind
from bayes_ivig.reviews import load_review
from bayes_ivig.sensitivity import Sensitivity, run_sensitivity
from bayes_ivig.store import csv_text, finite, json_text

REVIEW = "mmn-2007"  # the trials on placebo are the same in the later edition
COUNTS = ("two-arm", "crossover")


def list_artefacts() -> tuple[Artefact, ...]:
    """One analysis a binary outcome of the review and kind of its data."""
    review = load_review(REVIEW)
    found = []
    for outcome, table in review.tables.items():
        for kind in table["data"]:
            if kind in COUNTS:
                likelihood = choose_model(load_kind(review, outcome, kind), Choices()).likelihood
                folder = f"{REVIEW}/{outcome}/sensitivity-{likelihood}"
                found.append(Artefact("sensitivity", folder, (outcome, kind)))
    return tuple(found)


def make(artefact: Artefact) -> Made:
    """Ask every question again."""
    from bayes_ivig.plots import svg_text
    from bayes_ivig.plots.prior_grid import draw_prior_grid

    outcome, kind = artefact.arguments
    evidence = load_kind(load_review(REVIEW), outcome, kind)
    result = run_sensitivity(evidence, choose_model(evidence, Choices()))
    files = {
        "sensitivity.json": json_text(finite(accepted_json(result))),
        "prior-grid.csv": csv_text(grid_rows(result)),
        "prior-grid.svg": svg_text(draw_prior_grid, result),
    }
    return Made(files, tuple(check.name for check in result.failed))


def accepted_json(result: Sensitivity) -> dict[str, Any]:
    """`sensitivity.json` without rows by the hundred, and without what another machine may change."""
    whole = result.to_json()
    power = whole["power_scaling"]
    components = [{key: x for key, x in part.items() if key != "path"} for part in power["components"]]
    return {key: x for key, x in whole.items() if key not in ("baseline_contributions", "error")} | {
        "prior_grid": {key: x for key, x in whole["prior_grid"].items() if key != "rows"},
        "power_scaling": power | {"components": components},
        "provenance": {"data_sha256": whole["provenance"]["data_sha256"]},
    }


def grid_rows(result: Sensitivity) -> list[dict[str, Any]]:
    """The prior grid at the baseline prior of the model itself; its extremes over the others are in the JSON."""
    own = result.prior_grid.baseline[0]
    return [row for row in result.prior_grid.to_rows() if row["baseline"] == own]
