import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import optimize, stats

from bayes_ivig.errors import InputError
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.pooled.exact import clopper_pearson, fisher_exact, mcnemar_exact
from bayes_ivig.pooled.models import paule_mandel, q_profile, reml
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm

counts = st.integers(0, 40)
cells = st.tuples(counts, counts, counts, counts)
finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-6, 1e6)


def two_arm(c):
    return TwoArm("s", c[0], c[0] + c[1], c[2], c[2] + c[3])


trials = st.one_of(
    st.lists(cells.map(two_arm), min_size=1, max_size=25),
    st.lists(
        st.one_of(
            st.tuples(cells, cells).map(
                lambda p: Paired("s", *p[0], p[1][0], p[1][0] + p[1][1], p[1][2], p[1][2] + p[1][3])
            ),
            cells.map(lambda c: PairedMargins("s", c[0], c[1], c[0] + c[1] + c[2])),
        ),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.tuples(finite, positive).map(lambda e: Effect("s", *e)), min_size=1, max_size=25),
    st.lists(cells.map(lambda c: SingleArm("s", c[0], c[0] + c[1])), min_size=1, max_size=25),
    st.lists(
        st.tuples(finite, positive, st.integers(2, 99), finite, positive, st.integers(2, 99)).map(
            lambda m: Means("s", *m)
        ),
        min_size=1,
        max_size=25,
    ),
)


@settings(deadline=None, max_examples=150)
@given(trials)
def test_any_valid_trials_are_pooled_without_error_or_warning(studies):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimates = pool(studies)
        natural = [e.natural() for e in estimates]
    assert estimates
    for estimate, (value, low, high) in zip(estimates, natural, strict=True):
        if math.isnan(estimate.estimate):
            assert estimate.note
        elif not math.isnan(low):
            assert low <= value <= high
        assert math.isnan(estimate.p) or 0 <= estimate.p <= 1
        assert math.isnan(estimate.tau2) or estimate.tau2 >= 0
        assert math.isnan(estimate.i2) or 0 <= estimate.i2 <= 100
        if estimate.prediction:
            assert estimate.prediction[0] <= estimate.ci[0] <= estimate.ci[1] <= estimate.prediction[1]


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(cells.map(two_arm), min_size=1, max_size=6))
def test_swapping_the_arms_mirrors_every_estimate(studies):
    swapped = [TwoArm("s", s.events_c, s.n_c, s.events_t, s.n_t) for s in studies]
    for one, other in zip(pool(studies), pool(swapped), strict=True):
        assert_allclose(one.estimate, -other.estimate, rtol=1e-9, atol=1e-9)
        assert_allclose(one.se, other.se, rtol=1e-7, atol=1e-7)


def hard_effects():
    rng = np.random.default_rng(20070315)
    se = rng.uniform(0.1, 1.5, 25)
    return rng.normal(0.3, np.sqrt(se**2 + 0.4)), se


def test_reml_is_the_maximum_of_the_restricted_likelihood():
    y, se = hard_effects()

    def minus_log_likelihood(tau2):
        # Multivariate normal of the contrasts: an independent form, by projection.
        v = np.diag(se**2 + tau2)
        basis = np.linalg.svd(np.ones((1, len(y))))[2][1:]
        return -stats.multivariate_normal(np.zeros(len(y) - 1), basis @ v @ basis.T).logpdf(basis @ y)

    best = optimize.minimize_scalar(minus_log_likelihood, bounds=(0, 5), method="bounded", options={"xatol": 1e-10})
    assert best.x > 0.05
    assert reml(y, se**2) == pytest.approx(best.x, rel=1e-6)


def test_paule_mandel_and_q_profile_solve_their_equations():
    y, se = hard_effects()

    def q(tau2):
        w = 1 / (se**2 + tau2)
        return np.sum(w * (y - np.average(y, weights=w)) ** 2)

    assert q(paule_mandel(y, se**2)) == pytest.approx(24, rel=1e-12)
    low, high = q_profile(y, se**2, 0.9)
    assert 0 < low < high
    assert_allclose((q(low), q(high)), stats.chi2(24).ppf([0.95, 0.05]), rtol=1e-10)


def test_q_profile_collapses_where_effects_agree_too_well():
    y = np.array([0.1, 0.1001, 0.0999, 0.1])
    assert q_profile(y, np.full(4, 1.0), 0.95) == (0, 0)


@pytest.mark.parametrize(
    "table", [(7, 9, 2, 9), (0, 5, 0, 5), (5, 5, 0, 5), (1, 12, 9, 30), (62, 13598, 248, 12867), (0, 0, 2, 4)]
)
def test_fisher_exact_against_scipy(table):
    events_t, n_t, events_c, n_c = table
    one, two = fisher_exact(*table)
    cells = [[events_t, n_t - events_t], [events_c, n_c - events_c]]
    tails = [stats.fisher_exact(cells, alternative=tail).pvalue for tail in ("less", "greater")]
    assert_allclose((one, two), (min(1, *tails), stats.fisher_exact(cells).pvalue), rtol=1e-7)


@pytest.mark.parametrize("pairs", [(15, 5), (5, 15), (0, 3), (4, 4), (1, 29)])
def test_mcnemar_exact_against_scipy(pairs):
    test = stats.binomtest(pairs[0], sum(pairs))
    tails = [stats.binomtest(pairs[0], sum(pairs), alternative=tail).pvalue for tail in ("less", "greater")]
    assert_allclose(mcnemar_exact(*pairs), (min(tails), test.pvalue), rtol=1e-12)


def test_tests_without_information_give_one():
    assert mcnemar_exact(0, 0) == (1, 1)
    assert fisher_exact(0, 5, 0, 5) == pytest.approx((1, 1))


