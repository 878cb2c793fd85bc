"""Independent draws of the exact posterior follow its marginals, and the same seed gives the same draws."""

import numpy as np
import pytest
from scipy import stats

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.draws import draw_posterior
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Effect, Paired, PairedMargins, SingleArm, TwoArm

STRENGTH = (TwoArm("a", 5, 5, 0, 5), TwoArm("b", 11, 16, 0, 16), TwoArm("c", 5, 6, 1, 6))


def posterior_of(studies, model, **priors):
    model = with_priors(model, {key: parse_prior(text) for key, text in priors.items()})
    tau = shape_of(model.priors["tau"]) if model.effect == "random" else None
    mu = shape_of(model.priors["mu"], rate=model.likelihood == "single-arm")
    return fit_posterior(make_surface(studies, model), mu, tau), model


CASES = {
    "binomial": (STRENGTH, default_model("binomial", "OR", "random"), {}),
    "risk ratio": (STRENGTH, default_model("binomial", "RR", "random"), {}),
    "common": (STRENGTH, default_model("binomial", "OR", "common"), {}),
    "narrow": (
        STRENGTH,
        default_model("binomial", "OR", "random"),
        {"mu": "normal(0, 0.02)", "tau": "half-normal(0.01)"},
    ),
    "points": (STRENGTH, default_model("binomial", "OR", "random"), {"mu": "fixed(1)", "tau": "fixed(0.3)"}),
    "point of tau": (STRENGTH, default_model("conditional", "OR", "random"), {"tau": "fixed(0.3)"}),
    "normal": (
        (Effect("a", 1.0, 0.5), Effect("b", -0.5, 0.1), Effect("c", 3.0, 1.0)),
        default_model("normal", "OR", "random"),
        {"mu": "student-t(3, 0, 2)", "tau": "half-cauchy(1)"},
    ),
    "single-arm": ((SingleArm("a", 0, 9), SingleArm("b", 3, 20)), default_model("single-arm", "rate", "random"), {}),
    "crossover": (
        (Paired("a", 1, 3, 0, 2), PairedMargins("b", 5, 1, 6)),
        default_model("crossover", "OR", "random"),
        {},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_draws_follow_the_exact_marginals(name):
    studies, model, priors = CASES[name]
    posterior, model = posterior_of(studies, model, **priors)
    draws = draw_posterior(posterior, studies, model, np.random.default_rng([20070315, 4]))
    marginals = {"mu": posterior.mu, "theta_new": posterior.theta_new}
    if model.effect == "random":
        marginals["tau"] = posterior.tau
    found = {key: draws[key][0] for key in marginals}
    for i, marginal in enumerate(posterior.theta):
        marginals[f"theta[{i}]"], found[f"theta[{i}]"] = marginal, draws["theta"][0, :, i]
    for key, marginal in marginals.items():
        if marginal.panels is None:
            np.testing.assert_array_equal(found[key], marginal.quantile(0.5))
        else:
            assert stats.kstest(found[key], marginal.cdf).pvalue > 1e-3, key


def test_the_seed_decides():
    posterior, model = posterior_of(STRENGTH, default_model("binomial", "OR", "random"))
    first, again, other = (
        draw_posterior(posterior, STRENGTH, model, np.random.default_rng(seed), 200) for seed in (1, 1, 2)
    )
    assert {name: x.shape for name, x in first.items()} == {
        "mu": (1, 200),
        "tau": (1, 200),
        "theta_new": (1, 200),
        **dict.fromkeys(("theta", "baseline", "p_c", "p_t"), (1, 200, 3)),
    }
    for name, x in first.items():
        np.testing.assert_array_equal(x, again[name])
        assert not np.array_equal(x, other[name])


@pytest.mark.slow
def test_mu_and_theta_are_drawn_together():
    """Correlation of mu and tau, and of mu and theta, against the exact joint posterior."""
    posterior, model = posterior_of(STRENGTH, default_model("binomial", "OR", "random"), tau="half-normal(1.5)")
    draws = draw_posterior(posterior, STRENGTH, model, np.random.default_rng(8), 20_000)
    joint = posterior.joint
    exact = float(np.einsum("tg,t,g->", joint.mass, joint.tau, joint.mu))
    products = draws["mu"][0] * draws["tau"][0]
    assert abs(products.mean() - exact) < 4 * products.std() / np.sqrt(products.size)
    # theta minus mu, given mu and tau, is no bell of SD tau (the study pulls it), but theta_new minus mu is
    z = (draws["theta_new"][0] - draws["mu"][0]) / draws["tau"][0]
    assert stats.kstest(z, stats.norm.cdf).pvalue > 1e-3
