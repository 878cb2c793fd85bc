"""Fisher's non-central hypergeometric distribution: exact sums, a million patients, draws."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from bayes_ivig.profiles.hypergeometric import log_normaliser, sample, support


def test_weights_are_products_of_binomial_coefficients():
    tables = support(7, 9, 6)
    exact = [math.log(math.comb(7, x) * math.comb(9, 6 - x)) for x in range(7)]
    np.testing.assert_allclose(tables.log_weight, np.array(exact) - exact[0], rtol=1e-13, atol=1e-14)
    assert np.array_equal(support(3, 2, 4).x, [2, 3])
    assert np.array_equal(support(0, 5, 3).x, [0])


def test_a_window_of_many_tables_holds_all_that_counts():
    tables = support(20_000, 30_000, 15_000)
    theta = np.array([-500.0, -12.0, -1.0, 0.0, 0.3, 9.0, 40.0, 500.0])
    whole = logsumexp(tables.log_weight + theta[:, None] * np.arange(len(tables.log_weight)), axis=1)
    np.testing.assert_allclose(log_normaliser(tables, theta), whole, rtol=1e-14, atol=1e-18)


def test_a_million_patients_an_arm():
    tables = support(1_000_000, 1_000_000, 600_000)
    theta = np.array([-1.0, 0.0, 2.0])
    mean = np.diff(log_normaliser(tables, np.array([theta - 1e-4, theta + 1e-4])), axis=0)[0] / 2e-4
    psi = np.exp(theta)  # the mode solves x (n_c - total + x) = psi (n_t - x) (total - x)
    modes = [np.roots([1 - p, 400_000 + p * 1_600_000, -p * 6e11]) for p in psi]
    mode = [min(x for x in roots if x > 0) for roots in modes]
    np.testing.assert_allclose(mean, mode, rtol=1e-5)


@pytest.mark.parametrize("theta", [-2.0, 0.0, 1.5])
def test_draws_follow_the_distribution(theta):
    tables = support(9, 12, 8)
    x = sample(tables, np.full(20_000, theta), np.random.default_rng(5))
    expected = np.exp(tables.log_weight + theta * np.arange(9) - log_normaliser(tables, np.array(theta)))
    counts = np.bincount(x.astype(int), minlength=9)
    kept = expected * len(x) > 5
    assert stats.chisquare(counts[kept], expected[kept] / expected[kept].sum() * counts[kept].sum()).pvalue > 1e-4


def test_draws_of_many_tables_have_the_right_mean():
    tables = support(50_000, 50_000, 30_000)
    theta = np.repeat([-1.0, 0.4], 2000)
    x = sample(tables, theta, np.random.default_rng(6)).reshape(2, -1)
    for row, t in zip(x, (-1.0, 0.4), strict=True):
        slope = np.diff(log_normaliser(tables, np.array([t - 1e-4, t + 1e-4])))[0] / 2e-4
        assert abs(row.mean() - slope) < 4 * row.std() / math.sqrt(len(row))
