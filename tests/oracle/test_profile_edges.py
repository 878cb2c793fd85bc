"""Integrated likelihoods at the edges of what data can be, against plain sums over an even grid of one logit.

The sums are written apart from the profiles: everything on the log scale, no root is solved and no peak sought. A
trapezoidal sum over a whole line is exact to rounding once its step is small against the narrowest bell
(Trefethen LN, Weideman JAC, SIAM Review 2014;56:385-458).
"""

import math

import numpy as np
import pytest
from scipy.special import betaln, gammaln, logsumexp

from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import SingleArm, TwoArm

EFFECTS = np.array([-20.0, -6.0, -1.0, 0.0, 0.004, 0.3, 4.0, 20.0])
MILLION = 10**6
EDGES = {
    "0/n": (3, 9, 0, 8),
    "n/n": (6, 6, 2, 7),
    "0 against 0": (0, 5, 0, 7),
    "n against n": (5, 5, 7, 7),
    "n against 0": (5, 5, 0, 5),
    "0 against n": (0, 4, 6, 6),
    "n = 1": (1, 1, 0, 1),
    "n = 1 alike": (1, 1, 1, 1),
    "one arm empty": (2, 5, 0, 0),
    "n = 1,000,000": (300_000, MILLION, 299_000, MILLION),
    "rare in 1,000,000": (1, MILLION, 0, MILLION),
    "none of 1,000,000": (0, MILLION, 0, MILLION),
    "small beside large": (1, 3, 40_000, MILLION),
}
BASELINES = ["beta(1, 1)", "beta(0.5, 0.5)", "beta(2, 18)", "normal(0, 1.5)", "normal(-1, 10)"]


def log_both(x):
    """log p and log(1 - p) of a logit."""
    return -np.logaddexp(0, -x), -np.logaddexp(0, x)


def log_density(text, g):
    """Log density of the baseline on the logit g."""
    family, args = text.rstrip(")").split("(")
    a, b = map(float, args.split(","))
    if family == "normal":
        return -0.5 * ((g - a) / b) ** 2 - math.log(b) - 0.5 * math.log(2 * math.pi)
    log_p, log_q = log_both(g)
    return a * log_p + b * log_q - betaln(a, b)


def log_binomial(r, n, log_p, log_q):
    return gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1) + r * log_p + (n - r) * log_q


def plain_log_likelihood(counts, measure, control, baseline, theta):
    """Sum over the logit x of one arm: the control arm, or under a risk ratio the arm with the higher risk."""
    r_t, n_t, r_c, n_c = counts
    step = 0.01 if max(n_t, n_c) < 1000 else 1e-3
    x = np.arange(-260.0, 260.0, step)  # far enough for the midpoint: one logit stops at that of R
    log_p, log_q = log_both(x)
    if measure == "OR":
        p_t, q_t = log_both(x + theta)
        p_c, q_c, g, log_slope = log_p, log_q, x if control else x + theta / 2, 0.0
    else:
        # The lower risk is the higher one times R <= 1: 1 - R p = (1 - p) + p (1 - R).
        log_ratio = -abs(theta)
        log_rest = math.log(-math.expm1(log_ratio)) if theta else -math.inf
        low_p, low_q = log_p + log_ratio, np.logaddexp(log_q, log_p + log_rest)
        (p_c, q_c), (p_t, q_t) = ((log_p, log_q), (low_p, low_q))[:: 1 if theta <= 0 else -1]
        low_logit, lower_slope = low_p - low_q, log_q - low_q  # d logit(R p) / d logit(p) = (1 - p) / (1 - R p)
        if control:
            g, log_slope = (x, 0.0) if theta <= 0 else (low_logit, lower_slope)
        else:
            g, log_slope = (x + low_logit) / 2, np.logaddexp(0, lower_slope) - math.log(2)
    prior = log_density(baseline, g) + log_slope + math.log(step)
    terms = log_binomial(r_t, n_t, p_t, q_t) + log_binomial(r_c, n_c, p_c, q_c) + prior
    # Under the risk ratio the prior of the control risk is cut at 1 / R, and made to integrate to 1 again.
    return logsumexp(terms) - (logsumexp(prior) if measure == "RR" and control else 0.0)


@pytest.mark.parametrize(
    "edge", ["0/n", *(pytest.param(edge, marks=pytest.mark.slow) for edge in EDGES if edge != "0/n")]
)
@pytest.mark.parametrize("control", [False, True], ids=["midpoint", "control"])
@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_two_arms(measure, control, edge):
    for baseline in BASELINES if max(EDGES[edge]) < 1000 else BASELINES[::3]:
        model = default_model("binomial", measure, "random", "control" if control else "midpoint")
        model = with_priors(model, {"baseline": parse_prior(baseline)})
        found = LIKELIHOODS["binomial"].log_integrated(TwoArm("x", *EDGES[edge]), model, EFFECTS)
        exact = [plain_log_likelihood(EDGES[edge], measure, control, baseline, theta) for theta in EFFECTS.tolist()]
        seen = np.array(exact) > max(exact) - 100
        assert seen.sum() >= 2
        np.testing.assert_allclose(found[seen], np.array(exact)[seen], atol=1e-8, err_msg=baseline)
        assert np.all(found[~seen] < max(exact) - 90)


@pytest.mark.parametrize("edge", [edge for edge, counts in EDGES.items() if max(counts) < 1000])
def test_conditional(edge):
    """P(events on T given all events), by exact binomial coefficients."""
    r_t, n_t, r_c, n_c = EDGES[edge]
    k = np.arange(max(0, r_t + r_c - n_c), min(n_t, r_t + r_c) + 1)
    log_ways = np.array([math.log(math.comb(n_t, i) * math.comb(n_c, r_t + r_c - i)) for i in k.tolist()])
    exact = [log_ways[k == r_t][0] + r_t * theta - logsumexp(log_ways + k * theta) for theta in EFFECTS.tolist()]
    model = default_model("conditional", "OR", "random")
    found = LIKELIHOODS["conditional"].log_integrated(TwoArm("x", *EDGES[edge]), model, EFFECTS)
    np.testing.assert_allclose(found, exact, atol=1e-10)


@pytest.mark.parametrize(("events", "n"), [(0, 9), (9, 9), (0, 1), (1, 1), (3, 10), (0, MILLION), (300_000, MILLION)])
def test_single_arm(events, n):
    found = LIKELIHOODS["single-arm"].log_integrated(
        SingleArm("x", events, n), default_model("single-arm", "rate", "random"), EFFECTS
    )
    np.testing.assert_allclose(found, log_binomial(events, n, *log_both(EFFECTS)), atol=1e-8, rtol=1e-12)
