"""The sensitivity analysis against closed forms: normal likelihoods with a common effect are conjugate throughout."""

import math
from types import MappingProxyType

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, shape_of
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.sensitivity.baselines import compare_baselines
from bayes_ivig.sensitivity.bias import find_bias_tipping
from bayes_ivig.sensitivity.comparison import compare_models
from bayes_ivig.sensitivity.effect_line import EffectLine
from bayes_ivig.sensitivity.given_tau import effects_given_tau
from bayes_ivig.sensitivity.leave_one_out import leave_one_out
from bayes_ivig.sensitivity.null_trial import make_null_trial
from bayes_ivig.sensitivity.power_scaling import distance, scale_powers
from bayes_ivig.sensitivity.prior_grid import cross_priors
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.sensitivity.tipping import find_tipping_points
from bayes_ivig.studies import Effect

Y, SE = np.array([0.8, 0.1, 0.6, 0.4]), np.array([0.3, 0.25, 0.4, 0.35])
W = 1 / SE**2
S0 = 1.5
STUDIES = tuple(Effect(f"trial {i}", float(y), float(se)) for i, (y, se) in enumerate(zip(Y, SE, strict=True)))


def setting(effect="common", **priors):
    evidence = Evidence("user", "made", STUDIES, benefit="higher", measure="SMD")
    texts = {"mu": f"normal(0, {S0})"} | ({"tau": "half-normal(0.4)"} if effect == "random" else {}) | priors
    parsed = MappingProxyType({key: parse_prior(text) for key, text in texts.items()})
    return Setting(evidence, choose_model(evidence, Choices(effect=effect, measure="SMD", priors=parsed)))


def shipped(outcome, review="mmn-2007", **choices):
    evidence = load_evidence(load_review(review), outcome, choices.get("model"))
    return Setting(evidence, choose_model(evidence, Choices(**choices)))


def posterior_of(weights, sums, s=S0, m=0.0):
    """Mean and SD of mu for precisions and precision-weighted effects, prior normal(m, s)."""
    precision = 1 / s**2 + weights
    return (m / s**2 + sums) / precision, precision**-0.5


def test_the_answer_and_every_power_of_it():
    one = setting()
    mean, sd = posterior_of(W.sum(), W @ Y)
    assert one.answer.mean == pytest.approx(mean, abs=1e-9)
    assert one.answer.p == pytest.approx(ndtr(mean / sd), abs=1e-9)
    components = {c.name: c for c in scale_powers(one).components}
    assert set(components) == {"mu", "likelihood"}
    for alpha, m, s, p in components["mu"].path:
        expected = posterior_of(W.sum(), W @ Y, S0 / math.sqrt(alpha))
        assert (m, s, p) == pytest.approx((*expected, ndtr(expected[0] / expected[1])), abs=1e-7)
    for alpha, m, s, p in components["likelihood"].path:
        expected = posterior_of(alpha * W.sum(), alpha * W @ Y)
        assert (m, s, p) == pytest.approx((*expected, ndtr(expected[0] / expected[1])), abs=1e-7)


def slow_distance(p, q):
    """Cumulative Jensen-Shannon distance of two normals by half a million small steps."""
    low, high = p[0] + p[1] * ndtri([1 / 4000, 1 - 1 / 4000])
    x = np.linspace(low, high, 500_001)[:-1] + (high - low) / 1e6
    step = (high - low) / 500_000
    worst = 0.0
    for sign in (1, -1):
        a, b = (ndtr(sign * (x - m) / s) for m, s in (p, q))
        kl = step * ((a * np.log2(2 * a / (a + b))).sum() + (b * np.log2(2 * b / (a + b))).sum())
        worst = max(worst, math.sqrt(kl / (step * (a + b).sum())))
    return worst


def test_the_sensitivity_measure_is_the_gradient_of_the_distance():
    one = setting()
    base = posterior_of(W.sum(), W @ Y)
    component = next(c for c in scale_powers(one).components if c.name == "mu")
    lower, upper = (posterior_of(W.sum(), W @ Y, S0 / math.sqrt(a)) for a in (0.99, 1.01))
    expected = (slow_distance(base, upper) / math.log2(1.01) - slow_distance(base, lower) / math.log2(0.99)) / 2
    assert component.mu == pytest.approx(expected, rel=1e-4)
    assert distance(one.posterior.mu, one.posterior.mu) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("threshold", [0.975, 0.95, 0.9])
