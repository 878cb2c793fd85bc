"""RevMan 5 files and Cochrane data packages, written after their published formats, import completely."""

import math
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from review_files import RESULTS, REVIEW, package, package_files, rm5, zipped

from bayes_ivig.errors import InputError
from bayes_ivig.formats import (
    archive,
    choose_source,
    list_outcomes,
    load_file,
    load_published_file,
    read_sources,
    to_evidence,
)
from bayes_ivig.published import reproduce
from bayes_ivig.studies import Effect, Means, TwoArm

FILES = {
    "review.rm5": rm5(),
    "latin.rm5": rm5(encoding="ISO-8859-1"),
    "wide.rm5": rm5(encoding="utf-16"),
    "printed.rm5": rm5(estimates=False),
    "review.zip": package(),
    "review-2.zip": package(version=2),
    "nested.zip": package(nested=True),
}
EXPECTED = {
    "1.1": [TwoArm("Adler 2001", 12, 40, 5, 41), TwoArm("Bauer-Klein 2003", 0, 22, 3, 20),
            TwoArm("Çelik 2010", 7, 30, 7, 31)],
    "1.2": [TwoArm("Adler 2001 (Low dose)", 6, 20, 5, 41), TwoArm("Adler 2001 (High dose)", 6, 20, 5, 41),
            TwoArm("Çelik 2010", 7, 30, 7, 31)],
    "1.2.1": [TwoArm("Adler 2001", 6, 20, 5, 41)],
    "1.2.2": [TwoArm("Adler 2001", 6, 20, 5, 41), TwoArm("Çelik 2010", 7, 30, 7, 31)],
    "1.3": [Means("Adler 2001", 5.5, 2.25, 39, 4.0, 2.5, 40), Means("Çelik 2010", 5.0, 1.75, 30, 4.5, 1.5, 31)],
    "2.1": [Effect("Adler 2001", -0.625, 0.25, 81), Effect("Fischer 2015", 0.125, 0.5)],
    "2.2": [Effect("Gruber 1999", 4.5, 1.25, 24), Effect("Hahn 2002", 2.0, 0.75, 18)],
    "2.3": [Effect("Adler 2001", -0.625, 0.5), Effect("Fischer 2015", 0.16, 0.4)],
    "2.4": [TwoArm("Adler 2001", 28, 40, 36, 41)],
    "2.5": [Effect("Adler 2001", -0.25, 0.125, 81)],
}  # fmt: skip
MEASURES = {"1.1": "OR", "1.2": "RR", "1.3": "MD", "2.1": "OR", "2.2": "MD", "2.3": "OR", "2.4": "OR", "2.5": None}


def almost(study, other):
    """The same trial; an effect read back from its printed ratio is one to the last bits."""
    if isinstance(study, Effect) and isinstance(other, Effect):
        same = math.isclose(study.y, other.y, rel_tol=1e-12) and study.se == other.se
        return same and (study.study, study.participants) == (other.study, other.participants)
    return study == other


@pytest.mark.parametrize("name", FILES)
def test_every_outcome_is_imported(name):
    sources = read_sources(FILES[name], Path(name))
    assert [source.number for source in sources] == list(EXPECTED)
    for source in sources:
        evidence = to_evidence(source)
        expected = EXPECTED[source.number]
        assert len(evidence.studies) == len(expected)
        assert all(map(almost, evidence.studies, expected)), source.number
        assert evidence.measure == MEASURES[source.number[:3]]
        assert (evidence.treatment, evidence.control) == ("New drug", "Placebo")
    assert to_evidence(sources[4]).unit == "kg"


@pytest.mark.parametrize("name", FILES)
def test_what_is_changed_or_left_out_is_said(name):
    sources = {source.number: source for source in read_sources(FILES[name], Path(name))}
    assert [(row.name, row.why) for row in sources["1.1"].left_out] == [("Empty 2011", "no patients are entered")]
    assert [row.name for row in sources["1.3"].left_out] == ["Dubois 2012"]
    assert sources["1.1"].notes == ("Left out, as in the review: Empty 2011 (no patients are entered).",)
    assert sources["1.2"].changed[0] == "one of several rows of Adler 2001, named apart"
    assert "patients may be counted twice: Adler 2001" in sources["1.2"].notes[0]
    assert "gives no overall result" in sources["1.2"].notes[1]
    assert "events and non-events exchanged" in sources["2.4"].changed[0]
    assert "O-E -2.5" in sources["2.3"].changed[0]
    assert sources["2.5"].notes == ("The effect is 'Hazard Ratio', its logarithm; results stay on that scale.",)


