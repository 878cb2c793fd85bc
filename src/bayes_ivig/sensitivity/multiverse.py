"""The multiverse: every combination of reading, trial left out, likelihood, parametrisation and priors, each exact.

Steegen S, Tuerlinckx F, Gelman A, Vanpaemel W. Perspect Psychol Sci 2016;11:702-712. A trial's curve depends on its
reading, the likelihood, the parametrisation and the baseline prior alone, so few curves make all surfaces, and many
specifications share one: a trial without information may stay or go.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.effects import Array, to_natural
from bayes_ivig.evidence import Evidence
from bayes_ivig.sensitivity.answers import answer_all
from bayes_ivig.sensitivity.claim import Claim, claim_of
from bayes_ivig.sensitivity.specifications import AXES, Axis, lay_out
from bayes_ivig.spec import Model
from bayes_ivig.summary import tails
from bayes_ivig.wording import interval, listing, probability

THRESHOLD = 0.95


@dataclass(frozen=True)
class Level:
    """What the specifications that share one choice say: how many, and where their answers lie.

    `above` is the fraction in which the probability of the claim exceeds `THRESHOLD`, None without a claim; `low`
    and `high` are the smallest and largest median.
    """

    axis: str
    label: str
    count: int
    above: float | None
    low: float
    median: float
    high: float


@dataclass(frozen=True, eq=False)
class Multiverse:
    """All specifications, one row each.

    `codes` (n, axes) says which level of each of `axes` a row has. `estimate` is the posterior median of mu, `low` and
    `high` its equal-tailed interval of `prob`, all (n,) on the analysis scale of `measure`; `p_claim` is the
    probability of the claim, nan without one. `log_evidence` can be compared only between rows of the same reading,
    trials and likelihood. `distinct` counts the rows that are not the same analysis under another name, as with a
    trial without information left out. `own` is the row of the model as it was given, None where it is no row. `error`
    is the largest error that the engine estimates of its own answers: a share of a density, or of a log likelihood.
    """

    axes: tuple[Axis, ...]
    codes: NDArray[np.int16]
    estimate: Array
    low: Array
    high: Array
    p_claim: Array
    log_evidence: Array
    prob: float
    measure: str
    claim: Claim | None
    distinct: int
    own: int | None
    error: float

    def __len__(self) -> int:
        """Count the specifications."""
        return len(self.estimate)

    @property
    def counts(self) -> dict[str, int]:
        """How many levels each axis has; not every combination of levels is possible."""
        return {axis.name: len(axis.levels) for axis in self.axes}

    def fraction_above(self, threshold: float = THRESHOLD) -> float | None:
        """Fraction of specifications whose probability of the claim exceeds `threshold`: a count, no probability."""
        return None if self.claim is None else float(np.mean(self.p_claim > threshold))

    @cached_property
    def defensible(self) -> NDArray[np.bool_]:
        """Rows made of defensible choices only, (n,): see `Axis`."""
        flags = [np.array(axis.defensible)[self.codes[:, i]] for i, axis in enumerate(self.axes)]
        return np.asarray(np.logical_and.reduce(flags))

    @property
    def worst(self) -> int | None:
        """The row with the lowest probability of the claim."""
        return None if self.claim is None else int(np.argmin(self.p_claim))

    @property
    def worst_defensible(self) -> int | None:
        """The row with the lowest probability of the claim among those of defensible choices."""
        return None if self.claim is None else int(np.argmin(np.where(self.defensible, self.p_claim, np.inf)))

    def choices(self, row: int) -> dict[str, str]:
        """What was chosen on each axis in one row; an axis that does not apply there is left out."""
        labels = {axis.name: axis.levels[code] for axis, code in zip(self.axes, self.codes[row], strict=True)}
        return {name: label for name, label in labels.items() if label}

    def columns(self) -> dict[str, list[str] | list[float]]:
        """The rows as a table, one column an axis and one a result."""
        table: dict[str, list[str] | list[float]] = {
            axis.name: [axis.levels[code] for code in self.codes[:, i]] for i, axis in enumerate(self.axes)
        }
        results = {"estimate": self.estimate, "low": self.low, "high": self.high, "log_evidence": self.log_evidence}
        if self.claim is not None:
            results[self.claim.column] = self.p_claim
        return table | {name: values.tolist() for name, values in results.items()}

    def by_level(self) -> tuple[Level, ...]:
        """Return what each choice on each axis goes with, in the order of the axes."""
        rows = []
        for i, axis in enumerate(self.axes):
            for code, label in enumerate(axis.levels):
                chosen = self.codes[:, i] == code
                values = self.estimate[chosen]
                above = None if self.claim is None else float(np.mean(self.p_claim[chosen] > THRESHOLD))
                middle = float(np.median(values))
                rows.append(
                    Level(axis.name, label, int(chosen.sum()), above, float(values.min()), middle, float(values.max()))
                )
        return tuple(rows)

    @cached_property
    def weights_of_axes(self) -> dict[str, float]:
        """Share of the variance of the estimates that lies between the levels of each axis, 0 to 1."""
        centred = self.estimate - self.estimate.mean()
        total = float(centred @ centred)
        shares = {}
        for i, axis in enumerate(self.axes):
            size = np.bincount(self.codes[:, i], minlength=len(axis.levels))
            sums = np.bincount(self.codes[:, i], weights=centred, minlength=len(axis.levels))
            shares[axis.name] = float((sums**2 / np.maximum(size, 1)).sum() / total) if total > 0 else 0.0
        return shares


def run_multiverse(evidence: Evidence, model: Model, data: Evidence | None = None, prob: float = 0.95) -> Multiverse:
    """Answer every specification.

    Parameters
    ----------
    evidence
        The trials, as the model takes them.
    model
        Complete; its measure is that of all specifications, and its own priors are among the alternatives.
    data
        The same outcome as paired tables of crossover trials, where there are such: they bring the crossover
        likelihood, if the measure is the odds ratio.
    prob
        Probability of the equal-tailed intervals.
    """
    claim = claim_of(evidence, model)
    plan = lay_out(evidence, model, data, claim)
    lower, upper = tails(prob)
    n_tau, n_mu = len(plan.scales), len(plan.effects)
    answers, distinct = answer_all(plan, (lower, 0.5, upper))
    blocks = len(plan.cells)
    pairs = np.stack(np.meshgrid(np.arange(n_mu), np.arange(n_tau)), axis=-1).reshape(-1, 2)
    codes = np.concatenate(
        [np.repeat([cell.codes for cell in plan.cells], len(pairs), axis=0), np.tile(pairs, (blocks, 1))], axis=1
    ).astype(np.int16)
    assert len(plan.axes) == len(AXES) == codes.shape[1]
    quantiles = answers.quantiles.reshape(-1, 3)
    p_gt_0 = answers.p_gt_0.ravel()
    p_claim = np.full(len(codes), np.nan) if claim is None else claim.probability(p_gt_0)
    own = np.flatnonzero((codes == np.array(plan.own or [-1] * len(AXES))).all(axis=1))
    return Multiverse(
        axes=plan.axes,
        codes=codes,
        estimate=quantiles[:, 1],
        low=quantiles[:, 0],
        high=quantiles[:, 2],
        p_claim=np.asarray(p_claim),
        log_evidence=answers.log_evidence.ravel(),
        prob=prob,
        measure=model.measure,
        claim=claim,
        distinct=distinct,
        own=int(own[0]) if len(own) else None,
        error=answers.error,
    )


def describe_multiverse(multiverse: Multiverse) -> str:
    """Return a few plain words for the panel: how many analyses agree, and which planned one agrees least."""
    n = len(multiverse)
    widest = max(multiverse.weights_of_axes, key=lambda name: multiverse.weights_of_axes[name])
    start = f"Of {n:,} analyses, one for every combination of choices, "
    low, high = float(multiverse.estimate.min()), float(multiverse.estimate.max())
    claim, fraction = multiverse.claim, multiverse.fraction_above()
    if claim is None or fraction is None:
        values = (float(to_natural(multiverse.measure, x)) for x in (low, high))
        return f"{start}the medians lie between {interval(*values)}; they depend most on the {widest}."
    worst = multiverse.worst_defensible
    assert worst is not None
    above, p_worst = int(np.sum(multiverse.p_claim > THRESHOLD)), float(multiverse.p_claim[worst])
    return (
        f"{start}{above:,} ({share(fraction)}) give a probability of {claim.word} above {THRESHOLD}, which counts "
        f"analyses and is itself no probability; the lowest among those that could have been planned is "
        f"{probability(p_worst)} ({listing(list(multiverse.choices(worst).values()))}), and the estimate depends most "
        f"on the {widest}."
    )


def share(fraction: float) -> str:
    """A fraction of analyses as a percentage; all and none are said of nothing less."""
    if 0 < fraction < 0.005:
        return "below 1%"
    if 0.995 <= fraction < 1:
        return "above 99%"
    return f"{100 * fraction:.0f}%"
