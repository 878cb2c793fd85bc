"""From the rows of a table to trials: one reading, whether a row is then used or reported."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bayes_ivig.columns import MARGINS, MEASURED, Columns, Layout
from bayes_ivig.errors import InputError
from bayes_ivig.studies import Effect, Paired, PairedMargins, Study
from bayes_ivig.tabular import Table, has_decimal_comma, read_number, shown

_ROUNDING = 0.05  # relative difference of a printed standard error and variance that rounding may make


@dataclass(frozen=True)
class Row:
    """What became of one row: its trial, or the sentence that refuses it.

    `remarks` say what was read otherwise than it stands (a decimal comma, a variance).
    """

    line: int
    name: str
    cells: Mapping[str, str]
    study: Study | None = None
    refusal: str = ""
    remarks: tuple[str, ...] = ()


def read_rows(table: Table, columns: Columns) -> Iterator[Row]:
    """Read every row of a table whose columns are recognised; a row that is no trial says why, and reading goes on."""
    comma = _has_comma(table, columns)
    column = columns.names["study"]
    seen: dict[str, int] = {}
    for line, cells in table.rows:
        name = cells[column]
        try:
            if not name:
                raise InputError(f"{table.where(line)}, column '{column}': the study has no name; give it one")
            if name in seen:
                raise InputError(
                    f"{table.where(line)}, column '{column}': '{shown(name)}' is on {table.unit} {seen[name]} "
                    "already; give each study a name of its own"
                )
            seen[name] = line
            study = _read_row(cells, columns, f"{table.where(line)} ({shown(name)})", comma)
        except InputError as error:
            yield Row(line, name, cells, refusal=str(error))
        else:
            yield Row(line, name, cells, study, remarks=_remarks(study, cells, columns, comma))


def _has_comma(table: Table, columns: Columns) -> bool:
    """Whether numbers have a decimal comma: only where the cells are not separated by commas themselves."""
    if table.separator not in (";", "\t"):
        return False
    used = _numbers_used(columns)
    return any(has_decimal_comma(cells[name]) for _, cells in table.rows for name in used)


def _numbers_used(columns: Columns) -> tuple[str, ...]:
    wanted = dict.fromkeys(column for layout in columns.layouts for column in layout.columns)
    return tuple(columns.names[column] for column in wanted if column in columns.names)


def _remarks(study: Study, cells: Mapping[str, str], columns: Columns, comma: bool) -> tuple[str, ...]:
    remarks = []
    if comma and (read := [cells[name] for name in _numbers_used(columns) if has_decimal_comma(cells[name])]):
        remarks.append(f"decimal comma read: {' and '.join(map(shown, read))}")
    if isinstance(study, Effect) and not cells.get(columns.names.get("se", ""), ""):
        remarks.append(f"standard error {study.se:g}, the root of the variance")
    return tuple(remarks)


def _read_row(row: Mapping[str, str], columns: Columns, where: str, comma: bool) -> Study:
    """Make the study of one row: a crossover file may mix full tables with margins, an effect have se or vi."""
    shared = set.intersection(*(set(layout.required) for layout in columns.layouts))
    filled = [
        layout
        for layout in columns.layouts
        if any(row[columns.names[column]] for column in layout.required if column not in shared)
    ] or [columns.layouts[0]]
    study = _make_study(filled[0], row, columns.names, where, comma)
    for layout in filled[1:]:
        _refuse_contradiction(study, _make_study(layout, row, columns.names, where, comma), where)
    used = {column for layout in filled for column in layout.columns}
    for column in (column for layout in columns.layouts for column in layout.columns if column not in used):
        if row.get(columns.names.get(column, ""), "") not in ("", "0"):
            raise InputError(
                f"{where}, column '{columns.names[column]}': '{shown(row[columns.names[column]])}' cannot be used with "
                "margins alone; give the four cells too, or leave it empty"
            )
    return study


def _make_study(layout: Layout, row: Mapping[str, str], names: Mapping[str, str], where: str, comma: bool) -> Study:
    values: dict[str, float] = {}
    for column in layout.columns:
        text = row[names[column]] if column in names else ""
        if not text:
            if column in layout.required:
                raise InputError(
                    f"{where}, column '{names[column]}': the value is missing; fill it in or delete the row"
                )
            continue
        count = column not in MEASURED
        try:
            value = read_number(text, count=count, comma=comma)
        except ValueError as reason:
            raise InputError(f"{where}, column '{names[column]}': '{shown(text)}' {reason}; correct the cell") from None
        values[column] = int(value) if count else value
    if "variance" in values:
        variance = values.pop("variance")
        if variance <= 0:
            raise InputError(
                f"{where}, column '{names['variance']}': {variance:g} is not allowed; a variance must be above 0"
            )
        values["se"] = math.sqrt(variance)
    try:
        study: Study = layout.make(row[names["study"]], **values)
    except InputError as error:
        # A study knows its columns by their canonical names, the reader by those in the file.
        message = re.sub(r"'(\w+)'", lambda found: f"'{names.get(found[1], found[1])}'", str(error))
        raise InputError(f"{where}, {message}") from None
    return study


def _refuse_contradiction(study: Study, other: Any, where: str) -> None:
    """Refuse a row whose margins are not those of its own cells, or whose variance is not that of its se."""
    if isinstance(study, Paired) and isinstance(other, PairedMargins):
        cells = (study.both + study.t_only, study.both + study.c_only, study.n_pairs)
        given = (other.margins_t, other.margins_c, other.n_pairs)
        for column, from_cells, value in zip(MARGINS, cells, given, strict=True):
            if from_cells != value:
                raise InputError(
                    f"{where}, column '{column}': {value} contradicts the four cells, which give {from_cells}; "
                    "correct one, or leave the margins empty"
                )
    elif isinstance(study, Effect) and not math.isclose(study.se, other.se, rel_tol=_ROUNDING):
        raise InputError(
            f"{where}, column 'vi': {other.se**2:g} contradicts the standard error {study.se:g}; "
            "correct one, or leave one empty"
        )
