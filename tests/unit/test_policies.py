"""Zero-cell policies: what each adds and drops, and what is said of it."""

import math

import numpy as np
import pytest

from bayes_ivig.effects import effect_sizes
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.pooled import pool
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.sensitivity.claim import claim_of
from bayes_ivig.sensitivity.corrections import correct, policies_for
from bayes_ivig.sensitivity.models import with_likelihood
from bayes_ivig.sensitivity.policies import compare_policies, describe_policies
from bayes_ivig.spec import default_model
from bayes_ivig.studies import Effect, Means, SingleArm, TwoArm

BINOMIAL = default_model("binomial", "OR", "random")
UNEVEN = (TwoArm("A", 0, 10, 3, 30), TwoArm("B", 0, 8, 0, 12), TwoArm("C", 4, 9, 2, 9), TwoArm("D", 0, 0, 1, 5))


def evidence(*studies, **more):
    return Evidence("user", "outcome", tuple(studies), **({"benefit": "higher"} | more))


def shipped(outcome, likelihood=None):
    return load_evidence(load_review("mmn-2007"), outcome, likelihood)


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("half-zero", [[0.5, 0.5], [0.5, 0.5], [0, 0], [0, 0]]),
        ("half-all", [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0, 0]]),
        ("treatment-arm", [[0.25, 0.75], [0.4, 0.6], [0, 0], [0, 0]]),
        ("quarter-zero", [[0.25, 0.25], [0.25, 0.25], [0, 0], [0, 0]]),
        ("drop-double-zero", [[0.5, 0.5], [0, 0], [0, 0], [0, 0]]),
    ],
)
def test_what_is_added_to_each_arm(name, added):
    corrected = correct(name, UNEVEN, "OR")
    np.testing.assert_allclose(corrected.added, added, atol=1e-15)
    assert math.isnan(corrected.y[3])  # an arm without patients has no effect
    assert math.isnan(corrected.y[1]) == (name == "drop-double-zero")
    assert "an arm has no patients: D" in corrected.changed


def test_treatment_arm_correction_by_hand():
    corrected = correct("treatment-arm", UNEVEN, "OR")
    a, b, c, d = 0.25, 10.25, 3.75, 27.75
    assert corrected.y[0] == pytest.approx(math.log(a * d / (b * c)), rel=1e-14)
    assert corrected.se[0] == pytest.approx(math.sqrt(1 / a + 1 / b + 1 / c + 1 / d), rel=1e-14)
    assert "0.25 a cell of arm T and 0.75 of arm C added in A" in corrected.changed


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_half_in_zero_tables_is_what_effects_do(measure):
    corrected = correct("half-zero", UNEVEN, measure)
    y, se, _ = effect_sizes(UNEVEN, measure)
    np.testing.assert_allclose(corrected.y, y, rtol=1e-14)
    np.testing.assert_allclose(corrected.se, se, rtol=1e-14)


def test_equal_arms_make_the_treatment_arm_correction_one_half():
    studies = shipped("strength").studies
    assert correct("treatment-arm", studies, "OR").key == correct("half-zero", studies, "OR").key


def test_rates_have_no_opposite_arm():
    rates = (SingleArm("A", 0, 5), SingleArm("B", 2, 10), SingleArm("C", 0, 0))
    assert "treatment-arm" not in policies_for(rates)
    y, se, _ = effect_sizes(rates, "rate")
    corrected = correct("half-zero", rates, "rate")
    np.testing.assert_allclose(corrected.y, y, rtol=1e-14)
    np.testing.assert_allclose(corrected.se, se, rtol=1e-14)
    model = default_model("single-arm", "rate", "random")
    rows = compare_policies(evidence(*rates), model)
    assert [row.name for row in rows] == [
        "exact",
        "half-zero",
        "half-all",
        "quarter-zero",
        "drop-double-zero",
        "summed",
    ]
    assert all(row.p_claim is None for row in rows)
    assert rows[-1].natural()[0] == pytest.approx(2 / 15)
    assert describe_policies(rows, None).startswith(
        "The exact likelihood, which adds nothing to the counts, gives rate"
    )


