"""The exact engine against every dataset and every prior of tests/reference, to the accuracy the project promises."""

import csv
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, shape_of
from bayes_ivig.quadrature.curves import NormalCurve
from bayes_ivig.quadrature.panels import Landmark
from bayes_ivig.quadrature.surface import Surface

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
    below: float = 0.0


FLAT = Improper("flat", lambda x: np.zeros(np.shape(x)), (-math.inf, math.inf), (-1e25, 1e25))


def jeffreys(se):
    """Jeffreys prior of tau in the normal model: sqrt(sum (tau / (tau^2 + se^2))^2) (Roever 2020, sec. 2.2)."""

    def logpdf(tau):
        with np.errstate(divide="ignore"):
            return 0.5 * np.log(((tau[..., None] / (tau[..., None] ** 2 + se**2)) ** 2).sum(axis=-1))

    return Improper("Jeffreys", logpdf, (0.0, math.inf), (0.0, 1e25), (Landmark(0.0, float(se.min())),))


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
                    yield pytest.param(path.stem, key, prior, id=f"{path.stem}-{key}-{prior}")


def effects_of(name, key):
    """(y, se) as the reference had them."""
    reference = json.loads((REFERENCE / f"{name}.json").read_text())
    suffix = key.removeprefix("exact_quadrature").strip("_")
    if f"escalc_{suffix}" in reference:
        block = reference[f"escalc_{suffix}"]
        return np.array(block["yi"]), np.array(block.get("sei") or np.sqrt(block["vi"]))
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


@pytest.mark.parametrize(("name", "key", "prior"), normal_cases())
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
