"""The main model in bare PyMC, sampled by nutpie: what any program that samples must at least take."""

import arviz as az
import numpy as np
import pymc as pm

R_T, R_C, N = np.array([5, 11, 5]), np.array([0, 0, 1]), np.array([5, 16, 6])

with pm.Model():
    mu, tau = pm.Normal("mu", 0, 2.82), pm.HalfNormal("tau", 0.5)
    baseline, z = pm.Normal("baseline", 0, 10, shape=3), pm.Normal("z", shape=3)
    theta = mu + tau * z
    pm.Binomial("r_t", N, logit_p=baseline + theta / 2, observed=R_T)
    pm.Binomial("r_c", N, logit_p=baseline - theta / 2, observed=R_C)
    draws = pm.sample(nuts_sampler="nutpie", target_accept=0.95, random_seed=1, progressbar=False)
print(az.summary(draws, var_names=["mu", "tau"]))
