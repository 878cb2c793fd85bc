import csv
import shutil

import pytest

from bayes_ivig.columns import KINDS_OF_LIKELIHOOD
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import NAME
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.reproduction import check_published, load_published
from bayes_ivig.reviews import list_reviews, load_evidence, load_review, read_as
from bayes_ivig.shipped import shipped_folder
from bayes_ivig.studies import Paired, PairedMargins

REVIEWS = {name: load_review(name) for name in list_reviews()}
OUTCOMES = [(name, outcome) for name, review in REVIEWS.items() for outcome in review.outcomes]
LIKELIHOOD_OF_KIND = {kind: name for name, kinds in KINDS_OF_LIKELIHOOD.items() for kind in kinds} | {
    "two-arm": "binomial"
}
TABLES = [(name, outcome, kind) for name, outcome in OUTCOMES for kind in REVIEWS[name].tables[outcome]["data"]]
STATUSES = {"reported", "derived", "reconstructed"}


def evidence_of(review, outcome, kind):
    return load_evidence(REVIEWS[review], outcome, LIKELIHOOD_OF_KIND[kind])


def totals(studies):
    return tuple(sum(getattr(s, column) for s in studies) for column in ("events_t", "n_t", "events_c", "n_c"))


def test_both_editions_are_shipped():
    assert list_reviews() == ("mmn-2007", "mmn-2022")
    basic = {"strength", "disability", "conduction-block", "adverse-events", "serious-adverse-events"}
    assert set(REVIEWS["mmn-2007"].outcomes) == basic | {"grip-strength", "neurological-disability"}
    added = {"disability-worsening", "grip-decline", "accelerated-switch"}
    assert set(REVIEWS["mmn-2022"].outcomes) >= set(REVIEWS["mmn-2007"].outcomes) | added


@pytest.mark.parametrize(("review", "outcome", "kind"), TABLES)
def test_every_table_loads_and_is_of_its_kind(review, outcome, kind):
    evidence = evidence_of(review, outcome, kind)
    assert (evidence.review, evidence.outcome, evidence.kind) == (review, outcome, kind)
    assert evidence.benefit in ("higher", "lower")
    assert (evidence.treatment, evidence.control) in (("IVIg", "placebo"), ("IVIg", "SCIg"))
    assert len(evidence.rows) == len(evidence.studies)
    assert not any("data are not" in note for note in evidence.notes)  # a shipped file holds one kind only


@pytest.mark.parametrize(("review", "outcome", "kind"), TABLES)
def test_every_count_has_its_status_and_every_source_is_known(review, outcome, kind):
    evidence = evidence_of(review, outcome, kind)
    for row in evidence.rows:
        statuses = [text for column, text in row.items() if column.startswith("status")]
        assert statuses
        assert set(statuses) <= STATUSES
        assert row["source"] in REVIEWS[review].sources
    for reading in evidence.readings:
        assert reading.status in STATUSES
        assert reading.source in REVIEWS[review].sources
        assert reading.note


@pytest.mark.parametrize(("review", "outcome", "kind"), TABLES)
def test_every_reading_replaces_one_trial(review, outcome, kind):
    evidence = evidence_of(review, outcome, kind)
    for reading in evidence.readings:
        other = read_as(evidence, reading.name)
        changed = [(a, b) for a, b in zip(evidence.studies, other.studies, strict=True) if a != b]
        ((old, new),) = changed
        assert (new, new.study) == (reading.study, old.study)


def test_no_reading_is_lost():
    read = sum(len(evidence_of(*table).readings) for table in TABLES)
    assert read == sum(len(REVIEWS[r].tables[o].get("readings", ())) for r, o in OUTCOMES) > 15


@pytest.mark.parametrize(("review", "outcome"), OUTCOMES)
def test_every_shipped_file_is_used_and_utf8_with_plain_line_ends(review, outcome):
    folder = shipped_folder("data") / review
    used = {entry["file"] for table in REVIEWS[review].tables.values() for entry in table["data"].values()}
    assert {path.name for path in folder.iterdir()} == used | {"review.toml"}
    for entry in REVIEWS[review].tables[outcome]["data"].values():
        assert b"\r" not in (folder / entry["file"]).read_bytes()


