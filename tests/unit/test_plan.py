"""Simulated trials, their likelihoods all at once, and the posterior after each: against one table at a time."""

import numpy as np
import pytest

from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.plan.assurance import Question, answer_size, run_plan
from bayes_ivig.plan.design import Design, parse_sizes, simulate_tables
from bayes_ivig.plan.likelihoods import log_likelihoods
from bayes_ivig.plan.limit import limit_of, revealed
from bayes_ivig.plan.refit import Current, refit, update
from bayes_ivig.plan.truth import Truth
from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature import Surface, fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import TwoArm

DISABILITY = load_evidence(load_review("mmn-2007"), "disability", "crossover")


def current(likelihood="crossover", effect="random"):
    evidence = load_evidence(load_review("mmn-2007"), "disability", likelihood)
    model = choose_model(evidence, Choices(model=likelihood, effect=effect))
    surface = make_surface(evidence.studies, model)
    mu = shape_of(model.priors["mu"])
    tau = shape_of(model.priors["tau"]) if effect == "random" else None
    return Current(surface, mu, tau, fit_posterior(surface, mu, tau)), model


def crossover_model(baseline="beta(1, 1)", association="normal(0, 1.5)", parametrisation="midpoint"):
    model = default_model("crossover", "OR", "random", parametrisation)
    return with_priors(model, {"baseline": parse_prior(baseline), "association": parse_prior(association)})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "model", "patients"),
    [
        ("parallel", default_model("binomial", "OR", "random"), 30),
        ("parallel", default_model("binomial", "OR", "random", "control"), 11),
        ("parallel", default_model("binomial", "RR", "random"), 20),
        ("parallel", default_model("binomial", "RR", "random", "control"), 12),
        ("parallel", default_model("conditional", "OR", "random"), 20),
        ("crossover", crossover_model(), 8),
        ("crossover", crossover_model(), 60),
        ("crossover", crossover_model(parametrisation="control"), 20),
        ("crossover", crossover_model("normal(0, 2)", "0.5*normal(1.5, 1) + 0.5*normal(-3, 1)"), 20),
        ("crossover", crossover_model("uniform(0.1, 0.7)", "student-t(4, 0, 1)"), 12),
        ("crossover", crossover_model("beta(0.5, 3)", "fixed(0)"), 20),
    ],
)
def test_all_tables_at_once_have_the_likelihood_of_each(kind, model, patients):
    rng = np.random.default_rng(5)
    design = Design(kind, model)
    drawn, _ = simulate_tables(design, patients, rng.normal(1, 1.2, 40), rng)
    tables = np.unique(drawn, axis=0)[::3][:8]
    theta = np.linspace(-5, 7, 25)
    found = log_likelihoods(tables, design, theta)
    for table, row in zip(tables, found, strict=True):
        exact = LIKELIHOODS[model.likelihood].log_integrated(design.study(table), model, theta)
        seen = exact > exact.max() - 12
        best = int(np.argmax(exact))
        ratio = np.exp((row - row[best])[seen] - (exact - exact[best])[seen])
        weight = np.exp((exact - exact[best])[seen])
        assert np.abs((ratio - 1) * weight).max() < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("likelihood", "effect", "kind", "patients"),
    [
        ("crossover", "random", "crossover", 10),
        ("crossover", "random", "parallel", 60),
        ("binomial", "random", "parallel", 10),
        ("crossover", "common", "crossover", 20),
        ("binomial", "common", "parallel", 80),
    ],
)
def test_the_posterior_after_a_trial_is_that_of_a_fit(likelihood, effect, kind, patients):
    now, model = current(likelihood, effect)
    own = model if kind == "crossover" else default_model("binomial", "OR", "random")
    design = Design(kind, own)
    rng = np.random.default_rng(8)
    drawn, _ = simulate_tables(design, patients, now.posterior.theta_new.draw(rng, 60), rng)
    tables = np.unique(drawn, axis=0)
    updated = update(now, design, tables, 0.9)
    for i in rng.choice(len(tables), 4, replace=False):
        p, low, high = refit(now, design, tables[i], 0.9)
        assert updated.p_gt_0[i] == pytest.approx(p, abs=1e-6)
        assert updated.low[i] == pytest.approx(low, abs=1e-5)
        assert updated.high[i] == pytest.approx(high, abs=1e-5)


