"""The likelihood surfaces a page carries for one outcome: the run's own, and the choices that decide more than priors.

For counts these are baseline priors on either parametrisation, the conditional likelihood and the normal
approximation, and the paired reading of crossover trials where the review has it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.page.cache import remember
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.page.surface_json import Extent, curve_table, surface_table
from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature import Surface, make_surface, shape_of
from bayes_ivig.quadrature.grid import answer_grid
from bayes_ivig.reviews import Review, load_evidence
from bayes_ivig.spec import NUISANCE, PARAMETRISATIONS, Model, default_model
from bayes_ivig.summary import tails

MOST_SURFACES = 14
MOST_ON_A_PAGE = 56  # of 27 kB each: half of the 3 MB a page may have
BASELINES = ("beta(1, 1)", "beta(0.5, 0.5)", "normal(0, 10)")
ASSOCIATIONS = ("normal(0, 1.5)", "normal(1.5, 1)")
_NAMES = {
    "binomial": "binomial",
    "conditional": "conditional on the totals",
    "crossover": "crossover, marginal",
    "normal": "normal approximation",
    "single-arm": "binomial rates",
}
_HEAVY = "half-cauchy(0.5)"
_SCEPTICAL = {"OR": "normal(0, 0.7)", "RR": "normal(0, 0.5)", "SMD": "normal(0, 0.3)"}


def with_surfaces(outcome: Outcome, review: Review | None, most: int = MOST_SURFACES) -> Outcome:
    """Return the outcome with its surfaces, the run's own first, then what changes the answer most; at most `most`."""
    surfaces: list[dict[str, Any]] = []
    for model, evidence in islice(_choices(outcome, review), most):
        surfaces.append(_surface(outcome, model, evidence, own=not surfaces))
    return replace(outcome, surfaces=tuple(surfaces))


def _choices(outcome: Outcome, review: Review | None) -> Iterable[tuple[Model, Evidence]]:
    """The models to tabulate, each with the evidence it reads; the run's own comes first and once."""
    own, evidence = outcome.model, outcome.evidence
    yield own, evidence
    seen = {_key(own)}
    for model in sorted(_alternatives(own), key=lambda model: _rank(own, model)):
        if model.likelihood == "crossover" and evidence.kind != "crossover":
            other = _other_reading(evidence, review, "crossover")
        elif evidence.kind == "crossover" and model.likelihood != "crossover":
            other = _other_reading(evidence, review, model.likelihood)
        else:
            other = evidence
        if other is not None and _key(model) not in seen:
            seen.add(_key(model))
            yield model, other


def _alternatives(own: Model) -> Iterable[Model]:
    if own.measure not in ("OR", "RR") or own.likelihood == "single-arm":
        return
    for likelihood in ("binomial", "conditional", "crossover", "normal"):
        try:
            LIKELIHOODS[likelihood]
            places = PARAMETRISATIONS if "baseline" in NUISANCE[likelihood] else (None,)
            bases = [default_model(likelihood, own.measure, own.effect, place) for place in places]
        except (InputError, KeyError):
            continue  # not a likelihood of this measure, or of this version
        for base in bases:
            if "association" in NUISANCE[likelihood]:
                for text in ASSOCIATIONS:
                    yield _with(base, own, {"association": text, "baseline": BASELINES[0]})
            elif base.has_baseline:
                for text in BASELINES:
                    yield _with(base, own, {"baseline": text})
            else:
                yield _with(base, own, {})


def _rank(own: Model, model: Model) -> int:
    """Order of the choices: the other parametrisation, the other likelihoods, then other nuisance priors."""
    texts = [model.priors[key].text for key in NUISANCE[model.likelihood]]
    first = texts in ([], [BASELINES[0]], [BASELINES[0], ASSOCIATIONS[0]])
    if model.likelihood == own.likelihood and texts == [own.priors[key].text for key in NUISANCE[own.likelihood]]:
        return 0
    if first and (model.parametrisation in (None, own.parametrisation)):
        return 1
    return 2 if first or texts == [BASELINES[-1]] else 3


def _with(base: Model, own: Model, nuisance: Mapping[str, str]) -> Model:
    priors = dict(base.priors) | {key: own.priors[key] for key in ("mu", "tau") if key in own.priors}
    priors |= {key: parse_prior(text) for key, text in nuisance.items()}
    return replace(base, priors=MappingProxyType(priors))


