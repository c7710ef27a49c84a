"""Model files, damaged at random for long or made to lie: read or refused, in little memory."""

import io
import json
import random
import resource
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest

from golden.importers import hdf5, hdf5_worker
from tests.golden.importers.keras_files import WEIGHTS, claiming, members, zipped
from tests.golden.importers.support import DATA, read_or_refused, refused

Damage = Callable[[random.Random, bytes], bytes]
ABSURD = (1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
VALUES = (None, True, 0, -1, 1 << 40, 1 << 70, 0.5, float("nan"), "", "x\n", "F64", [], [[]], {})


def put(data: bytes, at: int, other: bytes) -> bytes:
    return data[:at] + other + data[at + len(other) :]


def cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def flip(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return put(data, at, bytes([data[at] ^ 1 << rng.randrange(8)]))


def fill(rng: random.Random, data: bytes) -> bytes:
    stretch = bytes([rng.choice((0, 255))]) * rng.randrange(1, 64)
    return put(data, rng.randrange(len(data)), stretch)


def absurd(rng: random.Random, data: bytes) -> bytes:
    return put(data, rng.randrange(len(data)), struct.pack("<Q", rng.choice(ABSURD)))


def not_finite(rng: random.Random, data: bytes) -> bytes:
    value = struct.pack("<f", rng.choice((float("nan"), float("inf"), -float("inf"))))
    return put(data, len(data) - 4 * rng.randrange(1, len(data) // 4), value)


def shift(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data))
    return put(data, rng.randrange(len(data)), data[start : start + rng.randrange(1, 64)])


STAGES = ("branched", "pooled", "convolved")
BYTES: tuple[Damage, ...] = (cut, flip, fill, absurd, not_finite, shift)


def somewhere(rng: random.Random, value: Any) -> None:
    """One place of a JSON document holds something else."""
    while True:
        key = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if not isinstance(value[key], dict | list) or not value[key] or rng.random() < 0.2:
            value[key] = rng.choice(VALUES)
            return
        value = value[key]


def header(rng: random.Random, data: bytes) -> bytes:
    """A .safetensors whose header says something else."""
    (length,) = struct.unpack("<Q", data[:8])
    said = json.loads(data[8 : 8 + length])
    somewhere(rng, said)
    text = json.dumps(said).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def member(rng: random.Random, found: dict[str, bytes]) -> bytes:
    name = rng.choice(list(found))
    return zipped({**found, name: rng.choice(BYTES)(rng, found[name])})


def config(rng: random.Random, found: dict[str, bytes]) -> bytes:
    said = json.loads(found["config.json"])
    somewhere(rng, said)
    return zipped({**found, "config.json": json.dumps(said).encode()})


def array(rng: random.Random, found: dict[str, bytes]) -> bytes:
    """One array of the HDF5 file has another shape or a value that is not finite."""
    file, places = io.BytesIO(found[WEIGHTS]), []
    with h5py.File(file, "r+") as weights:
        weights.visititems(
            lambda place, what: places.append(place) if isinstance(what, h5py.Dataset) else None
        )
        place = rng.choice(places)
        values = weights[place][()]
        del weights[place]
        kind = rng.randrange(3)
        if kind == 0:
            weights.create_dataset(place, (1 << rng.randrange(30, 50), 4), "f4", chunks=(256, 4))
        elif kind == 1:
            weights[place] = values.T if values.ndim > 1 else values[:-1]
        else:
            values.flat[rng.randrange(values.size)] = np.nan
            weights[place] = values
    return zipped({**found, WEIGHTS: file.getvalue()})


def bombs(found: dict[str, bytes]) -> list[bytes]:
    """Files with a member far larger than what is packed; some say its size, some a small one."""
    whole, made = {**found, WEIGHTS: bytes(40 << 20)}, []
    for packing in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        data = zipped(whole, packing)
        made += [data, claiming(data, WEIGHTS, len(found[WEIGHTS]))]
    return made


def damaged_keras(rng: random.Random, found: dict[str, bytes]) -> bytes:
    if rng.random() < 0.2:
        return rng.choice(BYTES)(rng, zipped(found))
    return rng.choice((member, config, array))(rng, found)


def damaged_h5(rng: random.Random, data: bytes) -> bytes:
    """Bytes that differ, or a configuration that says something else."""
    if rng.random() < 0.5:
        return rng.choice(BYTES)(rng, data)
    file = io.BytesIO(data)
    with h5py.File(file, "r+") as model:
        said = json.loads(model.attrs["model_config"])
        somewhere(rng, said)
        model.attrs["model_config"] = json.dumps(said)
    return file.getvalue()


def most(data: bytes) -> int:
    """Bytes that reading `data` may take."""
    return (3 << 20) + 12 * len(data)


def peak(who: int) -> int:
    """The most memory that this process, or one of those it started, has had at once."""
    return resource.getrusage(who).ru_maxrss << 10


def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library loops on some files: they take little of a processor's time, and however much by
    the clock, as verdicts must not depend on what else a machine does."""
    monkeypatch.setattr(hdf5, "SECONDS", 3)
    monkeypatch.setattr(hdf5, "PATIENCE", 1000)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["plain", "deep", "both", "bfloat16"])
def test_state_dicts(name, tmp_path):
    whole = (DATA / f"pytorch_{name}.safetensors").read_bytes()
    rng, seen = random.Random(name), set[bool]()
    assert read_or_refused(tmp_path / "a.safetensors", whole)
    before = peak(resource.RUSAGE_SELF)
    for _ in range(2000):
        data = whole
        for _ in range(rng.randrange(1, 4)):
            data = rng.choice(BYTES)(rng, data) if len(data) > 8 else data
        data = header(rng, whole) if rng.random() < 0.4 else data
        seen.add(read_or_refused(tmp_path / "a.safetensors", data, most(data)))
    assert seen == {True, False}
    assert peak(resource.RUSAGE_SELF) < before + (32 << 20)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["plain", "bidirectional_hard", "backwards_around", *STAGES])
def test_keras(name, tmp_path, monkeypatch):
    bounded(monkeypatch)
    found = members(name)
    rng, seen = random.Random(name), set[bool]()
    assert read_or_refused(tmp_path / "a.keras", zipped(found))
    given = [*bombs(found), *(damaged_keras(rng, found) for _ in range(60))]
    before = [peak(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    for data in given:
        seen.add(read_or_refused(tmp_path / "a.keras", data, most(data)))
    assert seen == {True, False}
    assert peak(resource.RUSAGE_SELF) < before[0] + (32 << 20)
    assert peak(resource.RUSAGE_CHILDREN) < max(before) + hdf5_worker.SPARE + 12 * len(
        found[WEIGHTS]
    )


@pytest.mark.soak
@pytest.mark.parametrize("name", STAGES)
def test_h5(name, tmp_path, monkeypatch):
    bounded(monkeypatch)
    whole = (DATA / f"keras_{name}.h5").read_bytes()
    rng, seen = random.Random(name), set[bool]()
    assert read_or_refused(tmp_path / "a.h5", whole)
    before = [peak(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    for _ in range(60):
        data = damaged_h5(rng, whole)
        seen.add(read_or_refused(tmp_path / "a.h5", data, most(data)))
    assert seen == {True, False}
    assert peak(resource.RUSAGE_SELF) < before[0] + (32 << 20)
    assert peak(resource.RUSAGE_CHILDREN) < max(before) + hdf5_worker.SPARE + 12 * len(whole)


def test_an_archive_of_ours_that_says_it_is_small_is_not_unpacked(tmp_path):
    """No more of a member is read than it claims, and that is not what it is."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", bytes(50 << 20))
    small = claiming(path.read_bytes(), "header.npy", 1000)
    assert not read_or_refused(path, small, most=2 << 20)
    assert "Bad CRC-32" in refused(path)
