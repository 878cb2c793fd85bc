"""Cells of the multiverse, drawn at random, against one fit each, built apart from its machinery."""

import numpy as np
import pytest

from bayes_ivig.quadrature import Surface, fit_posterior, shape_of
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.quadrature.tabulated import tabulate
from bayes_ivig.reviews import load_evidence, load_review, read_as
from bayes_ivig.sensitivity.alternatives import (
    baseline_alternatives,
    effect_alternatives,
    heterogeneity_alternatives,
)
from bayes_ivig.sensitivity.claim import claim_of
from bayes_ivig.sensitivity.multiverse import run_multiverse
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.spec import default_model, with_priors

BINOMIAL = default_model("binomial", "OR", "random")
REVIEW = load_review("mmn-2007")


def normal_curves(studies, likelihood):
    curves = []
    for s in studies:
        cells = np.array([s.events_t, s.n_t - s.events_t, s.events_c, s.n_c - s.events_c], float)
        if "dropped" in likelihood and s.events_t + s.events_c in (0, s.n_t + s.n_c):
            continue
        amount = np.full(4, 0.25 if "0.25" in likelihood else 0.5)
        if "treatment-arm" in likelihood:
            amount = np.array([s.n_t, s.n_t, s.n_c, s.n_c]) / (s.n_t + s.n_c)
        if "every table" in likelihood or (cells == 0).any():
            cells = cells + amount
        a, b, c, d = cells
        curves.append(NormalCurve(np.log(a * d / b / c), np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)))
    return curves


def one_fit(outcome, choices):
    """The posterior of one specification, from its labels."""
    paired = choices["reading"].endswith(", paired")
    evidence = load_evidence(REVIEW, outcome, "crossover" if paired else None)
    name = choices["reading"].removesuffix(", paired")
    if name != "as given":
        evidence = read_as(evidence, name)
    studies = [s for s in evidence.studies if s.study != choices["left out"]]
    claim = claim_of(evidence, BINOMIAL)
    prior = {a.label: a.prior for a in baseline_alternatives(BINOMIAL)}
    prior |= {a.label: a.prior for a in effect_alternatives(BINOMIAL, claim)}
    scales = {a.label: a.prior for a in heterogeneity_alternatives(BINOMIAL, claim)}
    likelihood = choices["likelihood"]
    if likelihood.startswith("normal"):
        curves = normal_curves(studies, likelihood)
    else:
        place = "control" if "control" in choices.get("parametrisation", "") else "midpoint"
        model = default_model(likelihood, "OR", "random", None if likelihood == "conditional" else place)
        if "baseline" in choices:
            model = with_priors(model, {"baseline": prior[choices["baseline"]]})
        log_integrated = LIKELIHOODS[likelihood].log_integrated
        curves = [tabulate(lambda theta, s=s: log_integrated(s, model, theta)) for s in studies]
    tau = scales[choices["heterogeneity prior"]]
    mu = shape_of(prior[choices["effect prior"]])
    return fit_posterior(Surface(tuple(curves)), mu, None if tau is None else shape_of(tau))


@pytest.mark.parametrize("outcome", ["strength", "disability"])
def test_cells_against_one_fit_each(outcome):
    multiverse = run_multiverse(load_evidence(REVIEW, outcome), BINOMIAL, load_evidence(REVIEW, outcome, "crossover"))
    rng = np.random.default_rng(20070315)
    by_likelihood = [np.flatnonzero(multiverse.codes[:, 2] == code) for code in range(multiverse.counts["likelihood"])]
    rows = np.concatenate([rng.choice(rows, 4, replace=False) for rows in by_likelihood])
    for row in rows:
        choices = multiverse.choices(row)
        posterior = one_fit(outcome, choices)
        scale = np.diff(posterior.mu.interval(0.95))[0]
        found = np.array([multiverse.low[row], multiverse.estimate[row], multiverse.high[row]])
        known = posterior.mu.quantile(np.array([0.025, 0.5, 0.975]))
        np.testing.assert_allclose(found / scale, known / scale, atol=1e-6, err_msg=str(choices))
        assert multiverse.p_claim[row] == pytest.approx(posterior.mu.p_gt(0.0), abs=1e-6), choices
        assert multiverse.log_evidence[row] == pytest.approx(posterior.log_evidence, abs=1e-6), choices
