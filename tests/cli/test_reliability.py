"""Ctrl-C, a kill, a full disk, a bare machine: the earlier result stays whole and the reader gets one sentence."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FAST = ["--model", "normal", "--effect", "common", "--draws", "500", "--no-figures"]
LEAF = Path("mmn-2007", "strength", "normal-or-common")
EARLIER = {"fit.json": b'{"schema": 1}\n', "posterior.nc": bytes(range(256)), "figures/forest.svg": b"<svg/>"}
LIMIT = 200_000  # bytes; the draws need more, the other files less
TIMEOUT = 120


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No coverage in child processes: it writes files of its own, and ends them in its own way."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_earlier_result(root: Path) -> None:
    for name, content in EARLIER.items():
        path = root / LEAF / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def assert_untouched(root: Path) -> None:
    """The earlier result stands byte for byte, and nothing else does."""
    assert snapshot(root) == {str(LEAF / name): content for name, content in EARLIER.items()}
    assert list((root / LEAF).parent.iterdir()) == [root / LEAF]


def assert_one_sentence(text: str, start: str) -> None:
    assert text.startswith(f"bayes-ivig: {start}")
    assert text.count("\n") == 1


def fit(program: str, root: Path, *options: str, **more: object) -> subprocess.CompletedProcess[str]:
    """Fit a quick model into `root`."""
    command = [program, "fit", "strength", *FAST, "--out", str(root), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, **more)


def listen_to_ctrl_c() -> None:
    """What a shell starts in the background ignores it, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(program: str, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a quick fit into `tmp_path`, where an earlier result stands; it does not outlive the test."""
    write_earlier_result(tmp_path)
    children = []

    def run() -> subprocess.Popen[str]:
        command = [program, "fit", "strength", *FAST, "--out", str(tmp_path)]
        children.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listen_to_ctrl_c
            )
        )
        return children[-1]

    yield run
    for child in children:
        child.kill()
        child.communicate()


def wait_for(moment: str, child: subprocess.Popen[str], root: Path) -> None:
    """Wait until the child has loaded the library named, or has begun to write."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if moment == "writing":
            come = any((root / LEAF).parent.glob(".*.part"))
        else:
            come = moment in Path(f"/proc/{child.pid}/maps").read_text()
        if come:
            return
        assert child.poll() is None, f"the fit ended before {moment}"
        time.sleep(0.001)
    pytest.fail(f"the fit never came to {moment}")


MOMENTS = [
    pytest.param("_multiarray_umath", 0.0, id="loading"),
    pytest.param("llvmlite", 0.0, id="compiling"),
    # Inside the compiler's callbacks Python drops the exception; the program has to insist.
    pytest.param("llvmlite", 1.0, id="compiling-1s"),
    pytest.param("llvmlite", 1.5, id="compiling-1.5s"),
    pytest.param("llvmlite", 2.0, id="compiling-2s"),
    pytest.param("writing", 0.0, id="writing"),
]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the moment is read from /proc")
@pytest.mark.parametrize(("moment", "later"), MOMENTS)
def test_ctrl_c_at_any_moment_leaves_the_earlier_result(start, tmp_path, moment, later):
    child = start()
    wait_for(moment, child, tmp_path)
    time.sleep(later)
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=TIMEOUT)
    assert child.returncode == 130
    assert output == ""
    assert_one_sentence(errors, "stopped; earlier results are unchanged")
    assert_untouched(tmp_path)


@pytest.mark.parametrize("module", ["typer", "bayes_ivig.cli.analyse"])
def test_ctrl_c_while_the_program_loads_is_one_sentence(module):
    interrupt_at_import = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from bayes_ivig.__main__ import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", interrupt_at_import], capture_output=True, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stdout) == (130, "")
    assert_one_sentence(done.stderr, "stopped; earlier results are unchanged")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the moment is read from /proc")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_while_writing_leaves_the_earlier_result_and_the_next_run_clears_up(program, start, tmp_path, kill):
    child = start()
    wait_for("writing", child, tmp_path)
    child.send_signal(kill)
    child.communicate(timeout=TIMEOUT)
    assert child.returncode != 0
    assert snapshot(tmp_path / LEAF) == EARLIER
    if kill == signal.SIGKILL:
        assert any((tmp_path / LEAF).parent.glob(".*.part"))
    done = fit(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / LEAF / "fit.json").read_text("utf-8"))["outcome"] == "strength"
    assert "figures/forest.svg" not in snapshot(tmp_path / LEAF)
    assert list((tmp_path / LEAF).parent.iterdir()) == [tmp_path / LEAF]


@pytest.mark.slow
def test_two_fits_into_one_folder_at_once_both_end_well(start, tmp_path):
    children = [start(), start()]
    for child in children:
        _, errors = child.communicate(timeout=TIMEOUT)
        assert (child.returncode, errors) == (0, "")
    names = {"fit.json", "summary.csv", "studies.csv", "comparators.csv", "posterior.nc", "run.json"}
    assert snapshot(tmp_path / LEAF).keys() == names
    assert list((tmp_path / LEAF).parent.iterdir()) == [tmp_path / LEAF]


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None] | None]]:
    """A file system of its own with room for an earlier result only; where mounting is not allowed, a file limit."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={LIMIT}", "tmpfs", str(disk)]
    if shutil.which("mount") and subprocess.run(command, capture_output=True).returncode == 0:
        yield disk, None
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
    else:
        yield disk, limit_file_size


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_leaves_the_earlier_result(program, small_disk):
    root, limit = small_disk
    write_earlier_result(root)
    done = fit(program, root, preexec_fn=limit)
    assert done.returncode == 2
    assert done.stdout == ""
    assert_one_sentence(done.stderr, f"{root / LEAF}: the result could not be written (")
    assert_untouched(root)


@pytest.mark.slow
@pytest.mark.usefixtures("uncounted")
def test_a_file_too_large_is_one_sentence_and_leaves_the_earlier_result(program, tmp_path):
    write_earlier_result(tmp_path)
    done = fit(program, tmp_path, preexec_fn=limit_file_size)
    assert done.returncode == 2
    assert_one_sentence(done.stderr, f"{tmp_path / LEAF}: the result could not be written (File too large)")
    assert_untouched(tmp_path)


@pytest.mark.slow
def test_a_machine_without_a_home_folder_can_fit(program, tmp_path):
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "PYTENSOR"))}
    done = fit(program, tmp_path, env=bare | {"HOME": "/dev/null"})  # a folder nobody, not even root, can write
    assert done.returncode == 0, done.stderr
    assert (tmp_path / LEAF / "fit.json").is_file()


PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["data", "show", "disability"], ["data", "show", "strength", "--review", "mmn-2022"]]
)
def test_a_locale_without_accents_does_not_stop_the_program(program, arguments):
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONIO"))}
    done = subprocess.run([program, *arguments], capture_output=True, timeout=TIMEOUT, env=bare | PLAIN)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Léger 2001" in done.stdout.decode("utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full here")
@pytest.mark.parametrize("arguments", [["data", "list"], ["pool", "disability", "--json"]])
def test_output_into_a_full_device_is_one_sentence(program, arguments):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([program, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert done.returncode == 2
    assert_one_sentence(done.stderr, "standard output")


def test_a_reader_that_stops_early_is_no_error(program):
    with subprocess.Popen(
        [program, "priors", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as child:
        child.stdout.close()
        errors = child.stderr.read()
        assert child.wait(timeout=60) in (0, 1)
    assert errors == b""
