"""One outcome as a Cochrane review states it, whether from RevMan 5 or from a data package, as a table of trials.

What the columns mean is documented for the data package (Cochrane, "Data package specification", version 1 and its
successor, RevMan Knowledge Base); a RevMan 5 file has the same fields as attributes, read as R's `meta` does
(Schwarzer, `read.rm5` and `read.cdir` of meta 8).
"""

import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from bayes_ivig.evidence import slug
from bayes_ivig.formats.source import LeftOut, Source
from bayes_ivig.published import Published
from bayes_ivig.tabular import make_table
from bayes_ivig.wording import listing

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "dichotomous": ("events_t", "n_t", "events_c", "n_c"),
    "continuous": ("mean_t", "sd_t", "n_t", "mean_c", "sd_c", "n_c"),
    "effect": ("y", "se"),
    "o-e": ("y", "se"),
}
# The words of both formats for a measure, in small letters -> its name here.
MEASURES = {
    "or": "OR",
    "odds ratio": "OR",
    "odds ratio (non-event)": "OR",
    "peto_or": "OR",
    "peto odds ratio": "OR",
    "rr": "RR",
    "risk ratio": "RR",
    "rd": "RD",
    "risk difference": "RD",
    "md": "MD",
    "mean difference": "MD",
    "smd": "SMD",
    "std. mean difference": "SMD",
    "standardized mean difference": "SMD",
    "standardised mean difference": "SMD",
}
_LONGEST_NAME = 48  # characters of an outcome's name in commands and folders
_METHODS = {"MH": "Mantel-Haenszel", "IV": "inverse variance", "PETO": "Peto", "EXP_O_E_VAR": "exp((O-E)/V)"}
_ALLOWED = {
    "dichotomous": ("OR", "RR"),
    "continuous": ("MD", "SMD"),
    "effect": ("OR", "RR", "MD", "SMD"),
    "o-e": ("OR",),
}


@dataclass(frozen=True)
class DataRow:
    """The numbers of one trial in one subgroup ("" for none), as text under the names of `COLUMNS`."""

    line: int
    study: str
    subgroup: str
    cells: Mapping[str, str]
    year: str = ""
    in_overall: bool = True
    in_subgroup: bool = True
    remark: str = ""


@dataclass(frozen=True)
class Result:
    """A pooled result that the file carries, on the scale that is printed; `subgroup` is "" for the overall one."""

    subgroup: str
    number: str
    estimate: str
    low: str
    high: str
    p: str = ""
    more: str = ""


@dataclass(frozen=True)
class ReviewOutcome:
    """An outcome ("analysis") of a review; `kind` is a key of `COLUMNS`, `level` the percentage of the intervals."""

    number: str
    title: str
    comparison: str
    kind: str
    measure: str
    log: bool
    method: str
    model: str
    level: str
    swapped: bool
    treatment: str
    control: str
    unit: str
    rows: tuple[DataRow, ...]
    results: tuple[Result, ...]
    format: str


def sources(outcome: ReviewOutcome, file: str, sha256: str) -> tuple[Source, ...]:
    """Return the outcome as a whole, then each of its subgroups; a part without any trial is left away."""
    numbers = {result.subgroup: result.number for result in outcome.results if result.subgroup}
    groups = dict.fromkeys(row.subgroup for row in outcome.rows if row.subgroup)
    made = [_source(outcome, "", outcome.number, file, sha256)]
    for i, group in enumerate(groups, 1):
        made.append(_source(outcome, group, numbers.get(group) or f"{outcome.number}.{i}", file, sha256))
    return tuple(source for source in made if source is not None)


