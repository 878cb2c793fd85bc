"""The forest plot: each trial raw and as the model sees it, their average, the next trial, the published result."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_ivig.effects import is_ratio, null_value
from bayes_ivig.fit import Fit
from bayes_ivig.plots.marks import Interval, choose_range, draw_diamond, draw_intervals
from bayes_ivig.plots.raw import Raw, arms, raw_effects
from bayes_ivig.plots.scale import (
    axis_label,
    count_text,
    decimals_for,
    interval_text,
    linear_ticks,
    minus,
    raw_text,
    ticks,
    value_text,
)
from bayes_ivig.plots.style import (
    BODY,
    MARGIN,
    POSTERIOR,
    PUBLISHED,
    RAW,
    RULE,
    SMALL,
    WIDTH,
    Page,
    describe_model,
    shorten,
    text_width,
)
from bayes_ivig.published import POOLED, Reproduction
from bayes_ivig.studies import Effect, Means, SingleArm, Study
from bayes_ivig.wording import number, percent

GAP = 0.14  # between columns
HEAD, BREAK, FOOT = 0.38, 0.1, 0.56  # heading; between trials and pooled rows; ticks, directions and label of the axis
DIRECTIONS = 0.14  # the directions' share of the foot
NAME, WIDEST_COUNT, PLOT = (1.5, 2.4), 0.8, 2.1  # a long name gives way to the plot down to 1.5
MIDDLE = "center_baseline"


@dataclass(frozen=True)
class _Row:
    """One line of the plot: what stands on its left and right, and what is drawn between."""

    name: str
    counts: tuple[str, ...]
    numbers: str
    colour: str
    weight: str = "normal"


@dataclass(frozen=True)
class _Column:
    """Where a column of text stands, how it is aligned, and its heading of one or two lines."""

    x: float
    align: str
    heading: tuple[str, ...]


def draw_forest(fit: Fit) -> Figure:
    """Draw the forest plot of a fit; its height grows with the trials."""
    measure, varies = fit.model.measure, fit.model.effect == "random"
    raws = raw_effects(fit.evidence.studies, measure, fit.prob)
    same, other = published_results(fit)
    trials, pooled = _trial_rows(fit, raws), _pooled_rows(fit, same)
    columns, plot, room = _layout(fit, trials, pooled)

    step = 0.27 if len(trials) <= 20 else 0.22
    height = step * (len(trials) + len(pooled)) + BREAK
    foot = FOOT if null_value(measure) is not None else FOOT - DIRECTIONS
    page = Page(fit, _subtitle(fit), HEAD + height + foot, _notes(fit, raws, [*same, *other]))
    base = page.top - HEAD - height
    ys = [height - step * (i + 0.5) for i in range(len(trials))]
    below = [ys[-1] - BREAK - step * (i + 1) for i in range(len(pooled))]
    _write_rows(page, columns, room, [*trials, *pooled], [base + y for y in (*ys, *below)])
    page.rule(base + height + 0.02)
    page.rule(base + ys[-1] - (step + BREAK) / 2)

    shrunken = [Interval.of(measure, s) for s in fit.studies] if varies else []
    raw = [Interval.of(measure, r) for r in raws]
    mu, new = Interval.of(measure, fit.mu), Interval.of(measure, fit.theta_new)
    printed = [_printed_interval(r) for r in same]
    posteriors = [*shrunken, mu, *([new] if varies else [])]
    axes = page.axes(plot[0], base, plot[1] - plot[0], height)
    axes.set(ylim=(0, height), xlim=choose_range(measure, [*posteriors, *raw, *printed], posteriors))

    axes.plot([mu.point] * 2, [0, height], color=POSTERIOR, lw=0.6, ls=(0, (3, 3)), zorder=0)
    shift = 0.22 * step if varies else 0.0
    draw_intervals(axes, raw, [y + shift for y in ys], RAW, "s")
    for r, y in zip(raws, ys, strict=True):
        if not r.exists:
            axes.text(0.03, (y + shift) / height, r.why, transform=axes.transAxes, **_note_style())
    draw_intervals(axes, shrunken, [y - shift for y in ys[: len(shrunken)]], POSTERIOR, "o")
    draw_diamond(axes, mu, below[0], 0.33 * step)
    if varies:
        draw_intervals(axes, [new], below[1:2], POSTERIOR, "", width=3.0)
    draw_intervals(axes, printed, below[1 + varies :], PUBLISHED, "D")
    _draw_axis(page, axes, fit, plot, base)
    return page.figure


def published_results(fit: Fit) -> tuple[list[Reproduction], list[Reproduction]]:
    """Published pooled effects of all trials: those on the scale of the fit, and those on another."""
    same: list[Reproduction] = []
    other: list[Reproduction] = []
    for r in fit.published:
        p = r.published
        if p.studies is None and p.reading is None and p.measure in POOLED and p.printed:
            drawable = p.measure == fit.model.measure and not p.inverted and len(p.printed) == 3
            (same if drawable else other).append(r)
    return same, other


def _printed_interval(r: Reproduction) -> Interval:
    values = [float(text) for text in r.published.printed]
    # A printed 0.00 is a rounded ratio.
    return Interval(*(math.log(x) if x > 0 else -math.inf for x in values) if is_ratio(r.published.measure) else values)


def _trial_rows(fit: Fit, raws: Sequence[Raw]) -> list[_Row]:
    measure, decimals = fit.model.measure, _decimals(fit)
    varies = fit.model.effect == "random"
    rows = []
    for study, summary, raw in zip(fit.evidence.studies, fit.studies, raws, strict=True):
        numbers = (
            interval_text(measure, (summary.median, *summary.ci), decimals)
            if varies
            else raw_text(measure, raw, decimals)
        )
        rows.append(_Row(study.study, _counts(study, raw, decimals), numbers, POSTERIOR if varies else "#4D4D4D"))
    return rows


def _pooled_rows(fit: Fit, same: Sequence[Reproduction]) -> list[_Row]:
    measure, decimals = fit.model.measure, _decimals(fit)
    summaries = [("Average effect (μ)", fit.mu, "bold")]
    if fit.model.effect == "random":
        summaries.append(("Next trial (θ new)", fit.theta_new, "normal"))
    rows = [
        _Row(name, (), interval_text(measure, (s.median, *s.ci), decimals), POSTERIOR, weight)
        for name, s, weight in summaries
    ]
    for r in same:
        name = "Published" if len(same) == 1 else f"Published: {r.published.label}"
        rows.append(_Row(name, (), minus(r.published_text.removeprefix(f"{measure} ")), PUBLISHED))
    return rows


def _decimals(fit: Fit) -> int:
    return decimals_for(fit.model.measure, fit.mu.ci[1] - fit.mu.ci[0])


def _counts(study: Study, raw: Raw, decimals: int) -> tuple[str, ...]:
    if counts := arms(study):
        events_t, n_t, events_c, n_c = counts
        return f"{count_text(events_t)}/{count_text(n_t)}", f"{count_text(events_c)}/{count_text(n_c)}"
    match study:
        case SingleArm():
            return (f"{count_text(study.events)}/{count_text(study.n)}",)
        case Effect():
            return (f"{value_text('effect', study.y, decimals)} ({value_text('effect', study.se, decimals)})",)
        case Means():
            return tuple(
                minus(f"{number(mean)} ({number(sd)}), {count_text(n)}")
                for mean, sd, n in ((study.mean_t, study.sd_t, study.n_t), (study.mean_c, study.sd_c, study.n_c))
            )
    return ()


def _count_headings(fit: Fit) -> tuple[tuple[str, ...], ...]:
    evidence = fit.evidence
    treatment, control = (shorten(name, WIDEST_COUNT, BODY, "bold") for name in (evidence.treatment, evidence.control))
    match evidence.kind:
        case "single-arm":
            return (("Events/n",),)
        case "effect":
            measure = fit.model.measure
            name = f"log {measure}" if is_ratio(measure) else "Effect" if measure == "effect" else measure
            return ((f"{name} (SE)",),)
        case "means":
            return ((treatment, "mean (SD), n"), (control, "mean (SD), n"))
    return ((treatment, "events/n"), (control, "events/n"))


def _layout(
    fit: Fit, trials: Sequence[_Row], pooled: Sequence[_Row]
) -> tuple[list[_Column], tuple[float, float], float]:
    """Columns from left to right, the numbers last; the space for the plot; the room of a name."""
    measure = fit.model.measure
    heading = f"Posterior {measure}" if fit.model.effect == "random" else measure[0].upper() + measure[1:]
    numbers = (heading, f"({percent(fit.prob)} interval)")
    right = WIDTH - MARGIN - _widest([*numbers, *(row.numbers for row in (*trials, *pooled))])
    headings = _count_headings(fit)
    widths = [_widest([*lines, *(row.counts[i] for row in trials)]) for i, lines in enumerate(headings)]
    taken = sum(widths) + GAP * (len(widths) + 2)
    room = max(NAME[0], min(NAME[1], right - MARGIN - taken - PLOT))
    x = MARGIN + max(
        text_width(shorten(row.name, room, BODY, row.weight), BODY, row.weight) for row in (*trials, *pooled)
    )
    columns = [_Column(MARGIN, "left", ("Trial",))]
    for lines, width in zip(headings, widths, strict=True):
        x += GAP + width
        columns.append(_Column(x, "right", lines))
    columns.append(_Column(right, "left", numbers))
    return columns, (x + GAP, right - GAP), room


def _widest(texts: Sequence[str]) -> float:
    return max(text_width(text, BODY, "bold") for text in texts)


def _write_rows(page: Page, columns: Sequence[_Column], room: float, rows: Sequence[_Row], ys: Sequence[float]) -> None:
    for column in columns:
        for i, line in enumerate(reversed(column.heading)):
            y = page.top - HEAD + 0.06 + 0.13 * i
            page.text(column.x, y, line, weight="bold", ha=column.align, va="bottom")
    for row, y in zip(rows, ys, strict=True):
        page.text(MARGIN, y, shorten(row.name, room, BODY, row.weight), weight=row.weight, va=MIDDLE)
        for column, count in zip(columns[1:-1], row.counts, strict=False):
            page.text(column.x, y, count, ha="right", va=MIDDLE)
        page.text(columns[-1].x, y, row.numbers, color=row.colour, weight=row.weight, va=MIDDLE)


def _note_style() -> dict[str, Any]:
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    return {"fontsize": SMALL, "color": RAW, "style": "italic", "va": MIDDLE, "bbox": ground}


def _draw_axis(page: Page, axes: Axes, fit: Fit, plot: tuple[float, float], base: float) -> None:
    measure, evidence = fit.model.measure, fit.evidence
    low, high = axes.get_xlim()
    most = max(3, int((plot[1] - plot[0]) / 0.4))
    places, labels = linear_ticks(low, high, most) if measure == "rate" else ticks(measure, low, high, most)
    axes.set_xticks(places, labels)
    null = null_value(measure)
    label_at = base - 0.36
    if null is None:
        label_at = base - 0.22
    else:
        axes.axvline(0.0, color=RULE, lw=0.8, zorder=0)
        middle = plot[0] + (plot[1] - plot[0]) * (0.0 - low) / (high - low)
        left, right = _directions(evidence.benefit, *(shorten(x, 0.9) for x in (evidence.treatment, evidence.control)))
        page.text(middle - 0.06, base - 0.2, f"← {left}", size=SMALL, ha="right", va="top")
        page.text(middle + 0.06, base - 0.2, f"{right} →", size=SMALL, ha="left", va="top")
    page.text(sum(plot) / 2, label_at, axis_label(measure, evidence), ha="center", va="top")


def _directions(benefit: str | None, treatment: str, control: str) -> tuple[str, str]:
    if benefit is None:
        return f"lower with {treatment}", f"higher with {treatment}"
    sides = (f"favours {control}", f"favours {treatment}")
    return sides if benefit == "higher" else sides[::-1]


def _subtitle(fit: Fit) -> str:
    evidence = fit.evidence
    n, people = len(evidence.studies), evidence.n_participants
    size = f"{n} trial{'s' if n > 1 else ''}" + (f", {people:,} patients" if people is not None else "")
    if evidence.kind == "single-arm":
        return size
    return f"{shorten(evidence.treatment, 2)} against {shorten(evidence.control, 2)}; {size}"


def _notes(fit: Fit, raws: Sequence[Raw], other: Sequence[Reproduction]) -> tuple[str, ...]:
    level, measure = percent(fit.prob), fit.model.measure
    uncorrected = ", no continuity correction" if fit.evidence.kind not in ("effect", "means") else ""
    raw = f"Grey: raw effect of each trial with its {level} interval{uncorrected}."
    if measure != "rate" and any(math.isinf(r.estimate) for r in raws):
        limit = "exact conditional" if measure == "OR" else "score"
        raw += f" A raw {measure} that is 0 or infinite has no point; "
        raw += f"its line starts at the one limit of its {limit} interval."
    if fit.evidence.kind == "crossover":
        raw += " Raw intervals leave the pairing of crossover trials out."
    blue = f"Blue: posterior median and {level} equal-tailed interval"
    if fit.model.effect == "random":
        blue += " of each trial, of the average effect (diamond) and of the effect in a new trial (bar)."
    else:
        blue += " of the effect, the same in all trials (diamond)."
    return (
        f"{raw} {blue} An arrowhead: the interval goes on beyond the axis.",
        describe_model(fit),
        *(_published_note(r) for r in other),
    )


def _published_note(r: Reproduction) -> str:
    ways = dict.fromkeys(f"{e.method}{_CORRECTIONS[e.correction]}" for e in r.by)
    inverted = " (control over treatment)" if r.published.inverted else ""
    verdict = f"reproduced by {' and by '.join(ways)}" if ways else r.verdict
    return f"Published: {r.published_text}{inverted}, {verdict}."


_CORRECTIONS = {
    "none": "",
    "revman": ", 0.5 in tables with a zero",
    "only0": ", 0.5 in tables with a zero",
    "all": ", 0.5 in every table",
}
