"""What is known about one outcome: its trials, where they come from, and which way is good.

A user's comma-separated file becomes an `Evidence` here; shipped reviews (`reviews.py`) end in the same value.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bayes_ivig.columns import MARGINS, MEASURED, Columns, Layout, recognise_columns
from bayes_ivig.errors import InputError
from bayes_ivig.studies import Effect, Paired, PairedMargins, Study
from bayes_ivig.tabular import read_number, read_table, shown

NAME = re.compile(r"[a-z0-9-]+")
_ROUNDING = 0.05  # relative difference of a printed standard error and variance that rounding may make


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
    """Load a user's file as the evidence of one outcome.

    Parameters
    ----------
    path
        Comma-separated UTF-8 file with the columns of one kind of data.
    likelihood
        Decides between kinds where the file has columns for several.
    benefit
        Direction of the effect that favours the treatment: "higher", "lower" or None (unknown).

    Raises
    ------
    InputError
        Unreadable or invalid file.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}); give the path of a comma-separated file") from None
    studies, rows, notes = parse_studies(data, shown(path.name), likelihood)
    outcome = re.sub(r"[^a-z0-9]+", "-", path.stem.casefold()).strip("-") or "outcome"
    return Evidence(
        review="user",
        outcome=outcome,
        studies=studies,
        title=path.stem,
        benefit=benefit,
        notes=notes,
        rows=rows,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def parse_studies(
    data: bytes, name: str, likelihood: str | None = None
) -> tuple[tuple[Study, ...], tuple[Mapping[str, str], ...], tuple[str, ...]]:
    """Parse one file's trials.

    Parameters
    ----------
    data
        The file's bytes: comma-separated UTF-8 text with a header.
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
    table = read_table(data, name)
    columns = recognise_columns(table, likelihood)
    column = columns.names["study"]
    studies: list[Study] = []
    seen: dict[str, int] = {}
    for line, row in table.rows:
        study = row[column]
        where = f"{name}, line {line}"
        if not study:
            raise InputError(f"{where}, column '{column}': the study has no name; give it one")
        if study in seen:
            raise InputError(
                f"{where}, column '{column}': '{shown(study)}' is on line {seen[study]} already; "
                "give each study a name of its own"
            )
        seen[study] = line
        studies.append(_read_row(row, columns, f"{where} ({shown(study)})"))
    return tuple(studies), tuple(row for _, row in table.rows), (columns.note,) if columns.note else ()


def _read_row(row: Mapping[str, str], columns: Columns, where: str) -> Study:
    """Make the study of one row: a crossover file may mix full tables with margins, an effect have se or vi."""
    shared = set.intersection(*(set(layout.required) for layout in columns.layouts))
    filled = [
        layout
        for layout in columns.layouts
        if any(row[columns.names[column]] for column in layout.required if column not in shared)
    ] or [columns.layouts[0]]
    study = _make_study(filled[0], row, columns.names, where)
    for layout in filled[1:]:
        _refuse_contradiction(study, _make_study(layout, row, columns.names, where), where)
    used = {column for layout in filled for column in layout.columns}
    for column in (column for layout in columns.layouts for column in layout.columns if column not in used):
        if row.get(columns.names.get(column, ""), "") not in ("", "0"):
            raise InputError(
                f"{where}, column '{columns.names[column]}': '{shown(row[columns.names[column]])}' cannot be used with "
                "margins alone; give the four cells too, or leave it empty"
            )
    return study


def _make_study(layout: Layout, row: Mapping[str, str], names: Mapping[str, str], where: str) -> Study:
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
            value = read_number(text, count=count)
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
