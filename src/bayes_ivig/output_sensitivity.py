"""The files of one sensitivity analysis, written together or not at all."""

import time
from pathlib import Path

from bayes_ivig.sensitivity import Sensitivity
from bayes_ivig.store import csv_text, describe_run, json_text, replace_folder


def write_sensitivity(result: Sensitivity, root: Path, *, figures: bool, started: float) -> Path:
    """Write sensitivity.json, one CSV a table and the figures to <root>/<review>/<outcome>/sensitivity/.

    Returns that folder; an earlier one is replaced all at once. `started` is `time.time()` at the start of the run.
    """
    leaf = root / result.evidence.review / result.evidence.outcome / "sensitivity"
    with replace_folder(leaf) as folder:
        clock = time.perf_counter()
        if figures:
            from bayes_ivig.plots import save_figures
            from bayes_ivig.plots.sensitivity import SENSITIVITY_DPI, draw_sensitivity

            save_figures(draw_sensitivity(result), folder, SENSITIVITY_DPI)
        seconds = {**result.seconds, "figures": time.perf_counter() - clock}
        (folder / "sensitivity.json").write_text(json_text(result.to_json()), "utf-8")
        for name, rows in result.tables().items():
            (folder / f"{name}.csv").write_text(csv_text(rows), "utf-8")
        (folder / "run.json").write_text(json_text(describe_run(started, seconds)), "utf-8")
    return leaf
