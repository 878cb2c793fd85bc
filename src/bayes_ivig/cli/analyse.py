"""The commands that compute: fit and pool."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_ivig.cli.options import (
    DEFAULT_REVIEW,
    BenefitOption,
    JsonOption,
    MeasureOption,
    ModelOption,
    Outcome,
    ProbOption,
    ReviewOption,
    check_engine,
    check_prob,
    parse_control_risk,
    prior_option,
)
from bayes_ivig.errors import CheckFailedError, InputError

if TYPE_CHECKING:
    from bayes_ivig.choices import Choices
    from bayes_ivig.evidence import Evidence
    from bayes_ivig.fit import Fit
    from bayes_ivig.priors import Prior
    from bayes_ivig.published import Reproduction


def fit(
    outcome: Outcome,
    review: ReviewOption = None,
    model: ModelOption = None,
    effect: Annotated[
        str | None,
        typer.Option(
            "--effect",
            metavar="random|common",
            help="Effects that vary between trials, or one; common for a single trial unless given.",
        ),
    ] = None,
    measure: MeasureOption = None,
    mu: Annotated[
        str | None, prior_option("--mu", "the average effect, on the analysis scale (log for ratios)", "normal(0, 1)")
    ] = None,
    tau: Annotated[str | None, prior_option("--tau", "the SD of effects between trials", "half-normal(1)")] = None,
    baseline: Annotated[
        str | None,
        prior_option("--baseline", "the baseline, a beta on the risk or a density on the logit", "beta(1, 1)"),
    ] = None,
    parametrisation: Annotated[
        str | None,
        typer.Option(
            "--parametrisation",
            metavar="midpoint|control",
            help="Where the baseline prior sits: the midpoint of both logits, or the control risk.",
        ),
    ] = None,
    association: Annotated[
        str | None,
        prior_option("--association", "the within-patient log odds ratio, crossover model", "normal(1.5, 1)"),
    ] = None,
    control_risk: Annotated[
        str | None,
        typer.Option(
            "--control-risk",
            metavar="X",
            help='Control risk for absolute effects: a value such as 0.1, or "beta(2, 18)".',
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="both|nuts|quadrature",
            help="Exact quadrature, PyMC's sampler, or both, each checking the other.",
        ),
    ] = "both",
    benefit: BenefitOption = None,
    prob: ProbOption = 0.95,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed of the sampler; the same seed gives the same draws.")
    ] = None,
    draws: Annotated[int | None, typer.Option("--draws", help="Draws per chain after tuning.")] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Root folder of the results.")] = Path("results"),
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw the figures (SVG and PNG).")] = True,
    json: JsonOption = False,
) -> None:
    """Fit one outcome (or all): posterior, pooled estimates, published numbers, figures and files.

    The result is written to DIR/<review>/<outcome>/<likelihood>-<measure>-<effect>/.
    Exit codes: 0 done, 2 bad input, 3 a check failed (results are written and labelled).

    Examples:  bayes-ivig fit strength;  bayes-ivig fit disability --tau "half-normal(1)";
    bayes-ivig fit trials.csv --benefit lower --measure RR
    """
    started = time.time()
    check_engine(engine)
    check_prob(prob)
    from types import MappingProxyType

    from bayes_ivig.choices import Choices
    from bayes_ivig.fit_json import to_json
    from bayes_ivig.named_priors import resolve_prior

    texts = {"mu": mu, "tau": tau, "baseline": baseline, "association": association}
    priors = {key: resolve_prior(text, where=f"--{key}") for key, text in texts.items() if text is not None}
    choices = Choices(model, effect, measure, parametrisation, MappingProxyType(priors), seed, draws)
    risk = parse_control_risk(control_risk)
    jobs = list(_jobs(outcome, review, choices, benefit))
    fits: list[Fit] = []
    for evidence, published in jobs:
        fits.append(_fit_one(evidence, choices, published, engine, risk, prob, out, figures, started, quiet=json))
        started = time.time()
    if json:
        from bayes_ivig.store import json_text

        objects = [to_json(fit) for fit in fits]
        sys.stdout.write(json_text({"schema": 1, "fits": objects} if outcome == "all" else objects[0]))
    failed = [fit.evidence.outcome for fit in fits if fit.failed]
    if failed:
        raise CheckFailedError(
            f"a check failed for {', '.join(failed)}; the results are written and labelled as failed"
        )


def _fit_one(
    evidence: "Evidence",
    choices: "Choices",
    published: "tuple[Reproduction, ...]",
    engine: str,
    control_risk: "Prior | None",
    prob: float,
    out: Path,
    figures: bool,
    started: float,
    quiet: bool,
) -> "Fit":
    from bayes_ivig.choices import choose_model
    from bayes_ivig.fit import run_fit
    from bayes_ivig.output import write_fit

    model = choose_model(evidence, choices)
    with _status() as say:
        result = run_fit(
            evidence, model, engine=engine, prob=prob, control_risk=control_risk, published=published, say=say
        )
        say("Writing")
        folder = write_fit(result, out, figures=figures, started=started)
    if not quiet:
        from bayes_ivig.present import console, fit_view

        console().print(fit_view(result, str(folder)))
    return result


def _jobs(
    outcome: str, review: str | None, choices: "Choices", benefit: str | None
) -> "Iterator[tuple[Evidence, tuple[Reproduction, ...]]]":
    """Load the evidence of each outcome asked for, with the verdict on its published results."""
    from bayes_ivig.choices import choose_likelihood
    from bayes_ivig.formats import is_file_argument
    from bayes_ivig.reproduction import check_published, load_with_published
    from bayes_ivig.reviews import list_reviews, load_evidence, load_review

    likelihood = choose_likelihood(choices.model)
    if is_file_argument(outcome):
        yield load_with_published(outcome, likelihood, benefit)
        return
    if benefit is not None:
        raise InputError("--benefit: a shipped outcome has its direction already; the option is for your own file")
    names = [review] if review else list_reviews() if outcome == "all" else [DEFAULT_REVIEW]
    for name in names:
        loaded = load_review(name)
        for one in loaded.outcomes if outcome == "all" else [outcome]:
            yield load_evidence(loaded, one, likelihood), check_published(loaded, one)


def pool(
    outcome: Outcome,
    review: ReviewOption = None,
    measure: MeasureOption = None,
    benefit: BenefitOption = None,
    prob: ProbOption = 0.95,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Likelihood whose data to use, e.g. crossover for paired tables."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Frequentist estimates alone, and whether they reproduce the published results."""
    check_prob(prob)
    from bayes_ivig.choices import Choices
    from bayes_ivig.fit_json import comparators_json
    from bayes_ivig.pooled import pool as pool_studies

    tables: list[dict[str, object]] = []
    unexpected: list[str] = []
    for evidence, published in _jobs(outcome, review, Choices(model), benefit):
        estimates = pool_studies(evidence.studies, measure or evidence.measure, prob)
        if json:
            tables.append(
                {
                    "schema": 1,
                    "review": evidence.review,
                    "outcome": evidence.outcome,
                    "kind": evidence.kind,
                    "comparators": comparators_json(estimates, published),
                    "published": [reproduction.to_json() for reproduction in published],
                }
            )
        else:
            from bayes_ivig.present import console, pool_view

            console().print(pool_view(evidence, estimates, published, prob))
        unexpected += [r.published.label for r in published if r.failed]
    if json:
        from bayes_ivig.store import json_text

        sys.stdout.write(json_text({"schema": 1, "pools": tables} if outcome == "all" else tables[0]))
    if unexpected:
        raise CheckFailedError(f"expected to be reproduced, and not: {', '.join(unexpected)}")


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """Say on standard error what is going on, in place, where it is a terminal; silent elsewhere."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("Starting") as status:
        yield lambda text: status.update(f"{text} ...")
