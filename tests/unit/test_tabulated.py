"""Tabulated likelihoods at the edges of what data can be: the profile against the likelihood itself, and its
smoothing by Normal(mu, tau) against a plain sum over many short pieces."""

import math

import numpy as np
import pytest

from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature.curves import ConstantCurve, NormalCurve
from bayes_ivig.quadrature.surface import curve_of, make_surface
from bayes_ivig.quadrature.tabulated import TabulatedCurve
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Effect, Paired, PairedMargins, SingleArm, TwoArm

EDGES = {
    "0/n": TwoArm("x", 3, 9, 0, 8),
    "n/n": TwoArm("x", 6, 6, 2, 7),
    "0 against 0": TwoArm("x", 0, 5, 0, 7),
    "n against n": TwoArm("x", 5, 5, 7, 7),
    "n against 0": TwoArm("x", 5, 5, 0, 5),
    "n = 1": TwoArm("x", 1, 1, 0, 1),
    "n = 1 alike": TwoArm("x", 1, 1, 1, 1),
    "n = 1,000,000": TwoArm("x", 300_000, 10**6, 299_000, 10**6),
    "rare in 1,000,000": TwoArm("x", 1, 10**6, 0, 10**6),
    "small beside large": TwoArm("x", 1, 3, 40_000, 10**6),
    "one arm empty": TwoArm("x", 2, 5, 0, 0),
}
MODELS = {
    "OR midpoint": ("binomial", "OR", "midpoint", "beta(1, 1)"),
    "OR midpoint normal": ("binomial", "OR", "midpoint", "normal(0, 10)"),
    "OR midpoint t": ("binomial", "OR", "midpoint", "student-t(3, 0, 2.5)"),
    "OR control": ("binomial", "OR", "control", "beta(0.5, 0.5)"),
    "OR control normal": ("binomial", "OR", "control", "normal(-1, 1.5)"),
    "OR control mixed": ("binomial", "OR", "control", "0.5*beta(1, 1) + 0.5*beta(2, 18)"),
    "RR midpoint": ("binomial", "RR", "midpoint", "beta(1, 1)"),
    "RR midpoint normal": ("binomial", "RR", "midpoint", "normal(0, 1.5)"),
    "conditional": ("conditional", "OR", None, None),
}
# (mu, tau) in the middle, far out on either side, and so wide that the study is a point
PLACES = [
    (0.0, 0.0),
    (0.4, 0.05),
    (-1.0, 0.4),
    (2.0, 1.5),
    (-20.0, 0.5),
    (20.0, 0.5),
    (20.0, 4.0),
    (-3.0, 60.0),
    (0.0, 3000.0),
]


def smoothed(curve, mu, tau):
    """Log of the integral of likelihood times bell, by 20 Gauss nodes in each of many short pieces."""
    if tau == 0:
        return float(curve.log_profile(np.array([mu]))[0])
    around = [mu + tau * np.linspace(-13, 13, 80)]
    if math.isfinite(curve.width):
        steps = curve.width * np.concatenate([np.linspace(0, 20, 60), np.geomspace(21, 3000, 60)])
        around += [curve.centre + steps, curve.centre - steps]
    edges = np.unique(np.concatenate(around).clip(mu - 13 * tau, mu + 13 * tau))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = np.diff(edges)[:, None] / 2
    theta = edges[:-1, None] + half * (1 + nodes)
    logs = curve.log_profile(theta) - 0.5 * ((theta - mu) / tau) ** 2 - math.log(tau * math.sqrt(2 * math.pi))
    return float(np.log((half * weights * np.exp(logs - logs.max())).sum()) + logs.max())


def check(study, model, tolerance=1e-8):
    """Where likelihoods are within 40 of their peak, that is all that any posterior can see."""
    curve = curve_of(study, model)
    theta = np.concatenate([np.linspace(-20, 20, 41), curve.centre + min(curve.width, 5) * np.linspace(-6, 6, 25)])
    exact = LIKELIHOODS[model.likelihood].log_integrated(study, model, theta)
    seen = exact > exact.max() - 40
    np.testing.assert_allclose(curve.log_profile(theta)[seen], exact[seen], atol=tolerance)
    assert np.all(curve.log_profile(theta)[~seen] < exact.max() - 39)
    assert curve.error <= 1e-9
    peak = exact.max()
    for mu, tau in PLACES:
        place, wanted = (np.array([mu]), np.array([tau])), smoothed(curve, mu, tau)
        found = float(curve.log_smoothed(*place)[0, 0])
        direct = float(curve.smooth_directly(*place)[0, 0]) if isinstance(curve, TabulatedCurve) else found
        if wanted < peak - 40:
            assert max(found, direct) < peak - 39, (mu, tau)
            continue
        assert direct == pytest.approx(wanted, abs=10 * tolerance), (mu, tau)
        # The table serves where the likelihood is; a posterior elsewhere is found out and does without it.
        assert abs(found - wanted) * math.exp(wanted - peak) < 1e-6, (mu, tau)
    return curve


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "edge", ["0/n", *(pytest.param(edge, marks=pytest.mark.slow) for edge in EDGES if edge != "0/n")]
)
def test_two_arms(edge, model):
    likelihood, measure, parametrisation, baseline = MODELS[model]
    chosen = default_model(likelihood, measure, "random", parametrisation)
    if baseline:
        chosen = with_priors(chosen, {"baseline": parse_prior(baseline)})
    check(EDGES[edge], chosen)


