"""Paired binary data of crossover trials: the four cells of a trial are multinomial.

The margins are p_T and p_C as in the binomial model of the odds ratio, so theta is the *marginal* log odds ratio,
comparable with parallel trials; the association within patients is a log odds ratio lambda, per trial, and the
cells follow from both (`plackett`). Data may be

- the full table;
- margins only: then the likelihood is the sum over every table with these margins. From one table to the next two
  patients move, which multiplies its probability by exp(lambda), so the sum is one table times a polynomial in
  exp(lambda): the normaliser of the non-central hypergeometric distribution;
- pairs and patients who had one treatment only, whose arms multiply in. That is the full likelihood where who
  crosses over depends on the recorded first-period outcome alone and there is no period, sequence or carry-over
  effect (the design of the crossing is then ignorable; Rubin, Biometrika 1976;63:581-592).

With lambda = 0 all of them are two independent binomials, up to a constant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from bayes_ivig.errors import InputError
from bayes_ivig.profiles import hypergeometric, paired_integral
from bayes_ivig.profiles.binomial import risks
from bayes_ivig.profiles.paired_integral import COUNTS, PairedCounts
from bayes_ivig.profiles.plackett import CELLS, joint_cells
from bayes_ivig.spec import Model
from bayes_ivig.studies import Paired, PairedMargins, Study

Array = NDArray[np.float64]
Draws = Mapping[str, Array]
HAS_RISKS = True


@dataclass(frozen=True)
class Pairs:
    """The trials as counts: see `PairedCounts`; `weights` are patients, each counted once, array of length k.

    What the sampler needs, as arrays: `counts` (8, k) by `COUNTS`, `constants` (k,), and of every table with
    a trial's margins, (k, m), its log weight at no association and how many steps it is from the one in `counts`.
    """

    trials: tuple[PairedCounts, ...]
    weights: Array
    counts: Array
    constants: Array
    table_weights: Array
    table_steps: Array

    @cached_property
    def events(self) -> tuple[Array, Array]:
        """Events on T and on C, pairs and single patients together, arrays of length k."""
        on_t = [t.cells["both"] + t.cells["t_only"] + t.events_t for t in self.trials]
        on_c = [t.cells["both"] + t.cells["c_only"] + t.events_c for t in self.trials]
        return np.array(on_t), np.array(on_c)


def make_data(studies: tuple[Study, ...], measure: str) -> Pairs:
    """Collect paired studies as counts.

    Raises
    ------
    InputError
        A study that is not paired data.
    """
    trials = tuple(_counts(study) for study in studies)
    weights = np.array([study.n_participants for study in studies], float)
    counts = np.array([[trial.count(name) for trial in trials] for name in COUNTS])
    constants = np.array([trial.constant for trial in trials])
    tables = [np.zeros(1) if trial.tables is None else trial.tables.log_weight for trial in trials]
    steps = hypergeometric.padded([np.arange(len(table), dtype=float) for table in tables], 0.0)
    padded = hypergeometric.padded(tables, hypergeometric.NO_TABLE)
    return Pairs(trials, weights, counts, constants, padded, steps)


def _counts(study: Study) -> PairedCounts:
    match study:
        case Paired():
            cells = {name: float(getattr(study, name)) for name in CELLS}
            constant = _log_multinomial(cells.values())
            constant += _log_multinomial((study.events_t, study.n_t - study.events_t))
            constant += _log_multinomial((study.events_c, study.n_c - study.events_c))
            arms = (study.events_t, study.n_t, study.events_c, study.n_c)
            started = None if study.started_t is None or study.started_c is None else (study.started_t, study.started_c)
            return PairedCounts(cells, *arms, constant, started=started)
        case PairedMargins():
            on_t, on_c, n = study.margins_t, study.margins_c, study.n_pairs
            tables = hypergeometric.support(on_t, n - on_t, on_c)
            both = tables.lowest
            cells = dict(zip(CELLS, map(float, (both, on_t - both, on_c - both, n - on_t - on_c + both)), strict=True))
            return PairedCounts(cells, 0, 0, 0, 0, _log_multinomial(cells.values()), tables)
    raise InputError(f"{study.study}: the crossover model needs paired tables or margins, not {study.kind} data")


def _log_multinomial(counts: Any) -> float:
    n = np.array(list(counts), float)
    return float(gammaln(n.sum() + 1) - gammaln(n + 1).sum())


def _midpoint(theta: Any, baseline: Any, model: Model) -> Any:
    """Midpoint of the two logits; the baseline is that midpoint, or the logit of the control risk."""
    return baseline + theta / 2 if model.parametrisation == "control" else baseline


def pymc_block(pm: Any, place: Any, hierarchy: Any, data: Pairs, model: Model) -> None:
    """Add baseline and association of each study, and the log likelihood, to the PyMC model in context."""
    theta = hierarchy.theta()
    baseline = place.logit("baseline", model.priors["baseline"], dims="study")
    association = place.real("association", model.priors["association"], dims="study")
    cells = joint_cells(_midpoint(theta, baseline, model), theta / 2, association, pm.math)
    sides = {  # of patients who had one treatment only
        "events_t": cells["both"] + cells["t_only"],
        "others_t": cells["c_only"] + cells["neither"],
        "events_c": cells["both"] + cells["c_only"],
        "others_c": cells["t_only"] + cells["neither"],
    }
    probabilities = pm.math.stack([(cells | sides)[name] for name in COUNTS])
    # A count of 0 takes no part, however small its probability.
    terms = data.counts * pm.math.log(pm.math.maximum(probabilities, 1e-300))
    tables = pm.math.logsumexp(data.table_weights + association[:, None] * data.table_steps, axis=1)
    pm.Potential("paired", pm.math.sum(terms) + pm.math.sum(tables + data.constants))


def draw_nuisance(theta: Array, model: Model, rng: np.random.Generator) -> Draws:
    """Draw baseline (on the logit) and association of each study from their priors, arrays of the shape of `theta`."""
    prior = model.priors["baseline"]
    baseline = prior.rvs(rng, theta.shape)
    if prior.support[0] >= 0:
        baseline = np.log(baseline) - np.log1p(-baseline)
    return {"baseline": baseline, "association": model.priors["association"].rvs(rng, theta.shape)}


def derive(draws: Draws, data: Pairs, model: Model) -> Draws:
    """Risks of both treatments in each study, arrays (..., k), and the log odds ratio within patients.

    The latter, `log_or_within`, is log(t_only / c_only) of the cell probabilities: what one patient's odds are
    multiplied by, further from 0 than theta where the association is positive.
    """
    p_c, p_t = risks(draws["theta"], draws["baseline"], model)
    h = _midpoint(draws["theta"], draws["baseline"], model)
    cells = joint_cells(h, draws["theta"] / 2, draws["association"])
    return {"p_c": p_c, "p_t": p_t, "log_or_within": np.log(cells["t_only"]) - np.log(cells["c_only"])}


def predict(draws: Draws, data: Pairs, rng: np.random.Generator) -> Draws:
    """Replicated events on both treatments, arrays (..., k).

    Pairs are drawn from their four cells, then patients who had one treatment only. Where non-responders alone
    crossed over, sequence comes first and crossing after it: who makes a pair is an outcome there, and how many pairs
    there are varies from one replicate to the next.
    """
    cells = _cells(draws)
    p = np.stack([cells[name] for name in CELLS], axis=-1)
    n = np.array([sum(trial.cells.values()) for trial in data.trials]).astype(int)
    both, t_only, c_only, _ = np.moveaxis(rng.multinomial(n, p / p.sum(axis=-1, keepdims=True)), -1, 0)
    n_t, n_c = (np.array([getattr(trial, name) for trial in data.trials], int) for name in ("n_t", "n_c"))
    events = {
        "events_c": both + c_only + rng.binomial(n_c, draws["p_c"]),
        "events_t": both + t_only + rng.binomial(n_t, draws["p_t"]),
    }
    for i, trial in enumerate(data.trials):
        if trial.started is not None:
            one = {name: x[..., i] for name, x in cells.items()}
            events["events_t"][..., i], events["events_c"][..., i] = _non_responders_cross(one, trial.started, rng)
    return events


def _non_responders_cross(cells: Draws, started: tuple[int, int], rng: np.random.Generator) -> tuple[Array, Array]:
    """Events on T and on C where patients start on one treatment, and those it does not help cross to the other."""
    both, t_only, c_only, neither = (cells[name] for name in CELLS)
    first_t = rng.binomial(started[0], np.minimum(both + t_only, 1.0))
    first_c = rng.binomial(started[1], np.minimum(both + c_only, 1.0))
    second_c = rng.binomial(started[0] - first_t, c_only / (c_only + neither))
    second_t = rng.binomial(started[1] - first_c, t_only / (t_only + neither))
    return np.asarray(first_t + second_t, float), np.asarray(first_c + second_c, float)


def _cells(draws: Draws) -> dict[str, Array]:
    """Cells from draws, whatever the parametrisation: theta and p_C fix the midpoint."""
    with np.errstate(divide="ignore"):  # a risk of 0 or 1 in doubles
        h = np.log(draws["p_c"]) - np.log1p(-draws["p_c"]) + draws["theta"] / 2
    return joint_cells(h, draws["theta"] / 2, draws["association"])


def log_likelihood(draws: Draws, data: Pairs) -> Array:
    """Log likelihood of each study, array (..., k); every coefficient included."""
    cells = _cells(draws)
    return np.stack(
        [
            trial.log_likelihood({name: p[..., i] for name, p in cells.items()}, draws["association"][..., i])
            for i, trial in enumerate(data.trials)
        ],
        axis=-1,
    )


def observed(data: Pairs) -> Draws:
    """Return the observed events, by the names of `predict`."""
    on_t, on_c = data.events
    return {"events_c": on_c, "events_t": on_t}


def log_integrated(study: Study, model: Model, theta: Array, power: float = 1.0) -> Array:
    """Log likelihood of one study at the effects `theta`, shape (m,), baseline and association integrated out.

    `power` raises the likelihood to a power before they are integrated out. Every constant is included. Relative
    error about 1e-11 for theta within -30 to 30 and priors no heavier than Student's t.

    Raises
    ------
    InputError
        A study that is not paired data.
    """
    return paired_integral.log_integrated(replace(_counts(study), power=power), model, theta)


def draw_given_theta(study: Study, model: Model, theta: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Draw baseline (on the logit) and association of one study given its data and each theta, shape (m,).

    The draws are independent, and exact: by rejection from the nodes of the quadrature.
    """
    return paired_integral.draw_given_theta(_counts(study), model, theta, rng)
