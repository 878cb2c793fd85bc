"""The questions of a sensitivity analysis that a page cannot do without, asked in about a second.

Left out are the multiverse, bias, power-scaling, what each trial adds to each baseline cell, and the prior grid under
other baselines. What is asked is exact, and read as in `run_sensitivity`.
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from bayes_ivig.effects import to_natural
from bayes_ivig.evidence import Evidence
from bayes_ivig.quadrature import make_surface
from bayes_ivig.quadrature.grid import answer_grid
from bayes_ivig.sensitivity.baselines import BaselineCell, Baselines
from bayes_ivig.sensitivity.bundle import policy_row
from bayes_ivig.sensitivity.leave_one_out import leave_one_out
from bayes_ivig.sensitivity.policies import compare_policies
from bayes_ivig.sensitivity.prior_grid import cross_priors
from bayes_ivig.sensitivity.prior_sets import FITTED, baseline_priors, effect_priors, heterogeneity_priors
from bayes_ivig.sensitivity.sentences import gather_axes, write_sentences
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.sensitivity.study_curves import mu_shape, tau_shape
from bayes_ivig.sensitivity.tipping import find_tipping_points
from bayes_ivig.spec import PARAMETRISATIONS, Model
from bayes_ivig.summary import tails


def lean_sensitivity(evidence: Evidence, model: Model, prob: float = 0.95) -> dict[str, Any]:
    """Return the parts of `Sensitivity.to_json` that are quickly had, for rates those of `rate_priors` alone."""
    if model.likelihood == "single-arm":
        return {"rate_priors": rate_priors(evidence, model, prob)}
    setting = Setting(evidence, model, prob)
    baselines = _baselines(setting)
    own = slice(0, 1)
    grid = cross_priors(setting, Baselines(baselines.cells[own], baselines.surfaces[own]))
    left_out = leave_one_out(setting)
    tipping = find_tipping_points(setting)
    axes = gather_axes(setting, baselines, grid, left_out)
    return {
        "p_is": setting.direction.text,
        "prob": prob,
        "answer": setting.answer.to_json(),
        "sentences": list(write_sentences(setting, axes, grid, tipping, ())),
        "axes": [asdict(axis) for axis in axes],
        "baselines": baselines.to_rows(),
        "prior_grid": grid.to_json(),
        "tipping": tipping.to_rows(),
        "leave_one_out": [row.to_json() for row in left_out],
        "policies": [policy_row(row) for row in compare_policies(evidence, model, prob)],
        "notes": list(tipping.notes),
    }


def _baselines(setting: Setting) -> Baselines:
    """Every baseline prior on every parametrisation, the model as it stands first, without what each trial adds."""
    model = setting.model
    if not model.has_baseline:
        return Baselines((), ())
    variants = [setting]
    for place in (model.parametrisation, *(p for p in PARAMETRISATIONS if p != model.parametrisation)):
        for prior in baseline_priors(model):
            if (prior, place) != (model.priors["baseline"], model.parametrisation):
                variants.append(setting.with_model(baseline=prior, parametrisation=place))
    nothing = np.empty((0,))
    cells = tuple(
        BaselineCell(
            one.model.priors["baseline"].text,
            str(one.model.parametrisation),
            one is setting,
            one.answer,
            (),
            nothing,
            nothing,
        )
        for one in variants
    )
    return Baselines(cells, tuple(one.surface for one in variants))


def rate_priors(evidence: Evidence, model: Model, prob: float) -> list[dict[str, Any]]:
    """The average rate under other priors, one changed at a time, the model as it stands first: median and limits."""
    surface = make_surface(evidence.studies, model)
    mus, taus = effect_priors(model, 1), heterogeneity_priors(model, evidence.role)
    low, high = tails(prob)
    grid = answer_grid(
        surface,
        [mu_shape(one.prior, model) for one in mus],
        [tau_shape(one.prior) for one in taus],
        (low, 0.5, high),
    )
    places = [(0, m, "mu", one) for m, one in enumerate(mus)] + [
        (t, 0, "tau", one) for t, one in enumerate(taus) if t > 0
    ]
    rows = []
    for t, m, name, one in places:
        lower, median, upper = (float(to_natural(model.measure, x)) for x in grid.quantiles[t, m])
        label = FITTED if (t, m) == (0, 0) else f"{name}: {one.short}"
        rows.append({"changed": label, "median": median, "low": lower, "high": upper})
    return rows
