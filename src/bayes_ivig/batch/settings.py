"""What is asked of every review, as plain texts that travel to any worker."""

import itertools
from dataclasses import asdict, dataclass
from functools import lru_cache
from types import MappingProxyType

from bayes_ivig.choices import Choices, choose_likelihood, choose_model
from bayes_ivig.evidence import Evidence
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.spec import Model
from bayes_ivig.studies import Effect, Means, Paired, SingleArm, Study, TwoArm

_EXAMPLES: dict[str, tuple[Study, Study]] = {
    "two-arm": (TwoArm("a", 1, 2, 1, 2), TwoArm("b", 1, 2, 1, 2)),
    "crossover": (Paired("a", 1, 1, 1, 1), Paired("b", 1, 1, 1, 1)),
    "effect": (Effect("a", 0.0, 1.0), Effect("b", 0.0, 1.0)),
    "means": (Means("a", 0.0, 1.0, 2, 0.0, 1.0, 2), Means("b", 0.0, 1.0, 2, 0.0, 1.0, 2)),
    "single-arm": (SingleArm("a", 1, 2), SingleArm("b", 1, 2)),
}


@dataclass(frozen=True)
class Settings:
    """The options of `batch`; several priors of mu or tau make every pair of them, one row each."""

    model: str | None = None
    effect: str | None = None
    measure: str | None = None
    parametrisation: str | None = None
    mu: tuple[str, ...] = ()
    tau: tuple[str, ...] = ()
    baseline: str | None = None
    association: str | None = None
    prob: float = 0.95

    @property
    def likelihood(self) -> str | None:
        """The likelihood that `model` names; None where the kind of data decides."""
        return choose_likelihood(self.model)

    def check(self) -> None:
        """Refuse a prior or model that cannot be, before any review is read.

        Raises
        ------
        InputError
            An unknown model or prior; what only some data do not allow shows up in their error rows.
        """
        _ = self.likelihood
        for text in self.mu:
            resolve_prior(text, where="--mu")
        for text in self.tau:
            resolve_prior(text, where="--tau")
        for key in ("baseline", "association"):
            if getattr(self, key) is not None:
                resolve_prior(getattr(self, key), where=f"--{key}")

    def to_json(self) -> dict[str, object]:
        """Return every option by name."""
        return asdict(self)


@lru_cache(maxsize=64)
def models_for(settings: Settings, kind: str, measure: str | None, single: bool) -> tuple[Model, ...]:
    """Return the models to fit to data of a kind, one a pair of priors; they are chosen as `fit` chooses.

    Raises
    ------
    InputError
        A choice that these data do not allow, or a prior that has to be given and is not.
    """
    studies = _EXAMPLES[kind][: 1 if single else 2]
    evidence = Evidence("user", "batch", studies, measure=measure)
    models = []
    for mu, tau in itertools.product(settings.mu or (None,), settings.tau or (None,)):
        texts = {"mu": mu, "tau": tau, "baseline": settings.baseline, "association": settings.association}
        priors = {key: resolve_prior(text, where=f"--{key}") for key, text in texts.items() if text is not None}
        effect = settings.effect
        if single and effect is None:  # common, as `fit` has it: there is no tau to have a prior
            priors.pop("tau", None)
        choices = Choices(settings.model, effect, settings.measure, settings.parametrisation, MappingProxyType(priors))
        model = choose_model(evidence, choices)
        if model not in models:
            models.append(model)
    return tuple(models)
