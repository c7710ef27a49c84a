"""Keras files that are damaged, or made to do harm: read, or refused in one line."""

import copy
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import ModelError
from golden.importers import hdf5, hdf5_worker
from golden.version import install
from tests.golden.importers.keras_files import WEIGHTS, claiming, members, written, zipped
from tests.golden.importers.support import DATA, read_or_refused, refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.keras"


def with_weights(path: Path, change: Any) -> str:
    """The refusal of a sample whose HDF5 file was changed."""
    found = members("deep")
    file = io.BytesIO(found[WEIGHTS])
    with h5py.File(file, "r+") as weights:
        change(weights)
    return refused(written(path, {**found, WEIGHTS: file.getvalue()}))


KERNEL = "layers/dense/vars/0"


def put(file: Any, values: Any, **options: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, data=values, **options)


def virtual(file: Any) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout((4, 2), "f4")
    layout[:] = h5py.VirtualSource("/dev/null", "x", (4, 2))
    file.create_virtual_dataset(KERNEL, layout)


def link(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("/dev/null", "x")


def outside(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (4, 2), "f4", external=[("/dev/zero", 0, 32)])


def huge(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (1 << 40, 2), "f4", chunks=(1024, 2))


NAN = np.zeros((4, 2), np.float32)
NAN[3, 1] = np.inf
ARRAYS = {
    "NaN": (lambda f: put(f, NAN), f"'{KERNEL}'[3, 1]: inf is not a finite number"),
    "integers": (lambda f: put(f, np.zeros((4, 2), int)), f"{KERNEL} has type int64, allowed are"),
    "big-endian": (lambda f: put(f, np.zeros((4, 2), ">f4")), "has type >f4"),
    "shape": (lambda f: put(f, np.zeros((2, 4), "f4")), "has shape (2, 4), must be (4, 2)"),
    "packed": (lambda f: put(f, np.zeros((4, 2), "f4"), compression="gzip"), "not stored in one"),
    "virtual": (virtual, "not stored in one piece in the file"),
    "another file": (link, f"{KERNEL} is missing"),
    "bytes of another file": (outside, "not stored in one piece in the file"),
    "absurd size": (huge, f"{KERNEL} has shape (1099511627776, 2)"),
    "group": (lambda f: [f.pop(KERNEL), f.create_group(KERNEL)], f"{KERNEL} is not an array"),
    "gone": (lambda f: f.pop("layers/lstm_1"), "layers/lstm_1/cell/vars is missing"),
    "another direction": (
        lambda f: f.create_dataset("layers/lstm_3/backward_layer/cell/vars/0", data=1.0),
        "layers/lstm_3/backward_layer/cell/vars belongs to no layer",
    ),
    "weights beside a cell": (
        lambda f: f.create_dataset("layers/lstm_1/forward_layer/cell/vars", data=1.0),
        "layers/lstm_1/forward_layer/cell/vars belongs to no layer",
    ),
    "array for a group": (
        lambda f: [f.pop("layers"), f.create_dataset("layers", data=1.0)],
        "layers/lstm/cell/vars is missing",
    ),
}


@pytest.mark.parametrize(("change", "message"), ARRAYS.values(), ids=ARRAYS)
def test_weights(change, message, path):
    assert message in with_weights(path, change)


FILES = {
    "version": ({"metadata.json": b'{"keras_version": "2.15.0"}'}, "keras_version '2.15.0': must"),
    "no version": ({"metadata.json": b"[]"}, "metadata.json: [], must be a JSON object"),
    "no JSON": ({"config.json": b"{"}, "not a readable model file"),
    "deep JSON": ({"config.json": b"[" * 100_000}, "not a readable model file"),
    "no text": ({"config.json": b"\xff\xfe\xff"}, "not a readable model file"),
    "no HDF5": ({WEIGHTS: b"weights"}, "model.weights.h5: damaged (OSError("),
    "no weights": ({WEIGHTS: None}, "model.weights.h5 is missing; not a model file of Keras 3"),
}


@pytest.mark.parametrize(("changes", "message"), FILES.values(), ids=FILES)
def test_files(changes, message, path):
    found = {**members("plain"), **changes}
    assert message in refused(written(path, {n: d for n, d in found.items() if d is not None}))


WORKERS = {
    "loops": ("while True: pass", "damaged (not read within 1 s by the HDF5 library)"),
    "crashes": ("import os; os.abort()", "damaged (the HDF5 library gave up, status -6)"),
}


@pytest.mark.parametrize(("program", "message"), WORKERS.values(), ids=WORKERS)
def test_a_library_that_does_not_come_back(program, message, monkeypatch, tmp_path):
    worker = tmp_path / "worker.py"
    worker.write_text(program)
    monkeypatch.setattr(hdf5, "WORKER", worker)
    monkeypatch.setattr(hdf5, "SECONDS", 1)
    monkeypatch.setattr(hdf5, "PATIENCE", 1)
    assert message in refused(DATA / "keras_plain.keras")


def test_weights_that_make_the_library_loop(monkeypatch, path):
    """The second object in the heap of names claims another size."""
    monkeypatch.setattr(hdf5, "SECONDS", 2)
    found = members("deep")
    weights = bytearray(found[WEIGHTS])
    weights[weights.index(b"GCOL") + 56] = 255
    assert "not read within 2 s" in refused(written(path, {**found, WEIGHTS: bytes(weights)}))


def test_no_zip(path):
    path.write_bytes(b"PK weights")
    assert "not a readable model file" in refused(path)


def test_a_member_that_is_there_twice(path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("config.json", "[]")
    assert "'config.json' is in it twice" in refused(path)


def test_a_bomb_is_not_unpacked(path):
    bomb = {**members("plain"), WEIGHTS: bytes(50 << 20)}
    data = zipped(bomb, zipfile.ZIP_DEFLATED)
    assert not read_or_refused(path, data, most=5 << 20)
    assert "unpacks to 5243" in refused(path)


def test_a_bomb_that_says_it_is_small_is_not_unpacked(path):
    found = members("plain")
    data = zipped({**found, WEIGHTS: bytes(50 << 20)}, zipfile.ZIP_DEFLATED)
    small = claiming(data, WEIGHTS, len(found[WEIGHTS]))
    assert not read_or_refused(path, small, most=2 << 20)
    assert "Bad CRC-32" in refused(path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_cannot_be_bounded_is_refused(packing, path):
    data = zipped(members("plain"), packing)
    assert not read_or_refused(path, data)
    assert f"compression {packing} is not known" in refused(path)


def test_a_file_that_was_packed_again_is_read(path):
    assert read_or_refused(path, zipped(members("deep"), zipfile.ZIP_DEFLATED))


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert refused(DATA / "keras_plain.keras") == (
        f"reading .keras needs h5py: {install('import')}"
    )


@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(data, tmp_path_factory):
    """The zip cut short, or bytes of it or of what it holds other: a network or a `ModelError`, and
    only of what is damaged."""
    path = tmp_path_factory.mktemp("f") / "a.keras"
    found = members(data.draw(st.sampled_from(("plain", "bidirectional"))))
    name = data.draw(st.sampled_from((*found, None)))
    whole = zipped(found) if name is None else found[name]
    broken = bytearray(whole[: data.draw(st.integers(len(whole) * 3 // 4, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    data = bytes(broken) if name is None else zipped({**found, name: bytes(broken)})
    assert read_or_refused(path, data) or broken != whole


CONFIGS = ("deep", "functional", "backwards_around", "bidirectional_hard")


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(data=st.data())
def test_any_value_anywhere_in_the_config_is_read_or_refused(data, tmp_path_factory):
    """One place of the config holds something else; what is as before is not refused."""
    path = tmp_path_factory.mktemp("f") / "a.keras"
    found = members(data.draw(st.sampled_from(CONFIGS)))
    config = copy.deepcopy(json.loads(found["config.json"]))
    place = config
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    before = repr(place[key])
    place[key] = data.draw(
        st.sampled_from((None, True, 0, -1, 1 << 70, 0.5, float("nan"), "", "x\n", [], [[]], {}))
    )
    with pytest.MonkeyPatch.context() as patch:  # sound weights need no process of their own
        patch.setattr(hdf5, "read", lambda what, data, question: in_process(data, question))
        whole = zipped({**found, "config.json": json.dumps(config).encode()})
        assert read_or_refused(path, whole) or repr(place[key]) != before


def in_process(data: bytes, question: Any) -> dict[str, np.ndarray]:
    try:
        return hdf5_worker.arrays(data, question)
    except hdf5_worker.RefusedError as error:
        raise ModelError(str(error)) from None
