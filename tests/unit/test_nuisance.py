"""Integrals over one nuisance parameter against closed forms and adaptive quadrature."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import betaln, expit, log_expit

from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles.nuisance import draw_from, line_rule, log_density_on_logit, log_integral, log_sum

THETA = np.array([-20.0, -3.0, 0.0, 0.7, 20.0])


@pytest.mark.parametrize(
    ("r", "n"), [(0, 1), (1, 1), (0, 16), (11, 16), (3, 1000), (0, 10**6), (10**6, 10**6), (500_000, 10**6), (1, 10**6)]
)
def test_one_arm_is_a_beta_function(r, n):
    """The integral of p^(r + 1/2) (1 - p)^(n - r + 1/2) over the logit is a beta function, wherever it is moved to."""

    def log_f(theta, g):
        return (
            r * log_expit(g - theta)
            + (n - r) * log_expit(theta - g)
            + (log_expit(g - theta) + log_expit(theta - g)) / 2
        )

    exact = betaln(r + 0.5, n - r + 0.5)
    np.testing.assert_allclose(
        log_integral(log_f, THETA), exact, rtol=1e-12, atol=2e-9
    )  # betaln loses digits at a million


@pytest.mark.parametrize("prior", ["normal(0, 1.5)", "normal(-3, 10)", "student-t(3, 0, 1)", "cauchy(0, 2.5)"])
def test_two_arms_under_a_density_of_the_logit(prior):
    density = parse_prior(prior)

    def log_f(theta, g):
        arms = (
            5 * log_expit(g + theta / 2)
            + log_expit(-g - theta / 2)
            + log_expit(g - theta / 2)
            + 5 * log_expit(theta / 2 - g)
        )
        return arms + density.logpdf(g)

    for theta, found in zip(THETA.tolist(), log_integral(log_f, THETA).tolist(), strict=True):
        scaled = partial(lambda theta, level, g: float(np.exp(log_f(theta, g) - level)), theta, found)
        borders = (-200.0, -30.0, *sorted((-abs(theta) / 2, 0.0, abs(theta) / 2)), 30.0, 200.0)
        pieces = [quad(scaled, a, b, epsabs=1e-12, epsrel=1e-12, limit=200)[0] for a, b in pairwise(borders)]
        assert sum(pieces) == pytest.approx(1, abs=1e-8), theta


@pytest.mark.parametrize(
    "prior", ["normal(3, 0.01)", "student-t(2, 0, 1)", "cauchy(4, 2)", "beta(0.5, 0.5)", "beta(3, 1)"]
)
def test_a_density_integrates_to_1(prior):
    density = parse_prior(prior)

    def log_f(theta, g):
        return log_density_on_logit(density, g) + 0 * theta

    np.testing.assert_allclose(log_integral(log_f, np.zeros(1)), 0, atol=1e-9)


def test_densities_on_the_logit_keep_their_digits_far_out():
    """beta(a, b) behaves as exp(a g) to the left and exp(-b g) to the right."""
    beta = parse_prior("beta(2, 0.5)")
    level = -betaln(2, 0.5)
    assert log_density_on_logit(beta, np.array(-500.0)) == pytest.approx(level - 1000, rel=1e-13)
    assert log_density_on_logit(beta, np.array(500.0)) == pytest.approx(level - 250, rel=1e-13)
    mixed = parse_prior("0.5*beta(2, 0.5) + 0.5*beta(1, 1)")
    g = np.array([-2.0, 0.0, 3.0])
    p = expit(g)
    np.testing.assert_allclose(log_density_on_logit(mixed, g), mixed.logpdf(p) + np.log(p * (1 - p)), atol=1e-12)
    line = parse_prior("normal(1, 2)")
    np.testing.assert_array_equal(log_density_on_logit(line, g), line.logpdf(g))


def test_effects_may_come_in_any_order():
    def log_f(theta, g):
        return 3 * log_expit(g - theta) + 5 * log_expit(theta - g)

    theta = np.random.default_rng(4).uniform(-30, 30, 3000)
    np.testing.assert_allclose(log_integral(log_f, theta), betaln(3, 5), rtol=1e-12)


def test_log_sum_of_nothing_is_minus_infinity():
    terms = np.array([[-np.inf, -np.inf], [0.0, np.log(3)], [-1000.0, -1000.0]])
    np.testing.assert_allclose(log_sum(terms), [-np.inf, np.log(4), np.log(2) - 1000])


def test_draws_follow_the_density():
    def log_f(theta, g):
        return 3 * log_expit(g - theta) + 5 * log_expit(theta - g)

    rng = np.random.default_rng(3)
    theta = np.repeat([-4.0, 2.0], 2000)
    draws = draw_from(line_rule(log_f, theta), rng)
    for i, place in enumerate((-4.0, 2.0)):
        assert stats.kstest(expit(draws[2000 * i : 2000 * (i + 1)] - place), stats.beta(3, 5).cdf).pvalue > 0.01
