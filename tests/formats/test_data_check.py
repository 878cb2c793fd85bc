"""What `data check` says of a file, row by row; and the commands that take a file, as a user types them."""

import json
import sys
from pathlib import Path

import pytest
from review_files import REVIEW, package, rm5

from bayes_ivig import cli
from bayes_ivig.data_check import check_file, uninformative
from bayes_ivig.errors import InputError
from bayes_ivig.studies import Means, Paired, PairedMargins, SingleArm, TwoArm

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the program in an empty folder; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bayes-ivig", *arguments])
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # main sets its own
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return call


def checked(tmp_path, text, likelihood=None):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    (check,) = check_file(path, likelihood)
    return check


MIXED = "study;ai;n1i;ci;n2i;yi;vi\na;0;5;0;5;0,5;0,25\nb;1;5;0;5;1;1,5\nc;9;5;0;5;x;1\na;1;5;0;5;1;1\n;1;5;0;5;1;-1\n"


def test_every_row_is_reported_though_some_are_refused(tmp_path):
    check = checked(tmp_path, MIXED)
    assert [(row.place, row.study, row.status) for row in check.rows] == [
        ("line 2", "a", "uninformative"),
        ("line 3", "b", "used"),
        ("line 4", "c", "refused"),
        ("line 5", "a", "refused"),
        ("line 6", "", "refused"),
    ]
    assert (check.kind, check.likelihood, check.refused) == ("two-arm", "binomial", 3)
    assert check.rows[0].why.startswith("no events in either arm: kept without correction")
    assert check.rows[2].why == "column 'ai': 9 exceeds the 5 in column 'n1i'; correct one of the two"
    assert check.rows[3].why.startswith("column 'study': 'a' is on line 2 already")
    assert check.rows[4].why == "column 'study': the study has no name; give it one"
    assert [(c.name, c.read_as) for c in check.columns] == [
        ("study", "study"), ("ai", "events_t"), ("n1i", "n_t"), ("ci", "events_c"), ("n2i", "n_c"), ("yi", ""),
        ("vi", ""),
    ]  # fmt: skip
    assert check.columns[1].note == "another name of events_t (metafor)"
    assert check.columns[5].note == "extra column, kept and not used"
    assert "effect data are not" in check.notes[0]


def test_what_is_changed_is_said(tmp_path):
    check = checked(tmp_path, MIXED, "normal")
    assert [row.status for row in check.rows] == ["changed", "changed", "refused", "refused", "refused"]
    assert check.rows[0].why == "decimal comma read: 0,5 and 0,25; standard error 0.5, the root of the variance"
    assert check.rows[2].why == "column 'yi': 'x' is not a number; correct the cell"
    counts = checked(tmp_path, "study,events_t,n_t,events_c,n_c\na,0,5,1,5\nb,0,5,0,5\nc,1,5,2,5\n", "normal")
    assert [(row.status, row.why) for row in counts.rows] == [
        ("changed", "a cell is zero: 0.5 is added to all cells"),
        ("uninformative", "no events in either arm: 0.5 is added to all cells"),
        ("used", ""),
    ]


def test_mixed_decimal_signs_are_refused(tmp_path):
    check = checked(tmp_path, "study;y;se\na;0,5;0,1\nb;1.5;0,1\n")
    assert check.rows[1].why == (
        "column 'y': '1.5' has a point where other numbers of the file have a decimal comma; correct the cell"
    )


@pytest.mark.parametrize(
    ("study", "likelihood", "words"),
    [
        (TwoArm("a", 0, 5, 0, 6), "conditional", "no events in either arm: carries no information"),
        (TwoArm("a", 5, 5, 6, 6), "binomial", "only events in both arms: kept"),
        (TwoArm("a", 0, 0, 3, 6), "binomial", "an arm has no patients: kept, but it cannot compare"),
        (TwoArm("a", 0, 0, 3, 6), "normal", "an arm has no patients: left out of the effect"),
        (TwoArm("a", 0, 5, 1, 6), "binomial", ""),
        (Paired("a", 0, 0, 0, 0, 1, 2, 0, 0), "crossover", "no pairs"),
        (Paired("a", 1, 0, 0, 4), "crossover", "no discordant pair"),
        (Paired("a", 1, 1, 0, 4), "crossover", ""),
        (PairedMargins("a", 0, 0, 0), "crossover", "no pairs"),
        (SingleArm("a", 0, 0), "single-arm", "no patients"),
        (Means("a", 1, 1, 5, 1, 1, 5), "normal", ""),
    ],
)
def test_trials_that_tell_little(study, likelihood, words):
    said = uninformative(study, likelihood)
    assert said.startswith(words)
    assert bool(said) == bool(words)


