"""The command that writes the review page, or the same report for Word, Markdown or machines."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_ivig.cli.analyse import status
from bayes_ivig.cli.options import (
    DEFAULT_REVIEW,
    ENGINES,
    BenefitOption,
    MeasureOption,
    ModelOption,
    ProbOption,
    ReviewOption,
    check_engine,
    check_prob,
    parse_control_risk,
)
from bayes_ivig.errors import CheckFailedError, InputError, nearest

if TYPE_CHECKING:
    from bayes_ivig.evidence import Evidence
    from bayes_ivig.page.report import Report
    from bayes_ivig.published import Reproduction
    from bayes_ivig.reviews import Review

FORMATS = {"html": "review.html", "md": "review.md", "docx": "review.docx", "json": "review.json"}


def report(
    outcomes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[OUTCOME|FILE.csv ...]", help="Outcomes of the review, or your own files; all unless given."
        ),
    ] = None,
    review: ReviewOption = None,
    model: ModelOption = None,
    measure: MeasureOption = None,
    benefit: BenefitOption = None,
    control_risk: Annotated[
        str | None,
        typer.Option("--control-risk", metavar="X", help='Control risk for absolute effects: 0.1, or "beta(2, 18)".'),
    ] = None,
    prob: ProbOption = 0.95,
    engine: Annotated[
        str,
        typer.Option(
            "--engine", metavar="|".join(ENGINES), help="Engine where no stored run fits; only nuts and both sample."
        ),
    ] = "quadrature",
    results: Annotated[
        Path, typer.Option("--results", metavar="DIR", help="Root folder of stored runs, as fit --out writes them.")
    ] = Path("results"),
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File to write; review.html unless given.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="Page, Markdown, Word or JSON.")
    ] = "html",
) -> None:
    """Write the review page: one file in which a reader checks the analysis and moves the priors.

    Stored runs are used where data, model, settings and version match; the rest is computed now, and marked
    'not checked by sampling' unless --engine asks for it.

    Examples:  bayes-ivig report;  bayes-ivig report strength --out strength.html;
    bayes-ivig report trials.csv --benefit lower --format docx --out trials.docx
    """
    check_prob(prob)
    if format_ not in FORMATS:
        raise InputError(
            f"--format: '{format_}' is not known; give one of {', '.join(FORMATS)}{nearest(format_, FORMATS)}"
        )
    check_engine(engine)
    target = out or Path(FORMATS[format_])
    if target.is_dir():
        raise InputError(f"{target}: is a folder; give the name of a file")
    from bayes_ivig.choices import Choices, choose_likelihood, choose_model
    from bayes_ivig.page.collect import fresh_outcome, stored_outcome
    from bayes_ivig.page.command import fit_command
    from bayes_ivig.page.report import Report
    from bayes_ivig.page.sensitivity import with_sensitivity
    from bayes_ivig.page.surfaces import MOST_ON_A_PAGE, MOST_SURFACES, with_surfaces

    risk = parse_control_risk(control_risk)
    found_review, jobs = _jobs(outcomes or [], review, choose_likelihood(model), benefit)
    made, commands = [], []
    counts = sum(evidence.kind in ("two-arm", "crossover") for _, evidence, _ in jobs)
    most = min(MOST_SURFACES, max(1, MOST_ON_A_PAGE // max(1, counts)))
    with status() as say:
        for name, evidence, published in jobs:
            say(evidence.title or evidence.outcome)
            chosen = choose_model(evidence, Choices(model, measure=measure))
            outcome = stored_outcome(results, evidence, chosen, published, prob, risk) or fresh_outcome(
                evidence,
                chosen,
                published,
                engine=engine,
                prob=prob,
                control_risk=risk,
                png=format_ == "docx",
                say=say,
            )
            commands.append(fit_command(outcome, name if evidence.review == "user" else ""))
            if format_ in ("html", "json"):
                outcome = with_surfaces(outcome, found_review, most)
            say("Sensitivity")
            made.append(with_sensitivity(outcome, results, found_review))
        say("Writing")
        whole = Report(found_review, tuple(made), tuple(commands))
        write_whole(target, render(whole, format_))
    typer.echo(f"Written to {target}", err=True)
    if whole.failed:
        raise CheckFailedError(f"a check failed for {', '.join(whole.failed)}; the report is written and says so")


def _jobs(
    names: list[str], review: str | None, likelihood: str | None, benefit: str | None
) -> "tuple[Review | None, list[tuple[str, Evidence, tuple[Reproduction, ...]]]]":
    """The review, and evidence with published results for every name: all of a review's outcomes, or files."""
    from bayes_ivig.formats import is_file_argument
    from bayes_ivig.reproduction import check_published, load_with_published
    from bayes_ivig.reviews import load_evidence, load_review

    files = [name for name in names if is_file_argument(name)]
    if files and len(files) < len(names):
        raise InputError("report: give outcomes of a review or files of your own, not both in one report")
    if files:
        return None, [(name, *load_with_published(name, likelihood, benefit)) for name in files]
    if benefit is not None:
        raise InputError("--benefit: a shipped outcome has its direction already; the option is for your own file")
    loaded = load_review(review or DEFAULT_REVIEW)
    chosen = list(dict.fromkeys(names)) or list(loaded.outcomes)
    if chosen == ["all"]:
        chosen = list(loaded.outcomes)
    return loaded, [(one, load_evidence(loaded, one, likelihood), check_published(loaded, one)) for one in chosen]


def render(report: "Report", format_: str) -> bytes:
    """Return the file's bytes in one of the formats."""
    if format_ == "html":
        from bayes_ivig.page.html import to_html

        return to_html(report).encode("utf-8")
    if format_ == "json":
        from bayes_ivig.page.machine import to_object
        from bayes_ivig.store import json_text

        return json_text(to_object(report)).encode("utf-8")
    from bayes_ivig.page.document import to_docx, to_markdown

    return to_docx(report) if format_ == "docx" else to_markdown(report).encode("utf-8")


def write_whole(target: Path, data: bytes) -> None:
    """Write a file all at once: beside its place, then exchanged; an earlier one stays until then."""
    part = target.with_name(f".{target.name}-{os.urandom(4).hex()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}); give another place with --out") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
