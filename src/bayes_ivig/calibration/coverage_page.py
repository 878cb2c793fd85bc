"""Coverage, width and bias as a page of Markdown."""

import math
from collections.abc import Sequence

from bayes_ivig.calibration.coverage import CONTROL_RISKS, MODEL, MUS, N_TRIALS, TAUS, Performance, Scenario
from bayes_ivig.calibration.ranks import SEED


def coverage_page(rows: Sequence[Performance]) -> str:
    """Return the page: one table a heterogeneity, one row a method, one column a truth."""
    methods = list(dict.fromkeys(row.method for row in rows))
    by = {(row.scenario, row.method): row for row in rows}
    n = rows[0].replicates
    error = 100 * math.sqrt(0.95 * 0.05 / n)
    parts = [
        "# Coverage, width and bias of every interval of a log odds ratio",
        "",
        "<!-- Written by `bayes-ivig calibrate`; do not edit. -->",
        "",
        f"{N_TRIALS} trials of the sizes of the review's main outcome, {n:,} times at each truth, seed {SEED}; effects",
        "theta_i ~ Normal(mu, tau) on the log odds ratio, one control risk in every trial. In each cell: share of 95%",
        f"intervals that hold mu, in percent (simulation error near 95: {error:.1f}); in brackets the median width",
        "and the mean of estimate less mu; after a slash, where it is below 100, the percentage of data sets in which",
        "the interval exists, to which the other numbers refer. A Bayesian interval need not cover 95% at every truth,",
        f"only on average over its prior; these have the model {MODEL}, and their estimate is the posterior mean.",
        "Risk ratios and differences are left out: under effects that vary on the log odds ratio they have no",
        "one truth.",
        "",
    ]
    for tau in TAUS:
        truths = [Scenario(mu, tau, risk) for risk in CONTROL_RISKS for mu in MUS]
        head = " | ".join(f"mu {t.mu:g}, control risk {t.control_risk:g}" for t in truths)
        parts += [f"## tau = {tau:g}", "", f"| interval | {head} |", f"|---|{'---:|' * len(truths)}"]
        for method in methods:
            cells = (_cell(by[truth, method]) for truth in truths)
            parts.append(f"| {method} | {' | '.join(cells)} |")
        parts.append("")
    return "\n".join(parts)


def _cell(row: Performance) -> str:
    if not row.exists:
        return "never exists"
    share = f" / {100 * row.exists:.0f}" if row.exists < 1 else ""
    return f"{100 * row.coverage:.0f} ({row.width:.1f}, {row.bias:+.2f}){share}"
