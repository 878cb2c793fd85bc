"""Model files: a likelihood, a measure, an effect structure, every prior and the sampler's settings."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.priors import (
    Prior,
    require_plausible_size,
    require_real_prior,
    require_risk_or_real_prior,
    require_scale_prior,
)
from bayes_ivig.shipped import shipped_folder

LIKELIHOODS = ("binomial", "conditional", "crossover", "normal", "single-arm")
EFFECTS = ("random", "common")
PARAMETRISATIONS = ("midpoint", "control")
# The measures each likelihood is written for; "effect" is a normal outcome on an unnamed scale.
MEASURES: Mapping[str, tuple[str, ...]] = {
    "binomial": ("OR", "RR"),
    "conditional": ("OR",),
    "crossover": ("OR",),
    "normal": ("OR", "RR", "SMD", "MD", "effect"),
    "single-arm": ("rate",),
}
# The priors each likelihood has besides mu and tau.
NUISANCE: Mapping[str, tuple[str, ...]] = {
    "binomial": ("baseline",),
    "conditional": (),
    "crossover": ("baseline", "association"),
    "normal": (),
    "single-arm": (),
}


_TEXTS = ("about", "likelihood", "measure", "effect", "parametrisation")
# What to write for a prior that has to be given, as an example.
_EXAMPLES = {"mu": "normal(0, 10)", "tau": "half-normal(5)", "baseline": "beta(1, 1)", "association": "normal(0, 1.5)"}


@dataclass(frozen=True)
class Sampler:
    """Settings of the NUTS sampler; `draws` and `tune` are per chain."""

    draws: int = 2000
    tune: int = 1000
    chains: int = 4
    target_accept: float = 0.95
    seed: int = 20070315

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, low, high in (
            ("draws", 100, 10**6),
            ("tune", 100, 10**6),
            ("chains", 2, 64),
            ("seed", 0, 2**32 - 1),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise InputError(
                    f"sampler.{name}: {_short(value)} is not allowed; give a whole number from {low} to {high}"
                )
        if not isinstance(self.target_accept, float) or not 0.5 <= self.target_accept < 1:
            raise InputError(
                f"sampler.target_accept: {_short(self.target_accept)} is not allowed; give 0.5 up to below 1"
            )


@dataclass(frozen=True)
class Model:
    """Everything a fit needs besides the data. Priors are keyed mu, tau, baseline, association."""

    name: str
    likelihood: str
    measure: str
    effect: str
    parametrisation: str | None
    priors: Mapping[str, Prior]
    sampler: Sampler = Sampler()
    about: str = ""

    def __post_init__(self) -> None:
        """Check every choice and that each prior lives where its parameter does."""
        _check_choice("likelihood", self.likelihood, LIKELIHOODS)
        _check_choice("measure", self.measure, MEASURES[self.likelihood])
        _check_choice("effect", self.effect, EFFECTS)
        if self.has_baseline:
            _check_choice("parametrisation", self.parametrisation, PARAMETRISATIONS)
        elif self.parametrisation is not None:
            raise InputError(f"parametrisation: the {self.likelihood} model has no baseline risk; leave it out")
        allowed = (*(("mu", "tau") if self.effect == "random" else ("mu",)), *NUISANCE[self.likelihood])
        for key, prior in self.priors.items():
            if key not in allowed:
                raise InputError(
                    f"priors.{key}: the {self.effect}-effect {self.likelihood} model has no such parameter; "
                    f"leave it out, allowed are {', '.join(allowed)}"
                )
            if key == "tau":
                require_scale_prior(prior, "tau")
            elif key == "baseline" or (key == "mu" and self.likelihood == "single-arm"):
                require_risk_or_real_prior(prior, key)
            else:
                require_real_prior(prior, key)
            require_plausible_size(prior, key, scale=key == "tau")
            if key == "association":
                _require_finite_ends(prior)

    @property
    def has_baseline(self) -> bool:
        """Whether the likelihood has a baseline risk per study."""
        return "baseline" in NUISANCE[self.likelihood]

    @property
    def needed(self) -> tuple[str, ...]:
        """Names of the priors the model cannot do without."""
        return (*(("mu", "tau") if self.effect == "random" else ("mu",)), *NUISANCE[self.likelihood])

    @property
    def slug(self) -> str:
        """Name of the result folder: likelihood-measure-effect."""
        return f"{self.likelihood}-{self.measure}-{self.effect}".lower()

    def require_complete(self) -> "Model":
        """Return the model itself, or say which prior is missing (scales without a natural prior)."""
        missing = [key for key in self.needed if key not in self.priors]
        if missing:
            example = " ".join(f'--{key} "{_EXAMPLES[key]}"' for key in missing)
            raise InputError(
                f"no prior of {' and '.join(missing)} is given, and none is assumed for the {self.name} model; "
                f"give {' and '.join(f'--{key}' for key in missing)} on the scale of the data, for instance {example}"
            )
        return self


def _require_finite_ends(prior: Prior) -> None:
    """Raise InputError where the density is infinite at an end of its range: no rule for the association goes there."""
    for _, part in prior.parts:
        for end in part.support:
            if not part.is_point and part.logpdf(end) == math.inf:
                raise InputError(
                    f"association: '{prior.text}' is not allowed, its density is infinite at {end:g}; "
                    "write one that is finite everywhere, such as normal(0, 1.5)"
                )


def _short(value: Any) -> str:
    """Return the value as an error can repeat it."""
    return repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}..."


def _check_choice(key: str, value: str | None, allowed: Iterable[str]) -> None:
    allowed = tuple(allowed)
    if value is None:
        raise InputError(f"{key}: missing; choose {' or '.join(allowed)}")
    if value not in allowed:
        raise InputError(
            f"{key}: {_short(value)} is not allowed; choose {' or '.join(allowed)}{nearest(value, allowed)}"
        )


def list_models() -> tuple[str, ...]:
    """Names of the shipped model files."""
    return tuple(sorted(f.name[:-5] for f in shipped_folder("models").iterdir() if f.name.endswith(".toml")))


def load_model(name: str) -> Model:
    """Load a shipped model by name, or a model file by its path (ends in .toml).

    Raises
    ------
    InputError
        Unknown name, unreadable file, unknown key, or a value that is not allowed.
    """
    if name.endswith(".toml"):
        path = Path(name)
    elif name in list_models():
        path = shipped_folder("models") / f"{name}.toml"
    else:
        known = (*LIKELIHOODS, *list_models())
        raise InputError(
            f"--model: {_short(name)} is unknown; give a likelihood ({', '.join(LIKELIHOODS)}), a name from "
            f"'bayes-ivig models list', or the path of a .toml file{nearest(name, known)}"
        )
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error}); give the path of a model file") from None
    except ValueError:  # not UTF-8, or a NUL in the path
        raise InputError(f"{_short(name)}: not readable as text; save the model file as UTF-8") from None
    try:
        return model_from_table(tomllib.loads(text), name)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except (ValueError, RecursionError) as error:  # tomllib lets both through, for huge numbers and deep nesting
        raise InputError(f"{name}: not a TOML file ({error}); correct it") from None


def model_from_table(table: Mapping[str, Any], name: str) -> Model:
    """Make a `Model` from the keys of a model file.

    Raises
    ------
    InputError
        A missing or unknown key (with the nearest known one), a value of the wrong type, or one not allowed.
    """
    _refuse_unknown(table, (*_TEXTS, "priors", "sampler"), "")
    for key in _TEXTS:
        if key in table and not isinstance(table[key], str):
            raise InputError(f"{key}: {_short(table[key])} is not a text; put it in quotation marks")
        if key in ("likelihood", "measure", "effect") and key not in table:
            raise InputError(f"{key}: missing; a model file names its likelihood, measure and effect")
    priors, sampler = (_section(table, key) for key in ("priors", "sampler"))
    _refuse_unknown(priors, tuple(_EXAMPLES), "priors.")
    _refuse_unknown(sampler, tuple(f.name for f in fields(Sampler)), "sampler.")
    for key, text in priors.items():
        if not isinstance(text, str):
            raise InputError(f'priors.{key}: {_short(text)} is not a text such as "{_EXAMPLES[key]}"; give one')
    return Model(
        name=name,
        likelihood=table["likelihood"],
        measure=table["measure"],
        effect=table["effect"],
        parametrisation=table.get("parametrisation"),
        priors=MappingProxyType({key: resolve_prior(text, where=f"priors.{key}") for key, text in priors.items()}),
        sampler=Sampler(**sampler),
        about=table.get("about", ""),
    )


def _section(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = table.get(key, {})
    if not isinstance(section, dict):
        raise InputError(f"{key}: {_short(section)} is not a table; write [{key}] and its keys below")
    return section


def _refuse_unknown(table: Mapping[str, Any], allowed: tuple[str, ...], prefix: str) -> None:
    for key in table:
        if key not in allowed:
            raise InputError(
                f"{prefix}{_short(key)[1:-1]}: unknown key; allowed are {', '.join(allowed)}{nearest(key, allowed)}"
            )


def default_model(likelihood: str, measure: str, effect: str, parametrisation: str | None = None) -> Model:
    """Return the shipped model for these choices; the defaults of every prior live in `models/`, nowhere else."""
    _check_choice("likelihood", likelihood, LIKELIHOODS)
    _check_choice("measure", measure, MEASURES[likelihood])
    _check_choice("effect", effect, EFFECTS)
    parts = [likelihood]
    if likelihood in ("binomial", "normal"):
        parts.append(measure.lower())
    if "baseline" in NUISANCE[likelihood]:
        parametrisation = parametrisation or "midpoint"
        _check_choice("parametrisation", parametrisation, PARAMETRISATIONS)
        parts.append(parametrisation)
    elif parametrisation is not None:
        raise InputError(f"--parametrisation: the {likelihood} model has no baseline risk; leave it out")
    return load_model("-".join([*parts, effect]))


def with_priors(model: Model, priors: Mapping[str, Prior]) -> Model:
    """Return the model with some priors replaced."""
    return replace(model, priors=MappingProxyType({**model.priors, **priors}))
