"""What moved between stored and fresh files: exact numbers beyond rounding, sampled ones beyond Monte-Carlo error."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtri

Values = dict[str, Any]
EXACT = 1e-8  # of exact numbers, absolute up to 1 and relative beyond
SEARCHED = 1e-5  # of numbers that a search finds and that stops at 1e-6 of the step it looks at
# Of what a crossover fit counts in 4,000 draws, where rounding in the last bit changes which are drawn: a share of its
# interval's width, and a probability. Either is some 3 standard errors of the difference between two sets of draws.
OF_WIDTH, OF_CHANCE = 0.2, 0.05
DRAWN = 0.01  # of coordinates in a figure, in points
FALSE_ALARMS = 1e-4  # share of runs of an unchanged program in which any sampled number is said to have moved
_MISSING = "(missing)"
_SVG_NAME = re.compile(r"\b[a-zA-Z][0-9a-f]{10}\b")  # of a part of a figure, made from its coordinates to the last bit
_SEARCHED = re.compile(r"(tipping|bias)\[")  # in sensitivity.json
_COUNTED = re.compile(r"(?P<of>(?:effects\.in_trials|crossover\.association)\b.*)\.(?P<what>[^.]+)")  # in fit.json
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


@dataclass(frozen=True)
class Moved:
    """One value that is not what it was; `by` says by how much, where that is a number."""

    folder: str
    file: str
    where: str
    stored: Any
    fresh: Any
    by: str = ""


@dataclass(frozen=True)
class _Sampled:
    """A sampled mean or SD, stored and fresh, in standard errors of their difference."""

    moved: Moved
    z: float


def compare_folders(
    stored: Mapping[str, Mapping[str, str]], fresh: Mapping[str, Mapping[str, str]]
) -> tuple[Moved, ...]:
    """Compare files by folder and name. Empty where nothing moved.

    `summary.csv` is sampled or simulated: means and SDs are compared in Monte-Carlo standard errors, with Bonferroni's
    limit over all of them. Figures (.svg) are compared by their text and, to a hundredth of a point, their
    coordinates. Everything else is exact: texts are equal, numbers agree to 1e-8, tipping
    points to 1e-5, what a crossover fit counts in its draws to the error of such counts.
    """
    moved: list[Moved] = []
    sampled: list[_Sampled] = []
    for folder in dict.fromkeys((*stored, *fresh)):
        before, after = stored.get(folder, {}), fresh.get(folder, {})
        for name in dict.fromkeys((*before, *after)):
            if name not in before or name not in after:
                there = ("stored", _MISSING) if name in before else (_MISSING, "made")
                moved.append(Moved(folder, name, "the file", *there))
            elif before[name] == after[name]:
                continue
            elif name == "summary.csv":
                sampled += _sampled(folder, name, before[name], after[name])
            else:
                moved += _exact(folder, name, before[name], after[name])
    limit = -float(ndtri(FALSE_ALARMS / (2 * max(len(sampled), 1))))
    return (*moved, *(s.moved for s in sampled if not s.z <= limit))


def _exact(folder: str, name: str, before: str, after: str) -> Iterator[Moved]:
    drawn = name.endswith(".svg")
    read = _READERS[name.rpartition(".")[2]]
    a, b = read(before), read(after)
    for where in dict.fromkeys((*a, *b)):
        x, y = a.get(where, _MISSING), b.get(where, _MISSING)
        if isinstance(x, (int, float)) and isinstance(y, (int, float)) and not isinstance(x, bool):
            difference = abs(x - y)
            if not difference <= (DRAWN if drawn else _tolerance(where, a)):
                yield Moved(folder, name, where, x, y, f"{difference:.1e}")
        elif x != y:
            yield Moved(folder, name, where, x, y)


def _tolerance(where: str, stored: Values) -> float:
    """How far the number at `where` may be from the stored one."""
    found = _COUNTED.fullmatch(where) if stored.get("model") == "crossover" else None
    if found is None:
        return (SEARCHED if _SEARCHED.match(where) else EXACT) * max(1.0, abs(stored[where]))
    of, what = found["of"], found["what"]
    if what.startswith("p_") or ".p_" in of:
        return OF_CHANCE
    low, high = ("best", "worst") if of.endswith("NNT") else ("ci[0]", "ci[1]")
    ends = stored[f"{of}.{low}"], stored[f"{of}.{high}"]
    return OF_WIDTH * abs(stored[where] if None in ends else ends[1] - ends[0])


def _sampled(folder: str, name: str, before: str, after: str) -> Iterator[_Sampled]:
    a, b = _csv_rows(before), _csv_rows(after)
    for row in dict.fromkeys((*a, *b)):
        if row not in a or row not in b:
            there = ("stored", _MISSING) if row in a else (_MISSING, "made")
            yield _Sampled(Moved(folder, name, row, *there), math.inf)
            continue
        for quantity in (name for name in ("mean", "sd") if name in a[row]):
            x, y = a[row][quantity], b[row][quantity]
            errors = a[row][f"mcse_{quantity}"], b[row][f"mcse_{quantity}"]
            if x == y:  # the same draws, or a quantity that is fixed
                z = 0.0
            elif all(isinstance(value, float) for value in (x, y, *errors)) and any(errors):
                z = abs(x - y) / math.hypot(*errors)
            else:
                z = math.inf
            yield _Sampled(Moved(folder, name, f"{row} {quantity}", x, y, f"{z:.1f} MCSE"), z)


def _json_values(text: str) -> Values:
    """Every value of a JSON object by its path, such as mu.ci[0]."""
    return dict(_walk(json.loads(text), ""))


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield f"{path} (length)", len(value)
        for i, item in enumerate(value):
            yield from _walk(item, f"{path}[{i}]")
    else:
        yield path, value


def _csv_values(text: str) -> Values:
    """Every cell of a table by its line and column."""
    rows = list(csv.DictReader(io.StringIO(text)))
    return {f"line {i + 2}, {column}": _cell(x) for i, row in enumerate(rows) for column, x in row.items()}


def _csv_rows(text: str) -> dict[str, dict[str, Any]]:
    """Rows by what stands in their first column."""
    rows = list(csv.DictReader(io.StringIO(text)))
    return {next(iter(row.values())): {column: _cell(x) for column, x in row.items()} for row in rows}


def _cell(text: str | None) -> Any:
    try:
        value = float(text or "")
    except ValueError:
        return text
    return value if math.isfinite(value) else text


def _svg_values(text: str) -> Values:
    """The text of a figure without its numbers, and its numbers one by one."""
    text = _SVG_NAME.sub("", text)
    numbers = {f"number {i + 1}": float(x) for i, x in enumerate(_NUMBER.findall(text))}
    return {"the drawing": _NUMBER.sub("#", text)} | numbers


def _lines(text: str) -> Values:
    """The lines of a text."""
    return {f"line {i + 1}": line for i, line in enumerate(text.splitlines())}


_READERS: Mapping[str, Callable[[str], Values]] = {
    "svg": _svg_values,
    "json": _json_values,
    "csv": _csv_values,
    "md": _lines,
}
