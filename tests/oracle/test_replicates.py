"""What ArviZ gets beside the draws: log likelihood of each trial and replicated data, against scipy's distributions.

The replicates are those of a posterior predictive check: their mean and variance lie within Monte-Carlo error of the
distribution that scipy has for them.
"""

import numpy as np
from scipy import stats
from scipy.special import expit

from bayes_ivig.profiles import binomial, conditional, crossover, normal, single_arm
from bayes_ivig.profiles.plackett import CELLS, joint_cells
from bayes_ivig.spec import default_model
from bayes_ivig.studies import Effect, Paired, SingleArm, TwoArm

N = 40_000
THETA = np.array([[0.7, -1.2], [2.0, 0.1], [-0.4, 1.5]])  # three draws of two trials
BASELINE = np.array([[-0.5, 0.3], [0.2, -1.0], [1.1, 0.0]])
TRIALS = (TwoArm("a", 5, 11, 1, 9), TwoArm("b", 2, 6, 3, 7))
EFFECTS = (Effect("a", 0.4, 0.8), Effect("b", -1.0, 1.7))
RATES = (SingleArm("a", 3, 11), SingleArm("b", 0, 6))
PAIRS = (Paired("a", 2, 6, 1, 4), Paired("b", 0, 3, 0, 5, 1, 3, 2, 4))  # patients of one treatment in the second


def draws_of(likelihood, trials, measure="OR"):
    """Data, and draws with all that follows from THETA and BASELINE."""
    data = likelihood.make_data(trials, measure)
    name = {single_arm: "single-arm"}.get(likelihood, likelihood.__name__.rpartition(".")[2])
    nested = likelihood in (binomial, crossover)
    model = default_model(name, measure, "random", "midpoint" if nested else None)
    draws = {"theta": THETA}
    if nested:
        draws["baseline"] = BASELINE
    if likelihood is crossover:
        draws["association"] = np.array([[1.5, 0.0], [-2.0, 0.6], [0.3, 3.0]])
    return data, draws | likelihood.derive(draws, data, model)


def fisher(trial, theta):
    """Events on treatment given the totals: noncentral hypergeometric."""
    return stats.nchypergeom_fisher(trial.n_t + trial.n_c, trial.events_t + trial.events_c, trial.n_t, np.exp(theta))


def assert_replicates(values, mean, variance):
    """Values (N, draws, trials) have these moments, within five standard errors."""
    error = np.sqrt(variance / N)
    assert np.all(np.abs(values.mean(axis=0) - mean) < 5 * error)
    fourth = ((values - mean) ** 4).mean(axis=0)
    assert np.all(np.abs(values.var(axis=0) - variance) < 5 * np.sqrt(fourth / N))


def replicated(likelihood, data, draws):
    many = {name: np.broadcast_to(x, (N, *x.shape)) for name, x in draws.items()}
    return likelihood.predict(many, data, np.random.default_rng(4429))


def test_normal():
    data, draws = draws_of(normal, EFFECTS)
    y, se = (np.array([getattr(s, name) for s in EFFECTS]) for name in ("y", "se"))
    np.testing.assert_allclose(normal.log_likelihood(draws, data), stats.norm(THETA, se).logpdf(y), rtol=1e-13)
    assert_replicates(replicated(normal, data, draws)["y"], THETA, se**2 + 0 * THETA)


def test_a_trial_without_an_effect_has_no_likelihood():
    data = normal.make_data((TRIALS[0], TwoArm("empty", 0, 0, 1, 5)), "OR")
    found = normal.log_likelihood({"theta": THETA}, data)
    assert np.all(found[:, 1] == 0)
    assert np.all(found[:, 0] < 0)


def test_two_arms():
    data, draws = draws_of(binomial, TRIALS)
    p_t, p_c = expit(BASELINE + THETA / 2), expit(BASELINE - THETA / 2)
    r_t, n_t, r_c, n_c = (np.array([getattr(s, x) for s in TRIALS]) for x in ("events_t", "n_t", "events_c", "n_c"))
    exact = stats.binom.logpmf(r_t, n_t, p_t) + stats.binom.logpmf(r_c, n_c, p_c)
    np.testing.assert_allclose(binomial.log_likelihood(draws, data), exact, rtol=1e-12)
    found = replicated(binomial, data, draws)
    assert_replicates(found["events_t"], n_t * p_t, n_t * p_t * (1 - p_t))
    assert_replicates(found["events_c"], n_c * p_c, n_c * p_c * (1 - p_c))


def test_one_arm():
    data, draws = draws_of(single_arm, RATES, "rate")
    r, n = (np.array([getattr(s, name) for s in RATES]) for name in ("events", "n"))
    rate = expit(THETA)
    np.testing.assert_allclose(single_arm.log_likelihood(draws, data), stats.binom.logpmf(r, n, rate), rtol=1e-12)
    assert_replicates(replicated(single_arm, data, draws)["events"], n * rate, n * rate * (1 - rate))


def test_given_the_totals():
    data, draws = draws_of(conditional, TRIALS)
    exact = [[fisher(s, x).logpmf(s.events_t) for s, x in zip(TRIALS, row, strict=True)] for row in THETA]
    np.testing.assert_allclose(conditional.log_likelihood(draws, data), exact, rtol=1e-9)
    moments = [[fisher(s, x).stats("mv") for s, x in zip(TRIALS, row, strict=True)] for row in THETA]
    mean, variance = np.moveaxis(np.array(moments, float), -1, 0)
    found = replicated(conditional, data, draws)
    assert_replicates(found["events_t"], mean, variance)
    total = [s.events_t + s.events_c for s in TRIALS]
    assert np.all(found["events_t"] + found["events_c"] == total)


def test_pairs():
    data, draws = draws_of(crossover, PAIRS)
    cells = joint_cells(BASELINE, THETA / 2, draws["association"])
    p = np.stack([cells[name] for name in CELLS], axis=-1)
    p_t, p_c = expit(BASELINE + THETA / 2), expit(BASELINE - THETA / 2)
    for i, trial in enumerate(PAIRS):
        counts = np.array([getattr(trial, name) for name in CELLS])
        exact = stats.multinomial.logpmf(counts, counts.sum(), p[:, i] / p[:, i].sum(axis=-1, keepdims=True))
        exact += stats.binom.logpmf(trial.events_t, trial.n_t, p_t[:, i])
        exact += stats.binom.logpmf(trial.events_c, trial.n_c, p_c[:, i])
        np.testing.assert_allclose(crossover.log_likelihood(draws, data)[:, i], exact, rtol=1e-9)
    n, n_t, n_c = np.array([13, 8]), np.array([0, 3]), np.array([0, 4])
    found = replicated(crossover, data, draws)
    assert_replicates(found["events_t"], (n + n_t) * p_t, (n + n_t) * p_t * (1 - p_t))
    assert_replicates(found["events_c"], (n + n_c) * p_c, (n + n_c) * p_c * (1 - p_c))
