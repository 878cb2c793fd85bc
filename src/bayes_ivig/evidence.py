"""What is known about one outcome: its trials, where they come from, and which way is good.

A user's comma-separated file becomes an `Evidence` here; shipped reviews (`reviews.py`) end in the same value.
"""

import csv
import hashlib
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, Study, TwoArm

NAME = re.compile(r"[a-z0-9-]+")
MAX_COUNT = 10**9

# Canonical column -> the names accepted for it (R's metafor names second).
ALIASES: Mapping[str, tuple[str, ...]] = {
    "study": ("study", "slab"),
    "events_t": ("events_t", "ai"),
    "n_t": ("n_t", "n1i"),
    "events_c": ("events_c", "ci"),
    "n_c": ("n_c", "n2i"),
    "participants": ("participants",),
    "both": ("both",),
    "t_only": ("t_only",),
    "c_only": ("c_only",),
    "neither": ("neither",),
    "started_t": ("started_t",),
    "started_c": ("started_c",),
    "margins_t": ("margins_t",),
    "margins_c": ("margins_c",),
    "n_pairs": ("n_pairs",),
    "y": ("y", "yi"),
    "se": ("se", "sei"),
    "variance": ("vi",),
    "mean_t": ("mean_t", "m1i"),
    "sd_t": ("sd_t", "sd1i"),
    "mean_c": ("mean_c", "m2i"),
    "sd_c": ("sd_c", "sd2i"),
    "events": ("events", "xi"),
    "n": ("n", "ni"),
}


@dataclass(frozen=True)
class _Layout:
    """One way to lay out one kind of data: the columns it needs and those it may have."""

    make: type[Any]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return self.required + self.optional


_ARMS = ("events_t", "n_t", "events_c", "n_c")
_CELLS = ("both", "t_only", "c_only", "neither")
_MARGINS = ("margins_t", "margins_c", "n_pairs")
# In the order in which they win when a file has the columns of several kinds: counts before effects.
_LAYOUTS = (
    _Layout(Paired, _CELLS, (*_ARMS, "started_t", "started_c")),
    _Layout(PairedMargins, _MARGINS),
    _Layout(TwoArm, _ARMS, ("participants",)),
    _Layout(SingleArm, ("events", "n")),
    _Layout(Means, ("mean_t", "sd_t", "n_t", "mean_c", "sd_c", "n_c"), ("participants",)),
    _Layout(Effect, ("y", "se"), ("participants",)),
    _Layout(Effect, ("y", "variance"), ("participants",)),
)
# The kinds of data each likelihood can use, the most direct first.
KINDS_OF_LIKELIHOOD: Mapping[str, tuple[str, ...]] = {
    "binomial": ("two-arm",),
    "conditional": ("two-arm",),
    "crossover": ("crossover",),
    "normal": ("effect", "means", "two-arm"),
    "single-arm": ("single-arm",),
}


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
    file; `notes` are sentences for the reader.
    """

    review: str
    outcome: str
    studies: tuple[Study, ...]
    title: str = ""
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
        """Check names, uniqueness of studies and that all are of one kind."""
        if not self.studies:
            raise InputError(f"{self.outcome}: there are no trials; give at least one row of data")
        names = [study.study for study in self.studies]
        for name in names:
            if names.count(name) > 1:
                raise InputError(
                    f"{self.outcome}: study '{name}' appears more than once; give each a name of its own"
                )
        if len({study.kind for study in self.studies}) > 1:
            raise InputError(
                f"{self.outcome}: the rows are of different kinds; put each kind in a file of its own"
            )
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


def read_table(data: bytes, name: str) -> list[tuple[int, dict[str, str]]]:
    """Read comma-separated UTF-8 text into (line number, column -> cell), cells stripped of white space.

    Raises
    ------
    InputError
        Unreadable encoding, no header, duplicate or empty column names, rows of the wrong length.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: byte {error.start} is not UTF-8 text; save the file as comma-separated UTF-8"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise InputError(
            f"{name}, line {reader.line_num}: not readable as comma-separated text ({error})"
        ) from None
    if not lines:
        raise InputError(f"{name}: the file is empty; give a header line and one line a trial")
    header = lines[0][1]
    for column in header:
        if not column:
            raise InputError(f"{name}, line {lines[0][0]}: a column has no name; name it or delete it")
        if header.count(column) > 1:
            raise InputError(
                f"{name}, line {lines[0][0]}: column '{column}' appears more than once; keep one"
            )
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise InputError(
                f"{name}, line {line}: {len(cells)} cells found where the header has {len(header)} columns; "
                "quote cells that contain a comma"
            )
    return [(line, dict(zip(header, cells, strict=True))) for line, cells in lines[1:]]


def _number(text: str, count: bool) -> float:
    """Return the number in `text`; ValueError with the reason where it is none, or not a count."""
    try:
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


def _make_study(layout: _Layout, row: Mapping[str, str], names: Mapping[str, str], where: str) -> Study:
    values: dict[str, float] = {}
    for column in layout.columns:
        text = row[names[column]] if column in names else ""
        if not text:
            if column in layout.required:
                raise InputError(
                    f"{where}, column '{names[column]}': the value is missing; fill it in or delete the row"
                )
            continue
        is_count = column not in ("y", "se", "variance") and not column.startswith(("mean_", "sd_"))
        try:
            value = _number(text, is_count)
        except ValueError as reason:
            raise InputError(
                f"{where}, column '{names[column]}': '{text}' {reason}; correct the cell"
            ) from None
        values[column] = int(value) if is_count else value
    if "variance" in values:
        variance = values.pop("variance")
        if variance <= 0:
            raise InputError(
                f"{where}, column '{names['variance']}': {variance:g} is not allowed; it must be above 0"
            )
        values["se"] = math.sqrt(variance)
    try:
        return layout.make(row[names["study"]], **values)
    except InputError as error:
        raise InputError(f"{where}, {error}") from None


