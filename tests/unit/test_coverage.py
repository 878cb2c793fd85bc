"""Operating characteristics: what is counted is counted right, and the stored table is complete."""

import math

import numpy as np
import pytest

from bayes_ivig.calibration.coverage import PRIORS, Scenario, draw_tables, intervals, judge, summarise
from bayes_ivig.calibration.output import performance_json
from bayes_ivig.pooled import pool
from bayes_ivig.studies import TwoArm

STRENGTH = ((5, 0), (5, 1), (11, 0))


def test_summary_of_three_replicates():
    found = [(1.0, 0.0, 2.0), (2.0, 1.5, 3.5), (math.nan, math.nan, math.nan)]
    row = summarise(Scenario(1.0, 0.5, 0.3), "any", found)
    assert (row.replicates, row.exists, row.coverage) == (3, pytest.approx(2 / 3), 0.5)
    assert (row.width, row.bias) == (2.0, 0.5)


def test_intervals_of_the_main_outcome_are_those_the_program_prints():
    found = intervals(STRENGTH)
    studies = [TwoArm(str(i), t, n, c, n) for i, ((t, c), n) in enumerate(zip(STRENGTH, (5, 6, 16), strict=True))]
    printed = [e for e in pool(studies, "OR") if e.measure == "OR"]
    assert len(found) == len(printed) + len(PRIORS)
    peto = next(e for e in printed if e.method == "Peto")
    assert found["Peto OR"] == (peto.estimate, *peto.ci)
    # the accepted answer of `fit strength`
    _, low, high = found["Bayesian, mu normal(0, 2.82), tau half-normal(0.5)"]
    assert (low, high) == (pytest.approx(2.709451718542275, abs=1e-6), pytest.approx(6.802172066, abs=1e-6))


def test_tables_are_drawn_at_the_truth():
    tables = np.array(list(draw_tables(Scenario(0.0, 0.0, 0.3), 4000, np.random.default_rng(5))))
    assert tables.mean(axis=0) == pytest.approx(0.3 * np.array([[5, 5], [6, 6], [16, 16]]), rel=0.05)


@pytest.mark.slow
def test_one_truth_is_judged_the_same_twice():
    assert performance_json(judge(3, 5)) == performance_json(judge(3, 5))
