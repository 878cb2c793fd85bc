"""The command that weighs benefit against harm."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from bayes_ivig.cli.analyse import status
from bayes_ivig.cli.options import JsonOption, ProbOption, ReviewOption, check_prob

_WHAT = "a shipped outcome, or your own file of two arms (FILE#OUTCOME where needed)."


def balance(
    benefit: Annotated[
        str, typer.Argument(metavar="[BENEFIT_OUTCOME]", help=f"What is hoped for: {_WHAT}")
    ] = "strength",
    harm: Annotated[str, typer.Argument(metavar="[HARM_OUTCOME]", help=f"What is feared: {_WHAT}")] = "adverse-events",
    weight: Annotated[
        float,
        typer.Option("--weight", metavar="W", help="How many patients helped outweigh one patient harmed, 0 to 1000."),
    ] = 1.0,
    review: ReviewOption = None,
    prob: ProbOption = 0.95,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Root folder of the results.")] = Path("results"),
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw the figure (SVG and PNG).")] = True,
    json: JsonOption = False,
) -> None:
    """Weigh benefit against harm: gain - W x harm per 100 patients, and P(net benefit > 0) for every W.

    Both outcomes under their default models, from exact posteriors. They are taken as independent, which these data
    cannot show; the extreme couplings stand beside it. The result is written to
    DIR/<review>/balance/<benefit>-<harm>/.

    Examples:  bayes-ivig balance;  bayes-ivig balance disability adverse-events --weight 0.5
    """
    started = time.time()
    check_prob(prob)
    from bayes_ivig.choices import Choices, choose_model
    from bayes_ivig.cli.sensitivity import load_one
    from bayes_ivig.net_benefit import run_balance
    from bayes_ivig.output_balance import write_balance

    first, second = (load_one(outcome, review, None, None) for outcome in (benefit, harm))
    with status() as say:
        say("Posteriors and draws")
        models = (choose_model(first, Choices()), choose_model(second, Choices()))
        result = run_balance(first, models[0], second, models[1], weight=weight, prob=prob)
        say("Writing")
        folder = write_balance(result, out, figures=figures, started=started)
    if json:
        from bayes_ivig.store import json_text

        sys.stdout.write(json_text(result.to_json()))
    else:
        from bayes_ivig.present import console
        from bayes_ivig.present_balance import balance_view

        console().print(balance_view(result, str(folder)))
