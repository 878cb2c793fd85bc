"""Answered chunks on disk, and the tables made of them.

`<out>.parts/` holds one file a chunk: a line of JSON a row. Its name is the hash of what it was computed from (the
reviews, the settings, the version), so that another run uses what it finds and nothing else. A part appears whole or
not at all.
"""

import csv
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.batch.comparators import COLUMNS
from bayes_ivig.batch.inputs import Chunk
from bayes_ivig.batch.settings import Settings
from bayes_ivig.batch.work import Answered
from bayes_ivig.errors import InputError
from bayes_ivig.store import safe_cell

TEXTS = ("review", "file", "kind", "likelihood", "measure", "effect", "parametrisation")
PRIORS = ("prior_mu", "prior_tau", "prior_baseline")
COUNTS = ("n_studies", "n_participants", "n_double_zero")
NUMBERS = (
    *("prob", "mu_mean", "mu_sd", "mu_median", "mu_low", "mu_high", "mu_p_gt_0"),
    *("tau_mean", "tau_sd", "tau_median", "tau_low", "tau_high", "log_evidence"),
)
RESULT_COLUMNS = (*TEXTS, *PRIORS, *COUNTS, *NUMBERS, "engine", "error_estimate", *COLUMNS)
ERROR_COLUMNS = ("review", "file", "error")
ENDINGS = (".parquet", ".csv")
_ROW_GROUP = 2048  # rows of Parquet that are written together


def errors_path(out: Path) -> Path:
    """Where the errors table goes: beside the results."""
    return out.with_name(f"{out.stem}-errors{out.suffix}")


@dataclass(frozen=True)
class Parts:
    """The folder of one run's parts."""

    folder: Path
    settings: Settings

    def path(self, chunk: Chunk) -> Path:
        """File of this chunk's part."""
        asked = json.dumps([__version__, self.settings.to_json(), chunk.digest])
        return self.folder / f"{hashlib.sha256(asked.encode()).hexdigest()}.jsonl"

    def write(self, path: Path, answered: Answered) -> None:
        """Write one part, whole or not at all."""
        lines = [{"result": row} for row in answered.results] + [{"error": row} for row in answered.errors]
        text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
        new = path.with_name(f".{path.name}.new")
        try:
            with new.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.rename(path)
        except OSError as error:
            with suppress(OSError):
                new.unlink()
            raise InputError(
                f"{self.folder}: a part could not be written ({error.strerror or error}); make room and run the same "
                "command again: what is done is kept"
            ) from None


@contextmanager
def open_parts(out: Path, settings: Settings) -> Iterator[Parts]:
    """Make or find the folder of parts beside `out`, for this run alone.

    Raises
    ------
    InputError
        The folder cannot be made, or another run is using it.
    """
    folder = out.with_name(f"{out.name}.parts")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}); choose another --out") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another run is writing it; wait for its end, or choose another --out") from None
        except OSError:
            pass  # the file system has no locks
        for left in folder.glob(".*.new"):
            left.unlink(missing_ok=True)
        yield Parts(folder, settings)
    finally:
        os.close(lock)


def assemble(parts: Sequence[Path], out: Path, folder: Path) -> tuple[int, int]:
    """Write the results and the errors, in the order of the parts, and drop the `folder`; return their rows.

    Each file appears whole or not at all.

    Raises
    ------
    InputError
        A file could not be written; the parts are kept.
    """
    targets = ((out, "result", RESULT_COLUMNS), (errors_path(out), "error", ERROR_COLUMNS))
    rows: list[int] = []
    news = [path.with_name(f".{path.name}.new") for path, _, _ in targets]
    try:
        for new, (path, key, columns) in zip(news, targets, strict=True):
            write = _write_parquet if path.suffix == ".parquet" else _write_csv
            rows.append(write(new, columns, (list(_rows(part, key)) for part in parts)))
        for new, (path, _, _) in reversed(list(zip(news, targets, strict=True))):
            new.rename(path)
    except OSError as error:
        raise InputError(
            f"{out}: could not be written ({error.strerror or error}); make room and run the same command again: "
            "what is done is kept"
        ) from None
    finally:
        for new in news:
            with suppress(OSError):
                new.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return rows[0], rows[1]


def _rows(part: Path, key: str) -> Iterator[dict[str, Any]]:
    with part.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if key in row:
                yield row[key]


def _write_csv(path: Path, columns: Sequence[str], batches: Iterator[list[dict[str, Any]]]) -> int:
    n = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for rows in batches:
            n += len(rows)
            writer.writerows([safe_cell(row.get(column)) for column in columns] for row in rows)
        file.flush()
        os.fsync(file.fileno())
    return n


def _write_parquet(path: Path, columns: Sequence[str], batches: Iterator[list[dict[str, Any]]]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def kind(column: str) -> Any:
        if column in COUNTS:
            return pa.int64()
        return pa.string() if column in (*TEXTS, *PRIORS, "engine", "error") else pa.float64()

    schema = pa.schema([(column, kind(column)) for column in columns], {"bayes-ivig": __version__})
    n = 0
    with path.open("wb") as file:
        with pq.ParquetWriter(file, schema) as writer:
            held: list[dict[str, Any]] = []
            for rows in batches:
                n += len(rows)
                held += rows
                if len(held) >= _ROW_GROUP:
                    writer.write_table(pa.Table.from_pylist(held, schema))
                    held = []
            if held:
                writer.write_table(pa.Table.from_pylist(held, schema))
        file.flush()
        os.fsync(file.fileno())
    return n