def test_tipping_points(threshold):
    points = find_tipping_points(setting())
    z, total, mean = ndtri(threshold), W.sum(), W @ Y
    sceptical = points.find("sceptical SD", threshold)
    assert sceptical.value == pytest.approx(((mean / z) ** 2 - total) ** -0.5, rel=1e-6)
    assert sceptical.patients == pytest.approx(4 / sceptical.value**2)
    spread = posterior_of(total, mean)[1]
    assert points.find("prior mean", threshold).value == pytest.approx(S0**2 * (z / spread - mean), rel=1e-6)
    per_trial = 1 / np.median(SE) ** 2
    trials = points.find("null trials", threshold).value
    p = [ndtr(np.divide(*posterior_of(total + n * per_trial, mean))) for n in (trials - 1, trials)]
    assert p[0] > threshold >= p[1]


def test_an_advocate_where_the_conclusion_is_not_reached():
    one = setting(mu="normal(0, 0.1)")
    points = find_tipping_points(one)
    total, mean = W.sum(), W @ Y
    assert one.answer.p < 0.975
    spread = posterior_of(total, mean, 0.1)[1]
    found = points.find("advocate's mean", 0.975).value
    assert found == pytest.approx(0.1**2 * (ndtri(0.975) / spread - mean), rel=1e-6)


def test_bias_in_all_trials_and_in_one():
    rows = find_bias_tipping(setting())
    z, total, mean = ndtri(0.975), W.sum(), W @ Y
    for row in rows[:2]:
        weight = 1 / (1 / total + row.bias_sd**2)
        spread = posterior_of(weight, 0.0)[1]
        assert row.bias == pytest.approx(mean / total - z / spread / weight, rel=1e-5)
    spread = posterior_of(total, mean)[1]
    for row, w in zip(rows[2:], W, strict=True):
        assert row.bias == pytest.approx((mean - z / spread) / w, rel=1e-5)


def test_bias_in_one_of_the_binomial_trials_against_the_whole_engine():
    from bayes_ivig.quadrature import Surface
    from bayes_ivig.sensitivity.effect_line import OneBiased
    from bayes_ivig.sensitivity.more_curves import BiasedCurve

    one = shipped("disability")
    line = EffectLine(one.surface, one.tau)
    for index, bias in ((0, 2.0), (1, -1.0), (2, 5.0)):
        curves = list(one.surface.curves)
        curves[index] = BiasedCurve(curves[index], bias)
        expected = fit_posterior(Surface(tuple(curves)), one.mu, one.tau).mu.p_gt(0.0)
        assert OneBiased(line, one.mu, index).probability(bias, 1) == pytest.approx(expected, abs=1e-6)


def log_evidence(y, se, s):
    covariance = np.diag(se**2) + s**2
    _, log_det = np.linalg.slogdet(2 * math.pi * covariance)
    return -0.5 * (log_det + y @ np.linalg.solve(covariance, y))


def test_leave_one_out():
    whole = log_evidence(Y, SE, S0)
    for i, row in enumerate(leave_one_out(setting())):
        kept = np.arange(4) != i
        mean, sd = posterior_of(W[kept].sum(), W[kept] @ Y[kept])
        assert (row.answer.mean, row.answer.sd) == pytest.approx((mean, sd), abs=1e-9)
        assert row.elpd == pytest.approx(whole - log_evidence(Y[kept], SE[kept], S0), abs=1e-9)
        full_mean, full_sd = posterior_of(W.sum(), W @ Y)
        assert row.mu_shift == pytest.approx((full_mean - mean) / full_sd, abs=1e-8)


def test_effects_given_tau():
    trace = effects_given_tau(setting("random"))
    for j in range(0, len(trace.tau), 7):
        tau = trace.tau[j]
        weights = 1 / (SE**2 + tau**2)
        mean, sd = posterior_of(weights.sum(), weights @ Y)
        assert trace.mu[j] == pytest.approx(mean, abs=1e-8)
        pull = tau**2 / (tau**2 + SE**2)
        assert trace.theta[:, j] == pytest.approx(pull * Y + (1 - pull) * mean, abs=1e-7)
        assert trace.interval[j] == pytest.approx(mean + sd * ndtri([0.025, 0.975]), abs=0.02 * sd)


