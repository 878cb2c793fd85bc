"""Where the truth lies in the posterior of data simulated from it: uniform, if the engine is right.

Talts S, Betancourt M, Simpson D, Vehtari A, Gelman A (arXiv:1804.06788). The exact engine gives its own CDF at the
truth, the sampler the rank among thinned draws.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.calibration.designs import Truth, draw_studies, draw_truth
from bayes_ivig.calibration.uniformity import N_BINS, bin_values
from bayes_ivig.quadrature import Surface, fit_posterior, shape_of
from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.quadrature.surface import make_surface
from bayes_ivig.spec import Model, load_model
from bayes_ivig.studies import Study
from bayes_ivig.threads import in_one_thread

Run = Callable[[tuple[Study, ...], Model, Truth, int], dict[str, float]]
SEED = 4429  # of the review's number, CD004429; fixed before anything was run
MODELS = (
    "binomial-or-midpoint-random",
    "binomial-rr-midpoint-random",
    "binomial-or-control-random",
    "conditional-random",
    "crossover-midpoint-random",
    "normal-or-random",
    "single-arm-random",
)
ENGINES = ("quadrature", "nuts")
N_TRIALS = (2, 3, 4, 6, 12)
QUANTITIES = ("mu", "tau", "theta_1", "theta_new")
THETA_EVERY = 10  # of the exact engine: the densities of single effects cost three times the rest
_DRAWS = 500  # per chain; thinned to N_BINS - 1 of all chains


@dataclass(frozen=True)
class Task:
    """Replicates `first` to `last` (excluded) of one cell of the table."""

    model: str
    engine: str
    n_trials: int
    first: int
    last: int


@dataclass(frozen=True)
class Ranks:
    """Counts in hundredths of each quantity, and processor seconds."""

    task: Task
    counts: dict[str, list[int]]
    seconds: float


@in_one_thread
def run_task(task: Task) -> Ranks:
    """Simulate and fit every replicate of a task."""
    start = time.process_time()
    model = load_model(task.model)
    values: dict[str, list[float]] = {name: [] for name in QUANTITIES}
    run: Run = _exact if task.engine == "quadrature" else _sampler(model, task)
    for replicate in range(task.first, task.last):
        rng = np.random.default_rng([SEED, MODELS.index(task.model), task.n_trials, replicate])
        truth = draw_truth(model, task.n_trials, rng)
        studies = draw_studies(model, truth.theta, rng)
        try:
            found = run(studies, model, truth, replicate)
        except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
            where = f"{task.model} by {task.engine} at {task.n_trials} trials, replicate {replicate}"
            raise RuntimeError(f"{where}: {error!r} on {studies}") from error
        for name, u in found.items():
            values[name].append(u)
    counts = {name: bin_values(np.array(u)).tolist() for name, u in values.items()}
    return Ranks(task, counts, time.process_time() - start)


def _exact(studies: tuple[Study, ...], model: Model, truth: Truth, replicate: int) -> dict[str, float]:
    mu = shape_of(model.priors["mu"], rate=model.likelihood == "single-arm")
    surface = Surface(tuple(_curve(_nameless(study), model.name) for study in studies))
    posterior = fit_posterior(surface, mu, shape_of(model.priors["tau"]))
    found = {"mu": posterior.mu.cdf(truth.mu), "tau": posterior.tau.cdf(truth.tau)}
    if replicate % THETA_EVERY == 0:
        found["theta_1"] = posterior.theta[0].cdf(truth.theta[0])
        found["theta_new"] = posterior.theta_new.cdf(truth.theta_new)
    return {name: float(u) for name, u in found.items()}


@lru_cache(maxsize=20_000)
def _curve(study: Study, model: str) -> Curve:
    """Tabulate once what small trials give over and over."""
    return make_surface((study,), load_model(model)).curves[0]


def _nameless(study: Study) -> Study:
    return type(study)(**{**vars(study), "study": "trial"})


def _sampler(model: Model, task: Task) -> Run:
    """Return the function that samples one replicate, its model compiled once."""
    from bayes_ivig import nuts
    from bayes_ivig.compiler import give_compiler_a_folder

    give_compiler_a_folder()
    kept: list[nuts.Compiled] = []

    def run(studies: tuple[Study, ...], model: Model, truth: Truth, replicate: int) -> dict[str, float]:
        if not kept:
            kept.append(nuts.compile_model(studies, model, for_many=True))
        ready = nuts.exchange_data(kept[0], studies)
        seeded = replace(model, sampler=replace(model.sampler, seed=SEED + replicate))
        found = nuts.sample(ready._replace(model=seeded), target_accept=model.sampler.target_accept, draws=_DRAWS)
        draws = found["posterior"]
        known = {"mu": truth.mu, "tau": truth.tau, "theta_new": truth.theta_new}
        columns = {name: (draws[name], value) for name, value in known.items()}
        columns["theta_1"] = draws["theta"][..., 0], float(truth.theta[0])
        return {name: _share_below(x, value) for name, (x, value) in columns.items()}

    return run


def _share_below(draws: NDArray[np.float64], value: float) -> float:
    """Rank of the truth among 99 draws far apart, in the middle of its hundredth."""
    flat = draws.ravel()
    thinned = flat[np.linspace(0, len(flat) - 1, N_BINS - 1).astype(int)]
    return (float((thinned < value).sum()) + 0.5) / N_BINS
