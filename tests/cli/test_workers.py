"""The same seed gives the same files, whatever the number of processes and of threads of linear algebra."""

import os
import subprocess

import pytest

pytestmark = pytest.mark.slow

# Threads that the environment asks for, and processes.
SETTINGS = ((None, 1), ("1", 2), ("2", 1), ("2", 2))
VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
REVIEWS = "review,study,events_t,n_t,events_c,n_c\n" + "".join(
    f"r{i},s{j},{(i * j) % 7},{7 + j},{(i + j) % 4},{6 + i % 5}\n" for i in range(90) for j in range(3 + i % 5)
)


def run(program, folder, threads, arguments):
    env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    env |= dict.fromkeys(VARIABLES, threads) if threads else {}
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def planned(program, folder, threads, workers):
    few = ("--patients", "10,20", "--simulations", "200", "--design", "parallel", "--model", "binomial")
    asked = ("plan", "disability", *few, "--no-figures", "--out", str(folder), "--json", "--workers", str(workers))
    return run(program, folder, threads, asked)


def batched(program, folder, threads, jobs):
    (folder / "all.csv").write_text(REVIEWS, "utf-8")
    out = f"out-{threads}-{jobs}.csv"
    run(program, folder, threads, ("batch", "all.csv", "--out", out, "--jobs", str(jobs)))
    return (folder / out).read_bytes()


@pytest.mark.parametrize("command", [planned, batched])
def test_the_answer_depends_on_neither_processes_nor_threads(program, tmp_path, command):
    first, *others = (command(program, tmp_path, *setting) for setting in SETTINGS)
    assert first
    assert all(other == first for other in others)
