"""Frequentist estimates beside the posterior: a few, the same columns for every kind of data, on the analysis scale.

Reviews of two arms with as many trials each are pooled all at once; the others one by one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from bayes_ivig.effects import two_by_two
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.pooled.many import pool_many
from bayes_ivig.studies import Study, TwoArm

# Column -> method, interval; and the name that `pool_many` has for it.
METHODS = {
    "mh": ("Mantel-Haenszel", "z", "Mantel-Haenszel, revman"),
    "peto": ("Peto", "z", "Peto, none"),
    "iv": ("inverse variance", "z", "inverse variance, only0"),
    "dl": ("DerSimonian-Laird", "z", "DerSimonian-Laird, only0"),
    "reml": ("REML", "z", "REML, only0"),
    "reml_hk": ("REML", "Hartung-Knapp", "REML, only0, Hartung-Knapp"),
}
COLUMNS = tuple(f"{name}{end}" for name in METHODS for end in ("", "_low", "_high"))
Pooled = Mapping[str, float | None]


def comparator_columns(
    reviews: Sequence[tuple[tuple[Study, ...], str | None]], prob: float
) -> list[dict[str, float | None]]:
    """Estimate and interval of each method, None where it does not exist, for each review and its measure."""
    answers: list[dict[str, float | None]] = [dict.fromkeys(COLUMNS) for _ in reviews]
    alike: dict[tuple[int, str], list[int]] = defaultdict(list)
    for i, (studies, measure) in enumerate(reviews):
        if measure is None:
            continue
        if measure in ("OR", "RR") and all(isinstance(s, TwoArm) and s.n_t and s.n_c for s in studies):
            alike[len(studies), measure].append(i)
        else:
            answers[i] |= _one(studies, measure, prob)
    for (_, measure), members in alike.items():
        tables = np.array([two_by_two([s for s in reviews[i][0] if isinstance(s, TwoArm)]) for i in members])
        a, b, c, d = np.moveaxis(tables, (2, 1, 0), (0, 1, 2))
        many = pool_many((a, b, c, d), measure, prob)
        for name, (_, _, label) in METHODS.items():
            if label not in many:
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.log(np.stack(many[label]))  # back to the analysis scale
            for i, column in zip(members, values.T, strict=True):
                if np.isfinite(column[0]):
                    answers[i] |= _triple(name, *map(float, column))
    return answers


def _one(studies: tuple[Study, ...], measure: str, prob: float) -> dict[str, float | None]:
    kind = studies[0].kind
    wanted = f"marginal {measure}" if kind == "crossover" else measure
    found: dict[str, float | None] = {}
    for estimate in pool(studies, measure, prob):
        if estimate.measure == wanted and (name := _column(estimate)):
            found |= _triple(name, estimate.estimate, *estimate.ci)
    return found


def _column(estimate: Estimate) -> str | None:
    for name, (method, interval, _) in METHODS.items():
        correction = ("revman",) if name == "mh" else ("none", "only0")
        if (estimate.method, estimate.interval) == (method, interval) and estimate.correction in correction:
            return name
    return None


def _triple(name: str, estimate: float, low: float, high: float) -> dict[str, float | None]:
    return {name: estimate, f"{name}_low": low, f"{name}_high": high}
