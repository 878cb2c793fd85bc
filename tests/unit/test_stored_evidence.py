"""The stored evidence of calibration: complete, of this very code, without a failure, and what its pages show."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from bayes_ivig.calibration import core_hash, load_calibration
from bayes_ivig.calibration.coverage import SCENARIOS, intervals
from bayes_ivig.calibration.coverage_page import coverage_page
from bayes_ivig.calibration.evidence import FULL
from bayes_ivig.calibration.output import load_performance
from bayes_ivig.calibration.page import calibration_page
from bayes_ivig.calibration.ranks import ENGINES, MODELS, N_TRIALS, QUANTITIES, SEED, THETA_EVERY

STORED = Path(__file__).parents[2] / "docs" / "calibration"


def test_the_table_is_complete():
    evidence = load_calibration(STORED)
    places = [(cell.model, cell.engine, cell.n_trials) for cell in evidence.cells]
    assert sorted(places) == sorted(product(MODELS, ENGINES, N_TRIALS))
    assert evidence.missing == ()
    assert evidence.seed == SEED
    for cell in evidence.cells:
        share = THETA_EVERY if cell.engine == "quadrature" else 1
        assert set(cell.counts) == set(QUANTITIES)
        assert sum(cell.counts["mu"]) == sum(cell.counts["tau"]) == cell.replicates > 0
        assert sum(cell.counts["theta_1"]) == sum(cell.counts["theta_new"]) == cell.replicates // share


def test_every_model_was_run_as_often_as_it_should_be():
    evidence = load_calibration(STORED)
    for model, engine in product(MODELS, ENGINES):
        n = sum(cell.replicates for cell in evidence.cells if (cell.model, cell.engine) == (model, engine))
        assert n >= FULL[engine]
    assert evidence.short == ()


def test_what_was_run_less_often_is_named_on_the_page():
    evidence = load_calibration(STORED)
    first = evidence.cells[0]
    fewer = replace(evidence, cells=evidence.cells[1:3])  # the page takes seconds for all of them
    n = sum(cell.replicates for cell in fewer.cells if (cell.model, cell.engine) == (first.model, first.engine))
    assert f"{first.model} by {first.engine}, {n:,} of {FULL[first.engine]:,} replicates" in calibration_page(
        fewer, evidence.made
    )


def test_it_is_about_this_code():
    evidence = load_calibration(STORED)
    assert evidence.core_sha256 == core_hash(), "the numeric core has changed: run 'bayes-ivig calibrate' and commit"


@pytest.mark.slow
def test_it_shows_no_failure():
    assert load_calibration(STORED).failures() == ()


@pytest.mark.slow
def test_the_page_is_that_of_the_evidence():
    evidence = load_calibration(STORED)
    assert (STORED / "README.md").read_text("utf-8") == calibration_page(evidence, evidence.made)


def test_old_evidence_is_labelled():
    evidence = load_calibration(STORED)
    evidence = replace(evidence, cells=evidence.cells[:2])  # the page takes seconds for all of them
    before = evidence.warnings(evidence.made + timedelta(days=180))
    (warning,) = set(evidence.warnings(evidence.made + timedelta(days=181))) - set(before)
    assert "181 days old" in warning
    assert warning in calibration_page(evidence, evidence.made + timedelta(days=181))


def test_intervals_are_judged_at_every_truth():
    rows = load_performance(STORED)
    methods = {row.method for row in rows}
    assert set(intervals(((5, 0), (5, 1), (11, 0)))) == methods
    assert [row.scenario for row in rows[:: len(methods)]] == list(SCENARIOS)
    assert len(rows) == len(SCENARIOS) * len(methods)
    (replicates,) = {row.replicates for row in rows}
    assert replicates >= 1_000


def test_the_page_of_intervals_is_that_of_the_table():
    assert (STORED / "coverage.md").read_text("utf-8") == coverage_page(load_performance(STORED))
