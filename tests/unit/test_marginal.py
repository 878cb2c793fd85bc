"""A distribution on panels against scipy's normal, Student t, Cauchy and uniform, and a point mass."""

import math

import numpy as np
import pytest
from scipy import stats

from bayes_ivig.quadrature.marginal import Marginal
from bayes_ivig.quadrature.panels import Landmark, Panels, lay_panels

Q = np.array([1e-6, 0.025, 0.2, 0.5, 0.9, 0.975, 1 - 1e-6])


def on_panels(law, low, high, landmark, breaks=()):
    panels = Panels(lay_panels(low, high, (landmark,), breaks), 26)
    return Marginal(panels, law.pdf(panels.nodes))


NORMAL = stats.norm(2, 0.5)
MARGINAL = on_panels(NORMAL, -4, 8, Landmark(2.0, 0.5))


def test_normal():
    assert MARGINAL.mean == pytest.approx(2, abs=1e-13)
    assert MARGINAL.sd == pytest.approx(0.5, abs=1e-13)
    assert MARGINAL.tail_index == math.inf
    np.testing.assert_allclose(MARGINAL.quantile(Q), NORMAL.ppf(Q), atol=1e-9)
    x = np.linspace(0, 4, 41)
    np.testing.assert_allclose(MARGINAL.pdf(x), NORMAL.pdf(x), atol=1e-11)
    np.testing.assert_allclose(MARGINAL.cdf(x), NORMAL.cdf(x), atol=1e-12)
    np.testing.assert_array_equal(MARGINAL.pdf(np.array([-5.0, 9.0])), 0)
    np.testing.assert_allclose(MARGINAL.cdf(np.array([-99.0, 99.0])), [0, 1], atol=1e-13)
    np.testing.assert_allclose(MARGINAL.hdi(0.9), NORMAL.interval(0.9), atol=1e-6)
    assert MARGINAL.interval(0.95) == pytest.approx(NORMAL.interval(0.95), abs=1e-11)


def test_quantile_and_cdf_undo_each_other():
    q = np.linspace(0.001, 0.999, 101)
    np.testing.assert_allclose(MARGINAL.cdf(MARGINAL.quantile(q)), q, atol=1e-13)
    x = np.linspace(0.5, 3.5, 31)
    np.testing.assert_allclose(MARGINAL.quantile(MARGINAL.cdf(x)), x, atol=1e-10)


@pytest.mark.parametrize("x", [-10.0, -4.0, 1.0, 2.0, 4.5, 5.0, 8.0, 10.0])
def test_small_upper_tails_keep_their_digits(x):
    exact = NORMAL.sf(x) if x > -4 else 1.0
    assert MARGINAL.p_gt(x) == pytest.approx(exact, rel=1e-6, abs=1e-30)


def test_summary_is_what_the_parts_say():
    summary = MARGINAL.summary(0.9)
    assert summary.ci == MARGINAL.interval(0.9)
    assert (summary.mean, summary.sd, summary.prob) == (MARGINAL.mean, MARGINAL.sd, 0.9)
    assert summary.p_gt_0 == MARGINAL.p_gt(0.0)


@pytest.mark.parametrize(("df", "mean", "sd"), [(1, False, False), (2, True, False), (3, True, True), (8, True, True)])
def test_moments_exist_or_are_said_not_to(df, mean, sd):
    """Student's t has the moments below its degrees of freedom."""
    law = stats.t(df, 1, 0.5)
    found = on_panels(law, -1e14, 1e14, Landmark(1.0, 0.5))
    assert math.isnan(found.mean) is not mean
    assert math.isinf(found.sd) is not sd
    if mean:
        assert found.mean == pytest.approx(1, abs=1e-6)
    if sd:
        assert found.sd == pytest.approx(law.std(), rel=1e-6)
    if df < 8:
        assert found.tail_index == pytest.approx(df + 1, abs=0.01)
    np.testing.assert_allclose(found.quantile(Q[1:-1]), law.ppf(Q[1:-1]), atol=1e-9)


def test_a_jump_at_an_edge_is_exact():
    law = stats.uniform(-1, 3)
    found = on_panels(law, -1, 2, Landmark(0.0, 0.3))
    np.testing.assert_allclose(found.quantile(np.array([0.0, 0.25, 1.0])), [-1, -0.25, 2], atol=1e-12)
    low, high = found.hdi(0.8)
    assert high - low == pytest.approx(2.4)


def test_a_skewed_interval_is_the_shortest():
    law = stats.gamma(2)
    found = on_panels(law, 0, 60, Landmark(0.0, 0.5))
    low, high = found.hdi(0.9)
    assert law.cdf(high) - law.cdf(low) == pytest.approx(0.9, abs=1e-10)
    assert law.pdf(low) == pytest.approx(law.pdf(high), abs=1e-6)


def test_a_point_mass_alone():
    found = Marginal(None, np.zeros(0), 0.3)
    assert (found.mean, found.sd, found.interval(0.95), found.hdi(0.95)) == (0.3, 0.0, (0.3, 0.3), (0.3, 0.3))
    np.testing.assert_array_equal(found.cdf(np.array([0.29, 0.3])), [0, 1])
    assert (found.p_gt(0.0), found.p_gt(0.3)) == (1, 0)
    np.testing.assert_array_equal(found.draw(np.random.default_rng(1), 3), 0.3)
    np.testing.assert_array_equal(found.pdf(np.array([0.3])), 0)


def test_draws_are_from_the_distribution_and_seeded():
    draws = MARGINAL.draw(np.random.default_rng(5), 4000)
    assert stats.kstest(draws, NORMAL.cdf).pvalue > 0.01
    np.testing.assert_array_equal(draws, MARGINAL.draw(np.random.default_rng(5), 4000))
