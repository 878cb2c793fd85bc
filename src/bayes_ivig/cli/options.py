"""Options that several commands share, and the checks of their values."""

from typing import TYPE_CHECKING, Annotated

import typer

from bayes_ivig.errors import InputError, nearest

if TYPE_CHECKING:
    from bayes_ivig.priors import Prior

DEFAULT_REVIEW = "mmn-2007"
ENGINES = ("both", "nuts", "quadrature")

Outcome = Annotated[
    str,
    typer.Argument(
        metavar="OUTCOME|FILE|all",
        help="A shipped outcome (see 'bayes-ivig data list'); your own file (.csv, .tsv, .xlsx, .rm5 or a Cochrane "
        "data package .zip; FILE#OUTCOME where it holds several); or all.",
    ),
]
JobsOption = Annotated[int | None, typer.Option("--jobs", metavar="N", help="Processes; one a core unless given.")]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Address of a running Dask scheduler, such as tcp://host:8786; or 'local': a cluster on this machine.",
    ),
]
ReviewOption = Annotated[
    str | None,
    typer.Option(
        "--review",
        metavar="NAME",
        help=f"Shipped review; {DEFAULT_REVIEW} unless given (for 'all': every review).",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|FILE",
        help="A likelihood (binomial, conditional, crossover, normal, single-arm), a name from 'models list', or a "
        "model file. Default: binomial for counts, crossover for paired tables, normal for effects and means, "
        "single-arm for rates.",
    ),
]
MeasureOption = Annotated[
    str | None,
    typer.Option("--measure", metavar="OR|RR|MD|SMD", help="Effect measure; OR for counts unless given."),
]
BenefitOption = Annotated[
    str | None,
    typer.Option(
        "--benefit",
        metavar="higher|lower",
        help="For your own file: the direction of the effect that favours the treatment.",
    ),
]
ProbOption = Annotated[float, typer.Option("--prob", help="Probability of the equal-tailed intervals.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]


def prior_option(flag: str, what: str, example: str) -> typer.models.OptionInfo:
    """Make the option of one prior."""
    text = f"Prior of {what}, such as \"{example}\", or a name from 'priors list'."
    return typer.Option(flag, metavar="PRIOR", help=text)


def parse_control_risk(text: str | None) -> "Prior | None":
    """Parse --control-risk: a value strictly between 0 and 1, or a density on that interval."""
    if text is None:
        return None
    from bayes_ivig.priors import parse_prior

    try:
        value = float(text)
    except ValueError:
        prior = parse_prior(text, where="--control-risk")
        if prior.support[0] < 0 or prior.support[1] > 1:
            raise InputError(
                f"--control-risk: {prior.text} is not a density on 0 to 1; give a beta, or a value"
            ) from None
        return prior
    if not 0 < value < 1:
        raise InputError(f"--control-risk: {text} is not a risk; give a value strictly between 0 and 1, such as 0.1")
    return parse_prior(f"fixed({value!r})")


def check_engine(engine: str) -> None:
    """Refuse an engine that does not exist."""
    if engine not in ENGINES:
        raise InputError(
            f"--engine: '{engine}' is not an engine; choose {', '.join(ENGINES)}{nearest(engine, ENGINES)}"
        )


def check_prob(prob: float) -> None:
    """Refuse a probability that makes no interval."""
    if not 0.5 <= prob < 1:
        raise InputError(f"--prob: {prob:g} is not allowed; give 0.5 up to below 1, such as 0.95")


def check_jobs(jobs: int | None) -> None:
    """Refuse a number of processes that cannot be."""
    if jobs is not None and not 1 <= jobs <= 1024:
        raise InputError(f"--jobs: {jobs} is not allowed; give a number of processes from 1 to 1024")
