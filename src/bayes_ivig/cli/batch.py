"""The command batch: many reviews in one run."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_ivig.cli.options import (
    JobsOption,
    MeasureOption,
    ModelOption,
    ProbOption,
    SchedulerOption,
    check_jobs,
    check_prob,
    prior_option,
)
from bayes_ivig.errors import InputError

if TYPE_CHECKING:
    from bayes_ivig.batch.run import Progress


def batch(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE",
            help="A folder of files (.csv, .tsv, .xlsx, .rm5, Cochrane .zip), each a review; or one table with a "
            "column 'review' beside the columns of its trials.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where the results go: .parquet or .csv; the errors go to NAME-errors beside it.",
        ),
    ] = Path("results.parquet"),
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="With --scheduler local: open Dask's dashboard on the loopback address.")
    ] = False,
    model: ModelOption = None,
    effect: Annotated[
        str | None, typer.Option("--effect", metavar="random|common", help="Effects that vary between trials, or one.")
    ] = None,
    measure: MeasureOption = None,
    mu: Annotated[
        list[str] | None,
        prior_option("--mu", "the average effect; give it several times for several priors", "normal(0, 1)"),
    ] = None,
    tau: Annotated[
        list[str] | None,
        prior_option("--tau", "the SD of effects; give it several times for several priors", "half-normal(1)"),
    ] = None,
    baseline: Annotated[str | None, prior_option("--baseline", "the baseline", "beta(1, 1)")] = None,
    parametrisation: Annotated[
        str | None, typer.Option("--parametrisation", metavar="midpoint|control", help="Where the baseline prior sits.")
    ] = None,
    association: Annotated[
        str | None,
        prior_option("--association", "the within-patient log odds ratio, crossover model", "normal(1.5, 1)"),
    ] = None,
    prob: ProbOption = 0.95,
) -> None:
    """Analyse thousands of reviews: one row each (and each pair of priors), exact posterior and pooled estimates.

    Estimates are on the analysis scale (log for ratios). A review that cannot be analysed costs one row of the errors
    table. A run that was stopped goes on where it was: give the same command again.

    Examples:  bayes-ivig batch reviews/ --out results.parquet;
    bayes-ivig batch all.csv --out results.csv --tau "half-normal(0.5)" --tau "half-normal(1)" --jobs 4
    """
    check_prob(prob)
    check_jobs(jobs)
    if dashboard and scheduler != "local":
        raise InputError("--dashboard: only a cluster that this command starts has one; add --scheduler local")
    from bayes_ivig.batch import Settings, run_batch
    from bayes_ivig.tabular import shown

    settings = Settings(
        model, effect, measure, parametrisation, tuple(mu or ()), tuple(tau or ()), baseline, association, prob
    )
    with _bar() as progress:
        done = run_batch(source, out, settings, jobs=jobs, scheduler=scheduler, dashboard=dashboard, progress=progress)
    found = f" ({done.found:,} reviews were there from an earlier run)" if done.found else ""
    rows, errors = shown(str(done.out)), shown(str(done.errors_out))
    print(f"{done.results:,} rows in {rows}, {done.errors:,} errors in {errors}{found}")


@contextmanager
def _bar() -> "Iterator[Progress]":
    """A bar with rate and time left on standard error, where it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total, found: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None, rate="")
        started = time.monotonic()

        def show(done: int, total: int, found: int) -> None:
            seconds = time.monotonic() - started
            rate = f"{(done - found) / seconds:.0f} a second" if done > found else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield show
