"""The command balance as a user types it."""

import csv
import json
import subprocess

import pytest


@pytest.fixture
def run(program, tmp_path):
    def call(*arguments):
        done = subprocess.run(
            [program, "balance", *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=300
        )
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.mark.slow
def test_the_shipped_review(run, tmp_path):
    code, out, err = run("--weight", "2", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert (answer["benefit"]["outcome"], answer["harm"]["outcome"]) == ("strength", "adverse-events")
    assert set(answer["net_benefit"]) == {"independent", "comonotone", "antimonotone"}
    assert answer["weight"] == 2
    folder = tmp_path / "results" / "mmn-2007" / "balance" / "strength-adverse-events"
    assert json.loads((folder / "balance.json").read_text()) == answer
    with (folder / "net-benefit.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(answer["curve"])
    assert {path.name for path in folder.iterdir()} >= {"balance.svg", "balance.png", "run.json"}


@pytest.mark.slow
def test_files_of_ones_own(run, tmp_path):
    (tmp_path / "good.csv").write_text("study,events_t,n_t,events_c,n_c\nA,6,9,2,9\n")
    (tmp_path / "bad.csv").write_text("study,events_t,n_t,events_c,n_c\nA,3,9,1,9\n")
    code, out, err = run("good.csv", "bad.csv", "--no-figures")
    assert (code, err) == (0, "")
    assert "No direction is known for good" in out.replace("\n", " ")
    assert "Net benefit" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--weight=-1",), "--weight"),
        (("strength", "strength"), "twice"),
        (("strength", "serious-adverse-events"), "no risks"),
        (("adverse-events", "strength"), "is a harm"),
        (("nonsense",), "nonsense"),
    ],
)
def test_bad_input(run, arguments, words):
    code, out, err = run(*arguments)
    assert code == 2
    assert words in err
    assert out == ""
    assert len(err.splitlines()) == 1
