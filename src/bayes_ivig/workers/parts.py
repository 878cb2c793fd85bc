"""What is done of a long run, kept on disk, so that the same command goes on from there.

`<out>.parts/` holds one file a part. Its name is the hash of all that it was computed from, so that another run uses
what it finds and nothing else. A part appears whole or not at all.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayes_ivig.errors import InputError


@dataclass(frozen=True)
class Parts:
    """The folder of one run's parts."""

    folder: Path

    def path(self, *computed_from: Any) -> Path:
        """File of the part that was computed from these JSON values."""
        return self.folder / f"{hashlib.sha256(json.dumps(computed_from).encode()).hexdigest()}.jsonl"

    def write(self, path: Path, text: str) -> None:
        """Write one part, whole or not at all; raise InputError where it cannot be."""
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

    def remove(self) -> None:
        """Remove the folder with all parts: the result stands."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def open_parts(out: Path) -> Iterator[Parts]:
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
        yield Parts(folder)
    finally:
        os.close(lock)
