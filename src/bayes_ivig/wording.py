"""Numbers as a reader wants them: three digits that carry meaning, intervals in words."""

import math
from collections.abc import Sequence


def number(x: float | None) -> str:
    """Three significant digits, thousands separated, no exponent between 0.001 and a million; '-' where undefined."""
    if x is None or math.isnan(x):
        return "-"
    if math.isinf(x):
        return "infinity" if x > 0 else "-infinity"
    if x == 0:
        return "0"
    if not 1e-3 <= abs(x) < 1e6:
        return f"{x:.2g}"
    rounded = float(f"{x:.3g}")
    decimals = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def interval(low: float | None, high: float | None) -> str:
    """An interval in words: "2.86 to 42.3"."""
    return f"{number(low)} to {number(high)}"


def with_interval(value: float | None, ci: tuple[float, float] | list[float]) -> str:
    """An estimate with its interval: "11.0 (2.86 to 42.3)"."""
    return f"{number(value)} ({interval(*ci)})"


def probability(p: float | None) -> str:
    """A probability with the digits that carry meaning; never a rounded 0 or 1."""
    if p is None or math.isnan(p):
        return "-"
    if p > 0.999:
        return "above 0.999"
    if p < 0.001:
        return "below 0.001"
    return f"{p:.3f}"


def short_probability(p: float) -> str:
    """The same where there is little room: ">0.999"."""
    return probability(float(p)).replace("above ", ">").replace("below ", "<")


def percent(prob: float) -> str:
    """A coverage probability as a percentage: "95%"."""
    return f"{100 * prob:g}%"


def listing(items: Sequence[str], most: int = 12) -> str:
    """The items in one line, the first `most` of them where there are more: "a, b and 3 more"."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
