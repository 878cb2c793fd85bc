"""A user's file of trials whose counts are unknown, wholly or in part."""

from pathlib import Path

from bayes_ivig.audit.enumeration import TrialSize
from bayes_ivig.columns import ALIASES
from bayes_ivig.errors import InputError
from bayes_ivig.tabular import Table, read_number, read_table, shown


def load_sizes(path: Path) -> tuple[TrialSize, ...] | None:
    """Read trials of two arms with empty cells, or no columns at all, for the events; None where none are unknown.

    None too for a file that is no text table. Raises InputError for sizes that are no counts.
    """
    try:
        table = read_table(path.read_bytes(), shown(path.name))
    except (OSError, ValueError):  # InputError too: reading the file as trials says what is wrong with it
        return None
    names = {column: next((a for a in ALIASES[column] if a in table.header), "") for column in _COLUMNS}
    if not (names["study"] and names["n_t"] and names["n_c"]):
        return None
    if {"both", "mean_t", "m1i", "margins_t"} & set(table.header):
        return None
    cells = [row.get(names[column], "") for _, row in table.rows for column in ("events_t", "events_c")]
    if all(cells):
        return None
    return tuple(_size(table, line, names) for line in range(len(table.rows)))


_COLUMNS = ("study", "n_t", "n_c", "events_t", "events_c")


def _size(table: Table, index: int, names: dict[str, str]) -> TrialSize:
    line, row = table.rows[index]
    values: dict[str, int | None] = {}
    for column in _COLUMNS[1:]:
        text = row.get(names[column], "")
        try:
            values[column] = int(read_number(text, count=True)) if text or column in ("n_t", "n_c") else None
        except ValueError as reason:
            where = f"{table.name}, line {line}, column '{names[column]}'"
            raise InputError(f"{where}: '{shown(text)}' {reason}; correct the cell") from None
    try:
        return TrialSize(row[names["study"]], **values)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"{table.name}, line {line}: {error}") from None
