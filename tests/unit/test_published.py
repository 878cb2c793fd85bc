import json

import pytest

from bayes_ivig.errors import InputError
from bayes_ivig.pooled import pool
from bayes_ivig.published import Published, reproduce
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm

TRIAL = TwoArm("a", 4, 10, 2, 10)


def published(measure, estimate, ci=None, **rest):
    return Published("id", "label", measure, rest.pop("expected", "reproduced"), estimate, ci, **rest)


@pytest.mark.parametrize(("printed", "reproduced"), [("2.00", True), ("2.0", True), ("2", True), ("2.01", False)])
def test_the_printed_decimals_decide(printed, reproduced):
    assert reproduce(published("RR", printed), [TRIAL]).reproduced is reproduced


@pytest.mark.parametrize("printed", ["12", "13"])
def test_a_half_may_be_rounded_up_or_to_even(printed):
    assert reproduce(published("percent", printed, arm="t"), [TwoArm("a", 1, 8, 0, 8)]).reproduced


def test_neighbours_of_a_half_are_not_accepted():
    assert not reproduce(published("percent", "11", arm="t"), [TwoArm("a", 1, 8, 0, 8)]).reproduced


def test_every_limit_must_match():
    good = reproduce(published("RR", "2.00", ("0.47", "8.56")), [TRIAL])
    assert good.reproduced
    off = reproduce(published("RR", "2.00", ("0.47", "8.57")), [TRIAL])
    assert (off.reproduced, off.by, off.failed) == (False, (), True)
    assert off.computed == "2.00 (0.47 to 8.56)"
    assert off.verdict.startswith("not reproduced; the nearest is 2.00 (0.47 to 8.56) by Mantel-Haenszel RR")


def test_limits_alone_are_compared():
    result = reproduce(published("RR", None, ("0.47", "8.56")), [TRIAL])
    assert result.reproduced
    assert result.computed == "(0.47 to 8.56)"


def test_inverted_ratios_swap_their_limits_and_differences_their_sign():
    assert reproduce(published("RR", "0.50", ("0.12", "2.14"), inverted=True), [TRIAL]).reproduced
    assert not reproduce(published("RR", "0.50", ("0.12", "2.14")), [TRIAL]).reproduced
    assert reproduce(published("RD", "-0.20", ("-0.59", "0.19"), inverted=True), [TRIAL]).reproduced


def test_infinite_and_missing_estimates_never_match():
    result = reproduce(published("OR", "1"), [Paired("a", 0, 0, 3, 2)])
    assert not result.reproduced
    inverted = reproduce(published("RR", "0.00", inverted=True), [TwoArm("a", 3, 5, 0, 5)])
    assert not inverted.reproduced


def test_marginal_and_conditional_forms_count_as_their_measure():
    result = reproduce(published("OR", "2.00"), [Paired("a", 20, 10, 5, 20)])
    assert [(e.method, e.measure) for e in result.by] == [
        ("inverse variance", "conditional OR"),
        ("summed pairs", "conditional OR"),
    ]


def test_percentages_count_every_patient_of_the_arm():
    # Leger 2001: 5 with both treatments (2 responded to T), 2 of 2 on T only, 2 of 2 on C only.
    leger = Paired("Leger", 0, 2, 0, 3, 2, 2, 2, 2)
    assert reproduce(published("percent", "57", arm="t"), [leger]).methods == ("4 of 7",)
    assert reproduce(published("percent", "29", arm="c"), [leger]).methods == ("2 of 7",)
    margins = PairedMargins("m", 5, 1, 6)
    assert reproduce(published("percent", "17", arm="c"), [margins]).methods == ("1 of 6",)
    assert reproduce(published("percent", "25"), [SingleArm("s", 1, 4)]).methods == ("1 of 4",)


def test_a_percentage_of_two_arms_needs_its_arm():
    with pytest.raises(InputError, match="needs its arm"):
        reproduce(published("percent", "40"), [TRIAL])


def test_a_subset_rests_on_its_trials_alone():
    trials = [TRIAL, TwoArm("b", 9, 10, 1, 10)]
    assert reproduce(published("percent", "40", arm="t", studies=("a",)), trials).reproduced
    with pytest.raises(InputError, match="no trial is called 'Leger'; did you mean 'Léger'"):
        reproduce(published("p", "0.5", studies=("Leger",)), [TwoArm("Léger", 1, 2, 1, 2)])


