"""Two independent extractions of the same trials: where they differ, and what each difference does to the result."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bayes_ivig.columns import Columns, recognise_columns
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.formats import Source, choose_source, open_sources, split_outcome, to_evidence
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.studies import Study
from bayes_ivig.tabular import shown

WHOLE = "(whole trial)"
_SAME = 1e-9  # relative difference up to which two numbers are one: a variance and its root do not agree to the bit
_FIRST_MEASURE = {"two-arm": "OR", "means": "MD", "effect": "effect", "single-arm": "rate"}


@dataclass(frozen=True)
class Difference:
    """One cell in which A and B differ, or a trial that one of them lacks.

    `after` is A's pooled estimate with this one difference taken from B, `change` by how much it moved on the
    analysis scale (infinite where it then does not exist); None for a column that no model uses.
    """

    study: str
    column: str
    a: str
    b: str
    place_a: str
    place_b: str
    after: Estimate | None = None
    change: float | None = None
    note: str = ""

    @property
    def size(self) -> float:
        """What differences are ranked by: how far the pooled estimate moves, -1 for what no model uses."""
        return -1.0 if self.change is None else abs(self.change)


@dataclass(frozen=True)
class Comparison:
    """Two extractions: the pooled estimate of each, and every difference, the weightiest first."""

    name_a: str
    name_b: str
    evidence_a: Evidence
    evidence_b: Evidence
    pooled_a: Estimate
    pooled_b: Estimate | None
    differences: tuple[Difference, ...]
    only_in_a: tuple[str, ...]
    only_in_b: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; estimates on the natural scale, `change` on the analysis scale."""
        return {
            "a": {"file": self.name_a, "n_studies": len(self.evidence_a.studies), **_natural(self.pooled_a)},
            "b": {"file": self.name_b, "n_studies": len(self.evidence_b.studies), **_natural(self.pooled_b)},
            "kind": self.evidence_a.kind,
            "measure": self.pooled_a.measure,
            "method": self.pooled_a.label,
            "only_in_a": list(self.only_in_a),
            "only_in_b": list(self.only_in_b),
            "differences": [
                {
                    "rank": rank,
                    "study": d.study,
                    "column": d.column,
                    "a": d.a,
                    "b": d.b,
                    "place_a": d.place_a,
                    "place_b": d.place_b,
                    "used": d.change is not None,
                    **_natural(d.after),
                    "change": d.change,
                    "note": d.note,
                }
                for rank, d in enumerate(self.differences, 1)
            ],
            "notes": list(self.notes),
        }


def _natural(estimate: Estimate | None) -> dict[str, Any]:
    if estimate is None:
        return {"estimate": None, "ci": None}
    value, low, high = estimate.natural()
    return {"estimate": value, "ci": [low, high]}


@dataclass(frozen=True)
class _Extraction:
    """One file: its evidence, its table and columns, and its trials by a name that spelling does not change."""

    name: str
    source: Source
    evidence: Evidence
    columns: Columns
    order: dict[str, int]

    def study(self, key: str) -> Study:
        return self.evidence.studies[self.order[key]]

    def place(self, key: str) -> str:
        return f"{self.source.table.unit} {self.source.table.rows[self.order[key]][0]}"

    def cell(self, key: str, column: str) -> str:
        return self.evidence.rows[self.order[key]].get(column, "")

    @property
    def extra(self) -> list[str]:
        """Columns that no model uses."""
        used = {"study", *(column for layout in self.columns.layouts for column in layout.columns)}
        taken = {name for canonical, name in self.columns.names.items() if canonical in used}
        return [column for column in self.source.table.header if column not in taken]


def compare_files(a: str, b: str, likelihood: str | None = None, measure: str | None = None) -> Comparison:
    """Compare two extractions, each FILE or FILE#outcome of any format.

    Trials are matched by name, capitals and white space left out of account; numbers by value, whatever the columns
    are called. Each difference is taken from B into A, alone, and the estimate that `pool` lists first for the
    measure is computed again; where a cell cannot be exchanged alone (events above patients), its whole trial is.

    Raises
    ------
    InputError
        A file that cannot be read, files of different kinds, a name that one file has twice, or a measure without
        an estimate.
    """
    one, two = _load(a, likelihood), _load(b, likelihood)
    if one.evidence.kind != two.evidence.kind:
        raise InputError(
            f"{one.name} holds {one.evidence.kind} data, {two.name} {two.evidence.kind} data; give two files of one "
            "kind, or choose one with --model"
        )
    pooled = _first(one.evidence, measure)
    differences: list[Difference] = []
    for key in one.order:
        if key in two.order:
            differences += _cells(one, two, key, pooled)
    only_a = [key for key in one.order if key not in two.order]
    only_b = [key for key in two.order if key not in one.order]
    for key in only_a:
        rest = [s for s in one.evidence.studies if s is not one.study(key)]
        missing = Difference(one.study(key).study, WHOLE, "present", "missing", one.place(key), "")
        differences.append(_with_effect(missing, rest, pooled))
    for key in only_b:
        more = [*one.evidence.studies, two.study(key)]
        missing = Difference(two.study(key).study, WHOLE, "missing", "present", "", two.place(key))
        differences.append(_with_effect(missing, more, pooled))
    return Comparison(
        one.name,
        two.name,
        one.evidence,
        two.evidence,
        pooled,
        _again(two.evidence.studies, pooled),
        tuple(sorted(differences, key=lambda d: -d.size)),
        tuple(one.study(key).study for key in only_a),
        tuple(two.study(key).study for key in only_b),
        _notes(one, two),
    )


