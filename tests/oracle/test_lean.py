"""The lean posterior against the full engine, whose own oracle is brute force: to a millionth of a posterior SD."""

import json
import math
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from test_quadrature import BINOMIAL, REFERENCE, binomial_cases, effects_of, mu_shape, normal_cases, tau_shape

from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.quadrature.density import describe_density
from bayes_ivig.quadrature.lean import LeanSurface, fit_lean, make_lean_surface
from bayes_ivig.quadrature.panels import Panels
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.quadrature.waves import LONGEST_STEP, odds_ratio_wave
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Effect, SingleArm, TwoArm

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from synthetic_reviews import synthetic_rows

PROBS = (0.025, 0.25, 0.5, 0.75, 0.975)
CLOSE = 1e-6
RANDOM = default_model("binomial", "OR", "random", "midpoint")
DISABILITY = (TwoArm("a", 5, 5, 0, 5), TwoArm("b", 11, 16, 0, 16), TwoArm("c", 5, 6, 1, 6))
DOUBLE_ZEROS = (TwoArm("a", 0, 5, 0, 5), TwoArm("b", 0, 16, 0, 16))
MIXED = (TwoArm("a", 400, 1000, 300, 900), TwoArm("b", 0, 50, 2, 50), TwoArm("c", 0, 40, 0, 41))


def shapes(model):
    mu = shape_of(model.priors["mu"], rate=model.likelihood == "single-arm")
    return mu, shape_of(model.priors["tau"]) if model.effect == "random" else None


def distance(lean, full):
    """Largest difference of an answer, in posterior SDs."""
    moved = [abs(lean.log_evidence - full.log_evidence)]
    for a, b in ((lean.mu, full.mu), (lean.tau, full.tau)):
        if b.sd == 0:
            moved.append(abs(a.mean - b.mean))
            continue
        moved += [abs(a.mean - b.mean) / b.sd, abs(a.sd - b.sd) / b.sd, abs(a.p_gt_0 - b.p_gt(0.0))]
        moved += (np.abs(np.array(a.quantiles) - b.quantile(np.array(PROBS))) / b.sd).tolist()
    return max(moved)


def check(studies, model):
    lean = fit_lean(make_lean_surface(studies, model), *shapes(model), PROBS)
    assert lean is not None
    full = fit_posterior(make_surface(studies, model), *shapes(model))
    assert lean.error <= CLOSE
    assert distance(lean, full) <= CLOSE + full.movement
    # The estimate of the error is one, down to what the batch promises.
    assert distance(lean, full) <= max(20 * (lean.error + full.movement), 1e-6)


def synthetic(reviews):
    rows = synthetic_rows(reviews)
    return [tuple(TwoArm(*row[1:]) for row in own) for _, own in groupby(rows, key=lambda row: row[0])]


@pytest.mark.slow
@pytest.mark.parametrize("studies", synthetic(200)[::40], ids=lambda studies: f"{len(studies)}-trials")
def test_random_reviews(studies):
    check(studies, RANDOM)


@pytest.mark.slow
@pytest.mark.parametrize(
    "studies", [DISABILITY, DOUBLE_ZEROS, MIXED, DISABILITY[:1]], ids=["few", "zeros", "mixed", "one"]
)
@pytest.mark.parametrize("effect", ["random", "common"])
@pytest.mark.parametrize("parametrisation", ["midpoint", "control"])
def test_zero_cells_and_double_zeros(studies, effect, parametrisation):
    check(studies, default_model("binomial", "OR", effect, parametrisation))


@pytest.mark.slow
@pytest.mark.parametrize(
    "priors",
    [
        {"tau": "uniform(0, 2)"},
        {"tau": "log-normal(-1, 0.8)"},
        {"tau": "fixed(0.3)"},
        {"mu": "uniform(-1, 3)"},
        {"mu": "fixed(0)"},
        {"mu": "student-t(4, 0, 0.58)", "tau": "half-normal(0.01)"},
        {"mu": "0.8*normal(0, 0.1) + 0.2*normal(0, 10)"},
        {"baseline": "normal(0, 10)"},
        {"baseline": "normal(-2, 0.3)"},
        {"baseline": "beta(2, 18)"},
    ],
    ids=str,
)
def test_other_priors(priors):
    check(DISABILITY, with_priors(RANDOM, {key: resolve_prior(text, where=key) for key, text in priors.items()}))


