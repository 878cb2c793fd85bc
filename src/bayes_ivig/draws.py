"""Draws of a posterior with everything ArviZ likes to see beside them: prior, predictions, log likelihoods.

What follows from the parameters (risks, predictive data, pointwise log likelihoods, prior draws) is plain
numpy, the same for both engines. The groups are written as NetCDF4 without xarray, whose import costs half a
second; `xarray.open_datatree` and ArviZ read the file.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
Group = Mapping[str, Array]
N_PRIOR_DRAWS = 4000


@dataclass(frozen=True, eq=False)
class Draws:
    """Groups of arrays named as ArviZ names them: (chain, draw) or (chain, draw, study); observed data (study,).

    `independent` draws come from the quadrature: no chain, no autocorrelation.
    """

    groups: Mapping[str, Group]
    studies: tuple[str, ...]
    independent: bool = False

    def __getitem__(self, group: str) -> Group:
        """Return one group by its name."""
        return self.groups[group]

    def dimensions(self, group: str, name: str) -> tuple[str, ...]:
        """Names of the dimensions of one variable."""
        if group == "observed_data":
            return ("study",)
        return ("chain", "draw", "study")[: self.groups[group][name].ndim]

    def to_datatree(self) -> "xr.DataTree":
        """Return the same as ArviZ's own container."""
        import xarray as xr

        sets = {}
        for group, variables in self.groups.items():
            data = {name: (self.dimensions(group, name), x) for name, x in variables.items()}
            sizes = {dim: x.shape[i] for dims, x in data.values() for i, dim in enumerate(dims)}
            coords = {dim: np.arange(n) for dim, n in sizes.items() if dim != "study"}
            if "study" in sizes:
                coords["study"] = np.array(self.studies)
            sets[group] = xr.Dataset(data, coords)
        return xr.DataTree.from_dict(sets)

    def to_netcdf(self, attributes: Mapping[str, str]) -> bytes:
        """Return a NetCDF4 file in memory; `attributes` go to its root.

        In memory, because HDF5 ends the process with a segmentation fault when its disk is full.
        """
        import h5netcdf

        memory = io.BytesIO()
        with h5netcdf.File(memory, "w") as file:
            file.attrs.update(attributes)
            for name, variables in self.groups.items():
                group = file.create_group(name)
                for variable, x in variables.items():
                    dims = self.dimensions(name, variable)
                    for dim, size in zip(dims, x.shape, strict=True):
                        if dim not in group.dimensions:
                            self._add_dimension(group, dim, size)
                    kind = np.int8 if x.dtype == bool else x.dtype
                    target = group.create_variable(variable, dims, kind)
                    target[...] = x.astype(kind)
                    if x.dtype == bool:
                        target.attrs["dtype"] = "bool"  # as xarray writes it, so that it comes back as one
        return memory.getvalue()

    def _add_dimension(self, group: Any, dim: str, size: int) -> None:
        group.dimensions[dim] = size
        if dim == "study":
            import h5py

            text = np.array(self.studies, dtype=object)
            group.create_variable(dim, (dim,), h5py.string_dtype())[...] = text
        else:
            group.create_variable(dim, (dim,), np.int64)[...] = np.arange(size)


def make_draws(
    posterior: Group,
    studies: tuple[Study, ...],
    model: Model,
    rng: np.random.Generator,
    sample_stats: Group | None = None,
) -> Draws:
    """Complete posterior draws with the other groups.

    Parameters
    ----------
    posterior
        mu, theta, theta_new and what else the model has, arrays (chain, draw[, study]).
    sample_stats
        The sampler's own statistics; None for independent draws.
    """
    likelihood = LIKELIHOODS[model.likelihood]
    data = likelihood.make_data(studies, model.measure)
    prior = draw_prior(studies, model, rng)
    groups = {
        "posterior": posterior,
        "posterior_predictive": likelihood.predict(posterior, data, rng),
        "prior": prior,
        "prior_predictive": likelihood.predict(prior, data, rng),
        "log_likelihood": {"study_log_likelihood": likelihood.log_likelihood(posterior, data)},
        "observed_data": likelihood.observed(data),
    }
    if sample_stats is not None:
        groups["sample_stats"] = sample_stats
    return Draws(groups, tuple(study.study for study in studies), independent=sample_stats is None)


def draw_prior(studies: tuple[Study, ...], model: Model, rng: np.random.Generator) -> dict[str, Array]:
    """Independent draws of every parameter from its prior, shape (1, N_PRIOR_DRAWS[, k])."""
    shape = (1, N_PRIOR_DRAWS)
    likelihood = LIKELIHOODS[model.likelihood]
    mu = model.priors["mu"].rvs(rng, shape)
    if model.likelihood == "single-arm" and model.priors["mu"].support[0] >= 0:
        mu = np.log(mu) - np.log1p(-mu)
    tau = model.priors["tau"].rvs(rng, shape) if model.effect == "random" else np.zeros(shape)
    theta = mu[..., None] + tau[..., None] * rng.standard_normal((*shape, len(studies)))
    draws = {"mu": mu, "theta": theta, "theta_new": mu + tau * rng.standard_normal(shape)}
    if model.effect == "random":
        draws["tau"] = tau
    draws |= likelihood.draw_nuisance(theta, model, rng)
    draws |= likelihood.derive(draws, likelihood.make_data(studies, model.measure), model)
    return draws
