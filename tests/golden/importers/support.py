"""The sample files of other frameworks, and how a file that is refused is checked."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import golden
from golden import ModelError, Network

DATA = Path(__file__).parents[2] / "data"


def sample(name: str, *order: str) -> tuple[Network, np.ndarray, np.ndarray]:
    """A sample model, its input, and what the framework that made it gave for it.

    `order` is that of its modules, where it has to be told.
    """
    path = DATA / name
    with np.load(path.with_suffix(".npz")) as archive:
        return golden.load(path, order), archive["input"], archive["output"]


def refused(path: Path) -> str:
    """The message of the `ModelError`: one line, not long, that begins with the file's name."""
    with pytest.raises(ModelError) as caught:
        golden.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert len(message) < len(str(path)) + 400
    return message.removeprefix(f"{path}: ")


def read_or_refused(path: Path, data: bytes, most: int = 20 << 20) -> bool:
    """Whether `data` is read; if not it is refused in one line; no more than `most` bytes go."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        net = golden.load(path)
    except ModelError:
        refused(path)
        return False
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most
    assert isinstance(net, Network)
    return True
