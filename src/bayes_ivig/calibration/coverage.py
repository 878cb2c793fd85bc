"""Operating characteristics of every interval the program prints for a log odds ratio of three tiny trials.

Trials of the sizes of the review's main outcome are drawn over and over at fixed truths; an interval is judged by
how often it holds the average log odds ratio mu, its width, and its estimate's bias.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit

from bayes_ivig.calibration.core import core_hash
from bayes_ivig.calibration.designs import real_two_arm
from bayes_ivig.calibration.ranks import SEED
from bayes_ivig.pooled import pool
from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import Surface, shape_of
from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.quadrature.grid import answer_grid
from bayes_ivig.quadrature.surface import make_surface
from bayes_ivig.spec import load_model
from bayes_ivig.store import finite
from bayes_ivig.studies import TwoArm
from bayes_ivig.threads import in_one_thread
from bayes_ivig.workers.kept import answer_kept
from bayes_ivig.workers.parts import Parts

MODEL = "binomial-or-midpoint-random"
N_TRIALS = 3
MUS, TAUS, CONTROL_RISKS = (0.0, 1.0, 2.5), (0.0, 0.5, 1.0), (0.05, 0.3)
# The default, a sceptical and a vague one.
PRIORS = (
    ("normal(0, 2.82)", "half-normal(0.5)"),
    ("normal(0, 1)", "half-normal(0.5)"),
    ("normal(0, 10)", "half-normal(1)"),
)
Tables = tuple[tuple[int, int], ...]
Found = Mapping[str, tuple[float, float, float]]  # estimate and limits by method


@dataclass(frozen=True)
class Scenario:
    """A truth: average log OR, its SD between trials, and the control risk of every trial."""

    mu: float
    tau: float
    control_risk: float


@dataclass(frozen=True)
class Performance:
    """One interval at one truth. `exists` is the share of replicates in which it does; the rest is about those.

    `width` is the median, `bias` the mean of estimate less mu; nan where the interval never exists.
    """

    mu: float
    tau: float
    control_risk: float
    method: str
    replicates: int
    exists: float
    coverage: float
    width: float
    bias: float

    @property
    def scenario(self) -> Scenario:
        """The truth."""
        return Scenario(self.mu, self.tau, self.control_risk)


SCENARIOS = tuple(Scenario(*values) for values in product(MUS, TAUS, CONTROL_RISKS))


class Truths(NamedTuple):
    """A task: replicates at one of the `SCENARIOS`."""

    scenario: int
    replicates: int


def run_coverage(replicates: int, parts: Parts, **how: Any) -> tuple[Performance, ...]:
    """Judge every interval at every truth; `how` says who does it and who is told, as in `answer_kept`."""
    tasks = [Truths(i, replicates) for i in range(len(SCENARIOS))]
    return tuple(row for rows in answer_kept(tasks, judge_json, parts, core_hash(), **how) for row in read_rows(rows))


def judge_json(task: Truths) -> list[dict[str, Any]]:
    """The rows of one truth as plain JSON values; what does not exist is None."""
    return [dict(finite(vars(row))) for row in judge(*task)]


def read_rows(rows: Sequence[Mapping[str, Any]]) -> list[Performance]:
    """Read rows of `judge_json`."""
    values: list[dict[str, Any]] = [{key: math.nan if x is None else x for key, x in row.items()} for row in rows]
    return [Performance(**row) for row in values]


@in_one_thread
def judge(index: int, replicates: int) -> tuple[Performance, ...]:
    """Judge every interval at one truth."""
    scenario = SCENARIOS[index]
    rng = np.random.default_rng([SEED, 1000 + index])
    found = [intervals(tables) for tables in draw_tables(scenario, replicates, rng)]
    return tuple(summarise(scenario, method, [f[method] for f in found]) for method in found[0])


def draw_tables(scenario: Scenario, n: int, rng: np.random.Generator) -> Iterator[Tables]:
    """Draw events (T, C) of each trial, n times."""
    sizes = [study.n_t for study in real_two_arm(N_TRIALS)]
    for _ in range(n):
        theta = scenario.mu + scenario.tau * rng.standard_normal(N_TRIALS)
        p_t = expit(logit(scenario.control_risk) + theta)
        on_t, on_c = rng.binomial(sizes, p_t), rng.binomial(sizes, scenario.control_risk)
        yield tuple(zip(on_t.tolist(), on_c.tolist(), strict=True))


@lru_cache(maxsize=100_000)
def intervals(tables: Tables) -> Found:
    """Every 95% interval of the log OR for these tables; nan where it does not exist."""
    sizes = [study.n_t for study in real_two_arm(N_TRIALS)]
    found: dict[str, tuple[float, float, float]] = {}
    surface = Surface(tuple(_curve(t, c, n) for (t, c), n in zip(tables, sizes, strict=True)))
    for mu, tau in PRIORS:
        answers = answer_grid(surface, [shape_of(parse_prior(mu))], [shape_of(parse_prior(tau))], (0.025, 0.975))
        low, high = answers.quantiles[0, 0]
        found[f"Bayesian, mu {mu}, tau {tau}"] = float(answers.mean[0, 0]), float(low), float(high)
    studies = [TwoArm(f"trial {i}", t, n, c, n) for i, ((t, c), n) in enumerate(zip(tables, sizes, strict=True))]
    for estimate in pool(studies, "OR"):
        if estimate.measure == "OR":
            # The same method whether or not this data set needed its correction.
            label = estimate.label if estimate.method == "Mantel-Haenszel" else _uncorrected(estimate)
            found[label] = (estimate.estimate, *estimate.ci)
    return found


def _uncorrected(estimate: Any) -> str:
    rest = "" if estimate.method == "Peto" else ", 0.5 in tables with a zero"
    interval = "" if estimate.interval == "z" else f", {estimate.interval}"
    return f"{estimate.method} OR{rest}{interval}"


@lru_cache(maxsize=10_000)
def _curve(events_t: int, events_c: int, n: int) -> Curve:
    return make_surface((TwoArm("trial", events_t, n, events_c, n),), load_model(MODEL)).curves[0]


def summarise(scenario: Scenario, method: str, found: Sequence[tuple[float, float, float]]) -> Performance:
    """Summarise estimates and limits of one method, one row a replicate."""
    values = np.array(found)
    there = np.isfinite(values).all(axis=1)
    estimate, low, high = values[there].T
    known = bool(there.any())
    return Performance(
        **vars(scenario),
        method=method,
        replicates=len(values),
        exists=float(there.mean()),
        coverage=float(((low <= scenario.mu) & (scenario.mu <= high)).mean()) if known else math.nan,
        width=float(np.median(high - low)) if known else math.nan,
        bias=float((estimate - scenario.mu).mean()) if known else math.nan,
    )
