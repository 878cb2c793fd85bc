"""The sampling engine: the only importer of PyMC.

It shares evidence, model specification and the text form of priors with the quadrature engine, and nothing
of the computation. Sampling is by nutpie; what follows from the parameters (risks, predictive data, pointwise
log likelihoods, prior draws) is plain numpy, which costs no further compilation.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import nutpie
import pymc as pm
from numpy.typing import NDArray

from bayes_ivig.draws import Draws, make_draws
from bayes_ivig.priors import Prior
from bayes_ivig.profiles import LIKELIHOODS, normal
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study

Array = NDArray[np.float64]

# Prior family -> PyMC distribution and the names of its arguments.
_DISTRIBUTIONS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "normal": (pm.Normal, ("mu", "sigma")),
    "student-t": (pm.StudentT, ("nu", "mu", "sigma")),
    "cauchy": (pm.Cauchy, ("alpha", "beta")),
    "uniform": (pm.Uniform, ("lower", "upper")),
    "beta": (pm.Beta, ("alpha", "beta")),
    "half-normal": (pm.HalfNormal, ("sigma",)),
    "half-cauchy": (pm.HalfCauchy, ("beta",)),
    "half-student-t": (pm.HalfStudentT, ("nu", "sigma")),
    "exponential": (pm.Exponential, ("lam",)),
    "log-normal": (pm.LogNormal, ("mu", "sigma")),
    "inverse-gamma": (pm.InverseGamma, ("alpha", "beta")),
}


class Hierarchy(NamedTuple):
    """The top of the model: mu, tau (0 for a common effect) and, on demand, theta_i ~ N(mu, tau)."""

    mu: Any
    tau: Any
    theta: Callable[[], Any]


def _keywords(prior: Prior) -> tuple[Any, dict[str, Array]]:
    """PyMC class and arguments of a prior; arrays, because PyTensor rounds bare Python floats to 32 bits."""
    cls, names = _DISTRIBUTIONS[prior.family]
    return cls, {name: np.array(value, float) for name, value in zip(names, prior.args, strict=True)}


class _Place:
    """Puts priors, given as values of `Prior`, into the PyMC model in context."""

    @staticmethod
    def distribution(prior: Prior) -> Any:
        """The unnamed PyMC distribution of a prior."""
        cls, arguments = _keywords(prior)
        return cls.dist(**arguments)

    def real(self, name: str, prior: Prior, dims: str | None = None) -> Any:
        """A variable with this prior as it stands."""
        if prior.is_point:
            shape = len(pm.modelcontext(None).coords[dims]) if dims else ()
            return pm.Deterministic(name, pm.math.constant(np.full(shape, prior.args[0])), dims=dims)
        if prior.family == "log-student-t":
            df, m, s = np.array(prior.args)
            return pm.Deterministic(
                name, pm.math.exp(pm.StudentT(f"{name}_log", nu=df, mu=m, sigma=s, dims=dims)), dims=dims
            )
        if prior.family == "mixture":
            parts = [self.distribution(part) for _, part in prior.parts]
            return pm.Mixture(name, w=np.array([weight for weight, _ in prior.parts]), comp_dists=parts, dims=dims)
        cls, arguments = _keywords(prior)
        return cls(name, **arguments, dims=dims)

    def logit(self, name: str, prior: Prior, dims: str | None = None) -> Any:
        """A variable on the logit whose prior is on the risk, or on the logit for a density of the real line."""
        if prior.support[0] < 0:
            return self.real(name, prior, dims)
        risk = self.real(f"{name}_risk", prior, dims)
        return pm.Deterministic(name, pm.math.log(risk) - pm.math.log1p(-risk), dims=dims)

    def truncated_logit(self, name: str, prior: Prior, upper: Any, dims: str) -> Any:
        """The same, with the prior truncated to risks below `upper` and renormalised."""
        share = pm.Uniform(f"{name}_share", 0, 1, dims=dims)
        risk = share * upper
        g = pm.Deterministic(name, pm.math.log(risk) - pm.math.log1p(-risk), dims=dims)
        if prior.support[0] < 0:
            edge = pm.math.log(upper) - pm.math.log1p(-upper)
            # d logit(p) / d p, and -log(upper) + log(upper) cancel in the density of the share
            density = self._logp(prior, g) - pm.math.log(risk) - pm.math.log1p(-risk)
            mass = pm.math.where(pm.math.ge(upper, 1.0), 0.0, self._logcdf(prior, edge))
        else:
            density, mass = self._logp(prior, risk), self._logcdf(prior, upper)
        pm.Potential(f"{name}_truncation", density + pm.math.log(upper) - mass)
        return g

    def _logp(self, prior: Prior, x: Any) -> Any:
        return pm.math.log(sum(w * pm.math.exp(pm.logp(self.distribution(part), x)) for w, part in prior.parts))

    def _logcdf(self, prior: Prior, x: Any) -> Any:
        return pm.math.log(sum(w * pm.math.exp(pm.logcdf(self.distribution(part), x)) for w, part in prior.parts))


# The arrays that `exchange_data` replaces: what differs between data sets of trials of the same sizes.
_EXCHANGED: Mapping[str, tuple[str, ...]] = {
    "binomial": ("events_t", "events_c"),
    "conditional": ("log_weights", "steps"),
    "crossover": ("counts", "constants", "table_weights", "table_steps"),
    "normal": ("y",),
    "single-arm": ("events",),
}


def build_model(studies: tuple[Study, ...], model: Model, *, for_many: bool = False) -> pm.Model:
    """Return the PyMC model of `model` for these studies; `for_many`: with observed data that can be exchanged."""
    likelihood = LIKELIHOODS[model.likelihood]
    data = likelihood.make_data(studies, model.measure)
    place = _Place()
    with pm.Model(coords={"study": [study.study for study in studies]}) as pymc_model:
        mu = (place.logit if model.likelihood == "single-arm" else place.real)("mu", model.priors["mu"])
        tau = place.real("tau", model.priors["tau"]) if model.effect == "random" else 0.0

        def theta() -> Any:
            if model.effect == "common":
                return mu + np.zeros(len(studies))
            # Non-centred: with three small trials the centred form has a funnel at tau = 0.
            return mu + tau * pm.Normal("z", 0, 1, dims="study")

        if for_many:
            shared = {name: pm.Data(f"{name}_data", getattr(data, name)) for name in _EXCHANGED[model.likelihood]}
            data = replace(data, **shared)
        likelihood.pymc_block(pm, place, Hierarchy(mu, tau, theta), data, model)
    return pymc_model


class Compiled(NamedTuple):
    """A compiled model, ready to be sampled with any settings."""

    studies: tuple[Study, ...]
    model: Model
    compiled: Any


def compile_model(studies: tuple[Study, ...], model: Model, *, for_many: bool = False) -> Compiled:
    """Compile the model of these studies for nutpie (about 4 s; sampling takes a fraction of a second)."""
    return Compiled(studies, model, nutpie.compile_pymc_model(build_model(studies, model, for_many=for_many)))


def exchange_data(ready: Compiled, studies: tuple[Study, ...]) -> Compiled:
    """Return the model, compiled `for_many`, with the data of other studies of the same sizes."""
    data = LIKELIHOODS[ready.model.likelihood].make_data(studies, ready.model.measure)
    shared = {f"{name}_data": getattr(data, name) for name in _EXCHANGED[ready.model.likelihood]}
    return ready._replace(studies=studies, compiled=ready.compiled.with_data(**shared))


def sample(ready: Compiled, *, target_accept: float, draws: int) -> Draws:
    """Sample the posterior and complete it with every other group. The same seed gives the same draws."""
    studies, model = ready.studies, ready.model
    settings = model.sampler
    raw = nutpie.sample(
        ready.compiled,
        draws=draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=2,
        seed=settings.seed,
        target_accept=target_accept,
        save_warmup=False,
        progress_bar=False,
    )
    rng = np.random.default_rng([settings.seed, 1])
    sampled = {name: raw.posterior[name].values for name in raw.posterior.data_vars}
    stats = {name: raw.sample_stats[name].values for name in _STATS if name in raw.sample_stats}
    return make_draws(_complete(sampled, studies, model, rng), studies, model, rng, stats)


_STATS = (
    "diverging",
    "energy",
    "depth",
    "maxdepth_reached",
    "n_steps",
    "step_size",
    "mean_tree_accept",
    "logp",
)


def _complete(
    raw: Mapping[str, Array], studies: tuple[Study, ...], model: Model, rng: np.random.Generator
) -> dict[str, Array]:
    """Add to sampled parameters what follows from them: theta, theta_new and the likelihood's own quantities."""
    likelihood = LIKELIHOODS[model.likelihood]
    data = likelihood.make_data(studies, model.measure)
    draws: dict[str, Array] = {"mu": raw["mu"]}
    draws["tau"] = raw["tau"] if "tau" in raw else np.zeros_like(raw["mu"])
    if likelihood is normal:
        draws["theta"] = normal.draw_theta(draws, data, rng)
    else:
        z = raw["z"] if "z" in raw else np.zeros((*raw["mu"].shape, len(studies)))
        draws["theta"] = draws["mu"][..., None] + draws["tau"][..., None] * z
    draws["theta_new"] = draws["mu"] + draws["tau"] * rng.standard_normal(draws["mu"].shape)
    draws |= {name: raw[name] for name in ("baseline", "association") if name in raw}
    draws |= likelihood.derive(draws, data, model)
    if model.effect == "common":
        del draws["tau"]
    return draws
