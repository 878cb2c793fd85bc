"""The priors that other analysts would defend, per scale: of the effect, of the heterogeneity, of the baseline.

Where the scale has published priors these are taken; a scale without any (a mean difference, an unnamed effect) gets
multiples of the model's own. Nothing is computed from the data. "Reviews" are Cochrane's, whose estimates the
priors of Bartos et al. summarise.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.priors import Prior, parse_prior
from bayes_ivig.sensitivity.claim import Claim
from bayes_ivig.spec import Model

# Effect that a sceptic doubts and an enthusiast expects, on the analysis scale, and what to call it.
STATED_EFFECT = {
    "OR": (math.log(2), "an OR of 2", "an OR of 1/2"),
    "RR": (math.log(1.5), "an RR of 1.5", "an RR of 2/3"),
    "SMD": (0.5, "an SMD of 0.5", "an SMD of -0.5"),
}
_EFFECTS = {
    "OR": {
        "weakly informative": "wip_logOR",
        "unit information": "uip_logOR",
        "vague": "vague",
        "Neuromuscular reviews": "bartos_logOR_neuromuscular",
        "all reviews": "bartos_logOR_all",
    },
    "RR": {
        "unit information": "uip_logRR",
        "vague": "vague",
        "Neuromuscular reviews": "bartos_logRR_neuromuscular",
        "all reviews": "bartos_logRR_all",
    },
    "SMD": {
        "weakly informative": "normal(0, 1)",
        "unit information": "normal(0, 2)",  # an SMD has variance 4/n in n patients, 1:1
        "vague": "normal(0, 10)",
        "all reviews": "bartos_SMD_all",
    },
    "rate": {
        "uniform": "beta(1, 1)",
        "Jeffreys": "beta(0.5, 0.5)",
        "weakly informative": "normal(0, 1.5)",
        "vague": "normal(0, 10)",
    },
}
_TIGHT = "half-normal(0.1)"
_HETEROGENEITY = {
    "OR": {
        "nearly none": _TIGHT,
        "moderate": "half-normal(0.5)",
        "large": "half-normal(1)",
        "heavy-tailed": "half-cauchy(0.5)",
        "Neuromuscular reviews": "bartos2023_logOR_neuromuscular",
        "all reviews": "bartos2023_logOR_all",
        "Turner, symptoms": "turner2015_1_11",
        "Turner, general health": "turner2015_1_8",
    },
    "RR": {
        "nearly none": _TIGHT,
        "small": "half-normal(0.35)",
        "moderate": "half-normal(0.5)",
        "large": "half-normal(1)",
        "heavy-tailed": "half-cauchy(0.5)",
        "flat": "uniform(0, 2)",
        "Neuromuscular reviews": "bartos2023_logRR_neuromuscular",
        "all reviews": "bartos2023_logRR_all",
    },
    "SMD": {
        "nearly none": _TIGHT,
        "small": "half-normal(0.25)",
        "moderate": "half-normal(0.5)",
        "large": "half-normal(1)",
        "heavy-tailed": "half-cauchy(0.5)",
        "flat": "uniform(0, 2)",
        "all reviews": "bartos2021_SMD_all",
        "Rhodes, all areas": "rhodes2015_marginal",
    },
    "rate": {
        "nearly none": _TIGHT,
        "small": "half-normal(0.25)",
        "moderate": "half-normal(0.5)",
        "large": "half-normal(1)",
        "very large": "half-normal(2)",
        "heavy-tailed": "half-cauchy(0.5)",
        "flat": "uniform(0, 2)",
        "exponential": "exponential(1)",
    },
}
_ADVERSE = {"Turner, symptoms": ("Turner, adverse events", "turner2015_1_9")}
_BASELINES = {
    "flat": "beta(1, 1)",
    "Jeffreys": "beta(0.5, 0.5)",
    "weakly informative": "normal(0, 1.5)",
    "vague": "normal(0, 10)",
}
COMMON = "common effect"


@dataclass(frozen=True)
class Alternative:
    """A prior with what to call it; no prior is a common effect, tau = 0.

    An `advocate` is a prior stated to argue with, a sceptic's or an enthusiast's, not one to plan an analysis by.
    """

    name: str
    prior: Prior | None
    advocate: bool = False

    @property
    def label(self) -> str:
        """Name and text form: "vague: normal(0, 10)"."""
        return self.name if self.prior is None else f"{self.name}: {_short_text(self.prior)}"


def effect_alternatives(model: Model, claim: Claim | None) -> tuple[Alternative, ...]:
    """Return priors of mu, the model's own among them; a sceptic's and an enthusiast's where there is a claim."""
    own = model.priors["mu"]
    named = _EFFECTS.get(model.measure)
    if named is None and own.is_point:
        return (Alternative("the model's", own),)
    if named is None:
        sizes = {"a quarter as wide": 0.25, "half as wide": 0.5, "twice as wide": 2.0}
        sizes |= {"four times as wide": 4.0, "ten times as wide": 10.0}
        return _with_own(own, ((name, _scaled(own, size)) for name, size in sizes.items()))
    alternatives = _with_own(own, ((name, resolve_prior(text)) for name, text in named.items()))
    if claim is None or model.measure not in STATED_EFFECT:
        return alternatives
    size, above, below = STATED_EFFECT[model.measure]
    stated, words = (size, above) if claim.above else (-size, below)
    return (
        *alternatives,
        Alternative(f"sceptic of {words}", parse_prior(f"sceptical({stated!r})"), advocate=True),
        Alternative(f"enthusiast of {words}", parse_prior(f"enthusiastic({stated!r})"), advocate=True),
    )


