"""The command about rates of harm."""

import sys
from typing import Annotated

from bayes_ivig.cli.options import (
    DEFAULT_REVIEW,
    JsonOption,
    ModelOption,
    Outcome,
    ProbOption,
    ReviewOption,
    check_prob,
    prior_option,
)
from bayes_ivig.errors import InputError


def harms(
    outcome: Outcome,
    review: ReviewOption = None,
    informative: Annotated[
        str | None, prior_option("--informative", "the rate, a beta, beside the uniform and Jeffreys'", "beta(1, 19)")
    ] = None,
    model: ModelOption = None,
    prob: ProbOption = 0.95,
    json: JsonOption = False,
) -> None:
    """Rates of harm, seen or never seen: upper limits, events to expect, event-free patients that would reassure.

    Every reading of the trials' counts is shown. Nothing is written.

    Examples:  bayes-ivig harms serious-adverse-events;  bayes-ivig harms serious-adverse-events --review mmn-2022
    """
    check_prob(prob)
    from bayes_ivig.choices import choose_likelihood
    from bayes_ivig.formats import is_file_argument
    from bayes_ivig.harms import assess_harms
    from bayes_ivig.named_priors import resolve_prior
    from bayes_ivig.reproduction import load_with_published
    from bayes_ivig.reviews import load_evidence, load_review

    prior = resolve_prior(informative, where="--informative") if informative else None
    likelihood = choose_likelihood(model)
    if outcome == "all":
        raise InputError("harms: give one outcome, or the path of a file of trials")
    if is_file_argument(outcome):
        evidence = load_with_published(outcome, likelihood, None)[0]
    else:
        evidence = load_evidence(load_review(review or DEFAULT_REVIEW), outcome, likelihood)
    result = assess_harms(evidence, prior, prob)
    if json:
        from bayes_ivig.store import json_text

        head = {"schema": 1, "review": evidence.review, "outcome": evidence.outcome, "kind": evidence.kind}
        sys.stdout.write(json_text(head | result.to_json()))
    else:
        from bayes_ivig.present import console
        from bayes_ivig.present_harms import harms_view

        console().print(harms_view(result))
