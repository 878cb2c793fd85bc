"""Laws that the exact engine keeps whatever the trials: symmetry, order, nothing said by nothing, monotony."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature import Surface, fit_posterior, make_surface, shape_of
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import TwoArm

FEW = settings(max_examples=4, derandomize=True, deadline=None, database=None)
MANY = settings(max_examples=20, derandomize=True, deadline=None, database=None)
PROBS = np.array([0.025, 0.5, 0.975])
EFFECT = st.sampled_from(["normal(0, 2.82)", "student-t(4, 0, 0.58)", "uniform(-4, 4)"])
SPREAD = st.sampled_from([None, "half-normal(0.5)"])
LOG_CONCAVE = st.sampled_from(["beta(1, 1)", "normal(0, 1.5)", "normal(-1, 10)", "beta(2, 18)"])


@st.composite
def arms(draw, most=40):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


@st.composite
def trials(draw, most=40):
    return TwoArm("x", *draw(arms(most)), *draw(arms(most)))


REVIEWS = st.lists(trials(), min_size=1, max_size=2).map(tuple)


def swapped(study):
    return TwoArm(study.study, study.events_c, study.n_c, study.events_t, study.n_t)


def model(measure, effect, parametrisation="midpoint", baseline="beta(1, 1)"):
    found = default_model("binomial", measure, effect, parametrisation)
    return with_priors(found, {"baseline": parse_prior(baseline)})


def answer(surface, mu, tau):
    """Log evidence, P(mu > 0), and the limits of mu and tau."""
    found = fit_posterior(surface, shape_of(parse_prior(mu)), None if tau is None else shape_of(parse_prior(tau)))
    return np.array([found.log_evidence, found.mu.p_gt(0), *found.mu.quantile(PROBS), *found.tau.quantile(PROBS)])


def binomial(studies, measure, tau, baseline="beta(1, 1)"):
    return make_surface(studies, model(measure, "common" if tau is None else "random", baseline=baseline))


@pytest.mark.parametrize("measure", ["OR", "RR"])
@FEW
@given(REVIEWS, EFFECT, SPREAD, LOG_CONCAVE)
def test_swapping_the_arms_flips_mu(measure, studies, mu, tau, baseline):
    if measure == "RR":
        studies = studies[:1]  # slower
    one = answer(binomial(studies, measure, tau, baseline), mu, tau)
    other = answer(binomial(tuple(map(swapped, studies)), measure, tau, baseline), mu, tau)
    scale = one[4] - one[2]
    assert other[0] == pytest.approx(one[0], abs=1e-7)
    assert other[1] == pytest.approx(1 - one[1], abs=1e-7)
    np.testing.assert_allclose(other[2:5] / scale, -one[4:1:-1] / scale, atol=1e-7)
    np.testing.assert_allclose(other[5:], one[5:], atol=1e-7)


@pytest.mark.parametrize("measure", ["OR", "RR"])
@MANY
@given(trials(), LOG_CONCAVE)
def test_swapping_the_arms_flips_the_profile(measure, study, baseline):
    chosen = model(measure, "common", baseline=baseline)
    theta = np.linspace(-6, 6, 25)
    one, other = (LIKELIHOODS["binomial"].log_integrated(s, chosen, theta) for s in (study, swapped(study)))
    seen = one > one.max() - 30
    np.testing.assert_allclose(other[::-1][seen], one[seen], atol=1e-9)


@FEW
@given(st.lists(trials(), min_size=2, max_size=3), EFFECT, SPREAD, st.randoms(use_true_random=False))
def test_the_order_of_trials_does_not_matter(studies, mu, tau, random):
    shuffled = random.sample(studies, len(studies))
    one, other = (answer(binomial(tuple(s), "OR", tau), mu, tau) for s in (studies, shuffled))
    np.testing.assert_allclose(other, one, atol=1e-8)


@FEW
@given(REVIEWS, EFFECT, SPREAD, st.integers(0, 3))
def test_a_trial_without_patients_changes_nothing(studies, mu, tau, place):
    more = (*studies[:place], TwoArm("nobody", 0, 0, 0, 0), *studies[place:])
    one, other = (answer(binomial(s, "OR", tau), mu, tau) for s in (studies, more))
    np.testing.assert_allclose(other, one, atol=1e-8)


@FEW
@given(REVIEWS, EFFECT, SPREAD)
def test_nothing_said_returns_the_prior(studies, mu, tau):
    chosen = model("OR", "common" if tau is None else "random")
    prior = parse_prior(mu)
    for surface in (Surface(()), make_surface(studies, chosen, power=0.0)):
        found = answer(surface, mu, tau)
        assert found[0] == pytest.approx(0, abs=1e-7)
        assert found[1] == pytest.approx(1 - prior.cdf(0.0), abs=1e-7)
        np.testing.assert_allclose(found[2:5], prior.ppf(PROBS), rtol=1e-6, atol=1e-7)
        if tau is not None:
            np.testing.assert_allclose(found[5:], parse_prior(tau).ppf(PROBS), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("parametrisation", ["midpoint", "control"])
@FEW
@given(REVIEWS, EFFECT, LOG_CONCAVE, st.data())
def test_one_more_event_on_the_treatment_never_lowers_mu(parametrisation, studies, mu, baseline, data):
    index = data.draw(st.integers(0, len(studies) - 1))
    study = studies[index]
    if study.events_t == study.n_t:
        study = TwoArm("x", study.n_t - 1, study.n_t, study.events_c, study.n_c)
    more = TwoArm("x", study.events_t + 1, study.n_t, study.events_c, study.n_c)
    chosen = model("OR", "common", parametrisation, baseline)
    before, after = (
        answer(make_surface((*studies[:index], one, *studies[index + 1 :]), chosen), mu, None) for one in (study, more)
    )
    assert np.all(after[1:5] >= before[1:5] - 1e-8)
    assert after[3] > before[3]


@pytest.mark.parametrize("measure", ["OR", "RR"])
@MANY
@given(arms(), LOG_CONCAVE)
def test_a_symmetric_table_peaks_at_no_effect(measure, arm, baseline):
    theta = np.concatenate([np.linspace(-8, -1, 15), np.linspace(-0.9, 0.9, 19), np.linspace(1, 8, 15)])
    values = LIKELIHOODS["binomial"].log_integrated(
        TwoArm("x", *arm, *arm), model(measure, "common", baseline=baseline), theta
    )
    assert theta[np.argmax(values)] == pytest.approx(0, abs=1e-12) or math.isclose(
        values.max(), values[len(values) // 2], abs_tol=1e-9
    )
    np.testing.assert_allclose(values, values[::-1], atol=1e-9)
