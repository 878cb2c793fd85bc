"""Each effect as it would be if tau were known, and what the data say of tau.

After the conditional-effects plot of Gelman et al., Bayesian Data Analysis, 3rd ed., fig. 5.6 and 5.7.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.posterior import Joint
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.summary import tails

Array = NDArray[np.float64]
_FURTHEST = 0.995  # quantile of the posterior of tau at which the plot ends


@dataclass(frozen=True, eq=False)
class GivenTau:
    """Posterior means given tau (n,): of mu, and of each study's effect (k, n); the interval of mu (n, 2).

    `density` and `prior` are the densities of tau.
    """

    tau: Array
    mu: Array
    interval: Array
    theta: Array
    density: Array
    prior: Array

    def to_rows(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """One row a value of tau."""
        return [
            {"tau": t, "density": d, "prior": p, "mu": m, "mu_low": ci[0], "mu_high": ci[1]}
            | {f"theta {name}": effect for name, effect in zip(names, column, strict=True)}
            for t, d, p, m, ci, column in zip(
                self.tau, self.density, self.prior, self.mu, self.interval, self.theta.T, strict=True
            )
        ]


def effects_given_tau(setting: Setting) -> GivenTau | None:
    """Means of mu and of every effect at the nodes of tau; None where tau or mu is fixed."""
    if setting.tau is None or setting.tau.point is not None or setting.mu.point is not None:
        return None
    joint = setting.posterior.joint
    end = float(setting.posterior.tau.quantile(_FURTHEST))
    rows = np.nonzero(joint.tau <= end)[0]
    density = setting.posterior.tau.pdf(joint.tau[rows])
    mass = joint.mass[rows]
    mass = mass / mass.sum(axis=1, keepdims=True)
    mu = mass @ joint.mu
    theta = np.array([_mean_effects(joint, study, rows, mass) for study in range(len(joint.parts))])
    prior = np.exp(setting.model.priors["tau"].logpdf(joint.tau[rows]))
    return GivenTau(joint.tau[rows], mu, _intervals(joint, mass, setting.prob), theta, density, prior)


def _mean_effects(joint: Joint, study: int, rows: NDArray[np.intp], mass: Array) -> Array:
    """Mean of one study's effect given tau, (n,).

    E(theta | mu, tau) = mu + tau^2 d/dmu log L(mu, tau) (Tweedie's formula; Efron, J Am Stat Assoc 2011;106:1602).
    """
    assert joint.mu_panels is not None
    slopes = np.array([joint.mu_panels.slopes(joint.parts[study, row]) for row in rows])
    given_both = joint.mu + joint.tau[rows, None] ** 2 * slopes
    return np.asarray((mass * given_both).sum(axis=1))


def _intervals(joint: Joint, mass: Array, prob: float) -> Array:
    """Equal-tailed interval of mu given each tau, (n, 2)."""
    assert joint.mu_panels is not None
    density = mass / joint.mu_panels.weights
    _, running = joint.mu_panels.running_integral(density)
    return np.array([np.interp(tails(prob), cdf, joint.mu) for cdf in running])
