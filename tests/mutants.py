"""Which small faults in the numeric core do the tests notice? A random sample of mutmut's mutants, each tried.

Reads `.coverage` and `build/tests.xml`, which `./task coverage` leaves: a mutant is tried with the tests that reach
its function, the quickest first, within a limit. Adds a line of JSON a mutant to `build/mutants.jsonl`: its name, what
became of it ("killed", "lived", "no test", or "time out"), how many tests reach it and are within the limit, and its
diff.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from xml.etree import ElementTree

from coverage import CoverageData

REPOSITORY = Path(__file__).resolve().parents[1]
SEEN, TIMES = REPOSITORY / ".coverage", REPOSITORY / "build" / "tests.xml"
OUT = REPOSITORY / "build" / "mutants.jsonl"
PACKAGES = ("priors", "profiles", "quadrature", "pooled", "effects")
SEED = 4429
CONFIGURATION = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/bayes_ivig/effects.py", {packages}]
also_copy = [{others}]
"""
IN_ONE_PROCESS = ("-x", "-q", "-n0", "-p", "no:cacheprovider")


def generate(work: Path) -> list[tuple[str, Path]]:
    """Copy the repository to `work`, make its mutants in `work`/mutants, and return names with source files."""
    shutil.copytree(REPOSITORY, work, ignore=shutil.ignore_patterns(".*", "build", "*.parts", "__pycache__"))
    os.chdir(work)
    packages = ", ".join(f'"src/bayes_ivig/{name}/*.py"' for name in PACKAGES[:-1])
    others = ", ".join(f'"{path}"' for path in Path().iterdir() if path.name != "src")
    with Path("pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(packages=packages, others=others))
    from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants
    from mutmut.mutation.data import SourceFileMutationData

    Path("mutants").mkdir()
    copy_src_dir()
    copy_also_copy_files()
    create_mutants(os.cpu_count() or 1)
    found = []
    for path in sorted(Path("src").rglob("*.py")):
        data = SourceFileMutationData(path=path)
        data.load()
        found += [(name, path) for name in data.exit_code_by_key]
    return found


def lines_of(path: Path, function: str, kind: str | None) -> range:
    """Lines of a function, or of a method of the class `kind`."""
    tree: ast.AST = ast.parse(path.read_text("utf-8"))
    if kind:
        tree = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == kind)
    node = next(n for n in ast.iter_child_nodes(tree) if isinstance(n, ast.FunctionDef) and n.name == function)
    return range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)


def seconds_by_test(report: Path) -> dict[str, float]:
    """Seconds each test that passed took, by its name as pytest is asked for it."""
    seconds = {}
    for case in ElementTree.parse(report).iter("testcase"):
        if len(case):  # an error, a failure, or why it was skipped
            continue
        name = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}"
        seconds[name] = float(case.attrib["time"])
    return seconds


def tests_of(lines: range, contexts: dict[int, list[str]], seconds: dict[str, float], limit: float) -> list[str]:
    """Tests that reach a line, the quickest first, `limit` seconds in all."""
    reached = {context.partition("|")[0] for line in lines for context in contexts.get(line, ())} & seconds.keys()
    chosen, total = [], 0.0
    for test in sorted(reached, key=lambda test: (seconds[test], test)):
        total += seconds[test]
        if total > limit:
            break
        chosen.append(test)
    return chosen


def passing(tests: set[str]) -> set[str]:
    """Those tests that pass in the copy while nothing is mutated."""
    report = Path("tests.xml")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *sorted(tests)]
    subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ | {"MUTANT_UNDER_TEST": ""})
    return tests & seconds_by_test(report).keys()


def attempt(name: str, tests: list[str], limit: float) -> str:
    """Try a mutant in a child process of its own, which has the heavy packages at hand but not yet ours.

    Ours is imported there: some of its functions run while it is.
    """
    import pandas  # noqa: F401
    import pytest
    import scipy.stats  # noqa: F401

    if not tests:
        return "no test"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's threads: none is at work
        child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os.environ["MUTANT_UNDER_TEST"] = name
        os._exit(int(pytest.main([*IN_ONE_PROCESS, *tests])))
    end = time.monotonic() + 3 * limit + 30
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "killed" if os.waitstatus_to_exitcode(status) else "lived"
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "time out"


def main() -> None:
    """Try a sample, or what is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="number of mutants")
    parser.add_argument("--seconds", type=float, default=60, help="of tests a mutant, when nothing is mutated")
    parser.add_argument("--only", nargs="*", help="these mutants")
    given = parser.parse_args()
    if not (SEEN.is_file() and TIMES.is_file()):
        parser.error(f"there is no {SEEN} or no {TIMES}; run './task coverage' first")
    data = CoverageData(str(SEEN))
    data.read()
    seconds = seconds_by_test(TIMES)
    mutants = generate(Path(tempfile.mkdtemp()) / "copy")
    random.Random(SEED).shuffle(mutants)
    chosen = [m for m in mutants if m[0] in given.only] if given.only else mutants[: given.sample]

    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.utils.format_utils import orig_function_and_class_names_from_key

    os.chdir("mutants")
    sys.path.insert(0, str(Path("src").resolve()))
    os.environ["PYTHONPATH"] = str(Path("src").resolve())
    tests = {}
    for name, path in chosen:
        lines = lines_of(REPOSITORY / path, *orig_function_and_class_names_from_key(name))
        tests[name] = tests_of(lines, data.contexts_by_lineno(str(REPOSITORY / path)), seconds, given.seconds)
    good = passing({test for found in tests.values() for test in found})
    with OUT.open("a", encoding="utf-8") as file:
        for name, path in chosen:
            found = [test for test in tests[name] if test in good]
            answer = attempt(name, found, given.seconds)
            os.chdir("..")
            diff = get_diff_for_mutant(name, path=path)
            os.chdir("mutants")
            line = {"mutant": name, "became": answer, "tests": len(found), "diff": diff.splitlines()[2:]}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
