"""The chance that a next trial of given size settles the question, by simulated trials analysed exactly."""

import math
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.checks import Check
from bayes_ivig.effects import to_natural
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.plan.design import Design, simulate_tables
from bayes_ivig.plan.limit import limit_of
from bayes_ivig.plan.refit import Current, update
from bayes_ivig.plan.truth import Truth
from bayes_ivig.priors import Prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.spec import Model
from bayes_ivig.summary import Summary
from bayes_ivig.threads import in_one_thread

Array = NDArray[np.float64]
TARGETS = (0.80, 0.90)
_REPLICATES = 500  # simulated trials a seed
_MAX_TRUNCATED = 0.01


@dataclass(frozen=True)
class Question:
    """What is asked: everything the answer depends on.

    `model` analyses the trials at hand, `design.model` the next one; both have the same effect. `sceptic` is the
    prior of mu under which the supposed true effect is computed, `true_effect` a fixed one (analysis scale); with
    neither it is theta_new of the current posterior.
    """

    evidence: Evidence
    model: Model
    design: Design
    sizes: tuple[int, ...]
    sceptic: Prior | None = None
    true_effect: float | None = None
    threshold: float = 0.975
    prob: float = 0.95
    simulations: int = 2000
    seed: int = 20070315

    def __post_init__(self) -> None:
        """Check that the question has an answer."""
        if self.evidence.benefit is None:
            raise InputError("--benefit: say which direction favours the treatment, higher or lower")
        if self.model.measure not in ("OR", "RR"):
            raise InputError(f"plan simulates events: it needs an OR or a RR, not a {self.model.measure}")
        if self.design.model.measure != self.model.measure:
            raise InputError(
                f"a {self.design.kind} trial is analysed by its {self.design.model.measure}, the trials at hand by "
                f"their {self.model.measure}; choose --design parallel, or --measure OR"
            )
        if self.model.priors["mu"].is_point:
            raise InputError("--mu: a fixed effect leaves nothing to learn; give a density")
        if not 0.5 < self.threshold < 1:
            raise InputError(
                f"--threshold: {self.threshold:g} is not allowed; give above 0.5 up to below 1, such as 0.975"
            )
        if not 100 <= self.simulations <= 100_000:
            raise InputError(f"--simulations: {self.simulations} is not allowed; give 100 to 100,000")

    @property
    def sign(self) -> int:
        """1 where a higher effect favours the treatment, -1 where a lower one does."""
        return 1 if self.evidence.benefit == "higher" else -1

    @cached_property
    def current(self) -> Current:
        """The trials at hand and their posterior."""
        return self._current(self.model.priors["mu"])

    def _current(self, mu: Prior) -> Current:
        surface = make_surface(self.evidence.studies, self.model)
        tau = shape_of(self.model.priors["tau"]) if self.model.effect == "random" else None
        return Current(surface, shape_of(mu), tau, fit_posterior(surface, shape_of(mu), tau))

    @cached_property
    def truth(self) -> Truth:
        """The supposed true effect of the next trial."""
        if self.true_effect is not None:
            measure = self.model.measure
            return Truth(f"{measure} {float(to_natural(measure, self.true_effect)):g}, fixed", value=self.true_effect)
        if self.sceptic is not None:
            text = f"drawn from theta_new of a sceptic, mu ~ {self.sceptic.text}"
            return Truth(text, self._current(self.sceptic).posterior.theta_new)
        return Truth("drawn from theta_new of the current posterior", self.current.posterior.theta_new)

    def p_benefit(self, p_gt_0: Any) -> Any:
        """P(mu in the favourable direction) from P(mu > 0)."""
        return p_gt_0 if self.sign > 0 else 1 - p_gt_0


class Counts(NamedTuple):
    """Predictive distribution of a number of events: median, equal-tailed interval, and among how many."""

    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class SizeAnswer:
    """What trials of one size would show; every probability comes with its Monte-Carlo standard error."""

    patients: int
    assurance: float
    assurance_se: float
    against: float
    against_se: float
    width: float
    width_se: float
    mean_p_benefit: float
    events_t: Counts
    events_c: Counts
    truncated: float
    distinct_tables: int


