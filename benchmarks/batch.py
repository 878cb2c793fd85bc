"""Thousands of synthetic reviews: what a second process and Dask bring, and how the parent's memory grows."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Row, wall
from synthetic_reviews import write_reviews

GROUP = "batch"


def batch_rows(reviews: int) -> Iterator[Row]:
    """One and two processes, two workers of Dask; then the parent's memory at a fifth of the reviews and at twice."""
    with tempfile.TemporaryDirectory() as name:
        table = Path(name) / "reviews.csv"
        write_reviews(table, reviews)
        seconds = {}
        for what, options in (
            ("1 process", ["--jobs", "1"]),
            ("2 processes", ["--jobs", "2"]),
            ("Dask, 2 workers", ["--jobs", "2", "--scheduler", "local"]),
        ):
            seconds[what] = wall(lambda options=options: _batch(table, options))
            goal = f"{90 * reviews / 10_000:g}" if what == "2 processes" else ""
            yield Row(GROUP, f"{reviews:,} reviews, {what}", seconds[what], "s", goal)
        yield Row(GROUP, "2 processes against 1", seconds["1 process"] / seconds["2 processes"], "times as fast", "1.7")
        yield Row(GROUP, "Dask against processes", seconds["Dask, 2 workers"] / seconds["2 processes"], "times", "1.3")
        for n in (reviews // 5, 2 * reviews):
            write_reviews(table, n)
            yield Row(GROUP, f"parent's memory, {n:,} reviews", _batch(table, ["--jobs", "2"]), "MB", "500")


# A process starts with the memory of the one that started it, so a small one does.
_WATCH = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def _batch(table: Path, options: list[str]) -> float:
    """Run one batch; return the most memory its parent had, in MB."""
    program = Path(sys.executable).with_name("bayes-ivig")
    command = [str(program), "batch", str(table), "--out", str(table.with_name("out.parquet")), *options]
    watched = [sys.executable, "-S", "-c", _WATCH, *command]
    done = subprocess.run(watched, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return float(done.stdout.splitlines()[-1])