@pytest.mark.slow
def test_a_trial_that_contradicts_the_others_is_analysed_as_exactly():
    now, _ = current("binomial")
    design = Design("parallel", default_model("binomial", "OR", "random"))
    tables = np.array([[1, 99, 99, 1], [60, 40, 30, 70]])
    updated = update(now, design, tables, 0.95)
    for i in range(2):
        assert updated.p_gt_0[i] == pytest.approx(refit(now, design, tables[i], 0.95)[0], abs=1e-6)


@pytest.mark.slow
def test_an_unlikely_table_is_fitted_on_its_own(monkeypatch):
    now, _ = current("binomial")
    design = Design("parallel", default_model("binomial", "OR", "random"))
    tables = np.array([[6, 4, 3, 7]])
    together = update(now, design, tables, 0.95)
    monkeypatch.setattr("bayes_ivig.plan.refit.UNLIKELY", 1e9)
    alone = update(now, design, tables, 0.95)
    assert alone.p_gt_0[0] != together.p_gt_0[0]
    assert alone.p_gt_0[0] == pytest.approx(together.p_gt_0[0], abs=1e-6)


@pytest.mark.parametrize("effect", ["random", "common"])
def test_an_infinite_trial_reveals_its_effect(effect):
    now, model = current("binomial", effect)
    theta = np.array([-0.7, 0.4, 2.0])
    found = revealed(now, theta)
    if effect == "common":
        assert found.tolist() == [0, 1, 1]
        return
    tau = shape_of(model.priors["tau"])
    for x, p in zip(theta, found, strict=True):
        sharp = Surface((*now.surface.curves, NormalCurve(float(x), 1e-3)))
        assert p == pytest.approx(fit_posterior(sharp, now.mu, tau).mu.p_gt(0.0), abs=3e-6)


@pytest.mark.slow
def test_the_limit_is_that_of_many_revealed_effects():
    now, _ = current("binomial")
    truth = Truth("", now.posterior.theta_new)
    effects = truth.draw(np.random.default_rng(1), 20_000)
    share = np.mean(revealed(now, np.sort(effects)[::100]) > 0.975)
    assert limit_of(now, truth, 1, 0.975) == pytest.approx(share, abs=0.01)
    assert limit_of(now, truth, 1, 0.975) == pytest.approx(0.8742, abs=1e-4)
    assert limit_of(now, truth, -1, 0.975) < 1e-5
    assert limit_of(now, Truth("", value=3.0), 1, 0.975) == 1
    assert limit_of(now, Truth("", value=-3.0), 1, 0.975) == 0


@pytest.mark.slow
def test_what_is_expected_after_the_trial_is_what_is_known_before():
    """Under the model's own predictive distribution P(benefit) is a martingale."""
    evidence = load_evidence(load_review("mmn-2007"), "disability", "binomial")
    model = choose_model(evidence, Choices(model="binomial"))
    question = Question(evidence, model, Design("parallel", model), (20,), simulations=20_000)
    row = answer_size(question, 20)
    assert row.mean_p_benefit == pytest.approx(question.current.posterior.mu.p_gt(0.0), abs=0.003)


@pytest.mark.slow
def test_the_chance_is_that_of_every_possible_table():
    """Enumerate the tables of a small trial: each has its predictive probability and a fit of its own."""
    evidence = load_evidence(load_review("mmn-2007"), "disability", "binomial")
    model = choose_model(evidence, Choices(model="binomial"))
    question = Question(evidence, model, Design("parallel", model), (6,), simulations=20_000, threshold=0.97)
    shapes = shape_of(model.priors["mu"]), shape_of(model.priors["tau"])
    now = fit_posterior(make_surface(evidence.studies, model), *shapes).log_evidence
    chance, total = 0.0, 0.0
    for on_t in range(4):
        for on_c in range(4):
            more = (*evidence.studies, TwoArm("next", on_t, 3, on_c, 3))
            after = fit_posterior(make_surface(more, model), *shapes)
            p = np.exp(after.log_evidence - now)
            total += p
            chance += p * (after.mu.p_gt(0.0) > 0.97)
    assert total == pytest.approx(1, abs=1e-7)
    row = answer_size(question, 6)
    assert abs(row.assurance - chance) < 4 * row.assurance_se


