"""PyTorch's own files: read by torch where there is one, and never as a program."""

import pickle
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import golden
from golden.importers import pytorch
from golden.modelfile import SUFFIXES
from tests.golden.importers.state_dicts import tensors
from tests.golden.importers.support import refused


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_without_torch_the_way_round_is_said(suffix, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / f"a{suffix}").write_bytes(b"torch would know")
    message = refused(tmp_path / f"a{suffix}")
    assert "safetensors.torch.save_file(model.state_dict(), 'model.safetensors')" in message


class Tensor:
    """As much of a torch.Tensor as a reader needs."""

    def __init__(self, values: np.ndarray, dtype: str = "float32", layout: str = "strided"):
        self.values, self.dtype, self.layout, self.is_meta = values, dtype, layout, False

    def numel(self) -> int:
        return self.values.size

    def detach(self) -> "Tensor":
        return self

    def to(self, dtype: str) -> "Tensor":
        return Tensor(self.values.astype(dtype), dtype)

    def numpy(self) -> np.ndarray:
        return self.values


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """A stand-in for torch; its `load` gives, or raises, what is put under "found"."""
    held: dict[str, Any] = {"path": tmp_path / "a.pt"}
    held["path"].write_bytes(b"torch would know")

    def load(path: Path, map_location: str, weights_only: bool) -> Any:
        assert (path, map_location, weights_only) == (held["path"], "cpu", True)
        if isinstance(held["found"], Exception):
            raise held["found"]
        return held["found"]

    module = types.ModuleType("torch")
    names = {name: name for name in ("float16", "bfloat16", "float32", "float64", "strided")}
    module.__dict__.update(names, Tensor=Tensor, load=load)
    monkeypatch.setitem(sys.modules, "torch", module)
    return held


def test_with_torch_a_state_dict_is_read(torch):
    found = tensors()
    torch["found"] = {name: Tensor(value) for name, value in found.items()}
    net, same = golden.load(torch["path"]), pytorch.from_tensors(found, "a")
    x = np.random.default_rng(0).standard_normal((5, 3))
    assert np.array_equal(net.run(x).out, same.run(x).out)
    assert net.name == "a"


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict"])
def test_a_checkpoint_holds_it_under_a_key(torch, key):
    found = {name: Tensor(value) for name, value in tensors().items()}
    found["norm.num_batches_tracked"] = Tensor(np.zeros(1), "int64")
    torch["found"] = {"epoch": 3, key: found, "optimizer": {}}
    assert golden.load(torch["path"]).layers[0].shape.cells == 4


def test_a_whole_model_is_refused_by_its_class(tmp_path):
    """Its pickle names it; torch is not even asked."""
    for name in ("__main__\nNet", "torch.nn.modules.container\nSequential"):
        path = tmp_path / "whole.pt"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("whole/data.pkl", b"\x80\x02c" + name.encode() + b"\n.")
        assert refused(path) == (
            f"holds a whole model (class {name.replace(chr(10), '.')!r}), which is a program; save "
            "the state_dict alone: torch.save(model.state_dict(), 'model.pt')"
        )


FOUND = {
    "pickle": (
        ValueError("Weights only load failed. \x1b[1mDo this"),
        "(Weights only load failed)",
    ),
    "module": ([1], "holds a list, must hold a state_dict"),
    "checkpoint": ({"epoch": 3}, "'epoch' is a int, must be a tensor; save the state_dict alone"),
    "name": ({3: Tensor(np.zeros(1))}, "3 is a Tensor"),
    "type": ({"a": Tensor(np.zeros(1), "int8")}, "'a': type int8, strided; must be dense float16"),
    "sparse": ({"a": Tensor(np.zeros(1), layout="coo")}, "'a': type float32, coo; must be dense"),
    "expanded": (
        {"a": Tensor(np.broadcast_to(0.0, (1 << 20, 1 << 20)))},
        "1099511627776 numbers in all, allowed are",
    ),
}


@pytest.mark.parametrize(("found", "message"), FOUND.values(), ids=FOUND)
def test_with_torch_what_is_no_state_dict_is_refused(torch, found, message):
    torch["found"] = found
    assert message in refused(torch["path"])


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.place,)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_pickle_is_not_executed(suffix, zipped, tmp_path):
    """Bare, or as a member where torch, Keras and NumPy have theirs."""
    marker, path = tmp_path / "executed", tmp_path / f"a{suffix}"
    data = pickle.dumps({"lstm.weight_ih_l0": Hostile(marker)})
    path.write_bytes(data)
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("a/data.pkl", "config.json", "metadata.json", "header.npy"):
                archive.writestr(name, data)
    assert refused(path)
    assert not marker.exists()
    pickle.loads(data)
    assert marker.exists(), "the pickle does nothing: the test would prove nothing"