@dataclass(frozen=True)
class Plan:
    """The answer: one row a size, the limit for an infinitely large trial, and the state of knowledge now."""

    question: Question
    now: Summary
    rows: tuple[SizeAnswer, ...]
    limit: float
    limit_against: float

    @property
    def evidence(self) -> Evidence:
        """The trials at hand."""
        return self.question.evidence

    @property
    def p_benefit_now(self) -> float:
        """P(benefit) before the next trial."""
        return float(self.question.p_benefit(self.now.p_gt_0))

    def smallest(self, target: float) -> int | None:
        """Smallest size asked for whose assurance reaches the target; None where no size does."""
        return next((row.patients for row in self.rows if row.assurance >= target), None)

    def smallest_text(self, target: float) -> str:
        """The smallest size in words, or why there is none."""
        size = self.smallest(target)
        if size is not None:
            return f"{size} patients"
        if self.limit < target:
            return f"not reachable: an infinitely large trial has {self.limit:.3f}"
        return f"more than {self.rows[-1].patients} patients (limit {self.limit:.3f})"

    @property
    def checks(self) -> tuple[Check, ...]:
        """Whether the supposed control risk and risk ratio go together."""
        if self.question.design.control_risk is None or self.question.model.measure != "RR":
            return ()
        worst = max(row.truncated for row in self.rows)
        hint = "choose a lower control risk, or OR"
        return (Check("P(treated risk above 1)", worst, _MAX_TRUNCATED, worst <= _MAX_TRUNCATED, hint),)

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)


@in_one_thread
def answer_size(question: Question, patients: int) -> SizeAnswer:
    """Simulate and analyse trials of one size. The seed is of the size and of each block of replicates."""
    tables, truncated = [], []
    for block in range(math.ceil(question.simulations / _REPLICATES)):
        rng = np.random.default_rng([question.seed, patients, block])
        n = min(_REPLICATES, question.simulations - block * _REPLICATES)
        drawn, above = simulate_tables(question.design, patients, question.truth.draw(rng, n), rng)
        tables.append(drawn)
        truncated.append(above * n)
    every = np.concatenate(tables)
    distinct, repeats = np.unique(every, axis=0, return_counts=True)
    updated = update(question.current, question.design, distinct, question.prob)
    p = question.p_benefit(updated.p_gt_0)
    total = question.simulations
    good, bad = (float(repeats[hit].sum() / total) for hit in (p > question.threshold, p < 1 - question.threshold))
    width = float(repeats @ updated.width / total)
    spread = math.sqrt(float(repeats @ (updated.width - width) ** 2 / total))
    paired = question.design.is_paired
    on_t = every[:, 0] + (every[:, 1] if paired else 0)
    on_c = every[:, 2] + (every[:, 0] if paired else 0)
    n_t, n_c = question.design.arms(patients)
    return SizeAnswer(
        patients=patients,
        assurance=good,
        assurance_se=math.sqrt(good * (1 - good) / total),
        against=bad,
        against_se=math.sqrt(bad * (1 - bad) / total),
        width=width,
        width_se=spread / math.sqrt(total),
        mean_p_benefit=float(repeats @ p / total),
        events_t=_counts(on_t, n_t, question.prob),
        events_c=_counts(on_c, n_c, question.prob),
        truncated=sum(truncated) / total,
        distinct_tables=len(distinct),
    )


def _counts(events: NDArray[np.int64], n: int, prob: float) -> Counts:
    low, median, high = np.quantile(events, [(1 - prob) / 2, 0.5, (1 + prob) / 2], method="inverted_cdf")
    return Counts(float(median), float(low), float(high), n)


@in_one_thread
def run_plan(question: Question, workers: int = 1, done: Callable[[int], None] = lambda patients: None) -> Plan:
    """Answer every size, in this process or in several; the answer does not depend on how many.

    `done` is told each size as it is ready.
    """
    current, truth = question.current, question.truth
    limit = limit_of(current, truth, question.sign, question.threshold)
    against = limit_of(current, truth, -question.sign, question.threshold)
    rows: dict[int, SizeAnswer] = {}
    for row in _answers(question, workers):
        rows[row.patients] = row
        done(row.patients)
    now = current.posterior.mu.summary(question.prob)
    return Plan(question, now, tuple(rows[size] for size in question.sizes), limit, against)


def _answers(question: Question, workers: int) -> Iterator[SizeAnswer]:
    sizes = sorted(question.sizes, reverse=True)  # the longest work first
    if workers <= 1 or len(sizes) == 1:
        yield from (answer_size(question, size) for size in sizes)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(sizes)), context, _start, (_bare(question),)) as pool:
        yield from pool.map(_answer_in_worker, sizes)


def _bare(question: Question) -> dict[str, Any]:
    """Return the fields of a question as another process can be told them: no read-only mappings, nothing computed."""
    fields: dict[str, Any] = {name: getattr(question, name) for name in question.__dataclass_fields__}
    design = question.design
    return fields | {
        "evidence": replace(question.evidence, rows=(), readings=(), priors={}),
        "model": replace(question.model, priors=dict(question.model.priors)),
        "design": replace(design, model=replace(design.model, priors=dict(design.model.priors))),
    }


_QUESTION: list[Question] = []  # of this process, where it is a worker


def _start(fields: dict[str, Any]) -> None:
    _QUESTION[:] = [Question(**fields)]


def _answer_in_worker(patients: int) -> SizeAnswer:
    return answer_size(_QUESTION[0], patients)
