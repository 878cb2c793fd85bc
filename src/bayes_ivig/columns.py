"""What the columns of a file mean: their names, the kinds of data they make up, and which kind is read."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm
from bayes_ivig.tabular import Table, shown

# Canonical column -> the names accepted for it (R's metafor names second).
ALIASES: Mapping[str, tuple[str, ...]] = {
    "study": ("study", "slab"),
    "events_t": ("events_t", "ai"),
    "n_t": ("n_t", "n1i"),
    "events_c": ("events_c", "ci"),
    "n_c": ("n_c", "n2i"),
    "participants": ("participants",),
    "both": ("both",),
    "t_only": ("t_only",),
    "c_only": ("c_only",),
    "neither": ("neither",),
    "started_t": ("started_t",),
    "started_c": ("started_c",),
    "margins_t": ("margins_t",),
    "margins_c": ("margins_c",),
    "n_pairs": ("n_pairs",),
    "y": ("y", "yi"),
    "se": ("se", "sei"),
    "variance": ("vi",),
    "mean_t": ("mean_t", "m1i"),
    "sd_t": ("sd_t", "sd1i"),
    "mean_c": ("mean_c", "m2i"),
    "sd_c": ("sd_c", "sd2i"),
    "events": ("events", "xi"),
    "n": ("n", "ni"),
}
MEASURED = frozenset({"y", "se", "variance", "mean_t", "sd_t", "mean_c", "sd_c"})  # every other number is a count
ARMS = ("events_t", "n_t", "events_c", "n_c")
CELLS = ("both", "t_only", "c_only", "neither")
MARGINS = ("margins_t", "margins_c", "n_pairs")
# The kinds of data each likelihood can use, the most direct first.
KINDS_OF_LIKELIHOOD: Mapping[str, tuple[str, ...]] = {
    "binomial": ("two-arm",),
    "conditional": ("two-arm",),
    "crossover": ("crossover",),
    "normal": ("effect", "means", "two-arm"),
    "single-arm": ("single-arm",),
}
_MISSPELT = 0.85  # likeness of two words, 0 to 1, from which one is taken for the other misspelt
_KNOWN = frozenset(alias for accepted in ALIASES.values() for alias in accepted)


@dataclass(frozen=True)
class Layout:
    """One way to lay out one kind of data: the columns it needs and those it may have."""

    make: type[Any]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column it can use."""
        return self.required + self.optional


# In the order in which they win when a file has the columns of several kinds: counts before effects.
_LAYOUTS = (
    Layout(Paired, CELLS, (*ARMS, "started_t", "started_c")),
    Layout(PairedMargins, MARGINS),
    Layout(TwoArm, ARMS, ("participants",)),
    Layout(SingleArm, ("events", "n")),
    Layout(Means, ("mean_t", "sd_t", "n_t", "mean_c", "sd_c", "n_c"), ("participants",)),
    Layout(Effect, ("y", "se"), ("participants",)),
    Layout(Effect, ("y", "variance"), ("participants",)),
)


@dataclass(frozen=True)
class Columns:
    """How a file is read: each canonical column's name in it, the layouts of the one kind, a note for the reader."""

    names: Mapping[str, str]
    layouts: tuple[Layout, ...]
    note: str = ""


def recognise_columns(table: Table, likelihood: str | None = None) -> Columns:
    """Find out what kind of data a table holds; `likelihood` decides where it holds several.

    Raises
    ------
    InputError
        No known kind, no study column, a misspelt column, two names of one column, half a crossover table, or
        no data for the likelihood.
    """
    where = table.where(table.header_line)
    names = _canonical_names(table, where)
    _refuse_misspelt(table, names, where)
    for needed in (CELLS, MARGINS):
        missing = [column for column in needed if column not in names]
        if 0 < len(missing) <= len(needed) - 2:
            raise InputError(f"{where}: column '{missing[0]}' is missing; a crossover trial needs {', '.join(needed)}")
    layouts, note = _choose_layouts(table, names, likelihood, where)
    if "study" not in names:
        hint = shown(nearest("study", table.header)) or "; give each trial a name"
        raise InputError(f"{where}: column 'study' is missing{hint}")
    return Columns(names, layouts, note)


def _canonical_names(table: Table, where: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for canonical, accepted in ALIASES.items():
        present = [column for column in table.header if column in accepted]
        if len(present) > 1:
            raise InputError(f"{where}: columns '{present[0]}' and '{present[1]}' mean the same; keep one")
        if present:
            names[canonical] = present[0]
    return names


def _refuse_misspelt(table: Table, names: Mapping[str, str], where: str) -> None:
    """Refuse an unknown column that, spelt as it seems to be meant, would complete a kind of data or be used by one."""
    unknown = {column.casefold().replace(" ", "_").replace("-", "_"): column for column in table.header}
    unknown = {folded: column for folded, column in unknown.items() if column not in _KNOWN}
    slips: dict[str, tuple[str, str]] = {}  # canonical column -> what it seems to be spelt, and the name meant
    for canonical in ALIASES.keys() - names.keys():
        for alias in ALIASES[canonical]:
            for folded in difflib.get_close_matches(alias, unknown, n=1, cutoff=_MISSPELT):
                slips.setdefault(canonical, (unknown[folded], alias))
    for layout in _LAYOUTS:
        missing = [column for column in ("study", *layout.required) if column not in names]
        absent = missing or [column for column in layout.optional if column not in names]
        found = [slips[column] for column in absent if column in slips]
        if found and (not missing or len(found) == len(missing)):
            spelt, meant = found[0]
            raise InputError(f"{where}: column '{shown(spelt)}' is unknown; did you mean '{meant}'?")


def _choose_layouts(
    table: Table, names: Mapping[str, str], likelihood: str | None, where: str
) -> tuple[tuple[Layout, ...], str]:
    """Return the layouts of the one kind to read, and a note where other kinds were there too."""
    present: list[Layout] = []
    for layout in _LAYOUTS:
        # The arms of a paired table belong to it and are no second kind of data.
        part_of_another = any(set(layout.required) <= set(other.columns) for other in present)
        if all(column in names for column in layout.required) and not part_of_another:
            present.append(layout)
    kinds = list(dict.fromkeys(layout.make.kind for layout in present))
    if not kinds:
        near = ((column, nearest(column, _KNOWN)) for column in table.header if column not in _KNOWN)
        hint = next((f" (column '{shown(column)}' is unknown{like})" for column, like in near if like), "")
        raise InputError(
            f"{where}: the columns {shown(', '.join(table.header))} are of no known kind of data{hint}; give for "
            "instance study, events_t, n_t, events_c, n_c"
        )
    wanted = KINDS_OF_LIKELIHOOD[likelihood] if likelihood else tuple(kinds)
    kind = next((kind for kind in wanted if kind in kinds), None)
    if kind is None:
        raise InputError(
            f"{table.name}: the {likelihood} model needs {' or '.join(wanted)} data, but the file holds "
            f"{' and '.join(kinds)} data; choose another --model or another file"
        )
    note = ""
    if len(kinds) > 1:
        others = [other for other in kinds if other != kind]
        order = "counts come first, then means, then effects, unless --model says otherwise"
        chosen = f"--model {likelihood}" if likelihood else order
        note = (
            f"The file holds {' and '.join(kinds)} data; {kind} data are used ({chosen}), {' and '.join(others)} "
            "data are not."
        )
    return tuple(layout for layout in present if layout.make.kind == kind), note
