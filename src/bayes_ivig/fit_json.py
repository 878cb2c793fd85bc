"""A fit as the JSON object of the contract (schema 1)."""

import platform
from importlib.metadata import version
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.engines import Answers
from bayes_ivig.fit import Fit
from bayes_ivig.harms import harms_of_fit
from bayes_ivig.pooled import Estimate
from bayes_ivig.published import Reproduction

PACKAGES = ("arviz", "numpy", "nutpie", "pymc", "pytensor", "scipy")


def provenance(fit: Fit) -> dict[str, Any]:
    """Versions, seed and data checksum: what is needed to get the same numbers again."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "seed": fit.model.sampler.seed,
        "data_sha256": fit.evidence.sha256,
        "packages": {name: version(name) for name in PACKAGES},
    }


def to_json(fit: Fit) -> dict[str, Any]:
    """The contract's JSON object of a fit (schema 1)."""
    evidence, model = fit.evidence, fit.model
    harms = harms_of_fit(evidence, fit.prob)
    absolute = None if fit.in_trials is None else fit.in_trials.to_json(fit.prob, evidence.benefit)
    chosen = None
    if fit.at_control_risk is not None and fit.control_risk is not None:
        chosen = {"control_risk": fit.control_risk.text} | {
            name: x.to_json(fit.prob, evidence.benefit) | {"p_above_1": x.p_above_1}
            for name, x in fit.at_control_risk.items()
        }
    tau = None if fit.tau is None else fit.tau.to_json()
    engines = {
        "nuts": None if fit.sampled is None else _answers_json(fit.sampled) | {"settings": vars(model.sampler)},
        "quadrature": None if fit.exact is None else _answers_json(fit.exact) | {"error": fit.error},
        "agreement": None if fit.agreement is None else fit.agreement.to_json(),
    }
    return {
        "schema": 1,
        "review": evidence.review,
        "edition": evidence.edition,
        "outcome": evidence.outcome,
        "kind": evidence.kind,
        "model": model.likelihood,
        "measure": model.measure,
        "effect": model.effect,
        "parametrisation": model.parametrisation,
        "engine": fit.engine,
        "n_studies": len(evidence.studies),
        "n_participants": evidence.n_participants,
        "priors": {key: model.priors[key].text for key in model.needed},
        "interval": "equal-tailed",
        "mu": fit.mu.to_json(),
        "tau": tau,
        "theta_new": fit.theta_new.to_json(),
        "studies": [
            {"study": study.study} | summary.to_json()
            for study, summary in zip(evidence.studies, fit.studies, strict=True)
        ],
        "effects": {"in_trials": absolute, "at_control_risk": chosen},
        "crossover": None if fit.crossover is None else fit.crossover.to_json(),
        "p_benefit": fit.p_benefit,
        "p_benefit_new": fit.p_benefit_new,
        "p_harm": fit.p_harm,
        "harms": None if harms is None else harms.to_json(),
        "log_evidence": fit.log_evidence,
        "comparators": comparators_json(fit.comparators, fit.published),
        "published": [reproduction.to_json() for reproduction in fit.published],
        "checks": [check.to_json() for check in fit.checks],
        "failed": bool(fit.failed),
        "engines": engines,
        "notes": list(fit.notes),
        "provenance": provenance(fit),
    }


def _answers_json(answers: Answers) -> dict[str, Any]:
    tau = None if answers.tau is None else answers.tau.to_json()
    return {"mu": answers.mu.to_json(), "tau": tau, "theta_new": answers.theta_new.to_json()}


def _same_method(estimate: Estimate, others: tuple[Estimate, ...]) -> bool:
    """Whether one of the others is this method; limits may differ, since published ones are at 95%."""
    key = (estimate.method, estimate.measure, estimate.correction, estimate.interval)
    return any(key == (o.method, o.measure, o.correction, o.interval) for o in others)


def comparators_json(comparators: tuple[Estimate, ...], published: tuple[Reproduction, ...]) -> list[dict[str, Any]]:
    """Frequentist estimates on the natural scale, each marked by whether it reproduces the published result.

    True or false where a result of this measure is published for all trials, else None.
    """
    pooled = [
        r for r in published if r.published.studies is None and r.published.reading is None and r.published.printed
    ]
    rows = []
    for estimate in comparators:
        value, low, high = estimate.natural()
        verdicts = [_same_method(estimate, r.by) for r in pooled if r.published.measure == estimate.measure.split()[-1]]
        rows.append(
            {
                "method": estimate.method,
                "measure": estimate.measure,
                "correction": estimate.correction,
                "interval": estimate.interval,
                "estimate": value,
                "ci": [low, high],
                "reproduces_published": any(verdicts) if verdicts else None,
                "note": estimate.note,
            }
        )
    return rows
