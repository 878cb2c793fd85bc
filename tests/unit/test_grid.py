"""A grid of priors answered at once, against one fit a pair."""

import math

import numpy as np
import pytest

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import Surface, fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.quadrature.grid import Surfaces, answer_grid
from bayes_ivig.spec import default_model
from bayes_ivig.studies import TwoArm

STRENGTH = (TwoArm("a", 5, 5, 0, 5), TwoArm("b", 11, 16, 0, 16), TwoArm("c", 5, 6, 1, 6))
MU = [
    "normal(0, 2.82)",
    "normal(0, 0.02)",
    "normal(0, 10)",
    "fixed(0)",
    "fixed(0.3)",
    "uniform(-2, 2)",
    "student-t(3, 0, 1)",
    "0.5*normal(0, 0.1) + 0.5*normal(0, 3)",
    "normal(-1, 0.3)",
]
TAU = [
    None,
    "half-normal(0.5)",
    "half-normal(0.075)",
    "fixed(0.3)",
    "fixed(0)",
    "uniform(0, 2)",
    "log-normal(-1.28, 0.87)",
    "exponential(2)",
    "half-student-t(4, 0.3)",
    "0.5*half-normal(0.05) + 0.5*half-normal(1)",
]
HEAVY = ["half-cauchy(0.5)", "inverse-gamma(1, 0.15)"]


def shapes(texts):
    return [None if text is None else shape_of(parse_prior(text)) for text in texts]


def deviations(surface, grid, mu, tau):
    """Largest difference from `fit_posterior`, in posterior SDs, of every number of every pair."""
    worst = {}
    for k, t in enumerate(shapes(tau)):
        for m, prior in enumerate(shapes(mu)):
            one = fit_posterior(surface, prior, t)
            unit = one.mu.sd if 0 < one.mu.sd < math.inf else 1.0
            differences = [
                (grid.mean[k, m] - one.mu.mean) / unit,
                (grid.sd[k, m] - one.mu.sd) / unit,
                *(grid.quantiles[k, m] - one.mu.quantile(np.array(grid.probs))) / unit,
                grid.p_gt_0[k, m] - one.mu.p_gt(0.0),
                grid.log_evidence[k, m] - one.log_evidence,
            ]
            worst[f"{tau[k]} | {mu[m]}"] = float(np.abs(differences).max())
    return worst


def check(surface, mu, tau):
    grid = answer_grid(surface, shapes(mu), shapes(tau))
    assert grid.mean.shape == (len(tau), len(mu))
    worst = deviations(surface, grid, mu, tau)
    assert max(worst.values()) < 1e-6, {key: value for key, value in worst.items() if value >= 1e-6}
    assert grid.error.max() < 1e-6


@pytest.mark.slow
def test_three_trials():
    check(make_surface(STRENGTH, default_model("binomial", "OR", "random")), MU, TAU)


@pytest.mark.slow
def test_priors_of_tau_that_the_data_know_nothing_of():
    tau = ["uniform(0, 0.01)", "uniform(2, 2.1)", "half-normal(0.001)", "log-normal(1, 0.01)", "uniform(0, 50)"]
    check(make_surface(STRENGTH, default_model("conditional", "OR", "random")), MU[:3], tau)


@pytest.mark.slow
@pytest.mark.parametrize("tau", HEAVY)
def test_heavy_tails_of_tau(tau):
    check(make_surface(STRENGTH, default_model("binomial", "OR", "random")), MU, [tau])


@pytest.mark.slow
def test_many_trials_of_a_known_standard_error():
    rng = np.random.default_rng(4)
    curves = tuple(
        NormalCurve(float(y), float(se))
        for y, se in zip(rng.normal(0.3, 0.5, 25), rng.uniform(0.1, 0.6, 25), strict=True)
    )
    check(Surface(curves), MU, TAU)


def test_without_data_the_answer_is_the_prior():
    mu = ["normal(1, 2)", "uniform(-1, 3)", "fixed(0.3)"]
    grid = answer_grid(Surface(()), shapes(mu), shapes([None, "half-normal(0.5)", "half-cauchy(1)"]))
    np.testing.assert_allclose(grid.log_evidence, 0, atol=1e-8)
    for m, text in enumerate(mu):
        prior = parse_prior(text)
        np.testing.assert_allclose(grid.mean[:, m], prior.mean, atol=1e-8)
        np.testing.assert_allclose(grid.sd[:, m], prior.sd, atol=1e-8)
        if not prior.is_point:
            np.testing.assert_allclose(
                grid.quantiles[:, m], np.tile(prior.ppf(np.array(grid.probs)), (3, 1)), atol=1e-7
            )


def test_other_quantiles():
    surface = make_surface(STRENGTH, default_model("binomial", "OR", "common"))
    grid = answer_grid(surface, shapes(MU[:1]), [None], probs=(0.1, 0.9))
    exact = fit_posterior(surface, shape_of(parse_prior(MU[0])), None).mu.quantile(np.array([0.1, 0.9]))
    np.testing.assert_allclose(grid.quantiles[0, 0], exact, atol=1e-7)


def test_studies_are_summed_in_the_same_order_in_every_run():
    curves = tuple(NormalCurve(0.1 * i, 1.0 + 0.1 * i) for i in range(40))
    both = Surfaces((Surface(curves[:30]), Surface(curves[10:])))
    assert both.curves == both.varying == curves
