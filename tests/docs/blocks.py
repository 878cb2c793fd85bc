"""The code blocks of the documentation, and what the words after their language ask for.

    ```sh              each command is run in the page's own folder, and must end with exit code 0
    ```sh exit=2       ... with this exit code
    ```sh sampled      ... among the slow tests, for it samples
    ```sh parsed       the command line is parsed with the program's real options, not run: it takes minutes
    ```{run} COMMAND   parsed: the build of the site runs it
    ```python          run; the blocks of a page share their names
    ```csv FILE        the file is written where the page's commands find it; so with toml
    <!-- prints: X --> after a block: its output holds X

Every other language is for the reader's eyes and has to be named in `SHOWN`.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "results" / "README.md"]
PAGES = [*TOP, *(page for page in sorted(ROOT.glob("docs/*.md")) if ".template." not in page.name)]
SHOWN = {"text", "mermaid", "{include}", "{toctree}", "{eval-rst}", "{commands}"}
WORDS = {"parsed", "sampled"}
FENCE = re.compile(
    r"^```(?P<language>\S+)(?: (?P<words>[^\n]*))?\n(?P<text>.*?)^```$(?:\s*<!-- prints: (?P<prints>.*?) -->)?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One block of code: its language, the words after it, its text, and what its output has to hold."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str
    prints: str

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    @property
    def exit_code(self) -> int:
        """The exit code that each of its commands must end with."""
        return next((int(word[5:]) for word in self.words if word.startswith("exit=")), 0)

    @property
    def commands(self) -> list[list[str]]:
        """Its commands, each as words; comments left out, `&&` parting two."""
        if self.language == "{run}":
            return [["bayes-ivig", *self.words]]
        parts = [part for line in self.text.splitlines() for part in line.split(" && ")]
        return [words for part in parts if (words := shlex.split(part, comments=True))]


def blocks_of(page: Path) -> list[Block]:
    """Every block of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start()) + 1,
            found["language"],
            tuple(shlex.split(found["words"] or "")),
            found["text"],
            found["prints"] or "",
        )
        for found in FENCE.finditer(text)
    ]


ALL = [block for page in PAGES for block in blocks_of(page)]
