"""The reference of the commands, written from the program itself: what `--help` says, as a page."""

from collections.abc import Iterator
from typing import Any

import typer

from bayes_ivig.cli import app as program


def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name, in the order of `--help`."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for word, child in children.items():
        yield from walk(child, f"{name} {word}")


def commands() -> list[tuple[str, Any]]:
    """Every command of the program: (name, command)."""
    return list(walk(typer.main.get_command(program), "bayes-ivig"))


def reference() -> str:
    """The page in Markdown: a section a command, its description, and a table of its arguments and options."""
    return "\n\n".join(section(name, command) for name, command in commands())


def section(name: str, command: Any) -> str:
    """One command."""
    with command.make_context(name, ["--help"], resilient_parsing=True) as context:
        usage = " ".join([name, *command.collect_usage_pieces(context)])
        records = [parameter.get_help_record(context) for parameter in command.params]
    paragraphs = [" ".join(text.split()) for text in (command.help or "").split("\n\n")]
    prose = [fenced(examples(text), "sh") if text.startswith("Example") else plain(text) for text in paragraphs]
    table = ["| argument or option | meaning |", "|---|---|", *(row(*record) for record in records if record)]
    heading = f"## {name.removeprefix('bayes-ivig ')}"
    return "\n\n".join([heading, fenced(usage, "text"), *prose, "\n".join(table)])


def row(names: str, meaning: str) -> str:
    """One argument or option as a row of the table."""
    code = names.replace("|", "\\|")
    return f"| `` {code} `` | {plain(' '.join(meaning.split()))} |"


def examples(text: str) -> str:
    """The commands of a paragraph "Examples: A; B", one a line."""
    return "\n".join(part.strip() for part in text.partition(":")[2].split(";"))


def fenced(code: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{code}\n```"


def plain(text: str) -> str:
    """Text in which Markdown finds no marks of its own."""
    for mark in "\\`*_[]<>|$#":
        text = text.replace(mark, f"\\{mark}")
    return text
