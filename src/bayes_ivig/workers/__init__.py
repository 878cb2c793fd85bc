"""Somebody who works: processes of this machine, or a Dask cluster. Who it is changes no digit of an answer."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from bayes_ivig.workers.cluster import Cluster
from bayes_ivig.workers.processes import Processes

__all__ = ["Workers", "answer_each", "count_cores", "open_workers"]
AHEAD = 2  # tasks a worker has in hand or waiting for it
_DEATHS = 2  # of workers with the same task in hand, after which it is given to no other


class Workers[Task, Answer](Protocol):
    """Somebody who answers tasks."""

    slots: int

    def submit(self, task: Task) -> None:
        """Have a task answered."""

    def wait(self, tick: Callable[[], None]) -> list[tuple[Task, Answer | None]]:
        """Wait for an answer or more; None for a task whose worker died. `tick` is called now and then."""

    def close(self) -> None:
        """Let go of every worker."""


def open_workers[Task, Answer](
    work: Callable[[Task], Answer], jobs: int | None = None, scheduler: str | None = None, dashboard: bool = False
) -> Workers[Task, Answer]:
    """Return workers for whom `work` answers a task; both must be such that another process can be told them.

    Parameters
    ----------
    work
        A function of a module, or a partial one.
    jobs
        Processes; by default one a core.
    scheduler
        Address of a Dask scheduler, or "local" for a local cluster of `jobs` workers.
    dashboard
        Whether that local cluster opens its dashboard, on the loopback address.

    Raises
    ------
    InputError
        Dask is not installed, or nobody answers at the address.
    """
    jobs = jobs or count_cores()
    return Cluster(scheduler, jobs, work, dashboard) if scheduler else Processes(jobs, work)


def answer_each[Task, Answer](
    tasks: Sequence[Task], workers: Workers[Task, Answer], tick: Callable[[], None] = lambda: None
) -> Iterator[tuple[Task, Answer]]:
    """Yield each task with its answer, as they come; a task whose worker died is given to another one once.

    Raises
    ------
    RuntimeError
        Two workers died of the same task.
    """
    waiting, in_hand = list(reversed(tasks)), 0
    died: list[Task] = []
    while waiting or in_hand:
        while waiting and in_hand < AHEAD * workers.slots:
            workers.submit(waiting.pop())
            in_hand += 1
        for task, answer in workers.wait(tick):
            in_hand -= 1
            if answer is not None:
                yield task, answer
                continue
            died.append(task)
            if died.count(task) >= _DEATHS:
                raise RuntimeError(f"{_DEATHS} workers died at {task}")
            waiting.append(task)


def count_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
