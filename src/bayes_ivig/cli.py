"""The command line: parse, call, print. Everything heavy is imported inside the command that needs it."""

import _thread
import errno
import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bayes_ivig import __version__
from bayes_ivig.errors import CheckFailedError, InputError

if TYPE_CHECKING:
    from bayes_ivig.evidence import Evidence
    from bayes_ivig.fit import Choices, Fit
    from bayes_ivig.priors import Prior
    from bayes_ivig.published import Reproduction

DEFAULT_REVIEW = "mmn-2007"
INTERRUPTED = 130

app = typer.Typer(
    name="bayes-ivig",
    help="Bayesian re-analysis of small meta-analyses; first of all: IVIg in multifocal motor neuropathy.",
    epilog="Start with: bayes-ivig fit strength",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="The evidence: reviews, outcomes, trials and their sources.", no_args_is_help=True)
models_app = typer.Typer(help="The model files: likelihood, measure, priors, sampler.", no_args_is_help=True)
priors_app = typer.Typer(help="The cited table of named priors.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(models_app, name="models")
app.add_typer(priors_app, name="priors")

Outcome = Annotated[
    str,
    typer.Argument(
        metavar="OUTCOME|FILE.csv|all",
        help="A shipped outcome (see 'bayes-ivig data list'), the path of your own .csv file, or all.",
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
        help="A likelihood (binomial, normal, single-arm), a name from 'models list', or a model file. "
        "Default: binomial for counts, normal for effects and means, single-arm for rates.",
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


def _version(show: bool) -> None:
    if show:
        print(f"bayes-ivig {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
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
        str, typer.Option("--engine", metavar="nuts", help="Engine; this version has nuts only.")
    ] = "nuts",
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
    if engine != "nuts":
        raise InputError(f"--engine: '{engine}' is not available; this version has the nuts engine only; leave it out")
    _check_prob(prob)
    from types import MappingProxyType

    from bayes_ivig.fit import Choices, to_json
    from bayes_ivig.named_priors import resolve_prior

    texts = {"mu": mu, "tau": tau, "baseline": baseline, "association": association}
    priors = {key: resolve_prior(text, where=f"--{key}") for key, text in texts.items() if text is not None}
    choices = Choices(model, effect, measure, parametrisation, MappingProxyType(priors), seed, draws)
    risk = _control_risk(control_risk)
    jobs = list(_jobs(outcome, review, choices, benefit))
    fits: list[Fit] = []
    for evidence, published in jobs:
        fits.append(_fit_one(evidence, choices, published, risk, prob, out, figures, started, quiet=json))
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
    control_risk: "Prior | None",
    prob: float,
    out: Path,
    figures: bool,
    started: float,
    quiet: bool,
) -> "Fit":
    from bayes_ivig.fit import choose_model, run_fit
    from bayes_ivig.output import write_fit

    model = choose_model(evidence, choices)
    with _status() as say:
        result = run_fit(evidence, model, prob=prob, control_risk=control_risk, published=published, say=say)
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
    from bayes_ivig.evidence import load_csv
    from bayes_ivig.fit import choose_likelihood
    from bayes_ivig.reproduction import check_published
    from bayes_ivig.reviews import list_reviews, load_evidence, load_review

    likelihood = choose_likelihood(choices.model)
    if outcome.endswith(".csv") or Path(outcome).is_file():
        yield load_csv(Path(outcome), likelihood, benefit), ()
        return
    if benefit is not None:
        raise InputError("--benefit: a shipped outcome has its direction already; the option is for your own file")
    names = [review] if review else list_reviews() if outcome == "all" else [DEFAULT_REVIEW]
    for name in names:
        loaded = load_review(name)
        for one in loaded.outcomes if outcome == "all" else [outcome]:
            yield load_evidence(loaded, one, likelihood), check_published(loaded, one)


@app.command()
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
    _check_prob(prob)
    from bayes_ivig.fit import Choices, comparators_json
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


@data_app.command("list")
def data_list() -> None:
    """List the shipped reviews and their outcomes."""
    from bayes_ivig.reviews import list_reviews, load_review

    for name in list_reviews():
        review = load_review(name)
        print(f"{name}  {review.title}; {review.edition}")
        for outcome, entry in review.tables.items():
            print(f"    {outcome:36}{entry['title']} ({', '.join(entry['data'])})")


@data_app.command("show")
def data_show(outcome: Outcome, review: ReviewOption = None) -> None:
    """Show the trials of an outcome with their sources, readings, published results and known faults."""
    from bayes_ivig.present import console
    from bayes_ivig.present_data import evidence_view, file_view
    from bayes_ivig.reviews import load_review

    if outcome.endswith(".csv"):
        from bayes_ivig.evidence import load_csv

        console().print(file_view(load_csv(Path(outcome))))
        return
    console().print(evidence_view(load_review(review or DEFAULT_REVIEW), outcome))


@models_app.command("list")
def models_list() -> None:
    """List the shipped model files."""
    import tomllib

    from bayes_ivig.shipped import shipped_folder

    for file in sorted(shipped_folder("models").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            print(f"{file.name[:-5]:32}{tomllib.loads(file.read_text('utf-8'))['about']}")


@models_app.command("show")
def models_show(name: Annotated[str, typer.Argument(help="A name from 'models list'.")]) -> None:
    """Print a model file; save it, change it, and pass its path to --model."""
    from bayes_ivig.shipped import shipped_folder
    from bayes_ivig.spec import load_model

    load_model(name)  # refuses an unknown name
    print((shipped_folder("models") / f"{name}.toml").read_text("utf-8"), end="")


@priors_app.command("list")
def priors_list(
    search: Annotated[
        str, typer.Argument(help="Only priors whose name, scale or outcome type contains this text.")
    ] = "",
) -> None:
    """List the named priors: name, parameter, scale, density, outcome type."""
    from bayes_ivig.named_priors import named_priors

    for prior in named_priors():
        line = f"{prior.name:32}{prior.target:5}{prior.scale:18}{prior.prior.text:34}{prior.outcome_type}"
        if search.casefold() in line.casefold():
            print(line.rstrip())


@priors_app.command("show")
def priors_show(
    name: Annotated[str, typer.Argument(help="A named prior, or any prior text such as 'half-normal(0.5)'.")],
) -> None:
    """Show a prior: density, median and 95% range, and its citation."""
    from bayes_ivig.present import console
    from bayes_ivig.present_data import prior_view

    console().print(prior_view(name))


def _control_risk(text: str | None) -> "Prior | None":
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


def _check_prob(prob: float) -> None:
    if not 0.5 <= prob < 1:
        raise InputError(f"--prob: {prob:g} is not allowed; give 0.5 up to below 1, such as 0.95")


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """Say on standard error what is going on, in place, where it is a terminal; silent elsewhere."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("Starting") as status:
        yield lambda text: status.update(f"{text} ...")


def main() -> None:
    """Run the program and turn what the user can mend into one sentence and an exit code."""
    sys.unraisablehook = _insist
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of authors are not ASCII, whatever the locale says
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        try:
            app(prog_name="bayes-ivig")
        finally:
            sys.stdout.flush()
    except (InputError, CheckFailedError) as error:
        _stop(str(error), error.exit_code)
    except SystemExit as end:
        if end.code != INTERRUPTED:  # Typer has caught Ctrl-C and says nothing
            raise
        _stop("stopped; earlier results are unchanged", INTERRUPTED)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would try once more at its end
        if error.errno == errno.ENOSPC:
            _stop("standard output: no space left on the device; send it where there is room", InputError.exit_code)


def _insist(ignored: "sys.UnraisableHookArgs") -> None:
    """Send Ctrl-C again where Python had to drop it (inside a callback of the compiler), until it arrives."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        threading.Timer(0.05, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(ignored)


def _stop(sentence: str, exit_code: int) -> NoReturn:
    print(f"bayes-ivig: {sentence}", file=sys.stderr)
    sys.exit(exit_code)
