"""What is said where a reader seldom comes: other kinds of trials, limits at an end, what does not exist."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from bayes_ivig.audit.direction import _turned
from bayes_ivig.audit.finding import in_words
from bayes_ivig.calibration.coverage_page import _cell
from bayes_ivig.calibration.uniformity import uniform_p
from bayes_ivig.crossover_view import as_parallel
from bayes_ivig.data_compare import _word
from bayes_ivig.formats.review_outcome import _name, _no_data, _printed, from_o_e
from bayes_ivig.page.answer import _whole
from bayes_ivig.page.blocks import Cell, Table
from bayes_ivig.page.report import Report
from bayes_ivig.page.results import _text
from bayes_ivig.page.svg import inline
from bayes_ivig.page.trials import _cited
from bayes_ivig.pooled import pool
from bayes_ivig.present import study_cells
from bayes_ivig.present_files import _estimate
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm

TWO, PAIRED, LATER = TwoArm("a", 1, 5, 2, 6), Paired("a", 1, 2, 3, 4), Paired("a", 1, 2, 3, 4, 1, 3, 0, 2)
MARGINS, EFFECT = PairedMargins("a", 5, 3, 10), Effect("a", 0.5, 0.25)
MEANS, RATE = Means("a", 3.0, 2.0, 10, 1.0, 2.5, 11), SingleArm("a", 1, 7)


@pytest.mark.parametrize(
    ("study", "cells"),
    [
        (TWO, ("1/5", "2/6")),
        (PAIRED, ("3/10", "4/10")),
        (LATER, ("3/10 + 1/3", "4/10 + 0/2")),
        (MARGINS, ("5/10", "3/10")),
        (MEANS, ("3 (SD 2, n 10)", "1 (SD 2.5, n 11)")),
        (EFFECT, ("0.5 (SE 0.25)", "")),
        (RATE, ("1/7", "")),
    ],
)
def test_data_of_a_trial(study, cells):
    assert study_cells(study) == cells


@pytest.mark.parametrize(
    ("study", "turned"),
    [
        (PAIRED, [("the treatments", Paired("a", 1, 3, 2, 4))]),
        (MARGINS, [("the treatments", PairedMargins("a", 3, 5, 10))]),
        (EFFECT, [("the sign", Effect("a", -0.5, 0.25))]),
        (RATE, []),
    ],
)
def test_ways_to_enter_a_trial_the_wrong_way_round(study, turned):
    assert _turned(study) == turned


def test_pairs_as_parallel_arms():
    assert as_parallel(LATER) == TwoArm("a", 4, 13, 4, 12)
    assert as_parallel(MARGINS) == TwoArm("a", 5, 10, 3, 10)
    with pytest.raises(TypeError, match="effect data are not paired"):
        as_parallel(EFFECT)


def test_a_result_printed_upside_down_is_repeated_so():
    ratio, difference = (next(e for e in pool([TwoArm("a", 6, 10, 3, 10)]) if e.measure == m) for m in ("RR", "RD"))
    value, low, high = ratio.natural()
    upside_down = in_words(SimpleNamespace(measure="RR", inverted=True), ratio)
    assert upside_down == f"RR {1 / value:.3f} ({1 / high:.3f} to {1 / low:.2f})"
    value, low, high = difference.natural()
    assert in_words(SimpleNamespace(measure="RD", inverted=True), difference).startswith(
        f"RD -{value:.3f} (-{high:.3f}"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (False, "no"), (0.25, "0.250"), ([1.5, 2.5], "1.50 to 2.50"), ("median", "median")],
)
def test_values_of_any_kind_in_a_table(value, text):
    assert _text(value) == text


@pytest.mark.parametrize(
    ("per_100", "text"), [(0, "0"), (0.3, "fewer than 1"), (42.4, "42"), (99.7, "more than 99"), (100, "100")]
)
def test_people_among_100(per_100, text):
    assert _whole(per_100) == text


def test_what_does_not_exist():
    assert _estimate(None) == "does not exist"
    assert _word(None) == "empty"
    assert _cell(SimpleNamespace(exists=0.0)) == "never exists"
    assert _cited("unknown2001", None) == "unknown2001"
    assert uniform_p(np.zeros(100, int)) == 1.0


def test_a_report_and_a_table_check_themselves():
    with pytest.raises(ValueError, match="at least one outcome"):
        Report(None, ())
    with pytest.raises(ValueError, match="a row of 1 cells under 2 headings"):
        Table("x", ("one", "two"), ((Cell("1"),),))


def test_only_a_drawing_is_drawn():
    with pytest.raises(ValueError, match="not an SVG figure"):
        inline("<html/>", "f")
    figure = """<svg xmlns="http://www.w3.org/2000/svg"><!-- note --><text style="font: italic bold 9px 'Sans'">x</text>
    <text style="font: 9px Sans">y</text><script>z</script></svg>"""
    found = inline(figure, "f")
    assert 'font-style="italic"' in found
    assert found.count("font-weight") == 1
    assert "note" not in found
    assert "script" not in found


def test_what_a_review_file_cannot_estimate():
    counts = {"n_t": "0", "n_c": "0", "events_t": "0", "events_c": "0"}
    means = {"n_t": "1", "n_c": "5", "sd_t": "1", "sd_c": "1", "mean_t": "0", "mean_c": "0"}
    assert _no_data("dichotomous", dict.fromkeys(counts, "")) == "no data are entered"
    assert _no_data("dichotomous", counts) == "no patients are entered"
    assert _no_data("continuous", means) == "not estimable: an arm has fewer than 2 patients"
    assert _no_data("continuous", means | {"n_t": "4", "sd_c": "0"}) == "not estimable: a standard deviation is 0"
    assert _no_data("effect", {"y": "1", "se": "0"}) == "not estimable: the standard error is 0"
    assert _no_data("effect", {"y": "1", "se": "2"}) == ""


def test_pieces_of_a_review_file():
    assert from_o_e("1.5", "0") == ({"y": "1.5", "se": "0"}, "")
    found, words = from_o_e("1.5", "4")
    assert (float(found["y"]), float(found["se"])) == (1.5 / 4, 1 / math.sqrt(4))
    assert words == "y and se from O-E 1.5 and its variance 4"
    assert [_printed(text) for text in ("", "inf", "1e13", "0.12345678", "2.50")] == [
        None,
        None,
        None,
        "0.123457",
        "2.50",
    ]
    long = _name("improvement of strength " * 9)
    assert len(long) <= 60
    assert long.startswith("improvement-of-strength-improvement")
    assert not long.endswith("-")
    assert _name("...") == "outcome"
