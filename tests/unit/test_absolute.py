import numpy as np
import pytest

from bayes_ivig.absolute import Absolute, at_control_risk, in_trials, nnt
from bayes_ivig.priors import parse_prior


def test_risks_are_weighted_by_patients():
    p_c = np.array([[0.1, 0.5]])
    p_t = np.array([[0.2, 0.8]])
    absolute = in_trials(p_c, p_t, np.array([30.0, 10.0]))
    assert absolute.p_c == pytest.approx([0.2])
    assert absolute.p_t == pytest.approx([0.35])


def test_every_quantity_follows_from_both_risks():
    result = Absolute(np.full(5, 0.2), np.full(5, 0.5)).to_json(0.95, "higher")
    medians = {name: value["median"] for name, value in result.items() if name != "NNT"}
    assert medians == pytest.approx(
        {
            "risk_control": 0.2,
            "risk_treated": 0.5,
            "RR": 2.5,
            "OR": 4.0,
            "RD": 0.3,
            "per_100_control": 20,
            "per_100_treated": 50,
            "per_100_difference": 30,
        }
    )
    assert result["NNT"]["median"] == pytest.approx(1 / 0.3)


def test_nnt_has_a_no_benefit_branch_instead_of_an_infinite_interval():
    gain = np.linspace(-0.1, 0.4, 5001)
    result = nnt(gain, 0.95)
    assert result["p_no_benefit"] == pytest.approx(0.2, abs=1e-3)
    assert result["worst"] is None
    assert result["median"] == pytest.approx(1 / 0.15, rel=1e-3)
    assert result["best"] == pytest.approx(1 / 0.3875, rel=1e-3)
    assert result["p_below"]["5"] == pytest.approx(0.4, abs=1e-3)
    assert result["p_below"]["2"] == 0


def test_nnt_counts_events_the_right_way_round():
    fewer = Absolute(np.full(9, 0.5), np.full(9, 0.25))
    assert fewer.to_json(0.95, "lower")["NNT"]["median"] == pytest.approx(4)
    assert fewer.to_json(0.95, "higher")["NNT"]["p_no_benefit"] == 1
    assert fewer.to_json(0.95, None)["NNT"] is None


def test_odds_ratio_at_a_control_risk():
    absolute = at_control_risk(np.full(3, np.log(4.0)), "OR", parse_prior("fixed(0.2)"), np.random.default_rng(1))
    assert absolute.p_t == pytest.approx([0.5] * 3)
    assert absolute.p_above_1 == 0


def test_risk_ratio_above_1_is_truncated_and_counted():
    effect = np.log(np.array([2.0, 3.0, 6.0, 8.0]))
    absolute = at_control_risk(effect, "RR", parse_prior("fixed(0.2)"), np.random.default_rng(1))
    assert absolute.p_t == pytest.approx([0.4, 0.6, 1, 1])
    assert absolute.p_above_1 == 0.5


def test_control_risk_may_be_uncertain():
    absolute = at_control_risk(np.zeros(20_000), "OR", parse_prior("beta(2, 18)"), np.random.default_rng(1))
    assert absolute.p_c.mean() == pytest.approx(0.1, abs=0.002)
    assert absolute.p_t == pytest.approx(absolute.p_c)
