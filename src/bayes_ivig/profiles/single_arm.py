"""Events in one group of each study: r_i ~ Bin(n_i, p_i), logit p_i = theta_i."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln, log_expit

from bayes_ivig.errors import InputError
from bayes_ivig.profiles.binomial import binomial_logpmf
from bayes_ivig.spec import Model
from bayes_ivig.studies import SingleArm, Study

Array = NDArray[np.float64]
Draws = Mapping[str, Array]
HAS_RISKS = False


@dataclass(frozen=True)
class Rates:
    """Events and patients (or exposures) of each study, arrays of length k."""

    events: Array
    n: Array


def make_data(studies: tuple[Study, ...], measure: str) -> Rates:
    """Collect single-arm studies as arrays.

    Raises
    ------
    InputError
        A study that is not single-arm data.
    """
    for study in studies:
        if not isinstance(study, SingleArm):
            raise InputError(f"{study.study}: the single-arm model needs events and n, not {study.kind} data")
    return Rates(*(np.array([getattr(s, column) for s in studies], float) for column in ("events", "n")))


def pymc_block(pm: Any, place: Any, hierarchy: Any, data: Rates, model: Model) -> None:
    """Add the binomial likelihood of each rate to the PyMC model in context."""
    pm.Binomial("events", n=data.n, logit_p=hierarchy.theta(), observed=data.events, dims="study")


def draw_nuisance(theta: Array, model: Model, rng: np.random.Generator) -> Draws:
    """There is no nuisance parameter."""
    return {}


def derive(draws: Draws, data: Rates, model: Model) -> Draws:
    """Rate of each study, array (..., k)."""
    return {"rate": expit(draws["theta"])}


def predict(draws: Draws, data: Rates, rng: np.random.Generator) -> Draws:
    """Replicated events, array (..., k)."""
    return {"events": rng.binomial(data.n.astype(int), draws["rate"])}


def log_likelihood(draws: Draws, data: Rates) -> Array:
    """Log probability of each study's events, array (..., k); binomial coefficient included."""
    return binomial_logpmf(data.events, data.n, draws["rate"])


def observed(data: Rates) -> Draws:
    """Return the observed events, by the name of `predict`."""
    return {"events": data.events}


def log_integrated(study: SingleArm, model: Model, theta: Array, power: float = 1.0) -> Array:
    """Log probability of one study's events at logits theta (m,), to a power; there is no nuisance parameter."""
    r, n = study.events, study.n
    coefficient = gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)
    return np.asarray(power * (coefficient + r * theta + n * log_expit(-theta)))


def draw_given_theta(study: SingleArm, model: Model, theta: Array, rng: np.random.Generator) -> Draws:
    """There is no nuisance parameter."""
    return {}
