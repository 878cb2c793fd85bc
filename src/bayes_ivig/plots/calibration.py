"""Running share of truths below each place of the posterior, less what uniformity expects, with its band."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from bayes_ivig.effects import Array
from bayes_ivig.plots.style import BODY, CHAINS, PALE, RULE, SMALL, WIDTH, house_style


class Panel(NamedTuple):
    """One panel: counts in equal bins by quantity, and the band of the running share for the most frequent of them."""

    title: str
    counts: Mapping[str, Array]
    band: tuple[Array, Array]


def draw_calibration(panels: Sequence[Panel], columns: int) -> Figure:
    """Draw panels row by row; lines inside the band are as uniform as chance allows."""
    rows = -(-len(panels) // columns)
    with house_style():
        figure = Figure(figsize=(WIDTH, 1.35 * rows + 0.5), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
        for ax in axes.flat[len(panels) :]:
            ax.remove()
        for ax, panel in zip(axes.flat, panels, strict=False):
            bins = len(next(iter(panel.counts.values())))
            z = np.arange(1, bins) / bins
            low, high = panel.band
            ax.fill_between(z, low - z, high - z, color=PALE, lw=0, step=None)
            ax.axhline(0, color=RULE, lw=0.6)
            for (name, counts), colour in zip(panel.counts.items(), CHAINS, strict=True):
                share = np.cumsum(counts)[:-1] / max(counts.sum(), 1)
                ax.plot(z, share - z, color=colour, lw=0.9, label=f"{name} (n = {int(counts.sum()):,})")
            ax.set_title(panel.title, fontsize=BODY, loc="left")
            ax.tick_params(labelsize=SMALL)
            ax.spines[["top", "right"]].set_visible(False)
            ax.legend(fontsize=SMALL - 1, frameon=False, ncols=2, loc="upper right")
            reach = 1.9 * float(np.max(np.abs([low - z, high - z])))
            ax.set_ylim(-reach, reach)
        figure.supxlabel("place in the posterior", fontsize=BODY)
        figure.supylabel("share of truths below, less expected", fontsize=BODY)
        return figure
