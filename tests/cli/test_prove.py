"""reproduce and calibrate as commands: what they refuse, and what they print."""

import subprocess
from pathlib import Path

import pytest

from bayes_ivig import accepted
from bayes_ivig.accepted import Made, Moved
from bayes_ivig.cli.prove import reproduce
from bayes_ivig.errors import CheckFailedError
from bayes_ivig.present import console
from bayes_ivig.present_accepted import moved_view


def run(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["reproduce"], "no accepted results there; run this in a clone"),
        (["reproduce", "--jobs", "0"], "--jobs: 0 is not allowed"),
        (["calibrate", "--nuts-replicates", "0"], "--nuts-replicates: 0 is not allowed"),
    ],
)
def test_bad_usage_is_one_sentence(program, tmp_path, arguments, sentence):
    done = run(program, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_difference_is_a_table_and_a_failure(tmp_path, monkeypatch, capsys):
    made = {"a": Made({"fit.json": '{"mu": 1.5}'})}
    monkeypatch.setattr(accepted, "list_artefacts", lambda: ())
    monkeypatch.setattr(accepted, "make_all", lambda artefacts, jobs, say: made)
    root = tmp_path / "accepted"
    reproduce(accept=True, results=root, jobs=1)
    reproduce(accept=False, results=root, jobs=1)
    assert "no difference" in capsys.readouterr().out
    (root / "a" / "fit.json").write_text('{"mu": 1.25}')
    with pytest.raises(CheckFailedError, match="1 values differ"):
        reproduce(accept=False, results=root, jobs=1)
    shown = capsys.readouterr().out
    assert "1.25" in shown
    assert "1.5" in shown
    reproduce(accept=True, results=root, jobs=1)
    assert (root / "a" / "fit.json").read_text() == '{"mu": 1.5}'


def test_a_failed_check_fails_even_where_nothing_moved(tmp_path, monkeypatch):
    made = {"a": Made({"fit.json": "{}"})}
    accepted.accept(made, tmp_path / "accepted")
    monkeypatch.setattr(accepted, "list_artefacts", lambda: ())
    monkeypatch.setattr(accepted, "make_all", lambda *_: {"a": Made({"fit.json": "{}"}, ("R-hat, largest",))})
    with pytest.raises(CheckFailedError, match="a check failed in a"):
        reproduce(accept=False, results=tmp_path / "accepted", jobs=1)


def test_a_long_table_is_cut(capsys):
    console().print(moved_view([Moved("f", "fit.json", f"mu{i}", 1.0, 2.0, "1.0e+00") for i in range(70)], 3))
    assert "and 10 more" in capsys.readouterr().out
