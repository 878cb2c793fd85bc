"""docs/findings.md says what results/accepted says: it is rendered afresh, and no number of it is typed."""

import importlib.util
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pytest

from bayes_ivig.reviews import list_reviews, load_review

DOCS = Path(__file__).parents[2] / "docs"
_spec = importlib.util.spec_from_file_location("findings", DOCS / "findings.py")
assert _spec is not None
assert _spec.loader is not None
findings = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(findings)
TEMPLATE = findings.TEMPLATE.read_text("utf-8")

# Names that hold digits and are no results: the editions and the trials.
NAMES = re.compile(
    r"\b(?:2007|2022)\b(?= (?:edition|abstract))"
    r"|\b(?:Azulay 1994|Federico 2000|Léger 2001|Van den Berg 1995|Hahn 2013|Harbo 2009)\b"
)
NUMBER = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|thousand|twice|double[sd]?)\b", re.I
)
CODE = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.S)
TEXT = re.compile(r'"([^"]*)"')
SUBSCRIPT = re.compile(r"\[[01]\]")  # of lists: the arm, the prior, the threshold
FILES = findings.load_accepted(findings.ACCEPTED)


def typed_in_prose(template: str) -> list[str]:
    prose = NAMES.sub("", CODE.sub("", template))
    return [line for line in prose.splitlines() if NUMBER.search(line)]


def typed_in_code(template: str) -> list[str]:
    """Numbers in placeholders that are no name of a review, a trial, a published result, a flag or a reading."""
    audits = [json.loads(FILES[f"{review}/audit"]["audit.json"]) for review in list_reviews()]
    published = {one["id"] for audit in audits for outcome in audit["outcomes"] for one in outcome["published"]}
    readings = {reading["name"] for name in list_reviews() for reading in read_as_stored(name)}
    known = {*list_reviews(), *published, *readings, "fraction_above_0.95", "patients counted twice"}
    found = []
    for code in CODE.findall(template):
        if code.startswith("{#"):
            continue
        found += [text for text in TEXT.findall(code) if text not in known and NUMBER.search(NAMES.sub("", text))]
        bare = SUBSCRIPT.sub("", TEXT.sub("", code))
        found += [code] if re.search(r"(?<!\w)\d", bare) else []  # not the digits of a name, such as per_100
    return found


def read_as_stored(review: str) -> list[Mapping[str, Any]]:
    return [one for table in load_review(review).tables.values() for one in table.get("readings", [])]


def test_the_paper_is_what_the_accepted_results_give():
    assert findings.PAPER.read_text("utf-8") == findings.render(TEMPLATE), "run ./task findings"


def test_no_number_is_typed_by_hand():
    assert typed_in_prose(TEMPLATE) == []
    assert typed_in_code(TEMPLATE) == []


@pytest.mark.parametrize(
    "line",
    [
        "The odds ratio is 93.0.",
        "In 2007 it rose.",
        "Improved in 78%.",
        "Two of the trials agree.",
        "| Azulay 1994 | 5/5 |",
        "A risk of 1 in a hundred in the 2007 edition.",
    ],
)
def test_a_typed_number_is_found(line):
    assert typed_in_prose(TEMPLATE + line + "\n") == [NAMES.sub("", line)]


@pytest.mark.parametrize("code", ["{{ 0.97 | probability }}", '{{ "93.0" }}', "{{ 12 | word }}", '{% set x = "39%" %}'])
def test_a_number_typed_in_a_placeholder_is_found(code):
    assert len(typed_in_code(TEMPLATE + code)) >= 1


def test_names_of_editions_and_trials_are_no_numbers():
    assert typed_in_prose("The 2022 edition, Federico 2000 and {{ x | number }} of them.") == []


def test_a_number_that_moved_makes_the_paper_stale(tmp_path):
    shutil.copytree(findings.ACCEPTED, tmp_path / "accepted")
    path = tmp_path / "accepted/mmn-2007/disability/binomial-or-random/fit.json"
    path.write_text(path.read_text("utf-8").replace('"p_benefit": 0.96', '"p_benefit": 0.91'), "utf-8")
    assert findings.render(TEMPLATE, tmp_path / "accepted") != findings.PAPER.read_text("utf-8")


def test_what_is_not_stored_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        findings.render('{{ fit("mmn-2007", "strength", "binomial-or-random").mu.none_such }}')
    with pytest.raises(KeyError):
        findings.render('{{ fit("mmn-2007", "strength", "none-such") }}')
    with pytest.raises(ValueError, match="not enough values"):
        findings.render('{{ published(audit("mmn-2007"), "none-such") }}')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{ 4 | word }} {{ 27 | word }} {{ 3024.0 | word }}", "four 27 3,024"),
        ("{{ 0.082 | share }} {{ 0.714 | share }}", "8.2% 71%"),
        ("{{ {'median': 0.4, 'ci': [0.0, 17.2]} | per_100 }}", "fewer than 1 (0 to 17)"),
        ("{{ {'median': 0.0, 'ci': [0.0, 1.0]} | ratio }}", "1.00 (1.00 to 2.72)"),
        ("{{ (0.744, 0.0195) | chance }} {{ (0.0, 0.0) | chance }}", "0.74 (SE 0.02) 0.00"),
    ],
)
def test_numbers_are_shown_as_a_reader_wants_them(text, shown):
    assert findings.render(text) == shown


def test_every_figure_of_the_paper_is_there():
    paths = re.findall(r"!\[[^]]+\]\(([^)]+)\)", findings.PAPER.read_text("utf-8"))
    assert len(paths) >= 3
    assert all((DOCS / path).is_file() for path in paths)
