"""Where PyTensor, the compiler behind PyMC, keeps what it compiles."""

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path


def give_compiler_a_folder() -> None:
    """Compile into a temporary folder where the home folder cannot be written (a container, a job without a user).

    To be called before PyMC is imported, which fails otherwise. A folder that the user has chosen is left alone.
    """
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    if "compiledir" in flags:
        return
    folder = Path("~/.pytensor").expanduser()
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        temporary = tempfile.mkdtemp(prefix="bayes-ivig-")
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, [flags, f"base_compiledir={temporary}"]))
