"""Answered chunks on disk, a part each, and the tables made of them."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.batch.comparators import COLUMNS
from bayes_ivig.batch.inputs import Chunk
from bayes_ivig.batch.settings import Settings
from bayes_ivig.batch.work import Answered
from bayes_ivig.errors import InputError
from bayes_ivig.store import safe_cell
from bayes_ivig.workers.parts import Parts

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


def part_of(chunk: Chunk, parts: Parts, settings: Settings) -> Path:
    """File of this chunk's part."""
    return parts.path(__version__, settings.to_json(), chunk.digest)


def to_lines(answered: Answered) -> str:
    """A part as text: a line of JSON a row."""
    lines = [{"result": row} for row in answered.results] + [{"error": row} for row in answered.errors]
    return "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)


def assemble(parts: Sequence[Path], out: Path) -> tuple[int, int]:
    """Write the results and the errors, in the order of the parts; return their rows.

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
