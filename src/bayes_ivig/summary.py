"""What a reader is told of a distribution: mean, SD, median, equal-tailed interval, P(> 0)."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Summary:
    """Summary of one quantity on its analysis scale; `ci` is equal-tailed and holds `prob`."""

    mean: float
    sd: float
    median: float
    ci: tuple[float, float]
    prob: float
    p_gt_0: float

    def to_json(self) -> dict[str, Any]:
        """The summary as plain JSON values."""
        return asdict(self) | {"ci": list(self.ci)}


def tails(prob: float) -> tuple[float, float]:
    """Lower and upper probability of the equal-tailed interval that holds `prob`."""
    return (1 - prob) / 2, (1 + prob) / 2


def summarise(draws: NDArray[np.float64], prob: float) -> Summary:
    """Summarise draws of any shape as one quantity."""
    lower, median, upper = np.quantile(draws, [tails(prob)[0], 0.5, tails(prob)[1]])
    return Summary(
        mean=float(draws.mean()),
        sd=float(draws.std(ddof=1)),
        median=float(median),
        ci=(float(lower), float(upper)),
        prob=prob,
        p_gt_0=float(np.mean(draws > 0)),
    )
