"""The same analysis under another likelihood: priors of mu and tau kept, nuisance priors by default."""

from dataclasses import replace
from types import MappingProxyType

from bayes_ivig.choices import DEFAULT_LIKELIHOOD
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import Prior
from bayes_ivig.spec import NUISANCE, Model, default_model

COUNTED = ("binomial", "conditional", "crossover", "normal")


def exact_model(evidence: Evidence, model: Model) -> Model:
    """Return the model with the likelihood that takes the counts as they are; itself where it has that already."""
    likelihood = DEFAULT_LIKELIHOOD[evidence.kind]
    return model if model.likelihood == likelihood else with_likelihood(model, likelihood)


def with_likelihood(
    model: Model, likelihood: str, parametrisation: str | None = None, baseline: Prior | None = None
) -> Model:
    """Return the model with another likelihood of the same measure.

    Its priors of mu and tau stay; nuisance priors stay where both likelihoods have them, or are the shipped ones.
    Raises InputError where the likelihood does not have the measure.
    """
    if model.likelihood not in COUNTED or likelihood not in COUNTED:
        raise InputError(f"the {model.likelihood} model has no {likelihood} counterpart; choose one of {COUNTED}")
    place = parametrisation or model.parametrisation if "baseline" in NUISANCE[likelihood] else None
    other = default_model(likelihood, model.measure, model.effect, place)
    kept = {key: prior for key, prior in model.priors.items() if key in other.needed}
    chosen = {} if baseline is None else {"baseline": baseline}
    return replace(other, sampler=model.sampler, priors=MappingProxyType({**other.priors, **kept, **chosen}))
