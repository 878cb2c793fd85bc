"""The sampling engine against exact numbers of other programs and a brute-force sum, in Monte-Carlo errors."""

import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace

import arviz_stats
import brute_force
import numpy as np
import pymc as pm
import pytest
from scipy import stats
from scipy.interpolate import CubicSpline

from bayes_ivig import nuts
from bayes_ivig.diagnostics import check_sampling
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Effect, Paired, PairedMargins, SingleArm, TwoArm

pytestmark = pytest.mark.slow

REFERENCE = Path(__file__).parents[1] / "reference"
STRENGTH = (TwoArm("Azulay", 5, 5, 0, 5), TwoArm("Federico", 11, 16, 0, 16), TwoArm("Van den Berg", 5, 6, 1, 6))
MAX_Z = 4.0


def sample(studies, model, priors):
    model = with_priors(model, {key: resolve_prior(text) for key, text in priors.items()})
    ready = nuts.compile_model(studies, model)
    tree = nuts.sample(ready, target_accept=0.99, draws=2000).to_datatree()
    assert all(check.passed for check in check_sampling(tree)), check_sampling(tree)
    return tree


def assert_agrees(draws, mean, sd, quantiles=None):
    """Mean, SD and quantiles within MAX_Z Monte-Carlo standard errors."""
    z = (float(draws.mean()) - mean) / float(arviz_stats.mcse(draws, method="mean"))
    assert abs(z) < MAX_Z, f"mean {float(draws.mean()):.4f} against {mean:.4f}"
    z = (float(draws.std()) - sd) / float(arviz_stats.mcse(draws, method="sd"))
    assert abs(z) < MAX_Z, f"SD {float(draws.std()):.4f} against {sd:.4f}"
    for prob, value in (quantiles or {}).items():
        error = float(arviz_stats.mcse(draws, method="quantile", prob=prob))
        assert abs(float(draws.quantile(prob)) - value) < MAX_Z * error, f"{prob} quantile"


RISKS = {"baseline_risk", "baseline"}


@pytest.mark.parametrize(
    ("likelihood", "measure", "study", "named"),
    [
        ("binomial", "OR", STRENGTH[0], {*RISKS, "events_c", "events_t"}),
        ("conditional", "OR", STRENGTH[0], set()),
        ("crossover", "OR", Paired("a", 1, 1, 1, 1), {*RISKS, "association"}),
        ("single-arm", "rate", SingleArm("a", 1, 2), {"events"}),
    ],
)
def test_what_a_model_has_of_each_trial_goes_by_its_name(likelihood, measure, study, named):
    parametrisation = "midpoint" if "baseline" in named else None
    model = nuts.build_model((study,), default_model(likelihood, measure, "random", parametrisation))
    assert model.named_vars_to_dims == dict.fromkeys({"z", *named}, ("study",))
    assert tuple(model.coords["study"]) == (study.study,)


@pytest.mark.parametrize(("parametrisation", "likelihood"), [("midpoint", "UMpm"), ("control", "UM01")])
@pytest.mark.parametrize(("tau", "name"), [("half-normal(0.5)", "HN0.5"), ("half-normal(1)", "HN1")])
def test_binomial_agrees_with_reference(parametrisation, likelihood, tau, name):
    reference = json.loads((REFERENCE / "strength.json").read_text())["binomial_normal_exact"][f"S|{likelihood}|{name}"]
    tree = sample(
        STRENGTH, default_model("binomial", "OR", "random", parametrisation), {"tau": tau, "baseline": "normal(0, 10)"}
    )
    for variable in ("mu", "tau", "theta_new"):
        exact = reference[variable]
        low, high = exact["ci95_central"]
        assert_agrees(
            tree.posterior[variable], exact["mean"], exact["sd"], {0.025: low, 0.5: exact["median"], 0.975: high}
        )


