"""RevMan 5 files (.rm5): the XML in which Cochrane reviews were written and their statistical data were published.

There is no published schema; the elements and attributes are those that R's `meta` reads (Schwarzer, `read.rm5` of
meta 8) and `cochrane` (Schwab, `parse.studies` and `parse.ma`): under ANALYSES_AND_DATA a COMPARISON holds
DICH_, CONT_, IV_ and IPD_OUTCOMEs, an outcome its _DATA rows or _SUBGROUPs with rows. Ratios stand there as ratios;
LOG_DATA="YES" says that a generic inverse variance was pooled on the log scale, and the SE is that of the log.
The parser refuses every entity declaration, so that nothing expands and nothing is fetched.
"""

import math
import re
import xml.parsers.expat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from bayes_ivig.errors import InputError
from bayes_ivig.formats.review_outcome import (
    COLUMNS,
    DataRow,
    Result,
    ReviewOutcome,
    as_float,
    from_o_e,
    sources,
    total,
)
from bayes_ivig.formats.source import Source
from bayes_ivig.tabular import shown

_KINDS = {"DICH": "dichotomous", "CONT": "continuous", "IV": "effect", "IPD": "o-e"}
_MAX_DEPTH = 200
_ATTRIBUTES = {
    "events_t": "EVENTS_1",
    "n_t": "TOTAL_1",
    "events_c": "EVENTS_2",
    "n_c": "TOTAL_2",
    "mean_t": "MEAN_1",
    "sd_t": "SD_1",
    "mean_c": "MEAN_2",
    "sd_c": "SD_2",
}


@dataclass
class _Element:
    """An element of the tree, with the line it begins on; it grows while the file is read."""

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list["_Element"] = field(default_factory=list)

    def get(self, name: str) -> str:
        return self.attributes.get(name, "").strip()

    def of(self, *tags: str) -> Iterator["_Element"]:
        return (child for child in self.children if child.tag in tags)

    def text_of(self, tag: str) -> str:
        return " ".join(next((child.text for child in self.of(tag)), "").split())

    def every(self, tag: str) -> Iterator["_Element"]:
        waiting = [self]
        while waiting:
            element = waiting.pop()
            if element.tag == tag:
                yield element
            waiting.extend(reversed(element.children))


def read_rm5(data: bytes, name: str, sha256: str) -> tuple[Source, ...]:
    """Return every outcome with data of a RevMan 5 file, subgroups after their outcome.

    Raises
    ------
    InputError
        Not well-formed XML, an entity declaration, not a RevMan file, or no outcome with data.
    """
    root = _parse(data, name)
    if root.tag != "COCHRANE_REVIEW":
        raise InputError(f"{name}: the XML is no RevMan 5 file (its root is '{shown(root.tag)}'); give an .rm5 file")
    names = {study.get("ID"): study.get("NAME") for study in root.every("STUDY")}
    years = {study.get("ID"): study.get("YEAR") for study in root.every("STUDY")}
    found: list[Source] = []
    for comparison in root.every("COMPARISON"):
        for element in comparison.of(*(f"{kind}_OUTCOME" for kind in _KINDS)):
            found += sources(_outcome(comparison, element, names, years), name, sha256)
    if not found:
        raise InputError(f"{name}: no outcome of the review has data of trials; give a review with analyses")
    return tuple(found)


