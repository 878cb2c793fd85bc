"""Excel workbooks (.xlsx), read with openpyxl as values: the sheet that holds the trials becomes a table."""

import datetime
import io
import os
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bayes_ivig.columns import recognise_columns
from bayes_ivig.errors import InputError
from bayes_ivig.formats.archive import opened
from bayes_ivig.tabular import MAX_COLUMNS, Table, make_table, shown
from bayes_ivig.wording import listing

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

MAX_ROWS = 100_000
_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*[\"']([A-Za-z]{1,3})(\d{1,7}):([A-Za-z]{1,3})(\d{1,7})[\"']"
)


def read_excel(data: bytes, name: str) -> Table:
    """Return the table of the only sheet with the columns of a kind of data.

    The first row that is not empty is the header; empty rows and columns are left out. Formulas give their stored
    values. openpyxl refuses entities in the XML where defusedxml is installed, which this package requires.

    Raises
    ------
    InputError
        Not a workbook within bounds, no sheet or several with the columns needed, merged cells within the table.
    """
    with opened(data, name):
        sheets = _sheets(data, name)
    if len(sheets) == 1:
        sheet = next(iter(sheets.values()))
        if isinstance(sheet, InputError):
            raise sheet
        return sheet
    usable = {title: sheet for title, sheet in sheets.items() if isinstance(sheet, Table) and _is_data(sheet)}
    if len(usable) == 1:
        return next(iter(usable.values()))
    found = listing([f"'{shown(title)}'" for title in usable or sheets])
    if usable:
        raise InputError(f"{name}: sheets {found} all hold trials; save the one to use as a file of its own")
    first = next((sheet for sheet in sheets.values() if isinstance(sheet, InputError)), None)
    why = f" ({first})" if first is not None and len(str(first)) < 300 else ""
    raise InputError(
        f"{name}: none of the sheets {found} has the columns of a kind of data{why}; give for instance study, "
        "events_t, n_t, events_c, n_c"
    )


def _is_data(table: Table) -> bool:
    try:
        recognise_columns(table)
    except InputError:
        return False
    return True


def _sheets(data: bytes, name: str) -> dict[str, Table | InputError]:
    """The table of every worksheet, or why it is none."""
    # With lxml (which writing Word files brings) openpyxl would not go through defusedxml.
    os.environ["OPENPYXL_LXML"] = "False"
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not matter here
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            archive: zipfile.ZipFile = book._archive  # the only way from a sheet to its XML, where merged cells stand
            tables: dict[str, Table | InputError] = {}
            for sheet in book.worksheets:
                try:
                    tables[sheet.title] = _table(sheet, archive, f"{name}, sheet '{shown(sheet.title)}'")
                except InputError as error:
                    tables[sheet.title] = error
    except InputError:
        raise
    except Exception as error:  # a damaged workbook may break openpyxl anywhere
        raise InputError(
            f"{name}: not readable as an Excel workbook ({type(error).__name__}: {shown(str(error))}); save it again "
            "as .xlsx"
        ) from None
    if not tables:
        raise InputError(f"{name}: the workbook has no worksheet; give one with the trials in a table")
    return tables


def _table(sheet: "ReadOnlyWorksheet", archive: zipfile.ZipFile, where: str) -> Table:
    rows = list(_rows(sheet, where))
    if not rows:
        raise InputError(f"{where}: the sheet is empty; give a header row and one row a trial")
    width = max(len(cells) for _, cells in rows)
    full = [(number, [*cells, *[""] * (width - len(cells))]) for number, cells in rows]
    kept = [i for i in range(width) if any(cells[i] for _, cells in full)]
    _refuse_merged(archive.read(sheet._worksheet_path), full[0][0], full[-1][0], where)
    (header_row, header), *trials = [(number, [cells[i] for i in kept]) for number, cells in full]
    return make_table(where, header_row, header, trials, unit="row")


def _rows(sheet: "ReadOnlyWorksheet", where: str) -> Iterator[tuple[int, list[str]]]:
    """Number and texts of every row that is not empty, without the empty cells at its end."""
    sheet.reset_dimensions()  # what the file says of its size need not be so
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > MAX_ROWS or len(values) > MAX_COLUMNS:
            raise InputError(
                f"{where}, row {number}: more than {MAX_ROWS:,} rows or {MAX_COLUMNS:,} columns; delete what lies "
                "outside the table"
            )
        cells = [_text(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _text(value: object) -> str:
    """A cell as text from which the same number is read back; a date looks like one, and is no number."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value).strip()


def _refuse_merged(xml: bytes, first: int, last: int, where: str) -> None:
    """Refuse cells merged within the table: all but the first of them would read as empty."""
    for left, top, right, bottom in _MERGED.findall(xml):
        if int(top) <= last and int(bottom) >= first:
            cells = f"{left.decode()}{int(top)}:{right.decode()}{int(bottom)}"
            raise InputError(f"{where}, cells {cells}: merged cells are not read; unmerge them and fill in every row")
