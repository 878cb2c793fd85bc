"""Rates of harm against scipy.stats and plain counting."""

import numpy as np
import pytest
from scipy import stats

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.harms import assess_harms, event_free_needed, expect, harms_of_fit, rate
from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.spec import default_model
from bayes_ivig.studies import Effect, Paired, SingleArm, TwoArm


def shipped(outcome, review="mmn-2007", likelihood=None):
    return load_evidence(load_review(review), outcome, likelihood)


@pytest.mark.parametrize(("events", "n"), [(0, 34), (1, 78), (15, 21), (21, 21)])
@pytest.mark.parametrize("text", ["beta(1, 1)", "beta(0.5, 0.5)", "beta(1, 19)"])
def test_a_rate_is_its_beta_distribution(events, n, text):
    prior = parse_prior(text)
    found = rate(events, n, prior, 0.95)
    exact = stats.beta(prior.args[0] + events, prior.args[1] + n - events)
    assert found.mean == pytest.approx(exact.mean())
    assert found.median == pytest.approx(exact.median())
    assert found.interval == pytest.approx(exact.interval(0.95))
    assert found.upper == pytest.approx(exact.ppf(0.95))
    for following in found.expected:
        predictive = stats.betabinom(following.patients, *exact.args)
        assert following.mean == pytest.approx(predictive.mean())
        assert following.interval == predictive.interval(0.95)
        assert following.p_any == pytest.approx(1 - predictive.pmf(0))


@pytest.mark.slow
def test_no_event_in_34():
    (arm,) = assess_harms(shipped("serious-adverse-events")).arms
    assert (arm.events, arm.n) == (0, 34)
    assert arm.rule_of_three == pytest.approx(3 / 34)
    assert arm.exact_upper == pytest.approx(1 - 0.05 ** (1 / 34))
    uniform = arm.rates[0]
    assert uniform.upper == pytest.approx(1 - 0.05 ** (1 / 35))  # beta(1, 35)
    # (1 - target)^(35 + m) < 0.05
    for target, m in uniform.needed.items():
        assert m == max(0, int(np.floor(np.log(0.05) / np.log(1 - float(target)))) + 1 - 35)


@pytest.mark.parametrize("target", [0.01, 0.05])
def test_the_patients_needed_are_the_fewest(target):
    m = event_free_needed(1.5, 70.5, target, 0.95)
    assert stats.beta(1.5, 70.5 + m).ppf(0.95) < target
    assert m == 0 or stats.beta(1.5, 70.5 + m - 1).ppf(0.95) >= target
    assert event_free_needed(3, 5, 1e-9, 0.95) is None


def test_expected_events_by_simulation():
    rng = np.random.default_rng(4)
    events = rng.binomial(100, rng.beta(1, 35, 200_000))
    found = expect(1, 35, 100, 0.95)
    assert found.mean == pytest.approx(events.mean(), abs=0.03)
    assert found.p_any == pytest.approx(np.mean(events > 0), abs=0.005)
    assert found.interval == tuple(np.quantile(events, [0.025, 0.975], method="inverted_cdf"))


@pytest.mark.slow
def test_both_counts_of_hahn_are_shown():
    arms = assess_harms(shipped("serious-adverse-events", "mmn-2022")).arms
    assert [(arm.reading, arm.events, arm.n) for arm in arms] == [("", 1, 78), ("hahn-manufacturer-count", 2, 78)]
    assert all(arm.rule_of_three is None for arm in arms)


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", ["binomial", "crossover"])
def test_the_71_percent_are_15_of_21_and_the_output_says_so(likelihood):
    harms = assess_harms(shipped("adverse-events", likelihood=likelihood))
    assert [(arm.treatment, arm.events, arm.n) for arm in harms.arms] == [("IVIg", 15, 21), ("placebo", 1, 21)]
    assert any("15 of 21 and not 24 of 34" in note for note in harms.to_json()["notes"])


@pytest.mark.slow
def test_rates_that_vary_between_trials_are_those_of_the_single_arm_model():
    evidence = shipped("serious-adverse-events", "mmn-2022")
    model = default_model("single-arm", "rate", "random")
    posterior = fit_posterior(
        make_surface(evidence.studies, model), shape_of(model.priors["mu"], rate=True), shape_of(model.priors["tau"])
    )
    spread = assess_harms(evidence).arms[0].spread
    logits = [posterior.mu.quantile(0.5), *posterior.mu.interval(0.95)]
    assert spread.average_trial == pytest.approx(1 / (1 + np.exp(-np.array(logits))))
    assert spread.next_trial[2] > spread.average_trial[2]


def test_which_fits_have_rates_beside_them():
    one = (SingleArm("a", 0, 9),)
    assert harms_of_fit(Evidence("user", "rates", one), 0.95).arms[0].spread is None
    assert harms_of_fit(Evidence("user", "counts", (TwoArm("a", 1, 9, 0, 9),)), 0.95) is None
    assert harms_of_fit(Evidence("user", "counts", (TwoArm("a", 0, 0, 0, 0),), role="harm"), 0.95) is None
    assert harms_of_fit(Evidence("user", "effects", (Effect("a", 0.1, 1),), role="harm"), 0.95) is None


def test_what_has_no_rate_is_refused():
    with pytest.raises(InputError, match="no patients"):
        assess_harms(Evidence("user", "counts", (Paired("a", 0, 0, 0, 0),)))
    with pytest.raises(InputError, match="need counts"):
        assess_harms(Evidence("user", "effects", (Effect("a", 0.1, 1),)))
    with pytest.raises(InputError, match="--informative"):
        assess_harms(shipped("adverse-events"), parse_prior("normal(0, 1)"))
