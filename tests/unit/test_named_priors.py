"""The tables of published priors: every row against the table's own quantiles of tau."""

import math

import numpy as np
import pytest

from bayes_ivig.errors import InputError
from bayes_ivig.named_priors import find_named_prior, named_priors, prior_forms, resolve_prior
from bayes_ivig.priors import Prior, parse_prior, require_scale_prior

HETEROGENEITY = [prior for prior in named_priors() if prior.target == "tau"]
EFFECT = [prior for prior in named_priors() if prior.target == "mu"]


def test_the_tables_are_whole():
    assert len(HETEROGENEITY) == 174
    assert len(EFFECT) == 10
    assert {form.name for form in prior_forms()} == {"sceptical", "enthusiastic"}
    counts = {
        author: sum(p.name.startswith(author) for p in HETEROGENEITY)
        for author in ("turner2015", "turner2012", "rhodes2015")
    }
    assert counts == {"turner2015": 81, "turner2012": 9, "rhodes2015": 73}
    assert {prior.scale for prior in named_priors()} == {
        "log OR",
        "log RR",
        "SMD",
        "risk difference",
        "log OR / log RR",
    }


@pytest.mark.parametrize("named", HETEROGENEITY, ids=lambda named: named.name)
def test_tau_quantiles_as_the_table_prints_them(named):
    printed = [named.tau_median, named.tau_q025, named.tau_q975]
    np.testing.assert_allclose(named.prior.ppf([0.5, 0.025, 0.975]), printed, rtol=0, atol=0.5001e-4)
    assert require_scale_prior(named.prior) is named.prior


def test_tau_squared_becomes_tau():
    """Turner 2015, Table IV, marginal: tau^2 ~ log-normal(-2.56, 1.74^2), here by the change of variable."""
    tau = np.array([0.05, 0.3, 1.5])
    squared = parse_prior("log-normal(-2.56, 1.74)")
    prior = resolve_prior("turner2015_marginal")
    assert prior == Prior("log-normal", (-1.28, 0.87))
    np.testing.assert_allclose(prior.cdf(tau), squared.cdf(tau**2), rtol=1e-13)
    np.testing.assert_allclose(prior.logpdf(tau), squared.logpdf(tau**2) + np.log(2 * tau), rtol=1e-13)
    assert resolve_prior("rhodes2015_marginal") == Prior("log-student-t", (5.0, -1.72, 1.295))


def test_tau_itself_is_left_alone():
    assert resolve_prior("bartos2023_logOR_neuromuscular").text == "inverse-gamma(1.74, 0.49)"
    assert resolve_prior("bartos2023_RD_neuromuscular").text == "half-normal(0.075)"


def test_effect_priors():
    assert {p.name: p.prior.text for p in EFFECT if p.prior.family == "normal"} == {
        "uip_logOR": "normal(0, 4)",
        "uip_logRR": "normal(0, 2)",
        "wip_logOR": "normal(0, 2.82)",
        "vague": "normal(0, 10)",
    }
    assert find_named_prior("bartos_RD_neuromuscular").prior.text == "student-t(1, 0, 0.034)"
    assert find_named_prior("wip_logOR").prior.sd == pytest.approx(math.log(250) / 1.96, abs=0.005)


def test_every_prior_is_cited_and_named_once():
    keys = [prior.name.casefold().replace("_", "-") for prior in named_priors()]
    assert len(set(keys)) == len(keys)
    assert all(prior.citation and prior.confidence for prior in named_priors())
    assert all(prior.doi.startswith("10.") for prior in HETEROGENEITY)


@pytest.mark.parametrize("name", ["turner2015_1_7", "Turner2015-1-7", " TURNER2015_1-7 "])
def test_lookup_ignores_case_hyphen_and_underscore(name):
    assert resolve_prior(name) == find_named_prior("turner2015_1_7").prior


def test_resolve_reads_text_forms_too():
    assert resolve_prior("half-normal(0.5)") == Prior("half-normal", (0.5,))
    assert resolve_prior("Sceptical(0.7)") == parse_prior("sceptical(0.7)")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("turner2015_1_77", "did you mean 'turner2015_1_7'?"),
        ("half-norml", "did you mean 'half-normal'?"),
        ("half-normal", "expected '('"),
        ("sceptical", "write sceptical(theta_A)"),
        ("?" * 5000, "see 'bayes-ivig priors list'"),
        ("", "no prior is named ''"),
    ],
)
def test_unknown_names(name, said):
    with pytest.raises(InputError) as error:
        resolve_prior(name, where="--mu")
    assert str(error.value).startswith("--mu: ")
    assert said in str(error.value)
    assert len(str(error.value)) < 300
