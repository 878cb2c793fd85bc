"""The parts of the sensitivity analysis that need no posterior."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.sensitivity.more_curves import BiasedCurve, RepeatedCurve
from bayes_ivig.sensitivity.null_trial import make_null_trial, pooled_control_risk
from bayes_ivig.sensitivity.power_prior import PowerShape, power_prior, power_shape, scale_free
from bayes_ivig.sensitivity.prior_sets import (
    baseline_priors,
    effect_priors,
    heterogeneity_priors,
    short_text,
    stretch,
)
from bayes_ivig.sensitivity.sentences import Axis, write_sentences
from bayes_ivig.sensitivity.setting import Direction, Setting, direction_of, log_odds
from bayes_ivig.sensitivity.tipping import Tipping, TippingPoint, _advocate, _mean, _sceptical, _spread, prior_size
from bayes_ivig.studies import Paired, PairedMargins, SingleArm, TwoArm

POWERS = [
    "normal(1, 2)",
    "student-t(5, 0, 0.7)",
    "cauchy(0, 1)",
    "half-normal(0.5)",
    "half-cauchy(0.5)",
    "half-student-t(3, 1)",
    "exponential(2)",
    "log-normal(-1.28, 0.87)",
    "inverse-gamma(1.74, 0.49)",
    "beta(2, 5)",
    "uniform(0, 4)",
]


@pytest.mark.parametrize("alpha", [0.7, 0.99, 2.0])
@pytest.mark.parametrize("text", POWERS)
def test_the_power_of_a_prior_is_proportional_to_its_density_to_the_power(text, alpha):
    prior = parse_prior(text)
    powered = power_prior(prior, alpha)
    x = prior.ppf(np.linspace(0.01, 0.99, 41))
    ratio = powered.logpdf(x) - alpha * prior.logpdf(x)
    assert np.ptp(ratio) < 1e-9


def test_a_power_that_is_no_density_says_so():
    assert power_prior(parse_prior("half-cauchy(1)"), 0.5) is None
    assert power_prior(parse_prior("beta(0.1, 1)"), 2.0) is None


def test_the_power_of_a_mixture_covers_both_parts():
    mixture = parse_prior("0.5*normal(0, 1) + 0.5*normal(0, 10)")
    shape = power_shape(mixture, 0.5)
    assert isinstance(shape, PowerShape)
    assert shape.range[1] > 100
    assert shape.logpdf(np.array([0.3])) == pytest.approx(0.5 * mixture.logpdf([0.3]))


def test_flat_priors_have_no_power():
    assert scale_free(parse_prior("beta(1, 1)"))
    assert scale_free(parse_prior("uniform(0, 4)"))
    assert not scale_free(parse_prior("beta(0.5, 0.5)"))


@pytest.mark.parametrize("text", [*POWERS, "0.8*normal(0, 1) + 0.2*student-t(3, 1, 2)"])
def test_a_stretched_prior_is_that_of_a_multiple(text):
    prior = parse_prior(text)
    if prior.family == "beta":
        return
    q = np.array([0.1, 0.5, 0.9])
    assert stretch(prior, 4.0).ppf(q) == pytest.approx(4 * prior.ppf(q), rel=1e-9)


def model_of(outcome, **choices):
    choices = {"effect": "random"} | choices
    evidence = load_evidence(load_review("mmn-2007"), outcome, choices.get("model"))
    return choose_model(evidence, Choices(**choices))


@pytest.mark.parametrize(
    ("outcome", "measure"), [("strength", "OR"), ("strength", "RR"), ("grip-strength", "SMD"), ("grip-strength", "MD")]
)
def test_priors_are_of_the_scale_and_no_prior_comes_twice(outcome, measure):
    model = model_of(outcome, measure=measure)
    mu, tau = effect_priors(model, 1), heterogeneity_priors(model)
    assert mu[0].prior == model.priors["mu"]
    assert len(mu) >= (5 if measure == "SMD" else 6)
    assert len(tau) >= 8
    assert len({one.prior.text for one in mu}) == len(mu)
    assert len({one.prior.text for one in tau}) == len(tau)
    if measure == "OR":
        text = {one.label: one.prior.text for one in tau}
        assert text["Turner, any outcome"] == "log-normal(-1.28, 0.87)"
        assert {"sceptical of OR 2", "enthusiastic for OR 2"} <= {one.label for one in mu}


def test_an_enthusiast_hopes_for_the_favourable_direction():
    model = model_of("strength")
    up, down = (next(p for p in effect_priors(model, s) if p.label.startswith("enth")).prior for s in (1, -1))
    assert up.args[0] == -down.args[0] > 0
    assert [p.label for p in effect_priors(model, -1) if p.advocate] == [
        "sceptical of OR 1/2",
        "enthusiastic for OR 1/2",
    ]


def test_a_harm_takes_turners_prior_of_harms():
    model = model_of("adverse-events")
    labels = {role: [one.label for one in heterogeneity_priors(model, role)] for role in ("", "harm")}
    assert "Turner, signs and symptoms" in labels[""]
    assert [b for a, b in zip(*labels.values(), strict=True) if a != b] == ["Turner, adverse events"]


def test_baselines_are_four_and_the_models_own_comes_first():
    assert [p.text for p in baseline_priors(model_of("strength"))] == [
        "beta(1, 1)",
        "beta(0.5, 0.5)",
        "normal(0, 1.5)",
        "normal(0, 10)",
    ]
    assert baseline_priors(model_of("strength", model="conditional")) == ()


def test_short_text():
    assert short_text(parse_prior("sceptical(0.693)")) == "normal(0, 0.421)"


def test_a_repeated_and_a_biased_curve():
    curve = NormalCurve(1.0, 0.5)
    mu, tau = np.array([-1.0, 0.0, 2.0]), np.array([0.0, 0.7])
    assert RepeatedCurve(curve, 3).log_smoothed(mu, tau) == pytest.approx(3 * curve.log_smoothed(mu, tau))
    biased = BiasedCurve(curve, 0.4, 0.3)
    same = NormalCurve(0.6, math.hypot(0.5, 0.3))
    assert biased.log_smoothed(mu, tau) == pytest.approx(same.log_smoothed(mu, tau))
    assert biased.log_profile(mu) == pytest.approx(same.log_profile(mu))


def test_the_size_of_a_prior_in_patients():
    risk = pooled_control_risk((TwoArm("a", 1, 5, 2, 10), TwoArm("b", 3, 5, 0, 10)))
    assert risk.value == 0.1
    assert prior_size(0.5, "OR", risk) == pytest.approx(4 / (0.25 * 0.1 * 0.9))
    assert prior_size(0.5, "RR", risk) == pytest.approx(4 * 0.9 / (0.25 * 0.1))
    assert prior_size(0.5, "MD", None) is None


def test_a_control_risk_without_events_is_half_an_event_away_from_none():
    risk = pooled_control_risk((TwoArm("a", 1, 5, 0, 9),))
    assert risk.value == 0.05
    assert "no events" in risk.text


def test_directions():
    study = (TwoArm("a", 1, 5, 2, 10),)
    assert direction_of(Evidence("user", "x", study, benefit="lower")) == (-1, "benefit")
    assert direction_of(Evidence("user", "x", study, benefit="lower", role="harm")) == (1, "harm")
    assert direction_of(Evidence("user", "x", study)).text == "P(effect above 0)"
    assert log_odds(1.0) == math.inf


def test_a_rate_is_refused():
    evidence = Evidence("user", "x", (SingleArm("a", 1, 5),))
    with pytest.raises(InputError, match="no control arm"):
        Setting(evidence, choose_model(evidence, Choices()))


def test_the_control_risk_of_margins_and_of_nobody():
    assert pooled_control_risk((PairedMargins("a", 5, 3, 10), Paired("b", 1, 2, 3, 4))).value == (3 + 4) / 20
    assert pooled_control_risk((TwoArm("a", 1, 3, 0, 0),)) is None
    assert pooled_control_risk((SingleArm("a", 1, 3),)) is None


def test_a_null_trial_is_as_large_as_the_median_arm_of_margins():
    evidence = Evidence("user", "test", (PairedMargins("a", 5, 3, 10), PairedMargins("b", 4, 2, 14)), benefit="higher")
    trial = make_null_trial(evidence, choose_model(evidence, Choices()))
    assert trial.patients == 24
    assert trial.text.startswith("12 patients an arm and the events expected at the pooled control risk, 5/24")


@pytest.mark.parametrize(("mu", "spread"), [("fixed(0)", 1.0), ("normal(0, 2)", 2.0), ("cauchy(0, 1)", 1.8190)])
def test_the_spread_of_a_prior_is_its_sd_or_half_its_middle(mu, spread):
    found = _spread(SimpleNamespace(model=SimpleNamespace(priors={"mu": parse_prior(mu)})))
    assert found == pytest.approx(spread, abs=1e-4)


def settled(p):
    """A setting and a line of effects whose probability no prior moves."""
    setting = SimpleNamespace(
        direction=Direction(1, "benefit"),
        answer=SimpleNamespace(p=p),
        model=SimpleNamespace(priors={"mu": parse_prior("normal(0, 2)")}, measure="OR"),
    )
    return setting, SimpleNamespace(probability=lambda shape, sign: p)


def test_what_no_prior_moves_is_said():
    setting, line = settled(0.999)
    sceptical, mean = _sceptical(setting, line, 2.0, 0.95, None), _mean(setting, line, 2.0, 0.95)
    assert (
        sceptical.text == "No prior centred at no effect, down to an SD of 0.002: P(benefit) falls below 0.95 nowhere"
    )
    assert mean.text == "No prior mean within 60: P(benefit) falls below 0.95 nowhere"
    setting, line = settled(0.5)
    advocate = _advocate(setting, line, 2.0, 0.95)
    assert advocate.text == "No prior mean within 60: P(benefit) reaches 0.95 nowhere"
    assert sceptical.value is mean.value is advocate.value is None


AXES = (Axis("the baseline", 0.2, 0.4, "beta(1, 1)"), Axis("tau", 0.3, 0.35, "half-normal(1)"))
GRID = SimpleNamespace(p=np.array([[[0.1, 0.3]]]), extreme=lambda: (0, 0, 0), describe=lambda *place: "the worst pair")


def test_a_doubtful_conclusion_takes_an_advocate():
    setting, _ = settled(0.4)
    point = TippingPoint("advocate's mean", 0.9, 2.0, None, "P(benefit) reaches 0.9 for an advocate")
    first, second, third = write_sentences(setting, AXES, GRID, Tipping((point,), ()), ())
    assert first.startswith("There is no conclusion to survive anything: P(benefit) is 0.400")
    assert "between 0.200 and 0.400" in first
    assert second == "It takes an advocate to conclude anything: P(benefit) reaches 0.9 for an advocate."
    assert third == "Depends most on: the baseline; varied alone, P(benefit) goes from 0.200 (beta(1, 1)) to 0.400."
    nowhere = Tipping((TippingPoint("advocate's mean", 0.9, None, None, "nowhere"),), ())
    assert write_sentences(setting, AXES, GRID, nowhere, ())[1] == (
        "No advocate's prior that was tried takes P(benefit) to 0.9."
    )


def test_what_takes_a_conclusion_away_without_going_further():
    setting, _ = settled(0.93)
    _, second, third = write_sentences(setting, (), GRID, Tipping((), ()), ())
    assert second == (
        "Does not survive: P(benefit) falls to 0.9 or below with priors combined at their worst, "
        "the worst pair (0.100)."
    )
    assert third == "Depends most on: nothing else was varied."
    held = SimpleNamespace(p=np.array([[[0.92]]]), extreme=lambda: (0, 0, 0), describe=lambda *place: "")
    assert write_sentences(setting, (), held, Tipping((), ()), ())[1] == (
        "Does not survive: nothing that was tried takes P(benefit) below 0.9."
    )