def test_other_likelihoods():
    check((SingleArm("a", 1, 20), SingleArm("b", 0, 15)), default_model("single-arm", "rate", "random"))
    check((Effect("a", 0.5, 0.2), Effect("b", -0.1, 0.3)), default_model("normal", "OR", "random"))
    check(DISABILITY, default_model("conditional", "OR", "random"))


def test_no_answer_where_it_cannot_be_vouched_for():
    far_apart = (TwoArm("a", 100, 1000, 300, 900), TwoArm("b", 400, 1000, 100, 1000))
    model = default_model("binomial", "OR", "common", "midpoint")
    assert fit_lean(make_lean_surface(far_apart, model), *shapes(model)) is None
    heavy = with_priors(RANDOM, {"tau": parse_prior("half-cauchy(0.5)")})
    assert fit_lean(make_lean_surface(DISABILITY, heavy), *shapes(heavy)) is None


@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize(
    "counts", [(0, 10, 0, 10), (0, 30, 200, 400), (3, 20, 0, 18), (400, 1000, 300, 900), (0, 0, 3, 10)]
)
def test_a_wave_is_the_integrated_likelihood(counts, control):
    model = default_model("binomial", "OR", "random", "control" if control else "midpoint")
    wave = odds_ratio_wave(counts, model.priors["baseline"], control)
    theta = wave.low + wave.step * np.arange(len(wave.values))
    exact = np.exp(LIKELIHOODS["binomial"].log_integrated(TwoArm("a", *counts), model, theta) - wave.log_peak)
    low, high = wave.reliable
    inside = (theta > low) & (theta < high)
    assert np.abs(wave.values - exact)[inside].max() < 1e-12
    assert wave.error < 1e-10
    assert math.log2(LONGEST_STEP / wave.step) % 1 == 0


def test_smoothing_is_the_integral():
    """Against a sum over a dense grid of effects; the full engine's tables are off where a study is that far out."""
    mu, tau = np.linspace(-3, 3, 13), np.array([0.1, 0.5, 2.0, 10.0])
    for study in MIXED:
        counts = (study.events_t, study.n_t, study.events_c, study.n_c)
        wave = odds_ratio_wave(counts, RANDOM.priors["baseline"], False)
        fine = np.linspace(-3, 4, 2801) if study is MIXED[0] else np.linspace(-70, 70, 2801)
        log_l = LIKELIHOODS["binomial"].log_integrated(study, RANDOM, fine)
        z = (fine - mu[:, None]) / tau[:, None, None]
        top = log_l.max()
        sums = (np.exp(log_l - top - 0.5 * z**2)).sum(axis=-1) * (fine[1] - fine[0])
        exact = np.log(sums / (tau[:, None] * math.sqrt(2 * math.pi))) + top
        found, noise = LeanSurface((wave,)).log_likelihood(mu, tau)
        near = exact > top - 25
        assert (np.abs(found - exact)[near] < 1e-9 + 10 * noise[near]).all()


@pytest.mark.slow
def test_a_likelihood_that_goes_on_is_known_beyond_its_wave():
    """5 of 5 against 0 of 5 says the same of every effect above 60; its smoothing against a sum that goes as far."""
    study = TwoArm("a", 5, 5, 0, 5)
    mu, tau = np.array([-20.0, 5.0, 55.0, 66.0, 80.0, 250.0]), np.array([0.0, 1.0, 20.0, 120.0])
    for control in (False, True):
        model = default_model("binomial", "OR", "random", "control" if control else "midpoint")
        wave = odds_ratio_wave((5, 5, 0, 5), model.priors["baseline"], control)
        assert [tail.side for tail in wave.tails] == [1]
        assert wave.tails[0].crooked < 1e-5
        found, noise = LeanSurface((wave,)).log_likelihood(mu, tau)
        theta = np.linspace(-1000, 1500, 50_001)
        log_l = LIKELIHOODS["binomial"].log_integrated(study, model, np.clip(theta, -60, 60))
        z = (theta - mu[:, None]) / tau[1:, None, None]
        sums = np.exp(log_l - 0.5 * z**2).sum(axis=-1) * (theta[1] - theta[0])
        at_mu = LIKELIHOODS["binomial"].log_integrated(study, model, np.minimum(mu, 60))
        exact = np.vstack([at_mu, np.log(sums / (tau[1:, None] * math.sqrt(2 * math.pi)))])
        near = exact > exact.max() - 25
        assert near[:, 1:].all()
        assert (np.abs(found - exact)[near] < 1e-9 + 10 * noise[near]).all()
        assert noise[1:, 1:].max() < 1e-5


