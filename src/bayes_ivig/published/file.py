"""A user's file of published results: comma-separated text, or TOML with the [[published]] tables of a review."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.published.printed import Published
from bayes_ivig.tabular import read_table, shown

_FIELDS = {field.name for field in dataclasses.fields(Published)}
_COLUMNS = (*sorted(_FIELDS - {"ci"}), "ci_low", "ci_high")
_LISTS = ("studies", "trials")
_TRUE, _FALSE = ("yes", "true", "1"), ("", "no", "false", "0")


def load_published_results(path: Path) -> tuple[Published, ...]:
    """Read the published results beside a file of trials.

    Parameters
    ----------
    path
        A .toml file with [[published]] tables, or comma-separated UTF-8 text with the columns `id` and `measure`
        and any of the other fields of `Published`; `ci_low` and `ci_high` are the limits, `studies` and `trials`
        are separated by semicolons, `inverted` is yes or no. Numbers keep their printed decimals. Without an
        `expected` a result is a finding only, whatever becomes of it.

    Raises
    ------
    InputError
        Unreadable file, unknown column or key, two results of one id, or values that `Published` refuses.
    """
    name = shown(path.name)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--published: {path} cannot be read ({reason}); give a .csv or .toml file") from None
    entries = _toml(data, name) if path.suffix.casefold() == ".toml" else _csv(data, name)
    results = [_make(entry, where) for where, entry in entries]
    seen: set[str] = set()
    for result, (where, _) in zip(results, entries, strict=True):
        if result.id in seen:
            raise InputError(f"{where}: id '{shown(result.id)}' is used already; give each result one of its own")
        seen.add(result.id)
    return tuple(results)


def _csv(data: bytes, name: str) -> list[tuple[str, dict[str, Any]]]:
    table = read_table(data, name)
    _check_names(table.header, _COLUMNS, f"{name}, line {table.header_line}", "column")
    return [(f"{name}, line {line}", _from_cells(row, f"{name}, line {line}")) for line, row in table.rows]


def _from_cells(row: Mapping[str, str], where: str) -> dict[str, Any]:
    entry: dict[str, Any] = {key: text for key, text in row.items() if text and key not in ("ci_low", "ci_high")}
    if row.get("ci_low") or row.get("ci_high"):
        entry["ci"] = (row.get("ci_low", ""), row.get("ci_high", ""))
    for key in _LISTS:
        if key in entry:
            entry[key] = tuple(part.strip() for part in entry[key].split(";"))
    inverted = row.get("inverted", "").casefold()
    if inverted not in (*_TRUE, *_FALSE):
        raise InputError(f"{where}, column 'inverted': '{shown(inverted)}' is not allowed; give yes or no")
    return entry | {"inverted": inverted in _TRUE}


def _toml(data: bytes, name: str) -> list[tuple[str, dict[str, Any]]]:
    try:
        tables = tomllib.loads(data.decode("utf-8"))["published"]
        entries = [dict(table) for table in tables]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{name}: no file of [[published]] tables ({error}); see 'bayes-ivig audit --help'") from None
    found = []
    for i, entry in enumerate(entries, start=1):
        where = f"{name}, [[published]] number {i}"
        _check_names(entry, _FIELDS, where, "key")
        values = {key: tuple(x) if isinstance(x, list) else x for key, x in entry.items()}
        for key, value in values.items():
            texts = value if isinstance(value, tuple) else (value,)
            if key != "inverted" and not all(isinstance(x, str) for x in texts):
                raise InputError(f"{where}, key '{key}': give text in quotes, so that the printed decimals are kept")
        found.append((where, values))
    return found


def _check_names(names: Any, known: Any, where: str, what: str) -> None:
    for name in names:
        if name not in known:
            raise InputError(f"{where}: {what} '{shown(name)}' is unknown{nearest(name, known)}")


def _make(entry: dict[str, Any], where: str) -> Published:
    for key in ("id", "measure"):
        if not entry.get(key):
            raise InputError(f"{where}: '{key}' is missing; give it")
    try:
        return Published(**{"label": entry["id"], "expected": "unknown"} | entry)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
