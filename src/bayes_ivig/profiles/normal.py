"""Normal likelihood: y_i ~ N(theta_i, se_i), any effect with its standard error.

The study effects are integrated out for sampling, y_i ~ N(mu, sqrt(se_i^2 + tau^2)), which removes the funnel;
theta_i is drawn afterwards from its conditional normal (Gelman et al., Bayesian Data Analysis, 3rd ed., eq. 5.17).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import effect_sizes
from bayes_ivig.errors import InputError
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study

Array = NDArray[np.float64]
Draws = Mapping[str, Array]
HAS_RISKS = False


@dataclass(frozen=True)
class Effects:
    """Effect and standard error of each study on the analysis scale, arrays of length k.

    Both are nan where a study has no effect (no patients in an arm, say): it carries no information.
    """

    y: Array
    se: Array
    notes: tuple[str, ...] = ()

    @property
    def informative(self) -> NDArray[np.bool_]:
        """Which studies have an effect."""
        return np.isfinite(self.se)


def make_data(studies: tuple[Study, ...], measure: str) -> Effects:
    """Effect sizes of the studies; counts become log OR or log RR with 0.5 added to tables that have a zero.

    Raises
    ------
    InputError
        No study has an effect.
    """
    data = Effects(*effect_sizes(studies, measure))
    if not data.informative.any():
        raise InputError(f"no trial has a {measure} with a standard error; {'; '.join(data.notes)}")
    return data


def pymc_block(pm: Any, place: Any, hierarchy: Any, data: Effects, model: Model) -> None:
    """Add the marginal normal likelihood of the informative studies to the PyMC model in context."""
    seen = data.informative
    pm.Normal("y", mu=hierarchy.mu, sigma=pm.math.sqrt(data.se[seen] ** 2 + hierarchy.tau**2), observed=data.y[seen])


def draw_nuisance(theta: Array, model: Model, rng: np.random.Generator) -> Draws:
    """There is no nuisance parameter."""
    return {}


def draw_theta(draws: Draws, data: Effects, rng: np.random.Generator) -> Array:
    """Study effects given mu and tau, array (..., k): precision-weighted mean of y_i and mu."""
    mu, tau, seen = draws["mu"][..., None], draws["tau"][..., None], data.informative
    y, se = np.where(seen, data.y, 0.0), np.where(seen, data.se, 1.0)
    pull = np.where(seen, tau**2 / (tau**2 + se**2), 0.0)
    sd = np.where(seen, np.sqrt(pull) * se, tau)
    return mu + pull * (y - mu) + sd * rng.standard_normal(sd.shape)


def derive(draws: Draws, data: Effects, model: Model) -> Draws:
    """Nothing follows beyond theta."""
    return {}


def predict(draws: Draws, data: Effects, rng: np.random.Generator) -> Draws:
    """Replicated effects y, array (..., k)."""
    return {"y": draws["theta"] + data.se * rng.standard_normal(draws["theta"].shape)}


def log_likelihood(draws: Draws, data: Effects) -> Array:
    """Log density of each y_i given theta_i, array (..., k)."""
    z = (data.y - draws["theta"]) / data.se
    return np.where(data.informative, -0.5 * z**2 - np.log(data.se) - 0.5 * np.log(2 * np.pi), 0.0)


def observed(data: Effects) -> Draws:
    """Return the observed effects, by the names of `predict`."""
    return {"y": data.y}


def draw_given_theta(study: Study, model: Model, theta: Array, rng: np.random.Generator) -> Draws:
    """There is no nuisance parameter."""
    return {}
