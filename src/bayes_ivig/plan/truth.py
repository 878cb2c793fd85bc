"""What the true effect of the next trial is supposed to be: uncertain, as a posterior has it, or a fixed value."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import to_natural
from bayes_ivig.quadrature.marginal import Marginal
from bayes_ivig.wording import interval, number

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Truth:
    """True effect of the next trial: a distribution, or one value; `text` says which."""

    text: str
    marginal: Marginal | None = None
    value: float | None = None

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """True effects of n simulated trials."""
        return self.marginal.draw(rng, n) if self.marginal else np.full(n, self.value)

    def describe(self, measure: str, prob: float) -> str:
        """The supposed effect in words, on the natural scale."""
        if self.marginal is None:
            return self.text
        median, low, high = (float(x) for x in to_natural(measure, self._quantiles(prob)))
        return f"{self.text}: {measure} {number(median)} ({interval(low, high)})"

    def _quantiles(self, prob: float) -> Array:
        assert self.marginal is not None
        return self.marginal.quantile(np.array([0.5, (1 - prob) / 2, (1 + prob) / 2]))

    def to_json(self, prob: float) -> dict[str, Any]:
        """The supposed effect as plain JSON values, on the analysis scale."""
        summary = None if self.marginal is None else self.marginal.summary(prob).to_json()
        return {"text": self.text, "value": self.value, "theta_new": summary}
