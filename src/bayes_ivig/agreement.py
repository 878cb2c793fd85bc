"""Whether the sampler and the exact engine agree: every mean, SD and 95% limit, in Monte-Carlo standard errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bayes_ivig.checks import Check
from bayes_ivig.quadrature import Posterior
from bayes_ivig.quadrature.marginal import Marginal

Array = NDArray[np.float64]
FALSE_ALARMS = 1e-4  # share of runs of a correct program in which any quantity breaches the limit
_PROBS = (0.025, 0.975)


@dataclass(frozen=True)
class Agreement:
    """The largest deviation over all quantities compared, its name, and the limit."""

    n_compared: int
    worst: str
    z: float
    limit: float

    @property
    def check(self) -> Check:
        """The agreement as a check."""
        hint = f"{self.worst} differs; sample more (--draws), and if it stays, report it: one of the engines is wrong"
        return Check("sampler against exact engine, largest deviation in MCSE", self.z, self.limit, self.z <= self.limit, hint)

    def to_json(self) -> dict[str, Any]:
        """The agreement as plain JSON values."""
        return {
            "n_compared": self.n_compared,
            "worst": self.worst,
            "z": self.z,
            "limit": self.limit,
            "passed": self.z <= self.limit,
        }


def compare_engines(draws: Mapping[str, Array], exact: Posterior) -> Agreement:
    """Compare draws (chain, draw[, study]) with the exact posterior.

    The limit is Bonferroni's over all quantities: a correct program fails one run in 10,000.
    """
    pairs: list[tuple[str, Array, Marginal]] = [("mu", draws["mu"], exact.mu), ("theta_new", draws["theta_new"], exact.theta_new)]
    if "tau" in draws:
        pairs.append(("tau", draws["tau"], exact.tau))
    pairs += [(f"theta[{i}]", draws["theta"][..., i], marginal) for i, marginal in enumerate(exact.theta)]
    deviations: dict[str, float] = {}
    for name, x, marginal in pairs:
        if np.ptp(x) > 0:
            deviations |= _deviations(name, x, marginal)
    if not deviations:
        return Agreement(0, "nothing", 0.0, 0.0)
    worst = max(deviations, key=lambda name: deviations[name])
    limit = -float(ndtri(FALSE_ALARMS / (2 * len(deviations))))
    return Agreement(len(deviations), worst, deviations[worst], limit)


def _deviations(name: str, x: Array, marginal: Marginal) -> dict[str, float]:
    import arviz_stats
    import xarray as xr

    draws = xr.DataArray(x, dims=("chain", "draw"))
    found = {}
    if np.isfinite(marginal.sd) and marginal.tail_index > 5.5:  # an SD has a standard error where there are four moments
        found[f"mean of {name}"] = (x.mean() - marginal.mean) / float(arviz_stats.mcse(draws, method="mean"))
        found[f"SD of {name}"] = (x.std(ddof=1) - marginal.sd) / float(arviz_stats.mcse(draws, method="sd"))
    limits = np.quantile(x, _PROBS)
    for prob, limit, exact in zip(_PROBS, limits, marginal.quantile(np.array(_PROBS)), strict=True):
        error = float(arviz_stats.mcse(draws, method="quantile", prob=prob))
        found[f"{100 * prob:g}% limit of {name}"] = (limit - exact) / error
    return {key: abs(float(z)) for key, z in found.items()}
