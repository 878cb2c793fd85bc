"""The files of one balance of benefit and harm, written together or not at all."""

import time
from pathlib import Path

from bayes_ivig.net_benefit import Balance
from bayes_ivig.store import csv_text, describe_run, json_text, replace_folder


def write_balance(result: Balance, root: Path, *, figures: bool, started: float) -> Path:
    """Write balance.json, the curve and the figure to <root>/<review>/balance/<benefit>-<harm>/.

    Returns that folder; an earlier one is replaced all at once. `started` is `time.time()` at the start of the run.
    """
    leaf = root / result.benefit.review / "balance" / f"{result.benefit.outcome}-{result.harm.outcome}"
    with replace_folder(leaf) as folder:
        clock = time.perf_counter()
        if figures:
            from bayes_ivig.plots import save_figures
            from bayes_ivig.plots.balance import draw_balance

            save_figures({"balance": draw_balance(result)}, folder)
        seconds = {"figures": time.perf_counter() - clock}
        (folder / "balance.json").write_text(json_text(result.to_json()), "utf-8")
        (folder / "net-benefit.csv").write_text(csv_text(result.to_rows()), "utf-8")
        (folder / "run.json").write_text(json_text(describe_run(started, seconds)), "utf-8")
    return leaf
