"""Every family against scipy.stats, closed forms for the far tails, and every sentence of refusal."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from bayes_ivig.errors import InputError
from bayes_ivig.priors import (
    FAMILIES,
    Prior,
    parse_prior,
    require_plausible_size,
    require_real_prior,
    require_risk_or_real_prior,
    require_scale_prior,
)


def half_t(df, s):
    """(|T| s) has no scipy name; T squared follows F(1, df)."""
    f = stats.f(1, df)

    class HalfT:
        logpdf = staticmethod(lambda x: f.logpdf((x / s) ** 2) + np.log(2 * x / s**2))
        cdf = staticmethod(lambda x: f.cdf((x / s) ** 2))
        ppf = staticmethod(lambda q: s * np.sqrt(f.ppf(q)))

    return HalfT


def log_t(df, m, s):
    t = stats.t(df, m, s)

    class LogT:
        logpdf = staticmethod(lambda x: t.logpdf(np.log(x)) - np.log(x))
        cdf = staticmethod(lambda x: t.cdf(np.log(x)))
        ppf = staticmethod(lambda q: np.exp(t.ppf(q)))

    return LogT


ORACLES = {
    "normal(-0.5, 2.82)": stats.norm(-0.5, 2.82),
    "student-t(5, 0.3, 0.7)": stats.t(5, 0.3, 0.7),
    "student-t(1.5, 0, 2)": stats.t(1.5, 0, 2),
    "student-t(300, 0, 1)": stats.t(300),
    "cauchy(1, 0.5)": stats.cauchy(1, 0.5),
    "uniform(-1, 3)": stats.uniform(-1, 4),
    "beta(1, 1)": stats.beta(1, 1),
    "beta(0.5, 0.5)": stats.beta(0.5, 0.5),
    "beta(2, 30)": stats.beta(2, 30),
    "half-normal(0.5)": stats.halfnorm(0, 0.5),
    "half-cauchy(0.5)": stats.halfcauchy(0, 0.5),
    "half-student-t(4, 0.5)": half_t(4, 0.5),
    "exponential(3)": stats.expon(0, 1 / 3),
    "log-normal(-1.03, 0.755)": stats.lognorm(0.755, 0, math.exp(-1.03)),
    "log-student-t(5, -1.72, 1.295)": log_t(5, -1.72, 1.295),
    "inverse-gamma(1.74, 0.49)": stats.invgamma(1.74, 0, 0.49),
    "inverse-gamma(30, 2)": stats.invgamma(30, 0, 2),
}
WITH_MOMENTS = [text for text in ORACLES if not text.startswith(("half-student", "log-student"))]
MIXTURE = "0.8*normal(0, 1) + 0.2*student-t(3, 2, 10)"


def test_every_family_has_an_oracle():
    assert {text.split("(")[0] for text in ORACLES} | {"fixed"} == set(FAMILIES)


@pytest.mark.parametrize("text", ORACLES)
def test_family_against_scipy(text):
    prior, oracle = parse_prior(text), ORACLES[text]
    q = np.concatenate(
        [np.random.default_rng(1).uniform(size=40), 10.0 ** np.arange(-8, 0), 1 - 10.0 ** -np.arange(1, 7)]
    )
    x = oracle.ppf(q)
    np.testing.assert_allclose(prior.ppf(q), x, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(prior.cdf(x), oracle.cdf(x), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(prior.logpdf(x), oracle.logpdf(x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("text", WITH_MOMENTS)
def test_moments_against_scipy(text):
    prior, oracle = parse_prior(text), ORACLES[text]
    mean, var = oracle.stats("mv")
    np.testing.assert_allclose([prior.mean, prior.sd], [mean, np.sqrt(var)], rtol=1e-12)


def test_moments_without_a_scipy_name():
    prior = parse_prior("half-student-t(7, 0.5)")
    mean = integrate.quad(lambda x: x * np.exp(prior.logpdf(x)), 0, np.inf)[0]
    square = integrate.quad(lambda x: x * x * np.exp(prior.logpdf(x)), 0, np.inf)[0]
    assert prior.mean == pytest.approx(mean, rel=1e-8)
    assert prior.sd == pytest.approx(math.sqrt(square - mean**2), rel=1e-7)
    assert parse_prior("half-student-t(2, 1)").sd == math.inf
    assert parse_prior("log-student-t(5, 0, 1)").mean == math.inf


@pytest.mark.parametrize("text", [*ORACLES, MIXTURE])
def test_density_is_the_slope_of_the_cdf(text):
    prior = parse_prior(text)
    lo, hi = prior.ppf([0.2, 0.9])
    area = integrate.quad(lambda x: np.exp(prior.logpdf(x)), lo, hi, epsabs=1e-12)[0]
    assert area == pytest.approx(0.7, abs=1e-9)


@pytest.mark.parametrize("text", [*ORACLES, MIXTURE])
def test_ppf_inverts_cdf_from_the_far_left_tail_on(text):
    prior = parse_prior(text)
    q = np.concatenate([10.0 ** -np.arange(1, 300, 13), [0.3, 0.5, 0.7, 0.9]])
    x = prior.ppf(q)
    np.testing.assert_allclose(prior.ppf(prior.cdf(x)), x, rtol=1e-9, atol=1e-14)
    representable = np.isfinite(x) & (np.abs(x) > 1e-280)
    atol = 1e-15 if text.startswith("uniform") else 0  # q = 1e-20 of an interval that begins at -1 is lost
    np.testing.assert_allclose(prior.cdf(x[representable]), q[representable], rtol=1e-9, atol=atol)


def test_student_tail_closed_form_at_two_degrees_of_freedom():
    x = np.array([1e3, 1e8, 1e30, 1e140])
    exact = 1 / ((2 + x * x) + x * np.sqrt(2 + x * x))
    np.testing.assert_allclose(parse_prior("student-t(2, 0, 1)").cdf(-x), exact, rtol=1e-13)
    np.testing.assert_allclose(parse_prior("student-t(2, 0, 1)").ppf(exact), -x, rtol=1e-13)


@pytest.mark.parametrize("df", [1, 4, 1e30])
def test_half_student_is_linear_at_its_mode(df):
    prior = Prior("half-student-t", (float(df), 2.0))
    x = np.array([1e-5, 1e-9, 1e-11, 1e-200, 1e-280])
    linear = x * math.exp(prior.logpdf(0.0))
    np.testing.assert_allclose(prior.cdf(x), linear, rtol=1e-9)
    np.testing.assert_allclose(prior.ppf(linear), x, rtol=1e-9)


def test_cauchy_tail_closed_form():
    x = np.array([1e3, 1e9, 1e160, 1e300])
    np.testing.assert_allclose(parse_prior("cauchy(0, 1)").cdf(-x), 1 / (math.pi * x), rtol=1e-6)
    np.testing.assert_allclose(parse_prior("cauchy(0, 1)").ppf(1 / (math.pi * x[1:])), -x[1:], rtol=1e-12)
    np.testing.assert_allclose(parse_prior("cauchy(0, 1)").logpdf(x), -math.log(math.pi) - 2 * np.log(x), rtol=1e-6)


@pytest.mark.parametrize("df", [1e6, 1e10, 1e30, 1e99])
def test_student_nears_the_normal(df):
    z = np.array([-8.0, -5, -2, -0.3, 0, 0.3, 2, 5])
    student, normal = Prior("student-t", (df, 0.0, 1.0)), Prior("normal", (0.0, 1.0))
    tolerance = 1e-12 + 2e3 / df
    np.testing.assert_allclose(student.cdf(z), normal.cdf(z), rtol=tolerance)
    np.testing.assert_allclose(student.logpdf(z), normal.logpdf(z), rtol=tolerance)
    np.testing.assert_allclose(student.ppf(normal.cdf(z)), z, rtol=1e-10 + 20 / df, atol=1e-12)


@pytest.mark.parametrize("text", [*ORACLES, MIXTURE])
def test_draws_follow_the_cdf(text):
    prior = parse_prior(text)
    draws = prior.rvs(np.random.default_rng(20070315), (50, 80))
    assert draws.shape == (50, 80)
    assert stats.kstest(draws.ravel(), prior.cdf).pvalue > 1e-4


@pytest.mark.parametrize(
    ("text", "below", "lo", "hi", "above"),
    [
        ("uniform(-1, 3)", -1.01, -1.0, 3.0, 3.01),
        ("beta(2, 3)", -0.01, 0.0, 1.0, 1.01),
        ("half-normal(1)", -0.01, 0.0, math.inf, math.inf),
        ("exponential(1)", -0.01, 0.0, math.inf, math.inf),
        ("log-normal(0, 1)", -0.01, 0.0, math.inf, math.inf),
        ("inverse-gamma(2, 1)", -0.01, 0.0, math.inf, math.inf),
        ("log-student-t(5, 0, 1)", -0.01, 0.0, math.inf, math.inf),
        ("normal(0, 1)", -math.inf, -math.inf, math.inf, math.inf),
        ("0.5*half-normal(1) + 0.5*uniform(-2, 1)", -2.1, -2.0, math.inf, math.inf),
    ],
)
def test_outside_and_at_the_ends_of_the_support(text, below, lo, hi, above):
    prior = parse_prior(text)
    assert prior.support == (lo, hi)
    np.testing.assert_array_equal(prior.ppf([0, 1, -0.1, 1.1, math.nan]), [lo, hi, math.nan, math.nan, math.nan])
    np.testing.assert_array_equal(prior.logpdf([below, above]), [-math.inf, -math.inf])
    np.testing.assert_array_equal(prior.cdf([below, above]), [0, 1])


def test_densities_at_zero():
    at_zero = {
        "half-normal(1)": 0.5 * math.log(2 / math.pi),
        "exponential(2)": math.log(2),
        "beta(1, 1)": 0.0,
    }
    at_zero |= {
        "log-normal(0, 1)": -math.inf,
        "inverse-gamma(1, 1)": -math.inf,
        "log-student-t(5, 0, 1)": math.inf,
    }
    assert {text: float(parse_prior(text).logpdf(0)) for text in at_zero} == pytest.approx(at_zero)


def test_fixed_is_a_point():
    prior = parse_prior("fixed(0.3)")
    assert prior.is_point
    assert (prior.mean, prior.sd, prior.support) == (0.3, 0.0, (0.3, 0.3))
    np.testing.assert_array_equal(prior.logpdf([0.2, 0.3]), [-math.inf, 0])
    np.testing.assert_array_equal(prior.cdf([0.2, 0.3, 0.4]), [0, 1, 1])
    np.testing.assert_array_equal(prior.ppf([0, 0.5, 1]), [0.3, 0.3, 0.3])
    np.testing.assert_array_equal(prior.rvs(np.random.default_rng(1), 3), [0.3, 0.3, 0.3])


def test_mixture_is_the_weighted_sum():
    prior = parse_prior(MIXTURE)
    x = np.linspace(-30, 30, 13)
    pdf = 0.8 * stats.norm.pdf(x) + 0.2 * stats.t(3, 2, 10).pdf(x)
    np.testing.assert_allclose(prior.logpdf(x), np.log(pdf), rtol=1e-13)
    np.testing.assert_allclose(prior.cdf(x), 0.8 * stats.norm.cdf(x) + 0.2 * stats.t(3, 2, 10).cdf(x), rtol=1e-13)
    assert prior.mean == pytest.approx(0.4)
    assert prior.sd == pytest.approx(math.sqrt(0.8 * (1 + 0.16) + 0.2 * (300 + 1.6**2)))
    assert math.isnan(parse_prior("0.5*cauchy(0, 1) + 0.5*normal(0, 1)").mean)
    assert parse_prior("0.5*half-cauchy(1) + 0.5*half-normal(1)").sd == math.inf


@pytest.mark.parametrize(
    "text",
    [
        "0.5*normal(-50, 0.01) + 0.5*normal(50, 0.01)",
        "0.999*normal(0, 1e-6) + 0.001*cauchy(0, 1e6)",
        "0.5*beta(0.8, 3) + 0.5*beta(3, 0.8)",
        "0.3*uniform(0, 1) + 0.7*uniform(2, 3)",
        "0.25*log-normal(-5, 3) + 0.75*half-cauchy(0.001)",
    ],
)
def test_mixtures_that_newton_alone_would_not_invert(text):
    prior = parse_prior(text)
    q = np.array([1e-200, 1e-12, 0.001, 0.29, 0.31, 0.4999, 0.5001, 0.99, 1 - 1e-9])
    np.testing.assert_allclose(prior.cdf(prior.ppf(q)), q, rtol=1e-10)


def test_weights_are_normalised_exactly():
    prior = parse_prior("0.3333333333*normal(0, 1) + 0.6666666667*normal(0, 2)")
    assert math.fsum(weight for weight, _ in prior.parts) == 1
    assert prior.cdf(0.0) == 0.5


def test_elicited_priors_leave_five_per_cent():
    sceptical, enthusiastic = parse_prior("sceptical(-0.7)"), parse_prior("ENTHUSIASTIC(-0.7)")
    assert sceptical == Prior("normal", (0.0, 0.7 / 1.645))
    assert float(sceptical.cdf(-0.7)) == pytest.approx(0.05, abs=2e-5)
    assert 1 - float(enthusiastic.cdf(0.0)) == pytest.approx(0.05, abs=2e-5)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (" Normal ( 0 ,2.820 ) ", "normal(0, 2.82)"),
        ("HALF-STUDENT-T(4,.5)", "half-student-t(4, 0.5)"),
        ("normal(-0, +1e-3)", "normal(0, 0.001)"),
        ("1*normal(0,1)", "normal(0, 1)"),
        (".8*normal(0,1)+2e-1*normal(0,10)", "0.8*normal(0, 1) + 0.2*normal(0, 10)"),
    ],
)
def test_canonical_text(written, canonical):
    assert parse_prior(written).text == canonical
    assert parse_prior(canonical) == parse_prior(written)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("half-norml(1)", "did you mean 'half-normal'?"),
        ("skeptical(1)", "did you mean 'sceptical'?"),
        ("normal(0)", "write normal(m, s)"),
        ("half-student-t(1, 2, 3)", "write half-student-t(df, s)"),
        ("sceptical(1, 2)", "write sceptical(theta_A)"),
        ("sceptical(0)", "theta_A = 0 is not allowed"),
        ("normal(0, 0)", "s = 0 is not allowed"),
        ("student-t(-1, 0, 1)", "df = -1 is not allowed"),
        ("exponential(0)", "rate = 0 is not allowed"),
        ("uniform(1, 1)", "a must be below b"),
        ("beta(0, 1)", "a and b must be above 0"),
        ("normal(0, 1e400)", "expected a finite number, found '1e400'"),
        ("normal(0, 1e200)", "at most 1e+100"),
        ("normal(0, 1e-400)", "s = 0 is not allowed"),
        ("normal(nan, 1)", "expected a finite number, found 'nan'"),
        ("normal(-inf, 1)", "expected a finite number, found 'inf'"),
        ("normal(0, 1) please", "found 'please'"),
        ("normal(0, 1))", "found ')'"),
        ("normal(0, 1", "found the end"),
        ("normal", "expected '(', found the end"),
        ("0.5", "expected '*', found the end"),
        ("normal(0, 1) +", "unknown prior ''"),
        ("", "unknown prior ''"),
        ("__import__('os')", "write a prior such as"),
        ("normal(0, 1+1)", "found '+'"),
        ("(" * 900, "unknown prior '('"),
        ("normal(" * 100, "expected a finite number"),
        ("normal(0, 1)" + " " * 1000, "at most 1000 characters"),
        ("0.8*normal(0, 1)", "sum to 0.8"),
        ("0.8*normal(0, 1) + 0.3*normal(0, 2)", "sum to 1.1"),
        ("normal(0, 1) + normal(0, 2)", "sum to 2"),
        ("0*normal(0, 1) + 1*normal(0, 2)", "must be above 0"),
        ("0.5*fixed(0) + 0.5*normal(0, 1)", "without fixed(x)"),
    ],
)
def test_refusals_name_the_place_and_say_what_to_do(text, said):
    with pytest.raises(InputError) as error:
        parse_prior(text, where="--tau")
    assert str(error.value).startswith("--tau: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_mixture_made_by_hand_is_checked():
    normal = Prior("normal", (0.0, 1.0))
    with pytest.raises(InputError, match="two densities or more"):
        Prior("mixture", weights=(1.0,), components=(normal,))
    with pytest.raises(InputError, match="a weight for each part"):
        Prior("mixture", weights=(1.0,))
    with pytest.raises(InputError, match="finite number"):
        Prior("normal", (0.0, math.nan))


@pytest.mark.parametrize("text", ["half-normal(1)", "fixed(0)", "uniform(0, 2)", "inverse-gamma(1, 1)", "beta(1, 1)"])
def test_scale_priors_accepted(text):
    assert require_scale_prior(parse_prior(text), "--tau").text == text


@pytest.mark.parametrize(
    "text", ["normal(0, 1)", "fixed(-1)", "uniform(-1, 2)", "0.5*half-normal(1) + 0.5*cauchy(0, 1)"]
)
def test_scale_priors_refused(text):
    with pytest.raises(InputError, match=r"^--tau: .* below 0; .* half-normal\(0\.5\)$"):
        require_scale_prior(parse_prior(text), "--tau")


@pytest.mark.parametrize(
    "text", ["half-cauchy(25)", "inverse-gamma(0.1, 0.1)", "normal(0, 1e20)", "fixed(1e30)", "student-t(0.1, 0, 1)"]
)
def test_wide_priors_accepted(text):
    assert require_plausible_size(parse_prior(text), "--tau").text == parse_prior(text).text


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("inverse-gamma(0.001, 0.001)", "94%"),  # P(1/X < 1e-25), 1/X ~ gamma: 1e-28^0.001 / Gamma(1.001)
        ("log-normal(0, 100)", "28%"),  # P(Z > log(1e25) / 100)
        ("student-t(0.02, 0, 1)", "30%"),
        ("uniform(0, 1e30)", "100%"),
        ("0.5*half-normal(1) + 0.5*inverse-gamma(0.001, 0.001)", "47%"),
    ],
)
def test_priors_on_values_that_nothing_has_are_refused(text, share):
    with pytest.raises(InputError, match=rf"^--tau: .* puts {share} of its mass .* half-normal\(0\.5\) [^\n]*$"):
        require_plausible_size(parse_prior(text), "--tau", scale=True)
    with pytest.raises(InputError, match=r"such as normal\(0, 2\.82\)$"):
        require_plausible_size(parse_prior(text), "--mu")


@pytest.mark.parametrize("text", ["beta(1, 1)", "uniform(0, 1)", "uniform(0.1, 0.3)", "normal(0, 10)", MIXTURE])
def test_baseline_priors_accepted(text):
    assert require_risk_or_real_prior(parse_prior(text), "--baseline").text == text


@pytest.mark.parametrize(
    "text",
    ["half-normal(1)", "uniform(0, 2)", "fixed(0.3)", "fixed(-1)", "0.5*beta(1, 1) + 0.5*normal(0, 1)"],
)
def test_baseline_priors_refused(text):
    with pytest.raises(InputError, match=r"^--baseline: .*beta\(1, 1\).*normal\(0, 10\)$"):
        require_risk_or_real_prior(parse_prior(text), "--baseline")


def test_effect_priors_live_on_one_interval():
    for text in ("normal(0, 1)", "half-normal(1)", "fixed(0)", "0.5*uniform(-1, 0) + 0.5*uniform(0, 2)"):
        assert require_real_prior(parse_prior(text), "--mu").text == text
    with pytest.raises(InputError, match="gap between 1 and 2"):
        require_real_prior(parse_prior("0.5*uniform(2, 3) + 0.5*uniform(0, 1)"), "--mu")
