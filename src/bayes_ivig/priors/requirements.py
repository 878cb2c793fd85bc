"""What a parameter demands of its prior."""

from bayes_ivig.errors import InputError
from bayes_ivig.priors.families import REAL
from bayes_ivig.priors.prior import Prior

_LARGE, _SHARE = 1e25, 0.01  # no effect in any unit is that large; the share of a prior that may be beyond it


def require_plausible_size(prior: Prior, where: str, scale: bool = False) -> Prior:
    """Return the prior if nearly all of it is on values that an effect (`scale`: a standard deviation) can have.

    A vague prior such as inverse-gamma(0.001, 0.001) is not, and no sampler or integral reaches where its mass is
    (Gelman A, Bayesian Anal 2006;1:515-534). Raises InputError.
    """
    beyond = 0.0 if prior.is_point else float(prior.cdf(-_LARGE) + 1 - prior.cdf(_LARGE))
    if beyond > _SHARE:
        raise InputError(
            f"{where}: '{prior.text}' puts {beyond:.0%} of its mass on values above {_LARGE:.0e} in size; "
            f"write a narrower one, such as {'half-normal(0.5) or half-cauchy(0.5)' if scale else 'normal(0, 2.82)'}"
        )
    return prior


def require_scale_prior(prior: Prior, where: str = "tau") -> Prior:
    """Return the prior of a standard deviation: on [0, inf), or fixed(x) with x >= 0. Raises InputError."""
    if prior.support[0] < 0:
        raise InputError(
            f"{where}: '{prior.text}' allows values below 0; "
            "a standard deviation needs a prior on [0, inf), such as half-normal(0.5)"
        )
    return prior


def require_risk_or_real_prior(prior: Prior, where: str = "baseline") -> Prior:
    """Return the prior of a baseline: a density on a risk in [0, 1], or of its logit on the real line.

    Raises InputError, also for a point mass and for a mixture of the two kinds.
    """
    supports = [part.support for _, part in prior.parts]
    risk = all(lo >= 0 and hi <= 1 for lo, hi in supports)
    if prior.is_point or not (risk or all(ends == REAL for ends in supports)):
        raise InputError(
            f"{where}: '{prior.text}' is not allowed; write a density of the risk, such as beta(1, 1), "
            "or of the logit on the whole real line, such as normal(0, 10)"
        )
    return prior


def require_real_prior(prior: Prior, where: str = "mu") -> Prior:
    """Return the prior of an effect: a density on one interval, or fixed(x). Raises InputError."""
    supports = sorted(part.support for _, part in prior.parts)
    reached = supports[0][1]
    for lo, hi in supports[1:]:
        if lo > reached:
            raise InputError(
                f"{where}: '{prior.text}' leaves a gap between {reached:g} and {lo:g}; "
                "write a mixture whose parts meet or overlap"
            )
        reached = max(reached, hi)
    return prior
