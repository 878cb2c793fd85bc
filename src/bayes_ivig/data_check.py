"""What was understood of a file, row by row, before anything is computed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayes_ivig.choices import DEFAULT_LIKELIHOOD
from bayes_ivig.columns import ALIASES, Columns, recognise_columns
from bayes_ivig.errors import InputError
from bayes_ivig.formats import Source, choose_source, open_sources
from bayes_ivig.rows import Row, read_rows
from bayes_ivig.studies import Paired, PairedMargins, SingleArm, Study, TwoArm
from bayes_ivig.tabular import Table, shown

STATUSES = ("used", "changed", "uninformative", "left out", "refused")


@dataclass(frozen=True)
class CheckedColumn:
    """A column of the file: what it is read as, empty where it is kept and not used."""

    name: str
    read_as: str
    note: str


@dataclass(frozen=True)
class CheckedRow:
    """A row of the file: what became of it (one of `STATUSES`), why, and the trial that was understood."""

    place: str
    study: str
    status: str
    why: str
    data: Study | None = None


@dataclass(frozen=True)
class SourceCheck:
    """One outcome of a file; `refusal` says why none of its rows could be read (columns of no known kind, say)."""

    source: Source
    kind: str
    likelihood: str
    columns: tuple[CheckedColumn, ...]
    rows: tuple[CheckedRow, ...]
    notes: tuple[str, ...]
    refusal: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Rows of each status."""
        return {status: sum(row.status == status for row in self.rows) for status in STATUSES}

    @property
    def refused(self) -> int:
        """How many rows cannot be read as they stand; all of them where the columns are refused."""
        return len(self.source.table.rows) if self.refusal else self.counts["refused"]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "outcome": self.source.outcome,
            "number": self.source.number or None,
            "title": self.source.title,
            "format": self.source.format,
            "kind": self.kind or None,
            "likelihood": self.likelihood or None,
            "measure": self.source.measure,
            "refusal": self.refusal or None,
            "counts": self.counts,
            "columns": [{"name": c.name, "read_as": c.read_as or None, "note": c.note} for c in self.columns],
            "rows": [
                {
                    "place": row.place,
                    "study": row.study,
                    "status": row.status,
                    "why": row.why,
                    "data": {k: v for k, v in vars(row.data).items() if k != "study"} if row.data else None,
                }
                for row in self.rows
            ],
            "notes": list(self.notes),
        }


def check_file(path: Path, likelihood: str | None = None, outcome: str | None = None) -> tuple[SourceCheck, ...]:
    """Read a file without computing anything: one check an outcome, or that of the outcome asked for.

    Parameters
    ----------
    path
        A file of any format.
    likelihood
        The model that would be fitted; by default that of the kind of data.
    outcome
        Name or number of one outcome; by default every one, subgroups left away.

    Raises
    ------
    InputError
        The file as a whole cannot be read, or has no such outcome; rows and columns that are refused are reported.
    """
    sources = open_sources(path)
    if outcome is not None:
        chosen: tuple[Source, ...] = (choose_source(sources, outcome, shown(path.name)),)
    else:
        chosen = tuple(source for source in sources if not source.is_subgroup)
    return tuple(check_source(source, likelihood) for source in chosen)


def check_source(source: Source, likelihood: str | None = None) -> SourceCheck:
    """Read every row of one outcome; what is refused is reported, never raised."""
    left_out = tuple(CheckedRow(f"line {r.line}", r.name, "left out", r.why) for r in source.left_out)
    try:
        columns = recognise_columns(source.table, likelihood)
    except InputError as error:
        return SourceCheck(source, "", "", (), left_out, source.notes, str(error))
    kind = columns.layouts[0].make.kind
    likelihood = likelihood or DEFAULT_LIKELIHOOD[kind]
    rows = [
        _checked(row, source.table, source.changed.get(i, ""), likelihood)
        for i, row in enumerate(read_rows(source.table, columns))
    ]
    notes = (*source.notes, columns.note) if columns.note else source.notes
    return SourceCheck(source, kind, likelihood, _columns(source, columns), (*rows, *left_out), notes)


def _checked(row: Row, table: Table, changed: str, likelihood: str) -> CheckedRow:
    place = f"{table.unit} {row.line}"
    if row.study is None:
        # The report says where the row is, beside the reason.
        why = row.refusal.removeprefix(table.where(row.line)).removeprefix(f" ({shown(row.name)})")
        return CheckedRow(place, row.name, "refused", why.removeprefix(", "))
    said = [text for text in (changed, *row.remarks) if text]
    if poor := uninformative(row.study, likelihood):
        return CheckedRow(place, row.name, "uninformative", "; ".join([poor, *said]), row.study)
    if added := _corrected(row.study, likelihood):
        said.append(added)
    return CheckedRow(place, row.name, "changed" if said else "used", "; ".join(said), row.study)


def uninformative(study: Study, likelihood: str) -> str:
    """Say why a trial tells little or nothing about the effect under a likelihood; empty where it does."""
    match study:
        case TwoArm() if study.n_t == 0 or study.n_c == 0:
            kept = "left out of the effect" if likelihood == "normal" else "kept, but it cannot compare the treatments"
            return f"an arm has no patients: {kept}"
        case TwoArm() if study.events_t + study.events_c in (0, study.n_t + study.n_c):
            what = "no events in either arm" if study.events_t == 0 else "only events in both arms"
            if likelihood == "conditional":
                return f"{what}: carries no information in this model"
            if likelihood == "normal":
                return f"{what}: 0.5 is added to all cells"
            return f"{what}: kept without correction, and tells little about the effect"
        case Paired() if study.n_pairs == 0 and not (study.n_t and study.n_c):
            return "no pairs: it cannot compare the treatments"
        case Paired() if study.n_t + study.n_c == 0 and study.t_only + study.c_only == 0:
            return "no discordant pair: kept, but the conditional odds ratio takes nothing from it"
        case PairedMargins() if study.n_pairs == 0:
            return "no pairs: it cannot compare the treatments"
        case SingleArm() if study.n == 0:
            return "no patients: it tells nothing about the rate"
        case _:
            return ""


def _corrected(study: Study, likelihood: str) -> str:
    if likelihood != "normal" or not isinstance(study, TwoArm):
        return ""
    cells = (study.events_t, study.n_t - study.events_t, study.events_c, study.n_c - study.events_c)
    return "a cell is zero: 0.5 is added to all cells" if 0 in cells else ""


def _columns(source: Source, columns: Columns) -> tuple[CheckedColumn, ...]:
    used = {"study", *(column for layout in columns.layouts for column in layout.columns)}
    meaning = {name: canonical for canonical, name in columns.names.items()}
    checked = []
    for name in source.table.header:
        canonical = meaning.get(name, "")
        if canonical not in used:
            checked.append(CheckedColumn(name, "", "extra column, kept and not used"))
        elif name == canonical:
            checked.append(CheckedColumn(name, canonical, ""))
        else:
            of = " (metafor)" if name in ALIASES[canonical][1:] or canonical == "variance" else ""
            checked.append(CheckedColumn(name, canonical, f"another name of {canonical}{of}"))
    return tuple(checked)
