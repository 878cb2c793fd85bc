"""What `data show` and `priors show` print: evidence with its sources, and priors with their citations."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.named_priors import find_named_prior, resolve_prior
from bayes_ivig.present import table
from bayes_ivig.reproduction import load_published
from bayes_ivig.reviews import Review, load_evidence
from bayes_ivig.studies import Paired, Study
from bayes_ivig.wording import interval, number

# Columns that hold sentences; they are printed below the table, not in it.
_PROSE = ("year", "design", "definition", "note", "source", "status")


def _table(evidence: Evidence) -> RenderableType:
    """Every column of the file that is not prose, as it stands there."""
    columns = [column for column in evidence.rows[0] if column not in _PROSE]
    rows = [[row[column] for column in columns] for row in evidence.rows]
    header = [column.replace("_", " ") for column in columns]  # so that long names wrap
    return table(f"{evidence.title} ({evidence.kind} data)", header, rows, numeric_from=len(header))


def _bullets(title: str, lines: list[str]) -> list[RenderableType]:
    """A heading and one hanging paragraph a line; nothing where there is no line."""
    if not lines:
        return []
    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row(Text("  -"), Text(line))
    return [Text(title, style="bold"), grid, Text("")]


def _remark(row: Mapping[str, str]) -> str:
    status = f" ({row['status']}, {row['source']})" if row.get("status") else f" ({row['source']})"
    return f"{row['study']}{status}: {row.get('note', '')}"


def _row_in_words(study: Study) -> str:
    """A reading's numbers by the names of their columns, without what is empty."""
    unused = (
        ("study", "events_t", "n_t", "events_c", "n_c") if isinstance(study, Paired) and not study.n_t else ("study",)
    )
    cells = {key: value for key, value in vars(study).items() if key not in unused and value is not None}
    return ", ".join(f"{key} {value}" for key, value in cells.items())


def file_view(evidence: Evidence) -> RenderableType:
    """What was understood of a user's file."""
    kept = list(evidence.rows[0])
    return Group(_table(evidence), Text(f"Columns: {', '.join(kept)}"), *_bullets("Notes", list(evidence.notes)))


def evidence_view(review: Review, outcome: str) -> RenderableType:
    """One outcome of a shipped review: trials, definitions, sources, readings, published results, faults."""
    parts: list[RenderableType] = [
        Text(""),
        Text(f"{review.title}: {review.edition}", style="bold"),
        Text(""),
    ]
    sources: list[str] = []
    for likelihood in ("binomial", "crossover", "normal", "single-arm"):
        try:
            evidence = load_evidence(review, outcome, likelihood)
        except InputError:
            if outcome not in review.tables:
                raise
            continue  # this outcome has no such data
        if likelihood == "normal" and evidence.kind == "two-arm":
            continue
        parts.append(_table(evidence))
        parts += _bullets("Design", [f"{row['study']}: {row['design']}." for row in evidence.rows])
        counted = [f"{row['study']}: {row['definition']}" for row in evidence.rows if row.get("definition")]
        parts += _bullets("What was counted", counted)
        parts += _bullets("Remarks", [_remark(row) for row in evidence.rows if row.get("note") or row.get("status")])
        readings = [
            f"{r.name}: {r.study.study} read as {_row_in_words(r.study)} ({r.status}). {r.note}"
            for r in evidence.readings
        ]
        parts += _bullets("Other readings", readings)
        sources += [row["source"] for row in evidence.rows] + [r.source for r in evidence.readings]
    entry = review.tables[outcome]
    parts += _bullets("Notes", list(entry.get("notes", ())))
    published = [
        f"{p.label}: {p.text}, expected to be {p.expected}. {p.reason}".rstrip()
        for p in load_published(review, outcome)
    ]
    parts += _bullets("Published results", published)
    sources += [p["source"] for p in entry.get("published", ())]
    cited = [
        f"{key}: {review.sources[key]['citation']} Seen: {review.sources[key]['seen']}."
        for key in dict.fromkeys(sources)
    ]
    parts += _bullets("Sources", cited)
    parts += _bullets("Known faults of the published record", list(review.faults))
    return Group(*parts)


def prior_view(name: str) -> RenderableType:
    """A prior's density, median and 95% range, and where it comes from if it has a name."""
    prior = resolve_prior(name, where="priors show")
    low, median, high = (float(x) for x in prior.ppf([0.025, 0.5, 0.975]))
    lines = [("density", prior.text), ("median", number(median)), ("95% range", interval(low, high))]
    if "(" not in name:
        named = find_named_prior(name)
        lines = [
            ("name", named.name),
            ("parameter", f"{named.target}, on the scale of the {named.scale}"),
            *lines,
        ]
        lines += [
            ("outcome type", named.outcome_type),
            ("comparison", named.comparison),
            ("area", named.area),
        ]
        lines += [
            ("citation", named.citation),
            ("DOI", named.doi),
            ("confidence", named.confidence),
            ("note", named.note),
        ]
    return table("", ("", ""), [(key, value) for key, value in lines if value], numeric_from=2)
