"""The files of the evidence: what was counted, the page, and the figure."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bayes_ivig.calibration.coverage import Performance, read_rows
from bayes_ivig.calibration.coverage_page import coverage_page
from bayes_ivig.calibration.evidence import FILE, Cell, Evidence
from bayes_ivig.calibration.page import calibration_page
from bayes_ivig.calibration.ranks import ENGINES, MODELS, QUANTITIES
from bayes_ivig.calibration.uniformity import band
from bayes_ivig.plots.calibration import Panel, draw_calibration
from bayes_ivig.plots.style import house_style
from bayes_ivig.store import finite, replace_folder

COVERAGE = "coverage.json"


def write_calibration(evidence: Evidence, performance: Sequence[Performance], folder: Path) -> None:
    """Write the evidence, both pages and the figure in the place of what the folder held, all at once."""
    panels = [
        _panel(model, engine, [c for c in evidence.cells if (c.model, c.engine) == (model, engine)], evidence.limit)
        for model in MODELS
        for engine in ENGINES
        if any((c.model, c.engine) == (model, engine) for c in evidence.cells)
    ]
    figure = draw_calibration(panels, len(ENGINES))
    with replace_folder(folder) as new:
        (new / FILE).write_text(evidence.to_json(), "utf-8")
        (new / "README.md").write_text(calibration_page(evidence, evidence.made), "utf-8")
        (new / COVERAGE).write_text(performance_json(performance), "utf-8")
        (new / "coverage.md").write_text(coverage_page(performance), "utf-8")
        with house_style():
            figure.savefig(new / "calibration.svg", metadata={"Date": None})


def _panel(model: str, engine: str, cells: Sequence[Cell], limit: float) -> Panel:
    counts = {name: np.sum([cell.counts[name] for cell in cells], axis=0) for name in QUANTITIES}
    most = max(int(x.sum()) for x in counts.values())
    return Panel(f"{model.removesuffix('-random')}, {engine}", counts, band(most, 1 - limit))


def performance_json(rows: Sequence[Performance]) -> str:
    """JSON with one interval at one truth a line; what does not exist is null."""
    lines = ",\n".join(json.dumps(finite(vars(row))) for row in rows)
    return f'{{"schema": 1, "rows": [\n{lines}\n]}}\n'


def load_performance(folder: Path) -> tuple[Performance, ...]:
    """Load the stored rows."""
    return tuple(read_rows(json.loads((folder / COVERAGE).read_text("utf-8"))["rows"]))
