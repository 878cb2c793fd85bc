"""The files of the evidence: what was counted, the page, and the figure."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from bayes_ivig.calibration.evidence import FILE, Cell, Evidence
from bayes_ivig.calibration.page import calibration_page
from bayes_ivig.calibration.ranks import ENGINES, MODELS, QUANTITIES
from bayes_ivig.calibration.uniformity import band
from bayes_ivig.plots.calibration import Panel, draw_calibration
from bayes_ivig.plots.style import house_style
from bayes_ivig.store import replace_folder


def write_calibration(evidence: Evidence, folder: Path) -> None:
    """Write calibration.json, README.md and calibration.svg, all at once; other files of the folder are kept."""
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} if folder.is_dir() else {}
    panels = [
        _panel(model, engine, [c for c in evidence.cells if (c.model, c.engine) == (model, engine)], evidence.limit)
        for model in MODELS
        for engine in ENGINES
    ]
    figure = draw_calibration(panels, len(ENGINES))
    with replace_folder(folder) as new:
        for name, data in kept.items():
            (new / name).write_bytes(data)
        (new / FILE).write_text(evidence.to_json(), "utf-8")
        (new / "README.md").write_text(calibration_page(evidence, date.today()), "utf-8")
        with house_style():
            figure.savefig(new / "calibration.svg", metadata={"Date": None})


def _panel(model: str, engine: str, cells: Sequence[Cell], limit: float) -> Panel:
    counts = {name: np.sum([cell.counts[name] for cell in cells], axis=0) for name in QUANTITIES}
    most = max(int(x.sum()) for x in counts.values())
    return Panel(f"{model.removesuffix('-random')}, {engine}", counts, band(most, 1 - limit))
