"""One fit from evidence to answer: choose the model, compute, check, and bundle what a reader needs."""

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import numpy as np

from bayes_ivig import __version__
from bayes_ivig.absolute import MAX_TRUNCATED, Absolute, at_control_risk, in_trials
from bayes_ivig.compiler import give_compiler_a_folder
from bayes_ivig.diagnostics import Check, check_sampling
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.priors import Prior
from bayes_ivig.profiles import LIKELIHOODS, binomial
from bayes_ivig.published import Reproduction
from bayes_ivig.spec import MEASURES, Model, Sampler, default_model, load_model
from bayes_ivig.summary import Summary, summarise

DEFAULT_LIKELIHOOD = {
    "two-arm": "binomial",
    "crossover": "crossover",
    "effect": "normal",
    "means": "normal",
    "single-arm": "single-arm",
}
RETRY_TARGET_ACCEPT = 0.99
PACKAGES = ("arviz", "numpy", "nutpie", "pymc", "pytensor", "scipy")


@dataclass(frozen=True)
class Choices:
    """What the user asked for; None means the default for these data."""

    model: str | None = None
    effect: str | None = None
    measure: str | None = None
    parametrisation: str | None = None
    priors: Mapping[str, Prior] = field(default_factory=lambda: MappingProxyType({}))
    seed: int | None = None
    draws: int | None = None


@dataclass(frozen=True)
class Fit:
    """The answer of one fit. Summaries are on the analysis scale; `draws` holds the posterior itself."""

    evidence: Evidence
    model: Model
    engine: str
    prob: float
    mu: Summary
    tau: Summary | None
    theta_new: Summary
    studies: tuple[Summary, ...]
    in_trials: Absolute | None
    at_control_risk: Mapping[str, Absolute] | None
    control_risk: Prior | None
    comparators: tuple[Estimate, ...]
    published: tuple[Reproduction, ...]
    checks: tuple[Check, ...]
    draws: Any
    notes: tuple[str, ...] = ()
    log_evidence: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    def _favourable(self, summary: Summary) -> float | None:
        if self.evidence.benefit is None or self.model.likelihood == "single-arm":
            return None
        return summary.p_gt_0 if self.evidence.benefit == "higher" else 1 - summary.p_gt_0

    @property
    def p_benefit(self) -> float | None:
        """P(mu in the favourable direction); None for a harm or where the direction is unknown."""
        return None if self.evidence.role == "harm" else self._favourable(self.mu)

    @property
    def p_benefit_new(self) -> float | None:
        """The same for the effect in a new trial."""
        return None if self.evidence.role == "harm" else self._favourable(self.theta_new)

    @property
    def p_harm(self) -> float | None:
        """P(mu in the unfavourable direction), for harms."""
        favourable = self._favourable(self.mu)
        return None if self.evidence.role != "harm" or favourable is None else 1 - favourable


def choose_likelihood(name: str | None) -> str | None:
    """Return the likelihood that `--model` names, in itself or in a model file; None without `--model`."""
    if name is None or name in MEASURES:
        return name
    return load_model(name).likelihood


def choose_model(evidence: Evidence, choices: Choices) -> Model:
    """Return the complete model for this evidence: defaults by kind of data, then the file, then the flags.

    Raises
    ------
    InputError
        A choice the data or the model do not allow, or a prior that has to be given and is not.
    """
    base = load_model(choices.model) if choices.model and choices.model not in MEASURES else None
    likelihood = base.likelihood if base else choices.model or DEFAULT_LIKELIHOOD[evidence.kind]
    if likelihood not in LIKELIHOODS:
        raise InputError(
            f"--model: the {likelihood} model is not part of this version; "
            f"available are {', '.join(LIKELIHOODS)} (for a crossover trial, give two-arm counts to the binomial model)"
        )
    measure = choices.measure or (base.measure if base else _default_measure(evidence, likelihood))
    effect = choices.effect or (base.effect if base else "common" if len(evidence.studies) == 1 else "random")
    parametrisation = choices.parametrisation or (base.parametrisation if base else None)
    if base and (measure, effect, parametrisation) == (base.measure, base.effect, base.parametrisation):
        model = base
    else:
        model = default_model(likelihood, measure, effect, parametrisation)
        if base:
            kept = {
                k: p
                for k, p in base.priors.items()
                if k in model.needed and (k == "baseline" or measure == base.measure)
            }
            model = replace(
                model, name=base.name, sampler=base.sampler, priors=MappingProxyType({**model.priors, **kept})
            )
    priors: dict[str, Prior] = dict(model.priors)
    if measure == evidence.measure:
        shipped = evidence_priors(evidence)
        priors |= {key: prior for key, prior in shipped.items() if key in model.needed and key not in priors}
    priors |= choices.priors
    sampler = {key: value for key in ("seed", "draws") if (value := getattr(choices, key)) is not None}
    return replace(
        model, priors=MappingProxyType(priors), sampler=Sampler(**{**vars(model.sampler), **sampler})
    ).require_complete()


