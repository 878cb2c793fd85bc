"""The look all figures share: colours, type, the page, and text that is measured before it is set.

Lengths are in inches. Every text is shown literally (no mathtext), whatever a trial is called.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Protocol

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from bayes_ivig.checks import Check
from bayes_ivig.effects import Array
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit import Fit
from bayes_ivig.spec import Model

# Okabe and Ito's colours, told apart with any colour vision.
POSTERIOR, PUBLISHED, RAW, PALE = "#0072B2", "#D55E00", "#757575", "#B8D4E6"
ALARM, INK, RULE = "#C00000", "#1A1A1A", "#9A9A9A"
CHAINS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")

WIDTH = 170 / 25.4
MARGIN = 0.1
TITLE, BODY, SMALL = 9.0, 7.5, 6.5  # points
LINE = 0.125  # from one line of small text to the next
LONGEST = 150  # characters: no text of one line is wider than the page
DPI = 200  # of the PNG

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": BODY,
    "text.color": INK,
    "text.parse_math": False,
    "text.hinting": "no_hinting",  # text is as wide in the PNG as in the SVG
    "axes.unicode_minus": True,
    "path.simplify": True,
    "pdf.fonttype": 42,  # TrueType: text that can be searched and edited
    "svg.fonttype": "none",
    "svg.hashsalt": "bayes-ivig",
}
_LOCK = threading.RLock()


@contextmanager
def house_style() -> Iterator[None]:
    """Draw or save in the style of the house.

    Matplotlib keeps its settings, and Python its warning filters, for the whole process: one thread at a time.
    """
    with _LOCK, matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A script the font lacks: boxes in the PNG, the text itself in the SVG.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def literal(text: str) -> str:
    """Return the text on one line, without characters that steer a terminal, a line or an XML parser."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = BODY, weight: str = "normal") -> float:
    """Width of a text as it will be set."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return RendererAgg(1, 1, DPI).get_text_width_height_descent(text, font, False)[0] / DPI


def shorten(text: str, width: float, size: float = BODY, weight: str = "normal") -> str:
    """Make a text literal, and end it in an ellipsis where it is wider than `width`."""
    whole = literal(text)
    if text_width(whole[:LONGEST], size, weight) <= width and len(whole) <= LONGEST:
        return whole
    kept = whole[:LONGEST]
    while kept and text_width(f"{kept.rstrip()}…", size, weight) > width:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def wrap(text: str, width: float, size: float = SMALL) -> list[str]:
    """Break a text into lines no wider than `width`."""
    lines: list[str] = []
    for word in literal(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width, size))
    return lines


def flat_draws(fit: Fit, name: str) -> Array:
    """Posterior draws of one quantity, all chains in one array."""
    return np.asarray(fit.draws["posterior"][name], dtype=float).ravel()


class Subject(Protocol):
    """What a figure is about: a fit, or any answer with its evidence and its failed checks."""

    @property
    def evidence(self) -> Evidence:
        """The trials."""

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks that did not pass."""


class Modelled(Subject, Protocol):
    """A subject with one model."""

    @property
    def model(self) -> Model:
        """The model."""


def describe_model(fit: Modelled) -> str:
    """One sentence: the model and every prior."""
    model = fit.model
    place = f", baseline prior on the {'midpoint' if model.parametrisation == 'midpoint' else 'control risk'}"
    priors = ", ".join(f"{name} ~ {model.priors[name].text}" for name in model.needed)
    where = place if model.parametrisation else ""
    return (
        f"Model: {model.likelihood}, {model.effect} effect{'s' if model.effect == 'random' else ''}{where}; {priors}."
    )


class Page:
    """A figure of the house's width, its heading and notes set; from `bottom` to `top` it is free."""

    def __init__(self, fit: Subject, what: str, body: float, notes: tuple[str, ...]) -> None:
        """Make a figure whose free middle is `body` high, between the heading and the notes."""
        evidence = fit.evidence
        lines = [line for note in notes for line in wrap(note, WIDTH - 2 * MARGIN)]
        failed = "; ".join(check.name for check in fit.failed)
        alarm = wrap(f"NOT CONVERGED / CHECK FAILED: {failed}", WIDTH - 2 * MARGIN, TITLE) if failed else []
        head = MARGIN + 0.34 + 0.19 * len(alarm)
        foot = MARGIN + LINE * len(lines)
        self.height = head + body + foot
        self.bottom, self.top = foot, foot + body
        self.figure = Figure(figsize=(WIDTH, self.height), dpi=DPI)
        FigureCanvasAgg(self.figure)

        y = self.height - MARGIN
        for line in alarm:
            self.text(MARGIN, y, line, size=TITLE, weight="bold", color=ALARM, va="top")
            y -= 0.19
        title = shorten(evidence.title or evidence.outcome, WIDTH - 2 * MARGIN, TITLE, "bold")
        self.text(MARGIN, y, title, size=TITLE, weight="bold", va="top")
        self.text(MARGIN, y - 0.17, what, color=RAW, va="top")
        for i, line in enumerate(lines):
            self.text(MARGIN, foot - LINE * (i + 1), line, size=SMALL, color="#4D4D4D", va="bottom")

    def text(self, x: float, y: float, text: str, *, size: float = BODY, **style: Any) -> None:
        """Set a text at a place of the page."""
        self.figure.text(x / WIDTH, y / self.height, text, fontsize=size, **style)

    def rule(self, y: float) -> None:
        """Draw a thin line across the page."""
        ends = (MARGIN / WIDTH, 1 - MARGIN / WIDTH)
        self.figure.add_artist(Line2D(ends, [y / self.height] * 2, color=RULE, linewidth=0.6))

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Add axes with a bottom spine and no other decoration."""
        axes = self.figure.add_axes((left / WIDTH, bottom / self.height, width / WIDTH, height / self.height))
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.spines["bottom"].set(color=INK, linewidth=0.7)
        axes.patch.set_visible(False)
        axes.tick_params(labelsize=SMALL, length=2.5, width=0.7, pad=2, colors=INK)
        axes.set_yticks([])
        return axes
