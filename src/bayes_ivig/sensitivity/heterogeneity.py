"""What the data say about tau: how far its posterior is from its prior."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bayes_ivig.quadrature.panels import Panels
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.wording import number

_PIECES = 40  # of every panel: the smaller of two densities has kinks
_ORDER = 8


@dataclass(frozen=True)
class TauLearning:
    """Overlap of prior and posterior of tau, and their Kullback-Leibler divergence.

    `overlap` is the overlapping coefficient, the integral of the smaller density (Inman and Bradley, Commun Stat
    Theory Methods 1989;18:3851-3874): 1 where both are the same, 0 where they share nothing. `divergence` is that
    of the posterior from the prior, in nats.
    """

    n_studies: int
    overlap: float
    divergence: float
    prior_median: float
    posterior_median: float

    @property
    def sentence(self) -> str:
        """What this means, for a reader."""
        trials = "With one trial" if self.n_studies == 1 else f"With {self.n_studies} trials"
        what = (
            "the posterior repeats the prior: these trials say next to nothing about how much effects vary"
            if self.overlap > 0.9
            else "the posterior is still close to the prior"
            if self.overlap > 0.7
            else "the trials have moved tau away from its prior"
        )
        return (
            f"{trials} prior and posterior of tau overlap by {self.overlap:.2f} (1 where they are the same); {what}. "
            f"Its median was {number(self.prior_median)} and is {number(self.posterior_median)}."
        )

    def to_json(self) -> dict[str, Any]:
        """The numbers and the sentence as plain JSON values."""
        return asdict(self) | {"sentence": self.sentence}


def learn_about_tau(setting: Setting) -> TauLearning | None:
    """Compare prior and posterior of tau; None where tau is fixed."""
    if setting.tau is None or setting.tau.point is not None:
        return None
    prior, posterior = setting.model.priors["tau"], setting.posterior.tau
    assert posterior.panels is not None
    edges = posterior.panels.edges
    fine = Panels(
        np.concatenate([*(np.linspace(a, b, _PIECES + 1)[:-1] for a, b in pairwise(edges)), edges[-1:]]),
        _ORDER,
    )
    q, log_p = posterior.pdf(fine.nodes), prior.logpdf(fine.nodes)
    overlap = float(fine.weights @ np.minimum(q, np.exp(log_p)))
    seen = q > 0
    divergence = float(fine.weights[seen] @ (q[seen] * (np.log(q[seen]) - log_p[seen])))
    return TauLearning(
        len(setting.names),
        min(overlap, 1.0),
        max(divergence, 0.0),
        float(prior.ppf(0.5)),
        float(posterior.quantile(0.5)),
    )