def _parse(data: bytes, name: str) -> _Element:
    parser = xml.parsers.expat.ParserCreate()
    top = _Element("", {}, 0)
    stack = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(stack) > _MAX_DEPTH:
            raise InputError(
                f"{name}, line {parser.CurrentLineNumber}: elements lie more than {_MAX_DEPTH} deep; "
                "save the file again from RevMan"
            )
        element = _Element(tag, attributes, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def end(tag: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        if stack[-1].tag in ("NAME", "GROUP_LABEL_1", "GROUP_LABEL_2", "EFFECT_MEASURE", "UNITS"):
            stack[-1].text += text

    def refuse(*declared: object) -> NoReturn:
        raise InputError(
            f"{name}, line {parser.CurrentLineNumber}: the XML declares an entity, which a RevMan file never does; "
            "save the file again from RevMan"
        )

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(data, True)
    except InputError:
        raise
    except (xml.parsers.expat.ExpatError, LookupError, ValueError) as error:  # the latter two: unknown encodings
        raise InputError(
            f"{name}, line {max(parser.CurrentLineNumber, 1)}: not readable as XML ({shown(str(error))}); "
            "save the file again from RevMan"
        ) from None
    return top.children[0]


def _outcome(comparison: _Element, element: _Element, names: dict[str, str], years: dict[str, str]) -> ReviewOutcome:
    prefix = element.tag.removesuffix("_OUTCOME")
    kind = _KINDS[prefix]
    number = f"{_digits(comparison)}.{_digits(element)}"
    log = element.get("LOG_DATA") == "YES" if kind == "effect" else True
    rows: list[DataRow] = []
    results: list[Result] = []
    if element.get("TOTALS") not in ("NO", "SUB"):
        results.append(_result(element, "", number))
    for group in (element, *element.of(f"{prefix}_SUBGROUP")):
        label = "" if group is element else group.text_of("NAME") or f"subgroup {group.get('NO')}"
        if label and element.get("TOTALS") != "NO":
            results.append(_result(group, label, f"{number}.{_digits(group)}"))
        for row in group.of(f"{prefix}_DATA"):
            identity = row.get("STUDY_ID")
            study = names.get(identity) or _readable(identity)
            cells, remark = _cells(kind, row, log)
            rows.append(DataRow(row.line, study, label, cells, years.get(identity, ""), remark=remark))
    return ReviewOutcome(
        number=number,
        title=element.text_of("NAME") or f"outcome {number}",
        comparison=comparison.text_of("NAME"),
        kind=kind,
        measure=element.get("EFFECT_MEASURE") or element.text_of("EFFECT_MEASURE"),
        log=log,
        method=element.get("METHOD") or ("EXP_O_E_VAR" if kind == "o-e" else "IV"),
        model="random effects" if element.get("RANDOM") == "YES" else "fixed effect",
        level=element.get("CI_TOTAL") or "95",
        swapped=element.get("SWAP_EVENTS") == "YES",
        treatment=element.text_of("GROUP_LABEL_1"),
        control=element.text_of("GROUP_LABEL_2"),
        unit=element.get("UNITS") or element.text_of("UNITS"),
        rows=tuple(rows),
        results=tuple(result for result in results if result.estimate),
        format="RevMan 5 file",
    )


def _digits(element: _Element) -> str:
    number = element.get("NO")
    return number if number.isascii() and number.isalnum() else "0"


def _result(element: _Element, subgroup: str, number: str) -> Result:
    """The pooled result of an outcome or subgroup; without an estimate where the file has not calculated it."""
    calculated = element.get("ESTIMABLE") == "YES" and element.get("CI_START") != element.get("CI_END")
    more = f"Chi2 {element.get('CHI2')}, df {element.get('DF')}, tau2 {element.get('TAU2') or '0'}."
    return Result(
        subgroup,
        number,
        element.get("EFFECT_SIZE") if calculated else "",
        element.get("CI_START"),
        element.get("CI_END"),
        element.get("P_Z"),
        more,
    )


def _cells(kind: str, row: _Element, log: bool) -> tuple[dict[str, str], str]:
    """The cells of a row under our names, and what they hold that the file does not."""
    if kind in ("dichotomous", "continuous"):
        return {cell: row.get(_ATTRIBUTES[cell]) for cell in COLUMNS[kind]}, ""
    if kind == "o-e":
        return from_o_e(row.get("O_E"), row.get("VAR"))
    size, entered = row.get("EFFECT_SIZE"), row.get("ESTIMATE")
    cells = {"y": size, "se": row.get("SE"), "participants": total(row.get("TOTAL_1"), row.get("TOTAL_2"))}
    if not log or not size:
        return cells, ""
    try:
        y = math.log(float(size))
    except ValueError:
        return {**cells, "y": f"log({size})"}, ""
    if math.isclose(y, as_float(entered), rel_tol=1e-9, abs_tol=1e-9):
        return {**cells, "y": entered}, ""  # the same number as it was typed
    return {**cells, "y": repr(y)}, f"y is the logarithm of {size}"


def _readable(identity: str) -> str:
    """A study's name from its identifier, in which STD- comes first and _x002d_ stands for a hyphen."""
    text = re.sub(r"_x(0[0-9a-f]{3})_", lambda found: chr(int(found[1], 16)), identity.removeprefix("STD-"))
    return " ".join(text.replace("-", " ").split())