@pytest.mark.parametrize("name", FILES)
def test_published_results_are_kept_beside_the_trials(name):
    sources = {source.number: source for source in read_sources(FILES[name], Path(name))}
    by_id = {p.id: p for source in sources.values() for p in source.published}
    for number, (size, low, high, p) in RESULTS.items():
        published = by_id[number.replace(".", "-")]
        assert [Decimal(x) for x in published.printed] == [Decimal(str(x)) for x in (size, low, high)]
        assert Decimal(by_id[f"{published.id}-p"].estimate) == Decimal(str(p))
        assert published.expected == "consistent"
    assert not sources["2.5"].published
    assert by_id["1-1"].label == "1.1 Relief of pain (Mantel-Haenszel, fixed effect)"


@pytest.mark.parametrize("number", RESULTS)
def test_published_results_follow_from_the_trials(number):
    source = choose_source(read_sources(FILES["review.rm5"], Path("review.rm5")), number, "review.rm5")
    verdict = reproduce(source.published[0], to_evidence(source).studies)
    assert verdict.reproduced, verdict.verdict


def test_an_outcome_is_chosen_by_name_or_number(tmp_path):
    path = tmp_path / "review.rm5"
    path.write_bytes(FILES["review.rm5"])
    assert [s.outcome for s in list_outcomes(path)][:3] == ["1-1-relief-of-pain", "1-2-relief-by-dose", "1-3-strength"]
    assert load_file(path, outcome="1.3") == load_file(path, outcome="1-3-strength")
    assert load_file(path, outcome="1.2.2").outcome == "1-2-2-high-dose"
    assert load_file(path, benefit="higher", outcome="1.1").benefit == "higher"
    with pytest.raises(InputError, match="the file holds 8 outcomes; add # and one of these to its path: 1-1-relief"):
        load_file(path)
    with pytest.raises(InputError, match=r"no outcome '1-3-strenght'; did you mean '1-3-strength'\?; the file holds"):
        load_file(path, outcome="1-3-strenght")
    with pytest.raises(InputError, match="the binomial model needs two-arm data"):
        load_file(path, "binomial", outcome="1.3")
    assert len(load_published_file(path, "1.1")) == 2
    assert len(load_published_file(path)) == 2 * len(RESULTS)


def test_the_only_outcome_needs_no_choice(tmp_path):
    path = tmp_path / "one.zip"
    path.write_bytes(package(REVIEW[1:2]))
    assert load_file(path).outcome == "1-2-relief-by-dose"


def test_rows_of_one_trial_are_told_apart_by_what_differs():
    groups = ("Relief at day 3: low dose", "Relief at day 3: high dose", "")
    rows = [("Adler", group, 6, 20, 5, 41) for group in groups for _ in range(2)]
    trials = to_evidence(read_sources(rm5([REVIEW[0] | {"rows": rows}]), Path("r.rm5"))[0]).studies
    assert [t.study for t in trials][:3] == ["Adler", "Adler [2]", "Adler (Relief at day 3: low dose)"]
    trials = to_evidence(read_sources(rm5([REVIEW[0] | {"rows": rows[:4]}]), Path("r.rm5"))[0]).studies
    assert [t.study for t in trials] == [
        "Adler (low dose)", "Adler (low dose) [2]", "Adler (high dose)", "Adler (high dose) [2]",
    ]  # fmt: skip


