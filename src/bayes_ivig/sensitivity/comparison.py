"""Common against random effects, an effect against none: the four models compared by their exact evidence.

After Gronau QF et al., Adv Methods Pract Psychol Sci 2021;4(3) (metaBMA): equal prior probabilities, inclusion
Bayes factors, and the effect averaged over the models that have one.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bayes_ivig.priors import Prior
from bayes_ivig.quadrature import Posterior, fit_posterior, shape_of
from bayes_ivig.sensitivity.setting import Answer, Setting
from bayes_ivig.summary import tails

_NONE = Prior("fixed", (0.0,))


@dataclass(frozen=True)
class CandidateModel:
    """One model: its structure, log evidence, and probability after the data."""

    effect: str  # common or random
    has_effect: bool
    log_evidence: float
    prior_probability: float
    probability: float

    @property
    def label(self) -> str:
        """How a table names it."""
        size = "any" if self.has_effect else "none on average"
        return f"{self.effect} effect{'s' if self.effect == 'random' else ''}, {size}"


@dataclass(frozen=True)
class Comparison:
    """The candidates, and the Bayes factors on the log scale; None where there is nothing to compare.

    `averaged` is mu averaged over the candidates with an effect, by their probabilities; its log evidence is that
    of these candidates together.
    """

    models: tuple[CandidateModel, ...]
    log_bf_effect: float
    log_bf_heterogeneity: float | None
    averaged: Answer

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain JSON values."""
        return {
            "models": self.to_rows(),
            "log_bf_effect": self.log_bf_effect,
            "log_bf_heterogeneity": self.log_bf_heterogeneity,
            "averaged": self.averaged.to_json(),
        }

    def to_rows(self) -> list[dict[str, Any]]:
        """One row a model."""
        return [asdict(model) for model in self.models]


def compare_models(setting: Setting) -> Comparison | None:
    """Compare the model with those without effect, without heterogeneity, and without either.

    None where mu is fixed: nothing is left to compare.
    """
    if setting.mu.point is not None:
        return None
    structures: list[str] = ["common"]
    if setting.tau is not None and setting.tau.point != 0:
        structures.append("random")
    none = shape_of(_NONE)
    found: list[tuple[str, bool, Posterior]] = []
    for has_effect in (True, False):
        for effect in structures:
            if has_effect and effect == setting.model.effect:
                posterior = setting.posterior
            else:
                tau = setting.tau if effect == "random" else None
                posterior = fit_posterior(setting.surface, setting.mu if has_effect else none, tau)
            found.append((effect, has_effect, posterior))
    logs = np.array([posterior.log_evidence for _, _, posterior in found])
    share = np.exp(logs - np.logaddexp.reduce(logs))
    models = tuple(
        CandidateModel(effect, has, float(log), 1 / len(found), float(p))
        for (effect, has, _), log, p in zip(found, logs, share, strict=True)
    )
    with_effect = np.array([model.has_effect for model in models])
    random = np.array([model.effect == "random" for model in models])
    return Comparison(
        models,
        _log_bf(logs, with_effect),
        _log_bf(logs, random) if random.any() else None,
        _average(setting, [p for _, has, p in found if has], share[with_effect]),
    )


def _log_bf(logs: np.ndarray, chosen: np.ndarray) -> float:
    """Log of the mean evidence of the chosen over that of the others: prior odds divided out."""
    inside, outside = logs[chosen], logs[~chosen]
    return float(
        np.logaddexp.reduce(inside) - math.log(len(inside)) - np.logaddexp.reduce(outside) + math.log(len(outside))
    )


def _average(setting: Setting, posteriors: list[Posterior], share: np.ndarray) -> Answer:
    """Mixture of the posteriors of mu."""
    from scipy.optimize import brentq

    weights = share / share.sum()
    parts = [posterior.mu for posterior in posteriors]
    mean = float(weights @ [part.mean for part in parts])
    variance = float(weights @ [part.sd**2 + (part.mean - mean) ** 2 for part in parts])

    def quantile(q: float) -> float:
        ends = [float(part.quantile(q)) for part in parts]
        if max(ends) - min(ends) < 1e-12:
            return ends[0]
        return float(
            brentq(
                lambda x: float(weights @ [float(part.cdf(x)) for part in parts]) - q, min(ends), max(ends), xtol=1e-10
            )
        )

    lower, upper = tails(setting.prob)
    p = float(weights @ [setting.direction.p(part) for part in parts])
    logs = [posterior.log_evidence for posterior in posteriors]
    return Answer(
        mean,
        math.sqrt(variance),
        quantile(0.5),
        (quantile(lower), quantile(upper)),
        p,
        float(np.logaddexp.reduce(logs) - math.log(len(logs))),
    )
