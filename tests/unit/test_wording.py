import math

import pytest

from bayes_ivig.wording import number, percent, probability, with_interval


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (11.004, "11.0"),
        (2.8644, "2.86"),
        (0.012345, "0.0123"),
        (99.96, "100"),
        (1234.5, "1,230"),
        (999_999.0, "1,000,000"),
        (1.2e7, "1.2e+07"),
        (1e-5, "1e-05"),
        (-0.5, "-0.500"),
        (math.inf, "infinity"),
        (-math.inf, "-infinity"),
        (math.nan, "-"),
        (None, "-"),
    ],
)
def test_three_digits_that_carry_meaning(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.9999, "above 0.999"), (1.0, "above 0.999"), (0.0, "below 0.001"), (0.96825, "0.968"), (None, "-")],
)
def test_probability_is_never_rounded_to_certainty(p, text):
    assert probability(p) == text


def test_estimate_with_interval():
    assert with_interval(11.0, (2.86, 42.25)) == "11.0 (2.86 to 42.2)"
    assert percent(0.95) == "95%"
    assert percent(0.975) == "97.5%"
