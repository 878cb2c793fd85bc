"""Which model to fit: defaults by the kind of data, then a model file, then what the user asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bayes_ivig.evidence import Evidence
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.priors import Prior
from bayes_ivig.spec import MEASURES, NUISANCE, Model, Sampler, default_model, load_model

DEFAULT_LIKELIHOOD = {
    "two-arm": "binomial",
    "crossover": "crossover",
    "effect": "normal",
    "means": "normal",
    "single-arm": "single-arm",
}


@dataclass(frozen=True)
class Choices:
    """What the user asked for; None means the default for these data."""

    model: str | None = None
    effect: str | None = None
    measure: str | None = None
    parametrisation: str | None = None
    priors: Mapping[str, Prior] = field(default_factory=lambda: MappingProxyType({}))
    seed: int | None = None
    draws: int | None = None


def choose_likelihood(name: str | None) -> str | None:
    """Return the likelihood that `--model` names, in itself or in a model file; None without `--model`."""
    if name is None or name in MEASURES:
        return name
    return load_model(name).likelihood


def choose_model(evidence: Evidence, choices: Choices) -> Model:
    """Return the complete model for this evidence: defaults by kind of data, then the file, then the flags.

    Raises
    ------
    InputError
        A choice the data or the model do not allow, or a prior that has to be given and is not.
    """
    base = load_model(choices.model) if choices.model and choices.model not in MEASURES else None
    likelihood = base.likelihood if base else choices.model or DEFAULT_LIKELIHOOD[evidence.kind]
    measure = choices.measure or (base.measure if base else _default_measure(evidence, likelihood))
    effect = choices.effect or (base.effect if base else "common" if len(evidence.studies) == 1 else "random")
    parametrisation = choices.parametrisation or (base.parametrisation if base else None)
    if base and (measure, effect, parametrisation) == (base.measure, base.effect, base.parametrisation):
        model = base
    else:
        model = default_model(likelihood, measure, effect, parametrisation)
        if base:
            kept = {
                k: p
                for k, p in base.priors.items()
                if k in model.needed and (k in NUISANCE[likelihood] or measure == base.measure)
            }
            model = replace(
                model, name=base.name, sampler=base.sampler, priors=MappingProxyType({**model.priors, **kept})
            )
    priors: dict[str, Prior] = dict(model.priors)
    if measure == evidence.measure:
        shipped = evidence_priors(evidence)
        priors |= {key: prior for key, prior in shipped.items() if key in model.needed and key not in priors}
    priors |= choices.priors
    sampler = {key: value for key in ("seed", "draws") if (value := getattr(choices, key)) is not None}
    return replace(
        model, priors=MappingProxyType(priors), sampler=Sampler(**{**vars(model.sampler), **sampler})
    ).require_complete()


def evidence_priors(evidence: Evidence) -> dict[str, Prior]:
    """Priors that a shipped outcome carries because its scale has no natural one."""
    return {key: resolve_prior(text, where=f"{evidence.outcome} priors.{key}") for key, text in evidence.priors.items()}


def _default_measure(evidence: Evidence, likelihood: str) -> str:
    allowed = MEASURES[likelihood]
    if evidence.measure in allowed:
        return str(evidence.measure)
    return {"effect": "effect", "means": "MD"}.get(evidence.kind, allowed[0])
