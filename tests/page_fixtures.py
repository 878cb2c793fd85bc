"""Reports for tests: real evidence and real surfaces, with posterior summaries that need no sampler."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit_json import comparators_json
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.page.report import Report
from bayes_ivig.page.surfaces import with_surfaces
from bayes_ivig.pooled import pool
from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.reproduction import check_published
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.spec import Model

SVG = """<?xml version="1.0" encoding="utf-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" viewBox="0 0 90 30">
 <metadata>made by hand</metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style>
 <path id="m1" d="M 0 0 L 1.234567 2.999999" style="stroke: #000000"/></defs>
 <g id="figure_1" onclick="window.ran = 1">
 <use xlink:href="#m1" x="10.55555" y="3" style="fill: #1a1a1a; stroke-width: 0.7"/>
 <text x="5" y="20" clip-path="url(#m1)"
  style="font: bold 7.5px 'DejaVu Sans', sans-serif; text-anchor: start">95% interval</text>
 <script>window.ran = 1</script></g></svg>"""


def summary(median: float, low: float, high: float, p: float, prob: float = 0.95) -> dict[str, Any]:
    return {"mean": median, "sd": (high - low) / 4, "median": median, "ci": [low, high], "prob": prob, "p_gt_0": p}


def answer(
    evidence: Evidence, model: Model, mu: str | None = None, tau: str | None = None, prob: float = 0.95
) -> dict[str, Any]:
    """The exact engine's answer: summaries of mu, tau and theta_new and the log evidence."""
    surface = make_surface(evidence.studies, model)
    mu_prior = parse_prior(mu) if mu else model.priors["mu"]
    tau_prior = None if model.effect == "common" else parse_prior(tau) if tau else model.priors["tau"]
    shape = None if tau_prior is None else shape_of(tau_prior)
    posterior = fit_posterior(surface, shape_of(mu_prior, rate=model.measure == "rate"), shape)
    found: dict[str, Any] = {"log_evidence": posterior.log_evidence}
    for name in ("mu", "tau", "theta_new"):
        if tau_prior is None and name != "mu":
            found[name] = None if name == "tau" else found["mu"]
            continue
        marginal = getattr(posterior, name)
        low, median, high = (float(x) for x in marginal.quantile([(1 - prob) / 2, 0.5, (1 + prob) / 2]))
        found[name] = summary(median, low, high, 1 - float(marginal.cdf(0.0)), prob)
    return found


def fit_object(
    evidence: Evidence, model: Model, found: dict[str, Any], published: Any, *, sampled: bool
) -> dict[str, Any]:
    """An object as `fit --json` prints it."""
    absolute = None
    if model.measure in ("OR", "RR"):
        both = {"median": 0.5, "ci": [0.2, 0.9], "prob": 0.95}
        names = ("risk_control", "risk_treated", "RR", "OR", "RD")
        absolute = dict.fromkeys(names, both) | {
            "risk_control": {"median": 0.08, "ci": [0.02, 0.2], "prob": 0.95},
            "per_100_control": {"median": 8.0, "ci": [2.0, 20.0], "prob": 0.95},
            "per_100_treated": {"median": 67.6, "ci": [49.0, 84.0], "prob": 0.95},
            "per_100_difference": {"median": 59.6, "ci": [38.0, 77.0], "prob": 0.95},
            "NNT": {"p_below": {"2": 0.5, "3": 0.8, "5": 0.9, "10": 0.95}, "p_no_benefit": 0.01},
        }
    p = found["mu"]["p_gt_0"] if evidence.benefit != "lower" else 1 - found["mu"]["p_gt_0"]
    known = evidence.benefit is not None and model.measure != "rate"
    names = ["R-hat, largest", "bulk ESS, smallest"] if sampled else ["quadrature error"]
    settings = vars(model.sampler)
    return {
        "schema": 1,
        "review": evidence.review,
        "outcome": evidence.outcome,
        "model": model.likelihood,
        "measure": model.measure,
        "effect": model.effect,
        "parametrisation": model.parametrisation,
        "engine": "both" if sampled else "quadrature",
        "n_studies": len(evidence.studies),
        "n_participants": evidence.n_participants,
        "priors": {key: model.priors[key].text for key in model.needed},
        **found,
        "studies": [{"study": study.study, **found["mu"]} for study in evidence.studies],
        "effects": {"in_trials": absolute, "at_control_risk": None},
        "p_benefit": p if known and evidence.role == "benefit" else None,
        "p_benefit_new": p if known and evidence.role == "benefit" else None,
        "p_harm": 1 - p if known and evidence.role == "harm" else None,
        "comparators": comparators_json(pool(evidence.studies, model.measure, 0.95), published),
        "checks": [{"name": name, "value": 1.0, "limit": 1.01, "passed": True, "hint": "run longer"} for name in names],
        "engines": {
            "nuts": {**found, "settings": settings} if sampled else None,
            "quadrature": None,
            "agreement": {"largest difference": 0.3} if sampled else None,
        },
        "notes": list(evidence.notes),
        "provenance": {
            "version": __version__,
            "python": "3.13",
            "seed": settings["seed"],
            "data_sha256": evidence.sha256,
            "packages": {"numpy": "2"},
        },
    }


def shipped_outcome(name: str, *, sampled: bool = True, exact: bool = False) -> Outcome:
    """A shipped outcome; `exact`: with the engine's answer and every surface."""
    review = load_review("mmn-2007")
    evidence = load_evidence(review, name)
    model = choose_model(evidence, Choices())
    published = check_published(review, name)
    rough = {
        "mu": summary(1.2, -0.2, 3.1, 0.95),
        "tau": summary(0.3, 0.0, 1.0, 1.0),
        "theta_new": summary(1.2, -0.9, 3.6, 0.9),
    }
    if model.effect == "common":
        rough["tau"] = None
    found = answer(evidence, model) if exact else rough | {"log_evidence": None}
    fit = fit_object(evidence, model, found, published, sampled=sampled)
    figures = dict.fromkeys(("forest", "prior-posterior", "predictive-check"), SVG)
    outcome = Outcome(
        evidence,
        model,
        fit,
        published,
        figures,
        sensitivity=MappingProxyType({"prior grid": [{"prior": "x", "p": 0.9}]}),
    )
    return with_surfaces(outcome, review) if exact else outcome


def shipped_report(*names: str, **more: bool) -> Report:
    outcomes = tuple(shipped_outcome(name, **more) for name in names)
    return Report(load_review("mmn-2007"), outcomes, tuple(f"bayes-ivig fit {name}" for name in names))


def with_fit(outcome: Outcome, **changes: Any) -> Outcome:
    return replace(outcome, fit={**outcome.fit, **changes})


def write_hostile(folder: Path) -> Path:
    """A file whose names try to run, to end the script element, to turn the direction of text, to break the layout."""
    names = [
        "</script><script>window.ran = 1</script>",
        "<img src=x onerror='window.ran = 1'>",
        "\u202egnimoc siht si yaw rehto eht\u2066",
        "W" * 300,
        "\"quotes\" & 'apostrophes' `ticks` $(touch ran) ; rm *",
        "{{ 7 * 7 }} {% raw %}",
        "| pipes | and *stars* _under_ # hash",
        "תוצאה טובה",
    ]
    rows = [f'"{name.replace(chr(34), chr(34) * 2)}",{3 + i % 3},9,{1 + i % 2},9' for i, name in enumerate(names)]
    path = folder / "<b>hostile & 'file' name</b>.csv".replace("/", "\u2215")
    path.write_text("study,events_t,n_t,events_c,n_c\n" + "\n".join(rows) + "\n", "utf-8")
    return path
