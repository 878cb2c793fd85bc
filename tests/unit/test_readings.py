"""Alternative readings: every combination, and what is said of them."""

import numpy as np
import pytest

from bayes_ivig.evidence import Evidence, Reading
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.reviews import load_evidence, load_review, read_as
from bayes_ivig.sensitivity.claim import claim_of
from bayes_ivig.sensitivity.readings import compare_readings, describe_readings
from bayes_ivig.spec import default_model
from bayes_ivig.studies import TwoArm

BINOMIAL = default_model("binomial", "OR", "random")


def reading(name, *counts):
    return Reading(name, TwoArm(*counts), "derived", "nowhere", "Invented.")


def test_disability_against_one_fit_a_reading():
    evidence = load_evidence(load_review("mmn-2007"), "disability")
    rows = compare_readings(evidence, BINOMIAL)
    assert [row.readings for row in rows] == [(), ("leger-naive-first-period",), ("leger-all-18-first-period",)]
    for row in rows:
        studies = read_as(evidence, *row.readings).studies if row.readings else evidence.studies
        priors = (shape_of(BINOMIAL.priors["mu"]), shape_of(BINOMIAL.priors["tau"]))
        mu = fit_posterior(make_surface(studies, BINOMIAL), *priors).mu.summary(0.95)
        np.testing.assert_allclose([row.mu.mean, row.mu.sd, *row.mu.ci], [mu.mean, mu.sd, *mu.ci], rtol=1e-12)
        assert row.p_claim == pytest.approx(mu.p_gt_0, rel=1e-12)
    sentence = describe_readings(rows, claim_of(evidence, BINOMIAL))
    assert "with 2 other readings of the trials it is from 0.922 (leger-naive-first-period) to 0.996" in sentence


def test_all_combinations_and_a_trial_marked_as_left_out():
    studies = (TwoArm("A", 3, 10, 1, 10), TwoArm("B", 4, 12, 2, 12))
    readings = (reading("a-1", "A", 2, 10, 1, 10), reading("a-out", "A", 0, 0, 0, 0), reading("b-1", "B", 5, 12, 2, 12))
    rows = compare_readings(Evidence("user", "o", studies, benefit="higher", readings=readings), BINOMIAL)
    assert len(rows) == 3 * 2
    assert len({row.readings for row in rows}) == 6
    gone = next(row for row in rows if row.readings == ("a-out",))
    assert gone.left_out == ("A",)
    alone = compare_readings(Evidence("user", "o", studies[1:], benefit="higher"), BINOMIAL)[0]
    np.testing.assert_allclose([gone.mu.mean, gone.mu.sd], [alone.mu.mean, alone.mu.sd], rtol=1e-9)


def test_no_reading_is_said():
    evidence = load_evidence(load_review("mmn-2007"), "strength")
    rows = compare_readings(evidence, BINOMIAL)
    assert len(rows) == 1
    assert describe_readings(rows, claim_of(evidence, BINOMIAL)).startswith("No trial of this outcome")


def test_readings_of_a_rate_have_no_claim():
    evidence = load_evidence(load_review("mmn-2022"), "serious-adverse-events")
    rows = compare_readings(evidence, default_model("single-arm", "rate", "random"))
    assert len(rows) == 2
    assert rows[0].p_claim is None
    assert "; with 1 other reading of the trials it is" in describe_readings(rows, None)
