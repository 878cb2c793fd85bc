"""The command line: parse, call, print. Everything heavy is imported inside the command that needs it."""

import _thread
import errno
import io
import os
import sys
import threading
from typing import Annotated, NoReturn

import typer

from bayes_ivig import __version__
from bayes_ivig.cli.analyse import fit, pool
from bayes_ivig.cli.audit import audit
from bayes_ivig.cli.balance import balance
from bayes_ivig.cli.batch import batch
from bayes_ivig.cli.files import data_check, data_compare
from bayes_ivig.cli.harms import harms
from bayes_ivig.cli.plan import plan
from bayes_ivig.cli.prove import calibrate, reproduce
from bayes_ivig.cli.report import report
from bayes_ivig.cli.sensitivity import sensitivity
from bayes_ivig.cli.show import data_app, models_app, priors_app
from bayes_ivig.errors import CheckFailedError, InputError

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
app.command()(fit)
app.command()(pool)
app.command()(sensitivity)
app.command()(balance)
app.command()(report)
app.command()(audit)
app.command()(plan)
app.command()(harms)
app.command()(calibrate)
app.command()(reproduce)
app.command()(batch)
data_app.command("check")(data_check)
data_app.command("compare")(data_compare)
app.add_typer(data_app, name="data")
app.add_typer(models_app, name="models")
app.add_typer(priors_app, name="priors")


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
