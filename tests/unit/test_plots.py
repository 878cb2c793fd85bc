import math
import re
import threading
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
from bayes_ivig.draws import draw_prior
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit import Fit
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.plots import draw_figures, save_figures
from bayes_ivig.plots.densities import effect_density, kernel_density, new_effect_draws
from bayes_ivig.plots.forest import published_results
from bayes_ivig.plots.marks import Interval, choose_range
from bayes_ivig.plots.prior_posterior import draw_prior_posterior
from bayes_ivig.plots.raw import raw_effects
from bayes_ivig.plots.scale import interval_text, ratio_text, ticks
from bayes_ivig.plots.style import house_style, literal, shorten, text_width
from bayes_ivig.plots.trace import draw_trace, rank_counts
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.published import Published, reproduce
from bayes_ivig.spec import NUISANCE, default_model
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm
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
    draws |= {name: rng.normal(0, 1, (*shape, k)) for name in NUISANCE[likelihood]}
    draws |= module.derive(draws, data, model)
    groups = {
        "posterior": draws,
        "posterior_predictive": module.predict(draws, data, rng),
        "prior": draw_prior(evidence.studies, model, rng),
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
    "crossover": lambda: make_fit(
        [
            Paired("Azulay 1994", 0, 0, 0, 5),
            Paired("Léger 2001", 0, 2, 0, 3, 2, 2, 2, 2),
            PairedMargins("Van den Berg 1995", 3, 0, 6),
        ],
        likelihood="crossover",
        center=1.6,
    ),
    "conditional": lambda: make_fit(
        [TwoArm("Azulay 1994", 0, 5, 0, 5), TwoArm("Federico 2000", 11, 16, 0, 16)],
        likelihood="conditional",
        center=3.0,
    ),
    "huge-counts": lambda: make_fit(
        [TwoArm("A registry of everyone", 10**8, 10**9, 10**7, 10**9), TwoArm("B", 123456, 654321, 123456, 654321)],
        center=0.5,
        spread=0.01,
    ),
    "huge-differences": lambda: make_fit(
        [Effect("A", -2.1e7, 8e6), Effect("B", 3.5e8, 6e6)],
        likelihood="normal",
        measure="MD",
        center=-8e7,
        spread=6e7,
        priors={"mu": "normal(0, 1e8)", "tau": "half-normal(5e7)"},
        unit="a unit with a name",
    ),
    "fixed-priors": lambda: strength_fit(priors={"mu": "fixed(3)", "tau": "fixed(0.4)"}),
}


@pytest.fixture(scope="module")
def drawn():
    return {name: draw_figures(case()) for name, case in CASES.items()}


def texts_of(figure):
    return [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]


def boxes_of(figure):
    with house_style():
        renderer = figure.canvas.get_renderer()
        return [(t.get_text(), t.get_window_extent(renderer)) for t in texts_of(figure)]


def words(figure):
    return " ".join(t.get_text() for t in texts_of(figure))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_texts_lie_inside_the_figure_and_do_not_overlap(drawn, name):
    for figure in drawn[name].values():
        boxes = boxes_of(figure)
        edge = figure.bbox
        for text, box in boxes:
            assert edge.x0 <= box.x0 < box.x1 <= edge.x1, text
            assert edge.y0 <= box.y0 < box.y1 <= edge.y1, text
        for i, (text, box) in enumerate(boxes):
            for other_text, other in boxes[i + 1 :]:
                width = min(box.x1, other.x1) - max(box.x0, other.x0)
                height = min(box.y1, other.y1) - max(box.y0, other.y0)
                assert width <= 1 or height <= 2, (text, other_text)  # pixels; the boxes hold empty descents


@pytest.mark.parametrize("end", [6.5, 9.0])
def test_a_tick_label_at_the_end_of_an_axis_is_whole(end):
    """Wherever the last panel ends, the long label of its last tick does not leave the page."""
    fit = make_fit(STRENGTH, center=end - 2.5)
    with house_style():
        figure = draw_prior_posterior(fit)
    assert max(box.x1 for _, box in boxes_of(figure)) <= figure.bbox.x1


@pytest.mark.slow
def test_every_figure_is_drawn_at_journal_width(drawn):
    assert tuple(drawn["strength"]) == NAMES
    widths = [figure.get_figwidth() for figures in drawn.values() for figure in figures.values()]
    assert_allclose(widths, 170 / 25.4)


@pytest.mark.slow
def test_height_grows_with_the_trials(drawn):
    heights = [drawn[name]["forest"].get_figheight() for name in ("one-md", "strength", "forty", "sixty")]
    assert heights == sorted(heights)
    assert heights[-1] > 3 * heights[1]


@pytest.mark.slow
def test_forest_prints_the_posterior_of_each_trial(drawn):
    fit, shown = strength_fit(), words(drawn["strength"]["forest"])
    for summary in (*fit.studies, fit.mu, fit.theta_new):
        point, low, high = (f"{math.exp(x):.3g}" for x in (summary.median, *summary.ci))
        assert re.search(rf"{re.escape(point)}\d*\.?0* \({re.escape(low)}", shown), (point, low, high)
    for count in ("5/5", "0/5", "11/16", "0/16", "5/6", "1/6", "3 trials, 27 patients"):
        assert count in shown
    assert "← favours placebo" in shown
    assert "favours IVIg →" in shown


@pytest.mark.slow
def test_favourable_side_follows_the_direction(drawn):
    assert "← favours treatment" in words(drawn["forty"]["forest"])
    assert "← lower with treatment" in words(drawn["unnamed-effect"]["forest"])
    assert "favours" not in words(drawn["single-arm"]["forest"])


@pytest.mark.slow
def test_common_effect_has_no_next_trial_and_no_tau(drawn):
    assert "Next trial" in words(drawn["strength"]["forest"])
    assert "Next trial" not in words(drawn["common"]["forest"])
    assert "above 2.30" in words(drawn["common"]["forest"])
    assert len(drawn["common"]["prior-posterior"].axes) == 1
    assert len(drawn["strength"]["prior-posterior"].axes) == 3


@pytest.mark.slow
def test_published_result_has_a_row_on_its_own_scale_and_a_sentence_on_another(drawn):
    row = "11.00 (2.86 to 42.25)"
    sentence = "Published: RR 11.00 (2.86 to 42.25), reproduced by Mantel-Haenszel, 0.5 in tables with a zero."
    on_rr = [t.get_text() for t in texts_of(drawn["strength-rr"]["forest"])]
    on_or = [t.get_text() for t in texts_of(drawn["strength"]["forest"])]
    assert row in on_rr
    assert "Published" in on_rr
    assert row not in on_or
    assert sentence in on_or


def test_published_results_of_some_trials_or_upside_down_get_no_row():
    some = replace(PUBLISHED_RR, id="some", studies=("Azulay 1994",))
    inverted = replace(PUBLISHED_RR, id="inverted", inverted=True)
    percent = Published("percent", "improved", "percent", "reproduced", "78", arm="t")
    fit = make_fit(STRENGTH, measure="RR", published=(PUBLISHED_RR, some, inverted, percent))
    same, other = published_results(fit)
    assert [r.published.id for r in same] == ["current-care"]
    assert [r.published.id for r in other] == ["inverted"]


@pytest.mark.slow
def test_no_events_are_a_sentence_and_not_a_corrected_number(drawn):
    shown = words(drawn["double-zero"]["forest"])
    for why in ("no events in either arm", "only events in both arms", "no patients in one arm"):
        assert why in shown
    assert "no patients" in words(drawn["single-arm"]["forest"])


@pytest.mark.slow
def test_failed_checks_are_named_in_red_on_every_figure(drawn):
    for figure in drawn["failed"].values():
        label = [t for t in texts_of(figure) if "NOT CONVERGED / CHECK FAILED" in t.get_text()]
        assert [t.get_text() for t in label] == ["NOT CONVERGED / CHECK FAILED: R-hat, largest; divergent transitions"]
        assert label[0].get_color() == "#C00000"
    assert not any("FAILED" in words(figure) for figure in drawn["strength"].values())


@pytest.mark.slow
def test_hostile_names_are_shown_literally(drawn, tmp_path):
    save_figures(drawn["hostile"], tmp_path)
    svg = (tmp_path / "forest.svg").read_text("utf-8")
    assert "[a] [/] [bold red]" in svg
    assert "&lt;b&gt;bold&lt;/b&gt;" in svg
    assert "臨床試験 2003" in svg
    assert "$\\frac{1}" in svg
    assert "\x1b" not in svg
    assert "\x00" not in svg


