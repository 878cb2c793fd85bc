"""The crossover and conditional likelihoods: what they must equal, and the corners of their integrals."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from bayes_ivig.errors import InputError
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.profiles import LIKELIHOODS, binomial, conditional, crossover, discordant, paired_integral
from bayes_ivig.profiles.plackett import joint_cells
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Paired, PairedMargins, TwoArm

STUDIES = (
    Paired("one cell", 0, 5, 0, 0),
    Paired("table", 20, 10, 5, 20),
    Paired("pairs and singles", 0, 2, 0, 3, 2, 2, 2, 2),
    Paired("singles alone", 0, 0, 0, 0, 1, 3, 0, 2),
    PairedMargins("margins", 4, 20, 42),
    Paired("large", 2000, 1000, 500, 2000),
    PairedMargins("large margins", 400, 200, 1000),
)
THETA = np.array([-30.0, -8.0, -1.0, 0.0, 0.4, 5.0, 22.0])


def model(parametrisation="midpoint", **priors):
    base = default_model("crossover", "OR", "random", parametrisation)
    return with_priors(base, {key: resolve_prior(text) for key, text in priors.items()})


def draws_of(theta, baseline, association, data, chosen):
    draws = {"theta": theta, "baseline": baseline, "association": association}
    return draws | crossover.derive(draws, data, chosen)


@pytest.mark.parametrize("parametrisation", ["midpoint", "control"])
def test_without_association_pairs_are_two_binomials(parametrisation):
    studies = (Paired("a", 3, 7, 2, 8), PairedMargins("b", 10, 5, 20), Paired("c", 0, 2, 0, 3, 2, 2, 1, 4))
    arms = (TwoArm("a", 10, 20, 5, 20), TwoArm("b", 10, 20, 5, 20), TwoArm("c", 4, 7, 1, 9))
    rng = np.random.default_rng(1)
    theta, baseline = rng.normal(0, 3, (2, 50, 3))
    data, chosen = crossover.make_data(studies, "OR"), model(parametrisation)
    paired = crossover.log_likelihood(draws_of(theta, baseline, np.zeros((50, 3)), data, chosen), data)
    risks = dict(zip(("p_c", "p_t"), binomial.risks(theta, baseline, chosen), strict=True))
    parallel = binomial.log_likelihood(risks, binomial.make_data(arms, "OR"))
    difference = paired - parallel
    np.testing.assert_allclose(difference, np.broadcast_to(difference[0], difference.shape), atol=1e-10)
    np.testing.assert_allclose(difference[:, 1], 0, atol=1e-10)


def test_margins_are_the_sum_over_their_tables():
    every = tuple(Paired(f"{both}", both, 5 - both, 3 - both, 2 + both) for both in range(4))
    chosen, rng = model(), np.random.default_rng(2)
    theta, baseline, association = rng.normal(0, 2, (3, 40, 4))
    theta, baseline, association = (np.repeat(x[:, :1], 4, axis=1) for x in (theta, baseline, association))
    data = crossover.make_data(every, "OR")
    tables = crossover.log_likelihood(draws_of(theta, baseline, association, data, chosen), data)
    one = crossover.make_data((PairedMargins("x", 5, 3, 10),), "OR")
    margins = crossover.log_likelihood(draws_of(theta[:, :1], baseline[:, :1], association[:, :1], one, chosen), one)
    np.testing.assert_allclose(np.logaddexp.reduce(tables, axis=1), margins[:, 0], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.study)
@pytest.mark.parametrize(
    ("parametrisation", "baseline", "association"),
    [
        ("midpoint", "beta(1, 1)", "normal(0, 1.5)"),
        ("control", "beta(1, 1)", "normal(0, 1.5)"),
        ("midpoint", "beta(0.5, 0.5)", "normal(1.5, 1)"),
        ("control", "normal(0, 10)", "fixed(0)"),
        ("midpoint", "normal(0, 1.5)", "normal(3, 0.01)"),
        ("midpoint", "0.5*beta(1, 1) + 0.5*beta(2, 8)", "0.5*normal(0, 1) + 0.5*normal(2, 0.5)"),
    ],
)
def test_the_integral_has_converged(study, parametrisation, baseline, association, monkeypatch):
    chosen = model(parametrisation, baseline=baseline, association=association)
    found = crossover.log_integrated(study, chosen, THETA)
    monkeypatch.setattr(paired_integral, "_STEP", 0.18)
    monkeypatch.setattr(paired_integral, "_FEWEST", (84, 72))
    np.testing.assert_allclose(found, crossover.log_integrated(study, chosen, THETA), rtol=1e-13, atol=4e-11)


@pytest.mark.slow
@pytest.mark.parametrize(
    "association",
    [
        "student-t(4, 0, 1)",
        "cauchy(0, 2.5)",
        "uniform(-3, 3)",
        "half-normal(1)",
        "log-normal(0, 0.5)",
        "beta(1, 2)",
        "exponential(1)",
    ],
)
@pytest.mark.parametrize("baseline", ["cauchy(0, 2.5)", "uniform(0.1, 0.6)", "beta(1, 1)"])
def test_odd_priors_are_integrated_too(association, baseline, monkeypatch):
    chosen, theta = model(baseline=baseline, association=association), np.array([-2.0, 0.0, 3.0])
    for study in (STUDIES[0], STUDIES[2]):
        found = crossover.log_integrated(study, chosen, theta)
        with monkeypatch.context() as finer:
            finer.setattr(paired_integral, "_STEP", 0.2)
            finer.setattr(paired_integral, "_FEWEST", (84, 72))
            np.testing.assert_allclose(found, crossover.log_integrated(study, chosen, theta), atol=1e-8)


@pytest.mark.parametrize(
    ("baseline", "association"),
    [
        ("beta(1, 1)", "normal(0, 1.5)"),
        ("cauchy(0, 1)", "fixed(1)"),
        ("uniform(0.1, 0.6)", "uniform(-3, 3)"),
        ("beta(0.2, 3)", "beta(2, 1)"),
        ("beta(3, 0.2)", "inverse-gamma(1, 1)"),
        ("beta(1, 1)", "exponential(1)"),
    ],
)
@pytest.mark.parametrize("parametrisation", ["midpoint", "control"])
def test_no_patients_say_nothing(parametrisation, baseline, association):
    chosen = model(parametrisation, baseline=baseline, association=association)
    found = crossover.log_integrated(Paired("x", 0, 0, 0, 0), chosen, np.array([-20.0, 0.0, 3.0]))
    np.testing.assert_allclose(found, 0, atol=1e-10)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.study)
@pytest.mark.parametrize("parametrisation", ["midpoint", "control"])
def test_far_effects_are_finite_and_fall_off(study, parametrisation):
    theta = np.array([-500.0, -400.0, 0.0, 400.0, 500.0])
    found = crossover.log_integrated(study, model(parametrisation), theta)
    assert np.isfinite(found).all()
    assert found[0] <= found[1] + 1e-9
    assert found[4] <= found[3] + 1e-9 or study.study == "one cell"  # rises for ever: only T ever worked


def test_many_effects_at_once_give_what_each_gives_alone():
    theta = np.sort(np.random.default_rng(3).normal(0, 8, 200))
    for study in (STUDIES[1], STUDIES[4]):
        together = crossover.log_integrated(study, model(), theta)
        alone = crossover.log_integrated(study, model(), theta[::40])
        np.testing.assert_allclose(together[::40], alone, atol=2e-11, rtol=1e-13)


def test_no_effects_give_no_values():
    assert crossover.log_integrated(STUDIES[1], model(), np.zeros(0)).shape == (0,)
    drawn = crossover.draw_given_theta(STUDIES[1], model(), np.zeros(0), np.random.default_rng(1))
    assert drawn["baseline"].shape == drawn["association"].shape == (0,)


def test_swapping_treatments_flips_the_effect():
    theta = np.linspace(-6, 6, 7)
    pairs = (
        (Paired("x", 3, 7, 2, 8, 1, 4, 2, 3), Paired("x", 3, 2, 7, 8, 2, 3, 1, 4)),
        (PairedMargins("x", 4, 11, 16), PairedMargins("x", 11, 4, 16)),
    )
    for one, other in pairs:
        np.testing.assert_allclose(
            crossover.log_integrated(one, model(), theta), crossover.log_integrated(other, model(), -theta), atol=1e-10
        )
    one, other = TwoArm("x", 3, 9, 1, 12), TwoArm("x", 1, 12, 3, 9)
    chosen = default_model("conditional", "OR", "random")
    np.testing.assert_allclose(
        conditional.log_integrated(one, chosen, theta), conditional.log_integrated(other, chosen, -theta), atol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("study", [STUDIES[0], STUDIES[2], STUDIES[4]], ids=lambda study: study.study)
@pytest.mark.parametrize("parametrisation", ["midpoint", "control"])
def test_draws_follow_the_integrand(study, parametrisation):
    chosen, theta = model(parametrisation), 1.3
    drawn = crossover.draw_given_theta(study, chosen, np.full(3000, theta), np.random.default_rng(4))
    g, lam = np.linspace(-25, 25, 1501), np.linspace(-12, 12, 481)
    h = g + theta / 2 if parametrisation == "control" else g
    cells = joint_cells(h[:, None], np.array(theta / 2), lam)
    trial = crossover.make_data((study,), "OR").trials[0]
    density = np.exp(trial.log_likelihood(cells, np.broadcast_to(lam, (len(g), len(lam)))))
    density *= (expit(g) * expit(-g))[:, None] * stats.norm(0, 1.5).pdf(lam)
    for name, x, axis in (("baseline", g, 1), ("association", lam, 0)):
        cumulative = np.cumsum(density.sum(axis=axis)) / density.sum()
        middle = x + (x[1] - x[0]) / 2
        test = stats.kstest(drawn[name], lambda q, m=middle, c=cumulative: np.interp(q, m, c))
        assert test.pvalue > 1e-4, name


def test_a_fixed_association_is_drawn_as_it_is():
    drawn = crossover.draw_given_theta(STUDIES[1], model(association="fixed(2)"), THETA, np.random.default_rng(1))
    assert np.array_equal(drawn["association"], np.full(len(THETA), 2.0))


def test_predictions_keep_the_margins_and_the_association():
    data = crossover.make_data((Paired("x", 200, 100, 100, 200, 5, 10, 5, 10),), "OR")
    shape, chosen = (4000, 1), model()
    draws = draws_of(np.full(shape, 1.0), np.full(shape, 0.2), np.full(shape, 2.0), data, chosen)
    seen = crossover.predict(draws, data, np.random.default_rng(8))
    for arm in ("t", "c"):
        mean = 610 * draws[f"p_{arm}"][0, 0]
        assert abs(seen[f"events_{arm}"].mean() - mean) < 4 * seen[f"events_{arm}"].std() / np.sqrt(4000)
    both = joint_cells(0.2, 0.5, 2.0)["both"]
    covariance = 600 * (both - draws["p_c"][0, 0] * draws["p_t"][0, 0])
    assert np.cov(seen["events_t"][:, 0], seen["events_c"][:, 0])[0, 1] == pytest.approx(covariance, rel=0.15)
    observed = crossover.observed(data)
    assert (observed["events_t"], observed["events_c"]) == (305, 305)


def test_a_large_table_centres_on_the_frequentist_marginal_odds_ratio():
    theta = np.linspace(0.3, 0.55, 51)
    curve = crossover.log_integrated(Paired("x", 20_000, 10_000, 5_000, 20_000), model(), theta)
    weights = np.exp(curve - curve.max())
    assert weights @ theta / weights.sum() == pytest.approx(logit(30 / 55) - logit(25 / 55), abs=1e-3)


def test_the_odds_ratio_within_patients_exceeds_the_marginal_one():
    data, chosen = crossover.make_data((Paired("x", 1, 1, 1, 1),), "OR"), model()
    draws = draws_of(np.full((1, 1), 1.0), np.zeros((1, 1)), np.array([[2.0]]), data, chosen)
    assert draws["log_or_within"][0, 0] > 1.2
    draws = draws_of(np.full((1, 1), 1.0), np.zeros((1, 1)), np.zeros((1, 1)), data, chosen)
    assert draws["log_or_within"][0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "study", [TwoArm("x", 0, 5, 0, 7), TwoArm("x", 5, 5, 7, 7), TwoArm("x", 0, 0, 3, 7), TwoArm("x", 2, 9, 0, 0)]
)
def test_one_possible_table_says_nothing(study):
    chosen = default_model("conditional", "OR", "random")
    assert np.array_equal(conditional.log_integrated(study, chosen, THETA), np.zeros(len(THETA)))
    data = conditional.make_data((study, TwoArm("y", 1, 5, 2, 5)), "OR")
    assert data.notes[0].endswith("empty arm: x")
    draws = {"theta": np.zeros((10, 2))}
    assert np.array_equal(conditional.log_likelihood(draws, data)[:, 0], np.zeros(10))
    assert np.array_equal(
        conditional.predict(draws, data, np.random.default_rng(1))["events_t"][:, 0], [study.events_t] * 10
    )


def test_a_trial_of_a_million_is_safe():
    study = TwoArm("x", 300_500, 1_000_000, 299_500, 1_000_000)
    found = conditional.log_integrated(study, default_model("conditional", "OR", "random"), np.linspace(-500, 500, 11))
    assert np.isfinite(found).all()
    assert found.argmax() == 5


@pytest.mark.parametrize("counts", [(300_500, 10**6, 299_500, 10**6), (3005, 10_000, 2895, 10_000), (0, 9, 4, 9)])
def test_the_sampler_sums_few_tables_to_the_same_likelihood(counts):
    study = TwoArm("x", *counts)
    data = conditional.make_data((study,), "OR")
    assert data.steps.shape[1] < 1000
    theta = np.array([-0.2, 0.0, 0.03, 0.1])
    found = -np.logaddexp.reduce(data.log_weights + theta[:, None] * data.steps, axis=1)
    exact = conditional.log_integrated(study, default_model("conditional", "OR", "random"), theta)
    seen = exact > -300
    assert seen.sum() >= 2
    np.testing.assert_allclose(found[seen], exact[seen], atol=1e-8)


@pytest.mark.parametrize(
    ("likelihood", "study", "message"),
    [
        ("crossover", TwoArm("x", 1, 2, 1, 2), "the crossover model needs paired tables or margins, not two-arm"),
        ("conditional", Paired("x", 1, 1, 1, 1), "the conditional model needs two-arm counts, not crossover"),
    ],
)
def test_data_of_another_kind_are_refused(likelihood, study, message):
    module = LIKELIHOODS[likelihood]
    with pytest.raises(InputError, match=message):
        module.make_data((study,), "OR")
    with pytest.raises(InputError, match=message):
        module.log_integrated(study, model(), THETA)


def test_margins_are_left_out_of_the_odds_ratio_within_patients():
    data = discordant.make_data((Paired("a", 1, 3, 0, 2), PairedMargins("b", 2, 1, 5), Paired("c", 2, 0, 0, 2)))
    assert data.notes == (
        "Left out of the OR within patients, known by margins only: b",
        "No discordant pair: c",
    )
    assert data.informative.tolist() == [True, False]
    with pytest.raises(InputError, match="cannot be known from margins"):
        discordant.make_data((PairedMargins("b", 2, 1, 5),))


def test_the_offset_is_for_trials_where_only_non_responders_crossed():
    assert discordant.offset(Paired("Leger", 0, 2, 0, 3, 2, 2, 2, 2, 4, 5)) == pytest.approx(np.log(5 / 4))
    assert discordant.offset(Paired("all crossed", 0, 2, 0, 7, 0, 0, 0, 0, 4, 5)) == 0
    assert discordant.offset(Paired("dropped out", 0, 2, 0, 3, 1, 2, 2, 2, 4, 5)) == 0
    assert discordant.offset(Paired("unknown", 0, 2, 0, 3, 2, 2, 2, 2)) == 0


def test_where_non_responders_cross_sequence_comes_first():
    """Léger 2001: 4 start on T and 5 on C, and only those it does not help have the other treatment too."""
    study = Paired("Léger 2001", 0, 2, 0, 3, 2, 2, 2, 2, started_t=4, started_c=5)
    data = crossover.make_data((study,), "OR")
    p_c, theta, association = 0.3, 1.2, 2.0
    odds = p_c / (1 - p_c) * np.exp(theta)
    p_t = odds / (1 + odds)
    n = 40_000
    draws = {name: np.full((n, 1), x) for name, x in (("p_c", p_c), ("p_t", p_t), ("theta", theta))}
    draws["association"] = np.full((n, 1), association)
    found = crossover.predict(draws, data, np.random.default_rng(6))

    h = (np.log(p_c / (1 - p_c)) + np.log(odds)) / 2
    cells = joint_cells(h, theta / 2, association)
    rng = np.random.default_rng(7)
    names = list(cells)
    slow = []
    for _ in range(4000):
        on_t = on_c = 0
        for start, patients in (("t", 4), ("c", 5)):
            for _ in range(patients):
                cell = names[rng.choice(4, p=[cells[name] for name in names])]
                helped_t, helped_c = cell in ("both", "t_only"), cell in ("both", "c_only")
                if start == "t":
                    on_t += helped_t
                    on_c += helped_c and not helped_t
                else:
                    on_c += helped_c
                    on_t += helped_t and not helped_c
        slow.append((on_t, on_c))
    slow = np.array(slow, float)
    assert found["events_t"].mean() == pytest.approx(slow[:, 0].mean(), abs=0.12)
    assert found["events_c"].mean() == pytest.approx(slow[:, 1].mean(), abs=0.12)
    together = np.corrcoef(found["events_t"][:, 0], found["events_c"][:, 0])[0, 1]
    assert together == pytest.approx(np.corrcoef(slow.T)[0, 1], abs=0.05)
    assert found["events_t"].max() <= 9
