"""What a report says of the code that wrote it."""

import subprocess

import numpy as np
import pytest

from carousel.cli import repeat
from golden.version import VERSION
from tests.fixedpoint.nets import random_quantized

_, QNET = random_quantized(np.random.default_rng(0), 8)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder in the place of the one that the code stands in."""
    monkeypatch.setattr(repeat, "CLONE", tmp_path)
    return tmp_path


def versions():
    return repeat.plain(QNET, "carousel", {}, ())["versions"]


def test_a_clone_is_named_by_its_commit(clone):
    def git(*words):
        named = ("-c", "user.name=n", "-c", "user.email=e")
        told = ("git", "-C", clone, *named, *words)
        return subprocess.run(told, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    (clone / "file").write_text("1")
    git("add", "file")
    git("commit", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert versions()["carousel"] == VERSION and versions()["commit"] == commit
    (clone / "file").write_text("2")
    assert versions()["commit"] == f"{commit}-dirty"


def test_elsewhere_there_is_no_commit(clone):
    assert list(versions()) == ["carousel", "python"]
