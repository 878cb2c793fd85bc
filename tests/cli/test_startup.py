"""Help, version and lists answer at once: nothing heavy is imported for them."""

import subprocess
import sys

import pytest

HEAVY = (
    "pymc",
    "pytensor",
    "nutpie",
    "arviz",
    "arviz_stats",
    "pandas",
    "matplotlib",
    "xarray",
    "scipy.stats",
    "scipy",
    "openpyxl",
    "pyarrow",
    "distributed",
)
CODE = """
import sys
from bayes_ivig.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["--help"], "Usage:"),
        (["--version"], "bayes-ivig "),
        (["fit", "--help"], "--no-figures"),
        (["audit", "--help"], "--enumerate"),
        (["plan", "--help"], "--true-effect"),
        (["harms", "--help"], "--informative"),
        (["sensitivity", "--help"], "--no-figures"),
        (["balance", "--help"], "--weight"),
        (["report", "--help"], "--format"),
        (["reproduce", "--help"], "--accept"),
        (["calibrate", "--help"], "--nuts-replicates"),
        (["batch", "--help"], "--scheduler"),
        (["data", "list"], "mmn-2007"),
        (["data", "check", "--help"], "--json"),
        (["models", "list"], "binomial-or-midpoint-random"),
        (["priors", "list"], "turner2015"),
    ],
)
def test_a_light_command_imports_nothing_heavy(arguments, answer):
    done = subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert answer in done.stdout
    loaded = done.stderr.split()
    assert "bayes_ivig.cli" in loaded
    allowed = {"scipy"} if "priors" in arguments else set()  # scipy.special, for the densities
    assert set(loaded) & set(HEAVY) <= allowed
