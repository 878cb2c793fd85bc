"""What `data check` and `data compare` print."""

import math

from rich.console import Group, RenderableType
from rich.text import Text

from bayes_ivig.data_check import STATUSES, CheckedRow, SourceCheck
from bayes_ivig.data_compare import Comparison, Difference
from bayes_ivig.effects import is_ratio
from bayes_ivig.pooled import Estimate
from bayes_ivig.present import study_cells, table
from bayes_ivig.tabular import shown
from bayes_ivig.wording import number, with_interval


def check_view(name: str, checks: tuple[SourceCheck, ...]) -> RenderableType:
    """Every outcome of a file: how its columns were read, and what became of each row."""
    parts: list[RenderableType] = [Text(""), Text(f"{name}: {checks[0].source.format}", style="bold")]
    for check in checks:
        parts += _outcome(check)
    return Group(*parts)


def _outcome(check: SourceCheck) -> list[RenderableType]:
    source = check.source
    parts: list[RenderableType] = [Text("")]
    if source.number:
        parts.append(Text(f"{source.number} {source.title}   (#{source.outcome})", style="bold"))
    if check.refusal:
        return [*parts, Text(f"REFUSED: {check.refusal}", style="bold red")]
    measure = f", {source.measure}" if source.measure else ""
    tally = ", ".join(f"{n} {status}" for status, n in check.counts.items() if n)
    parts.append(Text(f"{check.kind} data{measure}, read for the {check.likelihood} model: {tally}"))
    said = [(shown(c.name), c.read_as or "-", c.note) for c in check.columns if c.note]
    if said and not source.number:
        parts.append(table("Columns", ("column", "read as", ""), said, numeric_from=3))
    rows = [_row(row) for row in check.rows]
    parts.append(table("", ("place", "study", "treatment", "control", "status", "why"), rows, numeric_from=6))
    parts += [Text(f"Note: {note}") for note in check.notes]
    if source.published:
        results = [p for p in source.published if p.measure != "p"]
        parts += [
            Text(f"Published: {p.label}: {p.measure} {p.estimate}" + (f" ({p.ci[0]} to {p.ci[1]})" if p.ci else ""))
            for p in results
        ]
    return parts


def _row(row: CheckedRow) -> tuple[str, ...]:
    t, c = study_cells(row.data) if row.data else ("", "")
    status = row.status.upper() if row.status == STATUSES[-1] else row.status
    return row.place, shown(row.study), t, c, status, row.why


def compare_view(comparison: Comparison) -> RenderableType:
    """Both pooled results, and every difference with what it alone would do, the weightiest first."""
    c = comparison
    pooled = [
        (name, str(len(evidence.studies)), _estimate(estimate))
        for name, evidence, estimate in (
            (f"A: {c.name_a}", c.evidence_a, c.pooled_a),
            (f"B: {c.name_b}", c.evidence_b, c.pooled_b),
        )
    ]
    parts: list[RenderableType] = [
        Text(""),
        table(c.pooled_a.label, ("extraction", "trials", "estimate (95% interval)"), pooled),
    ]
    if not c.differences:
        parts.append(Text("The two extractions agree in every cell that both have."))
    else:
        rows = [(str(rank), *_difference(d)) for rank, d in enumerate(c.differences, 1)]
        scale = " (log)" if is_ratio(c.pooled_a.measure.split()[-1]) else ""
        header = ("", "trial", "column", "A", "B", "A with B's cell", f"moves by{scale}", "")
        many = "1 difference" if len(rows) == 1 else f"{len(rows)} differences, the one to settle first above"
        parts.append(table(many, header, rows, numeric_from=8))
    parts += [Text(f"Note: {note}") for note in c.notes]
    return Group(*parts)


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "does not exist"
    value, low, high = estimate.natural()
    return with_interval(value, (low, high))


def _difference(d: Difference) -> tuple[str, ...]:
    a, b = (
        f"{shown(cell) or 'empty'} ({place})" if place else shown(cell)
        for cell, place in ((d.a, d.place_a), (d.b, d.place_b))
    )
    if d.change is None:
        return shown(d.study), shown(d.column), a, b, "unchanged", "", "no model uses it"
    moved = "-" if math.isinf(d.change) else number(d.change)
    return shown(d.study), shown(d.column), a, b, _estimate(d.after), moved, d.note
