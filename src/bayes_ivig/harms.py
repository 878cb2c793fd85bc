"""Rates of harm, seen or never seen: upper limits, what to expect, and how many event-free patients would reassure.

With r events among n patients and a beta(a, b) prior the rate is beta(a + r, b + n - r), all trials taken together as
one group; the hierarchical model beside it lets rates differ between trials. The rule of three, 3/n, is the one-sided
95% limit of no event in n patients (Hanley JA, Lippman-Hand A, JAMA 1983;249:1743-1745); the exact limit is
Clopper and Pearson's (Biometrika 1934;26:404-413).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import betainc, betaincinv, betaln, expit, gammaln

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import Prior, parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.spec import default_model
from bayes_ivig.studies import Paired, PairedMargins, SingleArm, Study, TwoArm
from bayes_ivig.summary import tails

UNIFORM, JEFFREYS = Prior("beta", (1.0, 1.0)), Prior("beta", (0.5, 0.5))
INFORMATIVE = "beta(1, 19)"  # a judgement: worth 20 patients, one of them with an event
TARGETS = (0.01, 0.02, 0.05)
NEXT = (100, 1000)
_MOST = 10**7  # patients


@dataclass(frozen=True)
class Expected:
    """Events among the next `patients`: mean, equal-tailed interval, and the chance of one at least."""

    patients: int
    mean: float
    interval: tuple[float, float]
    p_any: float


@dataclass(frozen=True)
class Rate:
    """One rate under one prior. `upper` is the one-sided limit; `needed` maps an upper limit to further patients.

    Those patients are without an event and bring the limit under the target: 0 where it is already, None where ten
    million would not do.
    """

    prior: str
    mean: float
    median: float
    interval: tuple[float, float]
    upper: float
    expected: tuple[Expected, ...]
    needed: dict[str, int | None]


@dataclass(frozen=True)
class Spread:
    """Rate of the average trial and of the next one, by the hierarchical model: medians and intervals."""

    priors: dict[str, str]
    average_trial: tuple[float, float, float]
    next_trial: tuple[float, float, float]


@dataclass(frozen=True)
class Arm:
    """Events under one treatment, as counted in one reading of the trials ("" is the data as they stand)."""

    treatment: str
    reading: str
    note: str
    events: int
    n: int
    trials: tuple[tuple[str, int, int], ...]
    rule_of_three: float | None
    exact_upper: float
    rates: tuple[Rate, ...]
    spread: Spread | None


@dataclass(frozen=True)
class Harms:
    """Every arm and every reading of one outcome; `prob` is that of the limits and intervals."""

    evidence: Evidence
    prob: float
    arms: tuple[Arm, ...]

    def to_json(self) -> dict[str, Any]:
        """The harms as plain JSON values."""
        return {"prob": self.prob, "arms": [_plain(asdict(arm)) for arm in self.arms], "notes": list(self.notes)}

    @property
    def notes(self) -> tuple[str, ...]:
        """What the numbers rest on, in sentences."""
        return (
            *self.evidence.notes,
            "Limits, expected numbers and further patients take all trials as one group with one rate; the "
            "hierarchical model lets the rate vary between trials.",
        )


def assess_harms(evidence: Evidence, informative: Prior | None = None, prob: float = 0.95) -> Harms:
    """Rates of an outcome's events on T and on C, under a uniform, Jeffreys' and an informative beta prior.

    Parameters
    ----------
    evidence
        Counts: single-arm, two-arm or crossover data. Its readings are assessed too.
    informative
        A beta prior of the rate; `INFORMATIVE` unless given.
    prob
        Probability of the one-sided upper limits and of the equal-tailed intervals.

    Raises
    ------
    InputError
        Data without counts, a prior that is no beta, or an arm without patients everywhere.
    """
    informative = informative or parse_prior(INFORMATIVE)
    if informative.family != "beta":
        raise InputError(
            f"--informative: {informative.text} is not a beta; give a prior of the rate such as {INFORMATIVE}"
        )
    if not all(isinstance(s, SingleArm | TwoArm | Paired | PairedMargins) for s in evidence.studies):
        raise InputError(f"{evidence.outcome}: rates of harm need counts of events, not {evidence.kind} data")
    priors = (UNIFORM, JEFFREYS, informative)
    arms = []
    for reading, note, studies in _readings(evidence):
        for treatment, trials in _arms(studies, evidence):
            if sum(n for _, _, n in trials):
                arms.append(_arm(treatment, reading, note, trials, priors, prob))
    if not arms:
        raise InputError(f"{evidence.outcome}: there are no patients in any trial; a rate needs some")
    return Harms(evidence, prob, tuple(_without_repeats(arms)))


def harms_of_fit(evidence: Evidence, prob: float) -> Harms | None:
    """Rates beside a fit: of a harm, or of one group; None for other outcomes, and where there are no counts."""
    if evidence.role != "harm" and evidence.kind != "single-arm":
        return None
    if evidence.kind in ("effect", "means") or not any(study.n_participants for study in evidence.studies):
        return None
    return assess_harms(evidence, prob=prob)


def _readings(evidence: Evidence) -> Iterator[tuple[str, str, tuple[Study, ...]]]:
    yield "", "", evidence.studies
    for reading in evidence.readings:
        studies = tuple(reading.study if s.study == reading.study.study else s for s in evidence.studies)
        yield reading.name, reading.note, studies


def _without_repeats(arms: list[Arm]) -> Iterator[Arm]:
    """Leave out readings that change no count of an arm."""
    seen = set()
    for arm in arms:
        key = (arm.treatment, arm.trials)
        if key not in seen:
            seen.add(key)
            yield arm


def _arms(studies: tuple[Study, ...], evidence: Evidence) -> Iterator[tuple[str, tuple[tuple[str, int, int], ...]]]:
    counts = [_counts(study) for study in studies]
    for i, treatment in enumerate((evidence.treatment, evidence.control)):
        if all(len(c) > i for c in counts):
            yield treatment, tuple((s.study, *c[i]) for s, c in zip(studies, counts, strict=True))


def _counts(study: Study) -> tuple[tuple[int, int], ...]:
    """Events and patients on T, and on C where there is one."""
    match study:
        case SingleArm():
            return ((study.events, study.n),)
        case TwoArm():
            return (study.events_t, study.n_t), (study.events_c, study.n_c)
        case Paired():
            on_t = (study.both + study.t_only + study.events_t, study.n_pairs + study.n_t)
            return on_t, (study.both + study.c_only + study.events_c, study.n_pairs + study.n_c)
        case PairedMargins():
            return (study.margins_t, study.n_pairs), (study.margins_c, study.n_pairs)
    raise InputError(f"{study.study}: rates of harm need counts of events")


def _arm(
    treatment: str,
    reading: str,
    note: str,
    trials: tuple[tuple[str, int, int], ...],
    priors: tuple[Prior, ...],
    prob: float,
) -> Arm:
    events, n = sum(r for _, r, _ in trials), sum(n for _, _, n in trials)
    exact = 1.0 if events == n else float(betaincinv(events + 1, n - events, prob))
    return Arm(
        treatment=treatment,
        reading=reading,
        note=note,
        events=events,
        n=n,
        trials=trials,
        rule_of_three=min(3 / n, 1.0) if events == 0 else None,
        exact_upper=exact,
        rates=tuple(rate(events, n, prior, prob) for prior in priors),
        spread=_spread(trials, prob),
    )


def rate(events: int, n: int, prior: Prior, prob: float) -> Rate:
    """The rate of `events` among `n` under one beta prior."""
    a, b = prior.args[0] + events, prior.args[1] + n - events
    low, high = tails(prob)
    lower, median, higher, upper = (float(betaincinv(a, b, q)) for q in (low, 0.5, high, prob))
    return Rate(
        prior=prior.text,
        mean=a / (a + b),
        median=median,
        interval=(lower, higher),
        upper=upper,
        expected=tuple(expect(a, b, patients, prob) for patients in NEXT),
        needed={f"{target:g}": event_free_needed(a, b, target, prob) for target in TARGETS},
    )


def expect(a: float, b: float, patients: int, prob: float) -> Expected:
    """Predict the events among the next patients, whose rate is beta(a, b): the beta-binomial distribution."""
    k = np.arange(patients + 1.0)
    coefficient = gammaln(patients + 1) - gammaln(k + 1) - gammaln(patients - k + 1)
    below = np.cumsum(np.exp(coefficient + betaln(a + k, b + patients - k) - betaln(a, b)))
    low, high = (float(k[min(int(np.searchsorted(below, q)), patients)]) for q in tails(prob))
    p_none = float(np.exp(betaln(a, b + patients) - betaln(a, b)))
    return Expected(patients, patients * a / (a + b), (low, high), 1 - p_none)


def event_free_needed(a: float, b: float, target: float, prob: float) -> int | None:
    """Fewest further patients, none with an event, that bring the upper limit of beta(a, b) under the target."""

    def enough(patients: int) -> bool:
        return bool(betainc(a, b + patients, target) > prob)

    if enough(0):
        return 0
    high = 1
    while not enough(high):
        high *= 2
        if high > _MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _spread(trials: tuple[tuple[str, int, int], ...], prob: float) -> Spread | None:
    """Rates that vary between trials; None for one trial, which says nothing of that."""
    if len(trials) < 2:
        return None
    model = default_model("single-arm", "rate", "random")
    surface = make_surface(tuple(SingleArm(name, r, n) for name, r, n in trials), model)
    posterior = fit_posterior(surface, shape_of(model.priors["mu"], rate=True), shape_of(model.priors["tau"]))
    probs = np.array([0.5, *tails(prob)])
    average, following = (expit(m.quantile(probs)) for m in (posterior.mu, posterior.theta_new))
    priors = {key: model.priors[key].text for key in model.needed}
    return Spread(priors, tuple(map(float, average)), tuple(map(float, following)))  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
