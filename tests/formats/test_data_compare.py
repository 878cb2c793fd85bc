"""Two extractions of the same trials: every difference, and what each alone does to the pooled result."""

import json
import math
import sys
from pathlib import Path

import pytest
from review_files import REVIEW, excel, package, rm5

from bayes_ivig import cli
from bayes_ivig.data_compare import WHOLE, compare_files
from bayes_ivig.errors import InputError
from bayes_ivig.formats import load_file
from bayes_ivig.pooled import pool
from bayes_ivig.studies import TwoArm

A = "study,events_t,n_t,events_c,n_c,year\nLéger 2001,4,20,1,21,2001\nBauer,7,30,3,31,1999\nCole,2,15,2,14,2003\n"


@pytest.fixture
def compare(tmp_path):
    def call(a, b, *more, names=("a.csv", "b.csv")):
        paths = []
        for name, data in zip(names, (a, b), strict=True):
            paths.append(tmp_path / name)
            paths[-1].write_bytes(data if isinstance(data, bytes) else data.encode())
        return compare_files(str(paths[0]), str(paths[1]), *more)

    return call


def first_or(studies):
    """Mantel-Haenszel's log odds ratio, plainly: no table here has a zero."""
    r = s = 0.0
    for t in studies:
        n = t.n_t + t.n_c
        r += t.events_t * (t.n_c - t.events_c) / n
        s += (t.n_t - t.events_t) * t.events_c / n
    return math.log(r / s)


def test_files_that_agree(compare):
    other = A.replace("Léger 2001", " LÉGER   2001").replace(",4,", ",4.0,")
    comparison = compare(A, other)
    assert comparison.differences == ()
    assert comparison.pooled_a == comparison.pooled_b


def test_the_same_numbers_under_other_names_and_in_another_format_agree(compare):
    rows = [line.split(",") for line in A.replace("events_t,n_t,events_c,n_c", "ai,n1i,ci,n2i").splitlines()]
    typed = [rows[0], *([name, *map(int, numbers)] for name, *numbers in rows[1:])]
    assert compare(A, excel({"S": typed}), names=("a.csv", "b.xlsx")).differences == ()
    assert compare("study,y,se\na,1,0.3\n", "study;yi;vi\nA;1;0,09\n").differences == ()
    assert compare(rm5(REVIEW[:1]), package(REVIEW[:1]), names=("a.rm5", "b.zip")).differences == ()


def test_each_difference_and_what_it_does(compare):
    b = (
        "study,events_t,n_t,events_c,n_c,year,who\n"
        "Bauer,17,30,3,31,1999,x\nleger,1,1,1,1,1,x\nCole,2,15,2,15,2004,x\nLÉGER  2001,4,20,1,21,2001,x\n"
    )
    comparison = compare(A, b)
    trials = [TwoArm("Léger 2001", 4, 20, 1, 21), TwoArm("Bauer", 7, 30, 3, 31), TwoArm("Cole", 2, 15, 2, 14)]
    before = first_or(trials)
    assert comparison.pooled_a.estimate == pytest.approx(before, abs=1e-12)
    assert comparison.pooled_a.label == "Mantel-Haenszel OR, 0.5 in tables with a zero as RevMan"
    found = [(d.study, d.column, d.a, d.b) for d in comparison.differences]
    assert found == [
        ("Bauer", "events_t", "7", "17"),
        ("Cole", "n_c", "14", "15"),
        ("leger", WHOLE, "missing", "present"),
        ("Cole", "year", "2003", "2004"),
    ]
    big, small, _, unused = comparison.differences
    assert big.change == pytest.approx(first_or([trials[0], TwoArm("Bauer", 17, 30, 3, 31), trials[2]]) - before)
    assert small.change == pytest.approx(first_or([*trials[:2], TwoArm("Cole", 2, 15, 2, 15)]) - before)
    assert (big.place_a, big.place_b) == ("line 3", "line 2")
    assert (unused.change, unused.after) == (None, None)
    assert [abs(d.change) for d in comparison.differences[:3]] == sorted(
        (abs(d.change) for d in comparison.differences[:3]), reverse=True
    )
    assert comparison.only_in_b == ("leger",)
    assert comparison.notes == ("Only b.csv has the columns who; no model uses them.",)


