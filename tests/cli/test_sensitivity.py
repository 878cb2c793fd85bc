"""The command sensitivity as a user types it."""

import csv
import json
import subprocess

import pytest


@pytest.fixture
def run(program, tmp_path):
    def call(*arguments):
        done = subprocess.run(
            [program, "sensitivity", *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=300
        )
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.mark.slow
def test_a_shipped_outcome(run, tmp_path):
    code, out, err = run("disability", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["schema"] == 1
    assert answer["p_is"] == "P(benefit)"
    assert len(answer["baselines"]) == 8
    found = {(row["baseline"], row["parametrisation"]): round(row["p"], 2) for row in answer["baselines"]}
    assert found[("beta(1, 1)", "control")] == 0.88
    assert found[("beta(1, 1)", "midpoint")] == 0.97
    assert found[("normal(0, 10)", "midpoint")] == 0.98
    assert len(answer["sentences"]) == 3
    assert answer["heterogeneity"]["overlap"] == pytest.approx(0.99, abs=0.005)
    folder = tmp_path / "results" / "mmn-2007" / "disability" / "sensitivity"
    assert json.loads((folder / "sensitivity.json").read_text()) == answer
    with (folder / "prior-grid.csv").open() as file:
        assert len(list(csv.DictReader(file))) >= 6 * 8 * 4
    names = {path.name for path in folder.iterdir()}
    for figure in ("baselines", "prior-grid", "power-scaling", "effects-given-tau"):
        assert {f"{figure}.svg", f"{figure}.png"} <= names


@pytest.mark.slow
def test_a_file_of_ones_own_with_double_zeros_and_an_empty_arm(run, tmp_path):
    rows = "study,events_t,n_t,events_c,n_c\nA,0,8,0,8\nB,3,9,0,9\nC,2,5,0,0\n"
    (tmp_path / "mine.csv").write_text(rows)
    code, out, err = run("mine.csv", "--benefit", "higher", "--no-figures")
    assert (code, err) == (0, "")
    assert "P(benefit)" in out
    assert "What each trial adds" in out
    folder = tmp_path / "results" / "user" / "mine" / "sensitivity"
    with (folder / "baseline-contributions.csv").open() as file:
        silent = [float(row["mu"]) for row in csv.DictReader(file) if row["study"] == "A"]
    assert max(abs(shift) for shift in silent) > 0.05  # a double zero is not uninformative
    assert not list(folder.glob("*.png"))


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("strength", "--model", "normal"), ("strength", "--model", "conditional")])
def test_models_without_a_baseline(run, arguments):
    code, out, err = run(*arguments, "--no-figures")
    assert (code, err) == (0, "")
    assert "no baseline risk" in out
    assert "Depends most on" in out


@pytest.mark.slow
def test_effects_without_a_direction(run, tmp_path):
    (tmp_path / "effects.csv").write_text("study,y,se\nA,0.5,0.2\nB,0.1,0.3\n")
    code, out, _ = run("effects.csv", "--mu", "normal(0, 5)", "--tau", "half-normal(1)", "--no-figures", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["p_is"] == "P(effect above 0)"
    assert any("--benefit" in note for note in answer["notes"])


@pytest.mark.slow
def test_a_single_trial_with_a_common_effect(run, tmp_path):
    (tmp_path / "one.csv").write_text("study,events_t,n_t,events_c,n_c\nA,5,8,1,8\n")
    code, _, err = run("one.csv", "--benefit", "higher")
    assert (code, err) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("all",), "one outcome"),
        (("nothing",), "nothing"),
        (("strength", "--benefit", "higher"), "--benefit"),
        (("strength", "--prob", "0.2"), "--prob"),
    ],
)
def test_bad_usage_is_one_sentence(run, arguments, said):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
