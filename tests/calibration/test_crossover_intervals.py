"""Intervals of simulated crossover trials, and of the same data read as parallel arms: issue 4's measure.

Parameters are drawn from the priors, the association within patients from the prior that analyses it. The interval of
the crossover model must then hold the truth as often as it says; that of parallel arms, which knows nothing of the
pairing, is too wide and holds it more often. The posteriors are sums over fixed grids, written apart from the engine
and compared with it. `pytest -s` prints the table.
"""

import math
from functools import cache

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.special import expit

from bayes_ivig.calibration.designs import draw_crossing
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Paired, TwoArm

pytestmark = pytest.mark.slow

REPLICATES, SEED = 10_000, 44291
PROBS = (0.5, 0.8, 0.95)
CROSSOVER = with_priors(default_model("crossover", "OR", "random"), {"association": resolve_prior("normal(3, 0.5)")})
PARALLEL = default_model("binomial", "OR", "random")
# Patients of each trial; of Léger's trial those who started on IVIg and on placebo.
STRENGTH, DISABILITY = (5, 16, 6), (5, (4, 5), 6)

THETA = np.linspace(-24, 24, 241)
MU = np.linspace(-16, 16, 401)
LEGENDRE, WEIGHTS = np.polynomial.legendre.leggauss(16)
TAU = 3 * ((LEGENDRE + 1) / 2) ** 2  # close together near 0; half-normal(0.5) leaves 2e-9 beyond 3
HERMITE, BELL = np.polynomial.hermite_e.hermegauss(16)


@cache
def simulate(design):
    """Draw the true mu of every replicate, (R,), and its trials."""
    rng = np.random.default_rng(SEED)
    mu, tau = (CROSSOVER.priors[name].rvs(rng, (REPLICATES,)) for name in ("mu", "tau"))
    return mu, [tuple(draw_trial(size, rng.normal(m, s), rng) for size in design) for m, s in zip(mu, tau, strict=True)]


def draw_trial(size, theta, rng):
    """Draw one trial; its cells by Plackett's quadratic as textbooks write it."""
    u, psi = rng.uniform(), math.exp(rng.normal(3, 0.5))
    g = math.log(u / (1 - u))
    p_t, p_c = float(expit(g + theta / 2)), float(expit(g - theta / 2))
    a = 1 + (p_t + p_c) * (psi - 1)
    both = (a - math.sqrt(a * a - 4 * psi * (psi - 1) * p_t * p_c)) / (2 * (psi - 1))
    if isinstance(size, tuple):
        return draw_crossing("trial", size, (p_t, p_c, both), rng)
    cells = np.maximum([both, p_t - both, p_c - both, 1 - p_t - p_c + both], 0)
    return Paired("trial", *rng.multinomial(size, cells / cells.sum()).tolist())


def as_arms(trial):
    """Return the trial as the review read it: every exposure a patient of its own."""
    on_t, on_c = trial.both + trial.t_only + trial.events_t, trial.both + trial.c_only + trial.events_c
    return TwoArm("trial", on_t, trial.n_pairs + trial.n_t, on_c, trial.n_pairs + trial.n_c)


def model_of(trial):
    return CROSSOVER if isinstance(trial, Paired) else PARALLEL


@cache
def smoothed(trial):
    """Log likelihood of mu and tau of one trial, (T, G): the mean of its likelihood over normal(mu, tau)."""
    model = model_of(trial)
    curve = CubicSpline(THETA, LIKELIHOODS[model.likelihood].log_integrated(trial, model, THETA))
    theta = np.clip(MU[:, None] + TAU[:, None, None] * HERMITE, THETA[0], THETA[-1])
    return np.log(np.exp(curve(theta)) @ (BELL / BELL.sum()))


def distributions(replicates):
    """Posterior distribution functions of mu at MU, (R, G)."""
    priors = CROSSOVER.priors  # of mu and tau the parallel model has the same
    prior = np.log(WEIGHTS * (LEGENDRE + 1)) + priors["tau"].logpdf(TAU)
    prior = prior[:, None] + priors["mu"].logpdf(MU)
    densities = np.empty((len(replicates), len(MU)))
    for density, trials in zip(densities, replicates, strict=True):
        log_joint = prior + sum(smoothed(trial) for trial in trials)
        density[:] = np.exp(log_joint - log_joint.max()).sum(axis=0)
    below = CubicSpline(MU, densities, axis=1).antiderivative()(MU)
    return below / below[:, -1:]


def quantile(below, p):
    """Quantile of each distribution, (R,)."""
    return np.array([np.interp(p, row, MU) for row in below])


def ends(prob):
    return (1 - prob) / 2, (1 + prob) / 2


@cache
def judge(design):
    """Coverage and median width of every interval, {analysis: {prob: (coverage, width)}}; prints both."""
    mu, replicates = simulate(design)
    arms = [tuple(map(as_arms, trials)) for trials in replicates]
    found = {}
    print(f"\n{REPLICATES:,} replicates of trials of {design} patients; mu: coverage, its error, median width")
    for name, data in (("crossover", replicates), ("parallel", arms)):
        below = distributions(data)
        found[name] = {}
        for prob in PROBS:
            low, high = (quantile(below, p) for p in ends(prob))
            held, width = float(np.mean((low <= mu) & (mu <= high))), float(np.median(high - low))
            found[name][prob] = held, width
            print(f"  {name:9} {prob:.0%}  {held:.4f} +- {error(prob):.4f}  {width:.3f}")
    return found


def error(prob):
    """Monte-Carlo standard error of a coverage that is `prob`."""
    return math.sqrt(prob * (1 - prob) / REPLICATES)


@pytest.mark.parametrize("design", [STRENGTH, DISABILITY], ids=["strength", "disability"])
@pytest.mark.parametrize("prob", PROBS)
def test_the_crossover_interval_holds_the_truth_as_often_as_it_says(design, prob):
    held, _ = judge(design)["crossover"][prob]
    assert abs(held - prob) < 3 * error(prob)


@pytest.mark.parametrize("prob", PROBS)
def test_the_parallel_interval_of_pairs_is_wider_and_holds_it_more_often(prob):
    found = judge(STRENGTH)
    (_, width), (held, parallel_width) = found["crossover"][prob], found["parallel"][prob]
    assert parallel_width > width
    if prob < 0.9:
        assert held > prob + 4 * error(prob)


@pytest.mark.parametrize("design", [STRENGTH, DISABILITY], ids=["strength", "disability"])
def test_what_is_judged_is_the_answer_of_the_exact_engine(design):
    _, replicates = simulate(design)
    for trials in (*replicates[:4], *(tuple(map(as_arms, trials)) for trials in replicates[:4])):
        model = model_of(trials[0])
        exact = fit_posterior(make_surface(trials, model), *(shape_of(model.priors[name]) for name in ("mu", "tau"))).mu
        below = distributions([trials])
        for prob in PROBS:
            found = tuple(float(quantile(below, p)[0]) for p in ends(prob))
            assert found == pytest.approx(exact.interval(prob), abs=0.01 * exact.sd)
