"""Public datasets say the same in every format: as metafor writes them, with decimal commas, and as a workbook."""

import csv
import io
import sys
from pathlib import Path

import pytest
from review_files import excel

from bayes_ivig import cli
from bayes_ivig.formats import load_file

REFERENCE = Path(__file__).parents[1] / "reference"
DATASETS = sorted(REFERENCE.glob("*.csv"))


def number(text):
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return None


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, [
        [cell if i == header.index("study") else number(cell) for i, cell in enumerate(row)] for row in rows
    ]


def european(header, rows, sign):
    """Text with decimal commas and Windows line ends."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=sign, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([cell if isinstance(cell, str) else repr(cell).replace(".", ",") for cell in row] for row in rows)
    return file.getvalue()


FORMATS = {
    "semicolon.csv": lambda header, rows: b"\xef\xbb\xbf" + european(header, rows, ";").encode(),
    "tab.tsv": lambda header, rows: european(header, rows, "\t").encode("utf-16"),
    "excel.xlsx": lambda header, rows: excel({"Trials": [header, *rows], "About": [("source",), ("metadat",)]}),
}


@pytest.fixture
def pool(capsys, monkeypatch):
    def call(path, *more):
        monkeypatch.setattr(sys, "argv", ["bayes-ivig", "pool", str(path), "--json", *more])
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 0
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.stem)
def test_the_same_trials_and_the_same_json(path, form, tmp_path, pool):
    copy = tmp_path / f"{path.stem}{Path(form).suffix}"
    copy.write_bytes(FORMATS[form](*table(path)))
    assert load_file(copy).studies == load_file(path).studies
    assert pool(copy) == pool(path)
    kinds = {"means": ["normal"], "single-arm": ["normal"]}.get(load_file(path).kind, [])
    for likelihood in kinds:  # these two files hold effects with standard errors besides
        assert load_file(copy, likelihood).studies == load_file(path, likelihood).studies
        assert pool(copy, "--model", likelihood) == pool(path, "--model", likelihood)


def test_all_nine_datasets_are_there():
    assert len(DATASETS) == 9
