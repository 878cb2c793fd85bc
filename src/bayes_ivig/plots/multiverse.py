"""The specification curve: every analysis sorted by its estimate, and below which choices it is made of.

Simonsohn U, Simmons JP, Nelson LD. Nat Hum Behav 2020;4:1208-1214. With more analyses than a column of the page can
show, a mark is as dark as the choice is frequent among the analyses that share the column.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bayes_ivig.checks import Check
from bayes_ivig.effects import Array
from bayes_ivig.evidence import Evidence
from bayes_ivig.plots.scale import axis_label, ticks
from bayes_ivig.plots.style import INK, MARGIN, POSTERIOR, PUBLISHED, RAW, SMALL, WIDTH, Page, shorten
from bayes_ivig.sensitivity.multiverse import THRESHOLD, Multiverse, share
from bayes_ivig.sensitivity.specifications import Axis
from bayes_ivig.wording import percent, probability

LABELS, COUNTS = 2.75, 0.5  # columns left and right of the curve
NAMES, CURVE, PROBABILITY, BETWEEN = 0.16, 1.75, 0.62, 0.12
ROW, HEADING, FOOT = 0.118, 0.17, 0.08
COLUMNS = 320  # of marks, at most
MOST_LEVELS = 10  # of one axis; the others share a row
_INKS = LinearSegmentedColormap.from_list("choices", ["#FFFFFF", "#7FB3D8", POSTERIOR])


@dataclass(frozen=True)
class _Subject:
    evidence: Evidence
    failed: tuple[Check, ...] = ()


@dataclass(frozen=True)
class _Row:
    """One choice: its label and which specifications made it, (n,)."""

    label: str
    chosen: NDArray[np.bool_]


def draw_multiverse(evidence: Evidence, multiverse: Multiverse) -> Figure:
    """Draw the sorted medians with their intervals, the probability of the claim, and the choices behind them."""
    groups = [(axis.name, _rows(axis, multiverse.codes[:, i])) for i, axis in enumerate(multiverse.axes)]
    groups = [(name, rows) for name, rows in groups if len(rows) > 1]
    matrix = sum(HEADING + ROW * len(rows) for _, rows in groups)
    claim = multiverse.claim
    middle = PROBABILITY + BETWEEN if claim else 0.0
    body = NAMES + CURVE + BETWEEN + middle + matrix + FOOT
    page = Page(_Subject(evidence), _heading(multiverse), body, _notes(multiverse))
    order = np.argsort(multiverse.estimate, kind="stable")
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    left, width = MARGIN + LABELS, WIDTH - 2 * MARGIN - LABELS - COUNTS
    y = page.top - NAMES - CURVE
    curve = page.axes(left, y, width, CURVE)
    _draw_curve(curve, multiverse, order)
    _mark(curve, multiverse, place, named=True)
    page.text(MARGIN, y + CURVE / 2 + 0.06, axis_label(multiverse.measure, evidence), va="center")
    page.text(MARGIN, y + CURVE / 2 - 0.08, _interval_name(multiverse), size=SMALL, color=RAW, va="center")
    if claim:
        y -= BETWEEN + PROBABILITY
        below = page.axes(left, y, width, PROBABILITY)
        _draw_probability(below, multiverse.p_claim[order])
        _mark(below, multiverse, place)
        page.text(MARGIN, y + PROBABILITY / 2, f"Probability of {claim.word}", va="center")
    y -= BETWEEN
    if claim:
        page.text(WIDTH - MARGIN, y - 0.02, f"above {THRESHOLD}", size=SMALL, color=RAW, ha="right", va="top")
    for name, rows in groups:
        y -= HEADING
        page.text(MARGIN, y + 0.02, name.capitalize(), size=SMALL, weight="bold", va="bottom")
        bottom = y - ROW * len(rows)
        _draw_choices(page.axes(left, bottom, width, ROW * len(rows)), rows, order)
        for j, row in enumerate(rows):
            at = y - ROW * (j + 0.5)
            page.text(MARGIN + 0.08, at, shorten(row.label, LABELS - 0.16, SMALL), size=SMALL, va="center_baseline")
            if claim:
                above = float(np.mean(multiverse.p_claim[row.chosen] > THRESHOLD))
                page.text(WIDTH - MARGIN, at, share(above), size=SMALL, ha="right", va="center_baseline")
        y = bottom
    return page.figure


def _rows(axis: Axis, codes: NDArray[np.int16]) -> list[_Row]:
    """The levels that apply; many of them are cut, and the rest share a row."""
    rows = [_Row(label, codes == code) for code, label in enumerate(axis.levels) if label]
    if len(rows) <= MOST_LEVELS:
        return rows
    rest = rows[MOST_LEVELS - 1 :]
    return [*rows[: MOST_LEVELS - 1], _Row(f"{len(rest)} others", np.logical_or.reduce([row.chosen for row in rest]))]


def _heading(multiverse: Multiverse) -> str:
    return f"{len(multiverse):,} analyses, one for every combination of choices, sorted by their estimate"


def _interval_name(multiverse: Multiverse) -> str:
    return f"median, {percent(multiverse.prob)} equal-tailed interval"


def _notes(multiverse: Multiverse) -> tuple[str, ...]:
    claim, worst = multiverse.claim, multiverse.worst_defensible
    marks = "A mark is as dark as the choice is frequent among the analyses at its place. Intervals may leave the axis."
    if claim is None or worst is None:
        return (marks,)
    return (
        f"Blue: probability of {claim.word} above {THRESHOLD}; orange: not. On the right, the percentage of the "
        f"analyses with that choice for which it is: a count of analyses, not a probability. {marks}",
        f"Solid line: the model as given. Dashed line: the lowest probability of {claim.word} "
        f"({probability(float(multiverse.p_claim[worst]))}) without a trial left out, changed counts or an advocate's "
        f"prior: {', '.join(multiverse.choices(worst).values())}.",
    )


def _draw_curve(axes: Axes, multiverse: Multiverse, order: NDArray[np.intp]) -> None:
    low, middle, high = multiverse.low[order], multiverse.estimate[order], multiverse.high[order]
    bottom, top = min(0.0, float(np.quantile(low, 0.02))), max(0.0, float(np.quantile(high, 0.98)))
    x = np.arange(len(order))
    sure = multiverse.p_claim[order] > THRESHOLD if multiverse.claim else np.ones(len(order), bool)
    line = float(np.clip(300 / len(order), 0.25, 1.5))
    axes.vlines(
        x, np.maximum(low, bottom - 1), np.minimum(high, top + 1), color=_colours(sure), alpha=0.35, lw=line,
        rasterized=True,
    )  # fmt: skip
    axes.axhline(0.0, color=RAW, lw=0.7)
    axes.plot(x, middle, color=INK, lw=1.2)
    axes.set_xlim(-0.5, len(order) - 0.5)
    axes.set_ylim(bottom, top)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    places, labels = ticks(multiverse.measure, bottom, top, 7)
    axes.set_yticks(places, labels)


def _colours(sure: NDArray[np.bool_]) -> list[str]:
    return [POSTERIOR if yes else PUBLISHED for yes in sure]


def _draw_probability(axes: Axes, p: Array) -> None:
    axes.scatter(np.arange(len(p)), p, s=1.2, lw=0, color=_colours(p > THRESHOLD), rasterized=True)
    axes.axhline(THRESHOLD, color=RAW, lw=0.7)
    axes.set_xlim(-0.5, len(p) - 0.5)
    bottom = min(0.5, float(p.min()) - 0.03)
    axes.set_ylim(max(0.0, bottom), 1.02)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks([0.5, THRESHOLD], ["0.5", f"{THRESHOLD}"])


def _mark(axes: Axes, multiverse: Multiverse, place: Array, *, named: bool = False) -> None:
    """Draw where the model as given and the worst defensible choice stand; name them above the axes."""
    marks: list[tuple[int | None, str, Any]] = [
        (multiverse.own, "as given", "-"),
        (multiverse.worst_defensible, "lowest planned", (0, (3, 2))),
    ]
    present = sorted((float(place[row]), name, style) for row, name, style in marks if row is not None)
    for i, (x, name, style) in enumerate(present):
        axes.axvline(x, color=INK, lw=0.9, ls=style)
        if named:
            near = len(present) == 2 and present[1][0] - present[0][0] < 0.3 * len(place)
            side = ("right", "left")[i] if near else "center"  # turned away from each other
            axes.annotate(
                name, (x, 1.0), (0, 5), xycoords=("data", "axes fraction"), textcoords="offset points", ha=side,
                fontsize=SMALL,
            )  # fmt: skip


def _draw_choices(axes: Axes, rows: list[_Row], order: NDArray[np.intp]) -> None:
    n = len(order)
    columns = min(n, COLUMNS)
    which = np.arange(n) * columns // n
    size = np.bincount(which, minlength=columns)
    shares = np.stack([np.bincount(which, weights=row.chosen[order], minlength=columns) / size for row in rows])
    axes.imshow(
        shares / max(float(shares.max()), 1e-12),
        cmap=_INKS, vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=(-0.5, n - 0.5, len(rows), 0),
    )  # fmt: skip
    for j in range(len(rows) + 1):
        axes.axhline(j, color="#FFFFFF", lw=0.8)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
