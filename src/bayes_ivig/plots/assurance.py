"""The curve of a plan: the chance that a next trial settles the question, against its size."""

from matplotlib.figure import Figure

from bayes_ivig.plan.as_json import notes
from bayes_ivig.plan.assurance import TARGETS, Plan
from bayes_ivig.plots.style import INK, MARGIN, PALE, POSTERIOR, PUBLISHED, RAW, SMALL, WIDTH, Page, house_style

_LEFT, _RIGHT, _FOOT, _HEIGHT = 0.45, 1.15, 0.42, 2.6


def draw_assurance(plan: Plan) -> Figure:
    """Draw assurance by size, with the band of its Monte-Carlo error (two SE) and the limit no size can pass."""
    with house_style():
        question = plan.question
        one_more = f"one {question.design.kind} trial more"
        what = f"Chance that the analysis with {one_more} has P(benefit) > {question.threshold:g}"
        page = Page(plan, what, _HEIGHT + _FOOT + 0.15, tuple(notes(plan)[:3]))
        width = WIDTH - 2 * MARGIN - _LEFT - _RIGHT
        axes = page.axes(MARGIN + _LEFT, page.bottom + _FOOT, width, _HEIGHT)
        axes.spines["left"].set(visible=True, color=INK, linewidth=0.7)
        sizes = [row.patients for row in plan.rows]
        chance = [row.assurance for row in plan.rows]
        low = [row.assurance - 2 * row.assurance_se for row in plan.rows]
        high = [row.assurance + 2 * row.assurance_se for row in plan.rows]
        axes.fill_between(sizes, low, high, color=PALE, linewidth=0)
        axes.plot(sizes, chance, color=POSTERIOR, linewidth=1.2, marker="o", markersize=3)
        axes.plot(sizes, [row.against for row in plan.rows], color=RAW, linewidth=0.9, marker="o", markersize=2)
        axes.axhline(plan.limit, color=PUBLISHED, linewidth=0.9, linestyle=(0, (4, 2)))
        room = 0.06 * (max(sizes) - min(sizes)) or 1.0
        axes.set_xlim(min(sizes) - room, max(sizes) + room)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xticks(sizes if len(sizes) <= 12 else sizes[:: -(-len(sizes) // 12)])
        axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        for target in TARGETS:
            axes.axhline(target, color=RAW, linewidth=0.4, linestyle=":")
        right = MARGIN + _LEFT + width + 0.06

        def beside(value: float, text: str, color: str) -> None:
            y = page.bottom + _FOOT + _HEIGHT * (value + 0.02) / 1.04
            page.text(right, y, text, size=SMALL, color=color, va="center")

        heights = _apart(
            [
                (chance[-1], "for benefit"),
                (plan.limit, f"infinite: {plan.limit:.2f}"),
                (plan.rows[-1].against, "against"),
            ]
        )
        for (value, text), color in zip(heights, (POSTERIOR, PUBLISHED, RAW), strict=True):
            beside(value, text, color)
        middle = MARGIN + _LEFT + width / 2
        page.text(middle, page.bottom + 0.2, "patients enrolled", size=SMALL, ha="center", va="top")
        return page.figure


def _apart(labels: list[tuple[float, str]], gap: float = 0.05) -> list[tuple[float, str]]:
    """Move labels up or down until none covers another; their order is kept."""
    order = sorted(range(len(labels)), key=lambda i: labels[i][0])
    places = [labels[i][0] for i in order]
    for _ in range(20):
        for a in range(len(places) - 1):
            short = gap - (places[a + 1] - places[a])
            if short > 1e-9:
                places[a], places[a + 1] = places[a] - short / 2, places[a + 1] + short / 2
    moved = dict(zip(order, places, strict=True))
    return [(moved[i], text) for i, (_, text) in enumerate(labels)]
