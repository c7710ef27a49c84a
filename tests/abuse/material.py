"""What abuses are made of: a sound model, input, formats and state, and files that are none."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import golden
from golden import Dense, Layer, Network

SIZES = 8, 2, 4  # inputs, cells, outputs: those of temporal order
LARGE = 30 << 20  # bytes of a text file that nobody can have meant
HUGE = 2**64 + 8
NAN, INF = float("nan"), float("inf")


def network(name: str) -> Network:
    """A random network of the 1997 cell."""
    rng = np.random.default_rng(3)
    inputs, cells, outputs = SIZES
    weights = {kind: rng.uniform(-1, 1, (cells, inputs + cells)) for kind in ("i", "o", "g")}
    biases = {kind: rng.uniform(-1, 1, cells) for kind in weights}
    head = Dense(rng.uniform(-1, 1, (outputs, cells)), rng.uniform(-1, 1, outputs), "sigma")
    return Network((Layer(weights, biases),), (head,), name)


def npy(shape: str, data: bytes = b"", descr: str = "'<f8'") -> bytes:
    """An .npy file that claims this shape, written as Python text."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def array(values: Any) -> bytes:
    """An .npy file as NumPy writes it."""
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    """An .npz file of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name, data in members.items():
            written.writestr(name, data)
    return file.getvalue()


def members(data: bytes) -> dict[str, bytes]:
    """Those of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        return {name: read.read(name) for name in read.namelist()}


def with_value(row: int, value: float) -> bytes:
    """A sound input but for one value."""
    x = np.zeros((5, SIZES[0]))
    x[row, 1] = value
    return array(x)


INPUTS: dict[str, bytes] = {
    "empty": b"",
    "text": b"1.0, 2.0\n3.0, 4.0\n",
    "magic alone": b"\x93NUMPY\x01\x00",
    "version 9": b"\x93NUMPY\x09\x00" + bytes(80),
    "header cut": npy("(5, 8)", bytes(320))[:40],
    "data cut": npy("(5, 8)", bytes(319)),
    "no tuple": npy("'many'", bytes(320)),
    "negative size": npy("(-5, -8)", bytes(320)),
    "size beyond 64 bits": npy(f"({HUGE}, 8)", bytes(320)),
    "sizes beyond 64 bits together": npy(f"({2**40}, {2**40}, 8)", bytes(320)),
    "size beyond 63 bits": npy(f"({2**63}, 8)", bytes(320)),
    "no bytes but a size": npy(f"({HUGE}, 0, 8)"),
    "petabytes": npy(f"({2**47}, 8)", bytes(320)),
    "true as a size": npy("(True, 8)", bytes(64)),
    "deep brackets": npy("(" * 5000 + ")" * 5000),
    "type unknown": npy("(5, 8)", bytes(320), "'<q9'"),
    "type a call": npy("(5, 8)", bytes(320), "__import__('os').getcwd()"),
    "objects": npy("(5, 8)", bytes(320), "'|O'"),
    "records": npy("(5, 8)", bytes(640), "[('a', '<f8'), ('b', '<f8')]"),
    "dates": npy("(5, 8)", bytes(320), "'<M8[s]'"),
    "truths": array(np.zeros((5, 8), bool)),
    "complex": array(np.zeros((5, 8), complex)),
    "words": array(np.full((5, 8), "text")),
    "another width": array(np.zeros((5, 7))),
    "no steps": array(np.zeros((0, 8))),
    "no sequences": array(np.zeros((0, 5, 8))),
    "one number": array(np.float64(1)),
    "four axes": array(np.zeros((2, 3, 5, 8))),
    "32 axes": array(np.zeros((1,) * 31 + (8,))),
    "nan": with_value(3, NAN),
    "inf": with_value(3, INF),
    "beyond every format": with_value(3, 1e300),
    "beyond float64": array(np.full((5, 8), "1e400", dtype=np.longdouble)),
    "an archive": archive({"a.npy": array(np.zeros((5, 8)))}),
}
"""Inputs that are refused."""

NET = Path("models/temporal_order.npz").read_bytes()
PARTS = members(NET)
HEADER: dict[str, Any] = json.loads(str(np.load(io.BytesIO(PARTS["header.npy"]))))
WEIGHTS = next(name for name in PARTS if ".weights." in name)


def net(header: Any = None, **changed: bytes | None) -> bytes:
    """The shipped model with its header, or members, changed."""
    parts = dict(PARTS)
    if header is not None:
        parts["header.npy"] = array(header if isinstance(header, str) else json.dumps(header))
    for name, data in changed.items():
        full = WEIGHTS if name == "weights" else f"{name}.npy"
        parts.pop(full, None)
        parts |= {} if data is None else {full: data}
    return archive(parts)


