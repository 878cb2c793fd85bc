"""The evidence of one outcome: each trial as it was read, its sources, other readings, known faults."""

from collections.abc import Mapping

from bayes_ivig.page.blocks import Block, Bullets, Cell, Paragraph, Section, Table
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.reviews import Review
from bayes_ivig.studies import Study

_PROSE = ("definition", "note", "source", "status", "status_t", "status_c", "design")
_LONGEST = 40  # characters: a longer cell is a remark and no column


def evidence_section(outcome: Outcome, review: Review | None) -> Section:
    """Make the section of one outcome's evidence."""
    evidence = outcome.evidence
    blocks: list[Block] = []
    if evidence.definition:
        blocks.append(Paragraph(evidence.definition))
    if evidence.rows:
        blocks.append(_table(outcome))
    blocks += _bullets("What was counted, design, source and status", [_remark(row, review) for row in evidence.rows])
    blocks += _bullets(
        "Other readings of these trials",
        [
            f"{r.name}: {r.study.study} read as {_in_words(r.study)} ({r.status}, {_cited(r.source, review)}). {r.note}"
            for r in evidence.readings
        ],
    )
    if not evidence.readings:
        blocks.append(Paragraph("Other readings of these trials: none is recorded.", "note"))
    blocks += _bullets("Notes", list(outcome.fit["notes"]))
    if review is not None:
        concerned = [i for i, fault in enumerate(review.faults, 1) if _concerns(fault, outcome)]
        if concerned:
            numbers = ", ".join(map(str, concerned))
            blocks.append(
                Paragraph(f"Faults of the published record that concern these trials: {numbers} (see the list).")
            )
    blocks.append(Paragraph(f"SHA-256 of the data: {evidence.sha256}", "note"))
    return Section(f"{outcome.id}-evidence", "Evidence", tuple(blocks))


def record_section(review: Review) -> Section:
    """Return the review's own section: its citation, the faults of the published record, every source."""
    faults = tuple(review.faults)
    sources = tuple(
        f"{key}: {source['citation']} Seen: {source['seen']}. Confidence: {source['confidence']}."
        + (f" DOI {source['doi']}." if source.get("doi") else "")
        for key, source in review.sources.items()
    )
    blocks: list[Block] = [Paragraph(f"{review.citation} Edition: {review.edition}.")]
    if faults:
        ids = tuple(f"fault-{i}" for i in range(1, len(faults) + 1))
        numbered = tuple(f"{i}. {fault}" for i, fault in enumerate(faults, 1))
        blocks.append(Bullets(numbered, "Known faults of the published record", ids))
    blocks += _bullets("Sources", list(sources))
    return Section("record", "The published review", tuple(blocks))


def _table(outcome: Outcome) -> Table:
    rows = outcome.evidence.rows
    columns = [
        column
        for column in rows[0]
        if column not in _PROSE
        and any(row[column] for row in rows)
        and max(len(row[column]) for row in rows) <= _LONGEST
    ]
    if not columns:
        columns = [next(iter(rows[0]))]
    name = columns[0]
    first = [name, *(c for c in columns if c != name)]
    kind = outcome.evidence.kind
    return Table(
        f"Trials ({kind} data)",
        tuple(column.replace("_", " ") for column in first),
        tuple(tuple(Cell(row[column]) for column in first) for row in rows),
        1,
    )


def _remark(row: Mapping[str, str], review: Review | None) -> str:
    long = [f"{key}: {value}" for key, value in row.items() if key not in _PROSE and len(value) > _LONGEST]
    status = row.get("status") or ", ".join(
        f"{arm} {row[key]}" for arm, key in (("T", "status_t"), ("C", "status_c")) if row.get(key)
    )
    parts = [
        row.get("definition", ""),
        f"Design: {row['design']}." if row.get("design") else "",
        f"Source: {_cited(row['source'], review)}." if row.get("source") else "",
        f"Status: {status}." if status else "",
        row.get("note", ""),
        *long,
    ]
    name = row.get("study") or next(iter(row.values()))
    text = " ".join(part for part in parts if part)
    return f"{name}. {text}" if text else ""


def _cited(key: str, review: Review | None) -> str:
    """Return the source's key with the year and first author that the citation begins with."""
    if review is None or key not in review.sources:
        return key
    citation = review.sources[key]["citation"]
    return f"{key} ({citation.split('.')[0][:60]})"


def _concerns(fault: str, outcome: Outcome) -> bool:
    names = [study.study for study in outcome.evidence.studies]
    return any(name in fault for name in names)


def _in_words(study: Study) -> str:
    cells = {key: value for key, value in vars(study).items() if key != "study" and value is not None}
    return ", ".join(f"{key} {value}" for key, value in cells.items())


def _bullets(title: str, lines: list[str]) -> list[Block]:
    kept = tuple(line for line in lines if line)
    return [Bullets(kept, title)] if kept else []
