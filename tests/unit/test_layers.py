"""Imports point one way, and what is heavy has one door."""

import ast
from pathlib import Path

import pytest

import bayes_ivig

ROOT = Path(bayes_ivig.__file__).parent
# Lowest first: a module (or folder) imports only from rows above its own, or from its own folder.
ORDER = (
    "errors wording compiler shipped checks threads",
    "studies priors",
    "effects tabular",
    "named_priors columns pooled",
    "rows",
    "spec evidence published",
    "profiles reviews summary formats",
    "absolute choices reproduction draws quadrature",
    "audit agreement model_notes sensitivity plan harms",
    "nuts diagnostics data_check data_compare workers",
    "engines crossover_view",
    "fit net_benefit",
    "fit_json store plots present_crossover update",
    "output output_sensitivity output_balance output_plan present batch",
    "calibration",
    "present_data present_files present_audit present_sensitivity present_balance present_plan present_harms "
    "present_update",
    "page",
    "accepted",
    "present_accepted",
    "cli",
    "__main__",
)
LAYER = {name: i for i, row in enumerate(ORDER) for name in row.split()}
FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem != "__init__")


def unit(path: Path) -> str:
    """The module, or the folder that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Full names of the modules a file imports anywhere, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def own_units(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in imported(path) if name.startswith("bayes_ivig.")}
    return {name for name in names if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    name = unit(path)
    upwards = {other for other in own_units(path) - {name} if LAYER[other] >= LAYER[name]}
    assert not upwards, f"{name} imports {upwards}, which do not lie below it"


def test_every_module_has_its_layer():
    assert {unit(path) for path in FILES} == set(LAYER)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("openpyxl", {"formats"}),
        ("zipfile", {"formats"}),
        ("xml", {"formats", "page"}),
        ("pymc", {"nuts"}),
        ("nutpie", {"nuts"}),
        ("matplotlib", {"plots"}),
        ("distributed", {"workers"}),
        ("pyarrow", {"batch"}),
        ("pandas", set()),
        ("statsmodels", set()),
    ],
)
def test_heavy_packages_have_one_door(package, allowed):
    users = {unit(path) for path in FILES if any(name.split(".")[0] == package for name in imported(path))}
    assert users <= allowed


def test_engines_read_no_files():
    for path in FILES:
        if unit(path) in {"nuts", "profiles", "pooled", "priors"}:
            assert not own_units(path) & {"evidence", "reviews", "store", "output"}
            assert not imported(path) & {"pathlib", "csv", "tomllib", "io"}, path


def test_files_stay_short():
    long = {str(path.relative_to(ROOT)): n for path in FILES if (n := len(path.read_text("utf-8").splitlines())) > 400}
    assert long == {}
