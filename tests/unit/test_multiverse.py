"""The multiverse: that it is every combination, once, and that its words and figure say what it holds."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.text import Text

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.plots.multiverse import draw_multiverse
from bayes_ivig.plots.style import WIDTH, house_style
from bayes_ivig.priors import parse_prior
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.sensitivity import answers
from bayes_ivig.sensitivity.claim import Claim
from bayes_ivig.sensitivity.multiverse import THRESHOLD, describe_multiverse, run_multiverse, share
from bayes_ivig.spec import default_model, with_priors
from bayes_ivig.studies import Effect, SingleArm, TwoArm

pytestmark = pytest.mark.slow  # every test needs answers of the whole engine

BINOMIAL = default_model("binomial", "OR", "random")
MU, TAU = 7, 9  # priors of the log odds ratio and of its heterogeneity, the common effect among them
BASELINES, PLACES = 4, 2


class Coarse(NamedTuple):
    quantiles: np.ndarray
    p_gt_0: np.ndarray
    log_evidence: np.ndarray
    error: np.ndarray


def coarse_grids(surfaces, mu_shapes, tau_shapes, probs):
    return tuple(coarse_grid(surface, mu_shapes, tau_shapes, probs) for surface in surfaces)


def coarse_grid(surface, mu_shapes, tau_shapes, probs):
    """Sums over a fixed grid: what is tested here is not the engine, which the oracle tests hold to account."""
    x, step = np.linspace(-25, 30, 1101, retstep=True)
    priors = np.exp([shape.logpdf(x) for shape in mu_shapes]) * step
    quantiles, above, evidence = [], [], []
    for shape in tau_shapes:
        tau = np.zeros(1) if shape is None else shape.prior.ppf((np.arange(40) + 0.5) / 40)
        parts = surface.parts(x, tau).sum(axis=0)
        mass = priors * np.exp(parts - parts.max()).mean(axis=0)
        total = mass.sum(axis=1)
        running = np.cumsum(mass, axis=1) / total[:, None]
        quantiles.append([np.interp(probs, row, x + step / 2) for row in running])
        above.append((mass * (x > 0) + mass * (x == 0) / 2).sum(axis=1) / total)
        evidence.append(np.log(total) + parts.max())
    return Coarse(np.array(quantiles), np.array(above), np.array(evidence), np.zeros((len(tau_shapes), len(mu_shapes))))


@pytest.fixture(scope="module", autouse=True)
def _coarse_engine():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "answer_grids", coarse_grids)
        yield


def shipped(outcome, likelihood=None):
    return load_evidence(load_review("mmn-2007"), outcome, likelihood)


@pytest.fixture(scope="module")
def strength():
    return run_multiverse(shipped("strength"), BINOMIAL, shipped("strength", "crossover"))


@pytest.fixture(scope="module")
def disability():
    return run_multiverse(shipped("disability"), BINOMIAL)


def test_rows_are_the_axes_multiplied(strength, disability):
    # strength: 3 trials; equal arms and no double zero leave three corrections
    arms = (1 + 3) * (BASELINES * PLACES + 1 + 3) * MU * TAU
    # two tables of Van den Berg beside its margins; left out, they are one
    pairs = (3 * (1 + 2) + 1) * BASELINES * PLACES * MU * TAU
    assert len(strength) == arms + pairs == 8064
    # disability: 2 readings of Leger beside the one given; without it, they are one; one trial without events
    assert len(disability) == (3 * (1 + 2) + 1) * (BASELINES * PLACES + 1 + 4) * MU * TAU == 8190
    assert strength.counts == {
        "reading": 4,
        "left out": 4,
        "likelihood": 6,
        "baseline": BASELINES + 1,
        "parametrisation": PLACES + 1,
        "effect prior": MU,
        "heterogeneity prior": TAU,
    }


def test_every_row_is_another_combination(strength, disability):
    for multiverse in (strength, disability):
        assert len(np.unique(multiverse.codes, axis=0)) == len(multiverse)
        assert all(len(set(axis.levels)) == len(axis.levels) for axis in multiverse.axes)
        for result in (multiverse.estimate, multiverse.p_claim, multiverse.log_evidence):
            assert result.shape == (len(multiverse),)
            assert np.isfinite(result).all()
        assert (multiverse.low < multiverse.estimate).all()
        assert (multiverse.estimate < multiverse.high).all()


def test_same_analyses_are_counted_once(disability):
    # Azulay without events has no weight in the conditional model, and is what double-zero trials dropped leaves out
    assert disability.distinct < len(disability)
    rows = [disability.choices(i) for i in range(len(disability))]
    given = {k: v for k, v in rows[0].items() if k in ("effect prior", "heterogeneity prior", "reading")}
    pair = [
        i
        for i, row in enumerate(rows)
        if row["likelihood"] == "conditional"
        and row["left out"] in ("no trial", "Azulay 1994")
        and all(row[k] == v for k, v in given.items())
    ]
    assert len(pair) == 2
    assert disability.estimate[pair[0]] == disability.estimate[pair[1]]


def test_the_model_as_given_is_a_row(disability):
    assert disability.choices(disability.own) == {
        "reading": "as given",
        "left out": "no trial",
        "likelihood": "binomial",
        "baseline": "beta(1, 1)",
        "parametrisation": "baseline on the midpoint",
        "effect prior": "as fitted: normal(0, 2.82)",
        "heterogeneity prior": "as fitted: half-normal(0.5)",
    }
    assert disability.p_claim[disability.own] == pytest.approx(0.968026, abs=2e-4)


def test_own_priors_join_the_others():
    priors = {
        "mu": parse_prior("normal(0.3, 1)"),
        "tau": parse_prior("exponential(3)"),
        "baseline": parse_prior("beta(2, 5)"),
    }
    model = with_priors(BINOMIAL, priors)
    evidence = Evidence("user", "o", (TwoArm("A", 3, 9, 1, 9),), benefit="higher")
    multiverse = run_multiverse(evidence, model)
    counts = multiverse.counts
    assert (counts["effect prior"], counts["heterogeneity prior"]) == (MU + 1, TAU + 1)
    assert counts["baseline"] == BASELINES + 1 + 1  # and none, under the other likelihoods
    own = multiverse.choices(multiverse.own)
    assert own["effect prior"] == "as fitted: normal(0.3, 1)"
    assert own["heterogeneity prior"] == "as fitted: exponential(3)"
    assert own["baseline"] == "beta(2, 5)"


def test_fraction_worst_and_levels(disability):
    assert disability.fraction_above() == np.mean(disability.p_claim > THRESHOLD)
    worst, planned = disability.worst, disability.worst_defensible
    assert disability.p_claim[worst] == disability.p_claim.min()
    assert disability.p_claim[planned] > disability.p_claim[worst]
    choices = disability.choices(planned)
    assert choices["left out"] == "no trial"
    assert not choices["likelihood"].startswith("normal")
    assert "sceptic" not in choices["effect prior"]
    levels = disability.by_level()
    for axis in disability.axes:
        assert sum(level.count for level in levels if level.axis == axis.name) == len(disability)
    assert all(0 <= weight <= 1 for weight in disability.weights_of_axes.values())
    columns = disability.columns()
    assert {len(column) for column in columns.values()} == {len(disability)}
    assert columns["p_benefit"][worst] == disability.p_claim.min()


def test_the_sentence_counts_and_names(disability):
    sentence = describe_multiverse(disability)
    above = int((disability.p_claim > THRESHOLD).sum())
    assert f"Of {len(disability):,} analyses" in sentence
    assert f"{above:,} ({100 * above / len(disability):.0f}%)" in sentence
    assert "is itself no probability" in sentence
    assert "leger-naive-first-period" in sentence
    assert (share(0), share(0.001), share(0.999), share(1)) == ("0%", "below 1%", "above 99%", "100%")


def test_one_trial_is_not_left_out_and_a_common_model_works():
    evidence = Evidence("user", "o", (TwoArm("A", 3, 9, 1, 9),), benefit="higher")
    model = default_model("binomial", "OR", "common")
    multiverse = run_multiverse(evidence, model)
    # no zero: one correction leaves the table as it is, one adds to it all the same
    assert len(multiverse) == (BASELINES * PLACES + 1 + 2) * MU * TAU
    assert multiverse.choices(multiverse.own)["heterogeneity prior"] == "as fitted: fixed(0)"


def test_other_kinds_of_data():
    effects = Evidence("user", "o", (Effect("A", 0.3, 0.2), Effect("B", 0.5, 0.3)), benefit="lower", measure="SMD")
    multiverse = run_multiverse(effects, default_model("normal", "SMD", "random"))
    assert multiverse.counts["likelihood"] == 1
    assert multiverse.claim == Claim("benefit", False)
    np.testing.assert_array_less(multiverse.p_claim[multiverse.estimate > 0], 0.5)
    rates = Evidence("user", "o", (SingleArm("A", 0, 9), SingleArm("B", 2, 20)))
    multiverse = run_multiverse(rates, default_model("single-arm", "rate", "random"))
    assert multiverse.claim is None
    assert multiverse.fraction_above() is None
    assert multiverse.worst is None
    assert "p_benefit" not in multiverse.columns()
    assert "medians lie between" in describe_multiverse(multiverse)
    with house_style():
        draw_multiverse(rates, multiverse).savefig("/dev/null", format="svg")


def test_nothing_to_vary_is_refused():
    nothing = Evidence("user", "o", (TwoArm("A", 0, 0, 0, 0),), benefit="higher")
    with pytest.raises(InputError, match="nothing to vary"):
        run_multiverse(nothing, BINOMIAL)


def test_the_figure_fits_its_page(strength):
    evidence = shipped("strength")
    with house_style():
        figure = draw_multiverse(evidence, strength)
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
        box = figure.bbox
        for text in texts:
            extent = text.get_window_extent(renderer)
            assert extent.x0 >= box.x0 - 1, text.get_text()
            assert extent.x1 <= box.x1 + 1, text.get_text()
            assert extent.y0 >= box.y0 - 1, text.get_text()
            assert extent.y1 <= box.y1 + 1, text.get_text()
    assert figure.get_size_inches()[0] == pytest.approx(WIDTH)
    assert figure.get_size_inches()[1] < 10
    shown = " ".join(t.get_text() for t in texts)
    for axis in strength.axes:
        assert axis.name.capitalize() in shown
    assert "8,064 analyses" in shown
    assert "not a probability" in shown


def test_many_levels_share_a_row(disability):
    axis = disability.axes[6]
    many = replace(axis, levels=tuple(f"level {i}" for i in range(14)), defensible=(True,) * 14)
    codes = disability.codes.copy()
    codes[:, 6] = np.arange(len(codes)) % 14
    crowded = replace(disability, axes=(*disability.axes[:6], many), codes=codes)
    with house_style():
        texts = [t.get_text() for t in draw_multiverse(shipped("disability"), crowded).findobj(Text)]
    assert "5 others" in texts


def test_what_the_grid_cannot_answer_is_fitted_alone(monkeypatch):
    def lame(surfaces, mu_shapes, tau_shapes, probs):
        grids = coarse_grids(surfaces, mu_shapes, tau_shapes, probs)
        for good in grids:
            good.error[1, 2], good.quantiles[1, 2], good.p_gt_0[1, 2] = 3.0, 1e3, 1.0
        return grids

    evidence = Evidence("user", "o", (TwoArm("A", 3, 9, 1, 9),), benefit="higher")
    known = run_multiverse(evidence, BINOMIAL)
    monkeypatch.setattr(answers, "answer_grids", lame)
    mended = run_multiverse(evidence, BINOMIAL)
    np.testing.assert_allclose(mended.estimate, known.estimate, atol=2e-3)
    assert mended.error < 1e-6