def test_a_trial_that_b_lacks_is_taken_out(compare):
    comparison = compare(A, "\n".join(A.splitlines()[:3]))
    (difference,) = comparison.differences
    assert (difference.study, difference.column, difference.a, difference.b) == ("Cole", WHOLE, "present", "missing")
    assert difference.after == comparison.pooled_b
    assert comparison.only_in_a == ("Cole",)


def test_a_cell_that_cannot_stand_alone_brings_its_trial(compare):
    comparison = compare(A, A.replace("Cole,2,15", "Cole,16,25"))
    events, n = sorted(comparison.differences, key=lambda d: d.column)
    assert (events.column, n.column) == ("events_t", "n_t")
    assert events.note == "with its whole trial, which it contradicts alone"
    assert n.note == ""
    assert events.after == comparison.pooled_b


def test_an_estimate_that_vanishes_ranks_first(compare):
    comparison = compare("study,y,se\na,1,0.3\n", "study,y,se\nb,1,0.3\n")
    assert [(d.study, d.b) for d in comparison.differences] == [("a", "missing"), ("b", "present")]
    assert comparison.differences[0].change == math.inf
    assert comparison.differences[0].note == "the estimate then does not exist"


def test_full_tables_against_margins(compare):
    comparison = compare(
        "study,both,t_only,c_only,neither\na,1,4,1,3\nb,2,3,1,4\n",
        "study,both,t_only,c_only,neither,margins_t,margins_c,n_pairs\na,,,,,5,2,9\nb,2,3,1,4,,,\n",
    )
    (difference,) = comparison.differences
    assert (difference.column, difference.b) == (WHOLE, "margins_t 5, margins_c 2, n_pairs 9")


@pytest.mark.parametrize(
    ("a", "b", "more", "words"),
    [
        (A, "study,y,se\na,1,1\n", (), "a.csv holds two-arm data, b.csv effect data; give two files of one kind"),
        (A, A.replace("Cole", "bauer"), (), "b.csv: 'Bauer' and 'bauer' differ in capitals or spaces only; give"),
        (A, A.replace("7,30", "7,3x"), (), "b.csv, line 3 (Bauer), column 'n_t': '3x' is not a number"),
        (A, A, (None, "MD"), "--measure: no pooled MD of these trials exists; give one of RR, OR, RD"),
    ],
)
def test_what_cannot_be_compared(compare, a, b, more, words):
    with pytest.raises(InputError) as refusal:
        compare(a, b, *more)
    assert words in str(refusal.value)


def test_the_measure_decides(compare):
    b = A.replace("Bauer,7", "Bauer,9")
    assert compare(A, b, None, "RR").pooled_a.measure == "RR"
    assert compare(rm5(REVIEW[2:3]), package(REVIEW[2:3]), names=("a.rm5", "b.zip")).pooled_a.measure == "MD"


def test_the_command(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    Path("a.csv").write_text(A, "utf-8")
    Path("b.csv").write_text(A.replace("Bauer,7", "Bauer,9"), "utf-8")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bayes-ivig", "data", "compare", *arguments])
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, capsys.readouterr().out

    code, out = run("a.csv", "b.csv")
    assert code == 0
    assert "7 (line 3)" in out
    code, out = run("a.csv", "b.csv", "--json")
    (difference,) = json.loads(out)["differences"]
    assert (difference["rank"], difference["a"], difference["b"], difference["used"]) == (1, "7", "9", True)
    expected = pool(load_file(Path("b.csv")).studies)
    same = next(e for e in expected if e.label == json.loads(out)["method"])
    assert difference["estimate"] == pytest.approx(same.natural()[0])
    code, out = run("a.csv", "a.csv")
    assert "agree in every cell" in out
