"""What `data show` and `priors show` print: evidence with its sources, and priors with their citations."""

import textwrap

from rich.console import Group, RenderableType
from rich.text import Text

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.named_priors import find_named_prior, resolve_prior
from bayes_ivig.present import study_cells, table
from bayes_ivig.reviews import Review, load_evidence
from bayes_ivig.wording import interval, number

# Columns that hold sentences; they are printed below the table, not in it.
_PROSE = ("definition", "note", "source")


def _table(evidence: Evidence) -> RenderableType:
    """Every column of the file that is not prose, as it stands there."""
    header = [column for column in evidence.rows[0] if column not in _PROSE]
    rows = [[row[column] for column in header] for row in evidence.rows]
    return table(f"{evidence.title} ({evidence.kind} data)", header, rows, numeric_from=len(header))


def _bullets(title: str, lines: list[str]) -> list[RenderableType]:
    if not lines:
        return []
    wrapped = [textwrap.fill(line, 100, initial_indent="  - ", subsequent_indent="    ") for line in lines]
    return [Text(title, style="bold"), *(Text(line) for line in wrapped), Text("")]


def file_view(evidence: Evidence) -> RenderableType:
    """What was understood of a user's file."""
    kept = list(evidence.rows[0])
    return Group(
        _table(evidence), Text(f"Columns: {', '.join(kept)}"), *_bullets("Notes", list(evidence.notes))
    )


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
        by_trial = {
            f"{row['study']}: {row[key]}" for row in evidence.rows for key in ("definition",) if row.get(key)
        }
        parts += _bullets("What was counted", sorted(by_trial))
        parts += _bullets(
            "Remarks", [f"{row['study']}: {row['note']}" for row in evidence.rows if row.get("note")]
        )
        readings = [
            f"{r.name}: {r.study.study} {' v '.join(x for x in study_cells(r.study) if x)} ({r.status}). {r.note}"
            for r in evidence.readings
        ]
        parts += _bullets("Other readings", readings)
        sources += [row["source"] for row in evidence.rows] + [r.source for r in evidence.readings]
    entry = review.tables[outcome]
    parts += _bullets("Notes", list(entry.get("notes", ())))
    published = [
        f"{p['label']}: {p['measure']} {p['estimate']}"
        + (f" ({p['ci'][0]} to {p['ci'][1]})" if "ci" in p else "")
        + f", expected to be {p['expected']}. {p.get('reason', '')}".rstrip()
        for p in entry.get("published", ())
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
