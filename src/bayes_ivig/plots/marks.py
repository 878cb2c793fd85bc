"""What is drawn on the axis of a forest plot: intervals, arrows where they go on, the diamond."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from scipy.special import expit

from bayes_ivig.effects import is_ratio
from bayes_ivig.plots.raw import Raw
from bayes_ivig.plots.style import POSTERIOR
from bayes_ivig.summary import Summary

FURTHEST_RATIO = math.log(10_000)  # of the axis from no effect


class Interval(NamedTuple):
    """A point and two limits in coordinates of the axis; infinite or nan where there is none."""

    point: float
    low: float
    high: float

    @classmethod
    def of(cls, measure: str, source: Summary | Raw) -> "Interval":
        """Take a summary or a raw effect to the axis: rates are drawn as rates, ratios by their logarithm."""
        if isinstance(source, Summary):
            values = (source.median, *source.ci)
        else:
            values = (source.estimate, source.low, source.high)
        return cls(*(float(expit(x)) for x in values)) if measure == "rate" else cls(*values)


def choose_range(measure: str, shown: Sequence[Interval], posteriors: Sequence[Interval]) -> tuple[float, float]:
    """Ends of the axis: every finite point, and of the limits what a typical posterior interval needs."""
    if measure == "rate":
        return -0.02, min(1.02, 1.08 * max(x for interval in shown for x in interval if math.isfinite(x)))
    limits = [x for interval in shown for x in interval[1:] if math.isfinite(x)]
    points = [0.0, *(x for interval in shown for x in _landmarks(interval) if math.isfinite(x))]
    reach = 1.5 * float(np.median([interval.high - interval.low for interval in posteriors]))
    low = max(min(*limits, 0.0), min(points) - reach)
    high = min(max(*limits, 0.0), max(points) + reach)
    if is_ratio(measure):
        low, high = max(low, -FURTHEST_RATIO), min(high, FURTHEST_RATIO)
    pad = 0.04 * (high - low) or 0.1
    return low - pad, high + pad


def _landmarks(interval: Interval) -> tuple[float, ...]:
    """Return the point, or the one finite limit of an interval that has none."""
    return (interval.point,) if math.isfinite(interval.point) else interval[1:]


def draw_intervals(
    axes: Axes, intervals: Sequence[Interval], ys: Sequence[float], colour: str, marker: str, width: float = 1.1
) -> None:
    """Draw intervals with their points; an end beyond the axis becomes an arrowhead at its edge."""
    low, high = axes.get_xlim()
    inset = 0.008 * (high - low)
    drawn = [(i, y) for i, y in zip(intervals, ys, strict=True) if not math.isnan(i.low)]
    inside = [(i, y) for i, y in drawn if i.low < high and i.high > low]
    if inside:
        starts, stops = [max(i.low, low + inset) for i, _ in inside], [min(i.high, high - inset) for i, _ in inside]
        axes.hlines([y for _, y in inside], starts, stops, color=colour, lw=width)
    style: Any = {"color": colour, "ls": "", "markeredgewidth": 0.0}
    points = [(i.point, y) for i, y in drawn if low <= i.point <= high]
    if points and marker:
        axes.plot(*zip(*points, strict=True), marker=marker, markersize=4.2 if marker != "D" else 3.8, **style)
    for head, edge, beyond in (
        ("<", low + inset, [y for i, y in drawn if i.low < low]),
        (">", high - inset, [y for i, y in drawn if i.high > high]),
    ):
        if beyond:
            axes.plot([edge] * len(beyond), beyond, marker=head, markersize=2.6 + width, clip_on=False, **style)
    # A one-sided interval has no point: a small bar marks its limit.
    bars = [(x, y) for i, y in drawn if math.isinf(i.point) for x in i[1:] if low < x < high]
    if bars:
        axes.plot(*zip(*bars, strict=True), marker="|", color=colour, ls="", markersize=5, markeredgewidth=width)


def draw_diamond(axes: Axes, interval: Interval, y: float, height: float) -> None:
    """Draw the average effect as a diamond over its interval; where it passes the axis, its tip is an arrow."""
    low, high = axes.get_xlim()
    corners = [(interval.low, y), (interval.point, y + height), (interval.high, y), (interval.point, y - height)]
    axes.add_patch(Polygon(corners, closed=True, facecolor=POSTERIOR, edgecolor=POSTERIOR, linewidth=0.6))
    for x, edge, head in ((interval.low, low, "<"), (interval.high, high, ">")):
        if not low <= x <= high:
            axes.plot([edge], [y], marker=head, color=POSTERIOR, ls="", markersize=5, clip_on=False)
