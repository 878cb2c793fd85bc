"""The likelihood of mu and tau: one curve a study, added up. It knows no prior of mu or tau."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.priors import Prior
from bayes_ivig.profiles import LIKELIHOODS, normal
from bayes_ivig.quadrature.curves import ConstantCurve, Curve, NormalCurve
from bayes_ivig.quadrature.panels import Landmark
from bayes_ivig.quadrature.tabulated import tabulate
from bayes_ivig.spec import NUISANCE, Model
from bayes_ivig.studies import Study

Array = NDArray[np.float64]
_BESIDE = 0.1  # widths: the panels of mu beside a kink


@dataclass(frozen=True, eq=False)
class Surface:
    """log L(mu, tau) = sum over studies of their smoothed log likelihoods."""

    curves: tuple[Curve, ...]

    def parts(self, mu: Array, tau: Array) -> Array:
        """Log likelihood of each study at every mu (G,) and tau (T,): shape (k, T, G)."""
        return np.array([curve.log_smoothed(mu, tau) for curve in self.curves]).reshape(-1, len(tau), len(mu))

    @cached_property
    def varying(self) -> tuple[Curve, ...]:
        """The studies whose likelihood depends on the effect."""
        return tuple(curve for curve in self.curves if math.isfinite(curve.width))

    @cached_property
    def mu_landmarks(self) -> tuple[Landmark, ...]:
        """Where the likelihood of mu varies: at each study, and at all of them together."""
        if not self.varying:
            return ()
        weights = np.array([curve.width**-2 for curve in self.varying])
        pooled = float(weights @ [curve.centre for curve in self.varying] / weights.sum())
        return (
            Landmark(pooled, float(weights.sum()) ** -0.5),
            *(Landmark(curve.centre, curve.width) for curve in self.varying),
            *(Landmark(kink, _BESIDE * curve.width) for curve in self.varying if (kink := curve.kink) is not None),
        )

    @property
    def kinks(self) -> tuple[float, ...]:
        """Where the likelihood of a study bends sharply: no panel may reach across."""
        return tuple({curve.kink for curve in self.curves if curve.kink is not None})

    @cached_property
    def tau_landmarks(self) -> tuple[Landmark, ...]:
        """Where the likelihood of tau varies: near 0 on the scale of the narrowest study, less for many studies."""
        if not self.varying:
            return ()
        narrowest = min(curve.width for curve in self.varying)
        return (Landmark(0.0, narrowest * min(1.0, 2 / math.sqrt(len(self.varying)))),)

    @cached_property
    def error(self) -> float:
        """Bound on the error of the log likelihood that the studies' own tables make."""
        return sum(curve.error for curve in self.curves)

    def without(self, index: int) -> "Surface":
        """Return the surface with one study left out."""
        return Surface(self.curves[:index] + self.curves[index + 1 :])


def make_surface(studies: Sequence[Study], model: Model, power: float = 1.0) -> Surface:
    """Return the surface of these studies under the likelihood, measure and nuisance priors of `model`.

    `power` raises every study's likelihood to a power, before its nuisance parameters are integrated out.
    """
    if model.likelihood == "normal":
        data = normal.make_data(tuple(studies), model.measure)
        pairs = zip(data.y.tolist(), data.se.tolist(), strict=True)
        return Surface(tuple(NormalCurve(y, se, power) if math.isfinite(se) else ConstantCurve(0.0) for y, se in pairs))
    LIKELIHOODS[model.likelihood].make_data(tuple(studies), model.measure)  # refuses studies of another kind
    return Surface(tuple(curve_of(study, model, power) for study in studies))


@dataclass(frozen=True)
class _Question:
    """What a study's curve depends on: not the priors of mu and tau, nor the sampler."""

    study: Study
    likelihood: str
    measure: str
    parametrisation: str | None
    nuisance: tuple[Prior, ...]
    power: float
    model: Model = field(compare=False)


def curve_of(study: Study, model: Model, power: float = 1.0) -> Curve:
    """Tabulate one study's integrated likelihood, raised to a power first; once in a process."""
    nuisance = tuple(model.priors[name] for name in NUISANCE[model.likelihood])
    question = _Question(study, model.likelihood, model.measure, model.parametrisation, nuisance, power, model)
    return _remembered(question) if isinstance(study, Hashable) else _tabulated(question)


@lru_cache(maxsize=1024)
def _remembered(question: _Question) -> Curve:
    return _tabulated(question)


def _tabulated(question: _Question) -> Curve:
    study, model, power = question.study, question.model, question.power
    likelihood = LIKELIHOODS[model.likelihood]
    # The prior of a control risk is cut at min(1, 1/R), whose bend at R = 1 the likelihood inherits.
    # Under the prior of the midpoint, arms in which everybody has the event bend it there, less sharply.
    place = 0.0 if model.measure == "RR" else None
    kink, crease = (place, None) if model.parametrisation == "control" else (None, place)
    return tabulate(lambda theta: likelihood.log_integrated(study, model, theta, power), kink, crease)
