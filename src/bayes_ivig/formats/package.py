"""Cochrane data packages (.zip): the CSV files offered with a Cochrane review as its statistical data.

Source: Cochrane, "Data package specification" (version 1, and its successor since September 2024), RevMan Knowledge
Base. The folder "...-analysis-data" holds "...-data-rows.csv", "...-overall-estimates-and-settings.csv" and
"...-subgroup-estimates.csv"; an export from RevMan Web has them in a further archive, "...-data.zip". Numbers that
do not apply are 0 or empty, "#N/A" where a setting does not. "GIV Mean" and "GIV SE" are on the log scale where
"Log-scale data" is true; Mean, CI start and CI end are as printed, ratios as ratios. Names are matched without regard
to case.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from bayes_ivig.errors import InputError
from bayes_ivig.formats.archive import opened
from bayes_ivig.formats.review_outcome import COLUMNS, DataRow, Result, ReviewOutcome, from_o_e, sources, total
from bayes_ivig.formats.source import Source
from bayes_ivig.tabular import read_table, shown

_ROWS, _OVERALL, _SUBGROUPS = "data-rows.csv", "overall-estimates-and-settings.csv", "subgroup-estimates.csv"
_FIELDS = {
    "events_t": "experimental cases",
    "n_t": "experimental n",
    "events_c": "control cases",
    "n_c": "control n",
    "mean_t": "experimental mean",
    "sd_t": "experimental sd",
    "mean_c": "control mean",
    "sd_c": "control sd",
    "y": "giv mean",
    "se": "giv se",
}
_NEEDED = {
    _ROWS: ("analysis group", "analysis number", "study"),
    _OVERALL: ("analysis group", "analysis number", "data type", "effect measure"),
    _SUBGROUPS: ("analysis group", "analysis number", "subgroup"),
}


@dataclass(frozen=True)
class _Line:
    """One line of a file of the package, its columns in small letters."""

    line: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        text = self.cells.get(column, "")
        return "" if text == "#N/A" else text

    @property
    def analysis(self) -> str:
        return f"{self.get('analysis group')}.{self.get('analysis number')}"


def read_package(data: bytes, name: str, sha256: str) -> tuple[Source, ...]:
    """Return every outcome with data of a Cochrane data package, subgroups after their outcome.

    Raises
    ------
    InputError
        Not an archive within bounds, not a package of an intervention review, a file of it that is not a table
        with the columns it needs, or no outcome with data.
    """
    tables = {ending: _lines(file, ending, name) for ending, file in _files(data, name).items()}
    rows: dict[str, list[_Line]] = {}
    for line in tables[_ROWS]:
        rows.setdefault(line.analysis, []).append(line)
    groups: dict[str, list[_Line]] = {}
    for line in tables.get(_SUBGROUPS, ()):
        groups.setdefault(line.analysis, []).append(line)
    found: list[Source] = []
    for settings in tables[_OVERALL]:
        if of_it := rows.pop(settings.analysis, []):
            outcome = _outcome(settings, of_it, groups.get(settings.analysis, []), name)
            found += sources(outcome, f"{name}, {_ROWS}", sha256)
    if rows:
        raise InputError(
            f"{name}, {_ROWS}, line {next(iter(rows.values()))[0].line}: analysis {shown(next(iter(rows)))} is not in "
            f"{_OVERALL}, or there twice; download the package again"
        )
    if not found:
        raise InputError(f"{name}: no outcome of the review has data of trials; give a review with analyses")
    return tuple(found)


def _files(data: bytes, name: str) -> dict[str, bytes]:
    """The package's files by the end of their names, from the archive or the one within it."""
    inner = None
    with opened(data, name) as archive:
        files = _wanted(archive)
        if _ROWS not in files:
            entries = [e for e in archive.infolist() if e.filename.casefold().endswith("-data.zip")]
            inner = archive.read(entries[0]) if len(entries) == 1 else None
    if inner is not None:
        with opened(inner, f"{name}, the data.zip within") as archive:
            files = _wanted(archive)
    for ending in (_ROWS, _OVERALL):
        if ending not in files:
            raise InputError(
                f"{name}: the archive holds no '...-{ending}'; give the data package of a Cochrane intervention "
                "review, or an Excel workbook"
            )
    return files


