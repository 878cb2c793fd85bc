"""Whole commands on a machine that gives little: a clear sentence or a correct result, and nothing half done."""

import json
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
TIMEOUT = 300
FILES = {
    "effects.csv": "study,y,se\nLéger 2001,0.5,0.4\nb,0.9,0.6\nc,0.1,0.3\n",
    "counts.csv": "study,events_t,n_t,events_c,n_c\nLéger 2001,5,9,2,9\nb,4,7,0,7\n",
    "reviews.csv": "review,study,events_t,n_t,events_c,n_c\nLéger,a,5,9,2,9\nLéger,b,4,7,0,7\nother,c,1,8,0,8\n",
}
PRIORS = ("--benefit", "higher", "--mu", "normal(0, 2)", "--tau", "half-normal(0.5)")
COMMANDS = {
    "fit": ("fit", "effects.csv", *PRIORS, "--engine", "quadrature", "--no-figures", "--out", "out"),
    "sensitivity": ("sensitivity", "effects.csv", *PRIORS, "--no-figures", "--out", "out"),
    "report": ("report", "counts.csv", "--benefit", "higher", "--out", "out/review.html"),
    "batch": ("batch", "reviews.csv", "--jobs", "1", "--out", "out/results.csv"),
}
RESULT = {
    "fit": "user/effects/normal-effect-random/studies.csv",
    "sensitivity": "user/effects/sensitivity/leave-one-out.csv",
    "report": "review.html",
    "batch": "results.csv",
}
every_command = pytest.mark.parametrize("name", COMMANDS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files to analyse."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def start(
    program: str, name: str, folder: Path, limit: Callable[[], None] | None = None, **env: str
) -> subprocess.Popen[str]:
    words = [program, *COMMANDS[name]]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    return subprocess.Popen(words, cwd=folder, env=os.environ | env, start_new_session=True, preexec_fn=limit, **pipes)


def end(child: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        _, errors = child.communicate(timeout=TIMEOUT)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    return child.returncode, errors


def assert_refused(code: int, errors: str) -> None:
    assert code == 2, errors
    assert errors.startswith("bayes-ivig: ")
    assert errors.count("\n") == 1


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


@pytest.fixture
def disk(folder: Path) -> Iterator[tuple[Path, Callable[[], None] | None]]:
    """A file system of 48 kB, of which 16 are taken; where mounting is not allowed, a limit on files stands in."""
    out = folder / "out"
    out.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(out)]
    mounted = bool(shutil.which("mount")) and subprocess.run(command, capture_output=True).returncode == 0
    (out / "theirs").write_bytes(bytes(16_000))
    yield out, None if mounted else limit_file_size
    if mounted:
        subprocess.run(["umount", "--lazy", str(out)], check=True)


def left_in(out: Path) -> list[str]:
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


@every_command
def test_a_folder_that_is_only_read_is_one_sentence(program, folder, disk, name):
    out, limit = disk
    if limit is None:
        subprocess.run(["mount", "-o", "remount,ro", str(out)], check=True)
    assert_refused(*end(start(program, name, folder, limit)))
    assert left_in(out) == ["theirs"] or (name == "batch" and limit)  # whose parts are kept


@pytest.mark.parametrize("name", ["fit", "sensitivity", "report"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_done(program, folder, disk, name):
    out, limit = disk
    assert_refused(*end(start(program, name, folder, limit)))
    assert left_in(out) == ["theirs"]


@every_command
def test_without_home_cache_and_accents_the_result_is_there(program, folder, name):
    nowhere = "/dev/null/nowhere"  # not even root can make it
    bare = {"HOME": nowhere, "XDG_CACHE_HOME": nowhere, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code, errors = end(start(program, name, folder, **bare))
    assert code == 0, errors
    assert "Léger" in (folder / "out" / RESULT[name]).read_text("utf-8")


@every_command
def test_two_runs_into_one_place_at_once(program, folder, name):
    codes = []
    for child in [start(program, name, folder), start(program, name, folder)]:
        code, errors = end(child)
        codes.append(code)
        if code:
            assert name == "batch"
            assert_refused(code, errors)
            assert "another run is writing it" in errors
    assert 0 in codes
    names = left_in(folder / "out")
    assert RESULT[name] in names
    assert not [one for one in names if ".part" in one or one.startswith(".")]


CODE = '__import__("pathlib").Path("ran").touch()'


def write_hostile_files(folder: Path) -> None:
    """Write a model file, a stored run and stored draws that would run code if anything in them were run."""
    (folder / "model.toml").write_text(
        f'likelihood = "normal"\nmeasure = "effect"\neffect = "common"\n[priors]\nmu = {json.dumps(CODE)}\n', "utf-8"
    )
    leaf = folder / "results" / "user" / "counts" / "binomial-or-random"
    leaf.mkdir(parents=True)
    (leaf / "fit.json").write_text(json.dumps({"schema": 1, "provenance": CODE, "__reduce__": [CODE]}), "utf-8")
    (leaf / "posterior.nc").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")  # a pickle


def test_files_of_users_run_no_code(program, folder):
    write_hostile_files(folder)
    for words in (
        ("fit", "effects.csv", "--model", "model.toml", "--engine", "quadrature", "--no-figures"),
        ("fit", "effects.csv", "--mu", CODE, "--tau", "half-normal(1)", "--engine", "quadrature", "--no-figures"),
    ):
        done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
        assert_refused(done.returncode, done.stderr)
    code, errors = end(start(program, "report", folder))  # looks for a stored run, which this one is not
    assert code == 0, errors
    assert "computed for this report" in (folder / "out" / "review.html").read_text("utf-8")
    assert not (folder / "ran").exists()
