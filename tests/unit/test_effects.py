import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayes_ivig.effects import corrected, effect_sizes, is_ratio, null_value, to_natural
from bayes_ivig.errors import InputError
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm

REFERENCE = Path(__file__).parents[1] / "reference"
WITH_COUNTS = ("CrinsEtAl2014_AR", "bcg", "collins1985a_death", "hine1989", "nielweise2007", "yusuf1985_table6")


@pytest.mark.parametrize("name", WITH_COUNTS)
@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_log_ratios_equal_metafor_escalc(name, measure):
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    studies = [TwoArm(r["study"], int(r["ai"]), int(r["n1i"]), int(r["ci"]), int(r["n2i"])) for r in rows]
    y, se, _ = effect_sizes(studies, measure)
    assert_allclose(y, [float(r[f"log{measure}_yi"]) for r in rows], rtol=1e-12, atol=1e-14)
    assert_allclose(se, [float(r[f"log{measure}_sei"]) for r in rows], rtol=1e-12)


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_strength_equals_metafor_escalc_and_names_the_corrected(measure):
    expected = json.loads((REFERENCE / "strength.json").read_text("utf-8"))[f"escalc_log{measure}"]
    studies = [TwoArm("Azulay", 5, 5, 0, 5), TwoArm("Federico", 11, 16, 0, 16), TwoArm("Van den Berg", 5, 6, 1, 6)]
    y, se, notes = effect_sizes(studies, measure)
    assert_allclose(y, [row["yi"] for row in expected], rtol=1e-11)
    assert_allclose(se, [row["sei"] for row in expected], rtol=1e-11)
    assert notes == ("0.5 added to all cells: Azulay, Federico",)


def test_risk_difference_is_corrected_only_where_its_variance_is_zero():
    studies = [TwoArm("all or none", 5, 5, 0, 5), TwoArm("one zero", 3, 6, 0, 6)]
    y, se, notes = effect_sizes(studies, "RD")
    assert_allclose(y, [5 / 6, 0.5], rtol=1e-14)
    assert_allclose(se**2, [2 * 5.5 * 0.5 / 6**3, 0.25 / 6], rtol=1e-14)
    assert notes == ("0.5 added to all cells: all or none",)


def test_trials_without_an_effect_are_nan_and_named():
    y, se, notes = effect_sizes([TwoArm("empty", 0, 0, 1, 5), TwoArm("full", 2, 5, 1, 5)], "OR")
    assert np.isnan(y).tolist() == np.isnan(se).tolist() == [True, False]
    assert notes == ("left out, an arm has no patients: empty",)


def test_crossover_notes_name_what_takes_no_part():
    studies = [
        PairedMargins("margins", 5, 1, 6),
        Paired("single", 0, 2, 0, 3, 2, 2, 2, 2),
        Paired("concordant", 3, 0, 0, 4),
        Paired("none", 0, 0, 0, 5),
    ]
    y, _, notes = effect_sizes(studies, "conditional OR")
    assert np.isfinite(y).tolist() == [False, True, False, False]
    assert notes == (
        "left out, known by margins only: margins",
        "left out, patients with one treatment only: single (2 on T, 2 on C)",
        "0.5 added to all cells: single",
        "left out, no discordant pair: concordant, none",
    )
    y, se, _ = effect_sizes(studies, "RR")  # the marginal one: 'none' has no events to compare
    assert np.isfinite(y).tolist() == [False, True, True, False]
    assert y[2] == 0
    assert se[2] > 0
    y, se, _ = effect_sizes(studies, "marginal RD")
    assert np.isfinite(y).tolist() == [False, True, True, True]
    assert np.nanmin(se) > 0


def test_paired_table_with_a_zero_that_does_no_harm_is_left_alone():
    y, se, notes = effect_sizes([Paired("switch", 0, 1, 29, 12)], "conditional OR")
    assert (y[0], se[0]) == pytest.approx((math.log(1 / 29), math.sqrt(1 + 1 / 29)), rel=1e-14)
    assert notes == ()


def test_standardised_mean_differences():
    # dat.normand1999 by metafor's escalc(measure="SMD"), to the four decimals it prints.
    with (REFERENCE / "normand1999_md.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    studies = [
        Means(
            r["study"],
            *(float(r[c]) for c in ("m1i", "sd1i")),
            int(r["n1i"]),
            *(float(r[c]) for c in ("m2i", "sd2i")),
            int(r["n2i"]),
        )
        for r in rows
    ]
    y, se, _ = effect_sizes(studies, "SMD")
    assert_allclose(y[:5], [-0.3552, -0.3479, -2.3176, -1.8880, -0.3840], atol=5.1e-5)
    assert_allclose(se[:5] ** 2, [0.0131, 0.0645, 0.0458, 0.1606, 0.2054], atol=5.1e-5)


def test_hedges_factor_is_the_exact_one():
    # Two patients an arm: df = 2, J = Gamma(1) / (sqrt(1) Gamma(1/2)) = 1 / sqrt(pi).
    y, _, _ = effect_sizes([Means("tiny", 3.0, 1.0, 2, 1.0, 1.0, 2)], "SMD")
    assert y[0] == pytest.approx(2 / math.sqrt(math.pi), rel=1e-14)


def test_rates_are_corrected_at_the_edges_only():
    y, se, notes = effect_sizes([SingleArm("none", 0, 5), SingleArm("some", 3, 9), SingleArm("empty", 0, 0)], "rate")
    assert_allclose(y[:2], [math.log(0.5 / 5.5), math.log(3 / 6)], rtol=1e-14)
    assert_allclose(se[:2] ** 2, [1 / 0.5 + 1 / 5.5, 1 / 3 + 1 / 6], rtol=1e-14)
    assert math.isnan(y[2])
    assert notes == ("0.5 added to events and non-events: none", "left out, no patients: empty")


def test_corrections():
    tables = np.array([[5.0, 0, 0, 5], [4, 3, 2, 5]])
    assert corrected(tables, "none") is tables
    for rule in ("revman", "only0"):
        assert corrected(tables, rule).tolist() == [[5.5, 0.5, 0.5, 5.5], [4, 3, 2, 5]]
    assert corrected(tables, "all").tolist() == [[5.5, 0.5, 0.5, 5.5], [4.5, 3.5, 2.5, 5.5]]
    with pytest.raises(InputError, match=r"'revmen' is not known.*did you mean 'revman'"):
        corrected(tables, "revmen")


def test_scales():
    assert to_natural("marginal OR", math.log(3)) == pytest.approx(3)
    assert to_natural("RR", 1e4) == math.inf
    assert to_natural("rate", np.array([0.0, -math.inf])).tolist() == [0.5, 0]
    assert to_natural("MD", -2.5) == -2.5
    assert [null_value(m) for m in ("OR", "conditional OR", "RD", "effect", "rate")] == [1, 1, 0, 0, None]
    assert not is_ratio("")


@pytest.mark.parametrize(
    ("studies", "measure", "message"),
    [
        ([TwoArm("a", 1, 5, 0, 5)], "or", r"measure 'or' is not one of two-arm data.*did you mean 'OR'"),
        ([Means("a", 1.0, 1.0, 5, 0.0, 1.0, 5)], "OR", "give one of MD, SMD"),
        ([], "OR", "found none"),
        ([TwoArm("a", 1, 5, 0, 5), Effect("b", 0.0, 1.0)], "OR", "found effect and two-arm"),
    ],
)
def test_wrong_measures_and_mixtures_are_refused(studies, measure, message):
    with pytest.raises(InputError, match=message):
        effect_sizes(studies, measure)
