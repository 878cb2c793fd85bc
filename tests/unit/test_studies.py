import math

import numpy as np
import pytest

from bayes_ivig.errors import InputError
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm


@pytest.mark.parametrize(
    ("study", "kind", "n_participants"),
    [
        (TwoArm("a", 4, 7, 2, 8), "two-arm", 15),
        (TwoArm("a", 4, 7, 2, 7, participants=9), "two-arm", 9),
        (TwoArm("a", 0, 0, 0, 5), "two-arm", 5),
        (Paired("a", 0, 2, 0, 3), "crossover", 5),
        (Paired("a", 0, 2, 0, 3, 2, 2, 2, 2, 4, 5), "crossover", 9),
        (PairedMargins("a", 5, 1, 6), "crossover", 6),
        (Effect("a", -1.5, 0.2), "effect", None),
        (Effect("a", -1.5, 0.2, participants=16), "effect", 16),
        (Means("a", 4.3, 7.35, 9, 3.6, 9.43, 9, participants=9), "means", 9),
        (Means("a", 4.3, 7.35, 9, 3.6, 9.43, 8), "means", 17),
        (SingleArm("a", 0, 34), "single-arm", 34),
    ],
)
def test_patients_are_counted_once(study, kind, n_participants):
    assert (study.kind, study.n_participants) == (kind, n_participants)


def test_pairs_are_the_sum_of_the_four_cells():
    assert Paired("a", 1, 2, 3, 4, 5, 6, 7, 8).n_pairs == 10


def test_integers_of_numpy_are_counts():
    assert TwoArm("a", np.int64(1), np.int32(5), 0, 5).n_participants == 10


BAD = [
    (TwoArm, ("a", -1, 5, 0, 5), "'events_t': -1 is negative"),
    (TwoArm, ("a", 1, 5, 0, -5), "'n_c': -5 is negative"),
    (TwoArm, ("a", 1.5, 5, 0, 5), "'events_t': 1.5 is not a whole number"),
    (TwoArm, ("a", math.nan, 5, 0, 5), "'events_t': nan is not a whole number"),
    (TwoArm, ("a", 6, 5, 0, 5), "'events_t': 6 exceeds the 5 in column 'n_t'"),
    (TwoArm, ("a", 1, 5, 6, 5), "'events_c': 6 exceeds the 5 in column 'n_c'"),
    (TwoArm, ("a", 1, 7, 1, 7, 6), "'participants': 6 is not between"),
    (TwoArm, ("a", 1, 7, 1, 7, 15), "'participants': 15 is not between"),
    (TwoArm, ("a", 1, 7, 1, 7, 7.5), "'participants': 7.5 is not a whole number"),
    (Paired, ("a", 1, -2, 0, 1), "'t_only': -2 is negative"),
    (Paired, ("a", 1, 2, 0, 1, 3, 2), "'events_t': 3 exceeds the 2"),
    (Paired, ("a", 0, 2, 0, 3, 2, 2, 2, 2, 4), "'started_c': empty"),
    (Paired, ("a", 0, 2, 0, 3, 2, 2, 2, 2, None, 5), "'started_t': empty"),
    (Paired, ("a", 0, 2, 0, 3, 2, 2, 2, 2, 4, 6), "'started_t': 4 and 6 starters do not make the 9"),
    (Paired, ("a", 0, 2, 0, 3, 2, 2, 2, 2, 1, 8), "'n_t': 2 patients had this treatment only, but 1 started"),
    (Paired, ("a", 0, 2, 0, 3, 2, 2, 2, 2, 8, 1), "'n_c': 2 patients had this treatment only, but 1 started"),
    (PairedMargins, ("a", 7, 1, 6), "'margins_t': 7 exceeds the 6 in column 'n_pairs'"),
    (PairedMargins, ("a", 1, 7, 6), "'margins_c': 7 exceeds the 6 in column 'n_pairs'"),
    (Effect, ("a", math.inf, 1.0), "'y': inf is not a finite number"),
    (Effect, ("a", 0.0, 0.0), "'se': 0 is not allowed; a standard error must be above 0"),
    (Effect, ("a", 0.0, -1.0), "'se': -1 is not allowed"),
    (Effect, ("a", 0.0, math.nan), "'se': nan is not a finite number"),
    (Effect, ("a", 0.0, 1.0, -3), "'participants': -3 is negative"),
    (Means, ("a", 1.0, 0.0, 5, 1.0, 1.0, 5), "'sd_t': 0 is not allowed"),
    (Means, ("a", 1.0, 1.0, 5, math.nan, 1.0, 5), "'mean_c': nan is not a finite number"),
    (Means, ("a", 1.0, 1.0, 1, 1.0, 1.0, 5), "'n_t': 1 is not allowed; a standard deviation needs at least 2"),
    (Means, ("a", 1.0, 1.0, 5, 1.0, 1.0, 5.5), "'n_c': 5.5 is not a whole number"),
    (SingleArm, ("a", 3, 2), "'events': 3 exceeds the 2 in column 'n'"),
    (SingleArm, ("a", 0, -1), "'n': -1 is negative"),
]


@pytest.mark.parametrize(("make", "values", "words"), BAD)
def test_impossible_data_are_refused(make, values, words):
    with pytest.raises(InputError) as refusal:
        make(*values)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith("column '")


def test_a_study_cannot_be_changed():
    with pytest.raises(AttributeError):
        TwoArm("a", 1, 5, 0, 5).events_t = 9