@pytest.mark.parametrize("edge", ["0 against 0", "n against n", "one arm empty", "n = 1 alike"])
def test_the_conditional_likelihood_says_nothing_of_these(edge):
    curve = curve_of(EDGES[edge], default_model("conditional", "OR", "random"))
    assert isinstance(curve, ConstantCurve)
    assert curve.level == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("study", [TwoArm("x", 0, 0, 0, 0)])
@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_a_study_without_patients_says_nothing(study, measure):
    curve = curve_of(study, default_model("binomial", measure, "random"))
    assert isinstance(curve, ConstantCurve)
    assert curve.level == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(curve.log_profile(np.array([[1.0], [2.0]])), np.full((2, 1), curve.level))


@pytest.mark.parametrize(("events", "n"), [(0, 9), (9, 9), (0, 1), (3, 10), (300_000, 10**6), (0, 10**6)])
def test_single_arm(events, n):
    check(SingleArm("x", events, n), default_model("single-arm", "rate", "random"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "study",
    [
        Paired("x", 0, 0, 0, 5),
        Paired("x", 1, 0, 0, 0),
        Paired("x", 0, 5, 0, 0),
        Paired("x", 1, 3, 0, 2, 2, 4, 0, 5),
        PairedMargins("x", 5, 1, 6),
        PairedMargins("x", 0, 0, 4),
    ],
    ids=str,
)
@pytest.mark.parametrize("parametrisation", ["midpoint", "control"])
def test_crossover(study, parametrisation):
    check(study, default_model("crossover", "OR", "random", parametrisation), 1e-7)


@pytest.mark.parametrize(("y", "se", "power"), [(0.3, 0.5, 1.0), (-20, 0.01, 1.0), (4, 3, 0.3), (1, 1, 2.5)])
def test_a_normal_study_in_closed_form(y, se, power):
    curve = NormalCurve(y, se, power)
    for mu, tau in [(y, 0.0), (y, 0.1), (y + 2 * se, se), (y - se, 3 * se), (0.0, 100.0)]:
        found = float(curve.log_smoothed(np.array([mu]), np.array([tau]))[0, 0])
        assert found == pytest.approx(smoothed(curve, mu, tau), abs=1e-8, rel=1e-12)


def test_power_0_says_nothing():
    effect = make_surface((Effect("x", 1, 2),), default_model("normal", "OR", "random"), power=0.0)
    counts = make_surface((EDGES["0/n"],), default_model("binomial", "OR", "random"), power=0.0)
    for surface in (effect, counts):
        assert surface.varying == ()
        np.testing.assert_allclose(surface.parts(np.array([0.0, 3.0]), np.array([0.0, 1.0])), 0, atol=1e-9)


def test_whole_and_fractional_counts_meet():
    """A trial of a hundredth of a patient more is hardly another trial; expected counts need no rounding."""

    class Expected:
        study, kind = "x", "two-arm"
        events_t, n_t, events_c, n_c = 3.0001, 9.0, 0.0, 8.0

    model = default_model("binomial", "OR", "random")
    theta = np.linspace(-3, 6, 19)
    whole = curve_of(EDGES["0/n"], model).log_profile(theta)
    np.testing.assert_allclose(curve_of(Expected(), model).log_profile(theta), whole, atol=1e-3)


KINKED = {  # everybody in an arm has the event: the likelihood of the log risk ratio bends sharply at 0
    "midpoint": (TwoArm("x", 4, 5, 5, 5), TwoArm("x", 16, 16, 16, 16), TwoArm("x", 6, 6, 5, 6)),
    "control": (TwoArm("x", 4, 5, 5, 5), TwoArm("x", 2, 6, 0, 6), TwoArm("x", 9, 16, 3, 16)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parametrisation", "study"), [(name, study) for name, studies in KINKED.items() for study in studies], ids=str
)
def test_beside_a_kink(parametrisation, study):
    """At every distance in widths of the bell, from bells as narrow as nothing to one as wide as the likelihood."""
    curve = curve_of(study, default_model("binomial", "RR", "random", parametrisation))
    assert curve.kink == 0.0
    rng = np.random.default_rng(4429)
    tau = np.exp(rng.uniform(math.log(1e-4), math.log(3), 400))
    mu = np.concatenate([tau[:300] * rng.normal(0, 5, 300), rng.normal(0, 2, 100)])
    beyond = np.geomspace(1e-7, 60, 240)
    edges = np.concatenate([-beyond[::-1], [0.0], beyond])
    nodes, weights = np.polynomial.legendre.leggauss(12)
    for m, t in zip(mu, tau, strict=True):
        pieces = np.unique(np.concatenate([edges, m + t * np.linspace(-12, 12, 60)]))
        half = np.diff(pieces)[:, None] / 2
        theta = pieces[:-1, None] + half * (1 + nodes)
        logs = curve.log_profile(theta) - 0.5 * ((theta - m) / t) ** 2 - math.log(t * math.sqrt(2 * math.pi))
        wanted = float(np.log((half * weights * np.exp(logs - logs.max())).sum()) + logs.max())
        if wanted < curve.line.peak - 25:
            continue
        place = np.array([m]), np.array([t])
        assert float(curve.smooth_directly(*place)[0, 0]) == pytest.approx(wanted, abs=1e-9), (m, t)
        assert float(curve.log_smoothed(*place)[0, 0]) == pytest.approx(wanted, abs=3e-7), (m, t)
