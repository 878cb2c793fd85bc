"""What stands in results/accepted is all of it, and a fast part of it comes out the same in every run."""

import json
from pathlib import Path

import pytest

from bayes_ivig.accepted import Artefact, Made, accept, fits, list_artefacts, load_accepted, make, reproduce
from bayes_ivig.accepted.difference import compare_folders
from bayes_ivig.errors import CheckFailedError, InputError

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
    assert sum("crossover" in artefact.folder for artefact in ARTEFACTS.values()) == 12


def test_no_failed_fit_is_accepted():
    stored = [json.loads(files["fit.json"]) for files in load_accepted(ROOT).values() if "fit.json" in files]
    assert not [fit["outcome"] for fit in stored if fit["failed"] or not all(c["passed"] for c in fit["checks"])]


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
    assert {artefact.kind for artefact in ARTEFACTS.values()} == {"fit", "audit"}
    assert all(isinstance(artefact, Artefact) for artefact in ARTEFACTS.values())
