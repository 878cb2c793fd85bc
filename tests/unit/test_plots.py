import math
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import arviz_base
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread
from matplotlib.text import Text
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm
from scipy.stats.contingency import odds_ratio

from bayes_ivig.diagnostics import Check
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit import Fit
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.nuts import _draw_prior
from bayes_ivig.plots import draw_figures, save_figures
from bayes_ivig.plots.densities import effect_density, kernel_density, new_effect_draws
from bayes_ivig.plots.forest import published_results
from bayes_ivig.plots.marks import Interval, choose_range
from bayes_ivig.plots.raw import raw_effects
from bayes_ivig.plots.scale import interval_text, ratio_text, ticks
from bayes_ivig.plots.style import house_style, literal, shorten, text_width, wrap
from bayes_ivig.plots.trace import rank_counts
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.published import Published, reproduce
from bayes_ivig.spec import default_model
from bayes_ivig.studies import Effect, Means, SingleArm, TwoArm
from bayes_ivig.summary import summarise

NAMES = ("forest", "prior-posterior", "trace", "predictive-check")
STRENGTH = (
    TwoArm("Azulay 1994", 5, 5, 0, 5, 5),
    TwoArm("Federico 2000", 11, 16, 0, 16, 16),
    TwoArm("Van den Berg 1995", 5, 6, 1, 6, 6),
)
PUBLISHED_RR = Published("current-care", "strength improved", "RR", "reproduced", "11.00", ("2.86", "42.25"))
HOSTILE = (
    TwoArm("$\\frac{1}{2}$ and $100 of _under_ ^score^", 3, 8, 1, 9),
    TwoArm("[a] [/] [bold red]", 4, 9, 2, 9),
    TwoArm("<b>bold</b> & \"quoted\" 'name' </text>", 2, 9, 2, 9),
    TwoArm("=HYPERLINK(1) \x1b[31m red \x00 end", 2, 9, 2, 9),
    TwoArm("מחקר בעברית 1999", 2, 9, 1, 9),
    TwoArm("دراسة عربية", 2, 9, 1, 9),
    TwoArm("A trial with a very long name indeed, of more than fifty characters, and then some", 1, 9, 0, 9),
    TwoArm("W" * 60, 1, 9, 0, 9),
    TwoArm("臨床試験 2003", 1, 9, 0, 9),
)


def make_fit(studies, likelihood="binomial", measure="OR", effect="random", center=0.0, spread=0.6, **choices):
    """A fit whose draws are normal, not sampled: good enough to be drawn."""
    priors = choices.pop("priors", {})
    published = choices.pop("published", ())
    checks = choices.pop("checks", ())
    model = default_model(likelihood, measure, effect)
    if priors:
        resolved = {key: resolve_prior(text, where=key) for key, text in priors.items()}
        model = replace(model, priors=MappingProxyType({**model.priors, **resolved}))
    evidence = Evidence("user", "outcome", tuple(studies), **{"title": "Strength improved", **choices})
    rng = np.random.default_rng(1)
    shape, k = (4, 500), len(studies)
    draws = {"mu": center + spread * rng.standard_normal(shape)}
    tau = np.abs(0.4 * rng.standard_normal(shape)) if effect == "random" else np.zeros(shape)
    offsets = rng.normal(0, 0.3, k) if effect == "random" else np.zeros(k)
    draws["theta"] = draws["mu"][..., None] + offsets + tau[..., None] * rng.standard_normal((*shape, k))
    draws["theta_new"] = draws["mu"] + tau * rng.standard_normal(shape)
    if effect == "random":
        draws["tau"] = tau
    module = LIKELIHOODS[likelihood]
    data = module.make_data(evidence.studies, measure)
    if likelihood == "binomial":
        draws["baseline"] = rng.normal(0, 1, (*shape, k))
    draws |= module.derive(draws, data, model)
    groups = {
        "posterior": draws,
        "posterior_predictive": module.predict(draws, data, rng),
        "prior": _draw_prior(evidence.studies, model, rng),
        "observed_data": module.observed(data),
    }
    return Fit(
        evidence=evidence,
        model=model,
        engine="nuts",
        prob=0.95,
        mu=summarise(draws["mu"], 0.95),
        tau=summarise(draws["tau"], 0.95) if effect == "random" else None,
        theta_new=summarise(draws["theta_new"], 0.95),
        studies=tuple(summarise(draws["theta"][..., i], 0.95) for i in range(k)),
        in_trials=None,
        at_control_risk=None,
        control_risk=None,
        comparators=(),
        published=tuple(reproduce(p, evidence.studies) for p in published),
        checks=checks,
        draws=arviz_base.from_dict(groups),
    )


