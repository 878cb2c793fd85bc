"""The commands that prove the program right: reproduce and calibrate."""

from pathlib import Path
from typing import Annotated

import typer

from bayes_ivig.cli.options import JobsOption, SchedulerOption, check_jobs
from bayes_ivig.errors import CheckFailedError, InputError


def reproduce(
    accept: Annotated[
        bool, typer.Option("--accept", help="Store what was made as the accepted results, instead of failing.")
    ] = False,
    results: Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder of the accepted results.")] = Path(
        "results/accepted"
    ),
    jobs: JobsOption = None,
) -> None:
    """Make every accepted result afresh and compare it with what is stored.

    Fits, sensitivity, plans, reports and audits. Exact numbers must agree to 1e-8, sampled ones within their
    Monte-Carlo error. Exit code 3, with a table of what moved, where anything does; then --accept stores what moved
    (git shows the difference, and CHANGELOG.md says why under "Numbers"). Seven to eight minutes of processor time;
    run it at the top of a clone.
    """
    check_jobs(jobs)
    from bayes_ivig import accepted
    from bayes_ivig.cli.analyse import status
    from bayes_ivig.present import console
    from bayes_ivig.present_accepted import moved_view

    if not accept:
        accepted.load_accepted(results)  # nothing to compare with is known before minutes of work, not after
    artefacts = accepted.list_artefacts()
    with status() as say:
        made = accepted.make_all(artefacts, jobs, say)
    moved = () if accept and not results.is_dir() else accepted.reproduce(made, results)
    console().print(moved_view(moved, len(artefacts)))
    if accept:
        accepted.accept(made, results)
        print(f"Accepted: {len(artefacts)} results in {results}")
        return
    if failed := [folder for folder, m in made.items() if m.failed]:
        raise CheckFailedError(f"a check failed in {', '.join(failed)}")
    if moved:
        raise CheckFailedError(
            f"{len(moved)} values differ from the accepted results in {results}; find the reason, then store the new "
            "ones with 'bayes-ivig reproduce --accept'"
        )


def calibrate(
    replicates: Annotated[
        int, typer.Option("--replicates", metavar="N", help="Simulated reviews a model for the exact engine.")
    ] = 10_000,
    nuts_replicates: Annotated[
        int, typer.Option("--nuts-replicates", metavar="N", help="Simulated reviews a model for the sampler.")
    ] = 1_000,
    coverage_replicates: Annotated[
        int, typer.Option("--coverage-replicates", metavar="N", help="Simulated reviews a truth for the coverage.")
    ] = 1_000,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the evidence.")] = Path(
        "docs/calibration"
    ),
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
) -> None:
    """Does the program recover the truth it was given? Simulation-based calibration, and coverage of intervals.

    Every model and both engines, at 2, 3, 4, 6 and 12 trials, on reviews simulated with the real trials' sizes and one
    fixed seed; then coverage, width and bias of every interval of a log odds ratio, over a grid of truths. Writes both
    tables, the figure, and the evidence with the hash of the numeric core. A run that was stopped goes on where it was:
    give the same command again. What the folder holds of the same core is kept, and more replicates are added to it.
    Exit code 3 where a test of uniformity fails (family-wise 1%).

    Example:  bayes-ivig calibrate --replicates 500 --nuts-replicates 50 --coverage-replicates 50 --out calibration
    """
    check_jobs(jobs)
    for flag, n in (
        ("--replicates", replicates),
        ("--nuts-replicates", nuts_replicates),
        ("--coverage-replicates", coverage_replicates),
    ):
        if n < 1:
            raise InputError(f"{flag}: {n} is not allowed; give 1 or more")
    from bayes_ivig.calibration.coverage import run_coverage
    from bayes_ivig.calibration.evidence import FILE, load_calibration
    from bayes_ivig.calibration.evidence import calibrate as run
    from bayes_ivig.calibration.output import write_calibration
    from bayes_ivig.cli.analyse import status
    from bayes_ivig.workers.parts import open_parts

    stored = load_calibration(out) if (out / FILE).is_file() else None
    with open_parts(out) as parts:
        with status() as say:
            wanted = {"quadrature": replicates, "nuts": nuts_replicates}
            evidence = run(wanted, parts, stored, jobs=jobs, scheduler=scheduler, say=say)
            performance = run_coverage(coverage_replicates, parts, jobs=jobs, scheduler=scheduler, say=say)
        write_calibration(evidence, performance, out)
        parts.remove()
    failures = evidence.failures()
    print(f"{len(evidence.cells)} cells, {len(failures)} tests of uniformity failed; written to {out}")
    if failures:
        raise CheckFailedError(
            "not uniform: "
            + ", ".join(
                f"{name} of {cell.model} by {cell.engine} ({cell.n_trials} trials)" for cell, name, _ in failures
            )
        )
