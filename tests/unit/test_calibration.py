"""Calibration: simulated data follow the model, uniformity is judged exactly, the stored evidence is complete."""

import inspect
import math
from dataclasses import replace
from datetime import date
from itertools import product

import numpy as np
import pytest

from bayes_ivig.calibration import core_hash, designs, evidence, load_calibration
from bayes_ivig.calibration.core import _tokens
from bayes_ivig.calibration.evidence import gather, plan
from bayes_ivig.calibration.ranks import ENGINES, MODELS, N_TRIALS, QUANTITIES, Task, run_task
from bayes_ivig.calibration.uniformity import band, bin_values, uniform_p
from bayes_ivig.cli import prove
from bayes_ivig.errors import InputError
from bayes_ivig.spec import load_model
from bayes_ivig.studies import Paired, PairedMargins, TwoArm
from bayes_ivig.workers.parts import Parts


def test_designs_are_the_real_trials():
    sizes = [study.n_t for study in designs.real_two_arm(6)]
    assert sizes == [5, 6, 16, 7, 10, 42]
    assert designs.real_paired(12)[6:] == designs.real_paired(6)
    assert [study.n_pairs for study in designs.real_paired(6)] == [5, 6, 16, 5, 10, 42]


@pytest.mark.parametrize(("theta", "g"), [(0.0, 0.3), (2.0, -1.0), (-3.0, 4.0), (6.0, 8.0), (-0.01, -20.0)])
def test_risk_at_a_midpoint_has_that_midpoint(theta, g):
    p = designs._risk_at_midpoint(theta, g)
    q = math.exp(theta) * p
    assert 0 < p < 1
    assert 0 < q < 1
    middle = (math.log(p / (1 - p)) + math.log(q / (1 - q))) / 2
    assert middle == pytest.approx(g, abs=1e-6)


