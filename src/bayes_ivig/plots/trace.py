"""Traces and ranks: do the chains agree?"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_ivig.effects import Array
from bayes_ivig.fit import Fit
from bayes_ivig.plots.scale import linear_ticks
from bayes_ivig.plots.style import BODY, CHAINS, MARGIN, RULE, SMALL, WIDTH, Page

GAP, HEIGHT, HEAD, FOOT = 0.3, 1.15, 0.24, 0.4
LEFT, RIGHT = 0.36, 0.12  # for tick labels
_BINS = 20
_LONGEST = 400  # points of a drawn trace


def draw_trace(fit: Fit) -> Figure:
    """Draw the traces and the rank histograms of mu and tau, one line a chain.

    Ranks after Vehtari et al. (Bayesian Analysis 2021;16:667-718): chains that explore the same distribution
    have level histograms.
    """
    names = [name for name in ("mu", "tau") if name in fit.draws["posterior"]]
    draws = {name: np.asarray(fit.draws["posterior"][name]) for name in names}
    notes = (
        "Left: the draws in their order, thinned for the eye. Right: how often each chain's draws fall in each "
        "twentieth of all draws ranked together; level lines, near the grey one, mean that the chains agree.",
        " ".join(_caption(name, x) for name, x in draws.items()),
    )
    block = HEAD + HEIGHT + FOOT
    page = Page(
        fit,
        "Sampling of the average effect μ" + (" and the heterogeneity τ" if "tau" in draws else ""),
        block * len(draws),
        notes,
    )
    width = (WIDTH - 2 * MARGIN - 2 * LEFT - GAP - RIGHT) / 2
    right = WIDTH - MARGIN - RIGHT - width
    for i, (name, x) in enumerate(draws.items()):
        base = page.top - block * (i + 1) + FOOT
        symbol = {"mu": "μ", "tau": "τ"}[name]
        for left, title, x_label in (
            (MARGIN + LEFT, f"{symbol}, analysis scale", "draw"),
            (right, f"{symbol}, ranks", "rank of the draw among all chains"),
        ):
            page.text(left, base + HEIGHT + 0.07, title, weight="bold", size=BODY, va="bottom")
            page.text(left + width / 2, base - 0.2, x_label, size=SMALL, ha="center", va="top")
        _draw_traces(page.axes(MARGIN + LEFT, base, width, HEIGHT), x)
        _draw_ranks(page.axes(right, base, width, HEIGHT), x)
    return page.figure


def _draw_traces(axes: Axes, x: Array) -> None:
    step = -(-x.shape[1] // _LONGEST)
    order = np.arange(0, x.shape[1], step)
    for i, chain in enumerate(x):
        axes.plot(order, chain[::step], color=CHAINS[i % len(CHAINS)], lw=0.5, alpha=0.75)
    low, high = float(x.min()), float(x.max())
    pad = 0.03 * (high - low) or 0.5
    axes.set(xlim=(0, x.shape[1]), ylim=(low - pad, high + pad))
    axes.set_xticks(*linear_ticks(0, x.shape[1], 5))
    axes.set_yticks(*linear_ticks(low - pad, high + pad, 5))
    axes.spines["left"].set(visible=True, linewidth=0.7)


def rank_counts(x: Array) -> Array:
    """How many draws of each chain, x of shape (chain, draw), fall in each of 20 equal bands of ranks: (chain, 20)."""
    ranks = np.argsort(np.argsort(x, axis=None, kind="stable"), kind="stable").reshape(x.shape)
    bands = ranks * _BINS // x.size
    return np.array([np.bincount(chain, minlength=_BINS) for chain in bands])


def _draw_ranks(axes: Axes, x: Array) -> None:
    counts = rank_counts(x)
    edges = np.linspace(0, x.size, _BINS + 1)
    axes.axhline(x.shape[1] / _BINS, color=RULE, lw=1.6, zorder=0)
    for i, chain in enumerate(counts):
        axes.stairs(chain, edges, baseline=None, color=CHAINS[i % len(CHAINS)], lw=0.9, alpha=0.9)
    top = max(1.15 * counts.max(), 2 * x.shape[1] / _BINS)
    axes.set(xlim=(0, x.size), ylim=(0, top))
    axes.set_xticks(*linear_ticks(0, x.size, 5))
    axes.set_yticks(*linear_ticks(0, top, 4))
    axes.spines["left"].set(visible=True, linewidth=0.7)


def _caption(name: str, x: Array) -> str:
    import arviz_stats
    import xarray as xr

    symbol = {"mu": "μ", "tau": "τ"}[name]
    if float(x.max()) == float(x.min()):
        return f"{symbol} is fixed."
    if len(x) == 1:
        return f"{symbol}: {x.size:,} independent draws."
    size = f"{len(x)} chains of {x.shape[1]:,} draws"
    draws = xr.DataArray(x, dims=("chain", "draw"))
    r_hat = float(arviz_stats.rhat(draws))
    bulk, tail = (float(arviz_stats.ess(draws, method=method)) for method in ("bulk", "tail"))
    return f"{symbol}: {size}, R-hat {r_hat:.3f}, bulk ESS {bulk:,.0f}, tail ESS {tail:,.0f}."
