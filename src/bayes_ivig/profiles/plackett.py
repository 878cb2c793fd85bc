"""Joint cells of two paired binary outcomes from their margins and their log odds ratio.

The joint cell is the root of Plackett's quadratic (Plackett RL, J Am Stat Assoc 1965;60:516-522). With
A = p_T/(1 - p_T), B = p_C/(1 - p_C), h = log(AB)/2, d = log(A/B)/2 and odds ratio psi its discriminant, times
(1 + A)^2 (1 + B)^2 / (4AB), is

    R^2 = sinh(h)^2 + 2 psi (cosh(h) cosh(d) + 1) + psi^2 sinh(d)^2,

a sum of positive terms, and so is every cell below: nothing cancels, for psi near 1, tiny or huge. Note that
h is the midpoint of the two logits and 2d the log odds ratio of the margins.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CELLS = ("both", "t_only", "c_only", "neither")
# Beyond these every cell has reached its limit, or is below any double that matters; together they do not overflow.
MAX_MIDPOINT, MAX_HALF_EFFECT, MAX_ASSOCIATION = 300.0, 250.0, 100.0


def joint_cells(h: Any, d: Any, association: Any, xp: Any = np) -> dict[str, Any]:
    """Return the four cell probabilities, arrays that broadcast.

    Parameters
    ----------
    h, d
        Midpoint of the two logits and half the log odds ratio of the margins.
    association
        Log odds ratio within patients.
    xp
        numpy, or `pm.math` for PyMC variables.
    """
    if xp is np:
        h, d = np.clip(h, -MAX_MIDPOINT, MAX_MIDPOINT), np.clip(d, -MAX_HALF_EFFECT, MAX_HALF_EFFECT)
        association = np.clip(association, -MAX_ASSOCIATION, MAX_ASSOCIATION)
    return cells_from_hyperbolics(xp.sinh(h), xp.cosh(h), xp.sinh(d), xp.cosh(d), xp.exp(association), xp)


def cells_from_hyperbolics(
    sinh_h: Any, cosh_h: Any, sinh_d: Any, cosh_d: Any, psi: Any, xp: Any = np, wanted: tuple[str, ...] = CELLS
) -> dict[str, Any]:
    """Return the wanted cells from sinh and cosh of h and d and the odds ratio psi."""
    size_h, size_d = xp.abs(sinh_h), xp.abs(sinh_d)
    root = xp.sqrt(sinh_h**2 + psi * (2 * (cosh_h * cosh_d + 1) + psi * sinh_d**2))
    total = cosh_h + cosh_d
    cells = {}
    if "both" in wanted or "neither" in wanted:
        tail = 1 / (size_h + cosh_h)  # exp(-|h|)
        small = psi * tail / (size_h + psi * (cosh_d + tail) + root)
        large = size_h / total + small
        if "both" in wanted:
            cells["both"] = xp.where(sinh_h > 0, large, small)
        if "neither" in wanted:
            cells["neither"] = xp.where(sinh_h > 0, small, large)
    if "t_only" in wanted or "c_only" in wanted:
        tail = 1 / (size_d + cosh_d)
        small = tail / (psi * size_d + cosh_h + tail + root)
        large = size_d / total + small
        if "t_only" in wanted:
            cells["t_only"] = xp.where(sinh_d > 0, large, small)
        if "c_only" in wanted:
            cells["c_only"] = xp.where(sinh_d > 0, small, large)
    return cells


def log_cell_sum(counts: Mapping[str, float], cells: Mapping[str, Any]) -> Any:
    """Sum of count times log probability, over the cells that have patients (0 log 0 is 0)."""
    return sum(n * np.log(cells[name]) for name, n in counts.items() if n)


def kink_width(d: Any, association: Any) -> Array:
    """Half-width, in sinh(h), of the bend of the cells at h = 0; 1 where there is none.

    As psi falls to 0 the cells become those of two outcomes that avoid each other, with an edge at h = 0: R^2
    has roots at cosh(h) = 1 - q, q = psi (1 + cosh(d)), which approach the real axis as q goes to 0.
    """
    q = np.minimum(np.exp(association) * (1 + np.cosh(d)), 1.0)
    return np.sqrt(q * (2 - q))
