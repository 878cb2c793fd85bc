"""`bayes-ivig audit` as a user types it."""

import json
import sys

import pytest

from bayes_ivig import cli

TRIALS = "study,events_t,n_t,events_c,n_c\na,4,10,2,10\nb,6,20,3,20\n"
SIZES = "study,n_t,n_c\nazulay,5,5\nfederico,16,16\nberg,6,6\n"
STRENGTH = "id,measure,estimate,ci_low,ci_high,arm\n1.2,RR,11.00,2.86,42.25,\nt,percent,78,,,t\nc,percent,4,,,c\n"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the program in an empty folder; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # main sets its own

    def call(*arguments, **files):
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text, "utf-8")
        monkeypatch.setattr(sys, "argv", ["bayes-ivig", "audit", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_help_names_the_columns(run):
    code, out, _ = run("--help")
    assert code == 0
    for word in ("--published", "--enumerate", "--json", "ci_low", "spread_t", "same_as", "per-100"):
        assert word in out


def test_both_reviews_by_default(run):
    code, out, err = run("--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert [a["review"] for a in answer["audits"]] == ["mmn-2007", "mmn-2022"]
    assert all(a["failed"] == [] for a in answer["audits"])


def test_a_review_as_a_table(run):
    code, out, _ = run("mmn-2022")
    assert code == 0
    text = " ".join(out.split())
    for words in (
        "RR 11.00 (2.86 to 42.25)",
        "Consistent would be: without it, RR 21.0 (3.05 to 144) by Mantel-Haenszel.",
        "one is compatible, (0, 5, 0, 1) against (0, 0, 0, 0) events, by Mantel-Haenszel RR, 0.5 in tables with a zero",
        "Across outcomes",
        "published results",
    ):
        assert words in text


def test_a_users_file(run):
    published = "id,measure,estimate,ci_low,ci_high,p\nmain,RR,0.50,0.19,1.29,0.150\n"
    code, out, _ = run("trials.csv", "--published", "p.csv", "--json", trials__csv=TRIALS, p__csv=published)
    assert code == 0
    answer = json.loads(out)
    assert answer["schema"] == 1
    (outcome,) = answer["outcomes"]
    assert outcome["published"][0]["reproduced"] is False
    assert [f["check"] for f in outcome["findings"]] == ["direction"]
    code, out, _ = run("trials.csv", "--published", "p.csv")
    assert code == 0
    assert "RR 0.50 (0.19 to 1.29), P = 0.150 is control over treatment" in " ".join(out.split())


def test_only_a_result_that_was_expected_to_be_reproduced_is_a_failure(run):
    published = "id,measure,estimate,expected\nmain,RR,9.99,{}\n"
    for expected, wanted in (("", 0), ("irreproducible", 0), ("reproduced", 3)):
        code, out, err = run(
            "t.csv", "--published", "p.csv", "--json", t__csv=TRIALS, p__csv=published.format(expected)
        )
        assert code == wanted
        assert json.loads(out)["n_published"] == 1
        assert ("expected to be reproduced, and not: main" in err) == (wanted == 3)


def test_unknown_counts_are_searched_for(run):
    code, out, _ = run("sizes.csv", "--published", "p.csv", sizes__csv=SIZES, p__csv=STRENGTH)
    assert code == 0
    text = " ".join(out.split())
    assert "81 sets of tables of the sizes azulay 5, federico 16, berg 6 tried against 1.2, t, c" in text
    assert (
        "one is compatible, (5, 11, 5) against (0, 0, 1) events, by Mantel-Haenszel RR, 0.5 in tables with a zero"
        in text
    )
    assert "RR 21.0 (3.05 to 144)" in text  # and the tables found are audited


def test_a_search_without_a_unique_answer_audits_nothing(run):
    code, out, _ = run(
        "sizes.csv",
        "--published",
        "p.csv",
        "--json",
        sizes__csv=SIZES,
        p__csv="id,measure,estimate,arm\nt,percent,78,t\n",
    )
    assert code == 0
    (outcome,) = json.loads(out)["outcomes"]
    assert (outcome["published"], outcome["reconstructions"][0]["unique"]) == ([], False)


def test_a_folder_with_a_review(run, tmp_path):
    import shutil

    from bayes_ivig.shipped import shipped_folder

    shutil.copytree(shipped_folder("data") / "mmn-2007", tmp_path / "mmn-2007")
    code, out, _ = run("./mmn-2007", "--json")
    assert (code, json.loads(out)["review"]) == (0, "mmn-2007")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mmn-2023",), "did you mean 'mmn-202"),
        (("t.csv",), "--published: give the file of the published results"),
        (("t.csv", "--published", "no.csv"), "no.csv cannot be read"),
        (("no.csv", "--published", "p.csv"), "no.csv: cannot be read"),
        (("mmn-2022", "--published", "p.csv"), "a review has its published results already"),
        (("t.csv", "--published", "t.csv"), "column 'study' is unknown"),
        (("s.csv", "--published", "p.csv"), "no published result says anything about them"),
    ],
)
def test_bad_input_is_one_sentence(run, arguments, words):
    sizes = "study,n_t,n_c\na,5,5\n"
    code, out, err = run(*arguments, t__csv=TRIALS, p__csv="id,measure,estimate\nx,p,0.2\n", s__csv=sizes)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("bayes-ivig: ")
    assert err.count("\n") == 1


def test_markup_in_a_file_is_text(run):
    published = "id,label,measure,estimate,arm\n[red]x[/red],[bold]y,percent,35,t\n"
    _, out, _ = run("t.csv", "--published", "p.csv", t__csv=TRIALS, p__csv=published)
    assert "[red]x[/red]" in out
    assert "[bold]y" in out
