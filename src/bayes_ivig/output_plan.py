"""The files of one plan, written together or not at all."""

import platform
import time
from pathlib import Path

from bayes_ivig.plan.as_json import csv_rows, to_json
from bayes_ivig.plan.assurance import Plan
from bayes_ivig.store import csv_text, json_text, replace_folder


def plan_folder(plan: Plan, root: Path) -> Path:
    """Folder of this plan: <root>/<review>/<outcome>/plan-<design>-<likelihood>-<measure>-<effect>."""
    question = plan.question
    leaf = f"plan-{question.design.kind}-{question.model.slug}"
    return root / question.evidence.review / question.evidence.outcome / leaf


def write_plan(plan: Plan, root: Path, *, figures: bool, started: float) -> Path:
    """Write plan.json, plan.csv, run.json and the curve (SVG and PNG); an earlier result is replaced all at once."""
    leaf = plan_folder(plan, root)
    with replace_folder(leaf) as folder:
        if figures:
            from bayes_ivig.plots import save_figures
            from bayes_ivig.plots.assurance import draw_assurance

            save_figures({"assurance": draw_assurance(plan)}, folder)
        (folder / "plan.json").write_text(json_text(to_json(plan)), "utf-8")
        (folder / "plan.csv").write_text(csv_text(csv_rows(plan)), "utf-8")
        run = {
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
            "duration_seconds": time.time() - started,
            "machine": {"system": platform.platform(), "python": platform.python_version()},
        }
        (folder / "run.json").write_text(json_text(run), "utf-8")
    return leaf
