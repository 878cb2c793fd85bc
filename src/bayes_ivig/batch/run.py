"""The loop of a batch: chunks out to workers, parts onto the disk, tables at the end."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from bayes_ivig.batch.inputs import Chunk, RawReview, count_reviews, make_chunks, read_reviews
from bayes_ivig.batch.parts import ENDINGS, assemble, errors_path, part_of, to_lines
from bayes_ivig.batch.settings import Settings
from bayes_ivig.batch.work import Answered, answer_chunk, error_row
from bayes_ivig.errors import InputError
from bayes_ivig.workers import AHEAD, Workers, open_workers
from bayes_ivig.workers.parts import Parts, open_parts

_DEATHS = 2  # of processes with the same chunk in hand, after which it is the suspect


class Progress(Protocol):
    """Told how far the run is."""

    def __call__(self, done: int, total: int, found: int) -> None:
        """`done` of `total` reviews are answered, `found` of them by an earlier run."""


@dataclass(frozen=True)
class Outcome:
    """What a batch did: rows of results and errors, reviews (or files) found answered, and the files written."""

    results: int
    errors: int
    found: int
    out: Path
    errors_out: Path


def run_batch(
    path: Path,
    out: Path,
    settings: Settings,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    dashboard: bool = False,
    progress: Progress = lambda done, total, found: None,
) -> Outcome:
    """Answer every review of a folder or a long table and write `out` and its errors table.

    Parameters
    ----------
    path
        A folder of files, each of them one review or several outcomes; or one table with a column `review`.
    out
        Ends in .parquet or .csv; the errors go beside it.
    settings
        What is asked of every review.
    jobs, scheduler, dashboard
        Who does it, as in `open_workers`.
    progress
        Told how far the run is.

    Raises
    ------
    InputError
        Nothing to read, a prior or model that cannot be, or a result that cannot be written: then what is done is
        kept beside `out`, and the same command goes on from there.
    """
    if out.suffix not in ENDINGS:
        raise InputError(f"--out: {out.name} ends in neither {' nor '.join(ENDINGS)}; choose one of them")
    settings.check()
    total = count_reviews(path)
    with open_parts(out) as parts:
        workers = open_workers(partial(answer_chunk, settings=settings), jobs, scheduler, dashboard)
        try:
            loop = _Loop(parts, settings, workers, total, progress)
            for chunk in make_chunks(read_reviews(path)):
                loop.take(chunk)
            loop.drain()
        finally:
            workers.close()
        results, errors = assemble(loop.paths, out)
        parts.remove()
    return Outcome(results, errors, loop.found, out, errors_path(out))


class _Loop:
    """Chunks in hand, and what has become of the others."""

    def __init__(
        self, parts: Parts, settings: Settings, workers: Workers[Chunk, Answered], total: int, progress: Progress
    ) -> None:
        self.paths: list[Path] = []
        self.found = 0
        self._parts, self._settings, self._workers = parts, settings, workers
        self._total, self._progress = total, progress
        self._in_hand = 0
        self._done = 0
        self._deaths: dict[int, int] = {}
        self._suspects: list[Chunk] = []

    def take(self, chunk: Chunk) -> None:
        """Hand a chunk to the workers, unless its part is there."""
        path = part_of(chunk, self._parts, self._settings)
        self.paths.append(path)
        if path.exists():
            self.found += len(chunk.reviews)
            self._done += len(chunk.reviews)
            self._tick()
            return
        while self._in_hand >= AHEAD * self._workers.slots:
            self._collect()
        self._submit(chunk)

    def drain(self) -> None:
        """Wait for all chunks; then those at which workers died, one review at a time."""
        while self._in_hand:
            self._collect()
        for chunk in self._suspects:
            answers = [self._alone(chunk, review) for review in chunk.reviews]
            self._keep(chunk, _joined(answers))

    def _submit(self, chunk: Chunk) -> None:
        self._workers.submit(chunk)
        self._in_hand += 1

    def _collect(self) -> None:
        for chunk, answered in self._workers.wait(self._tick):
            self._in_hand -= 1
            if answered is not None:
                self._keep(chunk, answered)
                continue
            deaths = self._deaths[chunk.number] = self._deaths.get(chunk.number, 0) + 1
            if deaths < _DEATHS:
                self._submit(chunk)
            else:
                self._suspects.append(chunk)

    def _alone(self, chunk: Chunk, review: RawReview) -> Answered:
        """The answer to one review with nothing else in hand: if the worker dies again, it is this review."""
        self._workers.submit(replace(chunk, reviews=(review,)))
        ((_, answered),) = self._workers.wait(self._tick)
        return answered or Answered((), (error_row(review.name, review.place, "the worker that answered it died"),))

    def _keep(self, chunk: Chunk, answered: Answered) -> None:
        self._parts.write(part_of(chunk, self._parts, self._settings), to_lines(answered))
        self._done += len(chunk.reviews)
        self._tick()

    def _tick(self) -> None:
        self._progress(self._done, self._total, self.found)


def _joined(answers: list[Answered]) -> Answered:
    results = tuple(row for answer in answers for row in answer.results)
    return Answered(results, tuple(row for answer in answers for row in answer.errors))
