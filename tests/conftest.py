"""What several test folders share."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# As the program does, before numpy is imported: the matrices are too small for several threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["OPENPYXL_LXML"] = "False"  # as formats/excel.py does

# Random tests draw the same examples in every run: a failure is a finding, not luck.
settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")


@pytest.fixture(scope="session")
def program() -> str:
    """The path of the installed program, beside the interpreter that runs the tests."""
    return str(Path(sys.executable).with_name("bayes-ivig"))
