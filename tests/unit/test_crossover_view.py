"""The crossover block: the same data as parallel arms, other associations, the OR within patients."""

import json
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import binom, norm

from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.crossover_view import as_parallel, first_period, fit_conditional, fit_parallel, view_crossover
from bayes_ivig.engines import run_quadrature
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit import run_fit
from bayes_ivig.fit_json import to_json
from bayes_ivig.present_crossover import Rows, crossover_parts
from bayes_ivig.priors import parse_prior
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.store import json_text
from bayes_ivig.studies import Paired, PairedMargins, TwoArm

pytestmark = pytest.mark.slow  # every test needs answers of the whole engine


@pytest.fixture(scope="module")
def disability():
    evidence = load_evidence(load_review("mmn-2007"), "disability", "crossover")
    return run_fit(evidence, choose_model(evidence, Choices(model="crossover")), engine="quadrature")


def model_of(*studies, effect="common"):
    return choose_model(Evidence("user", "test", studies), Choices(effect=effect))


def test_disability_three_ways(disability):
    view = disability.crossover
    assert view.crossover == disability.mu
    assert view.crossover.ci == pytest.approx((-0.04, 3.48), abs=0.01)
    assert view.parallel.ci == pytest.approx((-0.09, 3.48), abs=0.01)
    assert view.associations["normal(1.5, 1)"].ci == pytest.approx((0.19, 3.47), abs=0.01)
    assert view.associations["normal(0, 1.5)"] == view.crossover


def test_parallel_arms_are_the_binomial_fit_of_the_review_data(disability):
    """The shipped two-arm data of the review are the margins of its crossover data."""
    evidence = load_evidence(load_review("mmn-2007"), "disability")
    model = choose_model(evidence, Choices())
    expected = run_quadrature(evidence, model).mu.summary(0.95)
    assert disability.crossover.parallel.ci == pytest.approx(expected.ci, abs=1e-9)
    assert [as_parallel(s) for s in disability.evidence.studies] == [
        replace(s, participants=None) for s in evidence.studies
    ]


def test_without_association_paired_and_parallel_are_one():
    studies = (Paired("full", 3, 5, 1, 4), PairedMargins("margins", 7, 2, 9))
    model = model_of(*studies, effect="random")
    fixed = replace(model, priors=MappingProxyType({**model.priors, "association": parse_prior("fixed(0)")}))
    paired = run_quadrature(Evidence("user", "test", studies), fixed).mu
    assert fit_parallel(studies, fixed).mu.interval(0.95) == pytest.approx(paired.interval(0.95), abs=1e-6)


def test_the_first_period_of_a_trial_in_which_non_responders_crossed(disability):
    view = disability.crossover
    assert view.first_periods == (TwoArm("Léger 2001", 2, 4, 2, 5),)
    reading = next(
        r.study
        for r in load_evidence(load_review("mmn-2007"), "disability").readings
        if r.name == "leger-naive-first-period"
    )
    assert (reading.events_t, reading.n_t, reading.events_c, reading.n_c) == (2, 4, 2, 5)
    assert view.first_period.median < view.crossover.median  # 2/4 against 2/5 says less than both periods
    assert first_period(Paired("no starters", 0, 2, 0, 3, 2, 2, 2, 2)) is None
    assert first_period(Paired("a responder crossed", 1, 2, 0, 2, 2, 2, 2, 2, 4, 5)) is None
    assert first_period(PairedMargins("margins", 5, 1, 6)) is None


def test_the_conditional_or_against_a_slow_integral():
    """One effect, a full table and one with an offset: the product of two binomials and the prior, by scipy."""
    studies = (Paired("a", 1, 7, 2, 3), Paired("b", 0, 2, 1, 3, 2, 2, 2, 2, 4, 6), PairedMargins("left", 5, 1, 6))
    posterior, notes = fit_conditional(studies, model_of(*studies))

    def density(x):
        likelihood = binom.pmf(7, 9, expit(x)) * binom.pmf(2, 3, expit(x + np.log(6 / 4)))
        return likelihood * norm.pdf(x, 0, 2.82)

    evidence = quad(density, -20, 20, points=[1], epsabs=1e-14)[0]
    mean = quad(lambda x: x * density(x), -20, 20, points=[1], epsabs=1e-14)[0] / evidence
    assert posterior.mu.mean == pytest.approx(mean, abs=1e-6)
    assert posterior.log_evidence == pytest.approx(np.log(evidence), abs=1e-7)
    assert any("left" in note for note in notes)


def test_a_large_table_centres_on_its_own_ratios():
    """20/10/5/20 of 55 pairs, 1000-fold: marginal OR 30*30/(25*25), conditional OR 10/5."""
    study = Paired("large", 20000, 10000, 5000, 20000)
    model = model_of(study)
    conditional, _ = fit_conditional((study,), model)
    assert conditional.mu.mean == pytest.approx(np.log(2), abs=1e-3)
    assert fit_parallel((study,), model).mu.mean == pytest.approx(np.log(30 * 30 / (25 * 25)), abs=1e-3)


def test_margins_alone_have_no_conditional_or():
    posterior, notes = fit_conditional((PairedMargins("a", 5, 1, 6),), model_of(PairedMargins("a", 5, 1, 6)))
    assert posterior is None
    assert "margins alone" in notes[0]


def test_the_association_is_summarised_from_the_draws():
    studies = (Paired("a", 3, 5, 1, 4), Paired("b", 1, 2, 1, 4))
    evidence = Evidence("user", "test", studies)
    model = model_of(*studies)
    rng = np.random.default_rng(1)
    draws = {name: rng.normal([1.0, -2.0], 1.0, (1, 5000, 2)) for name in ("association", "log_or_within")}
    view = view_crossover(evidence, model, run_quadrature(evidence, model), draws, 0.9)
    assert [w.study for w in view.within] == ["a", "b"]
    assert view.within[1].association.median == pytest.approx(-2, abs=0.1)
    assert view.within[0].log_or.ci == pytest.approx((1 - 1.645, 1 + 1.645), abs=0.1)


def test_json_and_words(disability):
    block = json.loads(json_text(to_json(disability)))["crossover"]
    assert block["first_period_tables"] == [{"study": "Léger 2001", "events_t": 2, "n_t": 4, "events_c": 2, "n_c": 5}]
    assert set(block["associations"]) == {"normal(0, 1.5)", "normal(1.5, 1)"}
    assert block["conditional"]["effect"] == "conditional log OR, within patients"
    parts = crossover_parts(disability.crossover, "normal(0, 1.5)")
    assert "-0.04 to 3.47" in parts[0]
    assert "-0.09 to 3.48" in parts[0]
    assert [part.title for part in parts if isinstance(part, Rows)][1].startswith("Discordant pairs")


def test_other_models_have_no_such_block():
    evidence = Evidence("user", "test", (TwoArm("a", 2, 5, 1, 5),))
    fit = run_fit(evidence, choose_model(evidence, Choices()), engine="quadrature")
    assert fit.crossover is None
    assert to_json(fit)["crossover"] is None
