"""Laws of every prior: text round trip, monotone CDF, quantiles that invert it, refusals of one kind only."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_ivig.errors import InputError
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.priors import FAMILIES, Prior, parse_prior

POSITIVE = st.floats(1e-3, 1e3)
REAL = st.floats(-1e3, 1e3)


def densities(real=REAL, positive=POSITIVE):
    """Priors of every family but fixed."""

    def of(family):
        if family == "uniform":
            return st.tuples(real, real).filter(lambda ab: ab[0] < ab[1]).map(lambda ab: Prior("uniform", ab))
        args = [real if name == "m" else positive for name in FAMILIES[family].args]
        return st.tuples(*args).map(lambda values: Prior(family, values))

    return st.one_of([of(family) for family in FAMILIES if family != "fixed"])


@st.composite
def mixtures(draw, parts):
    components = draw(st.lists(parts, min_size=2, max_size=4))
    raw = [draw(st.floats(0.01, 1)) for _ in components]
    return Prior("mixture", weights=tuple(w / math.fsum(raw) for w in raw), components=tuple(components))


ANY_SIZE = densities(st.floats(-1e100, 1e100), st.floats(1e-100, 1e100))
MODERATE = densities(st.floats(-20, 20), st.floats(0.2, 20))


@given(ANY_SIZE | mixtures(ANY_SIZE) | st.floats(-1e100, 1e100).map(lambda x: Prior("fixed", (x,))))
def test_text_round_trip(prior):
    assert parse_prior(prior.text) == prior
    assert parse_prior(prior.text.upper().replace(" ", "")) == prior


@pytest.mark.slow
@given(
    st.text()
    | st.text("0123456789.e+-*(), normalbetfixdhu", max_size=60)
    | st.binary().map(lambda b: b.decode("latin1"))
)
@settings(max_examples=500)
def test_any_text_is_read_or_refused(text):
    for read in (parse_prior, resolve_prior):
        try:
            prior = read(text)
        except InputError:
            continue
        assert parse_prior(prior.text) == prior


@given(ANY_SIZE | mixtures(ANY_SIZE), st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_cdf_is_monotone_and_a_probability(prior, x):
    cdf = prior.cdf(np.sort(x))
    assert np.all((cdf >= 0) & (cdf <= 1 + 1e-12))
    assert np.all(np.diff(cdf) >= -1e-12)


@given(MODERATE | mixtures(MODERATE), st.lists(st.floats(1e-12, 1 - 1e-6), min_size=1, max_size=20))
@settings(deadline=None)
def test_ppf_inverts_the_cdf(prior, q):
    q = np.array(q)
    x = prior.ppf(q)
    np.testing.assert_array_equal(np.sort(x), prior.ppf(np.sort(q)))
    # A double x holds its own quantile only to the width of its last digit times the density there.
    x, q = x[np.isfinite(x)], q[np.isfinite(x)]
    held = 4 * np.exp(prior.logpdf(x) + np.log(np.spacing(np.abs(x))))
    np.testing.assert_array_less(np.abs(prior.cdf(x) - q), 1e-9 * q + held + 1e-15)