def margins(study):
    """Events and exposures in each arm, every exposure counted."""
    if isinstance(study, PairedMargins):
        return study.margins_t, study.n_pairs, study.margins_c, study.n_pairs
    pairs = study.n_pairs
    return (
        study.events_t + study.both + study.t_only,
        study.n_t + pairs,
        study.events_c + study.both + study.c_only,
        study.n_c + pairs,
    )


@pytest.mark.parametrize(
    ("review", "outcome"), [(r, o) for r, o in OUTCOMES if "crossover" in REVIEWS[r].tables[o]["data"]]
)
def test_crossover_tables_and_their_readings_have_the_margins_of_the_two_arms(review, outcome):
    paired, arms = (evidence_of(review, outcome, kind) for kind in ("crossover", "two-arm"))
    by_name = {s.study: (s.events_t, s.n_t, s.events_c, s.n_c) for s in arms.studies}
    assert {s.study: margins(s) for s in paired.studies} == by_name
    assert all(margins(reading.study) == by_name[reading.study.study] for reading in paired.readings)
    assert paired.n_participants == arms.n_participants


@pytest.mark.parametrize("review", REVIEWS)
@pytest.mark.parametrize(
    ("outcome", "expected", "n_participants"),
    [
        ("strength", (21, 27, 1, 27), 27),
        ("disability", (7, 18, 2, 18), 20),
        ("conduction-block", (6, 28, 0, 28), 30),
        ("adverse-events", (15, 21, 1, 21), 21),
    ],
)
def test_totals_are_those_of_the_review(review, outcome, expected, n_participants):
    evidence = load_evidence(REVIEWS[review], outcome)
    assert (totals(evidence.studies), evidence.n_participants) == (expected, n_participants)


def test_serious_adverse_events():
    first, second = (load_evidence(REVIEWS[name], "serious-adverse-events") for name in REVIEWS)
    assert [(s.events, s.n) for s in first.studies] == [(0, 5), (0, 16), (0, 7), (0, 6)]
    assert [(s.events, s.n) for s in second.studies] == [(0, 5), (0, 16), (0, 7), (0, 6), (1, 44)]
    assert any("silent on side effects" in note for note in first.notes)
    manufacturer = read_as(second, "hahn-manufacturer-count")
    assert (manufacturer.studies[-1].events, second.readings[0].source) == (2, "hahnlabel")


def test_van_den_berg_is_margins_only_with_its_two_tables_as_readings():
    for review in REVIEWS:
        strength = evidence_of(review, "strength", "crossover")
        (trial,) = [s for s in strength.studies if s.study == "Van den Berg 1995"]
        assert trial == PairedMargins("Van den Berg 1995", 5, 1, 6)
        assert [r.study for r in strength.readings] == [
            Paired("Van den Berg 1995", 0, 5, 1, 0),
            Paired("Van den Berg 1995", 1, 4, 0, 1),
        ]


def test_readings_of_leger_are_the_first_periods():
    disability = load_evidence(REVIEWS["mmn-2007"], "disability")
    naive, everyone = (read_as(disability, r.name) for r in disability.readings)
    assert totals(naive.studies) == (5, 15, 2, 16)
    assert totals(everyone.studies) == (10, 20, 2, 20)


@pytest.mark.parametrize(("review", "outcome"), OUTCOMES)
def test_published_results(review, outcome):
    verdicts = check_published(REVIEWS[review], outcome)
    assert len(verdicts) == len(REVIEWS[review].tables[outcome].get("published", ()))
    for verdict in verdicts:
        result = verdict.published
        assert result.source in REVIEWS[review].sources
        if result.expected == "reproduced":
            assert verdict.reproduced, verdict.verdict
        else:
            assert result.reason
        if result.expected == "irreproducible":
            assert not verdict.reproduced, verdict.verdict
        assert not verdict.failed


def test_published_results_have_names_of_their_own():
    for review in REVIEWS.values():
        ids = [result.id for outcome in review.outcomes for result in load_published(review, outcome)]
        assert len(ids) == len(set(ids)) > 5


