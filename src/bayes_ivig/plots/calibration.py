"""Running share of truths below each place of the posterior, less what uniformity expects, with its band.

Both are multiplied by the root of the number of replicates, so that one band serves all.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from bayes_ivig.effects import Array
from bayes_ivig.plots.style import BODY, CHAINS, PALE, RULE, SMALL, WIDTH, house_style


class Panel(NamedTuple):
    """One panel: counts in equal bins by quantity, and the band of the running share for the most frequent of them."""

    title: str
    counts: Mapping[str, Array]
    band: tuple[Array, Array]


_LEGEND: Any = {"fontsize": BODY, "frameon": False, "ncols": 4, "loc": "outside upper right"}


def draw_calibration(panels: Sequence[Panel], columns: int) -> Figure:
    """Draw panels row by row; lines inside the band are as uniform as chance allows."""
    rows = -(-len(panels) // columns)
    with house_style():
        figure = Figure(figsize=(WIDTH, 1.35 * rows + 0.5), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
        for ax in axes.flat[len(panels) :]:
            ax.remove()
        for ax, panel in zip(axes.flat, panels, strict=False):
            totals = {name: float(counts.sum()) for name, counts in panel.counts.items()}
            most = max(totals.values())
            z = np.arange(1, len(panel.band[0]) + 1) / (len(panel.band[0]) + 1)
            low, high = (most**0.5 * (limit - z) for limit in panel.band)
            ax.fill_between(z, low, high, color=PALE, lw=0)
            ax.axhline(0, color=RULE, lw=0.6)
            for (name, counts), colour in zip(panel.counts.items(), CHAINS, strict=True):
                share = np.cumsum(counts)[:-1] / max(totals[name], 1)
                ax.plot(z, totals[name] ** 0.5 * (share - z), color=colour, lw=0.9, label=name)
            n = sorted({f"{int(total):,}" for total in totals.values()}, key=len, reverse=True)
            ax.set_title(f"{panel.title} (n = {' and '.join(n)})", fontsize=BODY, loc="left")
            ax.tick_params(labelsize=SMALL)
            ax.spines[["top", "right"]].set_visible(False)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), **_LEGEND)
        figure.supxlabel("place in the posterior", fontsize=BODY)
        figure.supylabel("(share of truths below, less expected) x root of n", fontsize=BODY)
        return figure
