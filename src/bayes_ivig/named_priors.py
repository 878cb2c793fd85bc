"""Published priors by name: ``resolve_prior("turner2015_1_7")``. The tables carry their sources.

The tables print the priors as published. Turner (2012, 2015) and Rhodes (2015) describe tau squared; they
become priors of tau here, once: log tau = log(tau^2) / 2, so location and scale are halved.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.priors import FAMILIES, Prior, parse_prior

Target = Literal["mu", "tau"]


@dataclass(frozen=True)
class NamedPrior:
    """A published prior of the effect mu or of the heterogeneity SD tau, on the analysis scale `scale`.

    The quantiles of tau are the table's own, to the decimals it prints; None for a prior of mu.
    """

    name: str
    target: Target
    scale: str  # 'log OR', 'log RR', 'SMD', 'risk difference' or 'log OR / log RR'
    prior: Prior
    citation: str
    doi: str
    confidence: str  # in the numbers as copied
    note: str
    meaning: str = ""
    outcome_type: str = ""
    comparison: str = ""
    area: str = ""
    tau_median: float | None = None
    tau_q025: float | None = None
    tau_q975: float | None = None


@dataclass(frozen=True)
class PriorForm:
    """A published way to build a prior of mu from a number the user states: ``sceptical(theta_A)``."""

    name: str
    form: str
    scale: str
    meaning: str
    citation: str
    confidence: str
    note: str


@lru_cache(maxsize=1)
def named_priors() -> tuple[NamedPrior, ...]:
    """All named priors: of tau in the order of its table, then of mu."""
    return (
        *map(_heterogeneity_prior, _rows("heterogeneity_priors.csv")),
        *map(_effect_prior, _effect_rows(form=False)),
    )


@lru_cache(maxsize=1)
def prior_forms() -> tuple[PriorForm, ...]:
    """The named forms that take the alternative theta_A, on the analysis scale."""
    return tuple(
        PriorForm(
            row["name"],
            row["prior"],
            row["scale"],
            row["meaning"],
            row["citation"],
            row["confidence"],
            row["note"],
        )
        for row in _effect_rows(form=True)
    )


def find_named_prior(name: str, *, where: str = "prior") -> NamedPrior:
    """Return the prior of that name; case is ignored, and '-' and '_' are equal. Raises InputError."""
    known = {_key(prior.name): prior for prior in named_priors()}
    if _key(name) in known:
        return known[_key(name)]
    for form in prior_forms():
        if _key(name) == _key(form.name):
            raise InputError(f"{where}: '{name}' needs the alternative; write {form.form}, such as {form.name}(0.7)")
    hint = nearest(name[:60], [*FAMILIES, *(prior.name for prior in known.values())])
    raise InputError(f"{where}: no prior is named {name[:60]!r}{hint or "; see 'bayes-ivig priors list'"}")


def resolve_prior(text: str, *, where: str = "prior") -> Prior:
    """Read a prior, given by a name of the tables or by its text form. Raises InputError."""
    if "(" in text or text.strip().lower() in FAMILIES:
        return parse_prior(text, where=where)
    return find_named_prior(text.strip(), where=where).prior


def _key(name: str) -> str:
    return name.casefold().replace("_", "-")


def _rows(file: str) -> Iterator[dict[str, str]]:
    from importlib import resources  # only where a name is looked up: 20 ms

    table = resources.files("bayes_ivig") / "tables" / file
    return csv.DictReader(table.read_text(encoding="utf-8").splitlines())


def _effect_rows(*, form: bool) -> Iterator[dict[str, str]]:
    return (row for row in _rows("effect_priors.csv") if row["prior"].endswith("(theta_A)") == form)


def _effect_prior(row: dict[str, str]) -> NamedPrior:
    return NamedPrior(
        name=row["name"],
        target="mu",
        scale=row["scale"],
        prior=parse_prior(row["prior"], where=row["name"]),
        citation=row["citation"],
        doi=row["doi"],
        confidence=row["confidence"],
        note=row["note"],
        meaning=row["meaning"],
    )


def _heterogeneity_prior(row: dict[str, str]) -> NamedPrior:
    prior = parse_prior(row["prior"], where=row["name"])
    return NamedPrior(
        name=row["name"],
        target="tau",
        scale=row["scale"],
        prior=_prior_of_root(prior) if row["parameter"] == "tau^2" else prior,
        citation=row["citation"],
        doi=row["doi"],
        confidence=row["confidence"],
        note=row["note"],
        outcome_type=row["outcome_type"],
        comparison=row["comparison"],
        area=row["area"],
        tau_median=float(row["tau_median"]),
        tau_q025=float(row["tau_q025"]),
        tau_q975=float(row["tau_q975"]),
    )


def _prior_of_root(prior: Prior) -> Prior:
    """Turn a log-normal or log-Student-t prior of tau^2 into the prior of tau."""
    *df, m, s = prior.args
    return replace(prior, args=(*df, m / 2, s / 2))
