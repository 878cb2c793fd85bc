"""The average effect, and its probability, against the association within patients of crossover trials."""

from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from bayes_ivig.plots.scale import axis_label, linear_ticks, ticks
from bayes_ivig.plots.style import (
    MARGIN,
    PALE,
    POSTERIOR,
    PUBLISHED,
    RULE,
    SMALL,
    WIDTH,
    Modelled,
    Page,
    describe_model,
)
from bayes_ivig.sensitivity.association import AssociationSweep
from bayes_ivig.sensitivity.setting import Direction
from bayes_ivig.wording import percent

HEIGHT, HEAD, FOOT, LEFT, GAP = 1.6, 0.24, 0.42, 0.5, 0.55


class Swept(Modelled, Protocol):
    """A model of crossover trials answered again under every association."""

    @property
    def prob(self) -> float:
        """Probability of the intervals."""

    @property
    def direction(self) -> Direction:
        """The direction whose probability is shown."""

    @property
    def association(self) -> AssociationSweep | None:
        """The answers."""


def draw_association(result: Swept) -> Figure:
    """Draw median and interval of mu, and P, with lambda fixed; the answers under the priors as horizontal lines."""
    sweep, measure = result.association, result.model.measure
    assert sweep is not None
    styles = dict(zip(sweep.densities, (POSTERIOR, PUBLISHED, RULE), strict=False))
    names = "; ".join(
        f"{row.prior}{' (as fitted)' if row.as_fitted else ''}: {name}"
        for row, name in zip(styles, ("blue", "orange", "grey"), strict=False)
    )
    notes = (
        f"Left: median and {percent(result.prob)} equal-tailed interval of the average effect with the log odds ratio "
        "within patients, lambda, fixed in every trial; 0 is independence, as in parallel arms. Dashed lines: the "
        f"limits, and right the probability, under a prior of lambda ({names}).",
        describe_model(result),
    )
    page = Page(result, "Association within patients", HEAD + HEIGHT + FOOT, notes)
    base, width = page.bottom + FOOT, (WIDTH - 2 * MARGIN - 2 * LEFT - GAP) / 2
    effect, p = (page.axes(left, base, width, HEIGHT) for left in (MARGIN + LEFT, WIDTH - MARGIN - width))
    x = np.array([row.value for row in sweep.fixed], float)
    median = np.array([row.answer.median for row in sweep.fixed])
    limits = np.array([row.answer.ci for row in sweep.fixed])
    effect.fill_between(x, limits[:, 0], limits[:, 1], color=PALE, alpha=0.6, linewidth=0)
    effect.plot(x, median, color=POSTERIOR, lw=1.6)
    probabilities = [row.answer.p for row in sweep.fixed]
    p.plot(x, probabilities, color=POSTERIOR, lw=1.6)
    for row, colour in styles.items():
        for limit in row.answer.ci:
            effect.axhline(limit, color=colour, lw=0.9, ls=(0, (4, 2)))
        p.axhline(row.answer.p, color=colour, lw=0.9, ls=(0, (4, 2)))
    effect.axhline(0.0, color="#C8C8C8", lw=0.7, zorder=0)
    every = [*limits.ravel(), *(limit for row in styles for limit in row.answer.ci), 0.0]
    low, high = min(every), max(every)
    pad = 0.06 * (high - low)
    effect.set(xlim=(x[0], x[-1]), ylim=(low - pad, high + pad))
    effect.set_yticks(*ticks(measure, low - pad, high + pad, 6))
    lowest = min(*probabilities, *(row.answer.p for row in styles))
    bottom = 0.9 if lowest > 0.9 else 0.5 if lowest > 0.5 else 0.0
    p.set(xlim=(x[0], x[-1]), ylim=(bottom, 1.0))
    p.set_yticks(*linear_ticks(bottom, 1.0, 5))
    for axes, left, title in (
        (effect, MARGIN + LEFT, axis_label(measure, result.evidence)),
        (p, WIDTH - MARGIN - width, result.direction.text),
    ):
        axes.set_xticks(*linear_ticks(float(x[0]), float(x[-1]), 7))
        axes.spines["left"].set(visible=True, linewidth=0.7)
        page.text(left, base + HEIGHT + 0.07, title, weight="bold", va="bottom")
        page.text(left + width / 2, base - 0.22, "lambda", size=SMALL, ha="center", va="top")
    return page.figure
