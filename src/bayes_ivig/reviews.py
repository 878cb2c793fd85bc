"""The shipped reviews: one folder each, `review.toml` beside a CSV for every outcome and kind of data."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bayes_ivig.columns import KINDS_OF_LIKELIHOOD
from bayes_ivig.errors import InputError, nearest
from bayes_ivig.evidence import NAME, Evidence, Reading, parse_studies
from bayes_ivig.shipped import shipped_folder
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, Study, TwoArm

DEFAULT_REVIEW = "mmn-2007"
_TEXTS = ("name", "title", "question", "edition", "citation", "doi", "pmid", "treatment", "control")


@dataclass(frozen=True)
class Review:
    """One published review: its question, edition, sources and known faults; outcomes load on demand."""

    name: str
    title: str
    question: str
    edition: str
    citation: str
    doi: str
    pmid: str
    treatment: str
    control: str
    faults: tuple[str, ...]
    sources: Mapping[str, Mapping[str, str]]
    folder: Path
    tables: Mapping[str, Mapping[str, Any]]

    def __post_init__(self) -> None:
        """Check the names."""
        for name in (self.name, *self.tables):
            if not NAME.fullmatch(name):
                raise InputError(f"review or outcome name '{name}': only a-z, 0-9 and - are allowed")

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes, in the order of the file."""
        return tuple(self.tables)


def list_reviews(folder: Path | None = None) -> tuple[str, ...]:
    """Names of the reviews in a folder, by default the shipped ones."""
    folders = (folder or shipped_folder("data")).iterdir()
    return tuple(sorted(folder.name for folder in folders if (folder / "review.toml").is_file()))


def load_review(name: str, folder: Path | None = None) -> Review:
    """Load a review by name, by default a shipped one.

    Parameters
    ----------
    name
        One of `list_reviews(folder)`.
    folder
        Where the reviews are; None means those shipped.

    Raises
    ------
    InputError
        Unknown review, or a review file that does not follow its form.
    """
    known = list_reviews(folder)
    if name not in known:
        raise InputError(f"--review: '{name}' is not a review{nearest(name, known)}; known are {', '.join(known)}")
    home = (folder or shipped_folder("data")) / name
    try:
        table = tomllib.loads((home / "review.toml").read_text("utf-8"))
        return Review(
            **{key: table[key] for key in _TEXTS},
            faults=tuple(table["faults"]),
            sources=MappingProxyType(table["sources"]),
            folder=home,
            tables=MappingProxyType(table["outcomes"]),
        )
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"{name}/review.toml: key {error} is missing; give it") from None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{name}/review.toml: not a review file ({error}); correct it") from None


_STUDY_BY_COLUMN: Mapping[str, type] = {
    "both": Paired,
    "margins_t": PairedMargins,
    "mean_t": Means,
    "y": Effect,
    "events": SingleArm,
    "events_t": TwoArm,
}


def _reading(entry: Mapping[str, Any]) -> Reading:
    row = entry["row"]
    make = next(cls for column, cls in _STUDY_BY_COLUMN.items() if column in row)
    return Reading(entry["name"], make(entry["study"], **row), entry["status"], entry["source"], entry["note"])


def load_evidence(review: Review, outcome: str, likelihood: str | None = None) -> Evidence:
    """Load one outcome of a shipped review, guarded by its checksum.

    Parameters
    ----------
    review
        From `load_review`.
    outcome
        One of `review.outcomes`.
    likelihood
        Decides the kind of data (paired tables or two arms, say); by default the outcome's first.

    Raises
    ------
    InputError
        Unknown outcome, no data for that likelihood, or a file that is not the one shipped.
    """
    if outcome not in review.tables:
        raise InputError(
            f"outcome '{outcome}' is not in review {review.name}{nearest(outcome, review.outcomes)}; "
            f"known are {', '.join(review.outcomes)}, or give the path of a file of trials"
        )
    table = review.tables[outcome]
    kinds = list(table["data"])
    wanted = KINDS_OF_LIKELIHOOD[likelihood] if likelihood else kinds
    kind = next((kind for kind in wanted if kind in kinds), None)
    if kind is None:
        raise InputError(
            f"{outcome}: the {likelihood} model needs {' or '.join(wanted)} data, "
            f"but {review.name} holds {' and '.join(kinds)} data; choose another --model or outcome"
        )
    entry = table["data"][kind]
    try:
        data = (review.folder / entry["file"]).read_bytes()
    except OSError as error:
        raise InputError(f"{review.name}/{entry['file']}: cannot be read ({error.strerror}); restore it") from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry["sha256"]:
        raise InputError(
            f"{review.name}/{entry['file']}: the file is not the one shipped (SHA-256 {digest[:12]}..., expected "
            f"{entry['sha256'][:12]}...); restore it, or copy it elsewhere and give its path"
        )
    studies, rows, notes = parse_studies(data, f"{review.name}/{entry['file']}")
    return Evidence(
        review=review.name,
        outcome=outcome,
        studies=studies,
        title=table["title"],
        edition=review.edition,
        role=table["role"],
        benefit=table["benefit"],
        measure=table["measure"],
        unit=table.get("unit", ""),
        treatment=table.get("treatment", review.treatment),
        control=table.get("control", review.control),
        definition=table.get("definition", ""),
        notes=(*table.get("notes", ()), *notes),
        rows=rows,
        readings=tuple(_reading(r) for r in table.get("readings", ()) if r["kind"] == kind),
        priors=MappingProxyType({key: table["priors"][key] for key in ("mu", "tau") if key in table.get("priors", {})}),
        sha256=digest,
    )


def read_as(evidence: Evidence, reading: str) -> Evidence:
    """Return the evidence with one trial read in the alternative way named `reading`."""
    names = [r.name for r in evidence.readings]
    if reading not in names:
        raise InputError(f"reading '{reading}' is not one of {', '.join(names) or 'none'}{nearest(reading, names)}")
    other = evidence.readings[names.index(reading)].study
    studies: tuple[Study, ...] = tuple(other if s.study == other.study else s for s in evidence.studies)
    return replace(evidence, studies=studies)
