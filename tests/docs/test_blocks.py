"""All code of the documentation runs, or at least parses: see `blocks` for how a page says which."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import review_files
from blocks import ALL, PAGES, ROOT, SHOWN, WORDS, Block, blocks_of

from bayes_ivig import cli
from reference import commands

TRIALS = "study,events_t,n_t,events_c,n_c\nA,5,12,9,11\nB,3,20,6,19\nC,0,15,2,14\n"
SHEET = {"trials": [["study", "events_t", "n_t", "events_c", "n_c"], ["A", 5, 12, 9, 11], ["B", 3, 20, 7, 19]]}
# The reader's own files, which a page takes as given.
GIVEN: dict[str, dict[str, str | bytes]] = {
    "README.md": {
        "trials.csv": TRIALS,
        "first.csv": TRIALS,
        "second.xlsx": review_files.excel(SHEET),
        "review.rm5": review_files.rm5(),
        "published.csv": "id,measure,estimate,ci_low,ci_high\nall,OR,0.28,0.11,0.71\n",
    },
    "docs/your-own-review.md": {"review.rm5": review_files.rm5(), "data-package.zip": review_files.package()},
    "docs/batch.md": {
        "reviews/one.csv": TRIALS,
        "reviews/two.csv": TRIALS.replace("0,15", "1,15"),
        "all.csv": "review," + TRIALS.replace("\nA", "\none,A").replace("\nB", "\none,B").replace("\nC", "\ntwo,C"),
    },
}
OTHERS = {"pip", "pytest", "uv", "uvx"}  # programs whose command lines are not ours to check
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]


def run_program(words: list[str], block: Block, capsys, monkeypatch) -> str:
    """Run the program in this process and return what it printed."""
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = "".join(capsys.readouterr())
    assert (end.value.code or 0) == block.exit_code, f"{block.place}: {' '.join(words)}\n{said}"
    return said


def run_page(page: Path, sampled: bool, folder: Path, capsys, monkeypatch) -> int:
    """Write the files of a page and run its blocks, those that sample or the others; how many ran."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "160")
    for name, content in GIVEN.get(page.relative_to(ROOT).as_posix(), {}).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    names: dict[str, object] = {}
    ran = 0
    for block in blocks_of(page):
        if block.language in ("csv", "toml") and block.words:
            Path(block.words[0]).write_text(block.text, "utf-8")
        elif block.language == "sh" and "parsed" not in block.words and ("sampled" in block.words) == sampled:
            said = "".join(run_program(words, block, capsys, monkeypatch) for words in block.commands)
            assert block.prints in said, f"{block.place}: {said}"
            ran += 1
        elif block.language == "python" and not sampled:
            exec(compile(block.text, block.place, "exec"), names)
            ran += 1
    return ran


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_the_blocks_of_a_page_run(page, tmp_path, capsys, monkeypatch):
    asked = [b for b in blocks_of(page) if b.language in ("sh", "python") and not WORDS & set(b.words)]
    assert run_page(page, False, tmp_path, capsys, monkeypatch) == len(asked)


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted({b.page for b in ALL if "sampled" in b.words}), ids=lambda page: page.name)
def test_the_blocks_of_a_page_that_sample_run(page, tmp_path, capsys, monkeypatch):
    assert run_page(page, True, tmp_path, capsys, monkeypatch) > 0


def parse(words: list[str]) -> None:
    """Parse a command line without running it; raises where the program would refuse it."""
    while words[0] in ("time", "uv") and len(words) > 1:
        words = words[2:] if words[:2] == ["uv", "run"] else words[1:]
    if words[0] == "bayes-ivig":
        known = {tuple(name.split()): command for name, command in commands()}
        name = next(tuple(words[:n]) for n in (3, 2) if tuple(words[:n]) in known)
        known[name].make_context(" ".join(name), words[len(name) :])
    elif words[0] == "./task":
        assert re.search(
            rf"^recipe_{words[1] if len(words) > 1 else 'ci'}\(\)", (ROOT / "task").read_text(), re.MULTILINE
        )
    elif words[0] == "python":
        ast.parse((ROOT / words[1]).read_text("utf-8"))
    else:
        assert words[0] in OTHERS, f"{words[0]}: a program that these tests do not know"


@pytest.mark.parametrize("block", [b for b in ALL if b.language in ("sh", "{run}")], ids=lambda block: block.place)
def test_every_command_line_parses(block):
    assert block.commands
    for words in block.commands:
        parse(words)


@pytest.mark.parametrize("line", ["bayes-ivig fit strength --no-such-option", "bayes-ivig fit", "./task nothing"])
def test_a_command_line_that_is_wrong_does_not_parse(line):
    with pytest.raises((Exception, SystemExit)):
        parse(line.split())


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.place)
def test_every_block_says_what_becomes_of_it(block):
    if block.language == "sh":
        assert {word for word in block.words if not word.startswith("exit=")} <= WORDS
    elif block.language == "toml":
        assert tomllib.loads(block.text)
    else:
        assert block.language in SHOWN | {"python", "csv", "{run}"}


def test_no_command_hides_in_indented_text():
    """An indented command would be shown and never run."""
    hidden = [page.name for page in PAGES if re.search(r"^    bayes-ivig ", page.read_text("utf-8"), re.MULTILINE)]
    assert hidden == []
