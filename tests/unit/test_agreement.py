"""The comparison of the engines: right draws pass, wrong ones are caught and named."""

import numpy as np
import pytest
from scipy import stats

from bayes_ivig.agreement import FALSE_ALARMS, compare_engines
from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.draws import draw_posterior
from bayes_ivig.spec import default_model
from bayes_ivig.studies import TwoArm

STRENGTH = (TwoArm("a", 5, 5, 0, 5), TwoArm("b", 11, 16, 0, 16), TwoArm("c", 5, 6, 1, 6))
MODEL = default_model("binomial", "OR", "random")


@pytest.fixture(scope="module")
def exact():
    return fit_posterior(make_surface(STRENGTH, MODEL), *(shape_of(MODEL.priors[key]) for key in ("mu", "tau")))


@pytest.fixture(scope="module")
def draws(exact):
    found = draw_posterior(exact, STRENGTH, MODEL, np.random.default_rng(12), 8000)
    return {name: found[name].reshape(4, 2000, *found[name].shape[2:]) for name in ("mu", "tau", "theta_new", "theta")}


@pytest.mark.slow
def test_right_draws_pass(exact, draws):
    found = compare_engines(draws, exact)
    assert found.n_compared == 24
    assert found.limit == pytest.approx(stats.norm.isf(FALSE_ALARMS / 48))
    assert found.check.passed
    assert found.z < found.limit
    assert found.to_json()["passed"] is True


@pytest.mark.parametrize(
    ("name", "wrong", "what"),
    [
        ("mu", lambda x: x + 0.1, "of mu"),
        ("tau", lambda x: 1.1 * x, "of tau"),
        ("theta_new", lambda x: x.mean() + 1.1 * (x - x.mean()), "of theta_new"),
        ("theta", lambda x: x + np.array([0.0, 0.1, 0.0]), "of theta[1]"),
    ],
)
def test_wrong_draws_are_caught_and_named(exact, draws, name, wrong, what):
    found = compare_engines({**draws, name: wrong(draws[name])}, exact)
    assert not found.check.passed
    assert found.worst.endswith(what)
    assert found.worst in found.check.hint


@pytest.mark.slow
def test_a_wrong_posterior_is_caught(draws):
    """The likelihood squared: the same centre, another spread."""
    wrong = fit_posterior(make_surface(STRENGTH, MODEL, 2.0), *(shape_of(MODEL.priors[key]) for key in ("mu", "tau")))
    assert not compare_engines(draws, wrong).check.passed


def test_what_does_not_vary_is_not_compared():
    model = default_model("binomial", "OR", "random")
    mu = tau = shape_of(parse_prior("fixed(0)"))
    posterior = fit_posterior(make_surface(STRENGTH, model), mu, tau)
    zero = np.zeros((4, 100))
    found = compare_engines({"mu": zero, "tau": zero, "theta_new": zero, "theta": np.zeros((4, 100, 3))}, posterior)
    assert (found.n_compared, found.check.passed) == (0, True)


def test_means_are_compared_only_where_their_error_is_known(draws):
    """Under heavy tails of tau the mean has no standard error: limits alone are compared."""
    rng = np.random.default_rng(3)
    few = make_surface((TwoArm("a", 0, 0, 0, 0),), MODEL)
    posterior = fit_posterior(few, shape_of(parse_prior("cauchy(0, 1)")), None)
    mu = rng.standard_cauchy((4, 1000))
    found = compare_engines({"mu": mu, "theta_new": mu, "theta": mu[..., None]}, posterior)
    assert found.n_compared == 6
    assert "limit" in found.worst
    assert found.check.passed
