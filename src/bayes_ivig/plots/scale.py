"""From the analysis scale to the axis of a figure: coordinates, ticks, and numbers as a journal prints them."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from scipy.special import expit, logit

from bayes_ivig.effects import is_ratio, to_natural
from bayes_ivig.evidence import Evidence
from bayes_ivig.plots.raw import Raw
from bayes_ivig.wording import number

NAMES = {
    "OR": "Odds ratio",
    "RR": "Risk ratio",
    "MD": "Mean difference",
    "SMD": "Standardised mean difference",
    "effect": "Effect",
    "rate": "Rate",
}
LARGEST, SMALLEST = 9999.5, 0.001  # a ratio beyond these is printed as "above" or "below"
WIDE = 1e5  # a tick label with more digits would meet its neighbours
_RATES = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)


def axis_label(measure: str, evidence: Evidence) -> str:
    """Name of the natural scale, with its unit where it has one."""
    unit = f" ({evidence.unit})" if evidence.unit and measure in ("MD", "effect") else ""
    return NAMES[measure] + unit + (" (log scale)" if is_ratio(measure) else "")


def ticks(measure: str, low: float, high: float, most: int = 7) -> tuple[list[float], list[str]]:
    """Ticks between two values of the analysis scale: their places there and their labels in natural units."""
    if is_ratio(measure):
        ratios = _ratio_ticks(low, high, most)
        return [math.log(x) for x in ratios], [f"{x:,.10g}" if 1 / WIDE < x <= WIDE else f"{x:g}" for x in ratios]
    if measure == "rate":
        rates = _rate_ticks(low, high, most)
        return [float(logit(p)) for p in rates], [f"{p:.3g}" for p in rates]
    return linear_ticks(low, high, most)


def linear_ticks(low: float, high: float, most: int = 7) -> tuple[list[float], list[str]]:
    """Round values between `low` and `high`, with the decimals they need."""
    places = [float(x) for x in MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= x <= high]
    decimals = next((d for d in range(5) if np.allclose(np.round(places, d), places, rtol=1e-9, atol=1e-12)), None)
    if decimals is None or max(map(abs, places), default=0.0) >= WIDE:
        return places, [minus(f"{x:g}") for x in places]
    return places, [minus(f"{x + 0.0:,.{decimals}f}") for x in places]


def _rate_ticks(low: float, high: float, most: int) -> list[float]:
    """Round rates no closer to each other than `most` ticks would stand; the middle where there is none."""
    kept: list[float] = []
    for p in _RATES:
        if low <= logit(p) <= high and (not kept or logit(p) - logit(kept[-1]) >= (high - low) / most):
            kept.append(p)
    return kept or [float(expit((low + high) / 2))]


def _ratio_ticks(low: float, high: float, most: int) -> list[float]:
    """Decades; with fewer than three of them 1, 2, 5 or 1, 3; with less than a doubling, linear steps."""
    # Beyond 10^-250 to 10^250 (a fit that went astray) there are no ticks: the ratios are no floating-point numbers.
    low, high = max(low, -250 * math.log(10)), min(high, 250 * math.log(10))
    decades = range(math.floor(low / math.log(10)), math.ceil(high / math.log(10)) + 1)
    for steps in ((1, 2, 5), (1, 3)):
        fine = [s * 10.0**d for d in decades for s in steps if low <= math.log(s * 10.0**d) <= high]
        if 3 <= len(fine) <= most:
            return fine
    coarse = [10.0**d for d in decades if low <= d * math.log(10) <= high]
    if len(coarse) >= 2:
        # keep 1 on the grid
        stride = -(-len(coarse) // most)
        return [x for x in coarse if round(math.log10(x)) % stride == 0]
    places, _ = linear_ticks(math.exp(low), math.exp(high), most)
    return [x for x in places if x > 0]


def minus(text: str) -> str:
    """Set a true minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")


def ratio_text(x: float) -> str:
    """Print a ratio with three significant digits, and a tiny or huge one as a bound."""
    return ">9,999" if x > LARGEST else "<0.001" if x < SMALLEST else number(x)


def decimals_for(measure: str, width: float) -> int:
    """Decimals of a difference whose interval is this wide: two digits of the width count; an SMD has two at least."""
    fewest = 2 if measure == "SMD" else 0
    return min(6, max(fewest, 1 - math.floor(math.log10(width)))) if 0 < width < math.inf else 2


def count_text(n: float) -> str:
    """Print a count; from a million on in millions."""
    return f"{n:,.0f}" if n < 1e6 else f"{n / 1e6:,.{2 if n < 1e7 else 0}f}M"


def value_text(measure: str, x: float, decimals: int) -> str:
    """Print a value of the analysis scale in natural units; `decimals` are those of a difference."""
    natural = float(to_natural(measure, x))
    if is_ratio(measure):
        return ratio_text(natural)
    if measure == "rate":
        return "<0.001" if 0 < natural < SMALLEST else f"{natural:.3f}"
    return minus(number(natural) if abs(natural) >= 1e6 else f"{round(natural, decimals) + 0.0:,.{decimals}f}")


def interval_text(measure: str, values: Sequence[float], decimals: int) -> str:
    """Print a median and two limits, given on the analysis scale: "12.3 (2.10 to 80.2)"."""
    point, low, high = (value_text(measure, x, decimals) for x in values)
    return f"{point} ({low} to {high})"


def raw_text(measure: str, raw: Raw, decimals: int) -> str:
    """Print a raw effect; one that is 0 or infinite by its one limit."""
    if not raw.exists:
        return "\N{EN DASH}"
    if measure != "rate" and math.isinf(raw.low):
        return f"below {ratio_text(math.exp(raw.high))}"
    if measure != "rate" and math.isinf(raw.high):
        return f"above {ratio_text(math.exp(raw.low))}"
    return interval_text(measure, (raw.estimate, raw.low, raw.high), decimals)
