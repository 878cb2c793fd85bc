"""The reviews of a folder of files, or of one long table with a column `review`, one at a time.

Only as much is held as one review needs. In a table whose rows are not sorted by review, more is: the rows of every
review that has begun and not ended.
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import read_file
from bayes_ivig.formats import SUFFIXES, read_sources
from bayes_ivig.tabular import SEPARATORS, Table, make_table, read_table, shown

COLUMN = "review"
CHUNK = 64  # reviews that are sent, answered and kept together
_CHUNK_BYTES = 8 * 2**20
_HEAD = 2**16
_NOT_TEXT = (b"PK", b"<", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True)
class RawReview:
    """One review as it was found: the bytes of its file, or its rows of a long table."""

    name: str
    place: str
    data: bytes = b""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[int, tuple[str, ...]], ...] = ()
    separator: str = ","
    header_line: int = 1
    problem: str = ""

    @cached_property
    def digest(self) -> str:
        """Hash of all that is in it."""
        content = repr((self.name, self.place, self.header, self.rows, self.separator, self.header_line, self.problem))
        return hashlib.sha256(content.encode("utf-8", "surrogateescape") + self.data).hexdigest()

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.data) + 40 * len(self.rows) * len(self.header)

    def table(self) -> Table:
        """The rows as a table of their own; raises InputError where they are none."""
        return make_table(self.place, self.header_line, self.header, self.rows, separator=self.separator)


@dataclass(frozen=True)
class Chunk:
    """Reviews that are answered together, in their order."""

    number: int
    reviews: tuple[RawReview, ...]

    @cached_property
    def digest(self) -> str:
        """Hash of all reviews in it."""
        return hashlib.sha256("".join(review.digest for review in self.reviews).encode()).hexdigest()


def count_reviews(path: Path) -> int:
    """Number of reviews, or of files that may hold one or several.

    Raises
    ------
    InputError
        There is no such folder or file, or nothing in it.
    """
    if path.is_dir():
        n = len(_files(path))
        if not n:
            raise InputError(f"{path}: holds no file of trials; allowed endings are {', '.join(SUFFIXES)}")
        return n
    if (counts := _count_rows(path)) is None:
        return 1 if _is_text(path) else len(_sources(path))
    return len(counts)


def read_reviews(path: Path) -> Iterator[RawReview]:
    """Yield every review, in the order of the files' names or of the table."""
    if path.is_dir():
        for file in _files(path):
            name = file.relative_to(path).as_posix()
            try:
                yield RawReview(_without_suffix(name), name, read_file(file))
            except InputError as error:
                yield RawReview(_without_suffix(name), name, problem=str(error))
    elif (counts := _count_rows(path)) is not None:
        yield from _gather(_long_rows(path), counts)
    elif _is_text(path):
        yield RawReview(path.stem, path.name, read_file(path))
    else:
        yield from _sources(path)


def make_chunks(reviews: Iterable[RawReview]) -> Iterator[Chunk]:
    """Cut a stream of reviews, always in the same places."""
    held: list[RawReview] = []
    number = 0
    for review in reviews:
        held.append(review)
        if len(held) == CHUNK or sum(r.size for r in held) > _CHUNK_BYTES:
            yield Chunk(number, tuple(held))
            number, held = number + 1, []
    if held:
        yield Chunk(number, tuple(held))


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.casefold() in SUFFIXES and path.is_file())
    return sorted(path for path in found if not any(p.startswith((".", "~$")) for p in path.relative_to(folder).parts))


def _without_suffix(name: str) -> str:
    return name.rpartition(".")[0] or name


def _is_text(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return not file.read(64).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(_NOT_TEXT)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}); give a folder, or a file of reviews") from None


def _sources(path: Path) -> list[RawReview]:
    """The reviews of a file that is no text: a workbook with a review column, or every outcome of a package."""
    sources = [source for source in read_sources(read_file(path), path) if not source.is_subgroup]
    if len(sources) == 1 and COLUMN in sources[0].table.header:
        table = sources[0].table
        rows = [(line, tuple(cells.values())) for line, cells in table.rows]
        place = table.header.index(COLUMN)
        counts = Counter(cells[place] for _, cells in rows)
        return list(_gather(((table.name, table.header, table.header_line, ",", row) for row in rows), counts))
    return [RawReview(path.stem, path.name, read_file(path))]


type _LongRow = tuple[str, tuple[str, ...], int, str, tuple[int, tuple[str, ...]]]


def _long_rows(path: Path) -> Iterator[_LongRow]:
    """File name, header, its line, separator and a row, for every row of a long text table."""
    header, line, separator, encoding = _header(path)
    with path.open(encoding=encoding, newline="", errors="surrogateescape") as file:
        reader = csv.reader(file, delimiter=separator)
        try:
            before = 0
            for cells in reader:
                here, before = before + 1, reader.line_num
                if here > line and any(cell.strip() for cell in cells):
                    yield shown(path.name), header, line, separator, (here, tuple(cell.strip() for cell in cells))
        except csv.Error as error:
            raise InputError(f"{path.name}, line {reader.line_num}: not readable as a table ({error})") from None


def _header(path: Path) -> tuple[tuple[str, ...], int, str, str]:
    """Header, its line, the separator and the encoding, by the rules for any table, from the first lines alone."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head.decode("utf-16" if utf16 else "utf-8-sig", "surrogateescape" if not utf16 else "replace")
    lines = text.splitlines(keepends=True)
    number = next((i for i, line in enumerate(lines) if line.strip(" ,;\t\n\r")), 0)
    first = lines[number] if lines else ""
    # A row of its own length, so that the header is judged as that of any table is.
    separator = max(SEPARATORS, key=lambda sign: "".join(first.split('"')[::2]).count(sign))
    cells = next(csv.reader([first], delimiter=separator), [])
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator).writerow(["1"] * len(cells))
    table = read_table((first.rstrip("\r\n") + "\n" + buffer.getvalue()).encode("utf-8", "surrogateescape"), path.name)
    return table.header, number + 1, table.separator, "utf-16" if utf16 else "utf-8-sig"


def _count_rows(path: Path) -> Counter[str] | None:
    """Rows of each review of a long text table; None for any other file."""
    if not _is_text(path) or COLUMN not in _header(path)[0]:
        return None
    counts: Counter[str] = Counter()
    for _, header, _, _, (_, cells) in _long_rows(path):
        place = header.index(COLUMN)
        counts[cells[place] if place < len(cells) else ""] += 1
    if not counts:
        raise InputError(f"{path.name}: there is a header but no trial; give one line a trial")
    return counts


def _gather(rows: Iterable[_LongRow], counts: Counter[str]) -> Iterator[RawReview]:
    """Yield each review once its last row has come."""
    begun: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for file, header, header_line, separator, (line, cells) in rows:
        place = header.index(COLUMN)
        name = cells[place] if place < len(cells) else ""
        own = begun.setdefault(name, [])
        # A row of the wrong length is refused with its review, and its review column cannot be cut out.
        fits = len(cells) == len(header)
        own.append((line, (*cells[:place], *cells[place + 1 :]) if fits else cells))
        if len(own) == counts[name]:
            rest = (*header[:place], *header[place + 1 :])
            problem = "" if name else f"{file}, line {line}, column '{COLUMN}': the review has no name; give it one"
            yield RawReview(name, file, b"", rest, tuple(begun.pop(name)), separator, header_line, problem)