@pytest.mark.parametrize("association", [-3.0, 0.0, 1.5])
def test_joint_risk_has_the_association(association):
    x = designs._both(0.3, 0.6, association)
    cells = x, 0.6 - x, 0.3 - x, 1 - 0.9 + x
    assert all(0 < cell < 1 for cell in cells)
    assert math.log(cells[0] * cells[3] / (cells[1] * cells[2])) == pytest.approx(association, abs=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_simulated_trials_have_the_real_sizes(name):
    model, rng = load_model(name), np.random.default_rng(1)
    truth = designs.draw_truth(model, 6, rng)
    studies = designs.draw_studies(model, truth.theta, rng)
    assert len(studies) == len(truth.theta) == 6
    if model.likelihood in ("binomial", "conditional"):
        assert [study.n_c for study in studies] == [5, 6, 16, 7, 10, 42]
    if model.likelihood == "conditional":
        real = designs.real_two_arm(6)
        assert [s.events_t + s.events_c for s in studies] == [s.events_t + s.events_c for s in real]


def test_zero_cells_happen():
    model, rng = load_model("binomial-or-midpoint-random"), np.random.default_rng(2)
    drawn = [s for _ in range(50) for s in designs.draw_studies(model, designs.draw_truth(model, 3, rng).theta, rng)]
    assert sum(s.events_c == 0 for s in drawn) > 10
    assert sum(s.events_t == s.n_t for s in drawn) > 10


def test_leger_is_drawn_sequence_first_and_crossing_after_it():
    model, rng = load_model("crossover-midpoint-random"), np.random.default_rng(6)
    drawn = [designs.draw_studies(model, np.full(4, 1.0), rng)[3] for _ in range(300)]
    assert {(s.started_t, s.started_c) for s in drawn} == {(4, 5)}
    assert all(s.both == 0 and (s.events_t, s.events_c) == (s.n_t, s.n_c) for s in drawn)
    assert len({s.n_pairs for s in drawn}) > 5  # who makes a pair is an outcome


def test_crossing_follows_the_risks():
    rng = np.random.default_rng(7)
    found = [designs.draw_crossing("x", (40, 50), (0.6, 0.3, 0.25), rng) for _ in range(2000)]
    mean = {name: np.mean([getattr(s, name) for s in found]) for name in ("n_t", "n_c", "t_only", "c_only", "neither")}
    # 40 on T first: 24 respond; of the 16 others 1/8 respond to C. 50 on C first: 15; of the 35 others 1/2 to T.
    assert mean == pytest.approx({"n_t": 24, "n_c": 15, "t_only": 17.5, "c_only": 2, "neither": 31.5}, rel=0.04)


def exact_p(counts):
    """The p of three bins by listing every outcome."""
    n = sum(counts)

    def surprise(outcome):
        found = []
        for place, z in ((1, 1 / 3), (2, 2 / 3)):
            below = sum(outcome[:place])
            pmf = [math.comb(n, i) * z**i * (1 - z) ** (n - i) for i in range(n + 1)]
            found.append(2 * min(sum(pmf[: below + 1]), sum(pmf[below:])))
        return min(found)

    seen, total = surprise(counts), 0.0
    for outcome in product(range(n + 1), repeat=3):
        if sum(outcome) == n and surprise(outcome) <= seen * (1 + 1e-9):
            total += math.factorial(n) / math.prod(map(math.factorial, outcome)) / 3**n
    return total


@pytest.mark.parametrize("counts", [(2, 2, 2), (5, 1, 0), (0, 1, 6), (0, 7, 0), (3, 1, 4)])
def test_p_is_exact(counts):
    assert uniform_p(np.array(counts)) == pytest.approx(exact_p(counts), rel=1e-9)


@pytest.mark.slow
def test_p_of_uniform_values_is_uniform_and_of_others_small():
    rng = np.random.default_rng(3)
    p = np.array([uniform_p(bin_values(rng.uniform(size=60))) for _ in range(200)])
    assert 0.02 < np.mean(p < 0.1) < 0.18
    assert uniform_p(bin_values(rng.beta(1.3, 1.0, size=1000))) < 1e-6


def test_bands_hold_together():
    low, high = band(40, 0.9, bins=10)
    rng = np.random.default_rng(4)
    share = np.array([np.cumsum(np.bincount(rng.integers(0, 10, 40), minlength=10))[:-1] / 40 for _ in range(4000)])
    inside = np.mean(((share >= low - 1e-12) & (share <= high + 1e-12)).all(axis=1))
    assert 0.88 < inside < 0.97  # at least 0.9, and counts are whole numbers


def test_plan_covers_every_replicate_once():
    tasks = list(plan({"quadrature": 1000, "nuts": 12}))
    for model, engine, n in product(MODELS, ENGINES, N_TRIALS):
        own = [t for t in tasks if (t.model, t.engine, t.n_trials) == (model, engine, n)]
        found = sorted(i for t in own for i in range(t.first, t.last))
        assert found == list(range(200 if engine == "quadrature" else 3))


def test_the_command_runs_the_whole_table_unless_told_otherwise():
    defaults = {name: p.default for name, p in inspect.signature(prove.calibrate).parameters.items()}
    assert {"quadrature": defaults["replicates"], "nuts": defaults["nuts_replicates"]} == evidence.FULL


def test_what_was_run_less_often_is_said():
    counts = dict.fromkeys(QUANTITIES, (1,) * 100)
    cells = [evidence.Cell(MODELS[0], "quadrature", n, 1_900 + 100 * (n == 2), 1.0, counts) for n in N_TRIALS]
    table = evidence.Evidence(date(2026, 11, 30), core_hash(), 4429, tuple(cells))
    (said,) = [x for x in table.warnings(table.made) if "as often" in x]
    assert f"{MODELS[0]} by quadrature, 9,600 of 10,000 replicates" in said


@pytest.mark.slow
def test_stored_evidence_of_the_same_core_is_added_to(monkeypatch, tmp_path):
    asked = []

    def answer(tasks, work, parts, stamp, **how):
        asked.extend(tasks)
        counts = [np.bincount(np.arange(t.first, t.last) % 100, minlength=100).tolist() for t in tasks]
        return [{"counts": dict.fromkeys(QUANTITIES, row), "seconds": 1.0} for row in counts]

    monkeypatch.setattr(evidence, "answer_kept", answer)
    parts = Parts(tmp_path)
    whole = evidence.calibrate({"quadrature": 1000, "nuts": 500}, parts)
    some = evidence.calibrate({"quadrature": 400, "nuts": 500}, parts)
    asked.clear()
    more = evidence.calibrate({"quadrature": 1000, "nuts": 500}, parts, some)
    assert {(t.engine, t.first) for t in asked} == {("quadrature", first) for first in range(80, 200, 50)}
    assert [(c.replicates, c.counts) for c in more.cells] == [(c.replicates, c.counts) for c in whole.cells]
    asked.clear()
    evidence.calibrate({"quadrature": 400, "nuts": 500}, parts, replace(some, core_sha256="another"))
    assert min(t.first for t in asked) == 0


@pytest.mark.slow
def test_exact_engine_recovers_the_truth():
    done = run_task(Task("normal-or-random", "quadrature", 3, 0, 40))
    assert sum(done.counts["mu"]) == sum(done.counts["tau"]) == 40
    assert sum(done.counts["theta_new"]) == 4
    assert min(uniform_p(np.array(x)) for x in done.counts.values()) > 1e-4
    again = [run_task(Task("normal-or-random", "quadrature", 3, *ends)) for ends in ((0, 15), (15, 40))]
    whole = {c.n_trials: c for c in gather([done]) if (c.model, c.engine) == ("normal-or-random", "quadrature")}[3]
    parts = {c.n_trials: c for c in gather(again) if (c.model, c.engine) == ("normal-or-random", "quadrature")}[3]
    assert whole.counts == parts.counts


EXCHANGED = {
    "binomial-or-midpoint-random": (
        (TwoArm("a", 5, 5, 0, 5), TwoArm("b", 3, 6, 2, 6)),
        (TwoArm("a", 1, 5, 4, 5), TwoArm("b", 0, 6, 2, 6)),
    ),
    "conditional-random": (
        (TwoArm("a", 5, 5, 0, 5), TwoArm("b", 0, 6, 0, 6)),
        (TwoArm("a", 1, 5, 4, 5), TwoArm("b", 0, 6, 2, 6)),
    ),
    "crossover-midpoint-random": (
        (PairedMargins("a", 5, 0, 5), Paired("b", 0, 3, 1, 2)),
        (PairedMargins("a", 2, 4, 5), Paired("b", 0, 1, 5, 0)),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXCHANGED)
def test_exchanged_data_sample_as_compiled_afresh(name):
    from bayes_ivig import nuts

    model, (first, second) = load_model(name), EXCHANGED[name]
    shared = nuts.exchange_data(nuts.compile_model(first, model, for_many=True), second)
    afresh = nuts.compile_model(second, model)
    a, b = (nuts.sample(ready, target_accept=0.9, draws=400)["posterior"] for ready in (shared, afresh))
    for quantity in ("mu", "tau"):
        assert a[quantity].mean() == pytest.approx(b[quantity].mean(), abs=0.25)
    assert a["mu"].mean() < 0


def test_layout_is_no_part_of_the_core():
    assert _tokens('"""Doc."""\nx = f(1,\n  2,)  # why\n') == _tokens("x = f(1, 2)\n")
    assert _tokens("x = f(1, 2)\n") != _tokens("x = f(1, 3)\n")
    assert _tokens("if a:\n    b()\nc()\n") != _tokens("if a:\n    b()\n    c()\n")


def test_core_hash_follows_the_code(tmp_path):
    for name in ("quadrature", "profiles", "priors", "pooled"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("x = 1\n")
    for name in ("nuts.py", "effects.py"):
        (tmp_path / name).write_text("y = 2\n")
    before = core_hash(tmp_path)
    (tmp_path / "nuts.py").write_text("# a comment\ny = 2\n")
    assert core_hash(tmp_path) == before
    (tmp_path / "priors" / "a.py").write_text("x = 1.5\n")
    assert core_hash(tmp_path) != before


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"cells": [{"counts": 3}]}'])
def test_another_file_in_the_place_of_evidence_is_refused(text, tmp_path):
    (tmp_path / "calibration.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match="is no evidence of calibration; move it away"):
        load_calibration(tmp_path)


def test_no_evidence_is_said(tmp_path):
    with pytest.raises(InputError, match="run 'bayes-ivig calibrate'"):
        load_calibration(tmp_path)


def test_figure_of_the_evidence_has_a_panel_a_model_and_engine():
    from bayes_ivig.plots.calibration import Panel, draw_calibration

    limits = band(50, 0.99)
    counts = {name: np.full(100, n) for name, n in zip(QUANTITIES, (10, 10, 1, 1), strict=True)}
    figure = draw_calibration([Panel(f"m{i}", counts, limits) for i in range(3)], 2)
    assert [ax.get_title(loc="left") for ax in figure.axes] == [f"m{i} (n = 1,000 and 100)" for i in range(3)]
