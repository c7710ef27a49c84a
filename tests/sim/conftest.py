"""Where the tests keep their simulators."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """The folder of all simulators, kept from run to run: a build is known by its text's hash."""
    return Path(__file__).parents[2] / "build" / "sim"
