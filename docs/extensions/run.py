"""The `run` block: the program's commands, run when the site is built, and what they print.

    ```{run} fit strength --engine quadrature
    ```

shows `bayes-ivig fit strength --engine quadrature` and its output; with `:quiet:` the command alone. What it writes
lies in `docs/made/results/`, where images of the page find it. A command that fails fails the build. An answer is kept
while nothing it depends on changes.
"""

import contextlib
import hashlib
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
MADE = ROOT / "docs" / "made"
WIDTH = 100  # characters of a line of output


class Run(SphinxDirective):
    """A command, run at build, and its output."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {"quiet": directives.flag}

    def run(self) -> list[nodes.Node]:
        """Run the command, or find its kept answer."""
        command = self.arguments[0]
        output = answer(command)
        block = nodes.literal_block(command, f"bayes-ivig {command}", language="sh")
        if "quiet" in self.options:
            return [block]
        return [block, nodes.literal_block(output, output, language="text", classes=["output"])]


def answer(command: str) -> str:
    """What the command prints."""
    kept = MADE / f"{hashlib.sha256(f'{command}\n{state()}'.encode()).hexdigest()}.txt"
    if not kept.is_file():
        MADE.mkdir(exist_ok=True)
        kept.write_text(execute(command), "utf-8")
    return kept.read_text("utf-8")


@lru_cache
def state() -> str:
    """A hash of all that an answer depends on: the program, the evidence and the models."""
    digest = hashlib.sha256()
    for folder in ("src", "data", "models"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.read_bytes())
    return digest.hexdigest()


def execute(command: str) -> str:
    """Run the command in `docs/made/`.

    Raises
    ------
    ExtensionError
        The command does not end with exit code 0.
    """
    from bayes_ivig.cli import app

    with contextlib.chdir(MADE):
        done = CliRunner().invoke(app, shlex.split(command), env={"COLUMNS": str(WIDTH), "TERM": "dumb"})
    if done.exit_code:
        raise ExtensionError(f"bayes-ivig {command}: exit code {done.exit_code}", done.exception)
    return done.stdout


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("run", Run)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
