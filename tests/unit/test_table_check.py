"""Tables of studies where a posterior lies far out in their tails: found out, and done without."""

import numpy as np
import pytest

from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.quadrature.grid import answer_grid, answer_grids
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.quadrature.table_check import table_error, table_errors, without_tables, worst_table_errors
from bayes_ivig.spec import default_model
from bayes_ivig.studies import TwoArm

MODEL = default_model("binomial", "OR", "random")
APART = (TwoArm("a", 100, 1000, 300, 900), TwoArm("b", 400, 1000, 100, 1000))
NEAR = (TwoArm("a", 5, 10, 3, 10), TwoArm("b", 4, 12, 2, 12))
# Pulled to where trial b, at 1.8, has fallen to nothing, and tau with it.
FAR, TIGHT = shape_of(parse_prior("normal(-2, 0.02)")), shape_of(parse_prior("half-normal(0.05)"))


def plain_answer(studies):
    """Log evidence, mean and SD of mu under FAR and TIGHT, by sums over even grids of theta, mu and tau."""
    theta, mu, tau = np.linspace(-5, 3, 4001), np.linspace(-2.16, -1.84, 33), np.linspace(0.005, 1.5, 300)
    z = (theta - mu[:, None]) / tau[:, None, None]
    logs = np.zeros((len(tau), len(mu)))
    for study in studies:
        log_l = LIKELIHOODS["binomial"].log_integrated(study, MODEL, theta)
        for row, one in enumerate(z):
            terms = log_l - 0.5 * one**2
            top = terms.max(axis=-1)
            total = np.exp(terms - top[:, None]).sum(axis=-1) * (theta[1] - theta[0])
            logs[row] += top + np.log(total / (tau[row] * np.sqrt(2 * np.pi)))
    logs += FAR.logpdf(mu) + TIGHT.logpdf(tau)[:, None] + np.log((mu[1] - mu[0]) * (tau[1] - tau[0]))
    mass = np.exp(logs - logs.max())
    mean = (mass @ mu).sum() / mass.sum()
    return np.log(mass.sum()) + logs.max(), mean, np.sqrt((mass @ (mu - mean) ** 2).sum() / mass.sum())


@pytest.mark.slow
def test_a_posterior_far_out_is_answered_without_tables():
    log_evidence, mean, sd = plain_answer(APART)
    surface = make_surface(APART, MODEL)
    one = fit_posterior(surface, FAR, TIGHT)
    grid = answer_grid(surface, [FAR], [TIGHT])
    assert [one.log_evidence, grid.log_evidence[0, 0]] == pytest.approx([log_evidence] * 2, abs=1e-4)
    assert [one.mu.mean, grid.mean[0, 0]] == pytest.approx([mean] * 2, abs=1e-3 * sd)
    assert [one.mu.sd, grid.sd[0, 0]] == pytest.approx([sd] * 2, rel=1e-3)


@pytest.mark.slow
def test_only_the_surface_that_misses_is_done_again():
    near, far = make_surface(NEAR, MODEL), make_surface(APART, MODEL)
    together = answer_grids((near, far), [FAR], [TIGHT])
    alone = answer_grid(without_tables(far), [FAR], [TIGHT])
    assert together[1].log_evidence == pytest.approx(alone.log_evidence, abs=1e-9)
    assert together[0].log_evidence == pytest.approx(answer_grid(near, [FAR], [TIGHT]).log_evidence, abs=1e-9)


def test_errors_of_tables():
    surface = make_surface(APART, MODEL)
    mu, tau = np.array([-2.0, 1.8, 0.4]), np.array([0.3, 0.05, 1.5])
    for curve in surface.curves:
        places = [(mu[i : i + 1], tau[i : i + 1]) for i in range(len(mu))]
        expected = [float((curve.smooth_directly(*at) - curve.log_smoothed(*at))[0, 0]) for at in places]
        np.testing.assert_allclose(table_errors(curve, mu, tau), expected, atol=1e-10)
    worst = sum(np.abs(table_errors(curve, mu, tau)).max() for curve in surface.curves)
    assert worst > 1e-3
    assert worst_table_errors([surface, without_tables(surface)], [(mu, tau)] * 2) == pytest.approx([worst, 0.0])
    assert table_error(surface.curves, mu[:1], tau[:1]) == pytest.approx(
        sum(abs(float(table_errors(curve, mu, tau)[0])) for curve in surface.curves)
    )
    assert table_error(without_tables(surface).curves, mu, tau) == 0


def test_nothing_to_check_where_there_are_no_tables():
    assert without_tables(Surface((NormalCurve(0.3, 0.1),))).curves == (NormalCurve(0.3, 0.1),)
    assert table_errors(NormalCurve(0.3, 0.1), np.zeros(2), np.ones(2)).tolist() == [0, 0]


@pytest.mark.slow
def test_one_large_trial_against_a_narrow_prior():
    """The heterogeneity that the prior of mu asks for lies far from any that the trial alone would have."""
    (trial,) = APART[1:]
    surface = make_surface((trial,), MODEL)
    one, grid = fit_posterior(surface, FAR, TIGHT), answer_grid(surface, [FAR], [TIGHT])
    plain = plain_answer((trial,))
    assert [one.log_evidence, grid.log_evidence[0, 0]] == pytest.approx([plain[0]] * 2, abs=1e-6)
    assert grid.mean[0, 0] == pytest.approx(one.mu.mean, abs=1e-6 * one.mu.sd)
    assert grid.sd[0, 0] == pytest.approx(one.mu.sd, rel=1e-6)