def test_every_outcome_of_a_review_file_is_checked(tmp_path):
    path = tmp_path / "review.zip"
    path.write_bytes(package())
    checks = check_file(path)
    assert [check.source.number for check in checks] == [outcome["no"] for outcome in REVIEW]
    first = checks[0]
    assert [row.status for row in first.rows] == ["used", "used", "used", "left out"]
    assert first.counts == {"used": 3, "changed": 0, "uninformative": 0, "left out": 1, "refused": 0}
    (one,) = check_file(path, outcome="2.4")
    assert one.rows[0].why == "events and non-events exchanged, as in the review"
    assert one.rows[0].data == TwoArm("Adler 2001", 28, 40, 36, 41)


def test_columns_of_no_kind_are_a_refusal_too(tmp_path):
    check = checked(tmp_path, "study,event_t,n_t,events_c,n_c\na,1,5,0,5\nb,1,5,0,5\n")
    assert "column 'event_t' is unknown; did you mean 'events_t'?" in check.refusal
    assert (check.rows, check.refused) == ((), 2)


def test_the_command(run, tmp_path):
    (tmp_path / "bad.csv").write_text(MIXED)
    code, out, err = run("data", "check", "bad.csv")
    assert code == 2
    assert err == "bayes-ivig: bad.csv: 3 of 5 rows are refused; correct them as said above and check again\n"
    assert "two-arm data, read for the binomial model: 1 used, 1 uninformative, 3 refused" in out
    assert "REFUSED" in out
    code, out, err = run("data", "check", "bad.csv", "--json")
    assert code == 2
    assert json.loads(out)["outcomes"][0]["rows"][0]["data"]["n_t"] == 5
    code, out, err = run("data", "check", str(REFERENCE / "bcg.csv"), "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["outcomes"][0]["counts"]["used"] == 13
    code, out, err = run("data", "check", "none.csv")
    assert (code, out) == (2, "")
    assert err.startswith("bayes-ivig: none.csv: cannot be read (No such file or directory);")


def test_commands_take_files_of_every_format(run, tmp_path):
    (tmp_path / "review.rm5").write_bytes(rm5())
    (tmp_path / "one#two.zip").write_bytes(package(REVIEW[:1]))
    code, out, _ = run("pool", "review.rm5#1.1", "--json")
    pools = json.loads(out)
    assert (code, pools["outcome"], pools["published"][0]["reproduced"]) == (0, "1-1-relief-of-pain", True)
    code, out, _ = run("pool", "one#two.zip", "--json")
    assert (code, json.loads(out)["published"]) == (0, pools["published"])
    code, out, _ = run("data", "show", "review.rm5#1-3-strength")
    assert code == 0
    assert "Çelik 2010" in out
    for arguments in (("pool", "review.rm5"), ("data", "show", "review.rm5"), ("fit", "review.rm5")):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert "the file holds 8 outcomes; add # and one of these to its path: 1-1-relief-of-pain, 1-2" in err
    code, _, err = run("pool", "review.rm5#9")
    assert code == 2
    assert "there is no outcome '9'" in err


def test_a_review_file_with_a_refused_row_is_reported(tmp_path):
    path = tmp_path / "r.rm5"
    path.write_bytes(rm5(REVIEW[:1]).replace(b'EVENTS_1="12"', b'EVENTS_1="99"'))
    (check,) = check_file(path)
    assert check.refused == 1
    assert check.rows[0].why == "column 'events_t': 99 exceeds the 40 in column 'n_t'; correct one of the two"
    with pytest.raises(InputError, match="no outcome '3'"):
        check_file(path, outcome="3")
