"""What a crossover fit says beside its answer: the same patients counted twice, other associations, the OR within.

- the same data *treated as parallel arms*, as reviews do: the margins of each trial as two independent arms, under
  the same priors and the binomial model, where one patient counts as two people;
- another named prior of the association within patients, `normal(1.5, 1)` (those who improve on one treatment tend
  to improve on the other) beside `normal(0, 1.5)`;
- the trials in which only non-responders crossed entered by their first period alone;
- the *conditional* odds ratio, within patients, a second analysis of another effect (`profiles.discordant`);
- what the data say of the association in each trial.

Every posterior here is exact; the association is summarised from draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import parse_prior
from bayes_ivig.profiles import discordant
from bayes_ivig.quadrature import Posterior, Surface, fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.surface import curve_of
from bayes_ivig.quadrature.tabulated import tabulate
from bayes_ivig.spec import Model, default_model
from bayes_ivig.studies import Paired, PairedMargins, Study, TwoArm
from bayes_ivig.summary import Summary, summarise

Array = NDArray[np.float64]
ASSOCIATIONS = ("normal(0, 1.5)", "normal(1.5, 1)")


@dataclass(frozen=True)
class Association:
    """Posterior of one trial's log odds ratio within patients, the association; `log_or` is its conditional log OR."""

    study: str
    association: Summary
    log_or: Summary


