"""Surfaces and lean sensitivity analyses are kept between runs: they depend on data, model and program alone, and take
long to make.

They live in the user's cache folder (XDG_CACHE_HOME, else ~/.cache); where it cannot be written, nothing is kept. The
key holds a checksum of the code that makes them, so that a changed program never reads what an older one left.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

MAKERS = (
    "quadrature",
    "profiles",
    "priors",
    "pooled",
    "sensitivity",
    "page/surface_json.py",
    "page/surfaces.py",
    "page/sensitivity.py",
    "page/crossover.py",
    "plots",
    "effects.py",
    "named_priors.py",
    "spec.py",
    "studies.py",
    "wording.py",
)

_FORGETFUL: ContextVar[bool] = ContextVar("forgetful", default=False)


@contextmanager
def forgetful() -> Iterator[None]:
    """Make everything afresh within the block, and keep nothing of it."""
    token = _FORGETFUL.set(True)
    try:
        yield
    finally:
        _FORGETFUL.reset(token)


def remember(key: Mapping[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what `make` returns, from the cache if it was made before with this key and this program.

    `key` and the result are plain values for JSON.
    """
    if _FORGETFUL.get():
        return make()
    text = json.dumps({"code": _code(), **key}, sort_keys=True)
    path = _folder() / f"page-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict) and found.get("key") == text:
            return dict(found["value"])
    value = make()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}-{os.urandom(4).hex()}.part")
        try:
            part.write_text(json.dumps({"key": text, "value": value}), "utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return value


def _folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "bayes-ivig"


@lru_cache(maxsize=1)
def _code() -> str:
    """Checksum of the source files that a surface depends on."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for name in MAKERS:
        place = root / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()
