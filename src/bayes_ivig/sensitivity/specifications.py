"""The axes of the multiverse, and one surface for each combination of all but the priors of mu and tau."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.sensitivity.claim import Claim
from bayes_ivig.sensitivity.corrections import POLICIES, correct, has_counts, policies_for
from bayes_ivig.sensitivity.models import exact_model, with_likelihood
from bayes_ivig.sensitivity.prior_sets import LabelledPrior, baseline_priors, effect_priors, heterogeneity_priors
from bayes_ivig.sensitivity.readings import DataReading, read_all
from bayes_ivig.sensitivity.study_curves import effect_curve, is_informative, study_curve
from bayes_ivig.spec import PARAMETRISATIONS, Model
from bayes_ivig.studies import Study
from bayes_ivig.wording import listing

AXES = ("reading", "left out", "likelihood", "baseline", "parametrisation", "effect prior", "heterogeneity prior")
NOBODY, NONE = "no trial", ""
_PLACES = {"midpoint": "baseline on the midpoint", "control": "baseline on the control risk"}
MOST_CELLS = 4000
_AT_0 = np.zeros(1)


@dataclass(frozen=True)
class Axis:
    """One choice of the analysis: its levels by label, "" where it does not apply.

    `defensible` tells which levels an analyst could have planned: every reading, likelihoods that take the data as
    they are, and published priors; but no trial left out, no changed counts and no advocate's prior. Those are here
    for their influence.
    """

    name: str
    levels: tuple[str, ...]
    defensible: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Cell:
    """All but the priors of mu and tau: the levels of the first five axes, and the curves they leave.

    `key` identifies the informative curves; those without information add `constant` to the log evidence.
    """

    codes: tuple[int, ...]
    key: frozenset[object]
    curves: tuple[Curve, ...]
    constant: float


@dataclass(frozen=True, eq=False)
class Plan:
    """Every cell, with the priors of mu and tau that each of them meets; `own` are the model's levels."""

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]
    effects: tuple[LabelledPrior, ...]
    scales: tuple[LabelledPrior, ...]
    model: Model
    own: tuple[int, ...] | None


@dataclass(frozen=True)
class _Choice:
    """Labels of the first five axes, and the curve of each trial that is kept with its key."""

    labels: tuple[str, str, str, str, str]
    curves: tuple[tuple[object, Curve], ...]


def lay_out(evidence: Evidence, model: Model, paired: Evidence | None, claim: Claim | None) -> Plan:
    """Lay out every combination that is possible and leaves a trial with information.

    Left out with its reading as given stands for a trial left out whatever its reading: that is one analysis.
    """
    store: dict[object, Curve] = {}
    sources = [evidence]
    if paired is not None and evidence.kind == "two-arm" and model.measure == "OR":
        sources.append(paired)
    choices = [choice for source in sources for choice in _choices(source, model, store, paired=source is not evidence)]
    levels = [list(dict.fromkeys(choice.labels[i] for choice in choices)) for i in range(5)]
    effects = effect_priors(model, -1 if claim is not None and not claim.above else 1)
    scales = heterogeneity_priors(model, evidence.role)
    cells = []
    for choice in choices:
        told = [(key, curve) for key, curve in choice.curves if is_informative(curve)]
        constant = sum(float(curve.log_profile(_AT_0)[0]) for _, curve in choice.curves if not is_informative(curve))
        if told:
            codes = tuple(levels[i].index(label) for i, label in enumerate(choice.labels))
            # Two trials with the same counts are two: the place among equals is part of the key.
            seen: dict[object, int] = {}
            keys = []
            for key, _ in told:
                seen[key] = seen.get(key, 0) + 1
                keys.append((key, seen[key]))
            cells.append(Cell(codes, frozenset(keys), tuple(curve for _, curve in told), constant))
    if not cells:
        raise InputError(f"{evidence.outcome}: no trial says anything of the effect, so there is nothing to vary")
    if len(cells) > MOST_CELLS:
        raise InputError(
            f"{evidence.outcome}: {len(cells):,} combinations of readings, trials and likelihoods are more than the "
            f"{MOST_CELLS:,} that are answered; give fewer readings"
        )
    axes = (
        *(Axis(name, tuple(labels), _defensible(name, labels)) for name, labels in zip(AXES[:5], levels, strict=True)),
        *(_prior_axis(name, priors) for name, priors in zip(AXES[5:], (effects, scales), strict=True)),
    )
    return Plan(axes, tuple(cells), effects, scales, model, _own_codes(axes, model))


def _prior_axis(name: str, priors: Sequence[LabelledPrior]) -> Axis:
    return Axis(name, tuple(one.short for one in priors), tuple(not one.advocate for one in priors))


