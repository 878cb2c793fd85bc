"""What several test folders share."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def program() -> str:
    """The path of the installed program, beside the interpreter that runs the tests."""
    return str(Path(sys.executable).with_name("bayes-ivig"))