@pytest.mark.parametrize(("review", "outcome"), OUTCOMES)
def test_a_mean_difference_brings_its_priors(review, outcome):
    evidence = load_evidence(REVIEWS[review], outcome)
    if evidence.measure == "MD":
        assert evidence.unit
        assert set(evidence.priors) == {"mu", "tau"}
        assert resolve_prior(evidence.priors["mu"]).mean == 0
        assert resolve_prior(evidence.priors["tau"]).support[0] == 0
        assert REVIEWS[review].tables[outcome]["priors"]["rationale"]
    else:
        assert not evidence.priors


def test_names():
    for review, outcome in OUTCOMES:
        assert REVIEWS[review].name == review
        assert NAME.fullmatch(review)
        assert NAME.fullmatch(outcome)


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(shipped_folder("data"), tmp_path / "data")
    return tmp_path / "data"


def test_a_review_elsewhere(copy):
    assert list_reviews(copy) == list_reviews()
    assert load_evidence(load_review("mmn-2007", copy), "strength") == load_evidence(REVIEWS["mmn-2007"], "strength")


@pytest.mark.parametrize(("review", "outcome", "kind"), TABLES)
def test_one_altered_byte_is_noticed(copy, review, outcome, kind):
    loaded = load_review(review, copy)
    name = loaded.tables[outcome]["data"][kind]["file"]
    path = copy / review / name
    data = path.read_bytes()
    path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    with pytest.raises(InputError, match=f"{review}/{name}: the file is not the one shipped"):
        load_evidence(loaded, outcome, LIKELIHOOD_OF_KIND[kind])


def test_a_missing_file(copy):
    (copy / "mmn-2007" / "strength.csv").unlink()
    with pytest.raises(InputError, match=r"mmn-2007/strength\.csv: cannot be read"):
        load_evidence(load_review("mmn-2007", copy), "strength")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'title = "Intravenous', b'tilte = "Intravenous', "key 'title' is missing"),
        (b"schema = 1", b"schema = ", "not a review file"),
        ("Léger".encode(), b"L\xe9ger", "not a review file"),
        (b"faults = [", b"faults = 3\nothers = [", "not a review file"),
        (b'"mmn-2007"', b'"MMN 2007"', "name 'MMN 2007': only a-z, 0-9 and - are allowed"),
    ],
)
def test_a_review_file_without_its_form(copy, old, new, words):
    path = copy / "mmn-2007" / "review.toml"
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(InputError, match=words):
        load_review("mmn-2007", copy)


def test_an_unknown_key_of_a_published_result(copy):
    path = copy / "mmn-2007" / "review.toml"
    path.write_text(path.read_text("utf-8").replace('measure = "RR"', 'meassure = "RR"', 1), "utf-8")
    with pytest.raises(InputError, match=r"mmn-2007/review\.toml, published of strength: .*meassure"):
        load_published(load_review("mmn-2007", copy), "strength")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: load_review("mmn-2023"), "--review: 'mmn-2023' is not a review.*did you mean 'mmn-202"),
        (lambda: load_review("../data/mmn-2007"), "is not a review"),
        (lambda: load_evidence(REVIEWS["mmn-2007"], "strenght"), "'strenght'.*did you mean 'strength'"),
        (lambda: load_evidence(REVIEWS["mmn-2007"], "grip-decline"), "known are strength, disability"),
        (lambda: load_evidence(REVIEWS["mmn-2007"], "serious-adverse-events", "binomial"), "holds single-arm data"),
        (lambda: load_evidence(REVIEWS["mmn-2007"], "grip-strength", "crossover"), "needs crossover data"),
        (lambda: read_as(load_evidence(REVIEWS["mmn-2007"], "disability"), "leger"), "not one of leger-naive"),
        (lambda: read_as(load_evidence(REVIEWS["mmn-2007"], "strength"), "x"), "not one of none"),
    ],
)
def test_what_does_not_exist(act, words):
    with pytest.raises(InputError, match=words):
        act()


def test_every_row_names_the_same_trials_in_csv_and_evidence():
    for review, outcome, kind in TABLES:
        file = shipped_folder("data") / review / REVIEWS[review].tables[outcome]["data"][kind]["file"]
        with file.open(encoding="utf-8", newline="") as text:
            rows = list(csv.DictReader(text))
        assert list(evidence_of(review, outcome, kind).rows) == rows
