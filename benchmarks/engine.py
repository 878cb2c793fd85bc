"""Speed of the exact engine, in CPU seconds of one core."""

from collections.abc import Iterator

import numpy as np
from measure import Row, cpu

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.grid import answer_grid
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.quadrature.surface import _remembered as remembered
from bayes_ivig.quadrature.tabulated import TabulatedCurve
from bayes_ivig.spec import Model, default_model
from bayes_ivig.studies import TwoArm

GROUP = "exact engine"
STRENGTH = (TwoArm("Azulay", 5, 5, 0, 5), TwoArm("Federico", 11, 16, 0, 16), TwoArm("Van den Berg", 5, 6, 1, 6))
MODEL = default_model("binomial", "OR", "random", "midpoint")
MU, TAU = shape_of(parse_prior("normal(0, 2.82)")), shape_of(parse_prior("half-normal(0.5)"))
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


def engine_rows() -> Iterator[Row]:
    """Surfaces from nothing, posteriors, a real grid of priors, and what a study costs among few and many."""
    surface(STRENGTH)  # the shared matrix is made once a process
    yield Row(GROUP, "surface, 3 trials", 1e3 * cpu(lambda: surface(STRENGTH)), "ms", "30")
    for k, goal in ((25, "200"), (100, "")):
        studies = invented(k)
        yield Row(GROUP, f"surface, {k} trials", 1e3 * cpu(lambda s=studies: surface(s), 3), "ms", goal)
    made = surface(STRENGTH)
    yield Row(GROUP, "posterior of mu and tau", 1e3 * cpu(lambda: fit_posterior(made, MU, TAU)), "ms")
    yield Row(GROUP, "with every study's effect", 1e3 * cpu(lambda: fit_posterior(made, MU, TAU).theta), "ms")
    effects, spreads = priors()
    n = len(effects) * len(spreads)
    rate = n / cpu(lambda: answer_grid(made, effects, spreads))
    yield Row(GROUP, f"{n:,} pairs of priors, each in full", rate, "a second", "10,000")
    for k in (2, 8, 32, 200):
        studies = invented(k)
        each = cpu(lambda s=studies: fit_posterior(surface(s), MU, TAU), 1) / k
        yield Row(GROUP, f"surface and posterior a study, {k} trials", 1e3 * each, "ms")


def surface(studies: tuple[TwoArm, ...], model: Model = MODEL) -> Surface:
    """Make the surface with its tables, nothing remembered."""
    remembered.cache_clear()
    made = make_surface(studies, model)
    for curve in made.curves:
        if isinstance(curve, TabulatedCurve):
            _ = curve.table
    return made


def invented(k: int) -> tuple[TwoArm, ...]:
    """Invent trials, for timing only."""
    rng = np.random.default_rng(k)
    n = rng.integers(5, 60, k)
    return tuple(
        TwoArm(f"trial {i}", int(rng.binomial(m, 0.4)), int(m), int(rng.binomial(m, 0.2)), int(m))
        for i, m in enumerate(n)
    )


def priors() -> tuple[list[Shape], list[Shape]]:
    """400 priors of the effect and 25 of the heterogeneity: narrow, heavy-tailed and mixtures among them."""
    rng = np.random.default_rng(0)
    centred = zip(rng.normal(0, 1, 392), rng.lognormal(0, 1, 392), strict=True)
    effects = [*SPECIAL, *(f"normal({a}, {b})" for a, b in centred)]
    spreads = [*SPECIAL_TAU, *(f"half-normal({b})" for b in rng.lognormal(-0.7, 0.7, 17))]
    return [shape_of(parse_prior(t)) for t in effects], [shape_of(parse_prior(t)) for t in spreads]