def _load(text: str, likelihood: str | None) -> _Extraction:
    path, outcome = split_outcome(text)
    source = choose_source(open_sources(Path(path)), outcome, shown(path.name))
    evidence = to_evidence(source, likelihood)
    order: dict[str, int] = {}
    for i, study in enumerate(evidence.studies):
        key = " ".join(study.study.casefold().split())
        if key in order:
            raise InputError(
                f"{shown(path.name)}: '{shown(evidence.studies[order[key]].study)}' and '{shown(study.study)}' differ "
                "in capitals or spaces only; give each study a name of its own"
            )
        order[key] = i
    return _Extraction(shown(path.name), source, evidence, recognise_columns(source.table, likelihood), order)


def _first(evidence: Evidence, measure: str | None) -> Estimate:
    """The estimate that `pool` lists first for the measure, among those that exist."""
    wanted = measure or evidence.measure or _FIRST_MEASURE.get(evidence.kind)
    found = pool(evidence.studies, wanted)
    for estimate in found:
        if (wanted is None or estimate.measure.split()[-1] == wanted) and math.isfinite(estimate.estimate):
            return estimate
    known = ", ".join(dict.fromkeys(e.measure.split()[-1] for e in found if math.isfinite(e.estimate)))
    raise InputError(
        f"--measure: no pooled {wanted or 'estimate'} of these trials exists; "
        + (f"give one of {known}" if known else "correct the trials first")
    )


def _again(studies: Sequence[Study], like: Estimate) -> Estimate | None:
    """The same estimate of other trials, None where it does not exist."""
    if not studies:
        return None
    same = ("method", "measure", "correction", "interval")
    # An inverse variance's correction is a statement about the tables: 'only0' where one of them has a zero.
    keys = same if like.method in ("Mantel-Haenszel", "Peto") else ("method", "measure", "interval")
    for estimate in pool(studies, like.measure):
        if all(getattr(estimate, key) == getattr(like, key) for key in keys):
            return estimate if math.isfinite(estimate.estimate) else None
    return None


def _with_effect(difference: Difference, studies: Sequence[Study], before: Estimate) -> Difference:
    after = _again(studies, before)
    change = math.inf if after is None else after.estimate - before.estimate
    note = difference.note or ("the estimate then does not exist" if after is None else "")
    return replace(difference, after=after, change=change, note=note)


def _cells(one: _Extraction, two: _Extraction, key: str, pooled: Estimate) -> list[Difference]:
    mine, other = one.study(key), two.study(key)
    places = one.place(key), two.place(key)

    def exchanged(study: Study) -> list[Study]:
        return [study if s is mine else s for s in one.evidence.studies]

    found = []
    if type(mine) is not type(other):
        whole = Difference(mine.study, WHOLE, _in_words(mine), _in_words(other), *places)
        found.append(_with_effect(whole, exchanged(_renamed(other, mine)), pooled))
    else:
        for field in fields(mine):
            value, theirs = getattr(mine, field.name), getattr(other, field.name)
            if field.name == "study" or _equal(value, theirs):
                continue
            note = ""
            try:
                study: Study = replace(mine, **{field.name: theirs})
            except InputError:
                study, note = _renamed(other, mine), "with its whole trial, which it contradicts alone"
            cell = Difference(mine.study, field.name, _word(value), _word(theirs), *places, note=note)
            found.append(_with_effect(cell, exchanged(study), pooled))
    for column in one.extra:
        if column in two.extra and one.cell(key, column) != two.cell(key, column):
            found.append(Difference(mine.study, column, one.cell(key, column), two.cell(key, column), *places))
    return found


def _renamed(study: Study, like: Study) -> Study:
    return replace(study, study=like.study)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=_SAME)
    return bool(a == b)


def _word(value: Any) -> str:
    if value is None:
        return "empty"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _in_words(study: Study) -> str:
    cells = {key: value for key, value in vars(study).items() if key != "study" and value is not None}
    return ", ".join(f"{key} {_word(value)}" for key, value in cells.items())


def _notes(one: _Extraction, two: _Extraction) -> tuple[str, ...]:
    notes = []
    for mine, other in ((one, two), (two, one)):
        alone = [column for column in mine.extra if column not in other.source.table.header]
        if alone:
            columns = ", ".join(shown(column) for column in alone)
            notes.append(f"Only {mine.name} has the columns {columns}; no model uses them.")
    return tuple(notes)
