"""The exact engine: studies to curves, curves to a surface of mu and tau, surface and priors to a posterior."""

from bayes_ivig.quadrature.posterior import Posterior, fit_posterior
from bayes_ivig.quadrature.prior_shapes import shape_of
from bayes_ivig.quadrature.surface import Surface, make_surface

__all__ = ["Posterior", "Surface", "fit_posterior", "make_surface", "shape_of"]
