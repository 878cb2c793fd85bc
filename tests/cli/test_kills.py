"""A real SIGKILL at random moments of whole commands: what stands under a final name is whole, and one run's alone.

In every folder an earlier result stands, of other settings. After each kill it stands as it was, or the new one does;
nothing in between. All kills of a command hit one folder, so that the run at the end has to cope with what they left.
BAYES_IVIG_KILLS=20 makes twenty of a command, as in issue 7; `pytest -s` says when they struck.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("BAYES_IVIG_KILLS", "3"))
TIMEOUT = 300
FILES = {
    "effects.csv": "study,y,se\na,0.5,0.4\nb,0.9,0.6\nc,0.1,0.3\n",
    "counts.csv": "study,events_t,n_t,events_c,n_c\na,5,9,2,9\nb,4,7,0,7\n",
    "reviews.csv": "review,study,events_t,n_t,events_c,n_c\n"
    + "".join(
        f"r{i},s{j},{(i * j) % 7},{7 + j},{(i + j) % 4},{6 + i % 5}\n" for i in range(300) for j in range(3 + i % 3)
    ),
}
PRIORS = ("--benefit", "higher", "--mu", "normal(0, 2)", "--tau", "half-normal(0.5)")


@dataclass(frozen=True)
class Command:
    """A command, its options, and the option of which the earlier result has another value."""

    name: str
    source: str
    options: tuple[str, ...]
    earlier: tuple[str, str]
    later: tuple[str, str]

    def words(self, program: str, which: tuple[str, str]) -> list[str]:
        return [program, self.name, self.source, *self.options, *which]


PROBS = ("--prob", "0.8"), ("--prob", "0.9")
COMMANDS = (
    Command("fit", "effects.csv", (*PRIORS, "--engine", "quadrature", "--out", "out"), *PROBS),
    Command("sensitivity", "effects.csv", (*PRIORS, "--out", "out"), *PROBS),
    Command("report", "counts.csv", (*PRIORS[:2], "--out", "out/review.html"), *PROBS),
    Command("batch", "reviews.csv", ("--out", "out/results.parquet", "--jobs", "2"), *PROBS),
)


def start(words: list[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(words: list[str], folder: Path) -> float:
    """Run to the end, which must be a good one; return its seconds."""
    began = time.monotonic()
    child = start(words, folder)
    _, errors = child.communicate(timeout=TIMEOUT)
    assert child.returncode == 0, errors
    return time.monotonic() - began


def kill(words: list[str], folder: Path, after: float) -> float | None:
    """Kill a run and all its processes after so many seconds; return its own seconds where it ended before."""
    began = time.monotonic()
    child = start(words, folder)
    try:
        child.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate(timeout=TIMEOUT)
    if child.returncode == -signal.SIGKILL:
        return None
    assert child.returncode == 0
    return time.monotonic() - began


def standing(out: Path) -> dict[str, Path]:
    """Files under their final names: not in a folder, nor with a name, of something unfinished."""
    found = {}
    for path in out.rglob("*"):
        inside = path.relative_to(out)
        unfinished = any(part.startswith(".") or part.endswith(".parts") for part in inside.parts)
        if path.is_file() and not unfinished:
            found[str(inside)] = path
    return found


def assert_whole(path: Path) -> None:
    """The file can be read to its end as what its name says."""
    match path.suffix:
        case ".json":
            json.loads(path.read_text("utf-8"))
        case ".csv":
            rows = list(csv.reader(path.read_text("utf-8").splitlines()))
            assert {len(row) for row in rows} == {len(rows[0])}
        case ".svg":
            ElementTree.parse(path)
        case ".png":
            with Image.open(path) as image:
                image.load()
        case ".pdf":
            assert path.read_bytes().rstrip().endswith(b"%%EOF")
        case ".nc":
            with h5py.File(path) as file:
                file.visititems(lambda _, item: item[...] if isinstance(item, h5py.Dataset) else None)
        case ".html":
            assert path.read_text("utf-8").rstrip().endswith("</html>")
        case ".parquet":
            pq.read_table(path)
        case other:
            pytest.fail(f"{path}: {other} is not known here")


def contents(out: Path) -> dict[str, object]:
    """What stands, by name: bytes of what is the same in every run, or only that it is there."""
    return {name: _meaning(path) for name, path in standing(out).items()}


def _meaning(path: Path) -> object:
    if path.suffix in (".json", ".csv", ".parquet", ".html", ".svg") and path.name != "run.json":
        return path.read_bytes()
    return None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_kill_at_any_moment_leaves_one_whole_result(command, program, tmp_path):
    (tmp_path / command.source).write_text(FILES[command.source], "utf-8")
    out, saved, rng = tmp_path / "out", tmp_path / "saved", np.random.default_rng([4429, COMMANDS.index(command)])
    seconds = finish(command.words(program, command.earlier), tmp_path)
    shutil.copytree(out, saved)
    old, seen, struck = contents(out), [], []
    words = command.words(program, command.later)
    while len(struck) < KILLS:
        after = seconds * rng.uniform() ** 0.5  # more of them late, where files are written
        if (lasted := kill(words, tmp_path, after)) is None:
            struck.append(after)
        else:
            seconds = lasted  # what an earlier run kept makes later ones shorter
        for path in standing(out).values():
            assert_whole(path)
        if (found := contents(out)) != old:
            seen.append(found)
            shutil.rmtree(out)
            shutil.copytree(saved, out)
    moments = " ".join(f"{after:.2f}" for after in sorted(struck))
    print(f"\n{command.name}: {len(struck)} kills, at {moments} s of {seconds:.1f} s; {len(seen)} runs had exchanged")
    finish(words, tmp_path)
    new = contents(out)
    assert new != old
    assert new.keys() == old.keys()
    assert all(found == new for found in seen)
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == new.keys()