def heterogeneity_alternatives(model: Model, claim: Claim | None) -> tuple[Alternative, ...]:
    """Return priors of tau, the model's own among them, and the common effect last."""
    own = model.priors.get("tau")
    named = _HETEROGENEITY.get(model.measure)
    if named is None:
        scale = own if own is not None else _half_normal_of(model.priors["mu"])
        sizes = {"a quarter": 0.25, "half": 0.5, "twice": 2.0, "four times": 4.0, "ten times": 10.0}
        wide = float(scale.ppf(0.6827))
        found = [(f"{name} as wide", _scaled(scale, size)) for name, size in sizes.items()]
        found += [
            ("heavy-tailed", parse_prior(f"half-cauchy({wide!r})")),
            ("flat", parse_prior(f"uniform(0, {4 * wide!r})")),
        ]
        found = [("the model's", scale), *found]
    else:
        if claim is not None and claim.word == "harm":
            named = dict(_ADVERSE.get(name, (name, text)) for name, text in named.items())
        found = [(name, resolve_prior(text)) for name, text in named.items()]
    return (*_with_own(own, found), Alternative(COMMON, None))


def baseline_alternatives(model: Model) -> tuple[Alternative, ...]:
    """Return priors of the baseline, the model's own among them."""
    found = ((name, parse_prior(text)) for name, text in _BASELINES.items())
    return _with_own(model.priors.get("baseline"), found)


def _with_own(own: Prior | None, found: Iterable[tuple[str, Prior]]) -> tuple[Alternative, ...]:
    """The priors found, the model's own first if it is none of them."""
    alternatives = tuple(Alternative(name, prior) for name, prior in found)
    if own is None or any(a.prior == own for a in alternatives):
        return alternatives
    return (Alternative("the model's", own), *alternatives)


def _scaled(prior: Prior, factor: float) -> Prior:
    """The prior stretched about its centre; a normal of the same SD where its family has no scale."""
    if prior.family in ("normal", "student-t", "cauchy", "half-normal", "half-cauchy", "half-student-t"):
        return replace(prior, args=(*prior.args[:-1], prior.args[-1] * factor))
    return Prior("normal" if prior.support[0] < 0 else "half-normal", _normal_args(prior, factor))


def _normal_args(prior: Prior, factor: float) -> tuple[float, ...]:
    low, middle, high = (float(x) for x in prior.ppf([0.1587, 0.5, 0.8413]))
    return (middle, factor * (high - low) / 2) if prior.support[0] < 0 else (factor * float(prior.ppf(0.6827)),)


def _half_normal_of(prior: Prior) -> Prior:
    """Half as wide as the prior of mu: a between-trial SD of the order of the effects thought possible."""
    return Prior("half-normal", (_normal_args(prior, 0.5)[-1],))


def _short_text(prior: Prior) -> str:
    """The text form with three digits an argument."""
    if prior.components:
        return prior.text
    return f"{prior.family}({', '.join(f'{x:.3g}' for x in prior.args)})"
