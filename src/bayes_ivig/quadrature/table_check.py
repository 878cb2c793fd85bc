"""Whether the tables of the studies' likelihoods hold where a posterior lies; where they miss, direct smoothing.

A table is as exact as its study's own peak is high: a posterior far out in the tail of a study, because the others or
the prior pull it there, may see the table's interpolation.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.quadrature.tabulated import TabulatedCurve

Array = NDArray[np.float64]
Pairs = tuple[Array, Array]  # values of mu and of tau, (n,) each


def table_errors(curve: Curve, mu: Array, tau: Array) -> Array:
    """Direct smoothing less the table at pairs of mu and tau, (n,); 0 for a curve without a table."""
    if not isinstance(curve, TabulatedCurve) or curve.is_direct:
        return np.zeros(len(mu))
    return curve.table_errors(mu, tau)


def table_error(curves: Sequence[Curve], mu: Array, tau: Array) -> float:
    """What the tables of these studies may change of an answer whose posterior is spread like these (mu, tau).

    A difference that is the same everywhere changes the log evidence only.
    """
    total = 0.0
    for curve in curves:
        difference = table_errors(curve, mu, tau)
        total += float(np.abs(difference - difference.mean()).mean() + abs(difference.mean()))
    return total


def worst_table_errors(surfaces: Sequence[Surface], pairs: Sequence[Pairs]) -> Array:
    """Largest error (n,) of the log likelihood of each surface at its own pairs of mu and tau."""
    result = np.zeros(len(surfaces))
    for curve in dict.fromkeys(curve for surface in surfaces for curve in surface.curves):
        owners = [i for i, surface in enumerate(surfaces) if curve in surface.curves]
        mu, tau = (np.concatenate([pairs[i][which] for i in owners]) for which in (0, 1))
        errors = np.abs(table_errors(curve, mu, tau))
        ends = np.cumsum([len(pairs[i][0]) for i in owners])
        for i, own in zip(owners, np.split(errors, ends[:-1]), strict=True):
            result[i] += surfaces[i].curves.count(curve) * own.max()
    return result


def without_tables(surface: Surface) -> Surface:
    """Return the surface with every study smoothed directly."""
    return Surface(
        tuple(
            replace(curve, is_direct=True) if isinstance(curve, TabulatedCurve) else curve for curve in surface.curves
        )
    )