def _source(outcome: ReviewOutcome, group: str, number: str, file: str, sha256: str) -> Source | None:
    rows = [r for r in outcome.rows if (r.in_subgroup and r.subgroup == group if group else r.in_overall)]
    left_out = [LeftOut(row.line, row.study, why) for row in rows if (why := _no_data(outcome.kind, row.cells))]
    kept = [row for row in rows if not _no_data(outcome.kind, row.cells)]
    if not kept:
        return None
    names = _unique_names(kept)
    columns = COLUMNS[outcome.kind]
    extra = ("participants",) if any(row.cells.get("participants") for row in kept) else ()
    header = ("study", *columns, *extra, "subgroup", "year")
    cells, changed = [], {}
    for i, (row, name) in enumerate(zip(kept, names, strict=True)):
        values, said = _swap(row.cells) if outcome.swapped and outcome.kind == "dichotomous" else (row.cells, "")
        cells.append((row.line, (name, *(values.get(c, "") for c in (*columns, *extra)), row.subgroup, row.year)))
        renamed = f"one of several rows of {row.study}, named apart" if name != row.study else ""
        if what := "; ".join(filter(None, (row.remark, said, renamed))):
            changed[i] = what
    table = make_table(f"{file}, analysis {number}", min(r.line for r in kept), header, cells)
    title = f"{outcome.title}: {group}" if group else outcome.title
    measure = _measure(outcome)
    return Source(
        outcome=_name(f"{number} {group or title}"),
        title=title,
        table=table,
        format=outcome.format,
        number=number,
        subgroup=group,
        measure=measure if measure in _ALLOWED[outcome.kind] else None,
        unit=outcome.unit,
        treatment=outcome.treatment or "treatment",
        control=outcome.control or "control",
        notes=_notes(outcome, group, left_out, names, kept),
        changed=changed,
        left_out=tuple(left_out),
        published=_published(outcome, group, number, names, kept),
        sha256=sha256,
    )


def _name(text: str) -> str:
    """A name for commands and folders, cut between words where it is long."""
    name = slug(text)
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME + 1].rpartition("-")[0] or name[:_LONGEST_NAME]
    return name or "outcome"


def _measure(outcome: ReviewOutcome) -> str | None:
    """Return the measure, unless the data of a ratio were not pooled as logs."""
    measure = MEASURES.get(outcome.measure.strip().casefold())
    return None if outcome.kind == "effect" and measure in ("OR", "RR") and not outcome.log else measure


def as_float(text: str) -> float:
    """Return the number in `text`, or nan."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def from_o_e(o_e: str, variance: str) -> tuple[dict[str, str], str]:
    """Peto's log ratio (O-E)/V with its standard error 1/sqrt(V), and words that say so; V = 0 is no data."""
    difference, v = as_float(o_e), as_float(variance)
    if v > 0 and math.isfinite(y := difference / v) and (se := 1 / math.sqrt(v)) > 0:
        return {"y": repr(y), "se": repr(se)}, f"y and se from O-E {o_e} and its variance {variance}"
    return {"y": o_e, "se": "0" if v == 0 else ""}, ""


def total(one: str, two: str) -> str:
    """Patients of both arms together, where both are given and there are any."""
    n = as_float(one) + as_float(two)
    return f"{n:.0f}" if math.isfinite(n) and n > 0 else ""


def _no_data(kind: str, cells: Mapping[str, str]) -> str:
    """Say why a row cannot be estimated, as RevMan prints it; empty where it can, or where the cell is at fault."""
    value = {name: as_float(text) for name, text in cells.items()}
    if all(not text for name, text in cells.items() if name != "participants"):
        return "no data are entered"
    if kind == "dichotomous" and value["n_t"] == 0 == value["n_c"]:
        return "no patients are entered"
    if kind == "continuous":
        if value["n_t"] in (0, 1) or value["n_c"] in (0, 1):
            return "not estimable: an arm has fewer than 2 patients"
        if value["sd_t"] == 0 or value["sd_c"] == 0:
            return "not estimable: a standard deviation is 0"
    if kind in ("effect", "o-e") and value["se"] == 0:
        return "not estimable: the standard error is 0"
    return ""


def _unique_names(rows: list[DataRow]) -> list[str]:
    """Name the rows of a trial that stands in several subgroups, or several times in one, apart."""
    counts = Counter(row.study for row in rows)
    # Subgroups are often called "outcome: subgroup", each of them.
    labels = list({row.subgroup for row in rows})
    shared = os.path.commonprefix(labels).rpartition(": ")  # noqa: RUF071 (character by character is meant)
    start = len(shared[0] + shared[1])
    copies: Counter[str] = Counter()
    taken: set[str] = set()
    names = []
    for row in rows:
        label = row.subgroup[start:] or row.subgroup
        name = plain = f"{row.study} ({label})" if counts[row.study] > 1 and label else row.study
        while name in taken:
            copies[plain] += 1
            name = f"{plain} [{copies[plain] + 1}]"
        taken.add(name)
        names.append(name)
    return names


