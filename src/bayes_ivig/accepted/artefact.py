"""One accepted result: what it is, and what making it gives."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Artefact:
    """One folder of accepted files. `arguments` are what its kind needs to make it."""

    kind: str
    folder: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """The files of an artefact, by name, and the names of the checks that failed while making it."""

    files: Mapping[str, str]
    failed: tuple[str, ...] = ()
