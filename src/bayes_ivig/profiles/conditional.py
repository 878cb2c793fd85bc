"""Counts in two arms given their totals: the log odds ratio without any baseline.

Given the events of both arms together, those of arm T follow Fisher's non-central hypergeometric distribution with
odds ratio exp(theta) (Fisher RA, J R Stat Soc 1935;98:39-82; McCullagh and Nelder, Generalized Linear Models, 2nd
ed., section 7.3). A trial without events, with events only, or with an empty arm has one possible table: its
likelihood is 1 whatever theta, and it is left uninformative.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import named
from bayes_ivig.errors import InputError
from bayes_ivig.profiles import hypergeometric
from bayes_ivig.profiles.hypergeometric import Support, log_normaliser, sample, support, window
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study, TwoArm

Array = NDArray[np.float64]
Draws = Mapping[str, Array]
HAS_RISKS = False
_REACH = 800.0  # log units below the likeliest table: more than doubles can tell from zero


@dataclass(frozen=True)
class Totals:
    """Every table with the totals of each study, and the one observed: events on T of `total`, arrays of length k.

    `log_weights` and `steps`, arrays (k, m), are what the sampler sums over: tables by their weight over that of the
    observed one, and their distance from it in events.
    """

    tables: tuple[Support, ...]
    events_t: Array
    total: Array
    log_weights: Array
    steps: Array
    notes: tuple[str, ...] = ()


def make_data(studies: tuple[Study, ...], measure: str) -> Totals:
    """Collect two-arm studies by their totals; a note names those that cannot say anything.

    Raises
    ------
    InputError
        A study that is not two-arm data.
    """
    tables = tuple(_tables(study) for study in studies)
    counts = [(s.events_t, s.events_t + s.events_c) for s in studies if isinstance(s, TwoArm)]
    events_t, total = np.array(counts, float).reshape(-1, 2).T
    what = "The conditional model learns nothing from trials with no events, with events only or with an empty arm"
    kept = [_kept_tables(*pair) for pair in zip(tables, events_t.astype(int), strict=True)]
    log_weights = hypergeometric.padded([weights for weights, _ in kept], hypergeometric.NO_TABLE)
    steps = hypergeometric.padded([steps for _, steps in kept], 0.0)
    notes = named(what, studies, [len(t.log_weight) == 1 for t in tables])
    return Totals(tables, events_t, total, log_weights, steps, notes)


def _tables(study: Study) -> Support:
    if not isinstance(study, TwoArm):
        raise InputError(f"{study.study}: the conditional model needs two-arm counts, not {study.kind} data")
    return support(study.n_t, study.n_c, study.events_t + study.events_c)


def pymc_block(pm: Any, place: Any, hierarchy: Any, data: Totals, model: Model) -> None:
    """Add the log likelihood to the PyMC model in context."""
    theta = hierarchy.theta()
    pm.Potential("tables", -pm.math.sum(pm.math.logsumexp(data.log_weights + theta[:, None] * data.steps, axis=1)))


def _kept_tables(tables: Support, events_t: int) -> tuple[Array, Array]:
    """Log weights over that of the observed table, and events more than there, of the tables the sampler sums over.

    Near the observed one: within 800 log units of the likeliest at the odds ratio that fits best, which is wherever
    the posterior has any mass. Of a wide distribution every so manyth is enough: a sum over a smooth hill of
    standard deviation s is that over every s/2.5-th table times s/2.5, to a relative error of exp(-123).
    """
    if len(tables.log_weight) == 1:
        return np.zeros(1), np.zeros(1)
    seen = events_t - tables.lowest
    ratios = np.diff(tables.log_weight)
    best = -float(np.mean(ratios[max(seen - 1, 0) : seen + 1]))  # theta at which the observed table is likeliest
    (first,), (last,) = window(tables, np.array([best]), _REACH)
    inside = 0 < seen < len(ratios)
    curvature = ratios[seen - 1] - ratios[seen] if inside else 1.0  # of the log weights: 1/s^2
    stride = max(1, int(1 / (2.5 * np.sqrt(curvature))))
    index = np.arange(first, last + 1, stride)
    return tables.log_weight[index] - tables.log_weight[seen] + np.log(stride), (index - seen).astype(float)


def draw_nuisance(theta: Array, model: Model, rng: np.random.Generator) -> Draws:
    """There is no nuisance parameter."""
    return {}


def derive(draws: Draws, data: Totals, model: Model) -> Draws:
    """Nothing follows beyond theta: the data say nothing about the risks."""
    return {}


def predict(draws: Draws, data: Totals, rng: np.random.Generator) -> Draws:
    """Replicated events in both arms given their total, arrays (..., k)."""
    theta = draws["theta"]
    events_t = np.stack([sample(tables, theta[..., i], rng) for i, tables in enumerate(data.tables)], axis=-1)
    return {"events_c": data.total - events_t, "events_t": events_t}


def log_likelihood(draws: Draws, data: Totals) -> Array:
    """Log probability of each study's table given its totals, array (..., k)."""
    theta = draws["theta"]
    return np.stack(
        [
            _log_probability(tables, events, theta[..., i])
            for i, (tables, events) in enumerate(zip(data.tables, data.events_t, strict=True))
        ],
        axis=-1,
    )


def _log_probability(tables: Support, events_t: float, theta: Array) -> Array:
    steps = int(events_t) - tables.lowest
    return tables.log_weight[steps] + steps * theta - log_normaliser(tables, theta)


def observed(data: Totals) -> Draws:
    """Return the observed events, by the names of `predict`."""
    return {"events_c": data.total - data.events_t, "events_t": data.events_t}


def log_integrated(study: Study, model: Model, theta: Array, power: float = 1.0) -> Array:
    """Log likelihood of one study at the effects `theta`, shape (m,), to a power: there is nothing to integrate out.

    Raises
    ------
    InputError
        A study that is not two-arm data.
    """
    tables = _tables(study)
    theta = np.asarray(theta, float)
    if len(tables.log_weight) == 1:
        return np.zeros_like(theta)
    assert isinstance(study, TwoArm)
    return power * _log_probability(tables, study.events_t, theta)


def draw_given_theta(study: Study, model: Model, theta: Array, rng: np.random.Generator) -> dict[str, Array]:
    """There is no nuisance parameter to draw."""
    return {}
