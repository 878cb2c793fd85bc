"""The command that judges published numbers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_ivig.cli.options import JsonOption
from bayes_ivig.errors import CheckFailedError, InputError

if TYPE_CHECKING:
    from bayes_ivig.audit import Reconstruction
    from bayes_ivig.audit.review import ReviewAudit
    from bayes_ivig.published import Published


def audit(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE[#OUTCOME]|REVIEW]",
            help="A shipped review, a folder with a review.toml, a RevMan .rm5 file or Cochrane data package .zip with "
            "its results, or your own table of trials (then --published too); every shipped review unless given.",
        ),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            "--published",
            metavar="FILE",
            help="Published results of your file: .csv with the columns id, measure, estimate, ci_low, ci_high, p, "
            "..., or .toml with [[published]] tables.",
        ),
    ] = None,
    enumerate_all: Annotated[
        bool,
        typer.Option(
            "--enumerate",
            help="Search for every set of tables compatible with the results, also where the counts are known.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Are the published numbers right? Recompute them, name the method behind each, and flag what cannot be.

    Measures: RR, OR, RD, MD, SMD, percent, per-100, NNT, participants, count, p. Numbers are text: the printed
    decimals count. Other columns: method, participants, events_t, n_t, events_c, n_c, mean_t, spread_t, mean_c,
    spread_c, spread (SD, SE or unnamed), arm (t, c or difference), studies (separated by semicolons), inverted
    (yes: printed as control over treatment), reading, claims, same_as, expected, label, source, note.

    Where the cells of events_t and events_c are empty, every table compatible with the results is searched for.
    Exit codes: 0 done, findings or not; 2 bad input; 3 a result marked expected = "reproduced" is not.

    Examples:  bayes-ivig audit mmn-2022;  bayes-ivig audit trials.csv --published published.csv
    """
    results = _audits(target, published, enumerate_all)
    if json:
        from bayes_ivig.store import json_text

        objects = [{"schema": 1, **result.to_json()} for result in results]
        sys.stdout.write(json_text({"schema": 1, "audits": objects} if target is None else objects[0]))
    else:
        from bayes_ivig.present import console
        from bayes_ivig.present_audit import audit_view

        for result in results:
            console().print(audit_view(result))
    failed = [p.id for result in results for p in result.failed]
    if failed:
        raise CheckFailedError(f"expected to be reproduced, and not: {', '.join(failed)}")


def _audits(target: str | None, published: Path | None, enumerate_all: bool) -> "list[ReviewAudit]":
    from bayes_ivig.formats import is_file_argument

    if target is not None and is_file_argument(target):
        return [_audit_file(target, published, enumerate_all)]
    if published is not None:
        raise InputError("--published: a review has its published results already; the option is for your own file")
    from bayes_ivig.audit.review import audit_review
    from bayes_ivig.reviews import list_reviews, load_review

    folder = Path(target).resolve() if target else None
    if folder is not None and (folder / "review.toml").is_file():
        return [audit_review(load_review(folder.name, folder.parent), enumerate_all=enumerate_all)]
    names = [target] if target else list_reviews()
    return [audit_review(load_review(name), enumerate_all=enumerate_all) for name in names]


def _audit_file(target: str, published: Path | None, enumerate_all: bool) -> "ReviewAudit":
    from bayes_ivig.audit import enumerate_tables
    from bayes_ivig.audit.review import audit_sources
    from bayes_ivig.audit.sizes import load_sizes
    from bayes_ivig.formats import choose_source, open_sources, split_outcome
    from bayes_ivig.published.file import load_published_results
    from bayes_ivig.tabular import shown

    results = load_published_results(published) if published else ()
    path, outcome = split_outcome(target)
    if results and (sizes := load_sizes(path)) is not None:
        found = enumerate_tables(sizes, results)
        if found is None:
            raise InputError(f"{path.name}: events are missing, and no published result says anything about them")
        return _reconstructed(path, found, results)
    sources = open_sources(path)
    if outcome is not None or published:
        sources = (choose_source(sources, outcome, shown(path.name)),)
    if not published and not any(source.published for source in sources):
        raise InputError(
            "--published: give the file of the published results, such as published.csv with the columns "
            "id, measure, estimate, ci_low, ci_high"
        )
    whole = sources if outcome is not None else tuple(source for source in sources if not source.is_subgroup)
    return audit_sources(whole, shown(path.name), results, enumerate_all=enumerate_all)


def _reconstructed(path: Path, found: "Reconstruction", results: "tuple[Published, ...]") -> "ReviewAudit":
    """Audit the tables found where they are the only ones, else report the search alone."""
    from dataclasses import replace

    from bayes_ivig.audit.review import audit_one
    from bayes_ivig.evidence import Evidence
    from bayes_ivig.studies import TwoArm

    placeholder = tuple(TwoArm(t.study, t.events_t or 0, t.n_t, t.events_c or 0, t.n_c) for t in found.trials)
    studies = found.solutions[0] if found.unique else placeholder
    evidence = Evidence("user", "reconstructed", studies, f"{path.stem}, counts reconstructed")
    whole = audit_one(evidence, results if found.unique else ())
    return replace(whole, audits=(replace(whole.audits[0], reconstructions=(("", found),)),))
