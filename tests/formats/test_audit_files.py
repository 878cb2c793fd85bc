"""`audit` of RevMan 5 files and Cochrane data packages: their own results, with the P beside each."""

import json
import sys

import pytest
from review_files import package, rm5

from bayes_ivig import cli


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)

    def call(*arguments, **files):
        for name, data in files.items():
            (tmp_path / name.replace("__", ".")).write_bytes(data)
        monkeypatch.setattr(sys, "argv", ["bayes-ivig", "audit", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.mark.parametrize("name", ["review.rm5", "review.zip"])
def test_the_results_of_a_review_file_are_reproduced(run, name):
    code, out, _ = run(name, "--json", review__rm5=rm5(), review__zip=package())
    assert code == 0
    answer = json.loads(out)
    results = {p["id"]: p for outcome in answer["outcomes"] for p in outcome["published"]}
    assert results["1-1"]["reproduced"]
    assert any("Mantel-Haenszel OR" in method for method in results["1-1"]["methods"])
    assert ", P " in results["1-1"]["text"]
    usual = [key for key in results if key[:3] in ("1-1", "1-2", "1-3", "2-1", "2-2")]
    assert [key for key in usual if not results[key]["reproduced"]] == []
    wrong = {f["check"] for o in answer["outcomes"] for f in o["findings"]}
    assert not wrong & {"interval", "P and interval", "one-sided P", "direction"}


def test_one_outcome_of_several(run):
    code, out, _ = run("review.rm5#1.1", "--json", review__rm5=rm5())
    assert code == 0
    (outcome,) = json.loads(out)["outcomes"]
    assert [p["id"] for p in outcome["published"]] == ["1-1"]


def test_trials_of_a_workbook_or_review_file_with_other_results(run):
    published = b"id,measure,estimate,ci_low,ci_high\nours,OR,0.52,0.29,0.92\n"
    code, out, _ = run("review.rm5#1.1", "--published", "p.csv", "--json", review__rm5=rm5(), p__csv=published)
    assert code == 0
    (outcome,) = json.loads(out)["outcomes"]
    assert [p["id"] for p in outcome["published"]] == ["1-1", "ours"]


def test_a_file_without_results_asks_for_them(run):
    code, _, err = run("t.csv", t__csv=b"study;events_t;n_t;events_c;n_c\na;4;10;2;10\n")
    assert (code, "--published: give the file" in err) == (2, True)
