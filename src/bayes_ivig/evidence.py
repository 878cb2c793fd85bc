"""What is known about one outcome: its trials, where they come from, and which way is good.

A user's text table becomes an `Evidence` here; other files (`formats`) and shipped reviews (`reviews.py`) end in
the same value.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from bayes_ivig.columns import recognise_columns
from bayes_ivig.errors import InputError
from bayes_ivig.rows import read_rows
from bayes_ivig.studies import Study
from bayes_ivig.tabular import Table, read_table, shown

NAME = re.compile(r"[a-z0-9-]+")
MAX_BYTES = 64 * 2**20  # of a user's file


@dataclass(frozen=True)
class Reading:
    """Another way to read one trial's numbers: `study` replaces the row of the same name."""

    name: str
    study: Study
    status: str
    source: str
    note: str


@dataclass(frozen=True)
class Evidence:
    """The trials of one outcome and what is needed to interpret them.

    `benefit` is the direction of the effect (T over C) that favours the treatment, None if unknown; `role`
    says whether the outcome is a hoped-for benefit or a harm; `measure` is the scale of the data itself
    where it has one ("MD", "OR" for a log odds ratio, ...). `rows` keeps every column as it stood in the
    file; `notes` are sentences for the reader. Raises InputError where these contradict each other.
    """

    review: str
    outcome: str
    studies: tuple[Study, ...]
    title: str = ""
    edition: str = ""
    role: str = "benefit"
    benefit: str | None = None
    measure: str | None = None
    unit: str = ""
    treatment: str = "treatment"
    control: str = "control"
    definition: str = ""
    notes: tuple[str, ...] = ()
    rows: tuple[Mapping[str, str], ...] = ()
    readings: tuple[Reading, ...] = ()
    priors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sha256: str = ""

    def __post_init__(self) -> None:
        """Check the names, that studies are unique and of one kind, and that each reading is of one of them."""
        for name in (self.review, self.outcome):
            if not NAME.fullmatch(name):
                raise InputError(f"name '{shown(name)}': only a-z, 0-9 and - are allowed; give another name")
        if not self.studies:
            raise InputError(f"{self.outcome}: there are no trials; give at least one row of data")
        names: set[str] = set()
        for study in self.studies:
            if study.study in names:
                raise InputError(
                    f"{self.outcome}: study '{shown(study.study)}' appears more than once; give each a name of its own"
                )
            names.add(study.study)
        if len({study.kind for study in (*self.studies, *(r.study for r in self.readings))}) > 1:
            raise InputError(f"{self.outcome}: the rows are of different kinds; put each kind in a file of its own")
        for reading in self.readings:
            if reading.study.study not in names:
                raise InputError(
                    f"{self.outcome}: reading '{reading.name}' is of '{reading.study.study}', which is no trial here"
                )
        if self.role not in ("benefit", "harm"):
            raise InputError(f"{self.outcome}: role '{self.role}' is not allowed; choose benefit or harm")
        if self.benefit not in (None, "higher", "lower"):
            raise InputError(f"--benefit: '{self.benefit}' is not allowed; choose higher or lower")

    @property
    def kind(self) -> str:
        """two-arm, crossover, effect, means or single-arm."""
        return self.studies[0].kind

    @property
    def n_participants(self) -> int | None:
        """Patients, each counted once; None where the data do not say."""
        counts = [study.n_participants for study in self.studies]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None


def load_csv(path: Path, likelihood: str | None = None, benefit: str | None = None) -> Evidence:
    """Load a user's text table as the evidence of one outcome; `formats.load_file` takes every other file too.

    Parameters
    ----------
    path
        Text separated by commas, semicolons or tabs, with the columns of one kind of data.
    likelihood
        Decides between kinds where the file has columns for several.
    benefit
        Direction of the effect that favours the treatment: "higher", "lower" or None (unknown).

    Raises
    ------
    InputError
        Unreadable or invalid file.
    """
    data = read_file(path)
    studies, rows, notes = parse_studies(data, shown(path.name), likelihood)
    return Evidence(
        review="user",
        outcome=slug(path.stem) or "outcome",
        studies=studies,
        title=path.stem,
        benefit=benefit,
        notes=notes,
        rows=rows,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def slug(text: str) -> str:
    """Return `text` as a name may be: a-z, 0-9 and single hyphens; empty where nothing of it can stay."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")


def read_file(path: Path) -> bytes:
    """Return a file's bytes; raise InputError where it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}); give the path of a file of trials") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES:,} bytes; check that this is the right file, or split it")
    return data


def parse_studies(
    data: bytes, name: str, likelihood: str | None = None
) -> tuple[tuple[Study, ...], tuple[Mapping[str, str], ...], tuple[str, ...]]:
    """Parse one text table's trials.

    Parameters
    ----------
    data
        The file's bytes, for `tabular.read_table`.
    name
        How error messages call the file.
    likelihood
        Decides between kinds of data where the file has columns for several.

    Returns
    -------
    studies, rows, notes
        The trials; every row as it stood, extra columns included; sentences for the reader.

    Raises
    ------
    InputError
        One sentence with file, line, column, value and remedy.
    """
    return table_studies(read_table(data, name), likelihood)


def table_studies(
    table: Table, likelihood: str | None = None
) -> tuple[tuple[Study, ...], tuple[Mapping[str, str], ...], tuple[str, ...]]:
    """Return the trials of any table, as `parse_studies` does; the first row that is none is refused."""
    columns = recognise_columns(table, likelihood)
    studies: list[Study] = []
    for row in read_rows(table, columns):
        if row.study is None:
            raise InputError(row.refusal)
        studies.append(row.study)
    return tuple(studies), tuple(cells for _, cells in table.rows), (columns.note,) if columns.note else ()