def test_p_of_the_trial_reports():
    # Leger 2001 printed 0.03 for 7 of 9 against 2 of 9; Hahn 2013 printed 0.021 for 15 against 5.
    assert_allclose(fisher_exact(7, 9, 2, 9), (0.02834, 0.05668), atol=5e-6)
    assert_allclose(mcnemar_exact(5, 15), (0.0206947, 0.0413895), atol=5e-8)


@pytest.mark.parametrize(("events", "n"), [(0, 7), (7, 7), (15, 21), (1, 1), (200, 5000)])
def test_clopper_pearson_against_scipy(events, n):
    exact = stats.binomtest(events, n).proportion_ci(0.9, method="exact")
    assert_allclose(clopper_pearson(events, n, 0.9), (exact.low, exact.high), rtol=1e-12)


def test_one_trial_has_no_random_effects():
    estimates = pool([Effect("only", 1.0, 0.5)], "OR")
    assert [(e.method, e.k, e.q, e.q_p) for e in estimates] == [("inverse variance", 1, 0.0, 1.0)]
    assert estimates[0].natural()[0] == pytest.approx(math.e)
    assert estimates[0].p == pytest.approx(2 * stats.norm.sf(2))


def test_no_events_on_control_leaves_only_corrected_ratios():
    found = {(e.measure, e.correction): e for e in pool([TwoArm("a", 5, 10, 0, 10)]) if e.method == "Mantel-Haenszel"}
    assert math.isnan(found["RR", "none"].estimate)
    assert "one arm has no events" in found["RR", "none"].note
    assert found["RR", "revman"].estimate == pytest.approx(math.log(11))
    assert found["RD", "none"].estimate == pytest.approx(0.5)


def test_double_zero_trials_have_no_weight_in_revmans_ratios():
    trials = (TwoArm("a", 4, 7, 2, 7), TwoArm("b", 3, 6, 0, 6))
    with_zero, without = pool((*trials, TwoArm("zero", 0, 5, 0, 5))), pool(trials)
    assert (with_zero[0].measure, with_zero[0].correction) == ("RR", "revman")
    assert with_zero[0].estimate == without[0].estimate
    assert (with_zero[0].k, without[0].k) == (3, 2)


def test_nothing_to_pool_is_said_for_every_estimate():
    for studies in ([TwoArm("a", 0, 0, 1, 5)], [PairedMargins("m", 1, 2, 3)], [SingleArm("s", 0, 0)]):
        assert all(math.isnan(e.estimate) and e.note and e.k == 0 for e in pool(studies))


def test_an_arm_without_patients_is_named_by_every_method_of_tables():
    found = [e for e in pool([TwoArm("a", 4, 7, 2, 7), TwoArm("b", 0, 0, 1, 5)]) if "inverse" not in e.method]
    assert {e.method for e in found} == {"Mantel-Haenszel", "Peto"}
    assert {e.note for e in found} == {"left out, an arm has no patients: b"}
    assert {e.k for e in found} == {1}


def test_a_summed_rate_is_that_of_one_trial_with_its_exact_interval():
    rate = pool([SingleArm("a", 3, 10), SingleArm("b", 1, 7), SingleArm("c", 0, 0)])[0]
    exact = stats.binomtest(4, 17).proportion_ci(0.95, method="exact")
    assert rate.natural() == pytest.approx((4 / 17, exact.low, exact.high))
    assert (rate.label, rate.k, rate.note) == ("summed counts rate, exact", 2, "left out, no patients: c")
    assert (rate.tau2, rate.prediction) == (0.0, None)
    assert all(math.isnan(x) for x in (rate.se, rate.p, rate.i2, rate.q, rate.q_p))


def test_one_sided_pairs_give_an_infinite_exact_ratio():
    exact = pool([Paired("a", 0, 5, 0, 0), Paired("b", 0, 11, 0, 5)])[-1]
    assert exact.interval == "exact"
    assert exact.natural()[0] == exact.natural()[2] == math.inf
    low = 0.025 ** (1 / 16)
    assert exact.natural()[1] == pytest.approx(low / (1 - low), rel=1e-10)
    assert exact.p == pytest.approx(2 * 0.5**16)


def test_intervals_follow_prob():
    narrow, wide = (pool([TwoArm("a", 4, 7, 2, 7)], prob=prob)[0] for prob in (0.5, 0.99))
    assert narrow.ci[1] - narrow.ci[0] == pytest.approx(2 * stats.norm.ppf(0.75) * narrow.se)
    assert wide.ci[1] - wide.ci[0] == pytest.approx(2 * stats.norm.ppf(0.995) * wide.se)


@pytest.mark.parametrize("prob", [0, 1, 95, math.nan])
def test_impossible_prob_is_refused(prob):
    with pytest.raises(InputError, match="between 0 and 1"):
        pool([TwoArm("a", 4, 7, 2, 7)], prob=prob)


def test_means_take_md_or_smd():
    studies = [Means("a", 3.0, 2.0, 10, 1.0, 2.0, 10)]
    assert [pool(studies, m)[0].measure for m in (None, "MD", "SMD")] == ["MD", "MD", "SMD"]
    with pytest.raises(InputError, match="give one of MD, SMD"):
        pool(studies, "OR")


def test_an_estimate_checks_itself():
    good = pool([Effect("a", 1.0, 1.0)])[0]
    values = {name: getattr(good, name) for name in Estimate.__dataclass_fields__}
    with pytest.raises(ValueError, match="wrong order"):
        Estimate(**(values | {"ci": (1.0, 0.0)}))
    with pytest.raises(ValueError, match="needs a note"):
        Estimate(**(values | {"estimate": math.nan}))
