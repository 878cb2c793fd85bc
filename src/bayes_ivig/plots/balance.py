"""Benefit and harm: the plane of both, and the chance of a net benefit against the weight of a harm."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from bayes_ivig.checks import Check
from bayes_ivig.evidence import Evidence
from bayes_ivig.net_benefit import Balance
from bayes_ivig.plots.scale import linear_ticks
from bayes_ivig.plots.style import MARGIN, PALE, POSTERIOR, PUBLISHED, RAW, SMALL, WIDTH, Page, house_style

HEIGHT, HEAD, FOOT, LEFT, GAP = 2.4, 0.24, 0.42, 0.42, 0.45
SHOWN = 2000  # draws in the plane
_LINES = {
    "independent": (POSTERIOR, "-", 1.8),
    "comonotone": (PUBLISHED, (0, (4, 2)), 1.1),
    "antimonotone": ("#009E73", (0, (1.5, 1.5)), 1.1),
}


@dataclass(frozen=True)
class _Subject:
    """What the page is about: exact answers fail no check."""

    evidence: Evidence
    failed: tuple[Check, ...] = ()


def draw_balance(result: Balance) -> Figure:
    """Draw the plane of gain and harm with the line of the weight, and P(net benefit > 0) against the weight."""
    notes = (
        "Left: draws of both, per 100 patients in the trials, taken as independent; above the line gain - "
        f"{result.weight:g} x harm is below 0. Right: chance of a net benefit if one harmed patient weighs as much as "
        "W helped; solid: independent; dashed: gain and harm large together; dotted: one large where the other is "
        "small; shaded: any dependence.",
        *result.assumptions[:2],
    )
    with house_style():
        page = Page(
            _Subject(result.benefit),
            f"against {result.harm.title or result.harm.outcome}: benefit and harm together",
            HEAD + HEIGHT + FOOT,
            notes,
        )
        base, width = page.bottom + FOOT, (WIDTH - 2 * MARGIN - 2 * LEFT - GAP) / 2
        places = (MARGIN + LEFT, WIDTH - MARGIN - width)
        plane, curve = (page.axes(left, base, width, HEIGHT) for left in places)
        gain, harm = result.gain[:SHOWN], result.harm_draws[:SHOWN]
        plane.scatter(gain, harm, s=2.0, color=POSTERIOR, alpha=0.25, linewidths=0, rasterized=True)
        x = _frame(gain)
        y = _frame(harm)
        plane.set(xlim=x, ylim=y)
        if result.weight > 0:
            ends = np.array(x)
            plane.plot(ends, ends / result.weight, color=PUBLISHED, lw=1.2)
        else:
            plane.axvline(0.0, color=PUBLISHED, lw=1.2)
        plane.axvline(0.0, color="#C8C8C8", lw=0.7, zorder=0)
        plane.axhline(0.0, color="#C8C8C8", lw=0.7, zorder=0)
        plane.set_xticks(*linear_ticks(*x, 6))
        plane.set_yticks(*linear_ticks(*y, 6))
        curve.fill_between(result.weights, *result.bounds, color=PALE, alpha=0.5, linewidth=0)
        for name, (colour, style, wide) in _LINES.items():
            curve.plot(result.weights, result.curves[name], color=colour, ls=style, lw=wide)
        curve.axvline(result.weight, color=RAW, lw=0.7, ls=(0, (2, 2)), zorder=0)
        end = float(result.weights[-1])
        curve.set(xlim=(0, end), ylim=(0, 1))
        curve.set_xticks(*linear_ticks(0.0, end, 6))
        curve.set_yticks(*linear_ticks(0.0, 1.0, 5))
        for axes, left, title, below in (
            (plane, places[0], "Harm per 100 patients", "gain per 100 patients"),
            (curve, places[1], "P(net benefit > 0)", "W, weight of one harmed patient in patients helped"),
        ):
            axes.spines["left"].set(visible=True, linewidth=0.7)
            page.text(left, base + HEIGHT + 0.07, title, weight="bold", va="bottom")
            page.text(left + width / 2, base - 0.22, below, size=SMALL, ha="center", va="top")
        return page.figure


def _frame(draws: np.ndarray) -> tuple[float, float]:
    """Limits that hold the draws and 0."""
    low, high = min(0.0, float(draws.min())), max(0.0, float(draws.max()))
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad
