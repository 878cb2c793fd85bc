"""Tasks answered by a Dask cluster: a local one, or that of a running scheduler, which may lose workers or restart.

Dask itself gives the task of a dead worker to another one. Where the scheduler is lost with all it knew, this waits
for it to come back and hands in again what was not answered.
"""

import time
from collections.abc import Callable
from typing import Any

from bayes_ivig.errors import InputError

LOCAL = "local"
_PATIENCE = 120.0  # seconds that a lost scheduler is given to come back
_CONNECT = 10.0


class Cluster[Task, Answer]:
    """A Dask cluster at an address, or a local one of `jobs` processes for the address "local"."""

    def __init__(self, address: str, jobs: int, work: Callable[[Task], Answer], dashboard: bool = False) -> None:
        """Connect, or start the local cluster.

        Raises
        ------
        InputError
            Dask is not installed, or nobody answers at the address.
        """
        try:
            import dask
            import distributed
        except ImportError:
            raise InputError("--scheduler: Dask is not installed; install bayes-ivig[dask]") from None
        dask.config.set({"distributed.comm.timeouts.connect": f"{_CONNECT}s"})
        # Dask has its workers give every freed array back to the system at once: a tenth of the time went there.
        dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 64 << 20})
        dask.config.set({"distributed.worker.profile.enabled": False})
        self._distributed = distributed
        self._work = work
        self._local = None
        if address == LOCAL:
            self._local = distributed.LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                host="127.0.0.1",
                # Any free port for the scheduler's page of health: 8787, Dask's choice, may be another cluster's.
                dashboard_address="127.0.0.1:8787" if dashboard else "127.0.0.1:0",
                worker_dashboard_address=None,
                scheduler_kwargs={"dashboard": dashboard},
                silence_logs=50,
            )
            address = self._local.scheduler_address
        self._address = address
        self._futures: dict[Any, Task] = {}
        self._client = self._connect()
        self.slots = jobs if self._local else max(1, sum(self._client.nthreads().values()))

    def _connect(self) -> Any:
        try:
            return self._distributed.Client(self._address, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"--scheduler: nobody answers at {self._address} ({error}); give the address of a running Dask "
                f"scheduler such as tcp://host:8786, or {LOCAL}"
            ) from None

    def submit(self, task: Task) -> None:
        """Have a task answered."""
        future = self._client.submit(self._work, task, pure=False, retries=1)
        self._futures[future] = task

    def wait(self, tick: Callable[[], None]) -> list[tuple[Task, Answer | None]]:
        """Wait for an answer or more; None for a task at which several workers died. `tick` is called now and then."""
        while True:
            tick()
            if self._client.status != "running" or any(future.status in _LOST for future in self._futures):
                self._begin_again(tick)
            done = [future for future in self._futures if future.done()]
            if not done:
                time.sleep(0.02)
                continue
            try:
                answers = [(future, self._answer_of(future)) for future in done]
            except (OSError, TimeoutError, self._distributed.client.FutureCancelledError):
                continue  # lost between the look and the question
            return [(self._futures.pop(future), answer) for future, answer in answers]

    def _answer_of(self, future: Any) -> Answer | None:
        try:
            answer: Answer = future.result(timeout=_CONNECT)
        except self._distributed.scheduler.KilledWorker:
            return None
        except ModuleNotFoundError as error:
            raise InputError(f"--scheduler: a worker cannot load the program ({error}); install it there too") from None
        return answer

    def _begin_again(self, tick: Callable[[], None]) -> None:
        """Connect to the scheduler that has taken the place of a lost one, and hand in what was not answered."""
        tasks = list(self._futures.values())
        self._futures.clear()
        self._client.close(timeout=1)
        end = time.monotonic() + _PATIENCE
        while True:
            tick()
            try:
                self._client = self._connect()
                break
            except InputError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
        for task in tasks:
            self.submit(task)

    def close(self) -> None:
        """Let go of the scheduler; end the local cluster."""
        self._client.cancel(list(self._futures))
        self._client.close(timeout=5)
        if self._local:
            self._local.close(timeout=10)


_LOST = ("lost", "cancelled")
