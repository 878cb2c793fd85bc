"""One fit from evidence to answer: compute, check, and bundle what a reader needs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bayes_ivig.absolute import MAX_TRUNCATED, Absolute, at_control_risk, in_trials
from bayes_ivig.agreement import Agreement
from bayes_ivig.checks import Check
from bayes_ivig.crossover_view import CrossoverView, view_crossover
from bayes_ivig.draws import Draws, make_draws
from bayes_ivig.engines import (
    Answers,
    check_quadrature,
    exact_answers,
    flatten,
    moment_notes,
    run_nuts,
    run_quadrature,
    sampled_answers,
)
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.model_notes import model_notes
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.priors import Prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.published import Reproduction
from bayes_ivig.quadrature.draws import draw_posterior
from bayes_ivig.spec import Model
from bayes_ivig.summary import Summary
from bayes_ivig.wording import number


@dataclass(frozen=True)
class Fit:
    """The answer of one fit. Summaries are on the analysis scale; `draws` holds the posterior itself.

    `mu` and the other summaries are the exact engine's where it ran, else the sampler's; `sampled` and `exact` are
    what each says, `error` the exact engine's estimate of its own error.
    """

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
    exact: Answers | None = None
    error: float | None = None
    sampled: Answers | None = None
    agreement: Agreement | None = None
    crossover: CrossoverView | None = None

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
    engine: str = "both",
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
        "quadrature" (exact), "nuts" (sampled), or "both": the exact answer, checked by the sampler.
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
    notes = [*evidence.notes, *model_notes(evidence, model)]
    checks: tuple[Check, ...] = ()
    seconds: dict[str, float] = {}
    posterior, exact, sampled, agreement = None, None, None, None
    if engine != "nuts":
        start = time.perf_counter()
        posterior = run_quadrature(evidence, model)
        exact = exact_answers(posterior, prob)
        checks = (check_quadrature(posterior),)
        notes += moment_notes(exact)
        seconds["quadrature"] = time.perf_counter() - start
        say(f"mu {number(exact.mu.median)} ({number(exact.mu.ci[0])} to {number(exact.mu.ci[1])}) by quadrature")
    if engine != "quadrature":
        found = run_nuts(evidence, model, posterior, say)
        sampled, agreement = sampled_answers(found.draws, prob), found.agreement
        checks += found.checks if agreement is None else (*found.checks, agreement.check)
        notes += found.notes
        seconds |= found.seconds
    start = time.perf_counter()
    independent = None
    if posterior is not None:
        rng = np.random.default_rng([model.sampler.seed, 3])
        independent = draw_posterior(posterior, evidence.studies, model, rng)
    draws = (
        found.draws
        if independent is None or sampled is not None
        else make_draws(independent, evidence.studies, model, rng)
    )
    seconds["draws"] = time.perf_counter() - start
    absolute, chosen = _absolute_effects(evidence, model, independent or found.draws["posterior"], control_risk)
    crossover = None
    if model.likelihood == "crossover":
        start = time.perf_counter()
        looked_at = independent or found.draws["posterior"]
        crossover = view_crossover(evidence, model, posterior or run_quadrature(evidence, model), looked_at, prob)
        seconds["crossover"] = time.perf_counter() - start
    if chosen is not None:
        checks += (_check_truncation(chosen),)
    if published:
        checks += (check_published_results(published),)
    answers = exact or sampled
    assert answers is not None
    return Fit(
        evidence=evidence,
        model=model,
        engine=engine,
        prob=prob,
        mu=answers.mu,
        tau=answers.tau,
        theta_new=answers.theta_new,
        studies=answers.studies,
        in_trials=absolute,
        at_control_risk=chosen,
        control_risk=control_risk,
        comparators=pool(evidence.studies, model.measure, prob),
        published=published,
        checks=checks,
        draws=draws,
        notes=tuple(notes),
        log_evidence=None if posterior is None else posterior.log_evidence,
        seconds=seconds,
        exact=exact,
        error=None if posterior is None else posterior.movement,
        sampled=sampled,
        agreement=agreement,
        crossover=crossover,
    )


def check_published_results(published: tuple[Reproduction, ...]) -> Check:
    """Check that every published result expected to be reproduced is; an irreproducible one is a finding."""
    failed = [reproduction.published.label for reproduction in published if reproduction.failed]
    hint = f"look at {', '.join(failed)}: the data or a method has changed"
    return Check("published results not reproduced", len(failed), 0, not failed, hint)


def _check_truncation(chosen: Mapping[str, Absolute]) -> Check:
    above = max(absolute.p_above_1 for absolute in chosen.values())
    hint = "choose a lower control risk, or OR"
    return Check("P(treated risk above 1)", above, MAX_TRUNCATED, above <= MAX_TRUNCATED, hint)


def _absolute_effects(
    evidence: Evidence, model: Model, posterior: Mapping[str, np.ndarray], control_risk: Prior | None
) -> tuple[Absolute | None, Mapping[str, Absolute] | None]:
    draws = {name: flatten(x) for name, x in posterior.items()}
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
