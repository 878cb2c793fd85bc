"""The files of one fit, written together or not at all."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayes_ivig.effects import to_natural
from bayes_ivig.fit import Fit
from bayes_ivig.fit_json import comparators_json, provenance, to_json
from bayes_ivig.store import csv_text, describe_run, json_text, replace_folder
from bayes_ivig.summary import tails


def result_folder(fit: Fit, root: Path) -> Path:
    """Folder of this fit: <root>/<review>/<outcome>/<likelihood>-<measure>-<effect>."""
    return root / fit.evidence.review / fit.evidence.outcome / fit.model.slug


def write_fit(fit: Fit, root: Path, *, figures: bool, started: float, suffix: str = "") -> Path:
    """Write every file of a fit and return its folder; an earlier result is replaced all at once.

    Parameters
    ----------
    fit
        What to write; a failed check is labelled in every file.
    root
        Root of the results.
    figures
        Whether to draw the figures (SVG and PNG).
    started
        `time.time()` at the start of the run, for run.json.
    suffix
        Added to the folder's name: a result beside the usual one, which stays.
    """
    leaf = result_folder(fit, root)
    leaf = leaf.with_name(leaf.name + suffix)
    clock = time.perf_counter()
    with replace_folder(leaf) as folder:
        plot_seconds = 0.0
        if figures:
            from bayes_ivig.plots import draw_figures, save_figures

            save_figures(draw_figures(fit), folder)
            plot_seconds = time.perf_counter() - clock
        (folder / "fit.json").write_text(json_text(to_json(fit)), "utf-8")
        for name, text in small_files(fit).items():
            (folder / name).write_text(text, "utf-8")
        _write_draws(fit, folder / "posterior.nc")
        seconds = {**fit.seconds, "plot": plot_seconds, "write": time.perf_counter() - clock - plot_seconds}
        (folder / "run.json").write_text(json_text(describe_run(started, seconds)), "utf-8")
    return leaf


def small_files(fit: Fit) -> dict[str, str]:
    """The tables of a fit as comma-separated text, by file name."""
    return {
        "summary.csv": _summary_csv(fit),
        "studies.csv": csv_text(_study_rows(fit)),
        "comparators.csv": csv_text(_comparator_rows(fit)),
    }


def _label(fit: Fit) -> str:
    """Label of a failed fit, empty where every check passed."""
    return "CHECK FAILED: " + "; ".join(check.name for check in fit.failed) if fit.failed else ""


def _summary_csv(fit: Fit) -> str:
    rows = _independent_summary(fit) if fit.draws.independent else _sampled_summary(fit)
    return csv_text([row | ({"failed": _label(fit)} if fit.failed else {}) for row in rows])


def _sampled_summary(fit: Fit) -> list[dict[str, Any]]:
    """ArviZ's summary of sampled draws, every digit."""
    import arviz_stats

    with np.errstate(invalid="ignore", divide="ignore"):  # a fixed parameter has no R-hat and no ESS
        table = arviz_stats.summary(fit.draws.to_datatree(), ci_prob=fit.prob, ci_kind="eti", round_to="none")
    table.insert(0, "quantity", table.index)
    return list(table.to_dict("records"))


def _independent_summary(fit: Fit) -> list[dict[str, Any]]:
    """The same of independent draws, which need no R-hat: every draw counts. Without ArviZ, whose import costs 2 s."""
    rows = []
    low, high = tails(fit.prob)
    for name, x in fit.draws["posterior"].items():
        for i, draws in enumerate(np.moveaxis(np.atleast_3d(x), -1, 0)):
            lower, upper = np.quantile(draws, [low, high])
            n, sd = draws.size, float(draws.std(ddof=1))
            rows.append(
                {
                    "quantity": f"{name}[{fit.draws.studies[i]}]" if x.ndim == 3 else name,
                    "mean": float(draws.mean()),
                    "sd": sd,
                    f"eti{100 * fit.prob:g}_lb": float(lower),
                    f"eti{100 * fit.prob:g}_ub": float(upper),
                    "ess_bulk": n,
                    "ess_tail": n,
                    "mcse_mean": sd / n**0.5,
                    "note": "independent draws of the exact posterior",
                }
            )
    return rows


def _study_rows(fit: Fit) -> list[dict[str, Any]]:
    """One row a study: its columns as loaded, then the shrunken effect on the analysis and the natural scale."""
    rows = []
    columns: list[Mapping[str, str]] = list(fit.evidence.rows) or [{} for _ in fit.studies]
    for study, cells, summary in zip(fit.evidence.studies, columns, fit.studies, strict=True):
        low, high = summary.ci
        rows.append(
            {"study": study.study, **cells}
            | {"theta_mean": summary.mean, "theta_sd": summary.sd, "theta_median": summary.median}
            | {"theta_low": low, "theta_high": high, "prob": summary.prob, "measure": fit.model.measure}
            | {
                f"natural_{name}": float(to_natural(fit.model.measure, value))
                for name, value in (("median", summary.median), ("low", low), ("high", high))
            }
            | ({"failed": _label(fit)} if fit.failed else {})
        )
    return rows


def _comparator_rows(fit: Fit) -> list[dict[str, Any]]:
    rows = comparators_json(fit.comparators, fit.published)
    return [
        {key: value for key, value in row.items() if key != "ci"} | {"ci_low": row["ci"][0], "ci_high": row["ci"][1]}
        for row in rows
    ]


def _write_draws(fit: Fit, path: Path) -> None:
    """Write every group as NetCDF4 that ArviZ reads back, with provenance as attributes of the root."""
    attributes = {
        "title": f"{fit.evidence.title}: {fit.model.name}",
        "review": fit.evidence.review,
        "outcome": fit.evidence.outcome,
        "model": json.dumps({key: fit.model.priors[key].text for key in fit.model.needed} | {"slug": fit.model.slug}),
        "provenance": json.dumps(provenance(fit)),
        "draws": "independent, by quadrature" if fit.draws.independent else "sampled by NUTS",
        "checks": _label(fit) or "passed",
    }
    path.write_bytes(fit.draws.to_netcdf(attributes))