SHAPE = np.load(io.BytesIO(PARTS[WEIGHTS])).shape
MODELS: dict[str, bytes] = {
    "empty": b"",
    "text": b"weights = 1\n",
    "cut short": NET[:-300],
    "cut in half": NET[: len(NET) // 2],
    "no members": archive({}),
    "something else in it": archive({"notes.txt": b"weights"}),
    "no header": archive({WEIGHTS: PARTS[WEIGHTS]}),
    "header no JSON": net("{"),
    "header a list": net([]),
    "header deep": net("[" * 100_000 + "]" * 100_000),
    "header a number of many digits": net('{"schema": ' + "9" * 5000 + "}"),
    "header of nan": net(HEADER | {"schema": NAN}),
    "version 99": net(HEADER | {"schema": 99}),
    "version true": net(HEADER | {"schema": True}),
    "kind unknown": net(HEADER | {"kind": "gru"}),
    "name a list": net(HEADER | {"name": []}),
    "no layers": net(HEADER | {"layers": []}),
    "layers a number": net(HEADER | {"layers": 7}),
    "layers of text": net(HEADER | {"layers": ["lstm"]}),
    "squash unknown": net(HEADER | {"readout": "relu7"}),
    "output unknown": net(HEADER | {"output": "some"}),
    "weights missing": net(weights=None),
    "weights not finite": net(weights=array(np.full(SHAPE, NAN))),
    "weights beyond all formats": net(weights=array(np.full(SHAPE, 1e300))),
    "weights of text": net(weights=array(np.full(SHAPE, "w"))),
    "weights complex": net(weights=array(np.zeros(SHAPE, complex))),
    "weights objects": net(weights=npy(str(SHAPE), bytes(8), "'|O'")),
    "weights transposed": net(weights=array(np.zeros(SHAPE[::-1]))),
    "weights cut": net(weights=PARTS[WEIGHTS][:-8]),
    "weights' header damaged": net(weights=PARTS[WEIGHTS].replace(b"descr", b"d\x00scr")),
    "weights' header no text": net(
        weights=PARTS[WEIGHTS].replace(b"'descr'", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9")
    ),
    "weights' header an indent": net(weights=PARTS[WEIGHTS].replace(b"{'descr'", b" {'desc'")),
    "weights' header open": net(weights=PARTS[WEIGHTS].replace(b"}", b"(")),
    "weights' header a call": net(weights=npy("f()", bytes(8))),
    "weights' header empty": net(weights=b"\x93NUMPY\x01\x00\x00\x00"),
    "weights' header null bytes": net(weights=b"\x93NUMPY\x01\x00\x10\x00" + bytes(16)),
    "weights of deep brackets": net(weights=npy("(" * 5000 + ")" * 5000)),
    "weights beyond 64 bits": net(weights=npy(f"({HUGE}, 8)", bytes(64))),
    "weights of petabytes": net(weights=npy(f"({2**47}, 8)", bytes(64))),
    "weights of no bytes but a size": net(weights=npy(f"({HUGE}, 0)")),
    "weights of a number of many digits": net(weights=npy(f"({'9' * 5000},)")),
    "an array too many": net(more=array(np.zeros(3))),
}
"""Models (.npz) that are refused."""

OTHERS: dict[str, bytes] = {
    f"{what}{suffix}": data
    for suffix in (".onnx", ".safetensors", ".pt", ".pth", ".keras", ".h5", ".json")
    for what, data in {
        "empty": b"",
        "text": b"weights = 1\n",
        "zeros": bytes(4096),
        "an npz": NET,
        "deep": b"[" * 100_000,
        "length": (2**63).to_bytes(8, "little") + b"{}",
    }.items()
}
"""Models of other frameworks that are none."""

FORMATS: dict[str, bytes] = {
    "empty": b"",
    "text": b"s16.12\n",
    "null": b"null",
    "a list": b"[]",
    "a number": b"16",
    "no layers": b'{"input": "s16.12"}',
    "many digits": b'{"input": ' + b"9" * 10_000 + b"}",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "no UTF-8": b'{"input": "\xff\xfe"}',
    "zeros": bytes(4096),
    "nan": b'{"input": NaN}',
}
"""Formats files that are none."""


def formats(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The formats that fit the model, changed."""
    data = json.loads(SOUND_FORMATS)
    change(data)
    return json.dumps(data).encode()


def _sound_formats() -> str:
    from fixedpoint.calibration import Seen
    from fixedpoint.rule import Rule

    found = network("temporal-order")
    seen = Seen.measure(found, np.zeros((1, 5, 8)), None, 1.25)
    return json.dumps(Rule(16, None, 18).formats(found, seen).as_dict())


SOUND_FORMATS = _sound_formats()
FORMATS |= (
    {
        f"{name} {value!r:.20}": formats(
            lambda data, name=name, value=value: data.update({name: value})
        )
        for name in ("input", "argument", "sigma")
        for value in (
            "",
            "s1.0",
            "s99.3",
            "u16.99",
            "s16.12 ",
            "S16.12",
            16,
            None,
            ["s16.12"],
            "s-4.2",
        )
    }
    | {
        f"layer {name} {value!r:.20}": formats(
            lambda data, name=name, value=value: data["layers"][0].update({name: value})
        )
        for name in ("weights", "gate", "g", "h", "s", "y", "coarser", "more")
        for value in ("s99.3", 16, None if name != "coarser" else 1, ["s16.12"])
    }
    | {
        "no such layer": formats(lambda data: data.update(layers=data["layers"] * 2)),
        "layers of none": formats(lambda data: data.update(layers=[])),
        "readout none": formats(lambda data: data.update(readout=None)),
        "more": formats(lambda data: data.update(more=1)),
        "coarser beyond": formats(lambda data: data["layers"][0].update(coarser={"i": [99, 0]})),
        "coarser true": formats(lambda data: data["layers"][0].update(coarser={"i": [True, 0]})),
        "coarser unknown": formats(lambda data: data["layers"][0].update(coarser={"q": [1, 0]})),
        "coarser of others": formats(lambda data: data["layers"][0].update(coarser={"i": [1]})),
        "inputs of others": formats(lambda data: data.update(inputs=[1, 2])),
        "inputs of halves": formats(lambda data: data.update(inputs=[1.5] * 8)),
    }
)

STATE = {"0.s.npy": array(np.zeros((2, 2))), "0.y.npy": array(np.zeros((2, 2)))}
STATES: dict[str, bytes] = {
    "empty": b"",
    "text": b"s = 0\n",
    "no members": archive({}),
    "s missing": archive({"0.y.npy": STATE["0.y.npy"]}),
    "a layer too many": archive(STATE | {"1.s.npy": STATE["0.s.npy"]}),
    **{
        f"s {what}": archive(STATE | {"0.s.npy": data})
        for what, data in {
            "of another width": array(np.zeros((2, 3))),
            "not finite": array(np.full((2, 2), NAN)),
            "beyond every format": array(np.full((2, 2), 1e300)),
            "of text": array(np.full((2, 2), "s")),
            "of objects": npy("(2, 2)", bytes(32), "'|O'"),
            "cut": npy("(2, 2)", bytes(31)),
            "beyond 64 bits": npy(f"({HUGE}, 2)", bytes(32)),
            "damaged": npy("(2, 2)", bytes(32)).replace(b"descr", b"d\x00scr"),
            "of deep brackets": npy("(" * 5000 + ")" * 5000),
        }.items()
    },
}
"""States that two sequences of the model cannot start from."""


def lay(place: Path) -> None:
    """All of it as files, in a folder; and what is no file where one is read."""
    golden.save(network("temporal-order"), place / "model.npz")
    golden.save(network("mine"), place / "mine.npz")
    (place / "x.npy").write_bytes(array(np.zeros((5, SIZES[0]))))
    (place / "formats.json").write_text(SOUND_FORMATS)
    (place / "state.npz").write_bytes(archive(STATE))
    (place / "large.json").write_bytes(b"[" + b'"s16.12", ' * (LARGE // 10) + b"0]")
    os.mkfifo(place / "pipe")
    for suffix in (".npy", ".npz", ".json", ".onnx", ".pt", ".h5", ".safetensors", ".keras"):
        (place / f"pipe{suffix}").symlink_to("pipe")
        (place / f"folder{suffix}").mkdir()
        (place / f"circle{suffix}").symlink_to(f"circle{suffix}")
    for folder, suffix, files in (
        ("inputs", ".npy", INPUTS),
        ("models", ".npz", MODELS),
        ("others", "", OTHERS),
        ("formats", ".json", FORMATS),
        ("states", ".npz", STATES),
    ):
        (place / folder).mkdir()
        for name, data in files.items():
            (place / folder / f"{name.replace('/', '_')}{suffix}").write_bytes(data)
