"""What the page's script is given: surfaces, the run's settings, raw trials, and answers to check itself against."""

from collections.abc import Mapping
from typing import Any

from bayes_ivig.page.command import fit_arguments
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.page.report import Report


def payload(report: Report) -> dict[str, Any]:
    """Return everything the script needs, as plain values; outcomes without surfaces are left out."""
    return {"schema": 1, "outcomes": [_outcome(o) for o in report.outcomes if o.surfaces]}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    from bayes_ivig.plots.raw import raw_effects

    evidence, fit = outcome.evidence, outcome.fit
    risk = None
    if outcome.measure in ("OR", "RR"):
        median = 0.1 if outcome.absolute is None else float(outcome.absolute["risk_control"]["median"])
        risk = min(0.995, max(0.001, float(f"{median:.3g}")))
    raws = raw_effects(evidence.studies, outcome.measure, outcome.prob)
    return {
        "id": outcome.id,
        "title": outcome.title,
        "review": evidence.review,
        "measure": outcome.measure,
        "name": outcome.measure_name,
        "role": evidence.role,
        "benefit": evidence.benefit,
        "unit": evidence.unit,
        "treatment": evidence.treatment,
        "control": evidence.control,
        "prob": outcome.prob,
        "effect": outcome.model.effect,
        "priors": {"mu": fit["priors"]["mu"], "tau": fit["priors"].get("tau")},
        "risk": risk,
        "arguments": _fixed_arguments(outcome),
        "run": {key: fit[key] for key in ("mu", "tau", "theta_new", "log_evidence")},
        "trials": [
            {"study": study.study, "raw": [raw.estimate, raw.low, raw.high] if raw.exists else None}
            for study, raw in zip(evidence.studies, raws, strict=True)
        ],
        "surfaces": [dict(surface) for surface in outcome.surfaces],
    }


def _fixed_arguments(outcome: Outcome) -> list[str]:
    """The words of the fit command that the page does not change; the rest the script writes."""
    words = fit_arguments(outcome)
    kept, skip = [], {"--model", "--effect", "--mu", "--tau", "--baseline", "--association", "--parametrisation"}
    skip |= {"--control-risk", "--prob", "--seed", "--draws", "--measure"}
    i = 0
    while i < len(words):
        if words[i] in skip:
            i += 2
        else:
            kept.append(words[i])
            i += 1
    return kept


def answers_from(summaries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of an answer that the page recomputes: mu, tau, theta_new and the log evidence."""
    return {key: summaries[key] for key in ("mu", "tau", "theta_new", "log_evidence")}