@pytest.mark.parametrize(
    ("measure", "parametrisation", "baseline", "density"),
    [
        ("OR", "midpoint", "beta(1, 1)", ("beta", 1, 1)),
        ("RR", "midpoint", "beta(1, 1)", ("beta", 1, 1)),
        ("RR", "control", "beta(1, 1)", ("beta", 1, 1)),
        ("RR", "control", "normal(0, 1.5)", ("normal", 0, 1.5)),
        ("RR", "control", "0.5*beta(1, 1) + 0.5*beta(2, 4)", None),
    ],
)
def test_binomial_agrees_with_brute_force(measure, parametrisation, baseline, density):
    if density is None:
        parts = (brute_force.baseline_on_logit("beta", 1, 1), brute_force.baseline_on_logit("beta", 2, 4))
        on_logit = 0.5 * parts[0] + 0.5 * parts[1]
    else:
        on_logit = brute_force.baseline_on_logit(*density)
    scale_mu, scale_tau = (2.82, 0.5) if measure == "OR" else (2, 0.35)
    exact = brute_force.posterior(
        [brute_force.profile(study, measure, parametrisation, on_logit) for study in STRENGTH],
        stats.norm(0, scale_mu),
        stats.halfnorm(scale=scale_tau),
        (np.arange(60) + 0.5) * 0.05,
    )
    tree = sample(STRENGTH, default_model("binomial", measure, "random", parametrisation), {"baseline": baseline})
    assert_agrees(tree.posterior["mu"], exact["mu_mean"], exact["mu_sd"])
    assert_agrees(tree.posterior["tau"], exact["tau_mean"], exact["tau_sd"])


def test_normal_agrees_with_reference():
    """Eight schools; the exact values of bayesmeta's example are in reference/PUBLISHED.md."""
    with (REFERENCE / "Rubin1981.csv").open(newline="") as file:
        studies = tuple(Effect(row["study"], float(row["yi"]), float(row["sei"])) for row in csv.DictReader(file))
    model = default_model("normal", "effect", "random")
    tree = sample(studies, model, {"mu": "normal(0, 50)", "tau": "half-cauchy(25)"})
    assert_agrees(tree.posterior["mu"], 7.98604, 4.99560)
    assert_agrees(tree.posterior["tau"], 5.88451, 4.86990, {0.5: 4.7555, 0.975: 18.0457})
    assert_agrees(tree.posterior["theta_new"], 7.98604, 9.12685)
    exact = json.loads((REFERENCE / "Rubin1981.json").read_text())["exact_quadrature"]["muN(0,50)|tau_HN5"]
    tree = sample(studies, model, {"mu": "normal(0, 50)", "tau": "half-normal(5)"})
    for i, shrunken in enumerate(exact["shrinkage"]):
        assert_agrees(tree.posterior["theta"].isel(study=i), shrunken["mean"], shrunken["sd"])


def test_single_arm_agrees_with_reference():
    """RBesT's ankylosing spondylitis controls, exact values in reference/PUBLISHED.md."""
    counts = [(23, 107), (12, 44), (19, 51), (9, 39), (39, 139), (6, 20), (9, 78), (10, 35)]
    studies = tuple(SingleArm(f"{i}", r, n) for i, (r, n) in enumerate(counts))
    tree = sample(
        studies, default_model("single-arm", "rate", "random"), {"mu": "normal(0, 2)", "tau": "half-normal(1)"}
    )
    assert_agrees(tree.posterior["tau"], 0.37943, 0.21063, {0.025: 0.0431, 0.5: 0.3504, 0.975: 0.8709})
    assert_agrees(tree.posterior["mu"], -1.1037, 0.1893)
    rate = 1 / (1 + np.exp(-tree.posterior["theta_new"]))
    assert_agrees(rate, 0.25828, 0.08741, {0.025: 0.1109, 0.5: 0.2486, 0.975: 0.4714})


@pytest.mark.parametrize("association", ["normal(0, 1.5)", "fixed(1.5)"])
def test_crossover_agrees_with_brute_force(association):
    """A table, margins only, and pairs with single patients, in one model."""
    studies = (
        Paired("table", 1, 8, 2, 5),
        PairedMargins("margins", 5, 1, 6),
        Paired("pairs and singles", 0, 2, 0, 3, 2, 2, 2, 2),
    )
    knots = np.linspace(-16, 16, 65)
    if association.startswith("fixed"):  # all of its mass in one column of the grid
        density = SimpleNamespace(pdf=lambda x: (x == 1.5) / (brute_force.LAMBDA[1] - brute_force.LAMBDA[0]))
    else:
        density = stats.norm(0, 1.5)
    profiles = []
    for study in studies:
        logs = [
            math.log(brute_force.paired_profile(study, x, "midpoint", brute_force.uniform_risk_on_logit, density, 8))
            for x in knots
        ]
        # Straight beyond the knots, as an integrated likelihood is far out.
        inside = np.clip(brute_force.THETA, knots[0], knots[-1])
        curve = CubicSpline(knots, logs)
        profiles.append(np.exp(curve(inside) + curve(inside, 1) * (brute_force.THETA - inside)))
    exact = brute_force.posterior(
        profiles, stats.norm(0, 2.82), stats.halfnorm(scale=0.5), (np.arange(60) + 0.5) * 0.05
    )
    tree = sample(studies, default_model("crossover", "OR", "random", "midpoint"), {"association": association})
    assert_agrees(tree.posterior["mu"], exact["mu_mean"], exact["mu_sd"])
    assert_agrees(tree.posterior["tau"], exact["tau_mean"], exact["tau_sd"])


