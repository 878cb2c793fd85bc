"""Every benchmark by one command: `./task bench` (a quarter of an hour on an idle machine).

Writes `benchmarks/results/`: the table (README.md), the figures behind it (results.json) and the plot. Nothing is
asserted: a benchmark says what was, on which machine. `--only engine,batch` runs some groups and keeps the others.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one core is measured

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accuracy import accuracy_points
from commands import command_rows
from engine import engine_rows
from measure import Row, machine
from plot import draw

from batch import batch_rows

HERE = Path(__file__).parent
OUT = HERE / "results"
PEERS_SOURCE = (
    "Measured once for this project on a machine with 2 cores, in R 4.2.2, as its issue 7 records; not repeated here, "
    "so that only the order of magnitude can be compared."
)


def main() -> None:
    """Run the groups asked for, and write table and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="engine,accuracy,commands,batch", help="groups, with commas")
    parser.add_argument("--reviews", type=int, default=10_000, help="of the batch")
    arguments = parser.parse_args()
    groups: dict[str, Callable[[], Iterable[Any]]] = {
        "engine": engine_rows,
        "accuracy": accuracy_points,
        "commands": command_rows,
        "batch": lambda: batch_rows(arguments.reviews),
    }
    asked = arguments.only.split(",")
    if unknown := set(asked) - set(groups):
        sys.exit(f"--only: {', '.join(unknown)} not known; give some of {', '.join(groups)}")
    file = OUT / "results.json"
    kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
    for name in asked:
        where = machine()
        kept[name] = {"machine": where, "rows": [asdict(found) for found in _told(groups[name]())]}
    OUT.mkdir(exist_ok=True)
    file.write_text(json.dumps({name: kept[name] for name in groups if name in kept}, indent=1) + "\n", "utf-8")
    peers = list(csv.DictReader((HERE / "peers.csv").read_text("utf-8").splitlines()))
    (OUT / "README.md").write_text("\n".join(_page(kept, peers)) + "\n", "utf-8")
    if "accuracy" in kept:
        draw(kept["accuracy"]["rows"], peers, OUT / "speed.svg")


def _told(found: Iterable[Any]) -> Iterator[Any]:
    for one in found:
        print(one, file=sys.stderr)
        yield one


def _page(kept: dict[str, Any], peers: list[dict[str, str]]) -> Iterator[str]:
    yield "# Benchmarks\n\nMade by `./task bench`; figures were measured once, on the machine named above their table."
    for name, title in (
        ("engine", "The exact engine"),
        ("commands", "Whole commands"),
        ("batch", "Thousands of reviews"),
    ):
        if name not in kept:
            continue
        clock = "CPU time of one core" if name == "engine" else "time on the wall"
        yield f"\n## {title}\n\n{_machine(kept[name]['machine'])} {clock[0].upper()}{clock[1:]}.\n"
        yield "| what | measured | goal |\n|---|---:|---:|"
        rows = [Row(**row) for row in kept[name]["rows"]]
        yield from (f"| {row.what} | {_short(row.value)} {row.unit} | {row.goal} |" for row in rows)
    if "accuracy" in kept:
        yield f"\n## Accuracy against time\n\n{_machine(kept['accuracy']['machine'])}\n"
        yield "`strength`: the largest error of the mean and the 2.5%, 50% and 97.5% points of mu, in posterior SDs,"
        yield "against another program's exact answer.\n"
        yield "| engine | nodes a panel, or draws | set-up, s | then, s | error, SD |\n|---|---:|---:|---:|---:|"
        for p in kept["accuracy"]["rows"]:
            yield f"| {p['engine']} | {p['size']:,} | {p['set_up']:.2g} | {p['seconds']:.2g} | {p['error']:.1e} |"
        yield "\n![Error against time, and the time of other programs](speed.svg)"
    yield f"\n## Other programs\n\n{PEERS_SOURCE}\n"
    yield "| program | version | what | seconds | clock |\n|---|---|---|---:|---|"
    yield from ("| {tool} | {version} | {what} | {seconds} | {clock} |".format(**row) for row in peers)


def _machine(m: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in m["packages"].items())
    return (
        f"{m['date']}, {m['cores']} cores ({m['processor']}; a million additions in Python take {m['loop_ms']} ms; "
        f"load before the start {m['load_before']}), Python {m['python']}, {packages}."
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
