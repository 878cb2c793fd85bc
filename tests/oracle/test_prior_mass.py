"""Priors with mass as far out as no mesh goes, where the data do not forbid it: against sums written apart.

One trial of 5 of 5 against 0 of 5 under the conditional likelihood, f(theta) = P(5 events on T | 5 in all), says the
same of every large effect. Under Normal(0, s) for mu its effect is Normal(0, sqrt(s^2 + tau^2)), so that one sum over
theta and one over log tau are all there is.
"""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import Surface, fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.grid import answer_grid
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import SingleArm, TwoArm

ONE_SIDED = make_surface((TwoArm("a", 5, 5, 0, 5),), default_model("conditional", "OR", "random"))
NOTHING = Surface(())
WIDTH = 2.82
HEAVY = {
    "cauchy(0, 1)": stats.cauchy(0, 1),
    "student-t(0.3, 1, 2)": stats.t(0.3, 1, 2),
    "student-t(0.1, 0, 1)": stats.t(0.1, 0, 1),
}


def log_half_t(df, scale):
    """Log density of log tau, tau half Student t, and its distribution function, of u = log tau."""

    def log_pdf(u):
        spread = np.logaddexp(0, 2 * (u - math.log(scale)) - math.log(df))
        norm = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi) + math.log(2 / scale)
        return norm - 0.5 * (df + 1) * spread + u

    return log_pdf


def log_inverse_gamma(shape, scale):
    return lambda u: shape * math.log(scale) - math.lgamma(shape) - shape * u - scale * np.exp(-u)


SPREADS = {
    "half-cauchy(25)": log_half_t(1, 25),
    "half-student-t(0.1, 1)": log_half_t(0.1, 1),
    "inverse-gamma(0.1, 0.1)": log_inverse_gamma(0.1, 0.1),
    "inverse-gamma(0.5, 0.01)": log_inverse_gamma(0.5, 0.01),
    "log-normal(0, 20)": stats.norm(0, 20).logpdf,
    "log-student-t(5, -1.3, 1.5)": stats.t(5, -1.3, 1.5).logpdf,
}


def f(theta):
    """P(X = 5), X ~ Fisher's noncentral hypergeometric: 1 / sum over k of C(5, k)^2 psi^(k - 5)."""
    with np.errstate(over="ignore"):
        return 1 / sum(math.comb(5, k) ** 2 * np.exp((k - 5) * theta) for k in range(6))


def mean_f(sd):
    """Average of f over Normal(0, sd), sd >= 2: 1 above 60, 0 below -60, and a sum between."""
    theta = np.linspace(-60, 60, 6001)
    weight = f(theta) * 0.02
    weight[[0, -1]] /= 2
    bell = np.exp(-0.5 * (theta / sd[:, None]) ** 2) / (sd[:, None] * math.sqrt(2 * math.pi))
    return bell @ weight + ndtr(-60 / sd)


def weighted_quantile(x, mass, prob):
    """x where the running sum of mass, trapezoidal, is this share of all."""
    running = np.cumsum(mass) - mass / 2
    return float(np.interp(prob * mass.sum(), running, x))


