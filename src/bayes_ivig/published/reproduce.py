"""Whether published results follow from the trials, and by which method."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bayes_ivig.pooled import Estimate
from bayes_ivig.published.answers import Answer, answers, chosen_studies
from bayes_ivig.published.printed import Published, matches, rounded, sentence
from bayes_ivig.studies import Effect, Study


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
        return self.published.text

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


def reproduce(published: Published, studies: Sequence[Study]) -> Reproduction:
    """Compare a published result with everything the trials give.

    Ratios and differences are tried with every estimate of `pool` and `pool_variants`, at 95%; a percentage is
    summed events over summed patients of the arm, an absolute risk per 100 that, or the summed control risk and a
    pooled ratio or difference, NNT one over the difference of risks; participants are patients, exposures to
    either treatment, or both arms together; p is Fisher's exact test of one two-arm trial or McNemar's of one
    crossover trial. A number matches if rounding it, halves up or halves to even, gives the printed digits.

    Raises InputError where `published.studies` names a trial that is not there, or a percentage of two arms
    does not say which.
    """
    chosen = chosen_studies(published, studies)
    if not published.printed or not chosen:
        why = "there are no data" if published.printed else "no number is printed"
        return Reproduction(published, False, (), (), "", why)
    found = answers(published, chosen)
    note = "" if found else f"these data give no {published.measure}"
    if published.measure == "p":
        note = "; ".join(f"{a.method} {a.values[0]:.4f}" for a in found) or "p needs one trial of counts or pairs"
    matching = [a for a in found if matches(a.values, published.printed)]
    shown = matching
    if not matching and not isinstance(chosen[0], Effect):  # the scale of bare effects is not known
        shown = sorted(found, key=lambda a: _distance(a.values, published.printed))[:1]
    return Reproduction(
        published,
        bool(matching),
        tuple(a.estimate for a in matching if a.estimate),
        tuple(a.method for a in shown),
        _computed(published, shown[0]) if shown else "",
        note,
    )


def _distance(values: tuple[float, ...], printed: tuple[str, ...]) -> float:
    distance = abs(values[0] - float(printed[0]))
    return math.inf if math.isnan(distance) else distance


def _computed(published: Published, answer: Answer) -> str:
    texts = []
    for x, printed in zip(answer.values, published.printed, strict=False):
        digits = rounded(x, printed)
        texts.append(f"{digits[0]:f}" if digits else str(x))
    return sentence(published, tuple(texts))