def strength_fit(**choices):
    names = {"treatment": "IVIg", "control": "placebo", "benefit": "higher"}
    return make_fit(STRENGTH, center=3.2, spread=0.9, published=(PUBLISHED_RR,), **{**names, **choices})


def forty_trials():
    rng = np.random.default_rng(2)
    n = rng.integers(20, 4000, 40)
    return [
        TwoArm(f"Author {i} {1980 + i}", int(rng.binomial(m, 0.12)), int(m), int(rng.binomial(m, 0.15)), int(m))
        for i, m in enumerate(n)
    ]


CASES = {
    "strength": strength_fit,
    "strength-rr": lambda: make_fit(
        STRENGTH,
        measure="RR",
        center=1.9,
        published=(PUBLISHED_RR,),
        treatment="IVIg",
        control="placebo",
        benefit="higher",
    ),
    "common": lambda: strength_fit(effect="common"),
    "one-md": lambda: make_fit(
        [Effect("Federico 2000", 7.4, 2.0)],
        likelihood="normal",
        measure="MD",
        effect="common",
        center=7.2,
        spread=1.9,
        priors={"mu": "normal(0, 10)"},
        unit="kg",
        benefit="higher",
        treatment="IVIg",
        control="placebo",
        title="Grip strength",
    ),
    "means": lambda: make_fit(
        [Means("A 1990", 5.0, 2.0, 20, 3.0, 2.5, 22), Means("B 1995", 6.0, 3.0, 30, 5.5, 2.5, 31)],
        likelihood="normal",
        measure="SMD",
        center=0.4,
        spread=0.2,
        benefit="lower",
    ),
    "unnamed-effect": lambda: make_fit(
        [Effect("A", -210.0, 80.0), Effect("B", 35.0, 60.0)],
        likelihood="normal",
        measure="effect",
        center=-80.0,
        spread=60.0,
        priors={"mu": "0.8*normal(0, 100) + 0.2*normal(0, 1000)", "tau": "half-normal(50)"},
    ),
    "forty": lambda: make_fit(forty_trials(), center=-0.2, spread=0.05, benefit="lower", role="harm"),
    "sixty": lambda: make_fit([TwoArm(f"T{i}", 1 + i % 4, 10, i % 3, 11) for i in range(60)], center=0.6, spread=0.2),
    "single-arm": lambda: make_fit(
        [SingleArm("A 1990", 0, 5), SingleArm("B 1995", 3, 40), SingleArm("C 2001", 0, 0)],
        likelihood="single-arm",
        measure="rate",
        center=-2.6,
        title="Serious adverse events",
    ),
    "hostile": lambda: make_fit(
        HOSTILE,
        center=0.5,
        title="$x$ <i>title</i> [red]" + " long" * 40,
        treatment="$T_1$ <b>",
        control="a control with a very long name, longer than its column",
    ),
    "failed": lambda: strength_fit(
        checks=(
            Check("R-hat, largest", 1.07, 1.01, False, "run longer"),
            Check("divergent transitions", 12, 0, False, "raise target_accept"),
            Check("E-BFMI, smallest", 0.9, 0.3, True, ""),
        )
    ),
    "double-zero": lambda: make_fit(
        [
            TwoArm("Azulay 1994", 0, 5, 0, 5),
            TwoArm("Léger 2001", 4, 7, 2, 7),
            TwoArm("Van den Berg 1995", 3, 6, 0, 6),
            TwoArm("All respond", 6, 6, 6, 6),
            TwoArm("Empty arm", 0, 0, 1, 6),
        ],
        center=1.2,
        treatment="IVIg",
        control="placebo",
        benefit="higher",
        title="Disability improved",
    ),
    "fixed-priors": lambda: strength_fit(priors={"mu": "fixed(3)", "tau": "fixed(0.4)"}),
}


@pytest.fixture(scope="module")
def drawn():
    return {name: draw_figures(case()) for name, case in CASES.items()}


def texts_of(figure):
    return [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
