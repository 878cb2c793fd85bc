"""Published results, and the methods that reproduce them to every printed decimal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from bayes_ivig.effects import is_ratio
from bayes_ivig.errors import InputError, nearest
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.pooled.exact import fisher_exact, mcnemar_exact
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, Study, TwoArm

MEASURES = ("RR", "OR", "RD", "SMD", "MD", "percent", "p")
EXPECTED = ("reproduced", "irreproducible", "consistent")
_WIDE = Context(prec=400)  # holds any finite float to any printed decimal


@dataclass(frozen=True)
class Published:
    """A printed result: its numbers are text, so that they keep their decimals.

    `inverted` results are printed as control over (or minus) treatment. `studies` names the trials it rests
    on (None: all), `reading` an alternative reading of the data, `kind` the kind of data where an outcome has
    several, `arm` ('t' or 'c') the arm of a percentage; `reason` says why a result that cannot be reproduced
    cannot. Raises InputError for values it does not know.
    """

    id: str
    label: str
    measure: str
    expected: str
    estimate: str | None = None
    ci: tuple[str, str] | None = None
    inverted: bool = False
    studies: tuple[str, ...] | None = None
    arm: str | None = None
    reading: str | None = None
    kind: str | None = None
    source: str = ""
    note: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        """Check the words against those allowed, and that the numbers are numbers."""
        for field, value, allowed in (
            ("measure", self.measure, MEASURES),
            ("expected", self.expected, EXPECTED),
            ("arm", self.arm, ("t", "c", None)),
        ):
            if value not in allowed:
                words = [word for word in allowed if word]
                hint = nearest(str(value), words)
                known = f"give one of {', '.join(words)}{hint}"
                raise InputError(f"published '{self.id}', {field}: '{value}' is not known; {known}")
        if self.ci is not None and len(self.ci) != 2:
            raise InputError(f"published '{self.id}', ci: {len(self.ci)} numbers found; give two limits")
        for text in self.printed:
            if not _is_number(text):
                raise InputError(f"published '{self.id}': '{text}' is not a number; give it as printed, such as '2.86'")

    @property
    def printed(self) -> tuple[str, ...]:
        """The numbers as printed: the estimate, then the limits, as far as there are any."""
        return ((self.estimate,) if self.estimate is not None else ()) + tuple(self.ci or ())


@dataclass(frozen=True)
class Reproduction:
    """Whether a published result follows from the data.

    `by` holds every pooled estimate that matches each printed decimal and `methods` names them (for
    percentages and p: the computations). `computed` is the match, or failing that the nearest answer, to the
    printed decimals.
    """

    published: Published
    reproduced: bool
    by: tuple[Estimate, ...]
    methods: tuple[str, ...]
    computed: str
    note: str = ""

    @property
    def failed(self) -> bool:
        """Whether a result that should be reproduced is not."""
        return self.published.expected == "reproduced" and not self.reproduced

    @property
    def published_text(self) -> str:
        """The result as printed, its measure first."""
        numbers = _sentence(self.published, self.published.printed)
        if self.published.measure == "percent":
            return f"{numbers}%"
        return f"{'P' if self.published.measure == 'p' else self.published.measure} {numbers}".strip()

    @property
    def verdict(self) -> str:
        """One line for a reader."""
        if self.reproduced:
            return f"reproduced by {'; '.join(self.methods)}"
        nearest_answer = f"; the nearest is {self.computed} by {self.methods[0]}" if self.methods else ""
        return "; ".join(filter(None, (f"not reproduced{nearest_answer}", self.note, self.published.reason)))

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        p = self.published
        return {
            "id": p.id,
            "label": p.label,
            "measure": p.measure,
            "estimate": p.estimate,
            "ci": list(p.ci) if p.ci else None,
            "inverted": p.inverted,
            "expected": p.expected,
            "reproduced": self.reproduced,
            "methods": list(self.methods),
            "computed": self.computed,
            "note": self.note,
            "reason": p.reason,
        }


@dataclass(frozen=True)
class _Answer:
    """One computation's numbers in the order they are printed, and the estimate they come from, if any."""

    method: str
    values: tuple[float, ...]
    estimate: Estimate | None = None


def reproduce(published: Published, studies: Sequence[Study]) -> Reproduction:
    """Compare a published result with everything the trials give.

    Ratios and differences are tried with every estimate of `pool`, at 95%; a percentage is summed events
    over summed patients of the arm; p is Fisher's exact test of one two-arm trial or McNemar's of one
    crossover trial. A number matches if rounding it, halves up or halves to even, gives the printed digits.

    Raises InputError where `published.studies` names a trial that is not there, or a percentage of two arms
    does not say which.
    """
    chosen = _chosen(published, studies)
    if not published.printed or not chosen:
        why = "there are no data" if published.printed else "no number is printed"
        return Reproduction(published, False, (), (), "", why)
    if published.measure == "percent":
        answers = _percent(published, chosen)
    elif published.measure == "p":
        answers = _p_values(chosen)
    else:
        answers = _pooled(published, chosen)
    note = "" if answers else f"these data give no {published.measure}"
    if published.measure == "p":
        note = "; ".join(f"{a.method} {a.values[0]:.4f}" for a in answers) or "p needs one trial of counts or pairs"
    matching = [a for a in answers if _matches(a.values, published.printed)]
    shown = matching
    if not matching and not isinstance(chosen[0], Effect):  # the scale of bare effects is not known
        shown = sorted(answers, key=lambda a: _distance(a.values, published.printed))[:1]
    return Reproduction(
        published,
        bool(matching),
        tuple(a.estimate for a in matching if a.estimate),
        tuple(a.method for a in shown),
        _computed(published, shown[0]) if shown else "",
        note,
    )


