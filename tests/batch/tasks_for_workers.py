"""What the workers of the tests do: in a module that another process can import."""

import os
from pathlib import Path


def square(x: int) -> int:
    return x * x


def die_once(mark: Path, x: int) -> int:
    """Answer, but kill the process that is first asked for 3."""
    if x == 3 and not mark.exists():
        mark.touch()
        os._exit(1)
    return square(x)


def die(x: int) -> int:
    os._exit(1)


def note(folder: Path, x: int) -> int:
    """Answer, and leave a mark of having been asked."""
    (folder / f"{x}-{os.getpid()}").touch()
    return square(x)
