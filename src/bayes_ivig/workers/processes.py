"""Tasks answered by processes of this machine, which may die: what they had in hand comes back unanswered."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process


class Processes[Task, Answer]:
    """A pool of `jobs` processes; a new one takes its place whenever a process dies."""

    def __init__(self, jobs: int, work: Callable[[Task], Answer]) -> None:
        """Start nothing yet: processes start with the first task."""
        self.slots = jobs
        self._work = work
        self._pool: ProcessPoolExecutor | None = None
        self._futures: dict[Future[Answer], Task] = {}

    def submit(self, task: Task) -> None:
        """Have a task answered."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.slots, get_context("spawn"), _begin)
        try:
            self._futures[self._pool.submit(self._work, task)] = task
        except BrokenProcessPool:  # died since the last wait; the next one says so
            broken: Future[Answer] = Future()
            broken.set_exception(BrokenProcessPool())
            self._futures[broken] = task

    def wait(self, tick: Callable[[], None]) -> list[tuple[Task, Answer | None]]:
        """Wait for an answer or more; None for a task whose process died. `tick` is called now and then."""
        done: set[Future[Answer]] = set()
        while not done:
            done, _ = wait(self._futures, timeout=0.2, return_when=FIRST_COMPLETED)
            tick()
        if any(isinstance(future.exception(), BrokenProcessPool) for future in done):
            self._drop_pool()  # which ends all others too
            done = set(self._futures)
        return [(self._futures.pop(future), _answer_of(future)) for future in done]

    def _drop_pool(self) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

    def close(self) -> None:
        """End every process; tasks in hand are answered and thrown away."""
        self._drop_pool()


def _answer_of[Answer](future: Future[Answer]) -> Answer | None:
    """The answer; None where the process died first. A fault of the program is raised."""
    try:
        return future.result()
    except (BrokenProcessPool, CancelledError):
        return None


def _begin() -> None:
    """In a new process: Ctrl-C is the parent's affair, and without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