def _chosen(published: Published, studies: Sequence[Study]) -> tuple[Study, ...]:
    if published.studies is None:
        return tuple(studies)
    by_name = {study.study: study for study in studies}
    for name in published.studies:
        if name not in by_name:
            raise InputError(
                f"published '{published.id}', studies: no trial is called '{name}'{nearest(name, by_name)}"
            )
    return tuple(by_name[name] for name in published.studies)


def _pooled(published: Published, studies: tuple[Study, ...]) -> list[_Answer]:
    measure = published.measure
    if isinstance(studies[0], Means) and measure not in ("MD", "SMD"):
        return []
    labelled = measure if isinstance(studies[0], Means | Effect) else None
    answers = []
    for estimate in pool(studies, labelled):
        if estimate.measure.split()[-1] != measure:
            continue
        value, low, high = estimate.natural()
        if published.inverted:
            value, high, low = (_invert(measure, x) for x in (value, low, high))
        values = ((value,) if published.estimate is not None else ()) + ((low, high) if published.ci else ())
        answers.append(_Answer(estimate.label, values, estimate))
    return answers


def _invert(measure: str, x: float) -> float:
    if not is_ratio(measure):
        return -x
    return 1 / x if x else math.inf


def _percent(published: Published, studies: tuple[Study, ...]) -> list[_Answer]:
    counts = [_arm_counts(published, study) for study in studies if not isinstance(study, Effect | Means)]
    events, n = sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)
    return [_Answer(f"{events} of {n}", (100 * events / n,))] if n else []


def _arm_counts(published: Published, study: TwoArm | Paired | PairedMargins | SingleArm) -> tuple[int, int]:
    """Events and patients of the arm; patients of a crossover trial count in every arm they had."""
    if isinstance(study, SingleArm):
        return study.events, study.n
    if published.arm is None:
        raise InputError(f"published '{published.id}', arm: a percentage of two arms needs its arm; give 't' or 'c'")
    on_t = published.arm == "t"
    if isinstance(study, PairedMargins):
        return (study.margins_t if on_t else study.margins_c), study.n_pairs
    events, n = (study.events_t, study.n_t) if on_t else (study.events_c, study.n_c)
    if isinstance(study, Paired):
        return events + study.both + (study.t_only if on_t else study.c_only), n + study.n_pairs
    return events, n


def _p_values(studies: tuple[Study, ...]) -> list[_Answer]:
    if len(studies) != 1:
        return []
    study = studies[0]
    if isinstance(study, TwoArm):
        test, pair = "Fisher exact", fisher_exact(study.events_t, study.n_t, study.events_c, study.n_c)
    elif isinstance(study, Paired):
        test, pair = "McNemar exact", mcnemar_exact(study.t_only, study.c_only)
    else:
        return []
    return [_Answer(f"{test}, {sides}", (p,)) for sides, p in zip(("one-sided", "two-sided"), pair, strict=True)]


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _rounded(x: float, printed: str) -> tuple[Decimal, ...]:
    """`x` at the decimals of `printed`, halves up and halves to even; nothing if it is not finite."""
    if not math.isfinite(x):
        return ()
    step = Decimal(1).scaleb(int(Decimal(printed).as_tuple().exponent))
    exact = Decimal(repr(float(x)))
    return tuple(exact.quantize(step, mode, _WIDE) for mode in (ROUND_HALF_UP, ROUND_HALF_EVEN))


def _matches(values: tuple[float, ...], printed: tuple[str, ...]) -> bool:
    return all(Decimal(text) in _rounded(x, text) for x, text in zip(values, printed, strict=False))


def _distance(values: tuple[float, ...], printed: tuple[str, ...]) -> float:
    distance = abs(values[0] - float(printed[0]))
    return math.inf if math.isnan(distance) else distance


def _computed(published: Published, answer: _Answer) -> str:
    texts = []
    for x, printed in zip(answer.values, published.printed, strict=False):
        rounded = _rounded(x, printed)
        texts.append(f"{rounded[0]:f}" if rounded else str(x))
    return _sentence(published, tuple(texts))


def _sentence(published: Published, numbers: tuple[str, ...]) -> str:
    """'11.00 (2.86 to 42.25)', or as much of it as there is."""
    if published.ci is None or len(numbers) < 2:
        return " ".join(numbers)
    *estimate, low, high = numbers
    return " ".join((*estimate, f"({low} to {high})"))
