"""The priors an outcome is looked at under: what the literature offers on its scale, or the user's own, stretched.

Where a scale has no natural prior (a mean difference), nothing is borrowed from elsewhere: the user's priors are
multiplied by factors.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from bayes_ivig.named_priors import find_named_prior
from bayes_ivig.priors import Prior, parse_prior
from bayes_ivig.spec import Model

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
TAU_FACTORS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
# The alternative of sceptical and enthusiastic priors: twice the odds, half as much risk again, a medium effect
# (Cohen, Statistical Power Analysis, 1988).
ALTERNATIVES = {
    "OR": (math.log(2), "OR 2", "OR 1/2"),
    "RR": (math.log(1.5), "RR 1.5", "RR 2/3"),
    "SMD": (0.5, "SMD 0.5", "SMD -0.5"),
}
COMMON, FITTED = "common effect", "as fitted"
BASELINES = ("beta(1, 1)", "beta(0.5, 0.5)", "normal(0, 1.5)", "normal(0, 10)")


class LabelledPrior(NamedTuple):
    """A prior with the name a table shows.

    An `advocate` is a prior stated to argue with, a sceptic's or an enthusiast's, not one to plan an analysis by.
    """

    label: str
    prior: Prior
    advocate: bool = False

    @property
    def short(self) -> str:
        """Label and the prior with three digits a number: "vague: normal(0, 10)"."""
        return self.label if self.label == COMMON else f"{self.label}: {short_text(self.prior)}"


def short_text(prior: Prior) -> str:
    """Text of a prior with three digits a number."""
    if prior.components:
        parts = zip(prior.weights, prior.components, strict=True)
        return " + ".join(f"{weight:.3g}*{short_text(part)}" for weight, part in parts)
    return f"{prior.family}({', '.join(f'{x:.3g}' for x in prior.args)})"


_MU = {
    "OR": (
        ("weakly informative", "wip_logOR"),
        ("unit information", "uip_logOR"),
        ("Cochrane Neuromuscular", "bartos_logOR_neuromuscular"),
        ("all Cochrane", "bartos_logOR_all"),
        ("vague", "vague"),
    ),
    "RR": (
        ("unit information", "uip_logRR"),
        ("Cochrane Neuromuscular", "bartos_logRR_neuromuscular"),
        ("all Cochrane", "bartos_logRR_all"),
        ("vague", "vague"),
    ),
    "SMD": (("all Cochrane", "bartos_SMD_all"), ("vague", "normal(0, 10)"), ("weakly informative", "normal(0, 1)")),
    "rate": (
        ("uniform", "beta(1, 1)"),
        ("Jeffreys", "beta(0.5, 0.5)"),
        ("weakly informative", "normal(0, 1.5)"),
        ("vague", "normal(0, 10)"),
    ),
}
_TAU = {
    "OR": (
        ("weakly informative", "halfnormal_0.5"),
        ("wide", "halfnormal_1.0"),
        ("heavy-tailed", "halfcauchy_0.5"),
        ("Turner, any outcome", "turner2015_marginal"),
        ("Turner, signs and symptoms", "turner2015_1_11"),
        ("Cochrane Neuromuscular", "bartos2023_logOR_neuromuscular"),
        ("all Cochrane", "bartos2023_logOR_all"),
        ("vague", "uniform(0, 4)"),
    ),
    "RR": (
        ("narrow", "half-normal(0.35)"),
        ("weakly informative", "halfnormal_0.5"),
        ("wide", "halfnormal_1.0"),
        ("heavy-tailed", "halfcauchy_0.5"),
        ("Cochrane Neuromuscular", "bartos2023_logRR_neuromuscular"),
        ("all Cochrane", "bartos2023_logRR_all"),
        ("vague", "uniform(0, 4)"),
    ),
    "SMD": (
        ("narrow", "half-normal(0.25)"),
        ("weakly informative", "half-normal(0.5)"),
        ("wide", "half-normal(1)"),
        ("heavy-tailed", "half-cauchy(0.5)"),
        ("Rhodes, any outcome", "rhodes2015_marginal"),
        ("all Cochrane", "bartos2021_SMD_all"),
        ("vague", "uniform(0, 4)"),
    ),
    "rate": (
        ("nearly none", "half-normal(0.1)"),
        ("small", "half-normal(0.25)"),
        ("moderate", "half-normal(0.5)"),
        ("large", "half-normal(1)"),
        ("very large", "half-normal(2)"),
        ("heavy-tailed", "half-cauchy(0.5)"),
        ("vague", "uniform(0, 4)"),
    ),
}
_ADVERSE = {"Turner, signs and symptoms": ("Turner, adverse events", "turner2015_1_9")}


def effect_priors(model: Model, sign: int) -> tuple[LabelledPrior, ...]:
    """Priors of mu for this scale, the model's own first; `sign` is the direction an enthusiast hopes for."""
    own = model.priors["mu"]
    if model.measure not in _MU:
        return _own_first(own, [LabelledPrior(f"own, times {f:g}", stretch(own, f)) for f in FACTORS])
    named = [LabelledPrior(label, _prior(name)) for label, name in _MU[model.measure]]
    if model.measure in ALTERNATIVES:
        size, above, below = ALTERNATIVES[model.measure]
        size, hoped = round(size, 3), above if sign > 0 else below
        named += [
            LabelledPrior(f"sceptical of {hoped}", parse_prior(f"sceptical({size})"), advocate=True),
            LabelledPrior(f"enthusiastic for {hoped}", parse_prior(f"enthusiastic({sign * size})"), advocate=True),
        ]
    return _own_first(own, named)