@pytest.mark.parametrize(
    ("item", "studies", "note"),
    [
        (published("SMD", "1.13"), [TRIAL], "these data give no SMD"),
        (published("RR", "2.0"), [Means("m", 1.0, 1.0, 5, 0.0, 1.0, 5)], "these data give no RR"),
        (published("p", "0.05"), [TRIAL, TwoArm("b", 1, 5, 0, 5)], "p needs one trial of counts or pairs"),
        (published("p", "0.05"), [SingleArm("s", 1, 4)], "p needs one trial of counts or pairs"),
        (published("percent", "5"), [Effect("e", 1.0, 1.0)], "these data give no percent"),
        (published("RR", None), [TRIAL], "no number is printed"),
        (published("RR", "2.0", studies=()), [TRIAL], "there are no data"),
    ],
)
def test_what_cannot_be_computed_says_so(item, studies, note):
    result = reproduce(item, studies)
    assert (result.reproduced, result.computed, result.note) == (False, "", note)
    assert note in result.verdict


def test_effects_are_read_on_the_published_scale_and_offer_no_nearest_answer():
    effects = [Effect("e", 0.6931471805599453, 0.1)]
    assert reproduce(published("OR", "2.00"), effects).reproduced
    assert reproduce(published("MD", "0.69"), effects).reproduced
    assert reproduce(published("SMD", "1.13"), effects).methods == ()


def test_standardised_mean_differences_of_means():
    result = reproduce(published("SMD", "0.96"), [Means("m", 3.0, 2.0, 10, 1.0, 2.0, 10)])
    assert result.by[0].measure == "SMD"


def test_a_known_irreproducible_number_is_no_failure():
    item = published("RR", "9.99", expected="irreproducible", reason="the inputs are not printed")
    result = reproduce(item, [TRIAL])
    assert (result.reproduced, result.failed) == (False, False)
    assert result.verdict.endswith("the inputs are not printed")


def test_json_holds_plain_values():
    result = reproduce(published("RR", "2.00", ("0.47", "8.56")), [TRIAL])
    plain = json.loads(json.dumps(result.to_json()))
    assert plain["ci"] == ["0.47", "8.56"]
    assert plain["reproduced"] is True
    assert plain["methods"][0] == "Mantel-Haenszel RR, 0.5 in tables with a zero as RevMan"
    assert result.published_text == "RR 2.00 (0.47 to 8.56)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"measure": "RRR"}, "measure: 'RRR' is not known.*did you mean 'RR'"),
        ({"expected": "maybe"}, "expected: 'maybe' is not known"),
        ({"arm": "x"}, "arm: 'x' is not known; give one of t, c"),
        ({"estimate": "<0.001"}, "'<0.001' is not a number"),
        ({"estimate": "nan"}, "'nan' is not a number"),
        ({"estimate": "1e999999999"}, "is not a number"),
        ({"estimate": "1e-99"}, "is not a number"),
        ({"estimate": 2.0}, "'2.0' is not a number"),
        ({"p": "1e-999999"}, "is not a P value"),
        ({"participants": "9" * 400}, "is not a count"),
        ({"n_t": 5}, "'5' is not a count"),
        ({"ci": ("1.0",)}, "1 numbers found; give two limits"),
    ],
)
def test_published_values_check_themselves(values, message):
    good = {"id": "id", "label": "label", "measure": "RR", "expected": "reproduced", "estimate": "2.0"}
    with pytest.raises(InputError, match=message):
        Published(**(good | values))


STRENGTH = [TwoArm("azulay", 5, 5, 0, 5, 5), TwoArm("federico", 11, 16, 0, 16, 16), TwoArm("berg", 5, 6, 1, 6, 6)]


def test_a_difference_of_percentages_and_the_number_needed_to_treat():
    assert reproduce(published("percent", "74", arm="difference"), STRENGTH).methods == ("21 of 27 less 1 of 27",)
    nnt = reproduce(published("NNT", "1.4"), STRENGTH)
    assert nnt.reproduced
    assert nnt.methods[0].startswith("1 over")
    assert not reproduce(published("NNT", "5"), [TwoArm("a", 2, 10, 2, 10)]).reproduced  # no difference, no number


