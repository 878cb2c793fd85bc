"""Answers without quantiles, for the many posteriors of which only moments and one probability are needed.

The nodes are those that `fit_posterior` lays, at one order; the refinement that measures the error is left out.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.mesh import find_mesh
from bayes_ivig.quadrature.posterior import Joint, make_joint
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.sensitivity.setting import Direction

Array = NDArray[np.float64]
_ORDER = 18


class Quick(NamedTuple):
    """Mean and SD of mu and tau, the probability asked for, and the log evidence."""

    mean: float
    sd: float
    p: float
    log_evidence: float
    tau_mean: float
    tau_sd: float


def quick_joint(surface: Surface, mu: Shape, tau: Shape | None) -> Joint:
    """Joint posterior at nodes, not refined."""
    axes = find_mesh(surface, mu, tau, lambda x, t: surface.parts(x, t).sum(axis=0))
    return make_joint(surface, axes, mu, tau, _ORDER)


def quick_answer(surface: Surface, mu: Shape, tau: Shape | None, direction: Direction) -> Quick:
    """Moments, probability and evidence under one pair of priors."""
    joint = quick_joint(surface, mu, tau)
    x, t = joint.mu_marginal, joint.tau_marginal
    return Quick(x.mean, x.sd, direction.p(x), joint.log_evidence, t.mean, t.sd)
