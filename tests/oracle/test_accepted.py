"""What stands in results/accepted is all of it, and a fast part of it comes out the same in every run."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from bayes_ivig.accepted import Artefact, Made, accept, fits, list_artefacts, load_accepted, make, plans, reproduce
from bayes_ivig.accepted.difference import compare_folders
from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.errors import CheckFailedError, InputError
from bayes_ivig.plan.assurance import run_plan
from bayes_ivig.reproduction import load_kind
from bayes_ivig.reviews import list_reviews, load_review
from bayes_ivig.sensitivity.baselines import compare_baselines
from bayes_ivig.sensitivity.bundle import policy_row
from bayes_ivig.sensitivity.comparison import compare_models
from bayes_ivig.sensitivity.leave_one_out import leave_one_out
from bayes_ivig.sensitivity.policies import compare_policies
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.store import csv_text, finite, json_text
from bayes_ivig.wording import with_interval

ROOT = Path(__file__).parents[2] / "results" / "accepted"
ARTEFACTS = {artefact.folder: artefact for artefact in list_artefacts()}
SAMPLED = ("engine", "checks")  # in fit.json, what the sampler adds


def exact_part(text: str) -> str:
    return json.dumps({key: value for key, value in json.loads(text).items() if key not in SAMPLED})


def test_everything_is_stored_and_nothing_else():
    assert set(load_accepted(ROOT)) == set(ARTEFACTS)


def test_every_outcome_and_kind_of_data_has_its_fit():
    outcomes = {artefact.arguments[:2] for artefact in ARTEFACTS.values() if artefact.kind == "fit"}
    assert len(outcomes) == 21
    assert sum("crossover" in a.folder for a in ARTEFACTS.values() if a.kind == "fit") == 12


def test_no_failed_fit_is_accepted():
    stored = [json.loads(files["fit.json"]) for files in load_accepted(ROOT).values() if "fit.json" in files]
    assert not [fit["outcome"] for fit in stored if fit["failed"] or not all(c["passed"] for c in fit["checks"])]


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", ["mmn-2007/disability/binomial-or-random", "mmn-2022/grip-decline/crossover-or-common"]
)
def test_exact_numbers_come_out_as_accepted(folder):
    stored = load_accepted(ROOT)[folder]
    made = fits.make(ARTEFACTS[folder], engine="quadrature").files
    names = ("fit.json", "studies.csv", "comparators.csv")
    before, after = ({name: files[name] for name in names} for files in (stored, made))
    for files in (before, after):
        files["fit.json"] = exact_part(files["fit.json"])
    assert compare_folders({folder: before}, {folder: after}) == ()


def test_verdicts_on_published_numbers_come_out_as_accepted():
    folder = "mmn-2007/audit"
    assert compare_folders({folder: load_accepted(ROOT)[folder]}, {folder: make(ARTEFACTS[folder]).files}) == ()


def test_every_binary_outcome_of_the_earlier_edition_has_its_sensitivity_and_disability_its_plans():
    outcomes = ("strength", "disability", "conduction-block", "adverse-events")
    asked = {a.folder for a in ARTEFACTS.values() if a.kind == "sensitivity"}
    assert asked == {f"mmn-2007/{o}/sensitivity-{m}" for o in outcomes for m in ("binomial", "crossover")}
    assert {a.folder for a in ARTEFACTS.values() if a.kind == "plan"} == {
        f"mmn-2007/disability/plan-{name}" for name in ("crossover", "parallel", "parallel-doubted", "parallel-sceptic")
    }


@pytest.mark.parametrize("review", list_reviews())
def test_the_report_of_an_edition_says_what_its_fits_say(review):
    stored = load_accepted(ROOT)
    text = stored[f"{review}/report"]["review.md"]
    fits_of = [
        json.loads(files["fit.json"])
        for folder, files in stored.items()
        if folder.startswith(f"{review}/") and folder.endswith("/binomial-or-random")
    ]
    assert len(fits_of) == 4
    for fit in fits_of:
        low, high = (math.exp(limit) for limit in fit["mu"]["ci"])
        assert f"OR {with_interval(math.exp(fit['mu']['median']), (low, high))}" in text
    assert "Provenance" not in text
    assert "CHECK FAILED" not in text


@pytest.mark.slow
def test_a_part_of_a_sensitivity_analysis_comes_out_as_accepted():
    evidence = load_kind(load_review("mmn-2007"), "strength", "two-arm")
    setting = Setting(evidence, choose_model(evidence, Choices()), 0.95)
    comparison = compare_models(setting)
    fresh = {
        "answer": setting.answer.to_json(),
        "baselines": compare_baselines(setting).to_rows(),
        "leave_one_out": [row.to_json() for row in leave_one_out(setting)],
        "comparison": comparison.to_json() if comparison else None,
        "policies": [policy_row(row) for row in compare_policies(evidence, setting.model, 0.95)],
    }
    folder = "mmn-2007/strength/sensitivity-binomial"
    stored = json.loads(load_accepted(ROOT)[folder]["sensitivity.json"])
    kept = {key: stored[key] for key in fresh}
    assert compare_folders({"": {"s.json": json_text(kept)}}, {"": {"s.json": json_text(finite(fresh))}}) == ()


@pytest.mark.slow
def test_a_size_of_a_plan_and_the_limit_come_out_as_accepted():
    folder = "mmn-2007/disability/plan-parallel"
    stored = load_accepted(ROOT)[folder]
    plan = run_plan(replace(plans.ask("plan-parallel"), sizes=(20,)))
    fresh = plans.accepted_json(plan) | {"sizes": json.loads(stored["plan.json"])["sizes"]}
    assert compare_folders({"": {"p.json": stored["plan.json"]}}, {"": {"p.json": json_text(fresh)}}) == ()
    first = "".join(stored["summary.csv"].splitlines(keepends=True)[: 1 + len(plans.simulated_rows(plan.rows))])
    again = csv_text(plans.simulated_rows(plan.rows))
    assert compare_folders({"": {"summary.csv": first}}, {"": {"summary.csv": again}}) == ()


def test_what_did_not_move_keeps_its_bytes(tmp_path):
    accept({"a": Made({"x.json": '{"y": 1.0}', "z.json": '{"y": 1.0}'})}, tmp_path / "accepted")
    accept({"a": Made({"x.json": '{"y": 1.0000000001}', "z.json": '{"y": 1.1}'})}, tmp_path / "accepted")
    assert load_accepted(tmp_path / "accepted") == {"a": {"x.json": '{"y": 1.0}', "z.json": '{"y": 1.1}'}}


def test_what_is_accepted_is_reproduced(tmp_path):
    made = {"a/b": Made({"fit.json": '{"mu": 1.0}'}), "a/c": Made({"x.csv": "study,y\nOne,2\n"})}
    accept(made, tmp_path / "accepted")
    assert reproduce(made, tmp_path / "accepted") == ()
    made["a/b"] = Made({"fit.json": '{"mu": 1.5}'})
    (moved,) = reproduce(made, tmp_path / "accepted")
    assert (moved.folder, moved.file, moved.where, moved.stored, moved.fresh) == ("a/b", "fit.json", "mu", 1.0, 1.5)


def test_a_failed_check_is_not_accepted(tmp_path):
    accept({"a": Made({"x.json": "{}"})}, tmp_path / "accepted")
    with pytest.raises(CheckFailedError, match=r"nothing is accepted.*b \(R-hat\)"):
        accept({"b": Made({"x.json": "{}"}, ("R-hat",))}, tmp_path / "accepted")
    assert set(load_accepted(tmp_path / "accepted")) == {"a"}


def test_nothing_stored_is_said(tmp_path):
    with pytest.raises(InputError, match="no accepted results there"):
        load_accepted(tmp_path)


def test_an_artefact_of_each_kind_is_listed():
    assert {artefact.kind for artefact in ARTEFACTS.values()} == {"sensitivity", "report", "plan", "fit", "audit"}
    assert all(isinstance(artefact, Artefact) for artefact in ARTEFACTS.values())
