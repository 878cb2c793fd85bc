"""Whole commands as a user waits for them, timed by hyperfine on warm caches (Debian: `apt-get install hyperfine`)."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Row

GROUP = "whole commands"
COMMANDS = (  # what is typed, runs, goal
    ("--help", 10, ""),
    ("data list", 5, ""),
    ("fit strength", 5, "9"),
    ("fit strength --engine nuts", 5, "9"),
    ("fit strength --engine quadrature --no-figures --json", 5, "1.0"),
    ("fit strength --engine quadrature", 5, "3"),
    ("sensitivity strength", 3, "5"),
    ("report", 2, "30"),
    ("plan disability --patients 10:80:10", 1, "60"),
)
# The least a sampled fit can cost with PyMC: import, compile, sample, and nothing else.
BARE = Path(__file__).with_name("bare_pymc.py")


def command_rows() -> Iterator[Row]:
    """Median seconds of each command, after one run that fills the caches; `report` starts without any."""
    program = Path(sys.executable).with_name("bayes-ivig")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for command, runs, goal in COMMANDS:
            out = "" if command.startswith("-") or command.startswith("data") else f" --out {folder / 'out'}"
            out += ".html" if command == "report" else ""  # a file, not a folder
            fresh = ["--prepare", f"rm -rf {folder / 'cache'}"] if command == "report" else []
            yield Row(
                GROUP, f"bayes-ivig {command}", _median(f"{program} {command}{out}", runs, folder, fresh), "s", goal
            )
        yield Row(GROUP, "the same model in bare PyMC", _median(f"{sys.executable} {BARE}", 5, folder, []), "s")


def _median(command: str, runs: int, folder: Path, more: list[str]) -> float:
    exported = folder / "hyperfine.json"
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    options = ["--style", "none", "--warmup", "1", "--runs", str(runs), "--export-json", str(exported)]
    subprocess.run(
        ["hyperfine", *options, *more, command], check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    return float(json.loads(exported.read_text("utf-8"))["results"][0]["median"])
