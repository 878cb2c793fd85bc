"""Which published results, of a shipped review or carried by a user's file, follow from the trials."""

from typing import Any

from bayes_ivig.errors import InputError
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
        try:
            results.append(Published(**values))
        except TypeError as error:  # an unknown key, or one that is missing
            raise InputError(f"{review.name}/review.toml, published of {outcome}: {error}; correct the entry") from None
    return tuple(results)


def load_kind(review: Review, outcome: str, kind: str | None = None) -> Evidence:
    """Load one kind of data of an outcome, its first unless given."""
    kind = kind or next(iter(review.tables[outcome]["data"]))
    return load_evidence(review, outcome, _LIKELIHOOD_OF_KIND.get(kind, "normal"))


def check_published(review: Review, outcome: str) -> tuple[Reproduction, ...]:
    """Compare every published result of an outcome with the data it rests on (kind of data, reading, subset)."""
    verdicts = []
    for result in load_published(review, outcome):
        evidence = load_kind(review, outcome, result.kind)
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
