"""Choosing the model and bundling the answer; the engines themselves are tested in tests/oracle."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from bayes_ivig import engines, nuts
from bayes_ivig.choices import Choices, choose_likelihood, choose_model
from bayes_ivig.draws import Draws
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit import run_fit
from bayes_ivig.fit_json import comparators_json, to_json
from bayes_ivig.pooled import pool
from bayes_ivig.priors import parse_prior
from bayes_ivig.published import Published, reproduce
from bayes_ivig.quadrature.draws import draw_posterior
from bayes_ivig.store import json_text
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm

STRENGTH = (TwoArm("Azulay", 5, 5, 0, 5), TwoArm("Federico", 11, 16, 0, 16), TwoArm("Van den Berg", 5, 6, 1, 6))
EVIDENCE = Evidence("user", "strength", STRENGTH, benefit="higher")


def evidence(*studies, **options):
    return Evidence("user", "test", studies, **options)


def test_defaults_by_kind_of_data():
    assert choose_model(EVIDENCE, Choices()).name == "binomial-or-midpoint-random"
    assert choose_model(evidence(STRENGTH[0]), Choices()).name == "binomial-or-midpoint-common"
    assert choose_model(evidence(SingleArm("a", 1, 5), SingleArm("b", 0, 5)), Choices()).name == "single-arm-random"
    assert choose_model(evidence(Effect("a", 1, 1), measure="OR"), Choices()).name == "normal-or-common"
    means = evidence(Means("a", 1, 1, 5, 0, 1, 5))
    assert choose_model(means, Choices(measure="SMD")).name == "normal-smd-common"


def test_paired_data_choose_the_crossover_model():
    pairs = evidence(Paired("a", 0, 2, 0, 3), PairedMargins("b", 5, 1, 6))
    assert choose_model(pairs, Choices()).name == "crossover-midpoint-random"
    changed = choose_model(pairs, Choices(parametrisation="control", priors={"association": parse_prior("fixed(0)")}))
    assert (changed.name, changed.priors["association"].text) == ("crossover-control-random", "fixed(0)")
    assert choose_model(EVIDENCE, Choices(model="conditional")).name == "conditional-random"
    with pytest.raises(InputError, match="no baseline risk"):
        choose_model(EVIDENCE, Choices(model="conditional", parametrisation="control"))


def test_a_file_keeps_its_association_prior_when_flags_change_the_model(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'likelihood = "crossover"\nmeasure = "OR"\neffect = "random"\nparametrisation = "midpoint"\n[priors]\n'
        'mu = "normal(0, 1)"\ntau = "half-normal(1)"\nbaseline = "beta(2, 2)"\nassociation = "normal(1.5, 1)"\n'
    )
    pairs = evidence(Paired("a", 0, 2, 0, 3), PairedMargins("b", 5, 1, 6))
    changed = choose_model(pairs, Choices(model=str(path), effect="common"))
    assert changed.priors["association"].text == "normal(1.5, 1)"


def test_flags_choose_the_shipped_model():
    model = choose_model(EVIDENCE, Choices(measure="RR", parametrisation="control", effect="common"))
    assert model.name == "binomial-rr-control-common"
    assert {key: prior.text for key, prior in model.priors.items()} == {
        "mu": "normal(0, 2)",
        "baseline": "beta(1, 1)",
    }


def test_flags_override_a_model_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'likelihood = "binomial"\nmeasure = "OR"\neffect = "random"\nparametrisation = "midpoint"\n'
        '[priors]\nmu = "normal(0, 1)"\ntau = "half-normal(1)"\nbaseline = "beta(0.5, 0.5)"\n[sampler]\ndraws = 700\n'
    )
    file = choose_model(EVIDENCE, Choices(model=str(path)))
    assert (file.priors["mu"].text, file.sampler.draws) == ("normal(0, 1)", 700)
    tau = {"tau": parse_prior("half-normal(0.2)")}
    changed = choose_model(EVIDENCE, Choices(model=str(path), priors=tau, seed=5))
    assert (changed.priors["tau"].text, changed.priors["mu"].text) == ("half-normal(0.2)", "normal(0, 1)")
    assert (changed.sampler.seed, changed.sampler.draws) == (5, 700)
    common = choose_model(EVIDENCE, Choices(model=str(path), effect="common"))
    assert {key: prior.text for key, prior in common.priors.items()} == {
        "mu": "normal(0, 1)",
        "baseline": "beta(0.5, 0.5)",
    }
    # On another scale the file's effect priors mean something else; its baseline does not.
    other = choose_model(EVIDENCE, Choices(model=str(path), measure="RR"))
    assert (other.priors["mu"].text, other.priors["baseline"].text) == ("normal(0, 2)", "beta(0.5, 0.5)")
    assert choose_likelihood(str(path)) == "binomial"


def test_a_scale_without_natural_prior_asks_for_one():
    means = evidence(Means("a", 1, 1, 5, 0, 1, 5), Means("b", 1, 1, 5, 0, 1, 5))
    with pytest.raises(InputError, match="give --mu and --tau"):
        choose_model(means, Choices())
    priors = {"mu": parse_prior("normal(0, 10)"), "tau": parse_prior("half-normal(5)")}
    assert choose_model(means, Choices(priors=priors)).measure == "MD"
    shipped = replace(means, measure="MD", priors={"mu": "normal(0, 3)", "tau": "half-normal(2)"})
    assert choose_model(shipped, Choices()).priors["mu"].text == "normal(0, 3)"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (Choices(model="binomal"), "did you mean 'binomial'"),
        (Choices(measure="MD"), "choose OR or RR"),
        (Choices(effect="fixed"), "choose random or common"),
        (Choices(priors={"tau": parse_prior("half-normal(1)")}, effect="common"), "no such parameter"),
        (Choices(draws=5), "give a whole number from 100"),
    ],
)
def test_impossible_choices_are_refused(choices, message):
    with pytest.raises(InputError, match=message):
        choose_model(EVIDENCE, choices)


@pytest.fixture
def sampled(monkeypatch):
    """A sampler that returns independent draws of the exact posterior at once, and notes how it was asked.

    In the first `bad` calls the chains disagree; in the first `off` calls every chain is shifted by 0.3.
    """
    calls: list[dict] = []

    def use(bad: int = 0, off: int = 0):
        def compile_model(studies, model):
            return studies, model

        def sample(ready, *, target_accept, draws):
            calls.append({"target_accept": target_accept, "draws": draws})
            studies, model = ready
            rng = np.random.default_rng([7, len(calls)])
            exact = engines.run_quadrature(evidence(*studies), model)
            posterior = {
                name: x.reshape(4, -1, *x.shape[2:])
                for name, x in draw_posterior(exact, studies, model, rng, 2000).items()
            }
            if len(calls) <= bad:
                posterior["mu"] = posterior["mu"] + np.arange(4)[:, None]
            if len(calls) <= off:
                posterior["mu"] = posterior["mu"] + 0.3
            stats = {"diverging": np.zeros((4, 500), bool), "energy": rng.normal(size=(4, 500))}
            return Draws({"posterior": posterior, "sample_stats": stats}, tuple(s.study for s in studies))

        monkeypatch.setattr(nuts, "compile_model", compile_model)
        monkeypatch.setattr(nuts, "sample", sample)
        return calls

    return use


def run(**options):
    return run_fit(EVIDENCE, choose_model(EVIDENCE, Choices()), **options)


@pytest.fixture(scope="module")
def exact():
    return run(engine="quadrature")


@pytest.mark.slow
def test_json_holds_the_contract(sampled):
    sampled()
    result = run(control_risk=parse_prior("fixed(0.1)"))
    answer = json.loads(json_text(to_json(result)))
    assert answer["schema"] == 1
    keys = "review outcome kind model measure effect parametrisation engine n_studies n_participants priors mu tau"
    keys += (
        " theta_new studies effects p_benefit p_benefit_new p_harm log_evidence comparators checks engines provenance"
    )
    assert set(keys.split()) <= set(answer)
    assert set(answer["mu"]) == {"mean", "sd", "median", "ci", "prob", "p_gt_0"}
    assert answer["priors"] == {"mu": "normal(0, 2.82)", "tau": "half-normal(0.5)", "baseline": "beta(1, 1)"}
    assert [study["study"] for study in answer["studies"]] == ["Azulay", "Federico", "Van den Berg"]
    assert set(answer["effects"]["at_control_risk"]) == {"control_risk", "average_trial", "next_trial"}
    assert answer["effects"]["in_trials"]["NNT"]["p_no_benefit"] == 0
    assert set(answer["provenance"]) >= {"version", "seed", "data_sha256", "packages"}
    assert answer["p_harm"] is None
    assert answer["failed"] is False
    assert answer["engine"] == "both"
    engine = answer["engines"]
    assert set(engine) == {"nuts", "quadrature", "agreement"}
    assert {key: answer[key] for key in ("mu", "tau", "theta_new")} == {
        key: engine["quadrature"][key] for key in ("mu", "tau", "theta_new")
    }
    assert engine["nuts"]["mu"]["mean"] == pytest.approx(answer["mu"]["mean"], abs=0.2)
    assert engine["nuts"]["mu"] != engine["quadrature"]["mu"]
    assert engine["quadrature"]["error"] < 1e-7
    # mu, tau, theta_new and three studies: mean, SD and both limits of each
    assert (engine["agreement"]["n_compared"], engine["agreement"]["passed"]) == (24, True)
    names = [check["name"] for check in answer["checks"]]
    assert "quadrature error estimate, in posterior SDs" in names
    assert "sampler against exact engine, largest deviation in MCSE" in names


@pytest.mark.slow
def test_each_engine_alone_says_what_the_other_did_not(sampled, exact):
    calls = sampled()
    answer = to_json(exact)
    assert calls == []
    assert (answer["engine"], answer["engines"]["nuts"], answer["engines"]["agreement"]) == ("quadrature", None, None)
    assert math.isfinite(answer["log_evidence"])
    assert [check["name"] for check in answer["checks"]] == ["quadrature error estimate, in posterior SDs"]
    assert exact.draws.independent
    assert exact.draws["posterior"]["mu"].shape == (1, 4000)
    answer = to_json(run(engine="nuts"))
    assert (answer["engine"], answer["engines"]["quadrature"], answer["engines"]["agreement"]) == ("nuts", None, None)
    assert answer["log_evidence"] is None
    assert answer["mu"] == answer["engines"]["nuts"]["mu"]


@pytest.mark.slow
def test_the_exact_answer_comes_first(sampled):
    sampled()
    said = []
    run(say=said.append)
    assert said[0].startswith("mu ")
    assert said[0].endswith("by quadrature")
    assert "Sampling" in said[1:]


def test_probability_of_benefit_follows_the_direction(exact):
    result = exact
    assert result.p_benefit == result.mu.p_gt_0
    lower = replace(result, evidence=replace(EVIDENCE, benefit="lower"))
    assert lower.p_benefit == pytest.approx(1 - result.mu.p_gt_0)
    unknown = replace(result, evidence=replace(EVIDENCE, benefit=None))
    assert (unknown.p_benefit, unknown.p_harm) == (None, None)
    harm = replace(result, evidence=replace(EVIDENCE, benefit="lower", role="harm"))
    assert (harm.p_benefit, harm.p_harm) == (None, result.mu.p_gt_0)


@pytest.mark.slow
def test_a_failing_run_is_repeated_once_and_says_so(sampled):
    calls = sampled(bad=1)
    result = run(engine="nuts")
    assert [call["target_accept"] for call in calls] == [0.95, engines.RETRY_TARGET_ACCEPT]
    assert calls[1]["draws"] == 2 * calls[0]["draws"]
    assert result.failed == ()
    assert any("repeated once" in note for note in result.notes)


@pytest.mark.slow
def test_a_run_that_fails_twice_is_labelled(sampled):
    calls = sampled(bad=2)
    result = run(engine="nuts")
    assert len(calls) == 2
    assert "R-hat, largest" in [check.name for check in result.failed]
    assert to_json(result)["failed"] is True


@pytest.mark.slow
def test_engines_that_differ_are_compared_once_more_with_four_times_the_draws(sampled):
    calls = sampled(off=1)
    result = run()
    assert [call["draws"] for call in calls] == [2000, 8000]
    assert result.failed == ()
    assert any("The engines differed by" in note and "mu" in note for note in result.notes)


@pytest.mark.slow
def test_engines_that_still_differ_fail_the_fit(sampled):
    calls = sampled(off=3)
    result = run()
    assert len(calls) == 2
    assert [check.name for check in result.failed] == ["sampler against exact engine, largest deviation in MCSE"]
    answer = to_json(result)
    assert answer["failed"] is True
    assert answer["engines"]["agreement"]["passed"] is False
    assert answer["engines"]["agreement"]["worst"].endswith("of mu")


@pytest.mark.slow
def test_an_exact_engine_that_does_not_settle_fails_the_fit(monkeypatch):
    settled = engines.run_quadrature
    monkeypatch.setattr(
        "bayes_ivig.fit.run_quadrature", lambda evidence, model: replace(settled(evidence, model), movement=1e-3)
    )
    assert [check.name for check in run(engine="quadrature").failed] == ["quadrature error estimate, in posterior SDs"]


@pytest.mark.slow
def test_a_mean_that_does_not_exist_is_null_and_said():
    priors = {"mu": parse_prior("cauchy(0, 1)")}
    no_data = evidence(TwoArm("a", 0, 0, 0, 0), TwoArm("b", 0, 0, 0, 0))
    result = run_fit(no_data, choose_model(no_data, Choices(priors=priors)), engine="quadrature")
    answer = json.loads(json_text(to_json(result)))
    assert (answer["mu"]["mean"], answer["mu"]["sd"]) == (None, None)
    assert answer["mu"]["ci"] == pytest.approx([-12.7062047, 12.7062047])
    assert any("tails too heavy" in note for note in answer["notes"])


@pytest.mark.slow
def test_a_published_result_that_is_not_reproduced_fails_the_check():
    wrong = Published("x", "strength", "RR", "reproduced", "12.00", ("2.86", "42.25"))
    finding = Published("y", "strength", "RR", "irreproducible", "12.00", ("2.86", "42.25"), reason="invented")
    failed = run(engine="quadrature", published=(reproduce(wrong, STRENGTH),)).failed
    assert [check.name for check in failed] == ["published results not reproduced"]
    assert run(engine="quadrature", published=(reproduce(finding, STRENGTH),)).failed == ()


@pytest.mark.slow
def test_truncated_risk_ratios_fail_the_run():
    model = choose_model(EVIDENCE, Choices(measure="RR"))
    result = run_fit(EVIDENCE, model, engine="quadrature", control_risk=parse_prior("fixed(0.9)"))
    assert [check.name for check in result.failed] == ["P(treated risk above 1)"]


def test_control_risk_needs_a_ratio():
    effects = evidence(Effect("a", 1, 1), Effect("b", 1, 1), Effect("c", 1, 1))
    priors = {"mu": parse_prior("normal(0, 1)"), "tau": parse_prior("half-normal(1)")}
    with pytest.raises(InputError, match="implies no risk"):
        run_fit(effects, choose_model(effects, Choices(priors=priors)), control_risk=parse_prior("fixed(0.1)"))


def test_comparators_are_marked_by_what_they_reproduce():
    published = Published("1.2", "strength", "RR", "reproduced", "11.00", ("2.86", "42.25"))
    rows = comparators_json(pool(STRENGTH), (reproduce(published, STRENGTH),))
    marked = {(row["method"], row["measure"], row["correction"]): row["reproduces_published"] for row in rows}
    assert marked["Mantel-Haenszel", "RR", "revman"] is True
    assert marked["Mantel-Haenszel", "RR", "none"] is False
    assert marked["Mantel-Haenszel", "OR", "revman"] is None


@pytest.mark.slow
def test_a_crossover_fit_says_what_it_rests_on_and_weighs_patients_once():
    pairs = evidence(
        Paired("a", 0, 0, 0, 5),
        Paired("b", 0, 2, 0, 3, 2, 2, 2, 2, 4, 5),
        PairedMargins("c", 5, 1, 6),
        benefit="higher",
    )
    result = run_fit(pairs, choose_model(pairs, Choices()), engine="quadrature")
    risks = result.draws["posterior"]["p_c"].reshape(-1, 3)
    np.testing.assert_allclose(result.in_trials.p_c, risks @ np.array([5, 9, 6]) / 20)
    notes = " ".join(result.notes)
    assert "marginal OR" in notes
    assert "normal(0, 1.5) on the log odds ratio within patients" in notes
    assert "Known by margins only, summed over every table that has them: c" in notes
    assert "carry-over effect: b" in notes


def test_a_conditional_fit_has_no_risks_and_names_the_trials_it_cannot_use():
    studies = evidence(TwoArm("a", 0, 5, 0, 5), STRENGTH[1], STRENGTH[2], benefit="higher")
    result = run_fit(studies, choose_model(studies, Choices(model="conditional")), engine="quadrature")
    assert result.in_trials is None
    assert any(note.endswith("empty arm: a") for note in result.notes)
