"""A slow, obvious computation of the posterior, written apart from both engines.

Everything is a sum over a fixed, fine, equally spaced grid: of the baseline g, of the study effect theta,
of mu and of tau. No cleverness, so that a reader can see that it is right.
"""

import math

import numpy as np
from scipy import stats

G = np.linspace(-45, 45, 6001)
THETA = np.linspace(-40, 40, 1601)
MU = np.linspace(-15, 20, 701)


def risks(theta, g, measure, parametrisation):
    """(p_C, p_T) and whether the pair is possible; the risk ratio by solving its quadratic as written."""
    if measure == "OR":
        if parametrisation == "control":
            return 1 / (1 + np.exp(-g)), 1 / (1 + np.exp(-g - theta)), np.ones_like(g, bool)
        return 1 / (1 + np.exp(-g + theta / 2)), 1 / (1 + np.exp(-g - theta / 2)), np.ones_like(g, bool)
    ratio = np.exp(theta)
    if parametrisation == "control":
        p_c = 1 / (1 + np.exp(-g))
        return p_c, np.minimum(ratio * p_c, 1), ratio * p_c < 1
    # R (1 - e^{2g}) p^2 + e^{2g} (1 + R) p - e^{2g} = 0, the root with both risks in (0, 1)
    odds = np.exp(2 * g)
    a, b, c = ratio * (1 - odds), odds * (1 + ratio), -odds
    with np.errstate(all="ignore"):
        root = np.where(np.abs(a) < 1e-12, -c / b, (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a))
    p_c = np.clip(root, 0, 1)
    return p_c, np.clip(ratio * p_c, 0, 1), np.ones_like(g, bool)


def baseline_on_logit(name, *args):
    """Density of g: a beta prior of the risk, or a density of the real line."""
    if name == "beta":
        risk = 1 / (1 + np.exp(-G))
        return stats.beta(*args).pdf(risk) * risk * (1 - risk)
    return stats.norm(*args).pdf(G)


def profile(study, measure, parametrisation, density):
    """Integrated likelihood of one two-arm study at each THETA: sum over G of likelihood times prior."""
    values = []
    for theta in THETA:
        p_c, p_t, possible = risks(theta, G, measure, parametrisation)
        prior = np.where(possible, density, 0)
        prior = prior / (prior.sum() * (G[1] - G[0]))
        like = stats.binom.pmf(study.events_c, study.n_c, p_c) * stats.binom.pmf(study.events_t, study.n_t, p_t)
        values.append((like * prior).sum() * (G[1] - G[0]))
    return np.array(values)


def posterior(profiles, mu_prior, tau_prior, tau_grid):
    """Mean and SD of mu and tau, and the log evidence, by summing over MU x tau_grid."""
    step, log_like = THETA[1] - THETA[0], np.zeros((len(tau_grid), len(MU)))
    for j, tau in enumerate(tau_grid):
        kernel = stats.norm.pdf(THETA[:, None], MU[None, :], tau)
        for values in profiles:
            log_like[j] += np.log(values @ kernel * step)
    joint = np.exp(log_like) * mu_prior.pdf(MU) * tau_prior.pdf(tau_grid)[:, None]
    cell = (MU[1] - MU[0]) * (tau_grid[1] - tau_grid[0])
    evidence = joint.sum() * cell
    weights = joint * cell / evidence
    mean_mu, mean_tau = (weights * MU).sum(), (weights * tau_grid[:, None]).sum()
    return {
        "mu_mean": mean_mu,
        "mu_sd": np.sqrt((weights * (MU - mean_mu) ** 2).sum()),
        "tau_mean": mean_tau,
        "tau_sd": np.sqrt((weights * (tau_grid[:, None] - mean_tau) ** 2).sum()),
        "log_evidence": np.log(evidence),
    }


PAIRED_G = np.linspace(-30, 30, 3001)
LAMBDA = np.linspace(-11, 14, 101)


def joint(p_t, p_c, odds_ratio):
    """The four cells with these margins and odds ratio: by halving the range that the margins leave, 80 times."""
    low, high = np.maximum(0, p_t + p_c - 1), np.minimum(p_t, p_c)
    below, above = np.zeros_like(low), np.ones_like(low)

    def cells(share):
        both = low + (high - low) * share
        t_only, c_only = (p - high + (high - low) * (1 - share) for p in (p_t, p_c))
        return both, t_only, c_only, np.maximum(1 - p_t - p_c, 0) + (high - low) * share

    for _ in range(80):
        middle = (below + above) / 2
        both, t_only, c_only, neither = cells(middle)
        too_low = both * neither < odds_ratio * t_only * c_only
        below, above = np.where(too_low, middle, below), np.where(too_low, above, middle)
    return cells((below + above) / 2)


def tables(study):
    """Every table of cells that a paired study may have had."""
    if hasattr(study, "both"):
        return [(study.both, study.t_only, study.c_only, study.neither)]
    on_t, on_c, n = study.margins_t, study.margins_c, study.n_pairs
    every = [(both, on_t - both, on_c - both, n - on_t - on_c + both) for both in range(n + 1)]
    return [cells for cells in every if min(cells) >= 0]


def paired_likelihood(study, p_t, p_c, odds_ratio):
    """Multinomial probability of the table, or the sum over all tables, times the arms of single patients."""
    p = joint(p_t, p_c, odds_ratio)
    total = 0
    for cells in tables(study):
        coefficient = math.factorial(sum(cells)) / math.prod(math.factorial(n) for n in cells)
        total = total + coefficient * math.prod(share**n for share, n in zip(p, cells, strict=True))
    if hasattr(study, "both"):
        total = (
            total * stats.binom.pmf(study.events_t, study.n_t, p_t) * stats.binom.pmf(study.events_c, study.n_c, p_c)
        )
    return total


def paired_profile(study, theta, parametrisation, baseline, association, every=1):
    """Integrated likelihood at one theta: sum over PAIRED_G x LAMBDA (every so manyth point)."""
    g, lam = PAIRED_G[::every, None], LAMBDA[None, :]
    p_c, p_t, _ = risks(theta, g, "OR", parametrisation)
    like = paired_likelihood(study, p_t, p_c, np.exp(lam))
    cell = (g[1, 0] - g[0, 0]) * (lam[0, 1] - lam[0, 0])
    return float((like * baseline(g) * association.pdf(lam)).sum() * cell)


def uniform_risk_on_logit(g):
    """Density of the logit of a uniform risk."""
    risk = 1 / (1 + np.exp(-g))
    return risk * (1 - risk)
