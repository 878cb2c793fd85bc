"""One fit from evidence to answer: compute, check, and bundle what a reader needs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bayes_ivig.absolute import MAX_TRUNCATED, Absolute, at_control_risk, in_trials
from bayes_ivig.checks import Check
from bayes_ivig.compiler import give_compiler_a_folder
from bayes_ivig.draws import Draws
from bayes_ivig.effects import named
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.priors import Prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.published import Reproduction
from bayes_ivig.spec import Model
from bayes_ivig.studies import Paired, PairedMargins, Study
from bayes_ivig.summary import Summary, summarise

RETRY_TARGET_ACCEPT = 0.99


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
    draws: Draws
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
    notes = [*evidence.notes, *_model_notes(evidence, model)]
    sampled = _run_nuts(evidence, model, say)
    checks = sampled.checks
    if published:
        checks = (*checks, check_published_results(published))
    draws = {name: _flat(x) for name, x in sampled.draws["posterior"].items()}
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
        draws=sampled.draws,
        notes=(*notes, *sampled.notes),
        seconds=sampled.seconds,
    )


class _Sampled(NamedTuple):
    """What the sampler gave: every group of draws, its checks, notes for the reader, seconds by stage."""

    draws: Draws
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    seconds: Mapping[str, float]


def _run_nuts(evidence: Evidence, model: Model, say: Callable[[str], None]) -> _Sampled:
    """Sample; where a check fails, once more and more carefully."""
    start = time.perf_counter()
    say("Loading PyMC")
    give_compiler_a_folder()
    from bayes_ivig import nuts
    from bayes_ivig.diagnostics import check_sampling

    imported = time.perf_counter()
    say("Compiling the model")
    ready = nuts.compile_model(evidence.studies, model)
    compiled = time.perf_counter()
    say("Sampling")
    settings, notes = model.sampler, []
    draws = nuts.sample(ready, target_accept=settings.target_accept, draws=settings.draws)
    checks = check_sampling(draws.to_datatree())
    if not all(check.passed for check in checks):
        accept = max(RETRY_TARGET_ACCEPT, settings.target_accept)
        notes.append(f"Sampling was repeated once with target acceptance {accept} because a check had failed.")
        say("Sampling again, more carefully")
        draws = nuts.sample(ready, target_accept=accept, draws=2 * settings.draws)
        checks = check_sampling(draws.to_datatree())
    seconds = {"import": imported - start, "compile": compiled - imported, "sample": time.perf_counter() - compiled}
    return _Sampled(draws, checks, tuple(notes), seconds)


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
        weights = LIKELIHOODS[model.likelihood].make_data(evidence.studies, model.measure).weights
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
    if model.likelihood == "conditional":
        notes.append("The conditional model has no baseline risk: it gives the OR, and no risk in these trials.")
        notes += LIKELIHOODS["conditional"].make_data(evidence.studies, model.measure).notes
    if model.likelihood == "crossover":
        notes += _crossover_notes(evidence.studies, model)
    return notes


def _crossover_notes(studies: tuple[Study, ...], model: Model) -> tuple[str, ...]:
    single = [isinstance(study, Paired) and study.n_t + study.n_c > 0 for study in studies]
    return (
        "The effect is the marginal OR, comparable with parallel trials, not the OR within a patient. Association "
        f"prior: {model.priors['association'].text} on the log odds ratio within patients, in each trial.",
        *named(
            "Known by margins only, summed over every table that has them",
            studies,
            [isinstance(study, PairedMargins) for study in studies],
        ),
        *named(
            "With patients who had one treatment only, which rests on crossing being decided by the recorded "
            "first-period outcome alone, and on no period, sequence or carry-over effect",
            studies,
            single,
        ),
    )
