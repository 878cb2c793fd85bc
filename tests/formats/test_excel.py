"""Excel workbooks: the sheet with the trials becomes a table; what a table cannot hold is refused."""

import datetime
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from review_files import excel, zipped

from bayes_ivig.errors import InputError
from bayes_ivig.formats import excel as reader
from bayes_ivig.formats import read_sources, to_evidence
from bayes_ivig.studies import Effect, TwoArm

HEADER = ("study", "events_t", "n_t", "events_c", "n_c")
ROWS = [HEADER, ("Léger", 1, 5, 0, 5), ("b", 2.0, 7, "3", 9)]
NOTES = [("who", "when"), ("me", datetime.datetime(2024, 5, 1))]


def evidence(data, likelihood=None):
    return to_evidence(read_sources(data, Path("t.xlsx"))[0], likelihood)


def edited(data, entry, old, new):
    """The workbook with a change in the XML of one entry."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert old in files[entry], files[entry]
    return zipped(files | {entry: files[entry].replace(old, new)})


@pytest.mark.parametrize(
    "sheets",
    [
        {"S": ROWS},
        {"Notes": NOTES, "Trials": ROWS},
        {"Trials": ROWS, "Notes": NOTES, "Empty": []},
        {"S": [(), (), *ROWS[:2], (), *ROWS[2:], ()]},
        {"S": [(None, *row) for row in ROWS]},
    ],
)
def test_the_sheet_with_trials_is_read(sheets):
    assert evidence(excel(sheets)).studies == (TwoArm("Léger", 1, 5, 0, 5), TwoArm("b", 2, 7, 3, 9))


def test_numbers_come_back_to_the_last_bit():
    values = [0.1, 1 / 3, 1e-9, 123456.789, 2.5e20]
    rows = [("study", "y", "se", "day"), *((str(i), y, y, datetime.date(2024, 5, i + 1)) for i, y in enumerate(values))]
    found = evidence(excel({"S": rows}))
    assert found.studies == tuple(Effect(str(i), y, y) for i, y in enumerate(values))
    assert found.rows[0]["day"] == "2024-05-01"


def test_formulas_give_their_stored_values():
    data = excel({"S": [HEADER, ("a", "=1+1", 5, 0, 5)]})
    with pytest.raises(InputError, match=r"row 2 \(a\), column 'events_t': the value is missing"):
        evidence(data)  # openpyxl stores none
    stored = edited(data, "xl/worksheets/sheet1.xml", b"<v />", b"<v>2</v>")
    assert evidence(stored).studies == (TwoArm("a", 2, 5, 0, 5),)


def merged(cells):
    book = openpyxl.load_workbook(io.BytesIO(excel({"S": ROWS})))
    book["S"].merge_cells(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


BAD = [
    ({"S": []}, "t.xlsx, sheet 'S': the sheet is empty; give a header row and one row a trial"),
    ({"S": [HEADER]}, "t.xlsx, sheet 'S': there is a header but no trial; give one row a trial"),
    ({"S": [HEADER, ("a", 1, None, 0, 5)]}, "sheet 'S', row 2 (a), column 'n_t': the value is missing; fill it in"),
    ({"S": [HEADER, ("a", 6, 5, 0, 5)]}, "sheet 'S', row 2 (a), column 'events_t': 6 exceeds the 5"),
    ({"S": [HEADER, ("a", 1.5, 5, 0, 5)]}, "column 'events_t': '1.5' is not a whole number"),
    ({"S": [HEADER, ("a", "1,5", 5, 0, 5)]}, "column 'events_t': '1,5' is not a number here: a comma is"),
    ({"S": [HEADER, ("a", datetime.datetime(2024, 5, 1), 5, 0, 5)]}, "column 'events_t': '2024-05-01' is not a number"),
    ({"S": [HEADER, ("a", True, 5, 0, 5)]}, "column 'events_t': 'TRUE' is not a number"),
    ({"S": [HEADER, ("a", "#N/A", 5, 0, 5)]}, "column 'events_t': '#N/A' is not a number"),
    ({"S": [HEADER, ("a", 1, 5, 0, 5), ("a", 1, 5, 0, 5)]}, "'a' is on row 2 already"),
    ({"S": [("My review",), HEADER, ("a", 1, 5, 0, 5)]}, "sheet 'S', row 1: column 2 has no name; name it"),
    ({"A": ROWS, "B": ROWS}, "t.xlsx: sheets 'A', 'B' all hold trials; save the one to use as a file of its own"),
    ({"A": NOTES, "B": NOTES}, "t.xlsx: none of the sheets 'A', 'B' has the columns of a kind of data; give"),
]  # fmt: skip


@pytest.mark.parametrize(("sheets", "words"), BAD, ids=[words for _, words in BAD])
def test_bad_workbooks_are_refused_in_one_sentence(sheets, words):
    with pytest.raises(InputError) as refusal:
        evidence(excel(sheets))
    message = str(refusal.value)
    assert words in message
    assert message.startswith("t.xlsx")
    assert ";" in message
    assert message.isprintable()


@pytest.mark.parametrize("cells", ["A2:A3", "D1:E1", "B3:C9"])
def test_merged_cells_in_the_table_are_refused(cells):
    with pytest.raises(InputError, match=f"sheet 'S', cells {cells}: merged cells are not read; unmerge them and fill"):
        evidence(merged(cells))


def test_another_sheet_may_be_as_wide_as_it_likes():
    assert len(evidence(excel({"A": ROWS, "B": [(f"c{i}" for i in range(1001))]})).studies) == 2


def test_merged_cells_below_the_table_do_not_matter():
    assert len(evidence(merged("A9:E12")).studies) == 2


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("entry", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_entities_are_refused(entry):
    data = excel({"S": ROWS})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        xml = archive.read(entry)
    body = xml[xml.index(b"?>") + 2 :] if xml.startswith(b"<?xml") else xml
    with pytest.raises(InputError, match="not readable as an Excel workbook") as refusal:
        evidence(edited(data, entry, xml, BOMB + body))
    causes, error = [], refusal.value
    while error is not None:
        causes.append(type(error).__name__)
        error = error.__context__
    assert "EntitiesForbidden" in causes


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'<row r="3">', b'<row r="1048576">', "more than 100,000 rows or 1,000 columns; delete"),
        (b'r="E3"', b'r="XFD3"', "more than 100,000 rows or 1,000 columns; delete"),
        (b'<dimension ref="A1:E3"', b'<dimension ref="A1:XFD1048576"', ""),
        (b"</sheetData>", b"", "not readable as an Excel workbook"),
    ],
)
def test_a_sheet_that_claims_to_be_huge_or_is_damaged(old, new, words):
    data = edited(excel({"S": ROWS}), "xl/worksheets/sheet1.xml", old, new)
    if not words:
        assert len(evidence(data).studies) == 2
        return
    with pytest.raises(InputError, match=words):
        evidence(data)


def test_an_old_workbook_is_refused():
    with pytest.raises(InputError, match=r"t.xls: an old Excel workbook \(.xls\) is not read; save it as .xlsx"):
        read_sources(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), Path("t.xls"))


def test_openpyxl_guards_its_xml():
    assert openpyxl.DEFUSEDXML
    assert reader.MAX_ROWS == 100_000


@pytest.mark.slow
def test_thousands_of_rows(tmp_path):
    rows = [HEADER, *((f"trial {i}", 1, 5, 0, 5) for i in range(5_000))]
    assert evidence(excel({"S": rows})).n_participants == 50_000
