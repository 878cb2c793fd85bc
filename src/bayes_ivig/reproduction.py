"""Which published results, of a shipped review or carried by a user's file, follow from the trials."""

from typing import Any

from bayes_ivig.evidence import Evidence
from bayes_ivig.formats import choose_source, open_sources, split_outcome, to_evidence
from bayes_ivig.published import Published, Reproduction, reproduce
from bayes_ivig.reviews import Review, load_evidence, read_as
from bayes_ivig.tabular import shown

_LIKELIHOOD_OF_KIND = {"two-arm": "binomial", "crossover": "crossover", "single-arm": "single-arm"}


def load_published(review: Review, outcome: str) -> tuple[Published, ...]:
    """The published results of an outcome, as review.toml has them."""
    results = []
    for entry in review.tables[outcome].get("published", []):
        # TOML has lists where the value has tuples.
        values: dict[str, Any] = {key: tuple(x) if isinstance(x, list) else x for key, x in entry.items()}
        results.append(Published(**values))
    return tuple(results)


def check_published(review: Review, outcome: str) -> tuple[Reproduction, ...]:
    """Compare every published result of an outcome with the data it rests on (kind of data, reading, subset)."""
    verdicts = []
    for result in load_published(review, outcome):
        kind = result.kind or next(iter(review.tables[outcome]["data"]))
        evidence = load_evidence(review, outcome, _LIKELIHOOD_OF_KIND.get(kind, "normal"))
        if result.reading:
            evidence = read_as(evidence, result.reading)
        verdicts.append(reproduce(result, evidence.studies))
    return tuple(verdicts)


def load_with_published(
    text: str, likelihood: str | None = None, benefit: str | None = None
) -> tuple[Evidence, tuple[Reproduction, ...]]:
    """Load FILE or FILE#outcome, and compare the pooled results that the file carries with its trials.

    P values are left to `audit`: here a P is that of one trial, and those in review files are of pooled results.
    Raises InputError as `formats.load_file` does.
    """
    path, outcome = split_outcome(text)
    source = choose_source(open_sources(path), outcome, shown(path.name))
    evidence = to_evidence(source, likelihood, benefit)
    return evidence, tuple(reproduce(p, evidence.studies) for p in source.published if p.measure != "p")