@dataclass(frozen=True)
class CrossoverView:
    """Summaries of mu on the log OR scale, all equal-tailed at one probability.

    `crossover` is the answer of the model as fitted and `parallel` that of the same counts as two arms, both the
    *marginal* log OR. `associations` holds the answer under each named association prior. `first_period` is the
    answer with the trials of `first_periods` entered by that table alone; None where no trial has one. `conditional`
    is the log OR *within* patients from the discordant pairs, None where no trial has a paired table;
    `conditional_notes` name what it leaves out.
    """

    crossover: Summary
    parallel: Summary
    associations: Mapping[str, Summary]
    first_period: Summary | None
    first_periods: tuple[TwoArm, ...]
    conditional: Summary | None
    conditional_notes: tuple[str, ...]
    within: tuple[Association, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the block as plain JSON values; log odds ratios throughout."""
        names = {"events_t", "n_t", "events_c", "n_c"}
        return {
            "effect": "marginal log OR",
            "crossover": self.crossover.to_json(),
            "parallel": self.parallel.to_json(),
            "associations": {prior: summary.to_json() for prior, summary in self.associations.items()},
            "first_period": None if self.first_period is None else self.first_period.to_json(),
            "first_period_tables": [
                {"study": t.study} | {key: value for key, value in vars(t).items() if key in names}
                for t in self.first_periods
            ],
            "conditional": {
                "effect": "conditional log OR, within patients",
                "mu": None if self.conditional is None else self.conditional.to_json(),
                "notes": list(self.conditional_notes),
            },
            "association": [
                {"study": w.study, "lambda": w.association.to_json(), "conditional_log_or": w.log_or.to_json()}
                for w in self.within
            ],
        }


def view_crossover(
    evidence: Evidence, model: Model, posterior: Posterior, draws: Mapping[str, Array], prob: float
) -> CrossoverView:
    """Look at one crossover fit from these sides.

    Parameters
    ----------
    evidence, model
        Paired studies and a crossover model.
    posterior
        Their exact posterior.
    draws
        Posterior draws with `association` and `log_or_within`, arrays (..., k).
    prob
        Probability of every equal-tailed interval.
    """
    studies = evidence.studies
    fitted = posterior.mu.summary(prob)
    others = {
        text: fitted if text == model.priors["association"].text else _associated(studies, model, text).summary(prob)
        for text in dict.fromkeys((*ASSOCIATIONS, model.priors["association"].text))
    }
    tables = {study.study: table for study in studies if (table := first_period(study)) is not None}
    conditional, notes = fit_conditional(studies, model)
    return CrossoverView(
        crossover=fitted,
        parallel=fit_parallel(studies, model).mu.summary(prob),
        associations=MappingProxyType(others),
        first_period=_with_first_periods(posterior, studies, model, tables).mu.summary(prob) if tables else None,
        first_periods=tuple(tables.values()),
        conditional=None if conditional is None else conditional.mu.summary(prob),
        conditional_notes=notes,
        within=tuple(
            Association(
                study.study,
                summarise(draws["association"][..., i].ravel(), prob),
                summarise(draws["log_or_within"][..., i].ravel(), prob),
            )
            for i, study in enumerate(studies)
        ),
    )


def as_parallel(study: Study) -> TwoArm:
    """Return a crossover trial's margins as two arms of different people, as reviews enter it."""
    match study:
        case Paired():
            return TwoArm(
                study.study,
                study.both + study.t_only + study.events_t,
                study.n_pairs + study.n_t,
                study.both + study.c_only + study.events_c,
                study.n_pairs + study.n_c,
            )
        case PairedMargins():
            return TwoArm(study.study, study.margins_t, study.n_pairs, study.margins_c, study.n_pairs)
    raise TypeError(f"{study.study}: {study.kind} data are not paired")


def parallel_model(model: Model) -> Model:
    """Return the binomial model of the OR with the crossover model's priors, effect and parametrisation."""
    binomial = default_model("binomial", "OR", model.effect, model.parametrisation)
    kept = MappingProxyType({key: model.priors[key] for key in binomial.needed})
    return replace(binomial, priors=kept, sampler=model.sampler)


def fit_parallel(studies: tuple[Study, ...], model: Model) -> Posterior:
    """Exact posterior of the same data treated as parallel arms, under the priors of the crossover model."""
    parallel = parallel_model(model)
    return _fit(make_surface([as_parallel(study) for study in studies], parallel), parallel)


def fit_conditional(studies: tuple[Study, ...], model: Model) -> tuple[Posterior | None, tuple[str, ...]]:
    """Exact posterior of mu_c and tau_c, the log OR within patients, under the priors of mu and tau of `model`.

    Trials known by margins only are left out; the notes name them. None where no trial has a paired table.
    """
    tables = tuple(study for study in studies if isinstance(study, Paired))
    if not tables:
        return None, ("No trial has a paired table: the OR within patients cannot be known from margins alone.",)
    data = discordant.make_data(studies)
    return _fit(Surface(tuple(_conditional_curve(study, model) for study in data.studies)), model), data.notes


def first_period(study: Study) -> TwoArm | None:
    """Return the first period of a trial in which only non-responders crossed; None where it cannot be told.

    Who responded first then stayed, so the responders of each first arm are its patients with one treatment only.
    """
    if not isinstance(study, Paired) or not discordant.only_non_responders_crossed(study):
        return None
    assert study.started_t is not None
    assert study.started_c is not None
    return TwoArm(study.study, study.events_t, study.started_t, study.events_c, study.started_c)


def _conditional_curve(study: Study, model: Model) -> Any:
    return tabulate(lambda theta: discordant.log_integrated(study, model, theta))


def _associated(studies: tuple[Study, ...], model: Model, text: str) -> Any:
    """Posterior of mu under another association prior."""
    priors = MappingProxyType({**model.priors, "association": parse_prior(text)})
    changed = replace(model, priors=priors)
    return _fit(make_surface(studies, changed), changed).mu


def _with_first_periods(
    posterior: Posterior, studies: tuple[Study, ...], model: Model, tables: Mapping[str, TwoArm]
) -> Posterior:
    """Exact posterior with some trials as parallel trials of their first period, the others as they are."""
    parallel = parallel_model(model)
    curves = [
        curve_of(tables[study.study], parallel, 1.0) if study.study in tables else curve
        for study, curve in zip(studies, posterior.surface.curves, strict=True)
    ]
    return _fit(Surface(tuple(curves)), model)


def _fit(surface: Surface, model: Model) -> Posterior:
    tau = shape_of(model.priors["tau"]) if model.effect == "random" else None
    return fit_posterior(surface, shape_of(model.priors["mu"]), tau)
