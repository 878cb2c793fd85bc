"""The command about the next trial: plan."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
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
    check_prob,
    parse_control_risk,
    prior_option,
)
from bayes_ivig.errors import CheckFailedError, InputError

if TYPE_CHECKING:
    from bayes_ivig.choices import Choices
    from bayes_ivig.evidence import Evidence
    from bayes_ivig.plan.assurance import Question
    from bayes_ivig.priors import Prior


def plan(
    outcome: Outcome,
    patients: Annotated[
        str,
        typer.Option(
            "--patients", metavar="A:B:STEP", help="Patients enrolled in all: a range such as 10:80:10, or 20,40,80."
        ),
    ] = "10:80:10",
    design: Annotated[
        str | None,
        typer.Option(
            "--design",
            metavar="crossover|parallel",
            help="Design of the next trial; crossover where the trials at hand are read as crossover trials.",
        ),
    ] = None,
    true_effect: Annotated[
        str,
        typer.Option(
            "--true-effect",
            metavar="current|PRIOR|X",
            help="True effect of the next trial: drawn from theta_new of the current posterior; of the posterior under "
            'another prior of the average effect, such as "sceptical(1.1)"; or a fixed OR or RR X (then the result is '
            "power).",
        ),
    ] = "current",
    control_risk: Annotated[
        str | None,
        typer.Option(
            "--control-risk",
            metavar="X",
            help='Supposed control risk of the next trial: a value such as 0.1, or "beta(2, 18)"; unless given, its '
            "baseline comes from the model's own prior.",
        ),
    ] = None,
    design_association: Annotated[
        str | None,
        prior_option(
            "--design-association",
            "the supposed within-patient log odds ratio; the model's own unless given",
            "normal(1.5, 1)",
        ),
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="P(benefit) that settles the question; below 1 minus it, against.")
    ] = 0.975,
    simulations: Annotated[int, typer.Option("--simulations", help="Simulated trials for each size.")] = 2000,
    review: ReviewOption = None,
    model: ModelOption = None,
    effect: Annotated[str | None, typer.Option("--effect", metavar="random|common", help="As in 'fit'.")] = None,
    measure: MeasureOption = None,
    mu: Annotated[str | None, prior_option("--mu", "the average effect in the analysis", "normal(0, 1)")] = None,
    tau: Annotated[str | None, prior_option("--tau", "the SD of effects between trials", "half-normal(1)")] = None,
    baseline: Annotated[str | None, prior_option("--baseline", "the baseline in the analysis", "beta(1, 1)")] = None,
    parametrisation: Annotated[
        str | None, typer.Option("--parametrisation", metavar="midpoint|control", help="As in 'fit'.")
    ] = None,
    association: Annotated[
        str | None,
        prior_option("--association", "the within-patient log odds ratio in the analysis", "normal(1.5, 1)"),
    ] = None,
    benefit: BenefitOption = None,
    prob: ProbOption = 0.95,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same table.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes; does not change the result. Two at most unless given.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Root folder of the results.")] = Path("results"),
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw the curve (SVG and PNG).")] = True,
    json: JsonOption = False,
) -> None:
    """What a next trial would show: the chance that it settles the question, by its size.

    For each size trials are simulated and each is analysed together with the trials at hand, exactly. The result is
    written to DIR/<review>/<outcome>/plan-<design>-<likelihood>-<measure>-<effect>/.

    Examples:  bayes-ivig plan disability --patients 10:80:10 --design crossover;
    bayes-ivig plan disability --design parallel --control-risk "beta(2, 14)" --true-effect 3
    """
    started = time.time()
    check_prob(prob)
    from types import MappingProxyType

    from bayes_ivig.choices import Choices
    from bayes_ivig.named_priors import resolve_prior

    texts = {"mu": mu, "tau": tau, "baseline": baseline, "association": association}
    priors = {key: resolve_prior(text, where=f"--{key}") for key, text in texts.items() if text is not None}
    choices = Choices(model, effect, measure, parametrisation, MappingProxyType(priors), seed)
    sceptic, fixed = _parse_truth(true_effect)
    asked = _ask(outcome, review, choices, benefit, patients, design, control_risk, design_association)
    question = replace(
        asked, sceptic=sceptic, true_effect=fixed, threshold=threshold, prob=prob, simulations=simulations
    )
    if workers is not None and not 1 <= workers <= 64:
        raise InputError(f"--workers: {workers} is not allowed; give 1 to 64")
    from bayes_ivig.output_plan import write_plan
    from bayes_ivig.plan.as_json import to_json
    from bayes_ivig.plan.assurance import run_plan

    heavy = question.design.is_paired and len(question.sizes) > 1
    with _progress(len(question.sizes)) as done:
        result = run_plan(question, workers or (min(2, os.cpu_count() or 1) if heavy else 1), done)
    folder = write_plan(result, out, figures=figures, started=started)
    if json:
        from bayes_ivig.store import json_text

        sys.stdout.write(json_text(to_json(result)))
    else:
        from bayes_ivig.present import console
        from bayes_ivig.present_plan import plan_view

        console().print(plan_view(result, str(folder)))
    if result.failed:
        names = ", ".join(check.name for check in result.failed)
        raise CheckFailedError(f"a check failed ({names}); the results are written and labelled as failed")


def _ask(
    outcome: str,
    review: str | None,
    choices: "Choices",
    benefit: str | None,
    patients: str,
    design: str | None,
    control_risk: str | None,
    design_association: str | None,
) -> "Question":
    from bayes_ivig.choices import choose_model
    from bayes_ivig.named_priors import resolve_prior
    from bayes_ivig.plan.assurance import Question
    from bayes_ivig.plan.design import Design, check_design_name, model_of_next, parse_sizes

    sizes = parse_sizes(patients)
    kind = check_design_name(design) if design else None
    risk = parse_control_risk(control_risk)
    supposed = resolve_prior(design_association, where="--design-association") if design_association else None
    evidence = _evidence(outcome, review, choices, benefit)
    model = choose_model(evidence, choices)
    kind = kind or ("crossover" if evidence.kind == "crossover" else "parallel")
    made: Design = Design(kind, model_of_next(kind, model), risk, supposed)
    return Question(evidence, model, made, sizes, seed=model.sampler.seed)


def _evidence(outcome: str, review: str | None, choices: "Choices", benefit: str | None) -> "Evidence":
    """The trials at hand; as crossover trials where the outcome has them so and nothing else is asked for."""
    from bayes_ivig.choices import choose_likelihood
    from bayes_ivig.formats import is_file_argument
    from bayes_ivig.reproduction import load_with_published
    from bayes_ivig.reviews import load_evidence, load_review

    likelihood = choose_likelihood(choices.model)
    if outcome == "all":
        raise InputError("plan: give one outcome, or the path of a file of trials")
    if is_file_argument(outcome):
        return load_with_published(outcome, likelihood, benefit)[0]
    if benefit is not None:
        raise InputError("--benefit: a shipped outcome has its direction already; the option is for your own file")
    loaded = load_review(review or DEFAULT_REVIEW)
    kinds = loaded.tables.get(outcome, {}).get("data", {})
    if likelihood is None and choices.measure in (None, "OR") and "crossover" in kinds:
        likelihood = "crossover"
    return load_evidence(loaded, outcome, likelihood)


def _parse_truth(text: str) -> "tuple[Prior | None, float | None]":
    """The prior of the sceptic, or the log of a fixed ratio, or neither for the current posterior."""
    if text.strip().casefold() == "current":
        return None, None
    try:
        value = float(text)
    except ValueError:
        from bayes_ivig.named_priors import resolve_prior

        prior = resolve_prior(text, where="--true-effect")
        if prior.is_point:
            raise InputError("--true-effect: give a fixed effect as the OR or RR itself, such as 3") from None
        return prior, None
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"--true-effect: {text} is not a ratio; give an OR or RR above 0, such as 3")
    return None, math.log(value)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error, by size, where it is a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda patients: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Simulating trials", total=total)
        yield lambda patients: bar.advance(task)
