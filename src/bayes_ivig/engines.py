"""The two engines, each from evidence and model to answers with their checks."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bayes_ivig.agreement import Agreement, compare_engines
from bayes_ivig.checks import Check
from bayes_ivig.compiler import give_compiler_a_folder
from bayes_ivig.draws import Draws
from bayes_ivig.evidence import Evidence
from bayes_ivig.quadrature import Posterior, fit_posterior, make_surface, shape_of
from bayes_ivig.spec import Model
from bayes_ivig.summary import Summary, summarise

RETRY_TARGET_ACCEPT = 0.99
MAX_QUADRATURE_ERROR = 1e-6
SAMPLED_AGAIN = ("Sampling was repeated", "The engines differed")  # how the notes that depend on the draws begin
Say = Callable[[str], None]


@dataclass(frozen=True)
class Answers:
    """What one engine says of every parameter, on the analysis scale; `tau` is None for a common effect."""

    mu: Summary
    tau: Summary | None
    theta_new: Summary
    studies: tuple[Summary, ...]


def run_quadrature(evidence: Evidence, model: Model) -> Posterior:
    """Return the exact posterior."""
    mu = shape_of(model.priors["mu"], rate=model.likelihood == "single-arm")
    tau = shape_of(model.priors["tau"]) if model.effect == "random" else None
    return fit_posterior(make_surface(evidence.studies, model), mu, tau)


def exact_answers(posterior: Posterior, prob: float) -> Answers:
    """Summaries of the exact posterior."""
    return Answers(
        mu=posterior.mu.summary(prob),
        tau=None if posterior.tau_prior is None else posterior.tau.summary(prob),
        theta_new=posterior.theta_new.summary(prob),
        studies=tuple(marginal.summary(prob) for marginal in posterior.theta),
    )


def check_quadrature(posterior: Posterior) -> Check:
    """Check the engine's own estimate of its error."""
    error = posterior.movement
    hint = "the exact engine did not settle: use a tighter prior, or --engine nuts"
    return Check(
        "quadrature error estimate, in posterior SDs", error, MAX_QUADRATURE_ERROR, error <= MAX_QUADRATURE_ERROR, hint
    )


def moment_notes(answers: Answers) -> tuple[str, ...]:
    """Say where a mean or an SD does not exist."""
    named = {"mu": answers.mu, "tau": answers.tau, "theta_new": answers.theta_new}
    without = [
        name for name, x in named.items() if x is not None and not (math.isfinite(x.mean) and math.isfinite(x.sd))
    ]
    if not without:
        return ()
    return (
        f"The posterior of {' and '.join(without)} has tails too heavy for a mean or an SD (null in JSON); "
        "the median and the interval are what they are.",
    )


class Sampled(NamedTuple):
    """What the sampler gave: every group of draws, its checks, notes for the reader, seconds by stage."""

    draws: Draws
    checks: tuple[Check, ...]
    agreement: Agreement | None
    notes: tuple[str, ...]
    seconds: Mapping[str, float]


def run_nuts(evidence: Evidence, model: Model, exact: Posterior | None, say: Say) -> Sampled:
    """Sample; where a check fails, once more and more carefully, and against the exact engine with more draws."""
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
    accept, n = settings.target_accept, settings.draws
    draws = nuts.sample(ready, target_accept=accept, draws=n)
    checks = check_sampling(draws.to_datatree())
    if not all(check.passed for check in checks):
        accept, n = max(RETRY_TARGET_ACCEPT, accept), 2 * n
        notes.append(f"{SAMPLED_AGAIN[0]} once with target acceptance {accept} because a check had failed.")
        say("Sampling again, more carefully")
        draws = nuts.sample(ready, target_accept=accept, draws=n)
        checks = check_sampling(draws.to_datatree())
    agreement = None
    if exact is not None:
        agreement = compare_engines(draws["posterior"], exact)
        if not agreement.check.passed:
            notes.append(
                f"{SAMPLED_AGAIN[1]} by {agreement.z:.1f} MCSE ({agreement.worst}); sampled again, 4 times longer."
            )
            say("Sampling again, four times longer, to compare the engines")
            draws = nuts.sample(ready, target_accept=accept, draws=4 * n)
            checks = check_sampling(draws.to_datatree())
            agreement = compare_engines(draws["posterior"], exact)
    seconds = {"import": imported - start, "compile": compiled - imported, "sample": time.perf_counter() - compiled}
    return Sampled(draws, checks, agreement, tuple(notes), seconds)


def sampled_answers(draws: Draws, prob: float) -> Answers:
    """Summaries of draws."""
    flat = {name: flatten(x) for name, x in draws["posterior"].items()}
    return Answers(
        mu=summarise(flat["mu"], prob),
        tau=summarise(flat["tau"], prob) if "tau" in flat else None,
        theta_new=summarise(flat["theta_new"], prob),
        studies=tuple(summarise(x, prob) for x in flat["theta"].T),
    )


def flatten(x: np.ndarray) -> np.ndarray:
    """Merge chains and draws: (chain, draw, ...) to (n_draws, ...)."""
    return x.reshape(-1, *x.shape[2:])