@pytest.mark.parametrize("text", HEAVY)
def test_a_heavy_prior_of_mu(text):
    law = HEAVY[text]
    u = np.arange(-350, 350, 0.005)  # x = sinh(u): its tails fall as exp(-df |u|), too slowly to be cut for df = 0.1
    x, slope = np.sinh(u), np.cosh(u)
    mass = f(x) * law.pdf(x) * slope * 0.005
    evidence, above = mass.sum(), mass[u > 0].sum() + mass[np.abs(u) < 1e-9].sum() / 2
    median = math.sinh(weighted_quantile(u, mass, 0.5))
    one = fit_posterior(ONE_SIDED, shape_of(parse_prior(text)), None)
    grid = answer_grid(ONE_SIDED, [shape_of(parse_prior(text))], [None])
    assert [one.log_evidence, grid.log_evidence[0, 0]] == pytest.approx([math.log(evidence)] * 2, abs=1e-7)
    assert [one.mu.p_gt(0), grid.p_gt_0[0, 0]] == pytest.approx([above / evidence] * 2, abs=1e-7)
    assert [float(one.mu.quantile(0.5)), grid.quantiles[0, 0, 2]] == pytest.approx([median] * 2, rel=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("text", SPREADS)
def test_a_heavy_prior_of_tau(text):
    u = np.arange(-400, 400, 0.02)
    tau = np.exp(u)
    prior = np.exp(SPREADS[text](u)) * 0.02
    assert prior.sum() == pytest.approx(1, abs=1e-9)
    likelihood = np.where(u < 0, mean_f(np.array([WIDTH])), 0.5)
    matters = (u > -20) & (u < 30)
    likelihood[matters] = mean_f(np.hypot(WIDTH, tau[matters]))
    mass = prior * likelihood
    mu, spread = shape_of(parse_prior(f"normal(0, {WIDTH})")), shape_of(parse_prior(text))
    one = fit_posterior(ONE_SIDED, mu, spread)
    grid = answer_grid(ONE_SIDED, [mu], [spread])
    assert [one.log_evidence, grid.log_evidence[0, 0]] == pytest.approx([math.log(mass.sum())] * 2, abs=1e-7)
    median = math.exp(weighted_quantile(u, mass, 0.5))
    assert float(one.tau.quantile(0.5)) == pytest.approx(median, rel=1e-4)
    assert one.tau.p_gt(1.0) == pytest.approx(mass[u > 0].sum() / mass.sum(), abs=2e-3)


@pytest.mark.parametrize("text", HEAVY)
def test_without_data_a_heavy_prior_of_mu_comes_back(text):
    law, shape = HEAVY[text], shape_of(parse_prior(text))
    one, grid = fit_posterior(NOTHING, shape, None), answer_grid(NOTHING, [shape], [None], (0.25, 0.5, 0.75))
    assert [one.log_evidence, grid.log_evidence[0, 0]] == pytest.approx([0, 0], abs=1e-7)
    quartiles = law.ppf([0.25, 0.5, 0.75])
    np.testing.assert_allclose(one.mu.quantile(np.array([0.25, 0.5, 0.75])), quartiles, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(grid.quantiles[0, 0], quartiles, rtol=1e-4, atol=1e-4)
    assert one.mu.p_gt(1e6) == pytest.approx(law.sf(1e6), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("text", SPREADS)
def test_without_data_a_heavy_prior_of_tau_comes_back(text):
    mu = shape_of(parse_prior("normal(0, 1)"))
    found = fit_posterior(NOTHING, mu, shape_of(parse_prior(text)))
    assert found.log_evidence == pytest.approx(0, abs=1e-9)
    u = np.arange(-400, 400, 0.002)
    mass = np.exp(SPREADS[text](u))
    for prob in (0.1, 0.5, 0.9):
        assert float(np.log(found.tau.quantile(prob))) == pytest.approx(weighted_quantile(u, mass, prob), abs=1e-4)


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.1), (0.3, 4.0), (3.0, 0.2)])
def test_without_data_a_beta_comes_back(a, b):
    """As the prior of a rate, on the logit, and as that of mu itself; most of its mass may lie at its ends."""
    law, probs = stats.beta(a, b), np.array([0.25, 0.5, 0.75])
    model = with_priors(default_model("single-arm", "rate", "common"), {"mu": parse_prior(f"beta({a}, {b})")})
    rate = fit_posterior(make_surface((SingleArm("a", 0, 0),), model), shape_of(model.priors["mu"], rate=True), None)
    assert rate.log_evidence == pytest.approx(0, abs=1e-8)
    assert rate.mu.p_gt(0) == pytest.approx(law.sf(0.5), abs=1e-7)
    plain = fit_posterior(NOTHING, shape_of(parse_prior(f"beta({a}, {b})")), None)
    assert plain.log_evidence == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(plain.mu.quantile(probs), law.ppf(probs), rtol=1e-4)
