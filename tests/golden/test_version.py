"""The version and the distribution's name, said once each."""

import sys
import tomllib
from pathlib import Path

from golden.version import DISTRIBUTION, install

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_what_is_installed_has_the_same_name():
    assert PROJECT["name"] == DISTRIBUTION


def test_an_extra_comes_for_the_python_that_runs():
    assert install("fpga") == f"{sys.executable} -m pip install 'carousel-lstm[fpga]'"


def test_no_message_names_an_extra_that_is_not_there():
    sources = (
        path.read_text(encoding="utf-8")
        for package in ("golden", "fixedpoint", "rtl", "sim", "carousel")
        for path in (Path(__file__).parents[2] / package).rglob("*.py")
    )
    named = {
        part.split("'")[0]
        for text in sources
        for part in text.replace('"', "'").split("install('")[1:]
    }
    assert named and named <= set(PROJECT["optional-dependencies"])
