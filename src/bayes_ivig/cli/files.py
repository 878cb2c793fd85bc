"""The commands about a user's own files, before anything is fitted: data check and data compare."""

import sys
from typing import Annotated

import typer

from bayes_ivig.cli.options import JsonOption, MeasureOption, ModelOption
from bayes_ivig.errors import InputError

_FILE = "FILE[#OUTCOME]"
_ABOUT = "A .csv, .tsv, .xlsx, RevMan .rm5 file or Cochrane data package .zip"


def data_check(
    file: Annotated[str, typer.Argument(metavar=_FILE, help=f"{_ABOUT}; every outcome unless #OUTCOME is given.")],
    model: ModelOption = None,
    json: JsonOption = False,
) -> None:
    """Say what is understood of a file, row by row; nothing is computed.

    A row is used, changed (a decimal comma, a correction), uninformative, left out (as in the review it comes from) or
    refused, with the reason. Exit code 2 if any row is refused.

    Examples:  bayes-ivig data check trials.csv;  bayes-ivig data check review.rm5#1.2
    """
    from bayes_ivig.choices import choose_likelihood
    from bayes_ivig.data_check import check_file
    from bayes_ivig.formats import split_outcome
    from bayes_ivig.tabular import shown

    path, outcome = split_outcome(file)
    checks = check_file(path, choose_likelihood(model), outcome)
    name = shown(path.name)
    if json:
        from bayes_ivig.store import json_text

        sys.stdout.write(json_text({"schema": 1, "file": name, "outcomes": [check.to_json() for check in checks]}))
    else:
        from bayes_ivig.present import console
        from bayes_ivig.present_files import check_view

        console().print(check_view(name, checks))
    if refused := sum(check.refused for check in checks):
        rows = sum(len(check.rows) for check in checks if not check.refusal) + sum(
            len(check.source.table.rows) for check in checks if check.refusal
        )
        raise InputError(f"{name}: {refused} of {rows} rows are refused; correct them as said above and check again")


def data_compare(
    a: Annotated[str, typer.Argument(metavar="A", help=f"{_FILE}: one person's extraction. {_ABOUT}.")],
    b: Annotated[str, typer.Argument(metavar="B", help=f"{_FILE}: the other person's extraction of the same trials.")],
    model: ModelOption = None,
    measure: MeasureOption = None,
    json: JsonOption = False,
) -> None:
    """List every cell in which two independent extractions differ, and what each does to the pooled result.

    Trials are matched by name, whatever the capitals and spaces. Each difference alone is taken from B into A and the
    first pooled estimate of the measure computed again; the difference that moves it most comes first.

    Example:  bayes-ivig data compare first.csv second.xlsx
    """
    from bayes_ivig.choices import choose_likelihood
    from bayes_ivig.data_compare import compare_files

    comparison = compare_files(a, b, choose_likelihood(model), measure)
    if json:
        from bayes_ivig.store import json_text

        sys.stdout.write(json_text({"schema": 1, **comparison.to_json()}))
    else:
        from bayes_ivig.present import console
        from bayes_ivig.present_files import compare_view

        console().print(compare_view(comparison))
