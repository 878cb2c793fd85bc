"""From the bytes of a text table to cells, and from a cell to a number.

Reading is strict: what could mean two things is refused, in one sentence that says where and what to do.
"""

import codecs
import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bayes_ivig.errors import InputError

MAX_COLUMNS = 1000
MAX_COUNT = 10**9
MAX_SIZE = 1e30  # of a measurement, and its inverse the smallest: squares of squares of these stay finite
_LONGEST_SHOWN = 60  # characters of a cell that an error repeats
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Table:
    """A header and the rows below it, each with the number of the line it begins on.

    `unit` is what these numbers count ("line", or "row" of a sheet); `separator` the sign between the cells
    where the table was text.
    """

    name: str
    header_line: int
    header: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]
    unit: str = "line"
    separator: str = ""

    def where(self, line: int) -> str:
        """Say where a line is, as error messages begin."""
        return f"{self.name}, {self.unit} {line}"


def shown(text: str) -> str:
    """Return `text` as an error can repeat it: shortened, on one line, control characters spelled out."""
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_LONGEST_SHOWN])
    return safe + ("..." if len(text) > _LONGEST_SHOWN else "")


def read_table(data: bytes, name: str) -> Table:
    """Read text with a header, its cells separated by commas, semicolons or tabs; the header decides which.

    Cells are stripped of white space, empty lines left out.

    Parameters
    ----------
    data
        The file's bytes: UTF-8, or UTF-16 with a byte order mark. Any line ends are accepted.
    name
        How error messages call the file.

    Raises
    ------
    InputError
        Not such text, a header that two separators split alike, no header, no rows, duplicate or empty column
        names, rows of the wrong length.
    """
    text = _decode(data, name)
    separator = _separator(text, name)
    lines = _read_lines(text, separator, name)
    if not lines:
        raise InputError(f"{name}: the file is empty; give a header line and one line a trial")
    (header_line, header), *rows = lines
    return make_table(name, header_line, header, rows, separator=separator)


def make_table(
    name: str,
    header_line: int,
    header: Sequence[str],
    rows: Sequence[tuple[int, Sequence[str]]],
    *,
    unit: str = "line",
    separator: str = "",
) -> Table:
    """Return the table of these cells; raise InputError where header and rows do not make one."""
    table = Table(name, header_line, tuple(header), (), unit, separator)
    _check_header(table.header, table.where(header_line))
    for line, cells in rows:
        if len(cells) != len(header):
            sign = {";": "semicolon", "\t": "tab"}.get(separator, "comma")
            raise InputError(
                f"{table.where(line)}: {len(cells)} cells found where the header has {len(header)} columns; "
                f"give each column its cell, and quote cells that contain a {sign}"
            )
    if not rows:
        raise InputError(f"{name}: there is a header but no trial; give one {unit} a trial")
    return replace(table, rows=tuple((line, dict(zip(header, cells, strict=True))) for line, cells in rows))


def has_decimal_comma(text: str) -> bool:
    """Whether a cell is a number written with a decimal comma, such as 0,5."""
    return "," in text and _DECIMAL_COMMA.fullmatch(text) is not None


def read_number(text: str, *, count: bool, comma: bool = False) -> float:
    """Return the number in `text`, a whole one where it is a count; `comma` is the decimal sign if set.

    Raises ValueError with the reason: not a number, the other decimal sign, not finite, or not a count.
    """
    if comma and "." in text:
        raise ValueError("has a point where other numbers of the file have a decimal comma")
    if comma and has_decimal_comma(text):
        text = text.replace(",", ".")
    elif has_decimal_comma(text):
        raise ValueError("is not a number here: a comma is a decimal sign only in text separated by semicolons or tabs")
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
    if not count and value and not 1 / MAX_SIZE <= abs(value) <= MAX_SIZE:
        raise ValueError(f"is not between {1 / MAX_SIZE:g} and {MAX_SIZE:g} in size, nor 0")
    if count and value > MAX_COUNT:
        raise ValueError(f"is above {MAX_COUNT:,}, the largest count accepted")
    return value


def _decode(data: bytes, name: str) -> str:
    # A byte order mark of UTF-32 begins with that of UTF-16; its NUL bytes are refused below.
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        place = error.start
        found = "bytes that are not UTF-16" if utf16 else f"byte 0x{data[place]:02x} is not UTF-8"
        before = data.count(b"\n", 0, place)
    else:
        place = text.find("\0")
        found = "a NUL byte is not"
        before = text.count("\n", 0, max(place, 0))
    if place >= 0:
        raise InputError(f"{name}, line {before + 1}: {found} text; save the file as comma-separated UTF-8")
    return text


def _separator(text: str, name: str) -> str:
    """Return the sign that splits the first line with anything in it into the most columns."""
    lines = io.StringIO(text, newline=None)
    number, first = next(((i, line) for i, line in enumerate(lines, 1) if line.strip(" ,;\t\n\r")), (1, ""))
    columns = {sign: _count_columns(first, sign) for sign in SEPARATORS}
    most = max(columns.values())
    best = [sign for sign, n in columns.items() if n == most]
    if most > 1 and len(best) > 1:
        words = " or by ".join(SEPARATORS[sign] for sign in best)
        raise InputError(
            f"{name}, line {number}: the header can be split by {words} alike, into {most} columns; "
            "quote the column names that contain such a sign"
        )
    return best[0]


def _count_columns(line: str, separator: str) -> int:
    """Count the cells of a line, signs within quotation marks left out of account."""
    outside = "".join(line.split('"')[::2])
    return outside.count(separator) + 1


def _read_lines(text: str, separator: str, name: str) -> list[tuple[int, list[str]]]:
    """Line number and stripped cells of every line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
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
            f"{name}, line {line}: not readable as {SEPARATORS[separator][:-1]}-separated text ({error}); "
            "check its quotation marks"
        ) from None
    return lines


def _check_header(header: Sequence[str], where: str) -> None:
    if len(header) == 1 and "|" in header[0]:
        raise InputError(
            f"{where}: the columns are separated by vertical bars; save the file with commas, semicolons or tabs"
        )
    if len(header) > MAX_COLUMNS:
        raise InputError(
            f"{where}: {len(header)} columns found, at most {MAX_COLUMNS} are read; check that this is the right file"
        )
    seen: set[str] = set()
    for i, column in enumerate(header):
        if not column:
            raise InputError(f"{where}: column {i + 1} has no name; name it or delete it")
        if column in seen:
            raise InputError(f"{where}: column '{shown(column)}' appears more than once; keep one")
        seen.add(column)
