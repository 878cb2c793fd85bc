"""The cells of paired outcomes, to the last digit wherever margins and association lie."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.special import expit

from bayes_ivig.profiles.plackett import CELLS, joint_cells


def exact_cells(h, d, association):
    """Plackett's root as he wrote it, with 400 digits."""
    with localcontext(prec=400):
        h, d, lam = (Decimal(float(x)) for x in (h, d, association))
        p, q, psi = 1 / (1 + (-h - d).exp()), 1 / (1 + (d - h).exp()), lam.exp()
        s = 1 + (p + q) * (psi - 1)
        both = p * q if psi == 1 else (s - (s * s - 4 * psi * (psi - 1) * p * q).sqrt()) / (2 * (psi - 1))
        return [float(cell) for cell in (both, p - both, q - both, 1 - p - q + both)]


PLACES = [0.0, 1e-9, 0.3, -2.0, 7.0, -30.0]


@pytest.mark.parametrize("association", [0.0, 1e-12, -1e-5, 0.7, -3.0, 12.0, -40.0])
def test_cells_keep_every_digit(association):
    for h in PLACES:
        for d in PLACES:
            cells = joint_cells(np.array(h), np.array(d), np.array(association))
            np.testing.assert_allclose([cells[name] for name in CELLS], exact_cells(h, d, association), rtol=2e-14)


def test_cells_without_association_are_products():
    h, d = np.linspace(-5, 5, 11)[:, None], np.linspace(-4, 4, 9)[None, :]
    p_t, p_c = expit(h + d), expit(h - d)
    cells = joint_cells(h, d, np.zeros(1))
    np.testing.assert_allclose(cells["both"], p_t * p_c, rtol=1e-13)
    np.testing.assert_allclose(cells["c_only"], expit(-h - d) * p_c, rtol=1e-13)


def test_cells_far_out_are_finite_and_make_one():
    h, d, association = np.meshgrid([-1e6, -300, 0, 300, 1e6], [-1e6, -250, 0, 250, 1e6], [-1e13, -100, 0, 100, 1e13])
    cells = joint_cells(h, d, association)
    assert all(np.isfinite(cell).all() and (cell >= 0).all() for cell in cells.values())
    np.testing.assert_allclose(sum(cells.values()), 1, rtol=1e-12)
