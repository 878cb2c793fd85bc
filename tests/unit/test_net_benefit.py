"""Benefit and harm together: closed forms of two normals, slow sums over pairs, couplings and bounds."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import norm

from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.net_benefit import (
    COUPLINGS,
    bounds_of_net_benefit,
    chance_of_net_benefit,
    draw_difference,
    net_benefit,
    run_balance,
    weight_at,
)
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.studies import Effect, SingleArm, TwoArm

Q = (np.arange(20_000) + 0.5) / 20_000
RNG = np.random.default_rng(20070315)
GAIN, HARM = norm(30, 10).ppf(RNG.permutation(Q)), norm(20, 5).ppf(RNG.permutation(Q))


def evidence(*studies, outcome="test", **options):
    return Evidence("user", outcome, studies, **options)


def balance(benefit, harm, weight=1.0):
    return run_balance(benefit, choose_model(benefit, Choices()), harm, choose_model(harm, Choices()), weight=weight)


@pytest.mark.parametrize("weight", [0.5, 1.0, 2.0])
def test_two_normals(weight):
    """G - W H is normal: the SD is hypot if independent, the difference or the sum under the extreme couplings."""
    chance = chance_of_net_benefit(GAIN, HARM, weight)
    mean = 30 - weight * 20
    sds = {"independent": np.hypot(10, 5 * weight), "comonotone": abs(10 - 5 * weight), "antimonotone": 10 + 5 * weight}
    for coupling in COUPLINGS:
        if sds[coupling] > 0:
            assert chance[coupling] == pytest.approx(norm.cdf(mean / sds[coupling]), abs=2e-3), coupling
        net = net_benefit(GAIN, HARM, weight, coupling)
        assert net.mean() == pytest.approx(mean, abs=1e-6)
        assert net.std() == pytest.approx(sds[coupling], abs=0.1)


def test_the_independent_chance_is_the_share_of_all_pairs():
    gain, harm = np.array([1.0, 2.0, 5.0]), np.array([-1.0, 1.0, 2.0])
    for weight in (0.0, 0.7, 1.0, 3.0):
        slow = np.mean([g > weight * h for g in gain for h in harm])
        assert chance_of_net_benefit(gain, harm, weight)["independent"] == pytest.approx(slow)


def test_bounds_hold_every_matching_of_the_draws_and_are_reached():
    """Every way to match six draws with six: the bounds are the smallest and the largest share above."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        gain, harm = rng.normal(1, 1, 6), rng.normal(0.5, 1, 6)
        shares = [np.mean(gain > 1.3 * harm[list(order)]) for order in permutations(range(6))]
        low, high = bounds_of_net_benefit(gain, harm, 1.3)
        assert (low, high) == pytest.approx((min(shares), max(shares)))


def test_the_weight_of_an_even_chance():
    assert weight_at(0.5, GAIN, HARM) == pytest.approx(1.5, abs=0.01)  # the ratio of the means
    assert weight_at(0.5, -GAIN, HARM) is None
    assert weight_at(0.5, GAIN, -HARM) is None


def test_the_risk_difference_of_one_large_trial():
    model_evidence = evidence(TwoArm("a", 6000, 10000, 2000, 10000))
    draws = draw_difference(model_evidence, choose_model(model_evidence, Choices()), stream=1, n=4000)
    assert draws.mean() == pytest.approx(40, abs=0.1)
    assert draws.std() == pytest.approx(100 * np.sqrt(0.24 / 10000 + 0.16 / 10000), rel=0.05)


@pytest.mark.slow
def test_directions():
    """More events help unless lower is better; a harm is more events unless higher is better."""
    good = evidence(TwoArm("a", 10, 50, 30, 50), outcome="fewer-relapses", benefit="lower")
    bad = evidence(TwoArm("a", 20, 50, 5, 50), outcome="harm", role="harm", benefit="lower")
    result = balance(good, bad, 0.5)
    assert result.gain_summary.median > 20
    assert result.harm_summary.median > 20
    again = balance(good, bad, 0.5)
    assert np.array_equal(result.gain, again.gain)
    assert result.to_json()["net_benefit"] == again.to_json()["net_benefit"]


@pytest.mark.slow
def test_the_shipped_review():
    review = load_review("mmn-2007")
    result = balance(load_evidence(review, "strength"), load_evidence(review, "adverse-events"))
    p = {one.coupling: one.p for one in result.results}
    assert p["independent"] == pytest.approx(0.71, abs=0.02)
    low, high = result.p_bounds
    assert all(low - 1e-9 <= x <= high + 1e-9 for x in p.values())
    assert result.curves["independent"][0] > 0.999  # at weight 0 only the gain counts
    assert result.sure < result.even
    assert len(result.to_rows()) == len(result.weights)
    assert any("independent" in text for text in result.assumptions)


GOOD = evidence(TwoArm("a", 5, 9, 1, 9), outcome="good")
BAD = evidence(TwoArm("a", 2, 9, 1, 9), outcome="bad", role="harm")


@pytest.mark.parametrize(
    ("benefit", "harm", "weight", "words"),
    [
        (GOOD, BAD, -1.0, "--weight"),
        (GOOD, BAD, float("nan"), "--weight"),
        (GOOD, GOOD, 1.0, "twice"),
        (BAD, GOOD, 1.0, "is a harm"),
        (GOOD, evidence(SingleArm("a", 2, 9), outcome="rate"), 1.0, "no risks"),
        (evidence(Effect("a", 1.0, 1.0), outcome="effects", measure="OR"), BAD, 1.0, "no risks"),
    ],
)
def test_bad_input(benefit, harm, weight, words):
    with pytest.raises(InputError, match=words):
        balance(benefit, harm, weight)


@pytest.mark.slow
def test_the_figure_shows_the_weight_and_every_coupling():
    from bayes_ivig.plots.balance import draw_balance

    figure = draw_balance(balance(GOOD, BAD, 0.0))
    plane, curve = figure.axes
    assert len(curve.lines) == len(COUPLINGS) + 1
    assert plane.get_xlim()[0] < 0 < plane.get_xlim()[1]
