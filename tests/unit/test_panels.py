"""Panels: interpolation, slopes, integrals and running integrals of smooth functions, and where edges are laid."""

import numpy as np
import pytest

from bayes_ivig.quadrature.panels import NEAR, Landmark, Panels, lay_panels, legendre_rule, split_panels

PANELS = Panels(np.array([-3.0, -1.0, -0.5, 0.5, 2.0, 4.0]), 14)
INSIDE = np.linspace(-3, 4, 57)


def bell(x):
    return np.exp(-0.5 * (x - 0.3) ** 2)


def test_weights_integrate_polynomials_of_twice_the_order_exactly():
    panels = Panels(np.array([0.0, 0.25, 1.0]), 4)
    for degree in range(8):
        assert panels.weights @ panels.nodes**degree == pytest.approx(1 / (degree + 1), abs=1e-15)
    assert abs(panels.weights @ panels.nodes**9 - 0.1) > 1e-9


def test_the_rule_knows_legendre_polynomials():
    rule = legendre_rule(6)
    cubic = np.polynomial.legendre.legval(rule.nodes, [0, 0, 0, 1])
    np.testing.assert_allclose(rule.to_legendre @ cubic, [0, 0, 0, 1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(rule.running @ rule.nodes**2, (rule.nodes**3 + 1) / 3, atol=1e-15)


def test_interpolation_is_exact_at_nodes_edges_and_between():
    values = bell(PANELS.nodes)
    for x in (INSIDE, PANELS.nodes, PANELS.edges):
        np.testing.assert_allclose(PANELS.at(x, values), bell(x), atol=1e-12)
        np.testing.assert_allclose(PANELS.interpolate(x, values), bell(x), atol=1e-12)
    both = PANELS.at(INSIDE[:, None], np.stack([values, 2 * values]))
    assert both.shape == (2, 57, 1)
    np.testing.assert_allclose(both[1, :, 0], 2 * bell(INSIDE), atol=1e-12)


def test_outside_the_panels_the_outermost_polynomial_goes_on():
    straight = 2 * PANELS.nodes + 1
    np.testing.assert_allclose(PANELS.at(np.array([-3.4, 4.5]), straight), [-5.8, 10], atol=1e-9)


def test_running_integrals_reach_every_edge_and_node():
    edges, nodes = PANELS.running_integral(np.cos(PANELS.nodes))
    np.testing.assert_allclose(edges, np.sin(PANELS.edges) - np.sin(-3), atol=1e-13)
    np.testing.assert_allclose(nodes, np.sin(PANELS.nodes) - np.sin(-3), atol=1e-13)


def test_slopes():
    np.testing.assert_allclose(PANELS.slopes(np.sin(PANELS.nodes)), np.cos(PANELS.nodes), atol=1e-9)


def test_panels_are_narrow_at_landmarks_and_widen_away_from_them():
    marks = (Landmark(1.0, 0.01), Landmark(-2.0, 0.5, 1.0))
    edges = lay_panels(-1e4, 1e4, marks)
    assert (edges[0], edges[-1]) == (-1e4, 1e4)
    widths = np.diff(edges)
    assert np.all(widths > 0)
    for centre, scale, reach in marks:
        touching = (edges[:-1] <= centre + reach) & (edges[1:] >= centre - reach)
        assert widths[touching].max() <= 1.26 * NEAR * scale  # a rest of a quarter is taken along
    assert len(widths) < 70
    # nowhere does a panel pass a landmark unseen: its width is bounded by the distance to each
    middle = (edges[:-1] + edges[1:]) / 2
    for centre, scale, reach in marks:
        assert np.all(
            widths <= 1.26 * (NEAR * scale + 3 * (np.abs(middle - centre) - reach).clip(0)) + 2 * widths.min()
        )


def test_breaks_become_edges():
    edges = lay_panels(0.0, 10.0, (Landmark(5.0, 1.0),), (3.3, 3.4, 7.0, 12.0, 0.0))
    assert {0.0, 3.3, 3.4, 7.0, 10.0} <= set(edges.tolist())
    assert 12.0 not in edges


def test_without_landmarks_one_panel_is_enough():
    np.testing.assert_array_equal(lay_panels(-1.0, 2.0, ()), [-1, 2])


def test_split_panels_keep_their_neighbours_in_proportion():
    edges = split_panels(np.arange(9.0), np.arange(8) == 4)
    assert 4.5 in edges
    widths = np.diff(split_panels(np.array([0.0, 1.0, 9.0]), np.array([True, False])))
    assert np.all(widths[1:] / widths[:-1] <= 2.5 + 1e-12)
    assert widths.sum() == 9
