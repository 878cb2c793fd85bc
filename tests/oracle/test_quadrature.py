"""The exact engine against every dataset and every prior of tests/reference, to the accuracy the project promises."""

import csv
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.quadrature.panels import Landmark
from bayes_ivig.quadrature.surface import Surface
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import TwoArm

REFERENCE = Path(__file__).parents[1] / "reference"
TAU = {
    "HN": "half-normal({})",
    "HC": "half-cauchy({})",
    "U0_": "uniform(0, {})",
    "U": "uniform(0, {})",
}


class Improper(NamedTuple):
    """An improper density, which the grammar of priors refuses and the reference programs offer."""

    text: str
    logpdf: object
    support: tuple
    range: tuple
    landmarks: tuple = ()
    breaks: tuple = ()
    point: float | None = None

    def beyond(self, low, high):
        return 0.0, 0.0


FLAT = Improper("flat", lambda x: np.zeros(np.shape(x)), (-math.inf, math.inf), (-1e12, 1e12))


def jeffreys(se):
    """Jeffreys prior of tau in the normal model: sqrt(sum (tau / (tau^2 + se^2))^2) (Roever 2020, sec. 2.2)."""

    def logpdf(tau):
        with np.errstate(divide="ignore"):
            return 0.5 * np.log(((tau[..., None] / (tau[..., None] ** 2 + se**2)) ** 2).sum(axis=-1))

    return Improper("Jeffreys", logpdf, (0.0, math.inf), (0.0, 1e10), (Landmark(0.0, float(se.min())),))


def mu_shape(text):
    return FLAT if text == "mu_flat" else shape_of(parse_prior(text.removeprefix("mu").replace("N(", "normal(")))


def tau_shape(text, se):
    text = text.removeprefix("tau_")
    if text == "Jeffreys":
        return jeffreys(se)
    name = next(name for name in sorted(TAU, key=len, reverse=True) if text.startswith(name))
    return shape_of(parse_prior(TAU[name].format(text.removeprefix(name).strip("()"))))


def normal_cases():
    for path in sorted(REFERENCE.glob("*.json")):
        reference = json.loads(path.read_text())
        for key, block in reference.items():
            if key.startswith("exact_quadrature"):
                for prior in block:
                    quick = path.stem == "strength" and prior.endswith("HN0.5")
                    marks = () if quick else pytest.mark.slow
                    yield pytest.param(path.stem, key, prior, id=f"{path.stem}-{key}-{prior}", marks=marks)


