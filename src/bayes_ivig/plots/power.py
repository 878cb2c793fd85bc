"""Power-scaling: the average effect, and its probability, as priors and likelihood count for less or more."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_ivig.plots.scale import axis_label, linear_ticks, ticks
from bayes_ivig.plots.style import CHAINS, MARGIN, SMALL, WIDTH, Page, describe_model
from bayes_ivig.sensitivity import Sensitivity
from bayes_ivig.sensitivity.power_scaling import ALPHAS
from bayes_ivig.wording import number

HEIGHT, HEAD, FOOT, LEFT, GAP = 1.75, 0.24, 0.42, 0.5, 0.55
_LINES = ("-", (0, (4, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1, 2)))


def draw_power_scaling(result: Sensitivity) -> Figure:
    """Draw posterior mean of mu, and P, against the power of each component."""
    scaling = result.power_scaling
    measures = "; ".join(
        f"{c.name} {number(c.mu)}" + (f" on mu, {number(c.tau)} on tau" if c.tau is not None else " on mu")
        for c in scaling.components
    )
    words = ", ".join(f"{name}: {text}" for name, text in scaling.diagnoses.items())
    notes = (
        "A power above 1 makes a prior, or the likelihood, count for more; each is scaled alone and every posterior "
        f"computed afresh. Sensitivity (Kallioinen et al. 2024; 0.05 is notable): {measures}. Diagnosis: {words}.",
        describe_model(result),
    )
    page = Page(result, "Priors and likelihood to a power", HEAD + HEIGHT + FOOT, notes)
    base = page.bottom + FOOT
    width = (WIDTH - 2 * MARGIN - 2 * LEFT - GAP) / 2
    mean, p = (page.axes(left, base, width, HEIGHT) for left in (MARGIN + LEFT, WIDTH - MARGIN - width))
    x = np.log2(ALPHAS)
    for i, component in enumerate(scaling.components):
        path = np.array(component.path)
        style: Any = {"color": CHAINS[i % len(CHAINS)], "ls": _LINES[i % len(_LINES)], "lw": 1.4}
        mean.plot(x, path[:, 1], label=component.name, **style)
        p.plot(x, path[:, 3], **style)
    lowest, highest = (f([c[1] for component in scaling.components for c in component.path]) for f in (min, max))
    margin = 0.15 * (highest - lowest)
    lowest, highest = lowest - margin, highest + margin
    _frame(mean, lowest, highest, ticks(result.model.measure, lowest, highest, 6))
    worst = min(c[3] for component in scaling.components for c in component.path)
    bottom = 0.9 if worst > 0.9 else 0.5 if worst > 0.5 else 0.0
    _frame(p, bottom, 1.0, linear_ticks(bottom, 1.0, 5))
    mean.legend(frameon=False, fontsize=SMALL, loc="best")
    for axes_left, title in (
        (MARGIN + LEFT, axis_label(result.model.measure, result.evidence) + ", mean"),
        (WIDTH - MARGIN - width, result.direction.text),
    ):
        page.text(axes_left, base + HEIGHT + 0.07, title, weight="bold", va="bottom")
        page.text(axes_left + width / 2, base - 0.22, "power", size=SMALL, ha="center", va="top")
    return page.figure


def _frame(axes: Axes, low: float, high: float, y_ticks: tuple[list[float], list[str]]) -> None:
    pad = 0.06 * (high - low) or 0.1
    axes.set(xlim=(np.log2(ALPHAS[0]), np.log2(ALPHAS[-1])), ylim=(low - pad, high + pad))
    axes.set_xticks(np.log2(ALPHAS), [f"{a:.2g}" for a in ALPHAS])
    inside = [(y, text) for y, text in zip(*y_ticks, strict=True) if low - pad <= y <= high + pad]
    if inside:
        axes.set_yticks(*zip(*inside, strict=True))
    axes.axvline(0.0, color="#D0D0D0", lw=0.7, zorder=0)
    axes.spines["left"].set(visible=True, linewidth=0.7)