@pytest.mark.slow
def test_the_answer_does_not_depend_on_the_number_of_processes():
    evidence = load_evidence(load_review("mmn-2007"), "disability", "binomial")
    model = choose_model(evidence, Choices(model="binomial"))
    question = Question(evidence, model, Design("parallel", model), (10, 14), simulations=600)
    one, two = run_plan(question, 1), run_plan(question, 2)
    assert one.rows == two.rows
    assert one.rows[0] == answer_size(question, 10)
    other = Question(evidence, model, Design("parallel", model), (10,), simulations=600, seed=1)
    assert answer_size(other, 10) != one.rows[0]


@pytest.mark.slow
def test_where_lower_is_better_the_plan_is_its_mirror_image():
    studies = (TwoArm("a", 2, 12, 6, 12), TwoArm("b", 1, 9, 4, 9))
    swapped = tuple(TwoArm(s.study, s.events_c, s.n_c, s.events_t, s.n_t) for s in studies)
    plans = []
    for trials, benefit in ((studies, "lower"), (swapped, "higher")):
        evidence = Evidence("user", "trials", trials, benefit=benefit, measure="OR")
        model = choose_model(evidence, Choices())
        plans.append(run_plan(Question(evidence, model, Design("parallel", model), (20,), simulations=4000)))
    assert plans[0].p_benefit_now == pytest.approx(plans[1].p_benefit_now, abs=1e-9)
    assert plans[0].limit == pytest.approx(plans[1].limit, abs=1e-5)
    assert plans[0].rows[0].assurance == pytest.approx(plans[1].rows[0].assurance, abs=0.05)


@pytest.mark.slow
def test_a_large_fixed_effect_has_power_and_none_has_little():
    evidence = load_evidence(load_review("mmn-2007"), "disability", "binomial")
    model = choose_model(evidence, Choices(model="binomial"))
    design = Design("parallel", model, control_risk=parse_prior("fixed(0.2)"))
    strong, none = (
        answer_size(Question(evidence, model, design, (60,), true_effect=effect, simulations=500), 60).assurance
        for effect in (2.5, 0.0)
    )
    assert strong > 0.9
    assert none < 0.25


def test_simulated_tables_have_the_risks_supposed():
    rng = np.random.default_rng(2)
    design = Design("crossover", crossover_model(), parse_prior("fixed(0.3)"), parse_prior("fixed(2)"))
    tables, truncated = simulate_tables(design, 50, np.full(4000, 1.0), rng)
    both, t_only, c_only, neither = tables.mean(axis=0) / 50
    odds = 0.3 / 0.7 * np.e
    assert (tables.sum(axis=1) == 50).all()
    assert truncated == 0
    assert both + c_only == pytest.approx(0.3, abs=0.005)
    assert both + t_only == pytest.approx(odds / (1 + odds), abs=0.005)
    assert np.log(both * neither / (t_only * c_only)) == pytest.approx(2, abs=0.06)
    arms, _ = simulate_tables(Design("parallel", default_model("binomial", "OR", "random")), 11, np.zeros(3), rng)
    assert arms[:, :2].sum(axis=1).tolist() == [6, 6, 6]
    assert arms[:, 2:].sum(axis=1).tolist() == [5, 5, 5]


def test_a_risk_above_1_is_counted():
    model = default_model("binomial", "RR", "random")
    design = Design("parallel", model, parse_prior("fixed(0.6)"))
    _, truncated = simulate_tables(design, 10, np.array([0.0, 1.0]), np.random.default_rng(0))
    assert truncated == 0.5


def test_ranges_of_sizes():
    assert parse_sizes("10:80:10") == (10, 20, 30, 40, 50, 60, 70, 80)
    assert parse_sizes("4:6") == (4, 5, 6)
    assert parse_sizes("40,10,40") == (10, 40)
    for text in ("80:10:10", "10:80:0", "10:80:-10", "1:5", "10:3000:1000", "10:80:10:1", "ten", "", "10:", "2:200"):
        with pytest.raises(InputError, match="--patients"):
            parse_sizes(text)


def test_designs_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="choose crossover or parallel"):
        Design("cluster", crossover_model())
    with pytest.raises(InputError, match="crossover model"):
        Design("crossover", default_model("binomial", "OR", "random"))
    with pytest.raises(InputError, match="two-arm counts"):
        Design("parallel", crossover_model())
    with pytest.raises(InputError, match="--design-association"):
        Design("parallel", default_model("binomial", "OR", "random"), association=parse_prior("normal(0, 1)"))