def _defensible(axis: str, labels: Sequence[str]) -> tuple[bool, ...]:
    if axis == "left out":
        return tuple(label == NOBODY for label in labels)
    return tuple(axis != "likelihood" or not label.startswith("normal, ") for label in labels)


def _own_codes(axes: tuple[Axis, ...], model: Model) -> tuple[int, ...] | None:
    """Levels of the model as it was given, with every trial as given; its own priors come first."""
    named = {
        "likelihood": _likelihood_label(model),
        "baseline": model.priors["baseline"].text if model.has_baseline else NONE,
        "parametrisation": _PLACES.get(model.parametrisation or "", NONE),
    }
    labels = [named.get(axis.name, axis.levels[0]) for axis in axes]
    if any(label not in axis.levels for label, axis in zip(labels, axes, strict=True)):
        return None
    return tuple(axis.levels.index(label) for label, axis in zip(labels, axes, strict=True))


def _likelihood_label(model: Model) -> str:
    if model.likelihood == "normal" and model.measure in ("OR", "RR"):
        return f"normal, {POLICIES['half-zero'].label}"
    return {"binomial": "binomial", "single-arm": "binomial"}.get(model.likelihood, model.likelihood)


def _choices(evidence: Evidence, model: Model, store: dict[object, Curve], *, paired: bool) -> Iterator[_Choice]:
    """Every reading, trial left out, likelihood, baseline and parametrisation of one kind of data."""
    for data in read_all(evidence):
        label = f"{data.label}, paired" if paired else data.label
        for left_out in (None, *(range(len(data.studies)) if len(data.studies) > 1 else ())):
            if left_out is not None and data.is_read_anew(left_out):
                continue
            kept = tuple(study for i, study in enumerate(data.studies) if i != left_out)
            who = NOBODY if left_out is None else data.studies[left_out].study
            for labels, curves in _likelihoods(evidence, kept, model, store):
                yield _Choice((label, who, *labels), curves)


def _likelihoods(
    evidence: Evidence, studies: tuple[Study, ...], model: Model, store: dict[object, Curve]
) -> Iterator[tuple[tuple[str, str, str], tuple[tuple[object, Curve], ...]]]:
    exact = exact_model(evidence, model)
    for other, labels in _exact_models(exact):
        yield labels, _curves(studies, other, labels, store)
    if evidence.kind == "two-arm" and model.measure == "OR":
        conditional = with_likelihood(model, "conditional")
        labels = ("conditional", NONE, NONE)
        yield labels, _curves(studies, conditional, labels, store)
    if has_counts(studies):
        for name in _telling_policies(evidence, model):
            corrected = correct(name, studies, model.measure)
            pairs = zip(corrected.y.tolist(), corrected.se.tolist(), strict=True)
            curves = tuple((pair, effect_curve(*pair)) for pair in pairs)
            yield (f"normal, {POLICIES[name].label}", NONE, NONE), curves


def _exact_models(exact: Model) -> Iterator[tuple[Model, tuple[str, str, str]]]:
    """The likelihood that takes the data as they are, with every baseline prior on either parametrisation."""
    name = _likelihood_label(exact)
    if not exact.has_baseline:
        yield exact, (name, NONE, NONE)
        return
    # The likelihood of a risk ratio with its prior on the control risk has a kink, which costs seconds a combination:
    # the table of baselines has it, the multiverse keeps to the place of the fitted model.
    places = PARAMETRISATIONS if exact.measure == "OR" else (exact.parametrisation or "midpoint",)
    for place, prior in itertools.product(places, baseline_priors(exact)):
        yield with_likelihood(exact, exact.likelihood, place, prior), (name, prior.text, _PLACES[place])


def _curves(
    studies: Sequence[Study], model: Model, labels: tuple[str, str, str], store: dict[object, Curve]
) -> tuple[tuple[object, Curve], ...]:
    """The curve of each trial, made once for all readings and trials left out."""
    keys = [(study, labels) for study in studies]
    for key in keys:
        if key not in store:
            store[key] = study_curve(key[0], model)
    return tuple((key, store[key]) for key in keys)


def _telling_policies(evidence: Evidence, model: Model) -> tuple[str, ...]:
    """Names of the zero-cell policies that differ from every policy before them under some reading."""
    seen: dict[object, str] = {}
    readings: tuple[DataReading, ...] = tuple(read_all(evidence))
    for name in policies_for(evidence.studies):
        effects = tuple(correct(name, data.studies, model.measure).key for data in readings)
        seen.setdefault(effects, name)
    return tuple(seen.values())


def describe_axes(axes: Sequence[Axis]) -> str:
    """Return the number of levels of each axis in words: "3 readings, 4 ..."."""
    return listing([f"{sum(map(bool, axis.levels))} of {axis.name}" for axis in axes])