def test_rows_of_subgroups_only_stay_out_of_the_whole():
    files = package_files(REVIEW[1:2])
    name = next(name for name in files if name.endswith("data-rows.csv"))
    files[name] = files[name].replace(b"SUBGROUP_AND_OVERALL,Adler", b"SUBGROUP,Adler", 1)
    whole, low, high = read_sources(zipped(files), Path("r.zip"))
    assert [s.study for s in to_evidence(whole).studies] == ["Adler 2001", "Çelik 2010"]
    assert len(to_evidence(low).studies) == 1
    assert len(to_evidence(high).studies) == 2


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><COCHRANE_REVIEW>&b;</COCHRANE_REVIEW>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><COCHRANE_REVIEW>&a;</COCHRANE_REVIEW>'
GOOD = rm5(REVIEW[:1])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (BOMB, "line 1: the XML declares an entity, which a RevMan file never does; save"),
        (OUTSIDE, "line 1: the XML declares an entity"),
        (GOOD[:-9], "not readable as XML (unclosed token"),
        (GOOD.replace(b"utf-8", b"klingon"), "not readable as XML (unknown encoding"),
        (b"<html><p>Download</p></html>", "the XML is no RevMan 5 file (its root is 'html')"),
        (b"<COCHRANE_REVIEW/>", "no outcome of the review has data of trials"),
        (b"<COCHRANE_REVIEW>" + b"<A>" * 300, "elements lie more than 200 deep"),
        (GOOD.replace(b'EVENTS_1="12"', b'EVENTS_1="99"'), "(Adler 2001), column 'events_t': 99 exceeds the 40"),
        (GOOD.replace(b'EVENTS_1="12"', b'EVENTS_1="x"'), "column 'events_t': 'x' is not a number"),
        (GOOD.replace(b'EVENTS_1="12"', b""), "column 'events_t': the value is missing"),
        (rm5(REVIEW[3:4], estimates=False).replace(b'EFFECT_SIZE="0.5', b'EFFECT_SIZE="-0.5'), "'log(-0.5"),
    ],
)  # fmt: skip
def test_bad_revman_files_are_refused_in_one_sentence(data, words):
    with pytest.raises(InputError) as refusal:
        to_evidence(read_sources(data, Path("r.rm5"))[0])
    message = str(refusal.value)
    assert words in message
    assert message.startswith("r.rm5")
    assert ";" in message
    assert message.isprintable()


def changed(ending, old, new):
    files = package_files(REVIEW[:1])
    name = next(name for name in files if name.endswith(ending))
    assert old in files[name]
    return zipped(files | {name: files[name].replace(old, new)})


def without(ending):
    return zipped({name: data for name, data in package_files().items() if not name.endswith(ending)})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped({"../../evil.csv": b"x"}), "entry '../../evil.csv': the path leaves the archive; use"),
        (zipped({"/etc/passwd": b"x"}), "the path leaves the archive"),
        (zipped({"C:\\x.csv": b"x"}), "the path leaves the archive"),
        (zipped({"a.csv": bytes(3 * 2**20)}), "unpacks to over 200 times its size"),
        (zipped({f"{i}.txt": b"" for i in range(archive.MAX_ENTRIES + 1)}), "10,001 entries found, at most 10,000"),
        (zipped({"a.txt": b"x"}), "the archive holds no '...-data-rows.csv'; give the data package"),
        (without("data-rows.csv"), "the archive holds no '...-data-rows.csv'"),
        (without("settings.csv"), "the archive holds no '...-overall-estimates-and-settings.csv'"),
        (package()[:-30], "not readable as a ZIP archive"),
        (changed("settings.csv", b"Dichotomous", b"Diagnostic"), "'Data type': 'Diagnostic' is not known; known"),
        (changed("settings.csv", b"Effect measure", b"Effect"), "line 1: column 'effect measure' is missing; download"),
        (changed("rows.csv", b"1,1,Relief of pain,,", b"1,7,Relief of pain,,"), "analysis 1.7 is not in"),
        (changed("rows.csv", b",12,40,", b",50,40,"), "(Adler 2001), column 'events_t': 50 exceeds the 40"),
        (changed("rows.csv", b",12,40,", b",12,4x,"), "column 'n_t': '4x' is not a number"),
    ],
)  # fmt: skip
def test_bad_packages_are_refused_in_one_sentence(data, words):
    with pytest.raises(InputError) as refusal:
        to_evidence(read_sources(data, Path("p.zip"))[0])
    message = str(refusal.value)
    assert words in message
    assert message.startswith("p.zip")
    assert ";" in message
    assert message.isprintable()


def test_a_large_archive_is_refused_by_the_sizes_it_states(monkeypatch):
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1000)
    with pytest.raises(InputError, match="unpacks to more than 1,000 bytes; check"):
        read_sources(package(), Path("p.zip"))


def test_an_entry_that_lies_about_its_size_is_not_read_beyond_it():
    data = bytearray(zipped({"a-data-rows.csv": b"x" * 100_000}))
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = (10).to_bytes(4, "little")  # uncompressed size
    with pytest.raises(InputError, match="not readable as a ZIP archive"):
        read_sources(bytes(data), Path("p.zip"))


def test_an_encrypted_archive_is_refused():
    data = bytearray(package())
    for magic, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = -1
        while (place := data.find(magic, place + 1)) >= 0:
            data[place + offset] |= 1
    with pytest.raises(InputError, match=r"an entry is encrypted\); .* without a password"):
        read_sources(bytes(data), Path("p.zip"))


def test_nothing_is_unpacked_to_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(zipfile.ZipFile, "extract", None)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", None)
    read_sources(package(nested=True), Path("p.zip"))
    assert list(tmp_path.iterdir()) == []
