"""The evidence as a page of Markdown."""

from datetime import date

from bayes_ivig.calibration.evidence import FAMILY_WISE, Evidence
from bayes_ivig.calibration.ranks import ENGINES, MODELS, QUANTITIES, THETA_EVERY
from bayes_ivig.wording import number


def calibration_page(evidence: Evidence, today: date) -> str:
    """Return the page: what was done, what failed, one row a model, engine and number of trials."""
    failures = evidence.failures()
    n_tests = len(evidence.cells) * len(QUANTITIES)
    smallest = min(cell.p(name) for cell in evidence.cells for name in QUANTITIES)
    verdict = (
        f"None of {n_tests} tests fails; the smallest p is {number(smallest)}."
        if not failures
        else f"{len(failures)} of {n_tests} tests fail: "
        + "; ".join(f"{c.model}, {c.engine}, {c.n_trials} trials, {name} (p {number(p)})" for c, name, p in failures)
        + "."
    )
    rows = [
        f"| {cell.model} | {cell.engine} | {cell.n_trials} | {cell.replicates:,} | "
        + " | ".join(f"{cell.p(name):.3f}" for name in QUANTITIES)
        + f" | {1000 * cell.seconds / cell.replicates:,.0f} |"
        for cell in evidence.cells
    ]
    totals = [
        f"| {model} | {engine} | {sum(c.replicates for c in cells):,} | {sum(c.seconds for c in cells):,.0f} |"
        for model in MODELS
        for engine in ENGINES
        if (cells := [c for c in evidence.cells if (c.model, c.engine) == (model, engine)])
    ]
    return "\n".join(
        [
            "# Simulation-based calibration",
            "",
            "<!-- Written by `bayes-ivig calibrate`; do not edit. -->",
            "",
            f"Made on {evidence.made.isoformat()}, seed {evidence.seed}, numeric core {evidence.core_sha256[:12]}.",
            *(f"\n**{warning}**" for warning in evidence.warnings(today)),
            "",
            "The truth is drawn from the priors of a model, data are drawn from the truth, on trials as large as those",
            "of the review (zero cells happen), and each engine says where in its posterior the truth lies. Over many",
            "replicates that place is uniform if the engine is right. p is the exact probability of straying from",
            "uniformity as far, over the whole range at once (Säilynoja, Bürkner and Vehtari 2022). A correct program",
            f"fails anywhere in this table with probability {FAMILY_WISE:g}: a test fails below",
            f"p = {evidence.limit:.1e}.",
            "",
            verdict,
            "",
            "![Running shares against uniformity](calibration.svg)",
            "",
            "theta_1 (the effect in the first trial) and theta_new are asked of the exact engine in every",
            f"{THETA_EVERY}th replicate.",
            "",
            "| model | engine | trials | replicates | p, mu | p, tau | p, theta_1 | p, theta_new | "
            "ms of processor each |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            "| model | engine | replicates | processor seconds |",
            "|---|---|---:|---:|",
            *totals,
            "",
        ]
    )
