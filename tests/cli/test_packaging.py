"""What ships: the wheel has the evidence in it and works on its own; every dependency is pinned; no host is named."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PINS = PROJECT["tool"]["uv"]["constraint-dependencies"]
# The uv that runs these tests, if it does; it may be a shim that works inside the repository only.
UV = os.environ.get("UV") or shutil.which("uv") or "uv"
# Written in two parts, so that this file does not name them.
HOSTS = ["pypi" + ".org", "files.python" + "hosted", "npm" + "js", "deb." + "debian.org"]
MACHINE = ["/work" + "/", "/root" + "/", "/home" + "/"]
GIT = ("git", "-c", "safe.directory=*")  # a clone may belong to another user


def run(*command: str, cwd: Path = ROOT, **more: object) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=550, **more)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def tracked() -> list[Path]:
    """The tracked files that stand, with those about to be."""
    names = run(*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def find_python(version: str) -> str | None:
    """The path of a Python of this version that runs here, pyenv's hidden ones included."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    beside = [str(path) for path in sorted(pyenv.glob(f"{version}*/bin/python"))]
    for python in [sys.executable, f"python{version}", *beside]:
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        try:
            done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30)
        except OSError:
            continue
        if done.stdout.strip() == version:
            return python
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the repository as it stands."""
    folder = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--wheel", "--quiet", "--out-dir", str(folder))
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_every_data_model_and_source_file(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    places = {
        "data": "bayes_ivig/_shipped/data",
        "models": "bayes_ivig/_shipped/models",
        "src/bayes_ivig": "bayes_ivig",
    }
    for source, place in places.items():
        files = [path for path in tracked() if path.is_relative_to(ROOT / source)]
        assert files
        for path in files:
            name = f"{place}/{path.relative_to(ROOT / source).as_posix()}"
            assert held.get(name) == path.read_bytes(), name
    information = f"bayes_ivig-{PROJECT['project']['version']}.dist-info"
    assert {name.split("/")[0] for name in held} == {"bayes_ivig", information}
    assert not [name for name in held if name.endswith((".pyc", ".nc", ".lock"))]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_installed_wheel_fits_a_shipped_outcome_from_an_empty_folder(wheel, tmp_path, version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    pins, home, empty = tmp_path / "pins.txt", tmp_path / "venv", tmp_path / "empty"
    pins.write_text("\n".join(PINS))
    empty.mkdir()
    run(UV, "venv", "--quiet", "--no-config", "--python", python, str(home))
    installed = str(home / "bin" / "python")
    run(UV, "pip", "install", "--quiet", "--no-config", "--python", installed, "--constraints", str(pins), str(wheel))
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    program = str(home / "bin" / "bayes-ivig")
    assert "strength" in run(program, "data", "list", cwd=empty, env=outside)
    run(program, "fit", "strength", "--no-figures", cwd=empty, env=outside)
    (path,) = empty.rglob("fit.json")
    assert path.relative_to(empty).as_posix() == "results/mmn-2007/strength/binomial-or-random/fit.json"
    fit = json.loads(path.read_text("utf-8"))
    assert fit["failed"] is False
    assert fit["n_studies"] == 3
    published = next(row for row in fit["comparators"] if row["reproduces_published"])
    assert round(published["estimate"], 2) == 11.00
    assert fit["provenance"]["version"] == PROJECT["project"]["version"]
    where = run(installed, "-c", "import bayes_ivig; print(bayes_ivig.__file__)", cwd=empty, env=outside)
    assert Path(where.strip()).is_relative_to(home)


@pytest.mark.slow
def test_the_pins_are_what_a_fresh_resolution_gives(tmp_path):
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    plain = ["--no-emit-index-url", "--no-emit-project", "--no-header", "--no-annotate", "--no-hashes"]
    everything = ["--all-groups", "--all-extras"]
    lines = run(UV, "export", "--quiet", "--project", str(tmp_path), *everything, *plain).splitlines()
    assert [line.split(";")[0].strip() for line in lines] == PINS


def test_every_declared_dependency_has_an_exact_pin():
    pinned = dict(pin.split("==") for pin in PINS)
    groups = [*PROJECT["dependency-groups"].values(), *PROJECT["project"]["optional-dependencies"].values()]
    for requirement in [*PROJECT["project"]["dependencies"], *(item for group in groups for item in group)]:
        name = re.split(r"[<>=~!\[ ]", requirement)[0]
        assert name in pinned, name
    assert [pin.split("==")[0] for pin in PINS] == sorted(pinned)


@pytest.mark.parametrize("words", [HOSTS, MACHINE], ids=["package-index", "path-of-one-machine"])
def test_no_tracked_file_names(words):
    files = tracked()
    assert ROOT / "pyproject.toml" in files
    found = [
        (path.relative_to(ROOT).as_posix(), word)
        for path in files
        for word in words
        if word.encode() in path.read_bytes()
    ]
    assert found == []


def test_the_lock_file_which_names_hosts_is_ignored():
    assert run(*GIT, "check-ignore", "uv.lock").strip() == "uv.lock"
    assert ROOT / "uv.lock" not in tracked()
