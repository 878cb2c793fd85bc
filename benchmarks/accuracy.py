"""Error against time: the exact engine with few and many nodes, the sampler with few and many draws.

The truth is the reference for `strength` of another program (`tests/reference/strength.json`).
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from engine import MU, STRENGTH, TAU, surface
from measure import cpu

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature.mesh import find_mesh
from bayes_ivig.quadrature.posterior import make_joint
from bayes_ivig.spec import default_model, with_priors

REFERENCE = Path(__file__).parents[1] / "tests/reference/strength.json"
MODEL = with_priors(default_model("binomial", "OR", "random", "midpoint"), {"baseline": parse_prior("normal(0, 10)")})
PROBS = np.array([0.025, 0.5, 0.975])
ORDERS = (2, 3, 4, 6, 8, 12)  # nodes a panel
DRAWS = (250, 1_000, 4_000, 16_000)  # a chain, four chains


@dataclass(frozen=True)
class Point:
    """One run: seconds it took beyond what every run needs (`set_up`), and its error in posterior SDs."""

    engine: str
    size: int
    set_up: float
    seconds: float
    error: float


def accuracy_points() -> Iterator[Point]:
    """Measure both engines on the review's main outcome; the error is the largest of mean and 2.5%, 50%, 97.5%."""
    known = json.loads(REFERENCE.read_text("utf-8"))["binomial_normal_exact"]["S|UMpm|HN0.5"]["mu"]
    low, high = known["ci95_central"]
    truth, sd = np.array([known["mean"], low, known["median"], high]), known["sd"]
    made = surface(STRENGTH, MODEL)
    axes = find_mesh(made, MU, TAU, lambda x, t: made.parts(x, t).sum(axis=0))
    set_up = cpu(lambda: surface(STRENGTH, MODEL), 3)
    for order in ORDERS:
        marginal = make_joint(made, axes, MU, TAU, order).mu_marginal
        seconds = cpu(lambda order=order: make_joint(made, axes, MU, TAU, order).mu_marginal.quantile(PROBS))
        yield Point("quadrature", order, set_up, seconds, _error(marginal.mean, marginal.quantile(PROBS), truth, sd))
    yield from _sampled(truth, sd)


def _sampled(truth: np.ndarray, sd: float) -> Iterator[Point]:
    from bayes_ivig import nuts
    from bayes_ivig.compiler import give_compiler_a_folder

    give_compiler_a_folder()
    start = time.perf_counter()
    compiled = nuts.compile_model(STRENGTH, MODEL)
    nuts.sample(compiled, target_accept=MODEL.sampler.target_accept, draws=10)
    set_up = time.perf_counter() - start
    for draws in DRAWS:
        start = time.perf_counter()
        mu = nuts.sample(compiled, target_accept=MODEL.sampler.target_accept, draws=draws)["posterior"]["mu"]
        seconds = time.perf_counter() - start
        error = _error(float(mu.mean()), np.quantile(mu, PROBS), truth, sd)
        yield Point("NUTS", 4 * draws, set_up, seconds, error)


def _error(mean: float, quantiles: np.ndarray, truth: np.ndarray, sd: float) -> float:
    return float(np.abs(np.array([mean, *quantiles]) - truth).max() / sd)
