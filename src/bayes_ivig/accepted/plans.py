"""Accepted plans: what a next trial of disability would show, to the model as it stands and to a sceptic."""

from collections.abc import Mapping
from typing import Any

from bayes_ivig.accepted.artefact import Artefact, Made
from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.plan.as_json import to_json
from bayes_ivig.plan.assurance import Plan, Question, SizeAnswer, run_plan
from bayes_ivig.plan.design import Design, model_of_next
from bayes_ivig.priors import parse_prior
from bayes_ivig.reproduction import load_kind
from bayes_ivig.reviews import load_review
from bayes_ivig.spec import with_priors
from bayes_ivig.store import csv_text, json_text

REVIEW, OUTCOME = "mmn-2007", "disability"
# Design, patients, simulated trials (few where a refit is slow), and for whom: "", a sceptic who doubts the effect of
# the next trial but lets the model as it stands analyse it, or one who analyses it by his own prior.
PLANS: Mapping[str, tuple[str, tuple[int, ...], int, str]] = {
    "plan-crossover": ("crossover", (20, 40, 80), 500, ""),
    "plan-parallel": ("parallel", (20, 40, 80, 160), 2000, ""),
    "plan-parallel-doubted": ("parallel", (20, 40, 80, 160), 2000, "truth"),
    "plan-parallel-sceptic": ("parallel", (20, 40, 80, 160), 2000, "analysis"),
}
SCEPTICAL = "sceptical(0.693)"  # 5% that the odds ratio is above 2; as in the sensitivity analyses
_SIMULATED = ("assurance", "against", "width")


def list_artefacts() -> tuple[Artefact, ...]:
    """One plan a row of `PLANS`."""
    return tuple(Artefact("plan", f"{REVIEW}/{OUTCOME}/{name}", (name,)) for name in PLANS)


def ask(name: str) -> Question:
    """The question of one plan."""
    design, sizes, simulations, sceptic = PLANS[name]
    evidence = load_kind(load_review(REVIEW), OUTCOME, "crossover")
    model = choose_model(evidence, Choices())
    if sceptic == "analysis":
        model = with_priors(model, {"mu": parse_prior(SCEPTICAL)})
    doubted = parse_prior(SCEPTICAL) if sceptic == "truth" else None
    made = Design(design, model_of_next(design, model))
    return Question(evidence, model, made, sizes, sceptic=doubted, simulations=simulations, seed=model.sampler.seed)


def make(artefact: Artefact) -> Made:
    """Simulate and analyse every trial again."""
    result = run_plan(ask(artefact.arguments[0]))
    files = {"plan.json": json_text(accepted_json(result)), "summary.csv": csv_text(simulated_rows(result.rows))}
    return Made(files, tuple(check.name for check in result.failed))


def accepted_json(plan: Plan) -> dict[str, Any]:
    """`plan.json` without what was simulated, which stands in `summary.csv` with its error, and without versions."""
    whole = to_json(plan)
    kept = {key: x for key, x in whole.items() if key not in ("smallest", "notes")}
    return kept | {
        "sizes": [row.patients for row in plan.rows],
        "provenance": {key: whole["provenance"][key] for key in ("seed", "data_sha256")},
    }


def simulated_rows(answers: tuple[SizeAnswer, ...]) -> list[dict[str, Any]]:
    """One row a size and simulated mean, with its Monte-Carlo standard error."""
    return [
        {
            "quantity": f"{name}, {row.patients} patients",
            "mean": getattr(row, name),
            "mcse_mean": getattr(row, f"{name}_se"),
        }
        for row in answers
        for name in _SIMULATED
    ]
