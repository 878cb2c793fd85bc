"""What may happen in mid-run: a process, a Dask worker or a scheduler dies, the disk is full; nothing is lost."""

import multiprocessing
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from batch_help import good_and_bad, table_of

from bayes_ivig.batch import Settings, run_batch

pytestmark = pytest.mark.slow
REVIEWS = 640  # ten chunks
TIMEOUT = 300
LIMIT = 260_000  # bytes: a few parts, not all


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> tuple[Path, list[str], list[str]]:
    """A long table in which 1% of the reviews are malformed: its path, the good ones and the bad ones."""
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    return path, *good_and_bad(path, REVIEWS, every=100)


@pytest.fixture(scope="module")
def undisturbed(source, tmp_path_factory) -> bytes:
    out = tmp_path_factory.mktemp("undisturbed") / "results.parquet"
    run_batch(source[0], out, Settings(), jobs=2)
    return out.read_bytes()


def assert_whole(out: Path, source: tuple[Path, list[str], list[str]], undisturbed: bytes) -> None:
    """Every good review once, every bad one an error once, and the very bytes of a run that nothing disturbed."""
    _, good, bad = source
    assert [row["review"] for row in table_of(out)] == good
    assert [row["review"] for row in table_of(out.with_name(f"{out.stem}-errors.parquet"))] == bad
    assert out.read_bytes() == undisturbed
    assert not out.with_name(f"{out.name}.parts").exists()


def once(after: int, act: Callable[[], None]) -> tuple[Callable[[int, int, int], None], list[int]]:
    """A progress that acts once, when so many reviews are done; and the list of when it did."""
    acted: list[int] = []

    def progress(done: int, total: int, found: int) -> None:
        if done >= after and not acted:
            acted.append(done)
            act()

    return progress, acted


def test_a_killed_process_loses_nothing(source, undisturbed, tmp_path):
    progress, acted = once(64, lambda: multiprocessing.active_children()[0].kill())
    run_batch(source[0], tmp_path / "results.parquet", Settings(), jobs=2, progress=progress)
    assert acted
    assert acted[0] < REVIEWS
    assert_whole(tmp_path / "results.parquet", source, undisturbed)


def test_a_killed_program_goes_on_where_it_was_and_leaves_no_process(program, source, undisturbed, tmp_path):
    command = [program, "batch", str(source[0]), "--out", str(tmp_path / "results.parquet"), "--jobs", "2"]
    child = subprocess.Popen(command, start_new_session=True)
    end = time.monotonic() + TIMEOUT
    while len(list(tmp_path.glob("results.parquet.parts/*.jsonl"))) < 2:
        assert child.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    child.kill()
    child.wait()
    while members(child.pid):  # its workers notice and end
        assert time.monotonic() < end
        time.sleep(0.1)
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "from an earlier run" in done.stdout
    assert_whole(tmp_path / "results.parquet", source, undisturbed)


def members(session: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.fixture
def small_disk(tmp_path) -> Iterator[tuple[Path, Callable[[], None] | None, Callable[[], None]]]:
    """A disk with room for some parts only, and how to make room; where mounting is not allowed, a file limit."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={LIMIT}", "tmpfs", str(disk)]
    if shutil.which("mount") and subprocess.run(command, capture_output=True).returncode == 0:
        larger = ["mount", "-o", "remount,size=64m", str(disk)]
        yield disk, None, lambda: subprocess.run(larger, check=True)
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
    else:
        yield disk, limit_file_size, lambda: None


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_a_full_disk_keeps_what_is_done(program, source, undisturbed, small_disk):
    disk, limit, make_room = small_disk
    command = [program, "batch", str(source[0]), "--out", str(disk / "results.parquet"), "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, preexec_fn=limit)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"bayes-ivig: {disk / 'results.parquet.parts'}: a part could not be written (")
    assert done.stderr.count("\n") == 1
    assert not (disk / "results.parquet").exists()
    parts = len(list(disk.glob("results.parquet.parts/*.jsonl")))
    assert parts < 10
    assert parts or limit
    make_room()
    again = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert again.returncode == 0, again.stderr
    assert ("from an earlier run" in again.stdout) == bool(parts)
    assert_whole(disk / "results.parquet", source, undisturbed)


class DaskProcesses:
    """A scheduler and workers in processes of their own, on the loopback address, to be killed and started again."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_scheduler(self) -> None:
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self.scheduler = self._run("dask_scheduler", *options)
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail("the scheduler does not start")

    def start_worker(self) -> None:
        options = [self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
        self.workers.append(self._run("dask_worker", *options))

    def restart(self) -> None:
        """Kill everything at once, and start a scheduler that knows nothing, with workers of its own."""
        self.stop()
        self.start_scheduler()
        for _ in range(2):
            self.start_worker()

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process:
                process.kill()
                process.wait()
        self.workers.clear()

    def _run(self, module: str, *options: str) -> subprocess.Popen[bytes]:
        # Each of Dask's programs is a function behind a click command.
        code = f"from distributed.cli.{module} import main; main()"
        env = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        quiet = subprocess.DEVNULL
        return subprocess.Popen([sys.executable, "-c", code, *options], env=env, stdout=quiet, stderr=quiet)


@pytest.fixture
def dask() -> Iterator[DaskProcesses]:
    processes = DaskProcesses()
    with ExitStack() as stack:
        stack.callback(processes.stop)
        processes.restart()
        yield processes


def test_a_killed_dask_worker_loses_nothing(dask, source, undisturbed, tmp_path):
    def kill() -> None:
        dask.workers[0].kill()

    progress, acted = once(64, kill)
    out = tmp_path / "results.parquet"
    run_batch(source[0], out, Settings(), scheduler=dask.address, progress=progress)
    assert acted
    assert acted[0] < REVIEWS
    assert_whole(out, source, undisturbed)


def test_a_restarted_scheduler_loses_nothing(dask, source, undisturbed, tmp_path):
    progress, acted = once(64, dask.restart)
    out = tmp_path / "results.parquet"
    run_batch(source[0], out, Settings(), scheduler=dask.address, progress=progress)
    assert acted
    assert acted[0] < REVIEWS
    assert_whole(out, source, undisturbed)


def test_a_local_cluster_gives_the_same(program, source, undisturbed, tmp_path):
    command = [program, "batch", str(source[0]), "--out", str(tmp_path / "results.parquet"), "--jobs", "2"]
    done = subprocess.run([*command, "--scheduler", "local"], capture_output=True, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, "")
    assert_whole(tmp_path / "results.parquet", source, undisturbed)
