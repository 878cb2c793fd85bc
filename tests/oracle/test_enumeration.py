"""Searches over tables: the formulas on many tables against `pool`, the search against a slow one, and the review."""

import itertools

import numpy as np
import pytest

from bayes_ivig.audit import TrialSize, enumerate_tables
from bayes_ivig.audit.enumeration import paired_tables
from bayes_ivig.pooled import pool, pool_variants
from bayes_ivig.pooled.many import pool_many
from bayes_ivig.published import Published, reproduce
from bayes_ivig.studies import Paired, PairedMargins, TwoArm


def result(name, estimate, ci, measure="RR", **more):
    return Published(name, name, measure, "unknown", estimate, ci, **more)


def percent(arm, estimate):
    return Published(f"percent-{arm}", "", "percent", "unknown", estimate, arm=arm)


def trials(**sizes):
    return [TrialSize(name, n, n) for name, n in sizes.items()]


def tables_of(found):
    return [([s.events_t for s in tables], [s.events_c for s in tables]) for tables in found.solutions]


# Each analysis of the review: sizes, what is printed (van Schaik 2005; Keddie 2022), and the tables found.
STRENGTH = (result("1.2", "11.00", ("2.86", "42.25")), percent("t", "78"), percent("c", "4"))
DISABILITY = (result("1.1", "3.00", ("0.89", "10.12")), percent("t", "39"), percent("c", "11"))
SIDE_EFFECTS = (result("1.8", "10.33", ("2.15", "49.77")), percent("t", "71"), percent("c", "4.8"))
BLOCK = (result("1.4", "7.00", ("0.95", "51.70"), events_t="6", events_c="0"),)
ANALYSES = {
    "strength": (trials(azulay=5, federico=16, berg=6), STRENGTH, [([5, 11, 5], [0, 0, 1])]),
    "disability": (trials(azulay=5, leger=7, berg=6), DISABILITY, [([0, 4, 3], [0, 2, 0])]),
    "side effects": (trials(azulay=5, federico=16), SIDE_EFFECTS, [([2, 13], [0, 1])]),
    "side effects, rival sizes": (trials(one=12, other=9), SIDE_EFFECTS, []),
    "conduction block": (trials(azulay=5, federico=10, leger=7, berg=6), BLOCK, [([0, 5, 0, 1], [0, 0, 0, 0])]),
    "conduction block, all of Federico": (trials(azulay=5, federico=16, leger=7, berg=6), BLOCK, []),
}


@pytest.mark.parametrize("name", ANALYSES)
def test_the_reconstructions_of_the_review(name):
    sizes, printed, expected = ANALYSES[name]
    found = enumerate_tables(sizes, printed)
    assert tables_of(found) == expected
    assert found.unique == (len(expected) == 1)
    for methods in found.methods:
        assert all(method.startswith("Mantel-Haenszel RR, 0.5 in tables with a zero") for method in methods)


def test_the_mirror_solution_needs_other_sizes():
    """Five events in Léger 2001 with 10 exposures and 7 patients of Federico 2000: the same arithmetic."""
    found = enumerate_tables(trials(azulay=5, federico=7, leger=10, berg=6), BLOCK)
    assert tables_of(found) == [([0, 0, 5, 1], [0, 0, 0, 0])]


def test_strength_is_unique_even_without_its_percentages():
    subgroups = (
        result("1.2.1", "17.00", ("2.48", "116.59"), studies=("azulay", "federico")),
        result("1.2.2", "5.00", ("0.81", "31.00"), studies=("berg",)),
    )
    found = enumerate_tables(trials(azulay=5, federico=16, berg=6), (STRENGTH[0], *subgroups))
    assert found.tried == (6 * 17 * 7) ** 2
    assert tables_of(found) == [([5, 11, 5], [0, 0, 1])]


