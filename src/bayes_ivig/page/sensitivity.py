"""The sensitivity analysis of an outcome: a stored one where it is of the same analysis, else a lean one made now."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.page.cache import remember
from bayes_ivig.page.crossover import FIGURE, sweep_and_draw
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.reviews import Review, load_evidence
from bayes_ivig.sensitivity.designs import compare_designs
from bayes_ivig.sensitivity.lean import lean_sensitivity
from bayes_ivig.spec import Model
from bayes_ivig.store import finite

FIGURES = ("prior-grid", "multiverse")
MOST_MULTIVERSES = 4  # of 120 kB each on a page


def with_sensitivity(
    outcome: Outcome, root: Path | None, review: Review | None, figures: tuple[str, ...] = FIGURES
) -> Outcome:
    """Return the outcome with its sensitivity analysis, as `bayes-ivig sensitivity` stored it below `root`, or lean.

    Where `root` is None, nothing stored is looked for.

    Its keys are those of sensitivity.json, `parallel_against_crossover` where the review has both readings, and
    `association_sentence` for a model of crossover trials, whose sweep over the association is drawn too.
    `figures` are the stored ones to take along.
    """
    evidence, model, prob = outcome.evidence, outcome.model, outcome.prob
    folder = None if root is None else root / evidence.review / evidence.outcome / "sensitivity"
    stored = None if folder is None else _stored(folder, evidence, model, prob)
    key = {
        "evidence": [
            evidence.sha256,
            evidence.kind,
            evidence.benefit,
            evidence.role,
            [repr(s) for s in evidence.studies],
        ],
        "model": [model.likelihood, model.measure, model.effect, model.parametrisation],
        "priors": {name: model.priors[name].text for name in model.needed},
        "prob": prob,
    }
    if folder is not None and stored is not None:
        outcome = _with_figures(outcome, folder, figures)
        found = stored
    else:
        found = remember({"sensitivity": key}, lambda: dict(finite(lean_sensitivity(evidence, model, prob))))
    designs = remember({"designs": key}, lambda: {"rows": _designs(evidence, model, prob, review)})["rows"]
    if designs:
        found = {**found, "parallel_against_crossover": designs}
    if model.likelihood == "crossover":
        named = [evidence.title, evidence.outcome, [study.study for study in evidence.studies]]
        swept = remember({"association": key, "named": named}, lambda: dict(sweep_and_draw(evidence, model, prob)))
        found = {**found, "association_sentence": swept["sentence"]}
        outcome = replace(outcome, svg={**outcome.svg, FIGURE: swept["svg"]})
    return replace(outcome, sensitivity=found)


def _stored(folder: Path, evidence: Evidence, model: Model, prob: float) -> dict[str, Any] | None:
    """What is stored there, if data, model, priors, intervals and version are those asked."""
    try:
        found = json.loads((folder / "sensitivity.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and _same(found, evidence, model, prob) else None


def _same(found: Mapping[str, Any], evidence: Evidence, model: Model, prob: float) -> bool:
    try:
        return bool(
            found["schema"] == 1
            and found["provenance"]["version"] == __version__
            and found["provenance"]["data_sha256"] == evidence.sha256
            and [found[key] for key in ("model", "measure", "effect", "parametrisation")]
            == [model.likelihood, model.measure, model.effect, model.parametrisation]
            and found["priors"] == {key: model.priors[key].text for key in model.needed}
            and found["prob"] == prob
        )
    except (KeyError, TypeError):
        return False


def _with_figures(outcome: Outcome, folder: Path, names: tuple[str, ...]) -> Outcome:
    svg, png = dict(outcome.svg), dict(outcome.png)
    for name in names:
        if (folder / f"{name}.svg").is_file():
            svg[name] = (folder / f"{name}.svg").read_text("utf-8")
        if (folder / f"{name}.png").is_file():
            png[name] = (folder / f"{name}.png").read_bytes()
    return replace(outcome, svg=svg, png=png)


def _designs(evidence: Evidence, model: Model, prob: float, review: Review | None) -> list[dict[str, Any]]:
    """Parallel against crossover, where the review has the outcome in both ways; else nothing."""
    if review is None or evidence.kind not in ("two-arm", "crossover"):
        return []
    try:
        arms = evidence if evidence.kind == "two-arm" else load_evidence(review, evidence.outcome, "binomial")
        paired = evidence if evidence.kind == "crossover" else load_evidence(review, evidence.outcome, "crossover")
        if (arms.kind, paired.kind) != ("two-arm", "crossover"):
            return []
        return list(finite(compare_designs(arms, paired, model, prob)))
    except InputError:
        return []
