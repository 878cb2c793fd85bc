"""The accepted results: small files that one command makes afresh and compares with what is stored.

Every kind of result is a module of this package with two functions, and a row of `KINDS`:

`list_artefacts()`
    what there is to make, one `Artefact` a folder;
`make(artefact)`
    its files, made from nothing but data, models and code.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from bayes_ivig.accepted import audits, fits, plans, reports, sensitivities
from bayes_ivig.accepted.artefact import Artefact, Made
from bayes_ivig.accepted.difference import Moved, compare_folders
from bayes_ivig.errors import CheckFailedError, InputError
from bayes_ivig.store import replace_folder
from bayes_ivig.threads import in_one_thread
from bayes_ivig.workers import answer_each, open_workers

__all__ = ["Artefact", "Made", "Moved", "accept", "list_artefacts", "load_accepted", "make_all", "reproduce"]

KINDS: Mapping[str, ModuleType] = {
    "sensitivity": sensitivities,
    "report": reports,
    "plan": plans,
    "fit": fits,
    "audit": audits,
}
Files = Mapping[str, str]
Say = Callable[[str], None]


def list_artefacts() -> tuple[Artefact, ...]:
    """Everything that is accepted, the slowest kind first."""
    return tuple(artefact for module in KINDS.values() for artefact in module.list_artefacts())


@in_one_thread
def make(artefact: Artefact) -> Made:
    """Make one artefact afresh."""
    made = KINDS[artefact.kind].make(artefact)
    assert isinstance(made, Made)
    return made


def make_all(artefacts: Sequence[Artefact], jobs: int | None, say: Say = lambda text: None) -> dict[str, Made]:
    """Make artefacts by processes, one a core unless `jobs` says how many; by folder, in the order given."""
    workers, done = open_workers(make, jobs), {}
    try:
        for artefact, made in answer_each(artefacts, workers):
            done[artefact.folder] = made
            say(f"{artefact.folder} ({len(done)} of {len(artefacts)})")
    finally:
        workers.close()
    return {artefact.folder: done[artefact.folder] for artefact in artefacts}


def load_accepted(root: Path) -> dict[str, dict[str, str]]:
    """Files of each stored folder, by its path under `root`.

    Raises
    ------
    InputError
        Nothing is stored there.
    """
    folders: dict[str, dict[str, str]] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            folders.setdefault(path.parent.relative_to(root).as_posix(), {})[path.name] = path.read_text("utf-8")
    if not folders:
        raise InputError(
            f"{root}: no accepted results there; run this in a clone of the repository, or name their folder "
            "with --results"
        )
    return folders


def reproduce(made: Mapping[str, Made], root: Path) -> tuple[Moved, ...]:
    """Compare what was made with what is stored: every number that moved, every file too few or too many."""
    return compare_folders(load_accepted(root), {folder: m.files for folder, m in made.items()})


def accept(made: Mapping[str, Made], root: Path) -> None:
    """Write what was made in the place of all that is stored, at once or not at all.

    A file in which nothing moved stays as it is, to the last digit: history then shows what moved and nothing else.

    Raises
    ------
    CheckFailedError
        A check failed: such a result is not accepted.
    InputError
        The folder cannot be written.
    """
    if failed := [f"{folder} ({', '.join(m.failed)})" for folder, m in made.items() if m.failed]:
        raise CheckFailedError(f"nothing is accepted, because a check failed in {'; '.join(failed)}")
    stored = load_accepted(root) if any(root.glob("*")) else {}
    moved = {(m.folder, m.file) for m in compare_folders(stored, {folder: m.files for folder, m in made.items()})}
    with replace_folder(root) as new:
        for folder, m in made.items():
            (new / folder).mkdir(parents=True)
            for name, text in m.files.items():
                kept = text if (folder, name) in moved else stored[folder][name]
                (new / folder / name).write_text(kept, "utf-8")
