"""From the analysis scale to the axis of a figure: coordinates, ticks, and numbers as a journal prints them."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from scipy.special import expit, logit

from bayes_ivig.effects import is_ratio, to_natural
from bayes_ivig.evidence import Evidence

NAMES = {
    "OR": "Odds ratio",
    "RR": "Risk ratio",
    "MD": "Mean difference",
    "SMD": "Standardised mean difference",
    "effect": "Effect",
    "rate": "Rate",
}
LARGEST, SMALLEST = 9999.5, 0.001  # a ratio beyond these is printed as "above" or "below"
_RATES = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)


def axis_label(measure: str, evidence: Evidence) -> str:
    """Name of the natural scale, with its unit where it has one."""
    unit = f" ({evidence.unit})" if evidence.unit and measure in ("MD", "effect") else ""
    return NAMES[measure] + unit + (" (log scale)" if is_ratio(measure) else "")


def ticks(measure: str, low: float, high: float, most: int = 7) -> tuple[list[float], list[str]]:
    """Ticks between two values of the analysis scale: their places there and their labels in natural units."""
    if is_ratio(measure):
        places = np.log(_ratio_ticks(low, high, most))
        labels = [f"{math.exp(x):,.10g}" for x in places]
    elif measure == "rate":
        places = logit([p for p in _RATES if low <= logit(p) <= high] or [float(expit((low + high) / 2))])
        labels = [f"{p:.3g}" for p in expit(places)]
    else:
        places, labels = linear_ticks(low, high, most)
    return list(places), [minus(label) for label in labels]


def linear_ticks(low: float, high: float, most: int = 7) -> tuple[list[float], list[str]]:
    """Round values between `low` and `high`, with the decimals they need."""
    places = [
        float(x) for x in MaxNLocator(most - 1).tick_values(low, high) if low - 1e-12 <= x <= high + 1e-12
    ]
    step = places[1] - places[0] if len(places) > 1 else 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return places, [minus(f"{x + 0.0:,.{decimals}f}") for x in places]


def _ratio_ticks(low: float, high: float, most: int) -> list[float]:
    """Decades; with fewer than three of them 1, 2, 5 or 1, 3; with less than a doubling, linear steps."""
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
    """Print a ratio: two decimals below 10, one below 100, none above; tiny and huge ones as bounds."""
    if x > LARGEST:
        return ">9,999"
    if x < SMALLEST:
        return "<0.001"
    if x < 0.095:
        return f"{x:.2g}" if x >= 0.00995 else f"{x:.1g}"
    return f"{x:.2f}" if x < 9.995 else f"{x:.1f}" if x < 99.95 else f"{x:,.0f}"


def decimals_for(width: float) -> int:
    """Decimals that give an interval of this width about two significant digits in its ends."""
    return min(6, max(0, 1 - math.floor(math.log10(width)))) if 0 < width < math.inf else 2


def interval_text(measure: str, values: Sequence[float], decimals: int) -> str:
    """Print a median and two limits, given on the analysis scale, in natural units: "12.3 (2.10 to 80.2)"."""
    natural = [float(to_natural(measure, x)) for x in values]
    if is_ratio(measure):
        point, low, high = map(ratio_text, natural)
    elif measure == "rate":
        point, low, high = (f"{x:.2f}" for x in natural)
    else:
        point, low, high = (minus(f"{round(x, decimals) + 0.0:,.{decimals}f}") for x in natural)
    return f"{point} ({low} to {high})"
