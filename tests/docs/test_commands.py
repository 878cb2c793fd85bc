"""The reference of the commands says what `--help` says, of every command and every option."""

import re
import shlex

import pytest
from test_blocks import parse
from typer.testing import CliRunner

from bayes_ivig.cli import app
from reference import commands, examples, plain, reference, section

COMMANDS = commands()


def help_of(name: str) -> str:
    """What `--help` prints."""
    done = CliRunner().invoke(app, [*name.split()[1:], "--help"], env={"TERM": "dumb"})
    assert done.exit_code == 0
    return done.stdout


def solid(text: str) -> str:
    """The text without spaces, for `--help` breaks lines after hyphens too."""
    return "".join(text.split())


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_the_reference_says_what_help_says(name, command):
    page = section(name, command).replace("\\", "")
    head, _, tail = help_of(name).partition("Options:")
    options = re.findall(r"^  (-\S.*?)(?:  +|$)", tail, re.MULTILINE)
    options.remove("--help")  # said once, at the head of the page
    assert [option for option in options if f"`` {option} ``" not in page] == []
    about = head.partition("Arguments:")[0].split("\n\n")[1:]
    prose = [text for text in about if text.strip() and not text.strip().startswith("Example")]
    assert prose
    assert [text for text in prose if solid(text) not in solid(page)] == []
    meanings = re.findall(r"^\| `` .* `` \| (.*) \|$", page, re.MULTILINE)
    assert len(meanings) == len(command.params)
    assert [text for text in meanings if solid(text) not in solid(head + tail)] == []


def test_the_reference_has_every_command_of_help():
    words = re.findall(r"^  ([a-z][a-z-]*)  ", help_of("bayes-ivig").partition("Commands:")[2], re.MULTILINE)
    assert {"fit", "data"} <= set(words)
    headings = re.findall(r"^## (.*)$", reference(), re.MULTILINE)
    assert [name.removeprefix("bayes-ivig ") for name, _ in COMMANDS] == headings
    assert {heading.split()[0] for heading in headings} == set(words)


EXAMPLES = [
    line
    for _, command in COMMANDS
    for text in (command.help or "").split("\n\n")
    if text.startswith("Example")
    for line in examples(" ".join(text.split())).splitlines()
]


@pytest.mark.parametrize("line", EXAMPLES)
def test_the_examples_of_help_parse(line):

    words = shlex.split(line)
    assert words[0] == "bayes-ivig"
    parse(words)


def test_text_for_the_page_loses_its_marks():
    assert plain("a|b <c> [d] *e* `f` $g") == r"a\|b \<c\> \[d\] \*e\* \`f\` \$g"
