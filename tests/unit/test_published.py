import json

import pytest

from bayes_ivig.errors import InputError
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
        ({"ci": ("1.0",)}, "1 numbers found; give two limits"),
    ],
)
def test_published_values_check_themselves(values, message):
    good = {"id": "id", "label": "label", "measure": "RR", "expected": "reproduced", "estimate": "2.0"}
    with pytest.raises(InputError, match=message):
        Published(**(good | values))