def _key(model: Model) -> tuple[str | None, ...]:
    texts = [model.priors[key].text for key in NUISANCE[model.likelihood]]
    return (model.likelihood, model.measure, model.parametrisation, *texts)


def _other_reading(evidence: Evidence, review: Review | None, likelihood: str) -> Evidence | None:
    if review is None:
        return None
    try:
        return load_evidence(review, evidence.outcome, likelihood)
    except InputError:
        return None


def _surface(outcome: Outcome, model: Model, evidence: Evidence, *, own: bool) -> dict[str, Any]:
    nuisance = {name: model.priors[name].text for name in NUISANCE[model.likelihood]}
    key = {
        "studies": [repr(study) for study in evidence.studies],
        "model": [model.likelihood, model.measure, model.parametrisation, nuisance],
        "answers": [outcome.fit["priors"]["mu"], outcome.fit["priors"].get("tau"), outcome.prob, outcome.measure],
        "own": outcome.fit["engines"].get("quadrature") if own else None,
    }
    words = ["--model", model.likelihood]
    if model.measure not in ("rate", "effect"):
        words += ["--measure", model.measure]
    if model.parametrisation:
        words += ["--parametrisation", model.parametrisation]
    for name, text in nuisance.items():
        words += [f"--{name}", text]
    return {
        "label": label(model),
        "design": "crossover trials, paired" if evidence.kind == "crossover" else "parallel groups",
        "likelihood": model.likelihood,
        "arguments": words,
        **remember(key, lambda: _made(outcome, model, evidence, own=own)),
    }


def _made(outcome: Outcome, model: Model, evidence: Evidence, *, own: bool) -> dict[str, Any]:
    """Compute what takes time: the table, each trial's curve, and answers to check against."""
    surface = make_surface(evidence.studies, model)
    extent = Extent.of(evidence.studies, model.measure)
    return {
        "table": surface_table(lambda mu, tau: surface.parts(mu, tau).sum(axis=0), extent),
        "studies": [curve_table(curve.log_profile, extent) for curve in surface.curves],
        "answers": _answers(outcome, surface, own=own),
    }


def label(model: Model) -> str:
    """Name a choice for a reader: "binomial, beta(1, 1) on the midpoint"."""
    parts = [_NAMES[model.likelihood]]
    if model.parametrisation:
        where = "midpoint" if model.parametrisation == "midpoint" else "control risk"
        parts.append(f"{model.priors['baseline'].text} on the {where}")
    if "association" in NUISANCE[model.likelihood]:
        parts.append(f"association {model.priors['association'].text}")
    return ", ".join(parts)


def _answers(outcome: Outcome, surface: Surface, *, own: bool) -> list[dict[str, Any]]:
    """Answers of the exact engine for the page to check itself against: under the run's priors, and sceptical ones."""
    fit, prob = outcome.fit, outcome.prob
    rate, tau = outcome.measure == "rate", outcome.fit["priors"].get("tau")
    mus = [fit["priors"]["mu"], *([_SCEPTICAL[outcome.measure]] if own and outcome.measure in _SCEPTICAL else [])]
    taus = [tau, *([_HEAVY] if own and tau is not None else [])]
    mu_shapes = [shape_of(parse_prior(text), rate=rate) for text in mus]
    tau_shapes = [None if text is None else shape_of(parse_prior(text)) for text in taus]
    low, high = tails(prob)
    with np.errstate(divide="ignore"):  # a panel so narrow that its weight is 0 holds nothing
        grid = answer_grid(surface, mu_shapes, tau_shapes, (low, 0.5, high))
    answers = []
    for k, tau_text in enumerate(taus):
        for m, mu_text in enumerate(mus):
            lower, median, upper = (float(x) for x in grid.quantiles[k, m])
            mu = {"median": median, "ci": [lower, upper], "p_gt_0": float(grid.p_gt_0[k, m])}
            expected: dict[str, Any] = {"mu": mu, "log_evidence": float(grid.log_evidence[k, m])}
            answers.append({"mu": mu_text, "tau": tau_text, "prob": prob, "expected": expected})
    known = fit["engines"].get("quadrature")
    if own and known:
        answers[0]["expected"] |= {name: known[name] for name in ("tau", "theta_new") if known.get(name)}
    return answers
