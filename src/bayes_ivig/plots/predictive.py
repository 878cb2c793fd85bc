"""Posterior predictive check: could the fitted model have produced each trial's data?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_ivig.effects import Array
from bayes_ivig.fit import Fit
from bayes_ivig.plots.raw import arms
from bayes_ivig.plots.scale import axis_label, count_text, decimals_for, interval_text, linear_ticks, ticks, value_text
from bayes_ivig.plots.style import (
    BODY,
    INK,
    MARGIN,
    PALE,
    POSTERIOR,
    WIDTH,
    Page,
    describe_model,
    shorten,
    text_width,
)
from bayes_ivig.studies import SingleArm

HEAD, FOOT, GAP = 0.4, 0.44, 0.14
WIDEST_NAME, NARROWEST = 1.6, 0.6
MIDDLE = "center_baseline"
_LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)


@dataclass(frozen=True)
class _Panel:
    """One arm, or the effects: observed values and quantiles (k, 5), both as drawn, and a text for each trial.

    Trials without patients in the arm have nan.
    """

    title: str
    observed: Array
    quantiles: Array
    texts: tuple[str, ...]
    is_share: bool


def draw_predictive_check(fit: Fit) -> Figure:
    """Draw, for each trial, what was observed against what the fitted model predicts for the same trial."""
    panels = _panels(fit)
    names = [shorten(study.study, WIDEST_NAME) for study in fit.evidence.studies]
    step = 0.25 if len(names) <= 20 else 0.2
    height = step * len(names) + 0.06
    what = "number of events" if panels[0].is_share else "effect"
    outside = sum(int(np.nansum((p.observed < p.quantiles[:, 0]) | (p.observed > p.quantiles[:, -1]))) for p in panels)
    compared = sum(int(np.isfinite(p.observed).sum()) for p in panels)
    notes = (
        f"Posterior predictive {what} of a repetition of each trial: median (bar), 50% interval (thick) "
        f"and 95% interval (thin); diamond: observed. {outside} of {compared} observed values lie outside the latter.",
        describe_model(fit),
    )
    page = Page(fit, "Observed against predicted", HEAD + height + FOOT, notes)
    base = page.top - HEAD - height
    ys = [height - 0.03 - step * (i + 0.5) for i in range(len(names))]
    page.text(MARGIN, base + height + 0.06, "Trial", weight="bold", va="bottom")
    page.rule(base + height + 0.02)
    left = MARGIN + max(text_width(name) for name in (*names, "Trial ")) + GAP
    room = (WIDTH - MARGIN - left - GAP * (len(panels) - 1)) / len(panels)
    for name, y in zip(names, ys, strict=True):
        page.text(MARGIN, base + y, name, va=MIDDLE)
    for i, panel in enumerate(panels):
        _write_panel(page, fit, panel, (left + i * (room + GAP), base), (room, height), ys, _highest(panels))
    return page.figure


def _write_panel(
    page: Page,
    fit: Fit,
    panel: _Panel,
    corner: tuple[float, float],
    size: tuple[float, float],
    ys: Sequence[float],
    highest: float,
) -> None:
    """Set one panel into the box at `corner`: heading, plot, axis, and numbers where the plot keeps room."""
    (x, base), (room, height) = corner, size
    head = base + height + 0.06
    heading = ("Observed;", "predicted (95%)")
    texts = max(text_width(text, BODY, "bold") for text in (*panel.texts, *heading))
    width = room - texts - 0.1
    if width < NARROWEST:
        width = room
    else:
        for i, line in enumerate(reversed(heading)):
            page.text(x + room - texts, head + 0.13 * i, line, weight="bold", va="bottom")
        for text, y in zip(panel.texts, ys, strict=True):
            page.text(x + room - texts, base + y, text, va=MIDDLE)
    page.text(x, head, shorten(panel.title, width, BODY, "bold"), weight="bold", va="bottom")
    axes = page.axes(x, base, width, height)
    axes.set_ylim(0, height)
    _draw_panel(axes, panel, ys, highest)
    low, high = axes.get_xlim()
    most = max(3, int(width / 0.4))
    if panel.is_share:
        places, _ = linear_ticks(low, high, min(most, 6))
        axes.set_xticks(places, [f"{100 * p:g}" for p in places])
        label = "Events per 100"
    else:
        axes.set_xticks(*ticks(fit.model.measure, low, high, most))
        label = axis_label(fit.model.measure, fit.evidence)
    page.text(x + width / 2, base - 0.22, label, ha="center", va="top")


def _highest(panels: Sequence[_Panel]) -> float:
    """Return the end of the axis of shares, the same for both arms: 1, or less where all events are rare."""
    furthest = max(float(np.nanmax([p.observed, p.quantiles[:, -1]], initial=0.0)) for p in panels)
    return 1.1 * furthest if 0 < furthest < 0.6 else 1.0


def _draw_panel(axes: Axes, panel: _Panel, ys: Sequence[float], highest: float) -> None:
    known = np.isfinite(panel.observed)
    y, q, seen = np.array(ys)[known], panel.quantiles[known], panel.observed[known]
    axes.hlines(y, q[:, 0], q[:, 4], color=POSTERIOR, lw=0.9)
    axes.hlines(y, q[:, 1], q[:, 3], color=PALE, lw=5.0)
    axes.hlines(y, q[:, 1], q[:, 3], color=POSTERIOR, lw=0.9)
    axes.plot(q[:, 2], y, marker="|", ls="", color=POSTERIOR, markersize=7, markeredgewidth=1.6)
    axes.plot(seen, y, marker="D", ls="", color=INK, markersize=3.6, markeredgewidth=0, clip_on=False, zorder=5)
    if panel.is_share:
        axes.set_xlim(-0.03 * highest, 1.03 * highest)
    elif len(seen):
        low, high = min(q.min(), seen.min()), max(q.max(), seen.max())
        axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _panels(fit: Fit) -> list[_Panel]:
    drawn = fit.draws["posterior_predictive"]
    evidence = fit.evidence
    if "y" in drawn:
        return [_effects(fit, np.asarray(drawn["y"]))]
    if "events" in drawn:
        n = np.array([study.n for study in evidence.studies if isinstance(study, SingleArm)])
        return [_counts("Events", fit.draws, "events", n)]
    both = np.array([arms(study) for study in evidence.studies])
    return [
        _counts(evidence.treatment, fit.draws, "events_t", both[:, 1]),
        _counts(evidence.control, fit.draws, "events_c", both[:, 3]),
    ]


def _counts(title: str, tree: Any, name: str, n: Array) -> _Panel:
    replicated, seen = np.asarray(tree["posterior_predictive"][name]), np.asarray(tree["observed_data"][name])
    # Quantiles of counts are counts.
    q = np.quantile(replicated.reshape(-1, len(n)), _LEVELS, axis=0, method="inverted_cdf").T
    texts = tuple(
        f"{count_text(r)} of {count_text(total)}; {count_text(m)} ({count_text(low)} to {count_text(high)})"
        if total
        else "no patients"
        for r, (low, _, m, _, high), total in zip(seen, q, n, strict=True)
    )
    size = np.where(n > 0, n, np.nan)
    return _Panel(title, seen / size, q / size[:, None], texts, True)


def _effects(fit: Fit, replicated: Array) -> _Panel:
    measure, seen = fit.model.measure, np.asarray(fit.draws["observed_data"]["y"])
    q = np.quantile(replicated.reshape(-1, len(seen)), _LEVELS, axis=0).T
    decimals = decimals_for(measure, float(np.median(q[:, 3] - q[:, 1])))
    texts = tuple(
        f"{value_text(measure, y, decimals)}; {interval_text(measure, (m, low, high), decimals)}"
        for y, (low, _, m, _, high) in zip(seen, q, strict=True)
    )
    return _Panel("", seen, q, texts, False)