def _canonical_names(header: Sequence[str], name: str) -> dict[str, str]:
    """Map each canonical column that is present to the name it has in this file."""
    names: dict[str, str] = {}
    for canonical, accepted in ALIASES.items():
        present = [column for column in header if column in accepted]
        if len(present) > 1:
            raise InputError(f"{name}: columns '{present[0]}' and '{present[1]}' mean the same; keep one")
        if present:
            names[canonical] = present[0]
    return names


def _choose_layouts(
    names: Mapping[str, str], header: Sequence[str], likelihood: str | None, name: str
) -> tuple[list[_Layout], str]:
    """Return the layouts of the one kind to read, and a note where other kinds were there too."""
    present: list[_Layout] = []
    for layout in _LAYOUTS:
        # The arms of a paired table belong to it and are no second kind of data.
        part_of_another = any(set(layout.required) <= set(other.columns) for other in present)
        if all(column in names for column in layout.required) and not part_of_another:
            present.append(layout)
    kinds = list(dict.fromkeys(layout.make.kind for layout in present))
    if not kinds:
        known = [alias for accepted in ALIASES.values() for alias in accepted]
        unknown = [column for column in header if column not in known]
        hint = next(
            (
                f"; column '{column}' is unknown{near}"
                for column in unknown
                if (near := nearest(column, known))
            ),
            "",
        )
        raise InputError(
            f"{name}: the columns {', '.join(header)} are of no known kind of data{hint}; give for instance "
            "study, events_t, n_t, events_c, n_c (see 'bayes-ivig fit --help')"
        )
    wanted = KINDS_OF_LIKELIHOOD[likelihood] if likelihood else tuple(kinds)
    kind = next((kind for kind in wanted if kind in kinds), None)
    if kind is None:
        raise InputError(
            f"{name}: the {likelihood} model needs {' or '.join(wanted)} data, but the file holds {' and '.join(kinds)} data"
        )
    note = ""
    if len(kinds) > 1:
        others = [other for other in kinds if other != kind]
        chosen = f"--model {likelihood}" if likelihood else "counts come before effects"
        note = f"The file holds {' and '.join(kinds)} data; {kind} data are used ({chosen}), {', '.join(others)} are not."
    return [layout for layout in present if layout.make.kind == kind], note


def _refuse_misspelt(
    header: Sequence[str], names: Mapping[str, str], layouts: Sequence[_Layout], name: str
) -> None:
    """Refuse an extra column that is nearly the name of an optional column this kind could have used."""
    absent = [
        alias
        for layout in layouts
        for column in layout.optional
        if column not in names
        for alias in ALIASES[column]
    ]
    known = {alias for accepted in ALIASES.values() for alias in accepted}
    for column in header:
        folded = column.casefold().replace(" ", "_").replace("-", "_")
        if column not in known and folded in {alias.casefold() for alias in absent}:
            raise InputError(f"{name}: column '{column}' is unknown{nearest(folded, absent)}")


def _refuse_contradiction(study: Study, margins: Study, where: str) -> None:
    """Refuse a row whose margins are not those of its own cells."""
    if isinstance(study, Paired) and isinstance(margins, PairedMargins):
        cells = (study.both + study.t_only, study.both + study.c_only, study.n_pairs)
        given = (margins.margins_t, margins.margins_c, margins.n_pairs)
        for column, from_cells, value in zip(_MARGINS, cells, given, strict=True):
            if from_cells != value:
                raise InputError(
                    f"{where}, column '{column}': {value} contradicts the four cells, which give {from_cells}; "
                    "correct one, or leave the margins empty"
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
    if not table:
        raise InputError(f"{name}: there is a header but no trial; give one line a trial")
    header = list(table[0][1])
    names = _canonical_names(header, name)
    if "study" not in names:
        raise InputError(
            f"{name}: column 'study' is missing{nearest('study', header)}; give each trial a name"
        )
    layouts, note = _choose_layouts(names, header, likelihood, name)
    _refuse_misspelt(header, names, layouts, name)
    studies: list[Study] = []
    seen: dict[str, int] = {}
    for line, row in table:
        study = row[names["study"]]
        where = f"{name}, line {line}"
        if not study:
            raise InputError(f"{where}, column '{names['study']}': the study has no name; give it one")
        if study in seen:
            raise InputError(
                f"{where}, column '{names['study']}': '{study}' is on line {seen[study]} already; "
                "give each study a name of its own"
            )
        seen[study] = line
        # A crossover file may mix full tables with margins: the first layout with a filled cell is meant.
        filled = [x for x in layouts if any(row[names[column]] for column in x.required)] or layouts
        made = _make_study(filled[0], row, names, f"{where} ({study})")
        for layout in filled[1:]:
            _refuse_contradiction(made, _make_study(layout, row, names, where), where)
        studies.append(made)
    return tuple(studies), tuple(row for _, row in table), (note,) if note else ()


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
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    studies, rows, notes = parse_studies(data, path.name, likelihood)
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
