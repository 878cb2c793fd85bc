"""A further trial that finds nothing: as large as these trials are in the middle, with the counts to be expected."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from bayes_ivig.effects import effect_sizes, table_effects
from bayes_ivig.evidence import Evidence
from bayes_ivig.quadrature.curves import Curve, NormalCurve
from bayes_ivig.quadrature.surface import curve_of
from bayes_ivig.spec import Model, default_model, with_priors
from bayes_ivig.studies import Means, Paired, PairedMargins, Study, TwoArm


@dataclass(frozen=True)
class ExpectedCounts:
    """The counts of a trial as expected, not rounded; it is read as a `TwoArm`."""

    study: str
    events_t: float
    n_t: float
    events_c: float
    n_c: float


class Risk(NamedTuple):
    """A risk, and how it comes about."""

    value: float
    text: str


class NullTrial(NamedTuple):
    """The likelihood of one null trial, its patients (None where the data do not say), and what it is in words."""

    curve: Curve
    patients: float | None
    text: str


def pooled_control_risk(studies: Sequence[Study]) -> Risk | None:
    """Events over patients under control; with no events, or only events, half an event away. None without counts."""
    events = n = 0.0
    for study in studies:
        match study:
            case TwoArm():
                events, n = events + study.events_c, n + study.n_c
            case Paired():
                events += study.both + study.c_only + study.events_c
                n += study.n_pairs + study.n_c
            case PairedMargins():
                events, n = events + study.margins_c, n + study.n_pairs
            case _:
                return None
    if n == 0:
        return None
    if 0 < events < n:
        return Risk(events / n, f"the pooled control risk, {events:g}/{n:g}")
    shown = f"({events:g} + 0.5)/({n:g} + 1), since the control arms have {'no' if events == 0 else 'only'} events"
    return Risk((events + 0.5) / (n + 1), shown)


def make_null_trial(evidence: Evidence, model: Model) -> NullTrial:
    """Make the null trial for this outcome: expected counts, or an effect of 0 with the median standard error."""
    risk = pooled_control_risk(evidence.studies)
    if risk is None or model.measure not in ("OR", "RR"):
        _, se, _ = effect_sizes(evidence.studies, model.measure)
        middle = float(median(x for x in se if math.isfinite(x)))
        sizes = [study.n_participants for study in evidence.studies if study.n_participants]
        patients = float(median(sizes)) if sizes and all(isinstance(s, Means) for s in evidence.studies) else None
        return NullTrial(
            NormalCurve(0.0, middle), patients, f"an effect of 0 with the median standard error, {middle:.3g}"
        )
    n = max(1.0, float(median(_arm(study) for study in evidence.studies)))
    counts = ExpectedCounts("null trial", n * risk.value, n, n * risk.value, n)
    text = f"{n:g} patients an arm and the events expected at {risk.text}, in both"
    if model.likelihood == "normal":
        import numpy as np

        cells = np.array([[counts.events_t, n - counts.events_t, counts.events_c, n - counts.events_c]])
        variance = float(table_effects(cells, model.measure)[1][0])
        return NullTrial(NormalCurve(0.0, math.sqrt(variance)), 2 * n, text)
    base = model
    if model.likelihood != "binomial":  # parallel arms, whatever the trials are
        base = default_model("binomial", model.measure, "random", model.parametrisation)
        if model.has_baseline:
            base = with_priors(base, {"baseline": model.priors["baseline"]})
    return NullTrial(curve_of(counts, base), 2 * n, text)  # type: ignore[arg-type]


def _arm(study: Study) -> float:
    """Patients of one arm; half of both where they differ, the pairs of a crossover trial."""
    match study:
        case TwoArm():
            return (study.n_t + study.n_c) / 2
        case Paired():
            return study.n_pairs + (study.n_t + study.n_c) / 2
        case PairedMargins():
            return study.n_pairs
    raise AssertionError(study)