def heterogeneity_priors(model: Model, role: str = "") -> tuple[LabelledPrior, ...]:
    """Priors of tau for this scale, the model's own first; one of them is a common effect.

    For an outcome whose `role` is harm Turner's prior of adverse events stands for that of signs and symptoms.
    """
    own = model.priors.get("tau")
    common = LabelledPrior(COMMON, parse_prior("fixed(0)"))
    if model.measure in _TAU:
        rows = _TAU[model.measure]
        if role == "harm":
            rows = tuple(_ADVERSE.get(label, (label, name)) for label, name in rows)
        named = [LabelledPrior(label, _prior(name)) for label, name in rows]
    else:
        named = [LabelledPrior(f"own, times {f:g}", stretch(own, f)) for f in TAU_FACTORS] if own else []
    return _own_first(own or common.prior, [common, *named])


def baseline_priors(model: Model) -> tuple[Prior, ...]:
    """Baseline priors, the model's own first; none where the likelihood has no baseline."""
    if not model.has_baseline:
        return ()
    own = model.priors["baseline"]
    others = [parse_prior(text) for text in BASELINES]
    return (own, *(prior for prior in others if prior != own))


def stretch(prior: Prior, factor: float) -> Prior:
    """Return the prior of `factor` times a quantity that has this prior."""
    if prior.components:
        return Prior(
            "mixture", weights=prior.weights, components=tuple(stretch(part, factor) for part in prior.components)
        )
    args = prior.args
    match prior.family:
        case "exponential":
            args = (args[0] / factor,)
        case "log-normal" | "log-student-t":
            args = (*args[:-2], args[-2] + math.log(factor), args[-1])
        case "student-t":
            args = (args[0], factor * args[1], factor * args[2])
        case "half-student-t" | "inverse-gamma":
            args = (args[0], factor * args[1])
        case _:  # location and scale, ends of an interval, a point
            args = tuple(factor * x for x in args)
    return Prior(prior.family, args)


def _prior(name: str) -> Prior:
    return parse_prior(name) if "(" in name else find_named_prior(name).prior


def _own_first(own: Prior, others: Sequence[LabelledPrior]) -> tuple[LabelledPrior, ...]:
    """Put the model's own prior first, and no prior twice."""
    kept = [LabelledPrior(FITTED, own)]
    for one in others:
        if all(one.prior != other.prior for other in kept):
            kept.append(one)
    return tuple(kept)