def _swap(cells: Mapping[str, str]) -> tuple[Mapping[str, str], str]:
    """Exchange events and non-events, as the review does for the analysis; unreadable cells stay for the reader."""
    swapped = dict(cells)
    for arm in ("t", "c"):
        events, n = as_float(cells[f"events_{arm}"]), as_float(cells[f"n_{arm}"])
        if math.isfinite(n - events):
            swapped[f"events_{arm}"] = f"{n - events:g}" if abs(n - events) < 1e5 else repr(n - events)
    return swapped, "events and non-events exchanged, as in the review"


def _notes(
    outcome: ReviewOutcome, group: str, left_out: list[LeftOut], names: list[str], kept: list[DataRow]
) -> tuple[str, ...]:
    measure = MEASURES.get(outcome.measure.strip().casefold())
    notes = []
    if left_out:
        rows = listing([f"{row.name} ({row.why})" for row in left_out])
        notes.append(f"Left out, as in the review: {rows}.")
    if outcome.swapped and outcome.kind == "dichotomous":
        notes.append("The review exchanges events and non-events in this analysis; so do these data.")
    repeated = sorted({row.study for row, name in zip(kept, names, strict=True) if row.study != name})
    if repeated:
        notes.append(f"Several rows each, so that patients may be counted twice: {listing(repeated)}.")
    if not group and any(row.subgroup for row in kept) and not any(not r.subgroup for r in outcome.results):
        notes.append("The review pools the subgroups apart and gives no overall result.")
    if measure == "RD":
        notes.append("The review pools risk differences; this program's models give odds or risk ratios instead.")
    if outcome.kind in ("effect", "o-e") and (measure or "RD") not in _ALLOWED[outcome.kind]:
        scale = "its logarithm" if outcome.log else "as entered"
        notes.append(f"The effect is '{outcome.measure or 'unnamed'}', {scale}; results stay on that scale.")
    return tuple(notes)


def _published(
    outcome: ReviewOutcome, group: str, number: str, names: list[str], kept: list[DataRow]
) -> tuple[Published, ...]:
    """The pooled results of this part (of the whole: those of its subgroups too); none for a measure unknown here."""
    measure = MEASURES.get(outcome.measure.strip().casefold())
    if measure is None:
        return ()
    method = ", ".join(filter(None, (_METHODS.get(outcome.method.upper(), outcome.method), outcome.model)))
    found = []
    for result in outcome.results:
        if group and result.subgroup != group:
            continue
        studies = tuple(n for n, row in zip(names, kept, strict=True) if row.subgroup == result.subgroup)
        label = f"{outcome.title}: {result.subgroup}" if result.subgroup else outcome.title
        shared = {
            "label": f"{result.number or number} {label} ({method})",
            "expected": "consistent",
            "studies": studies if result.subgroup and not group else None,
            "source": f"analysis {result.number or number} of the review",
        }
        estimate, low, high, p = (_printed(x) for x in (result.estimate, result.low, result.high, result.p))
        name = slug(result.number or number)
        if estimate is None or (result.subgroup and not studies):
            continue
        ci = (low, high) if low is not None and high is not None and as_float(outcome.level) == 95 else None
        level = "" if ci or low is None else f"The interval is at {outcome.level}%: {low} to {high}."
        note = " ".join(filter(None, (f"P = {p}." if p else "", result.more, level)))
        found.append(Published(id=name, measure=measure, estimate=estimate, ci=ci, note=note, **shared))  # type: ignore[arg-type]
        if p is not None:
            found.append(Published(id=f"{name}-p", measure="p", estimate=p, note=note, **shared))  # type: ignore[arg-type]
    return tuple(found)


def _printed(text: str) -> str | None:
    """A number with six decimals at most, as the data package prints it; None where there is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 12:
        return None
    return f"{value.quantize(Decimal('0.000001')) if -int(value.as_tuple().exponent) > 6 else value:f}"
