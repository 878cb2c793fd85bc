"""ZIP archives, read in memory and within bounds: nothing is unpacked to disk."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from bayes_ivig.errors import InputError
from bayes_ivig.tabular import shown

MAX_ENTRIES = 10_000
MAX_UNPACKED = 128 * 2**20  # bytes of all entries together
MAX_RATIO = 200  # of an entry's size to its packed size; tables of text stay below 50
_SMALL = 2**20  # bytes up to which the ratio does not matter
# What zipfile raises for an archive that is damaged or packed in a way it does not know.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
    IndexError,
    struct.error,
)


@contextmanager
def opened(data: bytes, name: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose entries are within bounds and stay inside it.

    The sizes checked are those the archive states; reading an entry stops at its stated size.

    Raises
    ------
    InputError
        Not a readable archive, too many entries, an entry that unpacks to too much or whose path leaves the archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive, name)
            yield archive
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(
            f"{name}: not readable as a ZIP archive ({shown(str(error)) or type(error).__name__}); download or save it "
            "again"
        ) from None


def _check(archive: zipfile.ZipFile, name: str) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"{name}: {len(entries):,} entries found, at most {MAX_ENTRIES:,} are read; split the archive")
    total = 0
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
            raise InputError(
                f"{name}, entry '{shown(entry.filename)}': the path leaves the archive; use a file from its publisher"
            )
        total += entry.file_size
        if total > MAX_UNPACKED:
            raise InputError(
                f"{name}: unpacks to more than {MAX_UNPACKED:,} bytes; check that this is the right file, or split it"
            )
        if entry.flag_bits & 1:
            raise InputError(
                f"{name}: not readable as a ZIP archive (an entry is encrypted); download or save it again, without a "
                "password"
            )
        if entry.file_size > _SMALL and entry.file_size > MAX_RATIO * entry.compress_size:
            raise InputError(
                f"{name}, entry '{shown(entry.filename)}': unpacks to over {MAX_RATIO} times its size; "
                "use a file from its publisher"
            )
