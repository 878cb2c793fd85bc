"""What a report is made of, whatever it is written as: sections of paragraphs, lists, tables, figures and fields.

Every text is plain text. The page escapes it, Markdown quotes it, Word takes it as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `tone` is "", "lead" (large), "note" (small) or "alarm" (a failed check)."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list under a heading of its own, if it has one; `ids` are anchors of the items."""

    items: tuple[str, ...]
    title: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Code:
    """Text to be copied as it stands, such as a command."""

    text: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table: text, where it links to on the page, and what a reader may fill in.

    `field` is "" or the label of an empty field; `choices` make it a list to choose from; `live` names the quantity
    that the page's script writes here (the text stands where it does not run).
    """

    text: str
    link: str = ""
    field: str = ""
    choices: tuple[str, ...] = ()
    live: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first column heads each row. Columns from `numeric_from` on are numbers."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric_from: int = 99
    note: str = ""

    def __post_init__(self) -> None:
        """Check that every row is as long as the header."""
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"table '{self.caption}': a row of {len(row)} cells under {len(self.header)} headings")


@dataclass(frozen=True)
class Picture:
    """A static figure: its SVG as drawn, what it shows in words, a caption; `png` for formats without SVG."""

    name: str
    svg: str
    alt: str
    caption: str
    png: bytes = b""


@dataclass(frozen=True)
class People:
    """Two arrays of 100 people: how many of them have the event, under each treatment."""

    labels: tuple[str, ...]
    counts: tuple[float, ...]
    event: str


@dataclass(frozen=True)
class Live:
    """Where the page puts what can be moved; formats without scripts say that the page has it."""

    text: str


Block = Paragraph | Bullets | Code | Table | Picture | People | Live


@dataclass(frozen=True)
class Section:
    """A part of the report with its anchor."""

    id: str
    title: str
    blocks: tuple[Block, ...] = ()
    parts: tuple["Section", ...] = field(default_factory=tuple)


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str | Cell]], **more: object) -> Table:
    """Make a table of texts and cells."""
    cells = tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)
    return Table(caption, tuple(header), cells, **more)  # type: ignore[arg-type]
