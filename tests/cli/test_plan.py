"""plan, harms and fit --add as a user types them; every bad input is one sentence and exit code 2."""

import json
import sys

import pytest

from bayes_ivig import cli


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the program in an empty folder; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # main sets its own

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bayes-ivig", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


SMALL = ("--patients", "10,20", "--simulations", "200", "--model", "binomial")
CROSSED = "study,both,t_only,c_only,neither,margins_t,margins_c,n_pairs\n"


@pytest.mark.slow
def test_a_plan_is_printed_and_written(run, tmp_path):
    code, out, err = run("plan", "disability", *SMALL)
    assert (code, err) == (0, "")
    assert "Smallest size with 90% assurance: not reachable: an infinitely large trial has 0.874" in out
    assert "beta(1, 1), the model's own prior" in out
    assert "Monte-Carlo error" in out
    folder = tmp_path / "results/mmn-2007/disability/plan-parallel-binomial-or-random"
    assert {p.name for p in folder.iterdir()} == {"plan.json", "plan.csv", "run.json", "assurance.svg", "assurance.png"}


@pytest.mark.slow
def test_a_plan_as_json(run):
    code, out, err = run("plan", "disability", *SMALL, "--json", "--no-figures", "--true-effect", "3")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [row["patients"] for row in found["sizes"]] == [10, 20]
    assert found["design"]["true_effect"]["value"] == pytest.approx(1.0986, abs=1e-4)
    assert found["infinite"]["assurance"] in (0, 1)
    assert found["sizes"][0]["events_t"]["n"] == 5
    again = json.loads(run("plan", "disability", *SMALL, "--json", "--no-figures", "--true-effect", "3")[1])
    assert again["sizes"] == found["sizes"]


@pytest.mark.slow
def test_a_sceptic_expects_less(run):
    chances = []
    for truth in ("current", "sceptical(1.1)"):
        code, out, _ = run("plan", "disability", *SMALL, "--json", "--no-figures", "--true-effect", truth)
        assert code == 0
        chances.append(json.loads(out)["infinite"]["assurance"])
    assert chances[1] < chances[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--patients", "80:10:10"), "the range '80:10:10' is empty"),
        (("--patients", "ten"), "is not a range"),
        (("--patients", "1:5"), "1 is not allowed"),
        (("--control-risk", "1.2"), "1.2 is not a risk"),
        (("--control-risk", "0"), "0 is not a risk"),
        (("--design", "cluster"), "'cluster' is not allowed"),
        (("--true-effect", "-2"), "-2 is not a ratio"),
        (("--true-effect", "fixed(1)"), "as the OR or RR itself"),
        (("--true-effect", "maybe"), "--true-effect"),
        (("--threshold", "0.4"), "0.4 is not allowed"),
        (("--simulations", "5"), "5 is not allowed"),
        (("--workers", "0"), "0 is not allowed"),
        (("--mu", "fixed(0)"), "nothing to learn"),
        (("--design", "crossover", "--measure", "RR"), "--measure OR"),
        (("--design", "parallel", "--design-association", "normal(0, 1)"), "no association"),
        (("--benefit", "lower"), "has its direction already"),
        (("--seed", "-1"), "seed"),
    ],
)
def test_a_bad_question_is_one_sentence(run, arguments, sentence):
    code, out, err = run("plan", "disability", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("a,,,,,7,1,6\n", "7 exceeds the 6"),
        ("a,1,-2,0,3,,,\n", "negative"),
        ("a,1,2,0,3,9,1,6\n", ""),
    ],
)
@pytest.mark.parametrize("command", ["plan", "harms"])
def test_a_bad_table_is_one_sentence(run, tmp_path, command, rows, sentence):
    path = tmp_path / "trials.csv"
    path.write_text(CROSSED + rows, "utf-8")
    more = ("--benefit", "higher") if command == "plan" else ()
    code, out, err = run(command, str(path), *more)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_file_needs_a_direction(run, tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("study,events_t,n_t,events_c,n_c\na,5,9,2,9\nb,4,9,3,9\n", "utf-8")
    code, _, err = run("plan", str(path))
    assert code == 2
    assert "--benefit" in err
    assert run("plan", "grip-strength")[0] == 2
    assert run("plan", "all")[0] == 2


@pytest.mark.slow
def test_a_risk_above_1_fails_the_plan(run):
    code, out, err = run("plan", "disability", *SMALL, "--measure", "RR", "--control-risk", "0.7", "--no-figures")
    assert code == 3
    assert "CHECK FAILED" in out
    assert "P(treated risk above 1)" in err


@pytest.mark.slow
def test_harms_are_printed(run):
    code, out, err = run("harms", "serious-adverse-events")
    assert (code, err) == (0, "")
    assert "rule of three 8.82 per 100" in out
    code, out, _ = run("harms", "serious-adverse-events", "--review", "mmn-2022", "--json")
    assert code == 0
    assert [arm["events"] for arm in json.loads(out)["arms"]] == [1, 2]
    code, _, err = run("harms", "adverse-events", "--informative", "normal(0, 1)")
    assert code == 2
    assert "is not a beta" in err


@pytest.mark.slow
def test_a_fit_with_new_trials_stands_beside_the_earlier_one(run, tmp_path):
    path = tmp_path / "new_trials.csv"
    path.write_text("study,events_t,n_t,events_c,n_c\nNovak 2031,8,12,2,12\n", "utf-8")
    quick = ("--engine", "quadrature", "--no-figures")
    assert run("fit", "strength", *quick)[0] == 0
    code, out, err = run("fit", "strength", *quick, "--add", str(path))
    assert (code, err) == (0, "")
    assert "What moved with Novak 2031" in out
    folders = {p.name for p in (tmp_path / "results/mmn-2007/strength").iterdir()}
    assert folders == {"binomial-or-random", "binomial-or-random-with-new-trials"}
    code, out, _ = run("fit", "strength", *quick, "--add", str(path), "--json")
    assert json.loads(out)["moved"]["added"] == ["Novak 2031"]
    assert run("fit", "all", *quick, "--add", str(path))[0] == 2
