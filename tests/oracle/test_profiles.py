"""Integrated likelihoods against slow sums written apart, and against closed forms."""

from math import comb, log

import brute_force
import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln, logsumexp

from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.profiles import conditional, crossover, discordant
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Paired, PairedMargins, TwoArm

PAIRED = (
    Paired("Azulay", 0, 5, 0, 0),
    Paired("table", 20, 10, 5, 20),
    Paired("Leger", 0, 2, 0, 3, 2, 2, 2, 2, 4, 5),
    PairedMargins("Van den Berg", 5, 1, 6),
    PairedMargins("Hahn", 4, 20, 42),
    Paired("nothing seen", 0, 0, 0, 5),
)


def model(parametrisation="midpoint", **priors):
    base = default_model("crossover", "OR", "random", parametrisation)
    return with_priors(base, {key: resolve_prior(text) for key, text in priors.items()})


@pytest.mark.parametrize("study", PAIRED, ids=lambda study: study.study)
@pytest.mark.parametrize("parametrisation", ["midpoint", "control"])
@pytest.mark.parametrize("theta", [1.0, *(pytest.param(x, marks=pytest.mark.slow) for x in (-2.5, 0.0, 5.0))])
def test_crossover_agrees_with_brute_force(study, parametrisation, theta):
    mine = crossover.log_integrated(study, model(parametrisation, association="normal(1.5, 1)"), np.array([theta]))[0]
    density = brute_force.uniform_risk_on_logit
    slow = brute_force.paired_profile(study, theta, parametrisation, density, stats.norm(1.5, 1), every=4)
    assert mine == pytest.approx(log(slow), abs=2e-9)


@pytest.mark.slow
@pytest.mark.parametrize("study", PAIRED[:5], ids=lambda study: study.study)
def test_crossover_agrees_with_brute_force_under_the_default_association(study):
    """Negative associations bend the cells at g = 0, which an even grid resolves less well."""
    mine = crossover.log_integrated(study, model(baseline="normal(0.5, 2)"), np.array([0.7]))[0]
    density = stats.norm(0.5, 2).pdf
    slow = brute_force.paired_profile(study, 0.7, "midpoint", density, stats.norm(0, 1.5))
    assert mine == pytest.approx(log(slow), abs=1e-7)


@pytest.mark.parametrize(("on_t", "on_c", "n"), [(5, 1, 6), (4, 20, 42), (0, 0, 5), (3, 3, 3)])
def test_no_association_and_no_effect_have_a_closed_form(on_t, on_c, n):
    """Then both arms share one uniform risk."""
    found = crossover.log_integrated(PairedMargins("x", on_t, on_c, n), model(association="fixed(0)"), np.zeros(1))
    events = on_t + on_c
    exact = log(comb(n, on_t)) + log(comb(n, on_c)) + betaln(events + 1, 2 * n - events + 1)
    assert found == pytest.approx([exact], abs=1e-12)


@pytest.mark.parametrize("counts", [(5, 5, 0, 5), (11, 16, 0, 16), (5, 6, 1, 6), (2, 3, 7, 40)])
def test_conditional_agrees_with_a_sum_over_tables(counts):
    study = TwoArm("x", *counts)
    events_t, n_t, events_c, n_c = counts
    total = events_t + events_c
    theta = np.array([-30.0, -3.0, 0.0, 0.1, 4.0, 30.0])
    support = range(max(0, total - n_c), min(n_t, total) + 1)
    terms = np.array([log(comb(n_t, x) * comb(n_c, total - x)) + x * theta for x in support])
    exact = log(comb(n_t, events_t) * comb(n_c, events_c)) + events_t * theta - logsumexp(terms, axis=0)
    found = conditional.log_integrated(study, default_model("conditional", "OR", "random"), theta)
    np.testing.assert_allclose(found, exact, rtol=1e-13, atol=1e-13)


def test_conditional_without_effect_is_the_hypergeometric_distribution_for_a_million():
    study = TwoArm("x", 300_123, 1_000_000, 300_000, 1_000_000)
    found = conditional.log_integrated(study, default_model("conditional", "OR", "random"), np.array([0.0]))
    exact = stats.hypergeom(2_000_000, 600_123, 1_000_000).logpmf(300_123)
    assert found == pytest.approx([exact], abs=1e-6)  # scipy's log-gamma functions lose that much


def test_discordant_pairs_are_binomial():
    leger = PAIRED[2]
    theta = np.array([-5.0, 0.0, 3.0])
    p = 1 / (1 + np.exp(-theta - np.log(5 / 4)))
    np.testing.assert_allclose(discordant.log_integrated(leger, None, theta), stats.binom.logpmf(2, 2, p), rtol=1e-12)
    table = PAIRED[1]
    p = 1 / (1 + np.exp(-theta))
    np.testing.assert_allclose(discordant.log_integrated(table, None, theta), stats.binom.logpmf(10, 15, p), rtol=1e-12)