@pytest.mark.slow
def test_policies_of_disability():
    rows = {row.name: row for row in compare_policies(shipped("disability"), BINOMIAL)}
    assert list(rows) == [
        "exact",
        "half-zero",
        "half-all",
        "treatment-arm",
        "quarter-zero",
        "drop-double-zero",
        "conditional",
        "mantel-haenszel",
        "mantel-haenszel-revman",
        "peto",
    ]
    assert rows["exact"].changed == "nothing"
    assert rows["half-zero"].changed == "0.5 a cell added in Azulay 1994, Van den Berg 1995"
    assert rows["drop-double-zero"].changed == (
        "0.5 a cell added in Van den Berg 1995; left out, the same outcome for everybody: Azulay 1994"
    )
    assert rows["conditional"].changed == "nothing, but Azulay 1994 cannot say anything"
    assert (
        rows["mantel-haenszel-revman"].changed == "0.5 a cell added in Van den Berg 1995; without weight: Azulay 1994"
    )
    pooled = {(e.method, e.measure, e.correction): e for e in pool(shipped("disability").studies)}
    for name, key in {
        "mantel-haenszel": ("Mantel-Haenszel", "OR", "none"),
        "mantel-haenszel-revman": ("Mantel-Haenszel", "OR", "revman"),
        "peto": ("Peto", "OR", "none"),
    }.items():
        assert (rows[name].estimate, rows[name].ci) == (pooled[key].estimate, pooled[key].ci)
        assert rows[name].p_claim is None
    sentence = describe_policies(tuple(rows.values()), claim_of(shipped("disability"), BINOMIAL))
    assert "probability of benefit of 0.968; 6 other ways" in sentence


def test_a_risk_ratio_has_no_conditional_likelihood():
    rows = compare_policies(shipped("disability"), default_model("binomial", "RR", "random"))
    assert "conditional" not in [row.name for row in rows]
    assert {row.measure for row in rows if row.name != "peto"} == {"RR"}
    assert next(row for row in rows if row.name == "peto").measure == "OR"


def test_a_harm_asks_for_the_probability_of_harm():
    harm = shipped("adverse-events")
    claim = claim_of(harm, BINOMIAL)
    assert (claim.word, claim.above, claim.column) == ("harm", True, "p_harm")
    assert compare_policies(harm, BINOMIAL)[0].p_claim > 0.9


def test_nothing_left_is_said():
    rows = {row.name: row for row in compare_policies(evidence(TwoArm("A", 0, 5, 0, 5)), BINOMIAL)}
    assert math.isnan(rows["drop-double-zero"].estimate)
    assert "no trial is left" in rows["drop-double-zero"].note
    assert math.isfinite(rows["exact"].estimate)
    assert math.isnan(rows["peto"].estimate)
    assert rows["peto"].note


def test_data_without_counts_have_no_zero_cells():
    normal = default_model("normal", "SMD", "random")
    for study in (Effect("A", 0.3, 0.2), Means("A", 1, 1, 10, 0, 1, 10)):
        assert compare_policies(evidence(study), normal) == ()
    assert "no zero cells" in describe_policies((), None)


@pytest.mark.slow
def test_paired_data_have_two_policies():
    rows = compare_policies(shipped("strength", "crossover"), default_model("crossover", "OR", "random"))
    assert [row.name for row in rows] == ["exact", "half-zero"]
    assert "Van den Berg 1995" in rows[1].changed  # known by margins only


def test_a_likelihood_without_counterpart_is_refused():
    with pytest.raises(InputError, match="no binomial counterpart"):
        with_likelihood(default_model("single-arm", "rate", "random"), "binomial")
