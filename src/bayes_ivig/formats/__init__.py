"""Files of trials in every format: text tables, Excel, RevMan 5 and the Cochrane data package.

The content decides the format, not the name. Whatever the format, a file becomes one `Source` an outcome, and a
source becomes an `Evidence` by the one path that text tables take.
"""

import hashlib
from pathlib import Path

from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence, read_file, slug, table_studies
from bayes_ivig.formats.source import LeftOut, Source, choose_source
from bayes_ivig.published import Published
from bayes_ivig.tabular import SEPARATORS, read_table, shown

__all__ = [
    "LeftOut",
    "Source",
    "choose_source",
    "is_file_argument",
    "list_outcomes",
    "load_file",
    "load_published_file",
    "open_sources",
    "split_outcome",
    "to_evidence",
]
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".rm5", ".zip")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def is_file_argument(text: str) -> bool:
    """Whether a command's OUTCOME|FILE is a file, by its ending or because there is one."""
    path, _ = split_outcome(text)
    return path.suffix.casefold() in SUFFIXES or _exists(path)


def split_outcome(text: str) -> tuple[Path, str | None]:
    """Split FILE#outcome; a file whose own name has a # in it is found first."""
    name, sign, outcome = text.rpartition("#")
    if not sign or not name or _exists(Path(text)):
        return Path(text), None
    return Path(name), outcome


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def open_sources(path: Path) -> tuple[Source, ...]:
    """Read a file of any format into one source an outcome; subgroups follow their outcome.

    Raises
    ------
    InputError
        The file cannot be read, or is not what its content makes it look like.
    """
    data = read_file(path)
    return read_sources(data, path)


def read_sources(data: bytes, path: Path) -> tuple[Source, ...]:
    """Read the bytes of a file, as `open_sources` does; `path` names it."""
    name = shown(path.name)
    sha256 = hashlib.sha256(data).hexdigest()
    start = data[:64].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    if start.startswith(b"PK"):
        from bayes_ivig.formats.archive import opened

        with opened(data, name) as archive:
            is_excel = any(entry.startswith("xl/") for entry in archive.namelist())
        if not is_excel:
            from bayes_ivig.formats.package import read_package

            return read_package(data, name, sha256)
        from bayes_ivig.formats.excel import read_excel

        table, kind = read_excel(data, name), "Excel workbook"
    elif start.startswith(b"<"):
        from bayes_ivig.formats.rm5 import read_rm5

        return read_rm5(data, name, sha256)
    elif data.startswith(_OLD_EXCEL):
        raise InputError(f"{name}: an old Excel workbook (.xls) is not read; save it as .xlsx")
    else:
        table = read_table(data, name)
        kind = f"text separated by {SEPARATORS[table.separator]}"
    return (Source(slug(path.stem) or "outcome", path.stem, table, kind, sha256=sha256),)


def to_evidence(source: Source, likelihood: str | None = None, benefit: str | None = None) -> Evidence:
    """Return a source's trials as the evidence of one outcome; the first row that is no trial is refused."""
    studies, rows, notes = table_studies(source.table, likelihood)
    return Evidence(
        review="user",
        outcome=source.outcome,
        studies=studies,
        title=source.title,
        benefit=benefit,
        measure=source.measure,
        unit=source.unit,
        treatment=source.treatment,
        control=source.control,
        notes=(*source.notes, *notes),
        rows=rows,
        sha256=source.sha256,
    )


def load_file(
    path: Path, likelihood: str | None = None, benefit: str | None = None, outcome: str | None = None
) -> Evidence:
    """Load one outcome of a file of any format.

    Parameters
    ----------
    path
        A text table, an Excel workbook, a RevMan 5 file or a Cochrane data package.
    likelihood
        Decides between kinds of data where the file has columns for several.
    benefit
        Direction of the effect that favours the treatment: "higher", "lower" or None (unknown).
    outcome
        Name or number of the outcome ("1.2", a subgroup "1.2.1") where the file holds several.

    Raises
    ------
    InputError
        Unreadable or invalid file, or an outcome to be chosen among several, which are then listed.
    """
    return to_evidence(choose_source(open_sources(path), outcome, shown(path.name)), likelihood, benefit)


def list_outcomes(path: Path) -> tuple[Source, ...]:
    """Return the outcomes of a file, subgroups left away; `outcome` and `number` are what `load_file` takes."""
    return tuple(source for source in open_sources(path) if not source.is_subgroup)


def load_published_file(path: Path, outcome: str | None = None) -> tuple[Published, ...]:
    """Return the pooled results that a file carries: those of one outcome, or of every outcome.

    A result's P value stands beside it as one of its own (measure "p", id ending in "-p"), its note has method,
    P and heterogeneity in words. Text tables and workbooks carry none.
    """
    sources = open_sources(path)
    if outcome is not None:
        sources = (choose_source(sources, outcome, shown(path.name)),)
    return tuple(result for source in sources if outcome is not None or not source.is_subgroup
                 for result in source.published)  # fmt: skip