def _wanted(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = {ending: e for e in archive.infolist() for ending in _NEEDED if e.filename.casefold().endswith(ending)}
    return {ending: archive.read(entry) for ending, entry in entries.items()}


def _lines(data: bytes, ending: str, name: str) -> tuple[_Line, ...]:
    if ending == _SUBGROUPS and b"\n" not in data.strip():  # a header alone: there are no subgroups
        return ()
    table = read_table(data, f"{name}, {ending}")
    names = {column: column.casefold() for column in table.header}
    for column in _NEEDED[ending]:
        if column not in names.values():
            raise InputError(
                f"{table.where(table.header_line)}: column '{column}' is missing; download the package again"
            )
    return tuple(_Line(line, {names[column]: text for column, text in cells.items()}) for line, cells in table.rows)


def _kind(settings: _Line, name: str) -> str:
    text = settings.get("data type").casefold()
    if text in ("dichotomous", "continuous"):
        return text
    if text.startswith("o-e"):
        return "o-e"
    if text.startswith(("contrast", "generic inverse", "inverse variance")):
        return "effect"
    raise InputError(
        f"{name}, {_OVERALL}, line {settings.line}, column 'Data type': '{shown(settings.get('data type'))}' is not "
        "known; known are Dichotomous, Continuous, Contrast level and O-E and variance"
    )


def _outcome(settings: _Line, rows: list[_Line], groups: list[_Line], name: str) -> ReviewOutcome:
    kind = _kind(settings, name)
    log = settings.get("log-scale data").casefold() == "true"
    results = []
    if settings.get("overall estimates").casefold() != "false":
        results.append(_result(settings, "", settings.analysis))
    if settings.get("subgroup estimates").casefold() != "false":
        results += [_result(g, g.get("subgroup"), f"{g.analysis}.{g.get('subgroup number') or '0'}") for g in groups]
    return ReviewOutcome(
        number=settings.analysis,
        title=settings.get("analysis name") or f"outcome {settings.analysis}",
        comparison=settings.get("analysis group name"),
        kind=kind,
        measure=settings.get("effect measure"),
        log=log,
        method=settings.get("statistical method"),
        model=settings.get("analysis model").casefold(),
        level=(settings.get("estimate ci") or settings.get("ci/pi level")).removesuffix("%") or "95",
        swapped=settings.get("swap event and non-event").casefold() == "true",
        treatment=settings.get("experimental group label") or settings.get("experimental intervention"),
        control=settings.get("control group label") or settings.get("control intervention"),
        unit=settings.get("unit of effect measure"),
        rows=tuple(_row(kind, row) for row in rows),
        results=tuple(result for result in results if result.estimate),
        format="Cochrane data package",
    )


def _row(kind: str, line: _Line) -> DataRow:
    if kind == "o-e":
        cells, remark = from_o_e(line.get("o-e"), line.get("variance"))
    else:
        cells, remark = {cell: line.get(_FIELDS[cell]) for cell in COLUMNS[kind]}, ""
    if kind in ("effect", "o-e"):
        cells["participants"] = total(line.get("experimental n"), line.get("control n"))
    applies = line.get("applicability").casefold()
    return DataRow(
        line.line,
        line.get("study"),
        line.get("subgroup"),
        cells,
        line.get("study year"),
        in_overall=not applies or "overall" in applies,
        in_subgroup=not applies or "subgroup" in applies,
        remark=remark,
    )


def _result(line: _Line, subgroup: str, number: str) -> Result:
    """The pooled result of an outcome or subgroup; without an estimate where the package has not calculated it."""
    calculated = line.get("ci start") != line.get("ci end")
    method = ", ".join(filter(None, (line.get("heterogeneity estimator"), line.get("ci method"))))
    more = f"Chi2 {line.get('heterogeneity chi²')}, df {line.get('heterogeneity df')}"
    more += f", tau2 {line.get('heterogeneity tau²') or '0'}{f', {method}' if method else ''}."
    return Result(
        subgroup,
        number,
        line.get("mean") if calculated else "",
        line.get("ci start"),
        line.get("ci end"),
        line.get("effect p"),
        more,
    )