def test_the_four_models_of_metabma():
    """Strength, log OR with 0.5 added, normal(0, 2.82), half-normal(0.5): the log evidences that metaBMA gives."""
    comparison = compare_models(shipped("strength", model="normal", measure="OR"))
    found = {(m.effect, m.has_effect): m.log_evidence for m in comparison.models}
    assert found[("common", True)] == pytest.approx(-6.57576, abs=1e-5)
    assert found[("random", True)] == pytest.approx(-6.63472, abs=1e-5)
    assert found[("common", False)] == pytest.approx(-12.99611, abs=1e-5)
    assert found[("random", False)] == pytest.approx(-12.24237, abs=1e-5)
    assert math.exp(comparison.log_bf_effect) == pytest.approx(381.853, abs=1e-3)
    assert sum(m.probability for m in comparison.models) == pytest.approx(1)


def test_the_averaged_effect_lies_between_and_is_the_mixture():
    one = shipped("strength", model="normal", measure="OR")
    comparison = compare_models(one)
    common = fit_posterior(one.surface, one.mu, None).mu
    share = np.array([m.probability for m in comparison.models if m.has_effect])
    share /= share.sum()
    parts = (common, one.posterior.mu)
    assert comparison.averaged.mean == pytest.approx(share @ [p.mean for p in parts], abs=1e-9)
    low, high = comparison.averaged.ci
    assert share @ [float(p.cdf(low)) for p in parts] == pytest.approx(0.025, abs=1e-8)
    assert share @ [float(p.cdf(high)) for p in parts] == pytest.approx(0.975, abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["strength", "disability"])
def test_the_prior_grid_against_the_whole_engine(outcome):
    """Corners of the grid that are hardest: heavy tails on both sides, narrow priors, each baseline."""
    one = shipped(outcome)
    baselines = compare_baselines(one)
    grid = cross_priors(one, baselines)
    assert all(n >= least for n, least in zip(grid.p.shape, (4, 8, 6), strict=True))
    rng = np.random.default_rng(5)
    for _ in range(12):
        b, t, m = (int(rng.integers(n)) for n in grid.p.shape)
        tau = grid.tau[t].prior
        shape = None if tau.is_point else shape_of(tau)
        mu = fit_posterior(baselines.surfaces[b], shape_of(grid.mu[m].prior), shape).mu
        assert grid.p[b, t, m] == pytest.approx(mu.p_gt(0.0), abs=2e-6), grid.describe(b, t, m)
        assert grid.median[b, t, m] == pytest.approx(float(mu.quantile(0.5)), abs=2e-5 * mu.interval(0.68)[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mu", "tau"), [("normal(0, 0.02)", "half-normal(0.5)"), ("student-t(5, 0, 0.7)", "half-cauchy(0.5)")]
)
def test_the_line_against_the_whole_engine(mu, tau):
    one = shipped("disability")
    prior, scale = shape_of(parse_prior(mu)), shape_of(parse_prior(tau))
    line = EffectLine(one.surface, scale)
    assert line.probability(prior, 1) == pytest.approx(fit_posterior(one.surface, prior, scale).mu.p_gt(0.0), abs=1e-7)
    shifted = line.probability(prior, 1, 0.3, 1e-3)
    assert shifted == pytest.approx(line.probability(prior, 1, 0.3), abs=1e-5)


def test_the_null_trial_has_the_expected_counts():
    trial = make_null_trial(shipped("strength").evidence, shipped("strength").model)
    assert trial.patients == 12
    assert "1/27" in trial.text
    profile = trial.curve.log_profile(np.array([-1.0, 0.0, 1.0]))
    assert profile[1] > profile[0]
    assert profile[0] == pytest.approx(profile[2], abs=1e-8)


@pytest.mark.slow
def test_power_scaling_agrees_with_arviz_on_draws():
    """ArviZ's psense, restricted to the same terms, on 16,000 draws: good to about a tenth."""
    import arviz_stats
    import xarray as xr

    from bayes_ivig import nuts

    one = shipped("strength")
    ready = nuts.compile_model(one.evidence.studies, one.model)
    tree = nuts.sample(ready, target_accept=0.95, draws=4000).to_datatree()
    draws = {name: tree.posterior[name] for name in ("mu", "tau")}
    priors = {name: (x.dims, one.model.priors[name].logpdf(x.values)) for name, x in draws.items()}
    tree["log_prior"] = xr.DataTree(xr.Dataset(priors, coords={d: draws["mu"].coords[d] for d in draws["mu"].dims}))
    components = {c.name: c for c in scale_powers(one).components}
    for name in draws:
        found = arviz_stats.psense(tree, var_names=list(draws), group="prior", group_var_names=[name])
        for quantity in draws:
            exact = getattr(components[name], quantity)
            assert float(found[quantity]) == pytest.approx(exact, abs=0.02 + 0.1 * exact)
