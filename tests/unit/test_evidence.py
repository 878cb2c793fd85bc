import csv
import hashlib
import math
from pathlib import Path

import pytest

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence, Reading, load_csv, parse_studies
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm

REFERENCE = Path(__file__).parents[1] / "reference"
TWO_ARM = "study,events_t,n_t,events_c,n_c\n"
CROSSOVER = "study,both,t_only,c_only,neither,events_t,n_t,events_c,n_c,started_t,started_c\n"
MARGINS = "study,margins_t,margins_c,n_pairs\n"
MIXED = "study,both,t_only,c_only,neither,margins_t,margins_c,n_pairs\n"
MEANS = "study,mean_t,sd_t,n_t,mean_c,sd_c,n_c\n"


def studies_of(text, likelihood=None):
    return parse_studies(text.encode(), "t.csv", likelihood)[0]


@pytest.mark.parametrize(
    ("text", "studies"),
    [
        (TWO_ARM + "a,4,7,2,8\nb,0,0,0,5\n", [TwoArm("a", 4, 7, 2, 8), TwoArm("b", 0, 0, 0, 5)]),
        ("slab,ai,n1i,ci,n2i\na,4,7,2,8\n", [TwoArm("a", 4, 7, 2, 8)]),
        ("study,ai,n1i,ci,n2i,participants\na,4,7,2,7,9\nb,1,2,1,2,\n",
         [TwoArm("a", 4, 7, 2, 7, 9), TwoArm("b", 1, 2, 1, 2)]),
        ("study,both,t_only,c_only,neither\na,0,2,0,3\n", [Paired("a", 0, 2, 0, 3)]),
        (CROSSOVER + "a,0,2,0,3,2,2,2,2,4,5\nb,0,0,0,5,0,0,0,0,,\n",
         [Paired("a", 0, 2, 0, 3, 2, 2, 2, 2, 4, 5), Paired("b", 0, 0, 0, 5)]),
        (MARGINS + "a,5,1,6\n", [PairedMargins("a", 5, 1, 6)]),
        (MIXED + "a,0,5,0,0,,,\nb,,,,,5,1,6\nc,1,4,0,1,5,1,6\n",
         [Paired("a", 0, 5, 0, 0), PairedMargins("b", 5, 1, 6), Paired("c", 1, 4, 0, 1)]),
        ("study,y,se\na,-0.5,0.2\n", [Effect("a", -0.5, 0.2)]),
        ("slab,yi,sei\na,-0.5,0.2\n", [Effect("a", -0.5, 0.2)]),
        ("study,yi,vi\na,-0.5,0.04\n", [Effect("a", -0.5, math.sqrt(0.04))]),
        ("study,yi,vi,sei\na,-0.5,0.04,0.2\nb,1,,0.3\nc,2,0.09,\n",
         [Effect("a", -0.5, 0.2), Effect("b", 1, 0.3), Effect("c", 2, math.sqrt(0.09))]),
        ("study,y,se,participants\na,-0.5,0.2,16\n", [Effect("a", -0.5, 0.2, 16)]),
        (MEANS + "a,4.3,7.35,9,3.6,9.43,9\n", [Means("a", 4.3, 7.35, 9, 3.6, 9.43, 9)]),
        ("study,m1i,sd1i,n1i,m2i,sd2i,n2i\na,4.3,7.35,9,3.6,9.43,9\n", [Means("a", 4.3, 7.35, 9, 3.6, 9.43, 9)]),
        ("study,events,n\na,0,5\n", [SingleArm("a", 0, 5)]),
        ("study,xi,ni\na,0,5\n", [SingleArm("a", 0, 5)]),
    ],
)  # fmt: skip
def test_every_kind_of_data(text, studies):
    assert list(studies_of(text)) == studies


def test_pairs_with_the_arms_of_patients_who_had_one_treatment():
    mixed = "study,both,t_only,c_only,neither,margins_t,margins_c,n_pairs,events_t,n_t,events_c,n_c\n"
    assert studies_of(mixed + "a,0,2,0,3,,,,2,2,2,2\nb,,,,,5,1,6,0,0,,\n") == (
        Paired("a", 0, 2, 0, 3, 2, 2, 2, 2),
        PairedMargins("b", 5, 1, 6),
    )


@pytest.mark.parametrize(
    ("name", "kind", "k"),
    [
        ("bcg", "two-arm", 13),
        ("hine1989", "two-arm", 6),
        ("yusuf1985_table6", "two-arm", 21),
        ("nielweise2007", "two-arm", 18),
        ("CrinsEtAl2014_AR", "two-arm", 6),
        ("collins1985a_death", "two-arm", 24),
        ("Rubin1981", "effect", 8),
        ("normand1999_md", "means", 9),
        ("BaetenEtAl2013_logit", "single-arm", 8),
    ],
)
def test_files_of_metafor(name, kind, k):
    evidence = load_csv(REFERENCE / f"{name}.csv")
    assert (evidence.kind, len(evidence.studies)) == (kind, k)