def slow_search(sizes, published):
    """Every table, pooled one by one: a method must give every ratio, and the percentages must match."""
    ranges = [range(t.n_t + 1) for t in sizes] + [range(t.n_c + 1) for t in sizes]
    found = []
    for events in itertools.product(*ranges):
        tables = [
            TwoArm(t.study, a, t.n_t, c, t.n_c)
            for t, a, c in zip(sizes, events[: len(sizes)], events[len(sizes) :], strict=True)
        ]
        answers = [reproduce(p, tables) for p in published]
        if all(a.reproduced for a in answers):
            found.append((list(events[: len(sizes)]), list(events[len(sizes) :])))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_what_a_slow_search_finds(seed):
    rng = np.random.default_rng(seed)
    sizes = [TrialSize(name, *(int(n) for n in rng.integers(2, 4, 2))) for name in "ab"]
    truth = [TwoArm(t.study, int(rng.integers(t.n_t + 1)), t.n_t, int(rng.integers(t.n_c)), t.n_c) for t in sizes]
    measure = ("RR", "OR", "RD")[seed % 3]
    every = [e for e in pool(truth) + pool_variants(truth, measure) if e.measure == measure and e.se > 0]
    estimate = every[rng.integers(len(every))]
    value, low, high = (f"{x:.2f}" for x in estimate.natural())
    printed = [result("x", value, (low, high), measure)]
    assert sorted(tables_of(enumerate_tables(sizes, printed))) == sorted(slow_search(sizes, printed))


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_many_tables_at_once_are_pooled_as_one_by_one(measure):
    rng = np.random.default_rng(20221)
    k, sets = 4, 12
    n_t, n_c = rng.integers(3, 30, (2, k, 1)).astype(float)
    a, c = (np.floor(rng.random((k, sets)) ** 2 * (n + 1)) for n in (n_t, n_c))
    many = pool_many((a, n_t - a, c, n_c - c), measure)
    compared = 0
    for i in range(sets):
        tables = [TwoArm(str(j), int(a[j, i]), int(n_t[j, 0]), int(c[j, i]), int(n_c[j, 0])) for j in range(k)]
        usual = [e for e in pool(tables) if e.measure == measure]
        for e in (*usual, *pool_variants(tables, measure)):
            if e.method == "Paule-Mandel" or not np.isfinite(e.se):
                continue
            # `pool` corrects effects only where it must, and calls that 'none' where no table has a zero.
            correction = "only0" if e.method not in ("Mantel-Haenszel", "Peto") and e in usual else e.correction
            interval = "" if e.interval == "z" else f", {e.interval}"
            values = [x[i] for x in many[f"{e.method}, {correction}{interval}"]]
            np.testing.assert_allclose(values, e.natural(), rtol=2e-6, atol=1e-9, err_msg=e.label)
            compared += 1
    assert compared > 200


def test_known_counts_stay_as_they_are():
    sizes = [TrialSize("azulay", 5, 5, 5, 0), TrialSize("federico", 16, 16, None, 0), TrialSize("berg", 6, 6, 5, 1)]
    found = enumerate_tables(sizes, STRENGTH)
    assert found.tried == 1
    assert tables_of(found) == [([5, 11, 5], [0, 0, 1])]


def test_several_solutions_are_not_unique():
    found = enumerate_tables(trials(a=3, b=3), (percent("t", "50"), percent("c", "0")))
    assert tables_of(found) == [([0, 3], [0, 0]), ([1, 2], [0, 0]), ([2, 1], [0, 0]), ([3, 0], [0, 0])]
    assert not found.unique
    assert found.verdict.endswith("4 are compatible; the reconstruction is not unique")
    assert found.to_json()["unique"] is False


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        (percent("t", "33"), "no count of 10 is 33 percent"),
        (result("x", "2.0", None, events_t="3", n_t="12"), "the sizes add up to 10, printed is 12"),
        (result("x", "2.0", None, events_t="11"), "11 events are more than the 10 patients"),
    ],
)
def test_why_there_is_no_solution(printed, why):
    found = enumerate_tables(trials(a=5, b=5), (printed,))
    assert (found.solutions, found.why_none) == ((), why)
    assert why in found.verdict


def test_nothing_printed_means_no_search():
    p_value = Published("p", "p", "p", "unknown", "0.03")
    assert enumerate_tables(trials(a=5), (p_value,)) is None
    assert enumerate_tables(trials(a=5), (result("x", "2.0", None, studies=("elsewhere",)),)) is None


def test_a_search_too_large_says_what_would_help():
    for number, size in ((6, 100), (3, 12)):  # too many for one arm, too many for both
        many = [TrialSize(f"t{i}", size, size) for i in range(number)]
        found = enumerate_tables(many, (result("x", "2.00", ("1.00", "4.00")),))
        assert (found.tried, found.unique, found.solutions) == (0, False, ())
        assert found.verdict.startswith("not made, more than 1,000,000 sets")
        assert found.verdict.endswith("printed totals or percentages restrict them")


def test_pairs_within_margins():
    assert paired_tables(PairedMargins("berg", 5, 1, 6)) == (Paired("berg", 0, 5, 1, 0), Paired("berg", 1, 4, 0, 1))
    assert [t.both for t in paired_tables(PairedMargins("hahn", 4, 20, 42))] == [0, 1, 2, 3, 4]
    assert paired_tables(PairedMargins("full", 3, 3, 3)) == (Paired("full", 3, 0, 0, 0),)
