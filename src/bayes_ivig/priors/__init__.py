"""Priors: one text form, one table of families. ``parse_prior("half-normal(0.5)").logpdf(tau)``."""

from bayes_ivig.priors.families import FAMILIES
from bayes_ivig.priors.grammar import parse_prior
from bayes_ivig.priors.prior import Prior
from bayes_ivig.priors.requirements import (
    require_plausible_size,
    require_real_prior,
    require_risk_or_real_prior,
    require_scale_prior,
)

__all__ = [
    "FAMILIES",
    "Prior",
    "parse_prior",
    "require_plausible_size",
    "require_real_prior",
    "require_risk_or_real_prior",
    "require_scale_prior",
]
