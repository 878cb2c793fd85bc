"""Baseline priors: each study's profile under all of them, and below what each says of mu."""

from matplotlib.figure import Figure

from bayes_ivig.plots.marks import Interval, draw_intervals
from bayes_ivig.plots.scale import axis_label, interval_text, linear_ticks, ticks
from bayes_ivig.plots.style import (
    BODY,
    CHAINS,
    INK,
    LINE,
    MARGIN,
    POSTERIOR,
    RAW,
    RULE,
    SMALL,
    WIDTH,
    Page,
    describe_model,
    shorten,
)
from bayes_ivig.sensitivity import Sensitivity
from bayes_ivig.sensitivity.baselines import BaselineCell
from bayes_ivig.wording import percent, short_probability

PANEL, GAP, FOOT, ROW, LEFT = 1.35, 0.14, 0.42, 0.19, 0.24
ACROSS = 3
NAMES, NUMBERS = 1.95, 2.05  # of the rows: left of the axis, right of it
_LOWEST = -4.0  # log likelihood below its peak at which a profile ends
_MOST = 9  # studies whose profiles are drawn


def draw_baselines(result: Sensitivity) -> Figure:
    """Draw the profiles of the first studies, and one interval of mu a baseline prior and parametrisation."""
    cells, measure = result.baselines.cells, result.model.measure
    names = [study.study for study in result.evidence.studies][:_MOST]
    lines = -(-len(names) // ACROSS)
    block = PANEL + FOOT + 0.05
    body = lines * block + 0.16 + ROW * len(cells) + FOOT
    left_out = len(result.evidence.studies) - len(names)
    notes = (
        "Top: log likelihood of each trial, its baseline integrated out, below its peak; solid lines: baseline prior "
        "on the midpoint of the two logits, dashed: on the control risk; colours as below."
        + (f" {left_out} more trials are not drawn." if left_out else ""),
        f"Bottom: the average effect under each, median and {percent(result.prob)} equal-tailed interval, with "
        f"{result.direction.text}; the first row is the model as fitted.",
        describe_model(result),
    )
    page = Page(result, "Baseline priors and where they sit", body, notes)
    colours = {prior: CHAINS[i % len(CHAINS)] for i, prior in enumerate(dict.fromkeys(c.prior for c in cells))}
    width = (WIDTH - 2 * MARGIN - LEFT - GAP * (ACROSS - 1)) / ACROSS
    for i, name in enumerate(names):
        left = MARGIN + LEFT + (i % ACROSS) * (width + GAP)
        base = page.top - (i // ACROSS + 1) * block + FOOT
        _draw_profiles(page, cells, colours, i, name, (left, base, width), measure)
    label = axis_label(measure, result.evidence)
    page.text(WIDTH / 2, page.top - lines * block + FOOT - 0.22, label, size=SMALL, ha="center", va="top")
    _draw_rows(page, result, colours)
    return page.figure


def _draw_profiles(
    page: Page,
    cells: tuple[BaselineCell, ...],
    colours: dict[str, str],
    study: int,
    name: str,
    place: tuple[float, float, float],
    measure: str,
) -> None:
    left, base, width = place
    axes = page.axes(left, base, width, PANEL - LINE)
    theta = cells[0].theta
    axes.set(xlim=(theta[0], theta[-1]), ylim=(_LOWEST, 0.15))
    axes.axvline(0.0, color="#D0D0D0", lw=0.7, zorder=0)
    for cell in cells:
        style = "-" if cell.parametrisation == "midpoint" else (0, (3, 1.5))
        wide = 1.7 if cell.as_fitted else 0.9
        axes.plot(theta, cell.profiles[study], color=colours[cell.prior], ls=style, lw=wide)
    axes.set_xticks(*ticks(measure, theta[0], theta[-1], 5))
    if study % ACROSS == 0:
        axes.set_yticks(*linear_ticks(_LOWEST, 0.0, 4))
    page.text(left, base + PANEL - 0.08, shorten(name, width, BODY, "bold"), weight="bold", va="bottom")


def _draw_rows(page: Page, result: Sensitivity, colours: dict[str, str]) -> None:
    cells, measure = result.baselines.cells, result.model.measure
    height = ROW * len(cells)
    base = page.bottom + FOOT
    left, width = MARGIN + NAMES, WIDTH - 2 * MARGIN - NAMES - NUMBERS
    axes = page.axes(left, base, width, height)
    intervals = [Interval(c.answer.median, *c.answer.ci) for c in cells]
    low, high = min(0.0, *(i.low for i in intervals)), max(0.0, *(i.high for i in intervals))
    pad = 0.04 * (high - low)
    axes.set(xlim=(low - pad, high + pad), ylim=(0, height))
    axes.axvline(0.0, color=RULE, lw=0.7, zorder=0)
    axes.axvline(result.answer.median, color=POSTERIOR, lw=0.6, ls=(0, (3, 3)), zorder=0)
    axes.set_xticks(*ticks(measure, low - pad, high + pad, 6))
    for i, (cell, interval) in enumerate(zip(cells, intervals, strict=True)):
        y = height - ROW * (i + 0.5)
        draw_intervals(axes, [interval], [y], colours[cell.prior], "o", 1.6 if cell.as_fitted else 1.0)
        weight = "bold" if cell.as_fitted else "normal"
        page.text(MARGIN, base + y, shorten(cell.label, NAMES - 0.1), va="center_baseline", weight=weight, color=INK)
        numbers = f"{interval_text(measure, (cell.answer.median, *cell.answer.ci), 2)}"
        page.text(WIDTH - MARGIN - 0.55, base + y, numbers, ha="right", va="center_baseline", weight=weight)
        page.text(
            WIDTH - MARGIN, base + y, short_probability(cell.answer.p), ha="right", va="center_baseline", weight=weight
        )
    page.text(WIDTH - MARGIN, base + height + 0.05, result.direction.text, ha="right", size=SMALL, color=RAW)
    page.text(left + width / 2, base - 0.22, axis_label(measure, result.evidence), ha="center", va="top", size=SMALL)
