"""Tasks answered once: an answer that an earlier run left on disk is taken from there."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from bayes_ivig.workers import answer_each, open_workers
from bayes_ivig.workers.parts import Parts


def answer_kept[Task](
    tasks: Sequence[Task],
    work: Callable[[Task], Any],
    parts: Parts,
    stamp: str,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[Any]:
    """Return the answers in the order of the tasks.

    Parameters
    ----------
    tasks
        Frozen values, told apart by their `repr`.
    work
        Answers one of them in plain JSON values.
    parts
        Where answers are kept.
    stamp
        What else the answers depend on: the hash of the code, say.
    jobs, scheduler
        Who does it, as in `open_workers`.
    say
        Told how far the run is.
    """
    paths = {task: parts.path(stamp, repr(task)) for task in tasks}
    missing = [task for task, path in paths.items() if not path.exists()]
    if missing:
        workers = open_workers(work, jobs, scheduler)
        try:
            for n, (task, answer) in enumerate(answer_each(missing, workers), len(tasks) - len(missing) + 1):
                parts.write(paths[task], json.dumps(answer))
                say(f"{n:,} of {len(tasks):,} parts")
        finally:
            workers.close()
    return [json.loads(path.read_text("utf-8")) for path in paths.values()]