def evidence_priors(evidence: Evidence) -> dict[str, Prior]:
    """Priors that a shipped outcome carries because its scale has no natural one."""
    from bayes_ivig.named_priors import resolve_prior

    return {key: resolve_prior(text, where=f"{evidence.outcome} priors.{key}") for key, text in evidence.priors.items()}


def _default_measure(evidence: Evidence, likelihood: str) -> str:
    allowed = MEASURES[likelihood]
    if evidence.measure in allowed:
        return str(evidence.measure)
    return {"effect": "effect", "means": "MD"}.get(evidence.kind, allowed[0])


def run_fit(
    evidence: Evidence,
    model: Model,
    *,
    engine: str = "nuts",
    prob: float = 0.95,
    control_risk: Prior | None = None,
    published: tuple[Reproduction, ...] = (),
    say: Callable[[str], None] = lambda text: None,
) -> Fit:
    """Fit one model to one outcome.

    Parameters
    ----------
    evidence, model
        What to fit; `model` is complete.
    engine
        "nuts".
    prob
        Probability of every equal-tailed interval.
    control_risk
        Chosen control risk for absolute effects: a point or a density on 0 to 1.
    published
        The published results, compared with the data already.
    say
        Told what is going on, for a reader who waits.

    Returns
    -------
    Fit
        With failed checks in it where there are any: a fit that did not converge is labelled, not hidden.
    """
    if control_risk is not None and model.measure not in ("OR", "RR"):
        raise InputError(f"--control-risk: a {model.measure} implies no risk; it works with OR and RR")
    start = time.perf_counter()
    say("Loading PyMC")
    give_compiler_a_folder()
    from bayes_ivig import nuts

    imported = time.perf_counter()
    say("Compiling the model")
    ready = nuts.compile_model(evidence.studies, model)
    compiled = time.perf_counter()
    notes = [*evidence.notes, *_model_notes(evidence, model)]
    settings = model.sampler
    say("Sampling")
    tree = nuts.sample(ready, target_accept=settings.target_accept, draws=settings.draws)
    checks = check_sampling(tree)
    if not all(check.passed for check in checks):
        accept = max(RETRY_TARGET_ACCEPT, settings.target_accept)
        notes.append(f"Sampling was repeated once with target acceptance {accept} because a check had failed.")
        say("Sampling again, more carefully")
        tree = nuts.sample(ready, target_accept=accept, draws=2 * settings.draws)
        checks = check_sampling(tree)
    sampled = time.perf_counter()
    draws = {name: _flat(x.values) for name, x in tree.posterior.data_vars.items()}
    if published:
        checks = (*checks, check_published_results(published))
    absolute, chosen = _absolute_effects(evidence, model, draws, control_risk)
    if chosen is not None:
        above = max(absolute_.p_above_1 for absolute_ in chosen.values())
        checks = (
            *checks,
            Check(
                "P(treated risk above 1)",
                above,
                MAX_TRUNCATED,
                above <= MAX_TRUNCATED,
                "choose a lower control risk, or OR",
            ),
        )
    return Fit(
        evidence=evidence,
        model=model,
        engine=engine,
        prob=prob,
        mu=summarise(draws["mu"], prob),
        tau=summarise(draws["tau"], prob) if "tau" in draws else None,
        theta_new=summarise(draws["theta_new"], prob),
        studies=tuple(summarise(draws["theta"][:, i], prob) for i in range(len(evidence.studies))),
        in_trials=absolute,
        at_control_risk=chosen,
        control_risk=control_risk,
        comparators=pool(evidence.studies, model.measure, prob),
        published=published,
        checks=checks,
        draws=tree,
        notes=tuple(notes),
        seconds={"import": imported - start, "compile": compiled - imported, "sample": sampled - compiled},
    )