def test_an_absolute_risk_is_observed_or_computed_from_a_ratio():
    computed = reproduce(published("per-100", "41", ("", "156"), arm="t"), STRENGTH)
    assert computed.computed == "41 (up to 156)"
    assert computed.methods[0] == "control risk 1 of 27 times Mantel-Haenszel RR, 0.5 in tables with a zero as RevMan"
    assert reproduce(published("per-100", "78", arm="t"), STRENGTH).methods[0] == "observed, 21 of 27"
    assert reproduce(published("per-100", "4", arm="c"), STRENGTH).methods == ("observed, 1 of 27",)


def test_an_absolute_risk_may_come_from_an_odds_ratio_or_a_risk_difference():
    trials = [TwoArm("a", 30, 100, 20, 100), TwoArm("b", 10, 80, 9, 90)]
    events, n = 29, 190
    odds_ratio, low, high = next(e for e in pool(trials) if e.method == "Peto").natural()
    risks = [100 * x / (1 + x) for x in (r * events / (n - events) for r in (odds_ratio, low, high))]
    text = [f"{x:.1f}" for x in risks]
    found = reproduce(published("per-100", text[0], (text[1], text[2]), arm="t"), trials)
    assert "control risk 29 of 190 and Peto OR" in found.methods
    difference = next(e for e in pool(trials) if e.measure == "RD").natural()
    text = [f"{100 * (events / n + x):.2f}" for x in difference]
    found = reproduce(published("per-100", text[0], (text[1], text[2]), arm="t"), trials)
    assert found.methods[0].startswith("control risk 29 of 190 plus Mantel-Haenszel RD")


@pytest.mark.parametrize(
    ("printed", "method"),
    [("27", "patients, each once: 27"), ("54", "both arms together: 54"), ("30", None)],
)
def test_participants_are_people_or_exposures(printed, method):
    result = reproduce(published("participants", printed), STRENGTH)
    assert result.reproduced == (method is not None)
    assert method is None or result.methods[0] == method


def test_exposures_are_no_patients():
    leger = [TwoArm("leger", 4, 7, 2, 7, 9)]
    assert reproduce(published("participants", "7"), leger).methods == (
        "exposures to the treatment: 7",
        "exposures to the control: 7",
    )
    assert reproduce(published("participants", "9"), [Paired("leger", 0, 2, 0, 3, 2, 2, 2, 2)]).reproduced
    assert reproduce(published("participants", "4"), [SingleArm("s", 1, 4)]).methods == ("patients or exposures: 4",)


def test_a_count_of_events():
    assert reproduce(published("count", "2"), [SingleArm("a", 2, 44)]).reproduced
    assert reproduce(published("count", "11", arm="t", studies=("federico",)), STRENGTH).methods == ("events of 16",)


def test_a_limit_that_is_not_known_is_not_compared():
    assert reproduce(published("RR", "2.00", ("", "8.56")), [TRIAL]).reproduced
    assert not reproduce(published("RR", "2.00", ("", "8.57")), [TRIAL]).reproduced


@pytest.mark.parametrize(
    ("p", "expected"),
    [("0.021", (0.0205, 0.0215)), ("= 0.02", (0.015, 0.025)), ("<0.001", (0.0, 0.001)), (">0.05", (0.05, 1.0)),
     ("0.000", (0.0, 0.0005)), (None, None)],
)  # fmt: skip
def test_a_printed_p_is_a_range(p, expected):
    item = published("RR", "2.0", p=p)
    assert item.p_range == (expected if expected is None else pytest.approx(expected))


def test_text_of_every_kind():
    assert published("RR", "2.00", ("1.00", "4.00"), p="<0.05").text == "RR 2.00 (1.00 to 4.00), P <0.05"
    arms = published("MD", None, mean_t="6.4", spread_t="1.9", mean_c="-1.0", spread_c="0.8", p="0.0021")
    assert arms.text == "MD 6.4 (plus-minus 1.9) against -1.0 (plus-minus 0.8), P = 0.0021"
    assert published("count", "1").text == "1 event"
    assert published("participants", "34").text == "34 participants"
    assert published("per-100", "33", ("10", "112")).text == "33 (10 to 112) per 100"
