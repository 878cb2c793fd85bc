"""The evidence as it is stored: every cell of the table, when it was made and for which code."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bayes_ivig.calibration.core import core_hash
from bayes_ivig.calibration.ranks import ENGINES, MODELS, N_TRIALS, QUANTITIES, SEED, Ranks, Task, run_task
from bayes_ivig.calibration.uniformity import N_BINS, uniform_p
from bayes_ivig.errors import InputError
from bayes_ivig.workers.kept import answer_kept
from bayes_ivig.workers.parts import Parts

FAMILY_WISE = 0.01  # probability that a correct program fails anywhere in the table
MAX_AGE = 180  # days
FILE = "calibration.json"
FULL = {"quadrature": 10_000, "nuts": 1_000}  # replicates of a model, over all numbers of trials
_CHUNK = {"quadrature": 50, "nuts": 200}


@dataclass(frozen=True)
class Cell:
    """One model by one engine at one number of trials; `counts` in hundredths by quantity, `seconds` of processor."""

    model: str
    engine: str
    n_trials: int
    replicates: int
    seconds: float
    counts: Mapping[str, tuple[int, ...]]

    def p(self, quantity: str) -> float:
        """P of a departure from uniformity as large as this one."""
        return _p(self.counts[quantity])


@lru_cache(maxsize=1024)
def _p(counts: tuple[int, ...]) -> float:
    return uniform_p(np.array(counts))


@dataclass(frozen=True)
class Evidence:
    """The whole table, with the hash of the code it is about, and what a reader must know besides."""

    made: date
    core_sha256: str
    seed: int
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()

    @property
    def limit(self) -> float:
        """P below which a single test fails: Bonferroni's share of 1%."""
        return FAMILY_WISE / (len(MODELS) * len(ENGINES) * len(N_TRIALS) * len(QUANTITIES))

    def failures(self) -> tuple[tuple[Cell, str, float], ...]:
        """Cells and quantities that are not uniform."""
        tests = [(cell, name, cell.p(name)) for cell in self.cells for name in QUANTITIES]
        return tuple(test for test in tests if test[2] < self.limit)

    @property
    def missing(self) -> tuple[tuple[str, str, int], ...]:
        """Model, engine and number of trials of every cell of the whole table that has not been run."""
        have = {(cell.model, cell.engine, cell.n_trials) for cell in self.cells}
        return tuple(place for place in product(MODELS, ENGINES, N_TRIALS) if place not in have)

    @property
    def short(self) -> tuple[tuple[str, str, int], ...]:
        """Model, engine and replicates of what has been run fewer times than a whole run does."""
        totals = {(cell.model, cell.engine): 0 for cell in self.cells}
        for cell in self.cells:
            totals[cell.model, cell.engine] += cell.replicates
        return tuple((model, engine, n) for (model, engine), n in totals.items() if n < FULL[engine])

    def warnings(self, today: date) -> tuple[str, ...]:
        """What a reader must know of its age and of the code it is about."""
        found = list(self.notes)
        if self.missing:
            where = (f"{model} by {engine} at {n} trials" for model, engine, n in self.missing)
            found.append(f"Not run yet, and so not shown: {'; '.join(where)}.")
        if self.short:
            where = (f"{model} by {engine}, {n:,} of {FULL[engine]:,} replicates" for model, engine, n in self.short)
            found.append(f"Not run as often as it should be: {'; '.join(where)}.")
        if (age := (today - self.made).days) > MAX_AGE:
            found.append(f"This evidence is {age} days old; run 'bayes-ivig calibrate' again.")
        if self.core_sha256 != core_hash():
            found.append("The numeric core has changed since; run 'bayes-ivig calibrate' again.")
        return tuple(found)

    def to_json(self) -> str:
        """JSON with one cell a line."""
        head: dict[str, Any] = {
            "schema": 1,
            "date": self.made.isoformat(),
            "core_sha256": self.core_sha256,
            "seed": self.seed,
        }
        head |= {"notes": list(self.notes)}
        lines = ",\n".join(json.dumps({**vars(cell), "counts": dict(cell.counts)}) for cell in self.cells)
        return f'{json.dumps(head)[:-1]}, "bins": {N_BINS}, "cells": [\n{lines}\n]}}\n'


def load_calibration(folder: Path) -> Evidence:
    """Load stored evidence; raise InputError where there is none, or another file in its place."""
    path = folder / FILE
    try:
        table: dict[str, Any] = json.loads(path.read_text("utf-8"))
        cells = tuple(
            Cell(**{**cell, "counts": {name: tuple(x) for name, x in cell["counts"].items()}})
            for cell in table["cells"]
        )
        made = date.fromisoformat(table["date"])
        return Evidence(made, table["core_sha256"], table["seed"], cells, tuple(table["notes"]))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); run 'bayes-ivig calibrate'") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path}: is no evidence of calibration; move it away, or choose another --out") from None


def calibrate(replicates: Mapping[str, int], parts: Parts, stored: Evidence | None = None, **how: Any) -> Evidence:
    """Run the whole table, `replicates` a model by engine, spread evenly over the numbers of trials.

    What `stored` evidence of this code already has is kept, and only replicates beyond it are run. `how` says who does
    it and who is told, as in `answer_kept`.
    """
    core = core_hash()
    kept = stored.cells if stored is not None and (stored.core_sha256, stored.seed) == (core, SEED) else ()
    tasks = list(plan(replicates, {(c.model, c.engine, c.n_trials): c.replicates for c in kept}))
    done = answer_kept(tasks, run_task_json, parts, core, **how)
    before = [_as_ranks(cell) for cell in kept]
    now = [Ranks(task, **ranks) for task, ranks in zip(tasks, done, strict=True)]
    return Evidence(date.today(), core, SEED, gather([*before, *now]))


def _as_ranks(cell: Cell) -> Ranks:
    task = Task(cell.model, cell.engine, cell.n_trials, 0, cell.replicates)
    return Ranks(task, {name: list(x) for name, x in cell.counts.items()}, cell.seconds)


def run_task_json(task: Task) -> dict[str, Any]:
    """Counts and seconds of a task."""
    ranks = run_task(task)
    return {"counts": ranks.counts, "seconds": ranks.seconds}


def plan(replicates: Mapping[str, int], done: Mapping[tuple[str, str, int], int] | None = None) -> Iterable[Task]:
    """Divide the work into parts for processes, the sampler's first; the parts do not change the numbers.

    `done` are the replicates of model, engine and number of trials that need not be run again.
    """
    for engine in reversed(ENGINES):
        each = -(-replicates[engine] // len(N_TRIALS))
        for n_trials in reversed(N_TRIALS):
            for model in MODELS:
                start = (done or {}).get((model, engine, n_trials), 0)
                for first in range(start, each, _CHUNK[engine]):
                    yield Task(model, engine, n_trials, first, min(first + _CHUNK[engine], each))


def gather(done: Sequence[Ranks]) -> tuple[Cell, ...]:
    """Add the parts of each cell, in the order of the table; a cell without any is left out."""
    cells = []
    for model in MODELS:
        for engine in ENGINES:
            for n_trials in N_TRIALS:
                parts = [r for r in done if (r.task.model, r.task.engine, r.task.n_trials) == (model, engine, n_trials)]
                if not parts:
                    continue
                counts = {name: tuple(np.sum([r.counts[name] for r in parts], axis=0).tolist()) for name in QUANTITIES}
                n = sum(r.task.last - r.task.first for r in parts)
                cells.append(Cell(model, engine, n_trials, n, round(sum(r.seconds for r in parts), 3), counts))
    return tuple(cells)
