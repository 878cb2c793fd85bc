"""Checks of a computation, each with its limit and what to do when it fails.

Limits follow Vehtari A et al. (Bayesian Analysis 2021;16:667-718): split R-hat below 1.01 and an effective sample
size of at least 100 a chain; Betancourt M (arXiv 1604.00695): E-BFMI above 0.3; no divergent transition.
"""

import arviz_stats
import numpy as np
import xarray as xr

from bayes_ivig.checks import Check

MAX_R_HAT = 1.01
MIN_ESS_PER_CHAIN = 100
MAX_MCSE_SHARE = 0.05
MIN_BFMI = 0.3


def check_sampling(tree: xr.DataTree) -> tuple[Check, ...]:
    """Check the posterior draws of every variable and the sampler's own statistics."""
    posterior = tree.posterior.to_dataset()
    sampled = posterior.drop_vars([name for name, x in posterior.items() if float(x.std()) == 0])
    chains = posterior.sizes["chain"]
    r_hat = float(_values(arviz_stats.rhat(sampled)).max())
    bulk = float(_values(arviz_stats.ess(sampled, method="bulk")).min())
    tail = float(_values(arviz_stats.ess(sampled, method="tail")).min())
    mcse_mu = float(arviz_stats.mcse(posterior["mu"], method="mean") / posterior["mu"].std())
    divergent = int(tree.sample_stats["diverging"].sum())
    bfmi = float(_values(arviz_stats.bfmi(tree.sample_stats.to_dataset())).min())
    more = "run longer chains (--draws)"
    return (
        Check(
            "R-hat, largest",
            r_hat,
            MAX_R_HAT,
            r_hat < MAX_R_HAT,
            f"chains disagree: {more} or use a tighter prior",
        ),
        Check("bulk ESS, smallest", bulk, MIN_ESS_PER_CHAIN * chains, bulk >= MIN_ESS_PER_CHAIN * chains, more),
        Check("tail ESS, smallest", tail, MIN_ESS_PER_CHAIN * chains, tail >= MIN_ESS_PER_CHAIN * chains, more),
        Check("MCSE of mu, in posterior SDs", mcse_mu, MAX_MCSE_SHARE, mcse_mu < MAX_MCSE_SHARE, more),
        Check(
            "divergent transitions",
            divergent,
            0,
            divergent == 0,
            "raise sampler.target_accept in a model file, or use a tighter prior of tau or of the baseline",
        ),
        Check("E-BFMI, smallest", bfmi, MIN_BFMI, bfmi > MIN_BFMI, "heavy-tailed priors: use a tighter one"),
    )


def _values(dataset: xr.Dataset) -> np.ndarray:
    """Every number of a dataset, in one row."""
    return np.concatenate([np.ravel(x.values) for x in dataset.data_vars.values()])