@pytest.mark.slow
@given(st.text(max_size=80), st.floats(0.3, 3.0))
@settings(max_examples=60, deadline=None)
def test_shortened_text_is_literal_and_fits(text, width):
    with house_style():
        shown = shorten(text, width)
        assert text_width(shown) <= width
    assert shown == literal(text) or shown.endswith("…")
    assert shown.isprintable()


@pytest.mark.slow
def test_trace_names_convergence_of_each_parameter(drawn):
    shown = words(drawn["strength"]["trace"])
    assert re.search(r"μ: 4 chains of 500 draws, R-hat 1\.00\d, bulk ESS [\d,]+, tail ESS [\d,]+\.", shown)
    assert re.search(r"τ: 4 chains of 500 draws, R-hat", shown)
    assert len(drawn["strength"]["trace"].axes) == 4
    assert len(drawn["common"]["trace"].axes) == 2


def test_traces_are_thinned():
    fit = strength_fit()
    long = fit.draws["posterior"]["mu"].values.repeat(20, axis=1)
    with house_style():
        axes = draw_trace(replace(fit, draws=arviz_base.from_dict({"posterior": {"mu": long}}))).axes[0]
    assert max(len(line.get_xdata()) for line in axes.lines) <= 400


def test_rank_counts_of_equal_and_of_separate_chains():
    mixed = np.arange(4000.0).reshape(1000, 4).T
    assert (rank_counts(mixed) == 50).all()
    apart = np.arange(4000.0).reshape(4, 1000)
    assert_allclose(rank_counts(apart)[0, :5], 200)
    assert rank_counts(apart)[0, 5:].sum() == 0


@pytest.mark.slow
def test_predictive_check_prints_whole_counts(drawn):
    fit = strength_fit()
    drawn_counts = fit.draws["posterior_predictive"]["events_t"].values[..., 1].ravel()
    low, median, high = np.sort(drawn_counts)[
        [49, 999, 1949]
    ]  # the smallest counts with 2.5%, 50%, 97.5% below or at them
    assert f"11 of 16; {median} ({low} to {high})" in words(drawn["strength"]["predictive-check"])


# Limits of the raw effects


@pytest.mark.parametrize("table", [(5, 5, 0, 5), (11, 16, 0, 16), (3, 6, 0, 6), (7, 7, 3, 9)])
def test_open_limit_of_the_odds_ratio_is_that_of_the_exact_conditional_interval(table):
    a, n_t, c, n_c = table
    oracle = odds_ratio(np.array([[a, n_t - a], [c, n_c - c]])).confidence_interval(0.95)
    (raw,) = raw_effects([TwoArm("A", *table)], "OR", 0.95)
    assert raw.estimate == raw.high == math.inf
    assert_allclose(math.exp(raw.low), oracle.low, rtol=1e-9)
    (mirrored,) = raw_effects([TwoArm("A", c, n_c, a, n_t)], "OR", 0.95)
    assert (mirrored.estimate, mirrored.low) == (-math.inf, -math.inf)
    assert_allclose(mirrored.high, -raw.low, rtol=1e-12)


def test_open_limit_of_huge_counts_is_found():
    (raw,) = raw_effects([TwoArm("A", 10**6, 10**8, 0, 10**8)], "OR", 0.95)
    # Poisson: the share of T among the events is at least p with p^1e6 = 0.025.
    p = 0.025 ** (1 / 10**6)
    assert_allclose(raw.low, math.log(p / (1 - p)), rtol=2e-3)


def test_score_limits_of_the_risk_ratio_agree_with_koopmans_example():
    from bayes_ivig.plots.raw import score_log_rr_limit

    z = norm.ppf(0.975)
    low, high = score_log_rr_limit(36, 40, 16, 80, z), -score_log_rr_limit(16, 80, 36, 40, z)
    assert_allclose([math.exp(low), math.exp(high)], [2.94, 7.15], atol=0.005)  # Koopman 1984