def test_conditional_agrees_with_reference():
    reference = json.loads((REFERENCE / "strength.json").read_text())["binomial_normal_exact"]["S|NCH|HN0.5"]
    tree = sample(STRENGTH, default_model("conditional", "OR", "random"), {})
    for variable in ("mu", "tau", "theta_new"):
        exact = reference[variable]
        low, high = exact["ci95_central"]
        assert_agrees(
            tree.posterior[variable], exact["mean"], exact["sd"], {0.025: low, 0.5: exact["median"], 0.975: high}
        )


def test_common_effect_has_no_heterogeneity():
    tree = sample(STRENGTH, default_model("binomial", "OR", "common", "midpoint"), {})
    assert "tau" not in tree.posterior
    assert np.array_equal(tree.posterior["theta_new"], tree.posterior["mu"])
    assert np.array_equal(tree.posterior["theta"].isel(study=2), tree.posterior["mu"])


def test_same_seed_gives_same_draws():
    ready = nuts.compile_model(STRENGTH, default_model("binomial", "OR", "random", "midpoint"))
    first, second = (nuts.sample(ready, target_accept=0.95, draws=300).to_datatree() for _ in range(2))
    for group in ("posterior", "prior", "posterior_predictive", "prior_predictive", "log_likelihood"):
        assert first[group].to_dataset().identical(second[group].to_dataset()), group


@pytest.mark.parametrize(
    "prior",
    ["student-t(4, 0, 1)", "cauchy(0, 1)", "uniform(-3, 3)", "fixed(0.4)", "0.7*normal(0, 1) + 0.3*normal(0, 3)"],
)
def test_every_family_of_mu_reaches_pymc(prior):
    """The density PyMC builds is the density the prior states."""
    model = with_priors(default_model("normal", "OR", "common"), {"mu": resolve_prior(prior)})
    pymc_model = nuts.build_model((Effect("a", 0.5, 0.8),), model)
    parsed = resolve_prior(prior)
    if parsed.is_point:
        assert not pymc_model.free_RVs
        return
    x = np.array([-1.3, 0.2, 2.1])
    assert pm.logp(pymc_model["mu"], x).eval() == pytest.approx(
        parsed.logpdf(x), abs=1e-8
    )  # PyMC keeps 2 / pi in 32 bits


@pytest.mark.parametrize(
    "prior",
    [
        "half-normal(0.5)",
        "half-cauchy(0.5)",
        "half-student-t(3, 0.5)",
        "exponential(2)",
        "log-normal(-1, 0.7)",
        "inverse-gamma(1.74, 0.49)",
        "0.7*half-normal(0.3) + 0.3*half-normal(1)",
    ],
)
def test_every_family_of_tau_reaches_pymc(prior):
    model = with_priors(default_model("normal", "OR", "random"), {"tau": resolve_prior(prior)})
    pymc_model = nuts.build_model((Effect("a", 0.5, 0.8), Effect("b", 0.1, 0.3)), model)
    x = np.array([0.05, 0.4, 1.7])
    assert pm.logp(pymc_model["tau"], x).eval() == pytest.approx(
        resolve_prior(prior).logpdf(x), abs=1e-8
    )  # PyMC keeps 2 / pi in 32 bits


def test_log_student_t_of_tau_is_sampled():
    """Rhodes 2015 as it stands in the table; the sampled prior must be the stated one when the data are silent."""
    studies = (Effect("a", 0.0, 50.0), Effect("b", 0.0, 50.0))
    tau = "log-student-t(5, -1.5, 0.4)"
    tree = sample(studies, default_model("normal", "SMD", "random"), {"tau": tau})
    for prob in (0.1, 0.5, 0.9):
        error = float(arviz_stats.mcse(tree.posterior["tau"], method="quantile", prob=prob))
        exact = float(resolve_prior(tau).ppf(prob))
        assert abs(float(tree.posterior["tau"].quantile(prob)) - exact) < MAX_Z * error
