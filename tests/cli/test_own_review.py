"""docs/your-own-review.md: its files are written and its commands run, in the order of the page."""

import re
import sys
from pathlib import Path

import pytest

from bayes_ivig import cli

PAGE = Path(__file__).parents[2] / "docs" / "your-own-review.md"
BLOCK = re.compile(r"```(csv|sh)\n(.*?)```", re.DOTALL)
# What the page says each command does: exit code, and words of standard output or error.
PROMISES = [
    ("data check trials.csv", 0, "3 used"),
    ("data check second.csv", 2, "column 'Study' is unknown; did you mean 'study'?"),
    ("data compare trials.csv second.csv", 0, "1 difference"),
    ("pool trials.csv", 0, "Mantel-Haenszel"),
]
FIT = "fit trials.csv --benefit higher --no-figures"


def run(arguments, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bayes-ivig", *arguments.split()])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    with pytest.raises(SystemExit) as end:
        cli.main()
    captured = capsys.readouterr()
    return end.value.code or 0, captured.out + captured.err


def steps():
    """(kind, text) of every block: a file to write, or a command without its program."""
    return [
        (kind, text if kind == "csv" else text.strip().removeprefix("bayes-ivig "))
        for kind, text in BLOCK.findall(PAGE.read_text("utf-8"))
    ]


def test_the_commands_of_the_page_do_what_it_says(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    promises = iter(PROMISES)
    for kind, text in steps():
        if kind == "csv":
            Path("trials.csv" if ";" in text else "second.csv").write_text(text, "utf-8")
        elif text != FIT:
            arguments, code, words = next(promises)
            assert text == arguments
            found, said = run(arguments, capsys, monkeypatch)
            assert (found, words in said) == (code, True), said
    assert next(promises, None) is None


@pytest.mark.slow
def test_the_fit_of_the_page(tmp_path, capsys, monkeypatch):
    assert ("sh", FIT) in steps()
    monkeypatch.chdir(tmp_path)
    Path("trials.csv").write_text(next(text for kind, text in steps() if kind == "csv"), "utf-8")
    code, said = run(FIT, capsys, monkeypatch)
    assert code == 0, said
    assert (tmp_path / "results/user/trials/binomial-or-random/fit.json").is_file()


def test_the_trials_of_the_page_are_those_shipped():
    from bayes_ivig.evidence import parse_studies
    from bayes_ivig.reviews import load_evidence, load_review

    shipped = load_evidence(load_review("mmn-2007"), "strength", "binomial").studies
    table = next(text for kind, text in steps() if kind == "csv")
    studies, _, _ = parse_studies(table.encode(), "trials.csv")
    of = [(s.events_t, s.n_t, s.events_c, s.n_c) for s in studies]
    assert sorted(of) == sorted((s.events_t, s.n_t, s.events_c, s.n_c) for s in shipped)