def test_without_heterogeneity_a_wave_is_interpolated():
    mu = np.linspace(-3, 3, 41)
    for study in MIXED:
        counts = (study.events_t, study.n_t, study.events_c, study.n_c)
        wave = odds_ratio_wave(counts, RANDOM.priors["baseline"], False)
        found, noise = LeanSurface((wave,)).log_likelihood(mu, np.zeros(1))
        exact = LIKELIHOODS["binomial"].log_integrated(study, RANDOM, mu)
        near = exact > exact.max() - 20
        assert (np.abs(found[0] - exact)[near] < 1e-9 + 10 * noise[0][near]).all()


def test_a_density_described():
    panels = Panels(np.linspace(-8, 8, 9), 20)
    answers = describe_density(panels, 3 * np.exp(-0.5 * panels.nodes**2), PROBS)
    assert (answers.mean, answers.sd, answers.p_gt_0) == pytest.approx((0, 1, 0.5), abs=1e-12)
    assert answers.quantiles == pytest.approx(
        (-1.959963984540054, -0.6744897501960817, 0, 0.6744897501960817, 1.959963984540054)
    )
    half = Panels(np.linspace(0, 8, 5), 20)
    answers = describe_density(half, math.sqrt(2 / math.pi) * np.exp(-0.5 * half.nodes**2), (0.5,))
    assert answers.p_gt_0 == pytest.approx(1)
    assert answers.quantiles == pytest.approx((0.6744897501960817,))


def reference_cases():
    """Every dataset and prior of tests/reference that the waves can be asked about, as `test_quadrature` reads them."""
    for case in binomial_cases():
        name, key = case.values
        reference = json.loads((REFERENCE / f"{name}.json").read_text())
        studies = tuple(TwoArm(r["study"], r["ai"], r["n1i"], r["ci"], r["n2i"]) for r in reference["data"])
        _, kind, tau = key.split("|")
        likelihood, parametrisation = BINOMIAL[kind]
        model = default_model(likelihood, "OR", "random", parametrisation)
        if likelihood == "binomial":
            model = with_priors(model, {"baseline": parse_prior("normal(0, 10)")})
        text = {"HN": "half-normal({})", "HC": "half-cauchy({})", "U": "uniform(0, {})"}[tau.rstrip("0123456789.")]
        surfaces = make_lean_surface(studies, model), make_surface(studies, model)
        yield (
            *surfaces,
            shape_of(parse_prior("normal(0, 2.82)")),
            shape_of(parse_prior(text.format(tau.lstrip("HNCU")))),
        )
    for case in normal_cases():
        name, key, prior = case.values
        y, se = effects_of(name, key)
        mu, tau = prior.split("|")
        curves = tuple(NormalCurve(float(a), float(b)) for a, b in zip(y, se, strict=True))
        yield LeanSurface((), curves), Surface(curves), mu_shape(mu), tau_shape(tau, se)


@pytest.mark.slow
def test_its_error_covers_the_truth_on_every_reference():
    """Or there is no answer; the full engine is held to the references themselves in `test_quadrature`."""
    answered, worst = 0, {}
    for lean_surface, surface, mu, tau in reference_cases():
        lean = fit_lean(lean_surface, mu, tau, PROBS)
        if lean is None:
            continue
        answered += 1
        full = fit_posterior(surface, mu, tau)
        off = distance(lean, full)
        if off > max(20 * (lean.error + full.movement), 1e-8):
            worst[f"{len(surface.curves)} studies, {mu.text}, {tau.text}"] = (off, lean.error, full.movement)
    assert not worst
    assert answered >= 60
