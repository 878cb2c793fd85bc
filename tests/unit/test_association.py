"""The sweep over the association within patients."""

from types import MappingProxyType

import pytest

from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.crossover_view import fit_parallel
from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import parse_prior
from bayes_ivig.sensitivity.association import FIXED, sweep_association
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.studies import Paired, PairedMargins, TwoArm

pytestmark = pytest.mark.slow  # every test needs answers of the whole engine

STUDIES = (Paired("full", 0, 3, 0, 3), PairedMargins("margins", 5, 1, 6))
EVIDENCE = Evidence("user", "test", STUDIES, benefit="higher")


def setting_of(prior="normal(0, 1.5)"):
    priors = MappingProxyType({"association": parse_prior(prior)})
    return Setting(EVIDENCE, choose_model(EVIDENCE, Choices(priors=priors)))


def test_independence_is_the_parallel_analysis():
    setting = setting_of()
    sweep = sweep_association(setting)
    assert tuple(row.value for row in sweep.fixed) == FIXED
    independent = next(row.answer for row in sweep.fixed if row.value == 0)
    parallel = fit_parallel(STUDIES, setting.model).mu
    assert independent.ci == pytest.approx(parallel.interval(0.95), abs=1e-6)
    assert independent.p == pytest.approx(parallel.p_gt(0.0), abs=1e-7)
    assert [row.prior for row in sweep.densities] == ["normal(0, 1.5)", "normal(1.5, 1)"]
    assert sweep.rows[0].answer == setting.answer
    p = [row.answer.p for row in sweep.fixed]
    assert all(low <= row.answer.p <= high for row in sweep.densities for low, high in [(min(p), max(p))])
    assert "from lambda -6 to 6" in sweep.sentence
    assert sweep.to_rows()[-1]["lambda"] == 6


def test_a_fixed_association_as_fitted_is_a_row_of_its_own():
    sweep = sweep_association(setting_of("fixed(2)"))
    assert [(row.prior, row.value) for row in sweep.densities] == [
        ("fixed(2)", 2.0),
        ("normal(0, 1.5)", None),
        ("normal(1.5, 1)", None),
    ]
    same = next(row.answer for row in sweep.fixed if row.value == 2)
    assert same.median == pytest.approx(sweep.rows[0].answer.median, abs=1e-12)


def test_two_arms_have_no_association():
    evidence = Evidence("user", "test", (TwoArm("a", 2, 5, 1, 5),))
    assert sweep_association(Setting(evidence, choose_model(evidence, Choices()))) is None


def test_the_figure_spans_the_whole_range():
    from types import SimpleNamespace

    from bayes_ivig.plots.association import draw_association
    from bayes_ivig.plots.style import house_style

    setting = setting_of("fixed(2)")
    sweep = sweep_association(setting)
    result = SimpleNamespace(
        evidence=EVIDENCE, failed=(), model=setting.model, prob=0.95, direction=setting.direction, association=sweep
    )
    with house_style():
        effect, p = draw_association(result).axes
    for axes in (effect, p):
        assert axes.get_xlim() == (FIXED[0], FIXED[-1])
    assert len(p.lines) == 1 + len(sweep.densities)
