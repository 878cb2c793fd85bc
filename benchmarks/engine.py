"""Speed and accuracy of the exact engine in CPU seconds: `uv run python benchmarks/engine.py`. Nothing is asserted."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.grid import answer_grid
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.quadrature.surface import _remembered as remembered
from bayes_ivig.quadrature.tabulated import TabulatedCurve
from bayes_ivig.spec import default_model
from bayes_ivig.studies import TwoArm

STRENGTH = (TwoArm("Azulay", 5, 5, 0, 5), TwoArm("Federico", 11, 16, 0, 16), TwoArm("Van den Berg", 5, 6, 1, 6))
REPEATS = 7
SPECIAL = (
    "normal(0, 0.02)",
    "normal(0, 2.82)",
    "student-t(5, 0, 0.7)",
    "cauchy(0, 1)",
    "0.5*normal(0, 0.1) + 0.5*normal(0, 3)",
    "uniform(-5, 5)",
    "normal(0, 10)",
    "fixed(0)",
)
SPECIAL_TAU = (
    "half-normal(0.5)",
    "half-normal(0.075)",
    "half-cauchy(0.5)",
    "fixed(0.3)",
    "inverse-gamma(1.74, 0.49)",
    "log-normal(-1.28, 0.87)",
    "uniform(0, 4)",
    "exponential(1)",
)


def cpu(function: Callable[[], Any]) -> float:
    """Least CPU seconds of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def forget() -> None:
    """Empty the memory of curves."""
    remembered.cache_clear()


def surface(studies: tuple[TwoArm, ...]) -> Surface:
    """The surface with its tables made, nothing remembered."""
    forget()
    made = make_surface(studies, default_model("binomial", "OR", "random", "midpoint"))
    for curve in made.curves:
        if isinstance(curve, TabulatedCurve):
            _ = curve.table
    return made


def invented(k: int) -> tuple[TwoArm, ...]:
    """Invented trials, for timing only."""
    rng = np.random.default_rng(k)
    n = rng.integers(5, 60, k)
    return tuple(
        TwoArm(f"trial {i}", int(rng.binomial(m, 0.4)), int(m), int(rng.binomial(m, 0.2)), int(m))
        for i, m in enumerate(n)
    )


def main() -> None:
    """Print the table."""
    surface(STRENGTH)  # the shared matrix is made once a process
    rows = [("surface, 3 trials", f"{1e3 * cpu(lambda: surface(STRENGTH)):.0f} ms", "30 ms")]
    for k, goal in ((25, "200 ms"), (100, "-")):
        studies = invented(k)
        rows.append((f"surface, {k} trials", f"{1e3 * cpu(lambda studies=studies: surface(studies)):.0f} ms", goal))
    made = surface(STRENGTH)
    mu, tau = shape_of(parse_prior("normal(0, 2.82)")), shape_of(parse_prior("half-normal(0.5)"))
    rows.append(("posterior of mu and tau", f"{1e3 * cpu(lambda: fit_posterior(made, mu, tau)):.0f} ms", "-"))
    rows.append(("with every study's effect", f"{1e3 * cpu(lambda: fit_posterior(made, mu, tau).theta):.0f} ms", "-"))
    rng = np.random.default_rng(0)
    effects = [
        *SPECIAL,
        *(f"normal({a}, {b})" for a, b in zip(rng.normal(0, 1, 392), rng.lognormal(0, 1, 392), strict=True)),
    ]
    spreads = [*SPECIAL_TAU, *(f"half-normal({b})" for b in rng.lognormal(-0.7, 0.7, 17))]
    shapes = [shape_of(parse_prior(t)) for t in effects], [shape_of(parse_prior(t)) for t in spreads]
    seconds = cpu(lambda: answer_grid(made, *shapes))
    rows.append(
        (
            f"{len(effects) * len(spreads):,} pairs of priors",
            f"{len(effects) * len(spreads) / seconds:,.0f} a second",
            "10,000",
        )
    )
    print(f"{'what':<32}{'measured (CPU)':>18}{'goal':>10}")
    for what, measured, goal in rows:
        print(f"{what:<32}{measured:>18}{goal:>10}")


if __name__ == "__main__":
    main()
