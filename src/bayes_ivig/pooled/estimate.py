"""One pooled estimate, and the two steps every method shares: its interval and its heterogeneity."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from bayes_ivig.effects import Array, to_natural
from bayes_ivig.errors import InputError

# What each correction for zero cells did, in words.
CORRECTION_WORDS = {
    "none": "",
    "revman": "0.5 in tables with a zero as RevMan",
    "only0": "0.5 in tables with a zero",
    "all": "0.5 in every table",
}
NO_INTERVAL = (math.nan, math.nan)


@dataclass(frozen=True)
class Estimate:
    """A pooled effect on its analysis scale: log for OR and RR, logit for a rate, else as it is.

    `method` pools by `measure` after `correction` ('none', 'revman', 'only0', 'all') with an `interval` of
    kind 'z', 'Hartung-Knapp', 'Hartung-Knapp, ad hoc' or 'exact'. `p` is two-sided and tests no effect (nan
    for rates); `i2` is in percent; `tau2_ci` is the Q-profile interval; `k` counts the trials that have
    data for this method. What does not exist is nan, and `note` says why.
    """

    method: str
    measure: str
    correction: str
    interval: str
    estimate: float
    se: float
    ci: tuple[float, float]
    p: float
    tau2: float
    i2: float
    q: float
    q_p: float
    prediction: tuple[float, float] | None
    k: int
    note: str = ""
    tau2_ci: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Check that the limits are in order and that what does not exist is explained."""
        if self.ci[0] > self.ci[1] or (self.prediction and self.prediction[0] > self.prediction[1]):
            raise ValueError(f"{self.method} {self.measure}: limits in the wrong order, {self.ci}, {self.prediction}")
        if math.isnan(self.estimate) and not self.note:
            raise ValueError(f"{self.method} {self.measure}: an estimate that does not exist needs a note")

    @property
    def label(self) -> str:
        """The method in words: "Mantel-Haenszel RR, 0.5 in tables with a zero"."""
        interval = "" if self.interval == "z" else self.interval
        return ", ".join(filter(None, (f"{self.method} {self.measure}", CORRECTION_WORDS[self.correction], interval)))

    def natural(self) -> tuple[float, float, float]:
        """Estimate and limits on the natural scale: a ratio, a rate, or as they are."""
        low, high = self.ci
        return tuple(float(to_natural(self.measure, x)) for x in (self.estimate, low, high))  # type: ignore[return-value]


def missing(method: str, measure: str, correction: str, interval: str, k: int, why: str) -> Estimate:
    """Return the estimate that does not exist, with the reason."""
    nan = math.nan
    return Estimate(method, measure, correction, interval, nan, nan, NO_INTERVAL, nan, nan, nan, nan, nan, None, k, why)


def check_prob(prob: float) -> None:
    """Raise InputError unless `prob` lies strictly between 0 and 1."""
    if not 0 < prob < 1:
        raise InputError(
            f"prob: {prob:g} is not allowed; give the intervals a probability between 0 and 1, such as 0.95"
        )


def half_width(prob: float, df: int | None) -> float:
    """Return the central interval's half-width in standard errors: normal, or Student's t with `df`."""
    upper = (1 + prob) / 2
    return float(ndtri(upper) if df is None else stdtrit(df, upper))


def interval_and_p(estimate: float, se: float, prob: float, df: int | None = None) -> tuple[tuple[float, float], float]:
    """Interval at `prob` and two-sided p against 0, normal or Student's t with `df`; nan where se is nan."""
    width = half_width(prob, df) * se
    if se == 0:
        p = 0.0 if estimate else math.nan
    else:
        z = -abs(estimate) / se
        p = float(2 * (ndtr(z) if df is None else stdtr(df, z)))
    return (estimate - width, estimate + width), p


def heterogeneity(y: Array, v: Array, mu: float) -> tuple[float, float, float]:
    """Cochran's Q of effects y with variances v (shape (k,)) around mu, its p, and I2 in percent.

    Fewer than two trials give 0, 1 and 0, as in metafor. Higgins and Thompson 2002, Stat Med 21:1539.
    """
    df = len(y) - 1
    if df < 1:
        return 0.0, 1.0, 0.0
    q = float(np.sum((y - mu) ** 2 / v))
    i2 = 100 * (1 - df / q) if q > df else 0.0
    return q, float(chdtrc(df, q)), i2
