"""Cells of the multiverse, drawn at random, against one fit each, built apart from its machinery."""

from dataclasses import replace

import numpy as np
import pytest

from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature import Surface, fit_posterior, shape_of
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.quadrature.grid import answer_grid
from bayes_ivig.quadrature.tabulated import tabulate
from bayes_ivig.reviews import load_evidence, load_review, read_as
from bayes_ivig.sensitivity.answers import answer_all
from bayes_ivig.sensitivity.claim import claim_of
from bayes_ivig.sensitivity.prior_sets import baseline_priors, effect_priors, heterogeneity_priors
from bayes_ivig.sensitivity.specifications import lay_out
from bayes_ivig.sensitivity.study_curves import study_curve, tau_shape
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
    prior = {one.text: one for one in baseline_priors(BINOMIAL)}
    prior |= {one.short: one.prior for one in effect_priors(BINOMIAL, 1 if claim_of(evidence, BINOMIAL).above else -1)}
    scales = {one.short: one.prior for one in heterogeneity_priors(BINOMIAL)}
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
    return fit_posterior(Surface(tuple(curves)), mu, tau_shape(tau))


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["strength", "disability"])
def test_cells_against_one_fit_each(outcome):
    evidence, paired = load_evidence(REVIEW, outcome), load_evidence(REVIEW, outcome, "crossover")
    plan = lay_out(evidence, BINOMIAL, paired, claim_of(evidence, BINOMIAL))
    rng = np.random.default_rng(20070315)
    by_likelihood: dict[int, list] = {}
    for cell in plan.cells:
        by_likelihood.setdefault(cell.codes[2], []).append(cell)
    chosen = tuple(cells[i] for cells in by_likelihood.values() for i in rng.choice(len(cells), 1))
    answers, _ = answer_all(replace(plan, cells=chosen), (0.025, 0.5, 0.975))
    for i, cell in enumerate(chosen):
        for _ in range(2):
            t, m = rng.integers(len(plan.scales)), rng.integers(len(plan.effects))
            codes = (*cell.codes, m, t)
            labels = {axis.name: axis.levels[code] for axis, code in zip(plan.axes, codes, strict=True)}
            choices = {name: label for name, label in labels.items() if label}
            known = one_fit(outcome, choices)
            low, middle, high = known.mu.quantile(np.array([0.025, 0.5, 0.975]))
            found = answers.quantiles[i, t, m] / (high - low)
            np.testing.assert_allclose(
                found, np.array([low, middle, high]) / (high - low), atol=1e-5, err_msg=str(choices)
            )
            assert answers.p_gt_0[i, t, m] == pytest.approx(known.mu.p_gt(0.0), abs=1e-5), choices
            assert answers.log_evidence[i, t, m] == pytest.approx(known.log_evidence, abs=1e-5), choices


@pytest.mark.slow
def test_far_tails_do_not_carry_a_posterior_away():
    """A weakly informative baseline on the control risk, heavy tails on mu and tau: polynomials once rose far out."""
    model = with_priors(
        default_model("binomial", "OR", "random", "control"), {"baseline": parse_prior("normal(0, 1.5)")}
    )
    evidence = load_evidence(REVIEW, "strength")
    curves = [study_curve(s, model) for s in evidence.studies]
    mu = shape_of(parse_prior("student-t(4, 0, 0.58)"))
    tau = [shape_of(parse_prior(text)) for text in ("half-cauchy(0.5)", "log-normal(-1.03, 0.755)", "half-normal(1)")]
    for out in range(3):
        surface = Surface(tuple(curve for i, curve in enumerate(curves) if i != out))
        grid = answer_grid(surface, [mu, shape_of(parse_prior("normal(0, 10)"))], tau, (0.025, 0.5, 0.975))
        for k, shape in enumerate(tau):
            known = fit_posterior(surface, mu, shape)
            quantiles = known.mu.quantile(np.array([0.025, 0.5, 0.975]))
            np.testing.assert_allclose(grid.quantiles[k, 0], quantiles, atol=1e-5)
