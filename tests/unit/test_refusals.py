"""What the numeric core refuses, word for word: where, what was found, what is allowed, what to do."""

import numpy as np
import pytest

from bayes_ivig.effects import corrected, effect_sizes, one_kind
from bayes_ivig.errors import InputError
from bayes_ivig.pooled import pool
from bayes_ivig.priors import parse_prior
from bayes_ivig.priors.requirements import (
    require_plausible_size,
    require_real_prior,
    require_risk_or_real_prior,
    require_scale_prior,
)
from bayes_ivig.profiles import binomial, conditional, crossover, discordant, normal, single_arm
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Paired, PairedMargins, SingleArm, TwoArm

TWO, EMPTY, RATE = TwoArm("a", 1, 2, 1, 2), TwoArm("a", 0, 0, 1, 2), SingleArm("a", 1, 2)
PAIRED, MARGINS = Paired("a", 1, 1, 1, 1), PairedMargins("a", 1, 1, 2)
EXAMPLE = "write a prior such as half-normal(0.5)"
KNOWN = (
    "known are normal, student-t, cauchy, uniform, beta, half-normal, half-cauchy, half-student-t, exponential, "
    "log-normal, log-student-t, inverse-gamma, fixed, sceptical, enthusiastic"
)

TEXTS = {
    "sceptical(0)": "sceptical(theta_A): theta_A = 0 is not allowed; it is the alternative, not 0",
    "enthusiastic(1, 2)": "enthusiastic has 2 numbers; write enthusiastic(theta_A)",
    "normal(0, 1": f"expected ',' or ')', found the end; {EXAMPLE}",
    "normal(0; 1)": f"cannot read '; 1)'; {EXAMPLE}",
    "0.5 normal(0, 1)": f"expected '*', found 'normal'; {EXAMPLE}",
    "normal(0, x)": f"expected a finite number, found 'x'; {EXAMPLE}",
    "normal(0, 1e999)": f"expected a finite number, found '1e999'; {EXAMPLE}",
    "norma(0, 1)": f"unknown prior 'norma'; {KNOWN}; did you mean 'normal'?",
    "": f"unknown prior ''; {KNOWN}",
    "x" * 1001: "a prior has at most 1000 characters, not 1001",
    "normal(0, 0)": "normal(m, s): s = 0 is not allowed; it must be above 0, at least 1e-100",
    "0.5*normal(0, 1) + 0.4*normal(1, 1)": (
        "the weights of '0.5*normal(0, 1) + 0.4*normal(1, 1)' sum to 0.9; they must sum to 1"
    ),
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts_of_priors(text):
    with pytest.raises(InputError) as refused:
        parse_prior(text, where="--mu")
    assert str(refused.value) == f"--mu: {TEXTS[text]}"


REQUIREMENTS = {
    "tau: 'inverse-gamma(0.001, 0.001)' puts 94% of its mass on values above 1e+25 in size; "
    "write a narrower one, such as half-normal(0.5) or half-cauchy(0.5)": lambda prior: require_plausible_size(
        prior, "tau", scale=True
    ),
    "mu: 'normal(0, 1e+30)' puts 100% of its mass on values above 1e+25 in size; "
    "write a narrower one, such as normal(0, 2.82)": lambda prior: require_plausible_size(prior, "mu"),
    "tau: 'normal(0, 1)' allows values below 0; "
    "a standard deviation needs a prior on [0, inf), such as half-normal(0.5)": require_scale_prior,
    "baseline: 'half-normal(1)' is not allowed; write a density of the risk, such as beta(1, 1), "
    "or of the logit on the whole real line, such as normal(0, 10)": require_risk_or_real_prior,
    "mu: '0.5*uniform(0, 1) + 0.5*uniform(2, 3)' leaves a gap between 1 and 2; "
    "write a mixture whose parts meet or overlap": require_real_prior,
}


@pytest.mark.parametrize("sentence", REQUIREMENTS)
def test_priors_that_a_parameter_cannot_have(sentence):
    prior = parse_prior(sentence.split("'")[1])
    with pytest.raises(InputError) as refused:
        REQUIREMENTS[sentence](prior)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("beta(0.5, 0.5)", 0),
        ("beta(2, 0.9)", 1),
        ("log-student-t(4, 0, 1)", 0),
        ("0.5*normal(0, 1) + 0.5*beta(0.9, 2)", 0),
    ],
)
def test_an_association_of_infinite_density(text, end):
    with pytest.raises(InputError) as refused:
        with_priors(default_model("crossover", "OR", "random", "midpoint"), {"association": parse_prior(text)})
    assert str(refused.value) == (
        f"association: '{text}' is not allowed, its density is infinite at {end}; "
        "write one that is finite everywhere, such as normal(0, 1.5)"
    )


STUDIES = {
    "a: the binomial model needs two-arm counts, not crossover data": lambda: binomial.make_data((PAIRED,), "OR"),
    "a: the conditional model needs two-arm counts, not crossover data": lambda: conditional.make_data((PAIRED,), "OR"),
    "a: the crossover model needs paired tables or margins, not two-arm data": lambda: crossover.make_data(
        (TWO,), "OR"
    ),
    "a: the OR within patients needs paired tables, not two-arm data": lambda: discordant.make_data((TWO,)),
    "no trial has a paired table: the OR within patients cannot be known from margins alone": lambda: (
        discordant.make_data((MARGINS,))
    ),
    "no trial has a OR with a standard error; left out, an arm has no patients: a": lambda: normal.make_data(
        (EMPTY,), "OR"
    ),
    "a: the single-arm model needs events and n, not two-arm data": lambda: single_arm.make_data((TWO,), "rate"),
    "prob: 95 is not allowed; give the intervals a probability between 0 and 1, such as 0.95": lambda: pool(
        (TWO,), prob=95
    ),
    "correction 'al' is not known; give one of none, revman, only0, all; did you mean 'all'?": lambda: corrected(
        np.ones((1, 4)), "al"
    ),
    "measure 'ORR' is not one of two-arm data; give one of RR, OR, RD; did you mean 'RR'?": lambda: effect_sizes(
        (TWO,), "ORR"
    ),
    "trials: found none; give at least one, all of one kind": lambda: one_kind(()),
    "trials: found single-arm and two-arm; give at least one, all of one kind": lambda: one_kind((TWO, RATE)),
}


@pytest.mark.parametrize("sentence", STUDIES)
def test_studies_and_choices(sentence):
    with pytest.raises(InputError) as refused:
        STUDIES[sentence]()
    assert str(refused.value) == sentence
