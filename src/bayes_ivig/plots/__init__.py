"""Figures of a fit, by matplotlib's objects alone: no pyplot, so that they can be drawn in any thread."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from bayes_ivig.fit import Fit
from bayes_ivig.plots.forest import draw_forest
from bayes_ivig.plots.predictive import draw_predictive_check
from bayes_ivig.plots.prior_posterior import draw_prior_posterior
from bayes_ivig.plots.style import DPI, house_style
from bayes_ivig.plots.trace import draw_trace

PRINTED = ("forest", "prior-posterior")


def draw_figures(fit: Fit) -> dict[str, Figure]:
    """Draw the figures of a fit, 170 mm wide: forest, prior-posterior, trace and predictive-check.

    Every figure of a fit with a failed check says so in red.
    """
    with house_style():
        return {
            "forest": draw_forest(fit),
            "prior-posterior": draw_prior_posterior(fit),
            "trace": draw_trace(fit),
            "predictive-check": draw_predictive_check(fit),
        }


def svg_text[X](draw: Callable[[X], Figure], result: X) -> str:
    """Draw one figure of a result, as the text of its SVG file."""
    with house_style():
        buffer = io.StringIO()
        draw(result).savefig(buffer, format="svg", metadata={"Date": None})
        return buffer.getvalue()


def save_figures(figures: Mapping[str, Figure], folder: Path, dpi: int = DPI) -> None:
    """Write each figure as NAME.svg and NAME.png, those that papers print as NAME.pdf too.

    Text stays text in SVG and PDF; the same figure gives the same bytes.
    """
    with house_style():
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            if name in PRINTED:
                figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
            figure.savefig(folder / f"{name}.png", dpi=dpi, pil_kwargs={"compress_level": 4})