@pytest.mark.parametrize("table", [(5, 5, 0, 5), (11, 16, 0, 16), (4, 4, 9, 9)])
def test_open_limit_of_the_risk_ratio_solves_the_score_equation(table):
    a, n_t, c, n_c = table
    (raw,) = raw_effects([TwoArm("A", *table)], "RR", 0.95)
    ratio = math.exp(raw.low)
    p_c = np.linspace(0, min(1, 1 / ratio), 2_000_001)[1:-1]
    p_t = ratio * p_c
    best = np.argmax(a * np.log(p_t) + (n_t - a) * np.log1p(-p_t) + c * np.log(p_c) + (n_c - c) * np.log1p(-p_c))
    p_c, p_t = p_c[best], p_t[best]
    chi2 = (a - n_t * p_t) ** 2 / (n_t * p_t * (1 - p_t)) + (c - n_c * p_c) ** 2 / (n_c * p_c * (1 - p_c))
    assert_allclose(chi2, norm.ppf(0.975) ** 2, rtol=2e-5)
    assert raw.estimate == (math.inf if c == 0 else 0.0)


def test_raw_effect_of_a_crossover_trial_is_that_of_its_margins():
    paired = Paired("A", 1, 4, 1, 2, events_t=2, n_t=3, events_c=0, n_c=2)
    assert raw_effects([paired, PairedMargins("B", 7, 3, 10)], "OR", 0.95) == raw_effects(
        [TwoArm("A", 7, 11, 2, 10), TwoArm("B", 7, 10, 3, 10)], "OR", 0.95
    )


def test_raw_effects_without_a_zero_are_woolf_and_katz():
    study = TwoArm("A", 4, 7, 2, 7)
    (odds,), (risk,) = raw_effects([study], "OR", 0.95), raw_effects([study], "RR", 0.95)
    z = norm.ppf(0.975)
    assert_allclose(odds.low, math.log(10 / 3) - z * math.sqrt(1 / 4 + 1 / 3 + 1 / 2 + 1 / 5))
    assert_allclose(risk.high, math.log(2) + z * math.sqrt(1 / 4 - 1 / 7 + 1 / 2 - 1 / 7))


# Scales, densities, ranges


def test_ticks_of_ratios_are_plain_numbers():
    places, labels = ticks("OR", math.log(0.008), math.log(2000))
    assert labels == ["0.01", "0.1", "1", "10", "100", "1,000"]
    assert_allclose(np.exp(places), [0.01, 0.1, 1, 10, 100, 1000])
    assert ticks("RR", math.log(0.4), math.log(6))[1] == ["0.5", "1", "2", "5"]
    assert "1" in ticks("OR", math.log(0.93), math.log(1.12))[1]


def test_ticks_of_rates_and_differences():
    assert ticks("rate", -3.0, 0.1)[1] == ["0.05", "0.2", "0.5"]
    assert ticks("rate", -9.0, 4.0, 6)[1] == ["0.001", "0.01", "0.2", "0.8"]
    assert ticks("MD", -11.0, 5.0, 5)[1] == ["−10", "−5", "0", "5"]


@pytest.mark.slow
@given(st.sampled_from(("OR", "MD", "rate")), st.floats(-8, 8), st.floats(0.02, 12), st.integers(3, 8))
@settings(max_examples=200, deadline=None)
def test_ticks_lie_in_the_range_and_say_where_they_are(measure, low, width, most):
    places, labels = ticks(measure, low, low + width, most)
    assert 1 <= len(places) == len(labels) == len(set(labels))
    assert all(low - 1e-9 <= x <= low + width + 1e-9 for x in places)
    natural = {"OR": np.exp, "MD": np.asarray, "rate": lambda x: 1 / (1 + np.exp(-x))}[measure](np.array(places))
    shown = [float(label.replace(",", "").replace("−", "-")) for label in labels]
    assert_allclose(shown, natural, rtol=6e-3, atol=1e-9)


def test_numbers_are_printed_as_in_a_journal():
    values = [math.log(x) for x in (12.34, 2.1, 80.25)]
    assert interval_text("OR", values, 2) == "12.3 (2.10 to 80.2)"
    assert [ratio_text(x) for x in (0.0004, 1234.0, 1e6)] == ["<0.001", "1,230", ">9,999"]
    assert interval_text("MD", (-0.001, -7.44, 11.0), 1) == "0.0 (−7.4 to 11.0)"
    assert interval_text("rate", (-40.0, -np.inf, 0.0), 1) == "<0.001 (0.000 to 0.500)"


def test_range_holds_every_point_and_is_capped():
    usual = [Interval(0.5, -1.0, 2.0)] * 3
    low, high = choose_range("OR", [*usual, Interval(math.inf, 4.0, math.inf)], usual)
    assert low < -1.0
    assert high > 4.0
    wild = [Interval(1.0, -60.0, 90.0)]
    low, high = choose_range("OR", wild, wild)
    assert -11 < low < -9
    assert 9 < high < 11
    # One absurd interval does not squeeze the rest.
    _, high = choose_range("MD", [*usual, Interval(1.0, -900.0, 900.0)], usual)
    assert high < 10


