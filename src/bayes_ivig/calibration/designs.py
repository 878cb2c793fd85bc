"""Trials to simulate: the sizes of the review's real trials, and data drawn from a model given the truth.

Everything is drawn by formulas written apart from the likelihoods that are being tested: roots by bisection, tables
given their totals by their probabilities one by one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from bayes_ivig.effects import effect_sizes
from bayes_ivig.reproduction import load_kind
from bayes_ivig.reviews import load_review
from bayes_ivig.spec import Model
from bayes_ivig.studies import Effect, Paired, PairedMargins, SingleArm, Study, TwoArm

Array = NDArray[np.float64]
REVIEW = "mmn-2022"
# Trials by outcome: the three of strength, then one each of disability, conduction block and maintenance.
TRIALS = (
    ("strength", "Azulay 1994"),
    ("strength", "Van den Berg 1995"),
    ("strength", "Federico 2000"),
    ("disability", "Léger 2001"),
    ("conduction-block", "Federico 2000"),
    ("disability-worsening", "Hahn 2013"),
)


@dataclass(frozen=True)
class Truth:
    """Parameters drawn from their priors: mu, tau, theta (k,), and the effect in a next trial."""

    mu: float
    tau: float
    theta: Array
    theta_new: float


def real_two_arm(k: int) -> tuple[TwoArm, ...]:
    """Return k real trials as two arms, over and over where k exceeds their number."""
    return tuple(islice(cycle([s for s in _loaded("two-arm") if isinstance(s, TwoArm)]), k))


def real_paired(k: int) -> tuple[Paired | PairedMargins, ...]:
    """Return k real trials as pairs, over and over where k exceeds their number."""
    return tuple(islice(cycle([s for s in _loaded("crossover") if isinstance(s, (Paired, PairedMargins))]), k))


@cache
def _loaded(kind: str) -> tuple[Study, ...]:
    review = load_review(REVIEW)
    return tuple(
        next(study for study in load_kind(review, outcome, kind).studies if study.study == name)
        for outcome, name in TRIALS
    )


def draw_truth(model: Model, k: int, rng: np.random.Generator) -> Truth:
    """Draw mu, tau, k effects and a next one from the priors of a random-effects model."""
    mu = float(model.priors["mu"].rvs(rng, ()))
    if model.likelihood == "single-arm" and model.priors["mu"].support[0] >= 0:
        mu = float(logit(mu))
    tau = float(model.priors["tau"].rvs(rng, ()))
    effects = mu + tau * rng.standard_normal(k + 1)
    return Truth(mu, tau, effects[:k], float(effects[k]))


def draw_studies(model: Model, theta: Array, rng: np.random.Generator) -> tuple[Study, ...]:
    """Draw data of trials with effects theta (k,) and the real sizes, nuisance parameters from their priors."""
    return _DRAW[model.likelihood](model, theta, rng)


def draw_risks(model: Model, theta: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw the risks of both arms, (k,) each, the baseline from its prior."""
    prior = model.priors["baseline"]
    x = prior.rvs(rng, theta.shape)
    g = logit(x) if prior.support[0] >= 0 else x
    if model.measure == "OR":
        low, high = (g, g + theta) if model.parametrisation == "control" else (g - theta / 2, g + theta / 2)
        return expit(low), expit(high)
    if model.parametrisation == "control":
        raise NotImplementedError("the RR with its baseline on the control risk is not simulated")
    # RR, midpoint: the logit of p_C at which logit p_C + logit(R p_C) = 2 g
    risks = np.array([_risk_at_midpoint(float(t), float(m)) for t, m in zip(theta, g, strict=True)])
    return risks, np.exp(theta) * risks


def _risk_at_midpoint(theta: float, g: float) -> float:
    def excess(log_p: float) -> float:
        both = log_p + log_p + theta
        return both - math.log(-math.expm1(log_p)) - math.log(-math.expm1(log_p + theta)) - 2 * g

    high = -max(theta, 0.0) - 1e-15
    low = high - 1.0
    while excess(low) > 0:
        low -= 2 * (high - low)
    return math.exp(_bisect(excess, low, high))


