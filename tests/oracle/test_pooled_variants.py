"""Corrections of other programs, against the formulas written out with plain numbers."""

import math

import pytest

from bayes_ivig.pooled import pool, pool_variants
from bayes_ivig.studies import TwoArm

TRIALS = (TwoArm("a", 4, 40, 9, 42), TwoArm("b", 0, 30, 5, 28), TwoArm("c", 0, 12, 0, 15), TwoArm("d", 12, 60, 9, 61))


def effects(trials, measure, added):
    """log RR or log OR with its variance, `added` to every cell of the trials it names."""
    found = []
    for t in trials:
        x = 0.5 * (t.study in added)
        a, b, c, d = t.events_t + x, t.n_t - t.events_t + x, t.events_c + x, t.n_c - t.events_c + x
        if measure == "OR":
            found.append((math.log(a * d / b / c), 1 / a + 1 / b + 1 / c + 1 / d))
        else:
            found.append((math.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)))
    return found


def inverse_variance(found):
    weights = [1 / v for _, v in found]
    mean = sum(w * y for w, (y, _) in zip(weights, found, strict=True)) / sum(weights)
    return mean, 1 / math.sqrt(sum(weights))


KEPT = {"all": ("abcd", "abcd"), "revman": ("abd", "b"), "none": ("ad", "")}


@pytest.mark.parametrize("measure", ["RR", "OR"])
@pytest.mark.parametrize("correction", KEPT)
def test_inverse_variance(measure, correction):
    names, added = KEPT[correction]
    expected = inverse_variance(effects([t for t in TRIALS if t.study in names], measure, added))
    (found,) = [
        e for e in pool_variants(TRIALS, measure) if (e.method, e.correction) == ("inverse variance", correction)
    ]
    assert (found.estimate, found.se) == pytest.approx(expected, rel=1e-12)
    assert found.k == len(names)


@pytest.mark.parametrize("measure", ["RR", "OR"])
def test_revmans_random_effects_take_q_about_mantel_haenszel(measure):
    about = next(
        e.estimate
        for e in pool(TRIALS)
        if (e.method, e.measure, e.correction) == ("Mantel-Haenszel", measure, "revman")
    )
    found = effects([t for t in TRIALS if t.study != "c"], measure, "b")
    w = [1 / v for _, v in found]
    q = sum(x * (y - about) ** 2 for x, (y, _) in zip(w, found, strict=True))
    tau2 = max(0.0, (q - 2) / (sum(w) - sum(x * x for x in w) / sum(w)))
    assert tau2 > 0
    expected = inverse_variance([(y, v + tau2) for y, v in found])
    answer = pool_variants(TRIALS, measure)[-1]
    assert answer.method == "DerSimonian-Laird about Mantel-Haenszel"
    assert (answer.estimate, answer.se) == pytest.approx(expected, rel=1e-12)
    assert answer.tau2 == pytest.approx(tau2)


def test_without_zeros_only_the_correction_of_every_table_differs():
    whole = (TRIALS[0], TRIALS[3])
    assert {e.correction for e in pool_variants(whole, "RR")} == {"all", "revman"}
    assert [e.method for e in pool_variants(whole, "RR") if e.correction == "revman"] == [
        "DerSimonian-Laird about Mantel-Haenszel"
    ]


def test_nothing_for_trials_without_both_arms():
    assert pool_variants((TwoArm("a", 1, 5, 0, 0),), "RR") == ()
    only_zero = pool_variants((TwoArm("a", 0, 5, 0, 5),), "RR")
    assert math.isnan(next(e for e in only_zero if e.correction == "revman").estimate)
