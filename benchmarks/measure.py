"""What a benchmark yields: rows of one figure each, and the machine they were measured on."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measurement: `value` in `unit`; `goal` is what the project set itself, in words, "" where nothing."""

    group: str
    what: str
    value: float
    unit: str
    goal: str = ""


def cpu(function: Callable[[], Any], repeats: int = 5) -> float:
    """Least CPU seconds of this process in a few runs: other work on the machine disturbs it least."""
    return min(_timed(function, time.process_time) for _ in range(repeats))


def wall(function: Callable[[], Any]) -> float:
    """Seconds of one run, all processes included."""
    return _timed(function, time.perf_counter)


def _timed(function: Callable[[], Any], clock: Callable[[], float]) -> float:
    start = clock()
    function()
    return clock() - start


def machine() -> dict[str, Any]:
    """Describe where and with what this was measured; `loop_ms` (a plain Python loop) compares machines."""
    names = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "loop_ms": round(1e3 * cpu(lambda: sum(range(1_000_000))), 1),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("bayes-ivig", "numpy", "scipy", "pymc", "nutpie")},
    }


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