def _bisect(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(100):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def _two_arm(model: Model, theta: Array, rng: np.random.Generator) -> tuple[Study, ...]:
    p_c, p_t = draw_risks(model, theta, rng)
    return tuple(
        TwoArm(f"trial {i + 1}", int(rng.binomial(s.n_t, min(pt, 1.0))), s.n_t, int(rng.binomial(s.n_c, pc)), s.n_c)
        for i, (s, pc, pt) in enumerate(zip(real_two_arm(len(theta)), p_c, p_t, strict=True))
    )


def _given_totals(model: Model, theta: Array, rng: np.random.Generator) -> tuple[Study, ...]:
    studies = []
    for i, (s, t) in enumerate(zip(real_two_arm(len(theta)), theta.tolist(), strict=True)):
        total = s.events_t + s.events_c
        possible = range(max(0, total - s.n_c), min(s.n_t, total) + 1)
        log_p = np.array([math.log(math.comb(s.n_t, x) * math.comb(s.n_c, total - x)) + x * t for x in possible])
        p = np.exp(log_p - log_p.max())
        events = int(rng.choice(possible, p=p / p.sum()))
        studies.append(TwoArm(f"trial {i + 1}", events, s.n_t, total - events, s.n_c))
    return tuple(studies)


def _paired(model: Model, theta: Array, rng: np.random.Generator) -> tuple[Study, ...]:
    p_c, p_t = draw_risks(model, theta, rng)
    association = model.priors["association"].rvs(rng, theta.shape)
    studies: list[Study] = []
    for i, s in enumerate(real_paired(len(theta))):
        c, t = float(p_c[i]), float(p_t[i])
        both = _both(c, t, float(association[i]))
        name = f"trial {i + 1}"
        if isinstance(s, Paired) and s.started_t is not None and s.started_c is not None:
            studies.append(draw_crossing(name, (s.started_t, s.started_c), (t, c, both), rng))
            continue
        p = np.clip([both, t - both, c - both, 1 - t - c + both], 0.0, 1.0)
        n_both, t_only, c_only, neither = (int(n) for n in rng.multinomial(s.n_pairs, p / p.sum()))
        if isinstance(s, PairedMargins):
            studies.append(PairedMargins(name, n_both + t_only, n_both + c_only, s.n_pairs))
        else:
            events_t, events_c = int(rng.binomial(s.n_t, t)), int(rng.binomial(s.n_c, c))
            studies.append(Paired(name, n_both, t_only, c_only, neither, events_t, s.n_t, events_c, s.n_c))
    return tuple(studies)


def draw_crossing(
    name: str, started: tuple[int, int], risks: tuple[float, float, float], rng: np.random.Generator
) -> Paired:
    """Draw a trial in which whom the first treatment does not help crosses over: sequence first, crossing after it.

    `started` are the patients on T and on C first; `risks` those of responding to T, to C, and to both.
    """
    t, c, both = risks
    first_t, first_c = (int(rng.binomial(n, p)) for n, p in zip(started, (t, c), strict=True))
    left_t, left_c = started[0] - first_t, started[1] - first_c
    c_only = int(rng.binomial(left_t, _share(c - both, 1 - t)))
    t_only = int(rng.binomial(left_c, _share(t - both, 1 - c)))
    neither = left_t - c_only + left_c - t_only
    return Paired(name, 0, t_only, c_only, neither, first_t, first_t, first_c, first_c, *started)


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0  # rounding at the ends


def _both(p_c: float, p_t: float, association: float) -> float:
    """Probability of responding to both: the one at which the odds ratio within patients is exp(association)."""
    low, high = max(0.0, p_c + p_t - 1), min(p_c, p_t)

    def excess(x: float) -> float:
        neither = 1 - p_c - p_t + x
        return x * neither - math.exp(association) * (p_t - x) * (p_c - x)

    return _bisect(excess, low, high)


def _effects(model: Model, theta: Array, rng: np.random.Generator) -> tuple[Study, ...]:
    _, se, _ = effect_sizes(real_two_arm(len(theta)), "OR")
    return tuple(
        Effect(f"trial {i + 1}", float(rng.normal(t, s)), float(s))
        for i, (t, s) in enumerate(zip(theta, se, strict=True))
    )


def _single_arm(model: Model, theta: Array, rng: np.random.Generator) -> tuple[Study, ...]:
    trials = real_two_arm(len(theta))
    return tuple(
        SingleArm(f"trial {i + 1}", int(rng.binomial(s.n_t, p)), s.n_t)
        for i, (s, p) in enumerate(zip(trials, expit(theta), strict=True))
    )


_DRAW: dict[str, Callable[[Model, Array, np.random.Generator], tuple[Study, ...]]] = {
    "binomial": _two_arm,
    "conditional": _given_totals,
    "crossover": _paired,
    "normal": _effects,
    "single-arm": _single_arm,
}