@pytest.mark.parametrize("name", ["normand1999_md", "BaetenEtAl2013_logit"])
def test_the_likelihood_decides_between_two_kinds_in_one_file(name):
    path = REFERENCE / f"{name}.csv"
    default, chosen = load_csv(path), load_csv(path, "normal")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(s.study, s.y, s.se) for s in chosen.studies] == [
        (r["study"], float(r["yi"]), float(r["sei"])) for r in rows
    ]
    assert default.kind != "effect"
    for evidence, unused in ((default, "effect"), (chosen, default.kind)):
        assert len(evidence.notes) == 1
        assert f"{unused} data are not" in evidence.notes[0]


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "My Trials (2024).csv"
    data = ("\ufeff" + TWO_ARM.replace("\n", ",year\n") + "Léger,1,5,0,5,2001\n").replace("\n", "\r\n").encode()
    path.write_bytes(data)
    evidence = load_csv(path, benefit="lower")
    assert (evidence.review, evidence.outcome, evidence.title) == ("user", "my-trials-2024", "My Trials (2024)")
    assert (evidence.benefit, evidence.n_participants, evidence.notes) == ("lower", 10, ())
    row = {"study": "Léger", "events_t": "1", "n_t": "5", "events_c": "0", "n_c": "5", "year": "2001"}
    assert [dict(r) for r in evidence.rows] == [row]
    assert evidence.sha256 == hashlib.sha256(data).hexdigest()


def test_participants_are_unknown_where_one_effect_does_not_say():
    studies = studies_of("study,y,se,participants\na,1,1,16\nb,1,1,\n")
    assert Evidence("user", "x", studies).n_participants is None
    assert Evidence("user", "x", studies[:1]).n_participants == 16


