"""A plan as plain values: the JSON object (schema 1) and the rows of its table."""

import platform
from importlib.metadata import version
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.effects import to_natural
from bayes_ivig.plan.assurance import TARGETS, Counts, Plan, SizeAnswer


def to_json(plan: Plan) -> dict[str, Any]:
    """The JSON object of a plan (schema 1); effects are on the analysis scale unless they say otherwise."""
    question, evidence = plan.question, plan.question.evidence
    model, design = question.model, question.design
    return {
        "schema": 1,
        "review": evidence.review,
        "outcome": evidence.outcome,
        "kind": evidence.kind,
        "model": model.likelihood,
        "measure": model.measure,
        "effect": model.effect,
        "parametrisation": model.parametrisation,
        "priors": {key: model.priors[key].text for key in model.needed},
        "benefit": evidence.benefit,
        "prob": question.prob,
        "threshold": question.threshold,
        "mu_now": plan.now.to_json(),
        "p_benefit_now": plan.p_benefit_now,
        "design": {
            "kind": design.kind,
            "model": design.model.likelihood,
            "priors": {key: design.model.priors[key].text for key in design.model.needed if key not in ("mu", "tau")},
            "assumptions": dict(design.assumptions()),
            "true_effect": question.truth.to_json(question.prob),
        },
        "sizes": [_row(row) for row in plan.rows],
        "infinite": {"assurance": plan.limit, "against": plan.limit_against},
        "smallest": {
            f"{target:g}": {"patients": plan.smallest(target), "text": plan.smallest_text(target)} for target in TARGETS
        },
        "simulations": question.simulations,
        "checks": [check.to_json() for check in plan.checks],
        "failed": bool(plan.failed),
        "notes": notes(plan),
        "provenance": {
            "version": __version__,
            "python": platform.python_version(),
            "seed": question.seed,
            "data_sha256": evidence.sha256,
            "packages": {name: version(name) for name in ("numpy", "scipy")},
        },
    }


def _row(row: SizeAnswer) -> dict[str, Any]:
    return {
        "patients": row.patients,
        "assurance": row.assurance,
        "assurance_se": row.assurance_se,
        "against": row.against,
        "against_se": row.against_se,
        "width": row.width,
        "width_se": row.width_se,
        "mean_p_benefit": row.mean_p_benefit,
        "events_t": _counts(row.events_t),
        "events_c": _counts(row.events_c),
        "distinct_tables": row.distinct_tables,
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return {"median": counts.median, "interval": [counts.low, counts.high], "n": counts.n}


def csv_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row a size, as plan.csv has them."""
    rows = []
    for row in plan.rows:
        flat: dict[str, Any] = {"failed": "; ".join(c.name for c in plan.failed)} if plan.failed else {}
        for key, value in _row(row).items():
            if isinstance(value, dict):
                flat |= {f"{key}_median": value["median"], f"{key}_n": value["n"]}
                flat |= {f"{key}_low": value["interval"][0], f"{key}_high": value["interval"][1]}
            else:
                flat[key] = value
        rows.append(flat)
    return rows


def notes(plan: Plan) -> list[str]:
    """What the answer rests on, in sentences."""
    question, design = plan.question, plan.question.design
    measure = question.model.measure
    result = [
        f"True effect of the new trial: {question.truth.describe(measure, question.prob)}.",
        "Supposed of the new trial: " + "; ".join(design.assumptions().values()) + ".",
        f"Analysed by the {design.model.likelihood} model with the {question.model.likelihood} analysis of the "
        f"{len(question.evidence.studies)} trials at hand; every simulated trial by an exact refit.",
        f"{question.simulations:,} simulated trials a size, seed {question.seed}: Monte-Carlo error at most "
        f"{max(row.assurance_se for row in plan.rows):.3f} (one SE) on the chances. The limit has none.",
    ]
    if not design.is_paired:
        result.append("Patients are all those enrolled, 1 to 1; of an odd number the last goes to the treatment.")
    else:
        result.append("Patients are all those enrolled; each has both treatments, and none is lost.")
    if question.true_effect is not None:
        result.append("With a fixed effect the chance is power, not assurance.")
    if abs(plan.limit - round(plan.limit)) > 1e-12 and plan.limit < TARGETS[-1]:
        result.append(
            "However large, one trial shows its own effect alone: mu stays uncertain by the spread between trials."
        )
    return result


def natural_ratio(plan: Plan, width: float) -> float:
    """How many times the upper limit is the lower one, for an interval of this width on the log scale."""
    return float(to_natural(plan.question.model.measure, width))
