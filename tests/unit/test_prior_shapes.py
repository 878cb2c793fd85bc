"""What the meshes are told of a prior: the range holds it, and panels laid by its landmarks integrate it to 1."""

import math

import numpy as np
import pytest

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import shape_of
from bayes_ivig.quadrature.mesh import Axis, prior_terms
from bayes_ivig.quadrature.panels import lay_panels

PRIORS = [
    "normal(0, 2.82)",
    "normal(3, 0.02)",
    "student-t(3, -1, 0.5)",
    "student-t(1.5, 0, 2)",
    "cauchy(2, 0.3)",
    "uniform(-2, 5)",
    "beta(1, 1)",
    "beta(2, 5)",
    "half-normal(0.5)",
    "half-normal(0.075)",
    "half-cauchy(25)",
    "half-student-t(4, 0.3)",
    "exponential(3)",
    "log-normal(-1.28, 0.87)",
    "log-normal(0, 0.05)",
    "inverse-gamma(1.5, 0.2)",
    "inverse-gamma(40, 12)",
    "inverse-gamma(0.1, 0.1)",
    "half-student-t(0.1, 1)",
    "student-t(0.1, 3, 2)",
    "log-normal(0, 20)",
    "log-student-t(5, -1.3, 1.5)",
    "0.9*half-normal(1) + 0.1*log-student-t(1, 0, 3)",
    "beta(0.1, 2)",
    "0.8*normal(0, 1) + 0.2*normal(4, 10)",
    "0.5*half-normal(0.05) + 0.5*half-cauchy(1)",
    "0.3*log-normal(-3, 0.5) + 0.7*uniform(0, 2)",
    "0.5*normal(-3, 0.01) + 0.5*student-t(3, 3, 1)",
]
RATES = [
    "beta(1, 1)",
    "beta(0.5, 0.5)",
    "beta(2, 18)",
    "beta(0.1, 3)",
    "0.5*beta(1, 1) + 0.5*beta(20, 3)",
    "uniform(0.2, 0.7)",
]


@pytest.mark.parametrize("text", PRIORS)
def test_the_range_holds_the_prior(text):
    prior = parse_prior(text)
    shape = shape_of(prior)
    low, high = shape.range
    scales = [low, high] if shape.support[0] < 0 else [high]
    far = min(map(abs, scales)) >= 1e24  # as far as meshes go; a scale may lie this near to 0 whatever the prior
    assert 1 - prior.cdf(high) <= 1e-15 or far
    assert prior.cdf(low) <= 1e-15 or far or low <= 1e-24
    assert shape.beyond(low, high) == (prior.cdf(low), 1 - prior.cdf(high))
    assert shape.support == prior.support
    assert shape.point is None


@pytest.mark.parametrize(("text", "rate"), [(p, False) for p in PRIORS] + [(p, True) for p in RATES + PRIORS[:3]])
def test_panels_laid_by_the_landmarks_integrate_it_to_1(text, rate):
    shape = shape_of(parse_prior(text), rate=rate)
    axis = Axis(lay_panels(*shape.range, shape.landmarks, shape.breaks), None)
    nodes, terms = prior_terms(axis, shape, 26)
    assert np.exp(terms).sum() == pytest.approx(1, abs=1e-7)
    assert len(axis.edges) < 400
    inside = slice(26, -26)
    np.testing.assert_allclose((terms - axis.nodes(26)[1])[inside], shape.logpdf(nodes)[inside], atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("text", ["student-t(0.3, 1, 2)", "cauchy(0, 1)", "half-student-t(0.5, 1)"])
def test_what_lies_beyond_the_mesh_is_in_its_end_panels(text):
    """Where the mesh goes as far as it is meant to; where it was cut, because nothing is left there, it is not."""
    shape = shape_of(parse_prior(text))
    low, high = max(shape.support[0], -1e3), 1e3
    axis = Axis(lay_panels(low, high, shape.landmarks), None)
    inside = parse_prior(text).cdf(high) - parse_prior(text).cdf(low)
    assert np.exp(prior_terms(axis, shape, 26, (low, high))[1]).sum() == pytest.approx(1, abs=1e-9)
    assert np.exp(prior_terms(axis, shape, 26)[1]).sum() == pytest.approx(inside, abs=1e-9)
    above = prior_terms(axis, shape, 26, (-math.inf, high))[1]
    assert np.exp(above).sum() == pytest.approx(1 - parse_prior(text).cdf(low), abs=1e-9)


@pytest.mark.parametrize("text", RATES)
def test_a_rate_has_its_jacobian_on_the_logit(text):
    prior = parse_prior(text)
    shape = shape_of(prior, rate=True)
    assert shape.on_logit
    rate = np.array([0.25, 0.5, 0.66])
    np.testing.assert_allclose(
        shape.logpdf(np.log(rate) - np.log1p(-rate)), prior.logpdf(rate) + np.log(rate * (1 - rate)), atol=1e-12
    )


def test_a_density_of_the_logit_stays_one():
    shape = shape_of(parse_prior("normal(0, 2)"), rate=True)
    assert not shape.on_logit
    assert shape.logpdf(np.array([1.0])) == parse_prior("normal(0, 2)").logpdf(1.0)


def test_a_point_mass_is_a_point():
    shape = shape_of(parse_prior("fixed(0.3)"))
    assert (shape.point, shape.range) == (0.3, (0.3, 0.3))


def test_jumps_are_breaks():
    assert set(shape_of(parse_prior("uniform(-2, 5)")).breaks) == {-2, 5}
    assert set(shape_of(parse_prior("0.5*uniform(0, 2) + 0.5*half-normal(1)")).breaks) == {0, 2}
    logit = shape_of(parse_prior("uniform(0.2, 0.7)"), rate=True).breaks
    assert sorted(logit) == pytest.approx([math.log(0.25), math.log(7 / 3)])