def test_kernel_density_recovers_a_normal_and_a_half_normal():
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    x, density = kernel_density(draws, -4, 4)
    assert_allclose(density, norm.pdf(x), atol=0.01)
    x, density = kernel_density(np.abs(draws), -1.0, 4.0, 0.0)
    assert x[0] > 0
    assert_allclose(density, 2 * norm.pdf(x), atol=0.02)
    assert_allclose(density.sum() * (x[1] - x[0]), 1, atol=1e-3)


def test_prior_of_a_rate_is_carried_to_the_logit():
    prior = resolve_prior("beta(2, 5)", where="mu")
    total, _ = quad(lambda x: float(effect_density(prior, np.array(x), True)), -30, 30)
    assert_allclose(total, 1, rtol=1e-6)
    flat = effect_density(resolve_prior("beta(1, 1)", where="mu"), np.array([0.0, 1.0]), True)
    assert_allclose(flat, [0.25, math.exp(-1) / (1 + math.exp(-1)) ** 2])


def test_prior_of_a_new_effect_has_the_variance_of_mu_and_tau():
    mu, tau = resolve_prior("normal(1, 2)", where="mu"), resolve_prior("half-normal(1.5)", where="tau")
    draws = new_effect_draws(mu, tau, False)
    assert_allclose([draws.mean(), draws.std()], [1, math.sqrt(4 + 1.5**2)], rtol=0.01)
    point = new_effect_draws(resolve_prior("fixed(3)", where="mu"), resolve_prior("fixed(0.4)", where="tau"), False)
    assert_allclose(np.quantile(point, [0.025, 0.5, 0.975]), 3 + 0.4 * norm.ppf([0.025, 0.5, 0.975]), atol=5e-3)


# Files


@pytest.mark.slow
def test_files_are_complete_and_the_same_every_time(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        save_figures(draw_figures(strength_fit()), folder)
    expected = {f"{name}.{kind}" for name in NAMES for kind in ("svg", "png")}
    assert {path.name for path in first.iterdir()} == expected | {"forest.pdf", "prior-posterior.pdf"}
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name
    svg = (first / "forest.svg").read_text("utf-8")
    assert "Federico 2000" in svg
    assert "<dc:date>" not in svg
    assert imread(first / "forest.png").shape[1] == pytest.approx(200 * 170 / 25.4, abs=1)
    for name in ("forest", "prior-posterior"):
        pdf = (first / f"{name}.pdf").read_bytes()
        assert b"/Subtype /Type0" in pdf  # characters that can be searched, not shapes
        assert b"/ToUnicode" in pdf
        assert b"/Type3" not in pdf
        width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)[1])
        assert width == pytest.approx(170 / 25.4 * 72, abs=0.5)


@pytest.mark.slow
def test_figures_are_drawn_in_threads_as_in_one(tmp_path):
    def work(folder: Path) -> None:
        save_figures(draw_figures(strength_fit()), folder)

    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    threads = [threading.Thread(target=work, args=(folder,)) for folder in folders[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work(folders[0])
    for name in NAMES:
        assert len({(folder / f"{name}.svg").read_bytes() for folder in folders}) == 1


@pytest.mark.slow
def test_no_pyplot_is_imported():
    import subprocess
    import sys

    code = "import bayes_ivig.plots, sys; raise SystemExit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_constant_and_single_chain_draws_are_drawn():
    fit = strength_fit(priors={"mu": "fixed(3)"})
    groups = {name: dict(fit.draws[name].to_dataset().items()) for name in ("posterior_predictive", "observed_data")}
    draws = {name: x.values[:1] for name, x in fit.draws["posterior"].data_vars.items()}
    draws["mu"] = np.full_like(draws["mu"], 3.0)
    groups = {group: {name: x.values for name, x in values.items()} for group, values in groups.items()}
    constant = replace(fit, draws=arviz_base.from_dict({"posterior": draws, **groups}), mu=summarise(draws["mu"], 0.95))
    figures = draw_figures(constant)
    assert "μ is fixed. τ: 500 independent draws." in words(figures["trace"])
    assert "20.1 (20.1 to 20.1)" in words(figures["forest"])
