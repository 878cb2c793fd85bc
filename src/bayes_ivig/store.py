"""Results on disk: a run's folder is written beside its place and exchanged with it in one step."""

import csv
import ctypes
import errno
import io
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bayes_ivig.errors import InputError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def replace_folder(leaf: Path) -> Iterator[Path]:
    """Yield a new folder beside `leaf`; when the block ends without error it takes the place of `leaf`, all at once.

    Whatever happens before (an exception, Ctrl-C, a full disk, a kill), `leaf` is what it was.

    Raises
    ------
    InputError
        The folder cannot be made or written (no permission, disk full): one sentence with the path.
    """
    try:
        leaf.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{leaf.name}-", dir=leaf.parent))
    except OSError as error:
        raise InputError(
            f"{leaf.parent}: cannot write there ({error.strerror}); choose another folder with --out"
        ) from None
    try:
        new.chmod(0o755)
        yield new
        _flush(new)
        _exchange(new, leaf)
    except OSError as error:
        raise InputError(
            f"{leaf}: the result could not be written ({error.strerror}); the earlier result, if any, is unchanged"
        ) from None
    finally:
        # Either the unfinished new folder, or the old result after the exchange.
        shutil.rmtree(new, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Force every file to the disk, so that a full disk shows before the exchange and not after."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _exchange(new: Path, leaf: Path) -> None:
    """Put `new` in the place of `leaf`, in one step; the old folder, if any, ends at `new`."""
    try:
        new.rename(leaf)  # no result there yet (or an empty folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if not _exchange_atomically(new, leaf):
            # No such system call here: two steps, the old result kept until the new one stands.
            old = leaf.with_name(f"{new.name}-old")
            leaf.rename(old)
            new.rename(leaf)
            old.rename(new)


def _exchange_atomically(a: Path, b: Path) -> bool:
    """Exchange two folders with Linux's renameat2; False where the system has no such call."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE)
    return bool(done == 0)


def finite(value: Any) -> Any:
    """Return `value` with every number that is not finite replaced by None, mappings and sequences included."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def json_text(value: Mapping[str, Any]) -> str:
    """One JSON object; numbers that are not finite become null."""
    return json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Comma-separated text with a header; cells a spreadsheet would run as a formula are escaped with a quote."""
    rows = list(rows)
    header = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _safe_cell(cell) for key, cell in row.items()} for row in rows)
    return buffer.getvalue()


def _safe_cell(cell: Any) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        return ""
    if not isinstance(cell, str) or not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
