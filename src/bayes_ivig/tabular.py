"""From the bytes of a comma-separated file to cells, and from a cell to a number.

Reading is strict: what could mean two things is refused, in one sentence that says where and what to do.
"""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass

from bayes_ivig.errors import InputError

MAX_COLUMNS = 1000
MAX_COUNT = 10**9
_LONGEST_SHOWN = 60  # characters of a cell that an error repeats
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Table:
    """A header and the rows below it, each with the number of the line it begins on."""

    name: str
    header_line: int
    header: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]


def shown(text: str) -> str:
    """Return `text` as an error can repeat it: shortened, on one line, control characters spelled out."""
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_LONGEST_SHOWN])
    return safe + ("..." if len(text) > _LONGEST_SHOWN else "")


def read_table(data: bytes, name: str) -> Table:
    """Read comma-separated UTF-8 text with a header; cells are stripped of white space, empty lines left out.

    Parameters
    ----------
    data
        The file's bytes. A byte order mark and any line ends are accepted.
    name
        How error messages call the file.

    Raises
    ------
    InputError
        Not UTF-8 text, not comma-separated, no header, no rows, duplicate or empty column names, rows of the
        wrong length.
    """
    lines = _read_lines(_decode(data, name), name)
    if not lines:
        raise InputError(f"{name}: the file is empty; give a header line and one line a trial")
    header_line, header = lines[0]
    _check_header(header, f"{name}, line {header_line}")
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise InputError(
                f"{name}, line {line}: {len(cells)} cells found where the header has {len(header)} columns; "
                "give each column its cell, and quote cells that contain a comma"
            )
    if len(lines) == 1:
        raise InputError(f"{name}: there is a header but no trial; give one line a trial")
    rows = tuple((line, dict(zip(header, cells, strict=True))) for line, cells in lines[1:])
    return Table(name, header_line, tuple(header), rows)


def read_number(text: str, *, count: bool) -> float:
    """Return the number in `text`, a whole one where it is a count.

    Raises ValueError with the reason: not a number, not finite, or not a count.
    """
    try:
        # float() also takes 1_000 and the digits of every script, which are more likely slips than meant.
        if "_" in text or not text.isascii():
            raise ValueError
        value = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    if count and value != int(value):
        raise ValueError("is not a whole number, and a count is 0, 1, 2, ...")
    if count and value > MAX_COUNT:
        raise ValueError(f"is above {MAX_COUNT:,}, the largest count accepted")
    return value


def _decode(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place, found = error.start, f"byte 0x{data[error.start]:02x} is not UTF-8"
    else:
        place, found = data.find(b"\0"), "a NUL byte is not"
    if place >= 0:
        line = data.count(b"\n", 0, place) + 1
        raise InputError(f"{name}, line {line}: {found} text; save the file as comma-separated UTF-8")
    return text


def _read_lines(text: str, name: str) -> list[tuple[int, list[str]]]:
    """Line number and stripped cells of every line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if any(cells):
                lines.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{name}, line {line}: not readable as comma-separated text ({error}); check its quotation marks"
        ) from None
    return lines


def _check_header(header: list[str], where: str) -> None:
    other = next((word for sign, word in _OTHER_SEPARATORS.items() if sign in header[0]), None)
    if len(header) == 1 and other:
        raise InputError(
            f"{where}: the columns are separated by {other}; save the file with commas, "
            "and with a point as the decimal sign"
        )
    if len(header) > MAX_COLUMNS:
        raise InputError(
            f"{where}: {len(header)} columns found, at most {MAX_COLUMNS} are read; check that this is the right file"
        )
    for i, column in enumerate(header):
        if not column:
            raise InputError(f"{where}: column {i + 1} has no name; name it or delete it")
        if column in header[:i]:
            raise InputError(f"{where}: column '{shown(column)}' appears more than once; keep one")
