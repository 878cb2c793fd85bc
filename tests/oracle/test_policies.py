"""Zero-cell policies against the reference programs' answers for the three strength trials and the invented split."""

import json
from pathlib import Path

import numpy as np
import pytest

from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import parse_prior
from bayes_ivig.sensitivity.policies import compare_policies
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import TwoArm

REFERENCE = Path(__file__).parents[1] / "reference"
DEFAULT = "muN(0,2.82)|tau_HN0.5"


@pytest.fixture(scope="module", params=["strength", "toy_disability"])
def reference(request):
    return json.loads((REFERENCE / f"{request.param}.json").read_text())


def rows_of(reference, model):
    studies = tuple(TwoArm(s["study"], s["ai"], s["n1i"], s["ci"], s["n2i"]) for s in reference["data"])
    rows = compare_policies(Evidence("user", "reference", studies, benefit="higher"), model)
    return {row.name: row for row in rows}


def assert_posterior(row, mu, tolerance):
    found = [row.estimate, *row.ci, row.p_claim]
    np.testing.assert_allclose(found, [mu["median"], *mu["ci95_central"], mu["P_gt_0"]], atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_half_in_zero_tables(reference, measure):
    model = with_priors(
        default_model("binomial", measure, "random"),
        {"mu": parse_prior("normal(0, 2.82)"), "tau": parse_prior("half-normal(0.5)")},
    )
    row = rows_of(reference, model)["half-zero"]
    assert_posterior(row, reference[f"exact_quadrature_log{measure}"][DEFAULT]["mu"], 1e-8)


def test_exact_and_conditional_likelihood(reference):
    model = default_model("binomial", "OR", "random", "control")
    rows = rows_of(reference, with_priors(model, {"baseline": parse_prior("normal(0, 10)")}))
    known = reference["binomial_normal_exact"]
    dataset = reference["dataset"]
    assert_posterior(rows["exact"], known[f"{dataset}|UM01|HN0.5"]["mu"], 1e-5)
    assert_posterior(rows["conditional"], known[f"{dataset}|NCH|HN0.5"]["mu"], 1e-5)


def test_mantel_haenszel_and_peto(reference):
    rows = rows_of(reference, default_model("binomial", "OR", "random"))
    for name, key in {
        "mantel-haenszel": "MH_OR_nocorr",
        "mantel-haenszel-revman": "MH_OR_revman_add0.5_only0",
        "peto": "Peto",
    }.items():
        known = reference["freq_2x2"][key]
        row = rows[name]
        np.testing.assert_allclose(
            [row.estimate, *row.ci], [known["estimate"], known["ci_lb"], known["ci_ub"]], atol=1e-9
        )


def brute_posterior(y, se, mu_sd, tau_scale):
    """Median and P(mu > 0) of the normal model by sums over fine grids, written apart from the engine."""
    mu = np.linspace(-15, 15, 6001)
    tau = (np.arange(3000) + 0.5) / 3000 * 8 * tau_scale
    prior = np.exp(-0.5 * (mu / mu_sd) ** 2)
    total = np.zeros_like(mu)
    for t in tau:
        variance = se**2 + t**2
        log_like = (-0.5 * (y[:, None] - mu) ** 2 / variance[:, None] - 0.5 * np.log(variance)[:, None]).sum(axis=0)
        total += np.exp(log_like - 0.5 * (t / tau_scale) ** 2)
    density = prior * total
    cdf = np.cumsum(density) / density.sum()
    return np.interp(0.5, cdf - 0.5 * density / density.sum(), mu), 1 - np.interp(
        0, mu, cdf - 0.5 * density / density.sum()
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "k_t", "k_c"), [("treatment-arm", 4 / 16, 12 / 16), ("quarter-zero", 0.25, 0.25)])
def test_other_corrections_by_brute_force(name, k_t, k_c):
    studies = (TwoArm("A", 3, 4, 0, 12), TwoArm("B", 5, 9, 3, 9))
    model = default_model("binomial", "OR", "random")
    rows = {r.name: r for r in compare_policies(Evidence("user", "o", studies, benefit="higher"), model)}
    cells = np.array([[3 + k_t, 1 + k_t, k_c, 12 + k_c], [5, 4, 3, 6]])
    y = np.log(cells[:, 0] * cells[:, 3] / (cells[:, 1] * cells[:, 2]))
    median, p = brute_posterior(y, np.sqrt((1 / cells).sum(axis=1)), 2.82, 0.5)
    assert rows[name].estimate == pytest.approx(median, abs=1e-5)
    assert rows[name].p_claim == pytest.approx(p, abs=1e-5)
