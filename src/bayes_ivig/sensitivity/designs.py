"""The same trials as parallel arms, as reviews often read them, and as the crossovers they are."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bayes_ivig.effects import to_natural
from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import parse_prior
from bayes_ivig.sensitivity.models import with_likelihood
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.spec import Model
from bayes_ivig.wording import probability, with_interval

ASSOCIATIONS = ("normal(0, 1.5)", "normal(1.5, 1)")  # of a patient's two outcomes: none expected; a positive one


def compare_designs(parallel: Evidence, paired: Evidence, model: Model, prob: float = 0.95) -> list[dict[str, Any]]:
    """Return one row a reading: two arms first, then the paired tables under each prior of the association.

    The priors of mu and tau are those of `model` throughout, its baseline prior too where it has one. Effects are on
    the natural scale. Raises InputError where the crossover likelihood does not have the measure.
    """
    arms = model if model.likelihood != "crossover" else with_likelihood(model, "binomial")
    rows = [_row("parallel arms", "", Setting(parallel, arms, prob))]
    for text in ASSOCIATIONS:
        crossing = with_likelihood(model, "crossover")
        priors = MappingProxyType({**crossing.priors, "association": parse_prior(text)})
        rows.append(_row("crossover, paired", text, Setting(paired, replace(crossing, priors=priors), prob)))
    return rows


def _row(design: str, association: str, setting: Setting) -> dict[str, Any]:
    answer = setting.answer
    low, median, high = (
        float(to_natural(setting.model.measure, x)) for x in (answer.ci[0], answer.median, answer.ci[1])
    )
    return {
        "design": design,
        "association": association,
        "measure": setting.model.measure,
        "median": median,
        "low": low,
        "high": high,
        "p": answer.p,
        "p_is": setting.direction.text,
    }


def describe_designs(rows: list[Mapping[str, Any]]) -> str:
    """Return one sentence for the panel."""
    first, *others = rows

    def said(row: Mapping[str, Any]) -> str:
        effect = with_interval(row["median"], (row["low"], row["high"]))
        return f"{row['measure']} {effect}, {row['p_is']} {probability(row['p'])}"

    paired = "; ".join(f"{said(row)} with a within-patient association {row['association']}" for row in others)
    return f"Read as parallel arms, these trials give {said(first)}; read as the crossovers they are, {paired}."