BAD = [
    (TWO_ARM + "a,-1,5,0,5\n", "line 2 (a), column 'events_t': -1 is negative"),
    (TWO_ARM + "a,1,5,0,5\nb,1.5,5,0,5\n", "line 3 (b), column 'events_t': '1.5' is not a whole number"),
    (TWO_ARM + "a,x,5,0,5\n", "line 2 (a), column 'events_t': 'x' is not a number"),
    (TWO_ARM + "a,1_0,50,0,5\n", "column 'events_t': '1_0' is not a number"),
    (TWO_ARM + "a,nan,5,0,5\n", "column 'events_t': 'nan' is not a finite number"),
    (TWO_ARM + "a,1,inf,0,5\n", "column 'n_t': 'inf' is not a finite number"),
    (TWO_ARM + "a,1,1e400,0,5\n", "column 'n_t': '1e400' is not a finite number"),
    (TWO_ARM + "a,1,1e12,0,5\n", "column 'n_t': '1e12' is above 1,000,000,000"),
    (TWO_ARM + "a,1,,0,5\n", "line 2 (a), column 'n_t': the value is missing"),
    (TWO_ARM + "a,6,5,0,5\n", "line 2 (a), column 'events_t': 6 exceeds the 5 in column 'n_t'"),
    (TWO_ARM + "a,1,5,0,5\nb,1,5,0,5\na,1,5,0,5\n", "line 4, column 'study': 'a' is on line 2 already"),
    (TWO_ARM + ",1,5,0,5\n", "line 2, column 'study': the study has no name"),
    # In metafor's names the error speaks of metafor's columns.
    ("slab,ai,n1i,ci,n2i\na,-1,5,0,5\n", "column 'ai': -1 is negative"),
    ("slab,ai,n1i,ci,n2i\na,6,5,0,5\n", "column 'ai': 6 exceeds the 5 in column 'n1i'"),
    ("slab,ai,n1i,ci,n2i\n,6,5,0,5\n", "column 'slab': the study has no name"),
    ("study,yi,sei\na,1,0\n", "line 2 (a), column 'sei': 0 is not allowed; a standard error must be above 0"),
    ("study,y,se\na,1,-0.5\n", "column 'se': -0.5 is not allowed"),
    ("study,yi,vi\na,1,0\n", "line 2 (a), column 'vi': 0 is not allowed; a variance must be above 0"),
    ("study,yi,vi\na,1,-0.5\n", "column 'vi': -0.5 is not allowed"),
    ("study,y,se\na,,1\n", "column 'y': the value is missing"),
    ("study,yi,sei,vi\na,1,,\n", "column 'sei': the value is missing"),
    ("study,yi,sei,vi\na,,,0.04\n", "column 'yi': the value is missing"),
    ("study,yi,sei,vi\na,1,0.2,0.2\n", "column 'vi': 0.2 contradicts the standard error 0.2"),
    ("study,y,se\na,NaN,1\n", "column 'y': 'NaN' is not a finite number"),
    ("study,y,se,participants\na,1,1,-4\n", "column 'participants': -4 is negative"),
    (MEANS + "a,1,0,5,1,1,5\n", "column 'sd_t': 0 is not allowed"),
    (MEANS + "a,1,1,1,1,1,5\n", "column 'n_t': 1 is not allowed"),
    ("study,m1i,sd1i,n1i,m2i,sd2i,n2i\na,1,1,5,1,-1,5\n", "column 'sd2i': -1 is not allowed"),
    ("study,xi,ni\na,3,2\n", "column 'xi': 3 exceeds the 2 in column 'ni'"),
    (CROSSOVER + "a,0,2,0,3,2,2,2,2,4,\n", "column 'started_c': empty; give both started_t and started_c"),
    (CROSSOVER.replace(",started_c", "") + "a,0,2,0,3,2,2,2,2,4\n", "column 'started_c': empty"),
    (CROSSOVER + "a,0,2,,3,2,2,2,2,4,5\n", "column 'c_only': the value is missing"),
    (MARGINS + "a,7,1,6\n", "column 'margins_t': 7 exceeds the 6 in column 'n_pairs'"),
    (MIXED + "a,1,4,0,1,4,1,6\n", "line 2 (a), column 'margins_t': 4 contradicts the four cells, which give 5"),
    (MIXED + "a,1,4,0,1,5,2,6\n", "column 'margins_c': 2 contradicts the four cells, which give 1"),
    (MIXED + "a,1,4,0,1,5,1,7\n", "column 'n_pairs': 7 contradicts the four cells, which give 6"),
    (MIXED + "a,1,4,0,1,5,,\n", "column 'margins_c': the value is missing"),
    (MIXED + "a,1,,0,1,5,1,6\n", "column 't_only': the value is missing"),
    (MIXED + "a,,,,,,,\n", "column 'both': the value is missing"),
    # Counts that margins alone cannot use are not dropped without a word.
    ("study,both,t_only,c_only,neither,margins_t,margins_c,n_pairs,events_t,n_t,events_c,n_c\na,,,,,5,1,6,2,2,0,0\n",
     "column 'events_t': '2' cannot be used with margins alone"),
    ("study,year\na,2001\n", "line 1: the columns study, year are of no known kind of data"),
    ("study,event_t,n_t,events_c,n_c\na,1,5,0,5\n", "column 'event_t' is unknown; did you mean 'events_t'?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BAD, ids=[words for _, words in BAD])
def test_bad_data_are_refused_in_one_sentence(text, words):
    with pytest.raises(InputError) as refusal:
        studies_of(text)
    message = str(refusal.value)
    assert words in message
    assert message.startswith("t.csv, line ")
    assert ";" in message  # the remedy
    assert "\n" not in message


def test_an_error_repeats_no_control_characters_and_no_long_text():
    with pytest.raises(InputError) as refusal:
        studies_of(TWO_ARM + '"\x1b[31m\nx",' + "9" * 100_000 + "z,5,0,5\n")
    message = str(refusal.value)
    assert message.isprintable()
    assert len(message) < 300


def test_no_data_for_the_likelihood():
    with pytest.raises(InputError, match="the crossover model needs crossover data, but the file holds two-arm data"):
        studies_of(TWO_ARM + "a,1,5,0,5\n", "crossover")


def test_a_path_that_cannot_be_read(tmp_path):
    for path, words in (
        (tmp_path, "cannot be read (Is a directory)"),
        (tmp_path / "none.csv", "cannot be read (No such file or directory)"),
        (Path("a\0b.csv"), "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read (File name too long)"),
    ):
        with pytest.raises(InputError) as refusal:
            load_csv(path)
        assert words in str(refusal.value)
        assert str(path) in str(refusal.value)


@pytest.mark.slow
def test_many_trials_load_quickly(tmp_path):
    path = tmp_path / "many.csv"
    path.write_text(TWO_ARM + "".join(f"trial {i},1,5,0,5\n" for i in range(20_000)))
    assert load_csv(path).n_participants == 200_000  # a quadratic search for duplicates would take minutes


A = TwoArm("a", 1, 5, 0, 5)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"studies": ()}, "there are no trials"),
        ({"studies": (A, A)}, "study 'a' appears more than once"),
        ({"studies": (A, SingleArm("b", 1, 5))}, "the rows are of different kinds"),
        ({"outcome": "Two Words"}, "name 'Two Words': only a-z, 0-9 and - are allowed"),
        ({"review": ""}, "name ''"),
        ({"benefit": "more"}, "--benefit: 'more' is not allowed; choose higher or lower"),
        ({"role": "help"}, "role 'help' is not allowed"),
        ({"readings": (Reading("r", TwoArm("b", 1, 5, 0, 5), "derived", "s", ""),)}, "'b', which is no trial here"),
        ({"readings": (Reading("r", SingleArm("a", 1, 5), "derived", "s", ""),)}, "of different kinds"),
    ],
)
def test_evidence_that_contradicts_itself(values, words):
    with pytest.raises(InputError, match=words):
        Evidence(**({"review": "user", "outcome": "x", "studies": (A,)} | values))
