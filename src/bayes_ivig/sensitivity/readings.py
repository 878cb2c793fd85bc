"""Alternative readings of the trials: each alone, and every combination of one reading a trial."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bayes_ivig.effects import to_natural
from bayes_ivig.evidence import Evidence, Reading
from bayes_ivig.quadrature import Surface, fit_posterior
from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.sensitivity.claim import Claim, claim_of
from bayes_ivig.sensitivity.study_curves import is_informative, shapes_of, study_curve
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study
from bayes_ivig.summary import Summary
from bayes_ivig.wording import interval, number, probability

AS_SHIPPED = "as given"


@dataclass(frozen=True)
class DataReading:
    """All trials of an outcome, read in one way; `readings` are those taken instead of the rows as given."""

    readings: tuple[Reading, ...]
    studies: tuple[Study, ...]

    @property
    def label(self) -> str:
        """Names of the readings, or "as given"."""
        return " and ".join(reading.name for reading in self.readings) or AS_SHIPPED

    def is_read_anew(self, index: int) -> bool:
        """Whether the trial at `index` is read otherwise than as given."""
        return any(reading.study.study == self.studies[index].study for reading in self.readings)


@dataclass(frozen=True)
class ReadingRow:
    """The posterior of mu under one reading of the trials, on the analysis scale of `measure`.

    `readings` are names of the readings taken, none for the trials as given; `left_out` are the trials that a
    reading leaves without patients. `p_claim` is None where there is no claim.
    """

    readings: tuple[str, ...]
    label: str
    measure: str
    left_out: tuple[str, ...]
    mu: Summary
    p_claim: float | None
    notes: tuple[str, ...]

    def natural(self) -> tuple[float, float, float]:
        """Median and limits on the natural scale: a ratio, a rate, or as they are."""
        return tuple(float(to_natural(self.measure, x)) for x in (self.mu.median, *self.mu.ci))  # type: ignore[return-value]


def read_all(evidence: Evidence) -> Iterator[DataReading]:
    """Yield the trials as given first, then with every combination of one reading a trial."""
    options = [
        (None, *(reading for reading in evidence.readings if reading.study.study == study.study))
        for study in evidence.studies
    ]
    for chosen in itertools.product(*options):
        readings = tuple(reading for reading in chosen if reading is not None)
        studies = tuple(
            study if reading is None else reading.study for study, reading in zip(evidence.studies, chosen, strict=True)
        )
        yield DataReading(readings, studies)


def compare_readings(evidence: Evidence, model: Model, prob: float = 0.95) -> tuple[ReadingRow, ...]:
    """Return the posterior under every combination of readings, the trials as given first.

    A reading without patients marks a trial that may be left out. `prob` is that of the equal-tailed intervals.
    """
    claim, shapes = claim_of(evidence, model), shapes_of(model)
    curves: dict[Study, Curve] = {}
    rows = []
    for data in read_all(evidence):
        for study in data.studies:
            if study not in curves:
                curves[study] = study_curve(study, model)
        kept = tuple(curves[study] for study in data.studies if is_informative(curves[study]))
        mu = fit_posterior(Surface(kept), *shapes).mu.summary(prob)
        rows.append(
            ReadingRow(
                readings=tuple(reading.name for reading in data.readings),
                label=data.label,
                measure=model.measure,
                left_out=tuple(study.study for study in data.studies if study.n_participants == 0),
                mu=mu,
                p_claim=None if claim is None else claim.probability(mu.p_gt_0),
                notes=tuple(f"{reading.name} ({reading.status}): {reading.note}" for reading in data.readings),
            )
        )
    return tuple(rows)


def describe_readings(rows: Sequence[ReadingRow], claim: Claim | None) -> str:
    """Return one sentence for the panel: how far the answer moves with how the trials are read."""
    given = rows[0]
    if len(rows) == 1:
        return "No trial of this outcome has an alternative reading."
    value, low, high = given.natural()
    start = f"With the trials as given the {given.measure} is {number(value)} ({interval(low, high)})"
    others = f"{len(rows) - 1} other reading{'s' if len(rows) > 2 else ''} of the trials"
    if claim is None:
        medians = [row.natural()[0] for row in rows[1:]]
        return f"{start}; with {others} it is {interval(min(medians), max(medians))}."
    lowest = min(rows[1:], key=lambda row: row.p_claim or 0.0)
    highest = max(rows[1:], key=lambda row: row.p_claim or 0.0)
    start += f" and the probability of {claim.word} {probability(given.p_claim)}"
    if probability(lowest.p_claim) == probability(highest.p_claim):
        return f"{start}; with {others} it is {probability(lowest.p_claim)}."
    return (
        f"{start}; with {others} it is from {probability(lowest.p_claim)} ({lowest.label}) to "
        f"{probability(highest.p_claim)} ({highest.label})."
    )
