"""The prior grid as a heat map: the probability under every pair of priors, with the baseline as fitted."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from bayes_ivig.plots.style import BODY, INK, MARGIN, RAW, SMALL, WIDTH, Page, describe_model, shorten, text_width
from bayes_ivig.sensitivity import Sensitivity
from bayes_ivig.sensitivity.prior_sets import short_text
from bayes_ivig.wording import short_probability

NAMES, HEAD, ROW, SPREAD = 1.75, 0.62, 0.3, 0.17
# Steps at which a reader may change his mind; from doubtful to sure, in lightness too.
STEPS = (0.5, 0.8, 0.9, 0.95, 0.975, 0.99)
_COLOURS = ListedColormap(("#B35806", "#E08214", "#FDB863", "#FEE0B6", "#D8E6F0", "#92C5DE", "#4393C3"))


def draw_prior_grid(result: Sensitivity) -> Figure:
    """Draw one cell a pair of priors: P under the baseline as fitted, and its range over the baseline priors."""
    grid = result.prior_grid
    spread = len(grid.baseline) > 1
    rows, columns = grid.p.shape[1:]
    row = ROW + (SPREAD if spread else 0.0)
    notes = (
        f"{result.direction.text} under each prior of the average effect (columns) and of the heterogeneity (rows)"
        + (
            f", baseline prior {grid.baseline[0]}; below it the range over {len(grid.baseline)} baseline priors"
            f" ({', '.join(grid.baseline)})"
            if spread
            else ""
        )
        + f". {grid.n} analyses in all. Colours change at {', '.join(f'{x:g}' for x in STEPS)}.",
        describe_model(result),
    )
    page = Page(result, "Priors of the average effect and of the heterogeneity", HEAD + row * rows + 0.12, notes)
    left, width = MARGIN + NAMES, WIDTH - 2 * MARGIN - NAMES
    base = page.top - HEAD - row * rows
    axes = page.axes(left, base, width, row * rows)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    steps = np.searchsorted(STEPS, grid.p[0], side="right")
    axes.pcolormesh(steps, cmap=_COLOURS, vmin=-0.5, vmax=len(STEPS) + 0.5)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    step = width / columns
    for m, mu in enumerate(grid.mu):
        x = left + step * (m + 0.5)
        family, _, numbers = short_text(mu.prior).partition("(")
        label = _in_two(mu.label, step - 0.06, SMALL - 0.5)  # clear of its neighbour
        lines = [
            *[(line, SMALL - 0.5, INK) for line in label],
            (family, SMALL - 1, RAW),
            (f"({numbers}", SMALL - 1, RAW),
        ]
        for i, (line, size, colour) in enumerate(reversed(lines)):
            y = page.top - HEAD + 0.05 + 0.125 * i
            page.text(x, y, shorten(line, step + 0.02, size), size=size, ha="center", va="bottom", color=colour)
    for t, tau in enumerate(grid.tau):
        y = base + row * (rows - t - 0.5)
        page.text(MARGIN, y + 0.06, shorten(tau.label, NAMES - 0.1), va="center_baseline")
        page.text(
            MARGIN,
            y - 0.08,
            shorten(short_text(tau.prior), NAMES - 0.1, SMALL - 0.5),
            size=SMALL - 0.5,
            va="center_baseline",
            color=RAW,
        )
        for m in range(columns):
            x, values = left + step * (m + 0.5), grid.p[:, t, m]
            page.text(
                x,
                y + (0.07 if spread else 0.0),
                short_probability(values[0]),
                ha="center",
                va="center_baseline",
                size=BODY,
            )
            if spread:
                ends = [short_probability(x) for x in (values.min(), values.max())]
                text = "\N{EN DASH}".join(dict.fromkeys(ends))
                page.text(x, y - 0.09, text, ha="center", va="center_baseline", size=SMALL - 1.5)
    return page.figure


def _in_two(label: str, width: float, size: float) -> list[str]:
    """A label on one line where it fits, else on two of about the same width."""
    words = label.split()
    if text_width(label, size) <= width or len(words) < 2:
        return [label]
    halves = [[" ".join(words[:n]), " ".join(words[n:])] for n in range(1, len(words))]
    return min(halves, key=lambda lines: max(text_width(line, size) for line in lines))
