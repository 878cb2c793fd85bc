"""The command that asks what a conclusion depends on."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_ivig.cli.analyse import status
from bayes_ivig.cli.options import (
    DEFAULT_REVIEW,
    BenefitOption,
    JsonOption,
    MeasureOption,
    ModelOption,
    ProbOption,
    ReviewOption,
    check_prob,
    prior_option,
)
from bayes_ivig.errors import InputError

if TYPE_CHECKING:
    from bayes_ivig.evidence import Evidence


def sensitivity(
    outcome: Annotated[
        str,
        typer.Argument(
            metavar="OUTCOME|FILE", help="A shipped outcome, or your own file as in 'fit' (FILE#OUTCOME where needed)."
        ),
    ],
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
    benefit: BenefitOption = None,
    prob: ProbOption = 0.95,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Root folder of the results.")] = Path("results"),
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw the figures (SVG and PNG).")] = True,
    json: JsonOption = False,
) -> None:
    """Ask what the conclusion depends on: every answer is exact, by quadrature.

    Baseline priors and parametrisations, a grid of priors, power-scaling, tipping points, bias, trials left out,
    heterogeneity, model comparison, and three sentences for a panel. The options are those of 'fit': they say which
    model is questioned. The result is written to DIR/<review>/<outcome>/sensitivity/.

    Examples:  bayes-ivig sensitivity strength;  bayes-ivig sensitivity disability --parametrisation control;
    bayes-ivig sensitivity trials.csv --benefit lower --measure RR
    """
    started = time.time()
    check_prob(prob)
    if outcome == "all":
        raise InputError("sensitivity: 'all' is not allowed; give one outcome, such as strength")
    from types import MappingProxyType

    from bayes_ivig.choices import Choices, choose_likelihood, choose_model
    from bayes_ivig.named_priors import resolve_prior
    from bayes_ivig.output_sensitivity import write_sensitivity
    from bayes_ivig.sensitivity import run_sensitivity

    texts = {"mu": mu, "tau": tau, "baseline": baseline, "association": association}
    priors = {key: resolve_prior(text, where=f"--{key}") for key, text in texts.items() if text is not None}
    choices = Choices(model, effect, measure, parametrisation, MappingProxyType(priors))
    evidence = load_one(outcome, review, choose_likelihood(model), benefit)
    with status() as say:
        result = run_sensitivity(evidence, choose_model(evidence, choices), prob=prob, say=say)
        say("Writing")
        folder = write_sensitivity(result, out, figures=figures, started=started)
    if json:
        from bayes_ivig.store import json_text

        sys.stdout.write(json_text(result.to_json()))
    else:
        from bayes_ivig.present import console
        from bayes_ivig.present_sensitivity import sensitivity_view

        console().print(sensitivity_view(result, str(folder)))


def load_one(outcome: str, review: str | None, likelihood: str | None, benefit: str | None) -> "Evidence":
    """Load a user's file, or a shipped outcome."""
    from bayes_ivig.formats import is_file_argument, load_file, split_outcome
    from bayes_ivig.reviews import load_evidence, load_review

    if is_file_argument(outcome):
        path, name = split_outcome(outcome)
        return load_file(path, likelihood, benefit, name)
    if benefit is not None:
        raise InputError("--benefit: a shipped outcome has its direction already; the option is for your own file")
    return load_evidence(load_review(review or DEFAULT_REVIEW), outcome, likelihood)
