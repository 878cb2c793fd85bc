"""Results on disk: a run's folder is written beside its place and exchanged with it in one step."""

import csv
import ctypes
import errno
import fcntl
import glob
import io
import json
import math
import os
import platform
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from bayes_ivig.errors import InputError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def replace_folder(leaf: Path) -> Iterator[Path]:
    """Yield a new folder beside `leaf`; when the block ends without error it takes the place of `leaf`, all at once.

    Whatever happens before (an exception, Ctrl-C, a full disk, a kill), `leaf` is what it was. The unfinished
    folder of a run that was killed is removed by the next run, which knows it by its lock being free. Where
    `leaf` is a symbolic link, the folder it points to is replaced and the link stays.

    Raises
    ------
    InputError
        The folder cannot be made or written (no permission, disk full): one sentence with the path.
    """
    place = Path(os.path.realpath(leaf))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        new, lock = _make_beside(place)
    except OSError as error:
        raise InputError(
            f"{leaf.parent}: cannot write there ({error.strerror}); choose another folder with --out"
        ) from None
    try:
        yield new
        _flush(new)
        with _alone_in(place.parent):
            _exchange(new, place)
    except OSError as error:
        raise InputError(
            f"{leaf}: the result could not be written ({error.strerror or error}); "
            "the earlier result, if any, is unchanged"
        ) from None
    finally:
        # Either the unfinished new folder, or the old result after the exchange.
        shutil.rmtree(new, ignore_errors=True)
        os.close(lock)


def _make_beside(leaf: Path) -> tuple[Path, int]:
    """Make a folder beside `leaf` and lock it as long as this run lives; remove those whose run has died.

    A lock ends with its process, however that ends, so an unlocked folder belongs to nobody.
    """
    with _alone_in(leaf.parent) as alone:  # so that nobody sees the new folder before it is locked
        if _is_file(leaf):
            raise InputError(f"{leaf}: is a file, not a folder; move it away, or choose another folder with --out")
        if alone:
            _finish_exchange(leaf)
        for left in leaf.parent.glob(f".{glob.escape(leaf.name)}-*.part"):
            with suppress(OSError):  # its run is alive, or the file system has no locks: leave it
                held = os.open(left, os.O_RDONLY)
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(left, ignore_errors=True)
                finally:
                    os.close(held)
        new = leaf.with_name(f".{leaf.name}-{os.urandom(4).hex()}.part")
        new.mkdir()
        lock = os.open(new, os.O_RDONLY)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        return new, lock


def _is_file(place: Path) -> bool:
    """Whether something other than a folder is there: one look, since `place` may vanish between two."""
    try:
        return not stat.S_ISDIR(place.stat().st_mode)
    except FileNotFoundError:
        return False


def _finish_exchange(leaf: Path) -> None:
    """Bring back, or clear away, the old result of a run that was killed between the two steps of `_exchange`."""
    for old in leaf.parent.glob(f".{glob.escape(leaf.name)}-*.part-old"):
        if leaf.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(leaf)


@contextmanager
def _alone_in(folder: Path) -> Iterator[bool]:
    """Let one run at a time into the block, for an instant; False where the file system has no locks."""
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
        except OSError:
            alone = False
        else:
            alone = True
        yield alone
    finally:
        os.close(held)


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
            try:
                new.rename(leaf)
            except BaseException:
                old.rename(leaf)
                raise
            old.rename(new)


def _exchange_atomically(a: Path, b: Path) -> bool:
    """Exchange two folders with Linux's renameat2; False where the system has no such call."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE)
    return bool(done == 0)


def finite(value: Any) -> Any:
    """Return `value` with every number that is not finite replaced by None, mappings and sequences included.

    A numpy number becomes Python's own, which JSON knows.
    """
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def json_text(value: Mapping[str, Any]) -> str:
    """One JSON object; numbers that are not finite become null."""
    return json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Comma-separated text with a header; numbers that are not finite become empty cells.

    A text that a spreadsheet would run as a formula, in the header too, gets a quote before it.
    """
    rows = list(rows)
    header = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([safe_cell(key) for key in header])
    writer.writerows([safe_cell(row.get(key)) for key in header] for row in rows)
    return buffer.getvalue()


def safe_cell(cell: Any) -> Any:
    """Return a cell of a CSV file as `csv_text` writes it."""
    cell = finite(cell)
    if not isinstance(cell, str) or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return cell
    return cell if _is_number(cell) else f"'{cell}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def describe_run(started: float, seconds: Mapping[str, float]) -> dict[str, Any]:
    """When, how long and on what machine: what differs between two runs of the same fit."""
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "duration_seconds": time.time() - started,
        "seconds": dict(seconds),
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
    }