def check_published_results(published: tuple[Reproduction, ...]) -> Check:
    """Check that every published result expected to be reproduced is; an irreproducible one is a finding."""
    failed = [reproduction.published.label for reproduction in published if reproduction.failed]
    hint = f"look at {', '.join(failed)}: the data or a method has changed"
    return Check("published results not reproduced", len(failed), 0, not failed, hint)


def _flat(x: np.ndarray) -> np.ndarray:
    """Merge chains and draws: (chain, draw, ...) to (n_draws, ...)."""
    return x.reshape(-1, *x.shape[2:])


def _absolute_effects(
    evidence: Evidence, model: Model, draws: Mapping[str, np.ndarray], control_risk: Prior | None
) -> tuple[Absolute | None, Mapping[str, Absolute] | None]:
    inside = None
    if model.has_baseline:
        weights = binomial.make_data(evidence.studies, model.measure).weights
        if weights.sum() > 0:
            inside = in_trials(draws["p_c"], draws["p_t"], weights)
    if control_risk is None:
        return inside, None
    rng = np.random.default_rng([model.sampler.seed, 2])
    chosen = {
        name: at_control_risk(draws[parameter], model.measure, control_risk, rng)
        for name, parameter in (("average_trial", "mu"), ("next_trial", "theta_new"))
    }
    return inside, chosen


def _model_notes(evidence: Evidence, model: Model) -> list[str]:
    notes = []
    if len(evidence.studies) == 1 and model.effect == "random":
        notes.append("With one trial the posterior of tau is its prior: the data say nothing about heterogeneity.")
    elif len(evidence.studies) <= 5 and model.effect == "random":
        notes.append(f"With {len(evidence.studies)} trials the posterior of tau is mostly its prior.")
    if model.has_baseline:
        place = "the midpoint of the two logits" if model.parametrisation == "midpoint" else "the control risk"
        notes.append(
            f"Baseline prior: {model.priors['baseline'].text} on {place} of each trial. With zero cells this choice "
            "matters more than any other."
        )
    return notes


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
    absolute = None if fit.in_trials is None else fit.in_trials.to_json(fit.prob, evidence.benefit)
    chosen = None
    if fit.at_control_risk is not None and fit.control_risk is not None:
        chosen = {"control_risk": fit.control_risk.text} | {
            name: x.to_json(fit.prob, evidence.benefit) | {"p_above_1": x.p_above_1}
            for name, x in fit.at_control_risk.items()
        }
    tau = None if fit.tau is None else fit.tau.to_json()
    sampler = {
        "mu": fit.mu.to_json(),
        "tau": tau,
        "theta_new": fit.theta_new.to_json(),
        "settings": vars(model.sampler),
    }
    return {
        "schema": 1,
        "review": evidence.review,
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
        "p_benefit": fit.p_benefit,
        "p_benefit_new": fit.p_benefit_new,
        "p_harm": fit.p_harm,
        "log_evidence": fit.log_evidence,
        "comparators": comparators_json(fit.comparators, fit.published),
        "published": [reproduction.to_json() for reproduction in fit.published],
        "checks": [check.to_json() for check in fit.checks],
        "failed": bool(fit.failed),
        "engines": {"nuts": sampler, "quadrature": None, "agreement": None},
        "notes": list(fit.notes),
        "provenance": provenance(fit),
    }


def _same_method(estimate: Estimate, others: tuple[Estimate, ...]) -> bool:
    """Whether one of the others is this method; limits may differ, since published ones are at 95%."""
    key = (estimate.method, estimate.measure, estimate.correction, estimate.interval)
    return any(key == (o.method, o.measure, o.correction, o.interval) for o in others)


def comparators_json(comparators: tuple[Estimate, ...], published: tuple[Reproduction, ...]) -> list[dict[str, Any]]:
    """Frequentist estimates on the natural scale, each marked by whether it reproduces the published result.

    True or false where a result of this measure is published for all trials, else None.
    """
    pooled = [r for r in published if r.published.studies is None and r.published.reading is None]
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