def effects_of(name, key):
    """(y, se) as the reference had them."""
    reference = json.loads((REFERENCE / f"{name}.json").read_text())
    suffix = key.removeprefix("exact_quadrature").strip("_")
    if f"escalc_{suffix}" in reference:
        rows = reference[f"escalc_{suffix}"]
        return np.array([row["yi"] for row in rows]), np.array([row["sei"] for row in rows])
    with (REFERENCE / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    y, se = (f"{suffix}_yi", f"{suffix}_sei") if suffix else ("yi", "sei")
    if y not in rows[0]:
        y, se = next((a, b) for a, b in (("yi", "sei"), ("logOR_yi", "logOR_sei")) if a in rows[0])
    kept = [row for row in rows if row[y] not in ("", "NA")]
    return np.array([float(row[y]) for row in kept]), np.array([float(row[se]) for row in kept])


def deviations(marginal, expected):
    """Differences in SDs of the reference, of every number it gives for one quantity."""
    sd = expected["sd"] if expected.get("sd") is not None and math.isfinite(expected["sd"]) else None
    low, high = expected["ci95_central"]
    unit = sd or (high - low) / 4
    yield (float(marginal.quantile(0.5)) - expected["median"]) / unit
    yield (marginal.interval(0.95)[0] - low) / unit
    yield (marginal.interval(0.95)[1] - high) / unit
    if expected.get("mean") is not None and sd:
        yield (marginal.mean - expected["mean"]) / unit
        yield (marginal.sd - sd) / unit
    if "q95" in expected:
        yield (float(marginal.quantile(0.95)) - expected["q95"]) / unit
    if "ci95_shortest" in expected:
        low, high = expected["ci95_shortest"]
        yield 1e-2 * (marginal.hdi(0.95)[0] - low) / unit  # a minimum: flat, so good to half the digits
        yield 1e-2 * (marginal.hdi(0.95)[1] - high) / unit
    if "P_gt_0" in expected:
        yield marginal.p_gt(0.0) - expected["P_gt_0"]


@pytest.mark.parametrize(("name", "key", "prior"), list(normal_cases()))
def test_normal_likelihood(name, key, prior):
    expected = json.loads((REFERENCE / f"{name}.json").read_text())[key][prior]
    y, se = effects_of(name, key)
    mu, tau = prior.split("|")
    surface = Surface(tuple(NormalCurve(float(a), float(b)) for a, b in zip(y, se, strict=True)))
    posterior = fit_posterior(surface, mu_shape(mu), tau_shape(tau, se))
    worst = {
        "mu": max(map(abs, deviations(posterior.mu, expected["mu"]))),
        "tau": max(map(abs, deviations(posterior.tau, expected["tau"]))),
        "theta_new": max(map(abs, deviations(posterior.theta_new, expected["theta_new"]))),
    }
    for curve, row in zip(posterior.theta, expected["shrinkage"], strict=True):
        worst[row["label"]] = max(map(abs, deviations(curve, row)))
    if expected.get("log_marginal_likelihood") is not None:
        worst["evidence"] = abs(posterior.log_evidence - expected["log_marginal_likelihood"])
    assert max(worst.values()) < 1e-8, worst


BINOMIAL = {"UM01": ("binomial", "control"), "UMpm": ("binomial", "midpoint"), "NCH": ("conditional", None)}


def binomial_cases():
    for name in ("strength", "toy_disability"):
        for key in json.loads((REFERENCE / f"{name}.json").read_text())["binomial_normal_exact"]:
            marks = () if name == "strength" and key.endswith("HN0.5") else pytest.mark.slow
            yield pytest.param(name, key, id=f"{name}-{key}", marks=marks)


@pytest.mark.parametrize(("name", "key"), list(binomial_cases()))
def test_binomial_likelihood(name, key):
    reference = json.loads((REFERENCE / f"{name}.json").read_text())
    expected = reference["binomial_normal_exact"][key]
    studies = tuple(TwoArm(r["study"], r["ai"], r["n1i"], r["ci"], r["n2i"]) for r in reference["data"])
    _, kind, tau = key.split("|")
    likelihood, parametrisation = BINOMIAL[kind]
    model = default_model(likelihood, "OR", "random", parametrisation)
    if likelihood == "binomial":
        model = with_priors(model, {"baseline": parse_prior("normal(0, 10)")})
    text = {"HN": "half-normal({})", "HC": "half-cauchy({})", "U": "uniform(0, {})"}[tau.rstrip("0123456789.")]
    tau_prior = shape_of(parse_prior(text.format(tau.lstrip("HNCU"))))
    posterior = fit_posterior(make_surface(studies, model), shape_of(parse_prior("normal(0, 2.82)")), tau_prior)
    heavy = "HC" in tau  # the reference has two digits there
    moments, quantiles, evidence = (5e-2, 5e-2, 5e-2) if heavy else (1e-6, 1e-5, 1e-6)
    for quantity in ("mu", "tau") if heavy else ("mu", "tau", "theta_new"):
        found, wanted = getattr(posterior, quantity), expected[quantity]
        low, high = wanted["ci95_central"]
        unit = (high - low) / 4 if heavy else wanted["sd"]
        assert abs(float(found.quantile(0.5)) - wanted["median"]) < quantiles * unit
        assert abs(found.interval(0.95)[0] - low) < quantiles * unit
        if not heavy:
            assert abs(found.interval(0.95)[1] - high) < quantiles * unit
            assert abs(found.mean - wanted["mean"]) < moments * unit
            assert abs(found.sd - wanted["sd"]) < moments * unit
    assert abs(posterior.mu.p_gt(0.0) - expected["mu"]["P_gt_0"]) < quantiles
    assert abs(posterior.log_evidence - expected["log_marginal_likelihood"]) < evidence
    assert posterior.movement < 1e-6


def test_every_reference_is_compared():
    blocks = [json.loads(path.read_text()) for path in REFERENCE.glob("*.json")]
    normal = sum(len(b[key]) for b in blocks for key in b if key.startswith("exact_quadrature"))
    binomial = sum(len(b.get("binomial_normal_exact", ())) for b in blocks)
    assert len(list(normal_cases())) == normal == 130
    assert len(list(binomial_cases())) == binomial == 24
