"""Keras: a `.keras` file of Keras 3, or an `.h5` of Keras 2 or 3, read without Keras.

`keras_config` says which layers there are, `keras_units` what each computes. An LSTM that goes
backwards gives its steps in the order in which it ran; what follows runs in that order too, until
another one turns it again. A Bidirectional gives both its directions in the order of its input.
"""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.files import unpacked
from golden.importers import check_file, check_size, hdf5, network_name, shown
from golden.importers.assembly import network
from golden.importers.keras_config import KerasLayer, as_object, chain
from golden.importers.keras_options import NOTHING
from golden.importers.keras_units import Unit, window_of
from golden.importers.stages import Cells, Stage
from golden.network import Network
from golden.reading import Reading
from golden.window import Window

WEIGHTS, CONFIG, METADATA = "model.weights.h5", "config.json", "metadata.json"
OUTPUTS = {"every": "every step", "last": "the last step", "final": "each direction's last step"}
PACKED = 100  # times the file's size that its members may have in all


def load_keras(path: Path) -> Network:
    """Read a `.keras` file; `ModelError` names what is wrong or not supported."""
    members = _members(path)
    version = _version(
        as_object(json.loads(members[METADATA]), METADATA).get("keras_version"), (3,)
    )
    parts = chain(as_object(json.loads(members[CONFIG]), CONFIG))
    units = _plan(parts, version)
    asked = {unit.place: unit.question for unit in units if unit.shapes}
    arrays = hdf5.read(WEIGHTS, members[WEIGHTS], {"groups": asked})
    return _network(parts, units, arrays, network_name(path), version)


def load_h5(path: Path) -> Network:
    """Read an `.h5` file of a whole model; `ModelError` names what is wrong or not supported."""
    check_file(path)
    data = path.read_bytes()
    said = hdf5.read("model", data, {"attributes": ["keras_version", "model_config"]})
    version = _version(str(said["keras_version"]), (2, 3))
    config = as_object(json.loads(str(said["model_config"])), "model_config")
    parts = chain(config, old=True)
    units = _plan(parts, version)
    named: dict[str, list[Unit]] = {}
    for unit in sorted(units, key=lambda unit: unit.part.place):
        if unit.shapes:
            named.setdefault(unit.part.owner, []).append(unit)
    asked = {
        name: [
            (shape, unit.part.name if len(found) > 1 else "")
            for unit in found
            for shape in unit.shapes
        ]
        for name, found in named.items()
    }
    given = hdf5.read("model", data, {"weights": asked})
    arrays = {}
    for name, found in named.items():
        places = [f"{unit.place}/{k}" for unit in found for k in range(len(unit.shapes))]
        arrays |= {place: given[f"{name}/{k}"] for k, place in enumerate(places)}
    return _network(parts, units, arrays, network_name(path), version)


def _version(said: Any, allowed: tuple[int, ...]) -> int:
    """The major version of Keras."""
    for version in allowed:
        if isinstance(said, str) and said.startswith(f"{version}."):
            return version
    raise ModelError(f"keras_version {shown(said)}: must be {' or '.join(map(str, allowed))}")


def _members(path: Path) -> dict[str, bytes]:
    """The zip's three members; sizes are looked at before anything is unpacked."""
    size = check_file(path)
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        total = sum(info.file_size for info in infos)
        if total > PACKED * size:
            raise ModelError(
                f"unpacks to {total} bytes, allowed are {PACKED} times its own {size} bytes"
            )
        check_size(total // 8)
        for info in infos:
            if info.filename in found:
                raise ModelError(f"{shown(info.filename)} is in it twice")
            if info.filename in (WEIGHTS, CONFIG, METADATA):
                found[info.filename] = unpacked(archive, info)
    for name in (METADATA, CONFIG, WEIGHTS):
        if name not in found:
            raise ModelError(f"{name} is missing; not a model file of Keras 3")
    return found


def _check_order(parts: list[KerasLayer]) -> None:
    """An InputLayer, then others, and every step from LSTM to LSTM."""
    before: KerasLayer | None = None
    for k, part in enumerate(parts):
        if part.kind == "InputLayer":
            if k:
                raise part.error("must be the first layer")
            continue
        if parts[0].kind != "InputLayer":
            raise part.error("no InputLayer before it says how many inputs there are")
        if part.kind == "Embedding" and k > 1:
            raise part.error("is not behind the model's input, which is not supported")
        if part.lstms and before and not before.lstms[0].flag("return_sequences"):
            raise before.error("return_sequences must be true before another LSTM")
        before = part if part.lstms else before
    if before is None:
        raise ModelError("model: no LSTM is in it")


def _inputs(parts: list[KerasLayer]) -> int:
    """How many values, or numbers of an Embedding, a step has."""
    shape, first = parts[0].options.get("batch_shape"), parts[1]
    if first.kind == "Embedding":
        if not isinstance(shape, list) or len(shape) != 2:
            raise parts[0].error(f"batch_shape {shown(shape)}: must be [batch, steps]")
        return first.number("input_dim")
    if not isinstance(shape, list) or len(shape) != 3 or type(shape[2]) is not int or shape[2] < 1:
        raise parts[0].error(f"batch_shape {shown(shape)}: must be [batch, steps, inputs]")
    return shape[2]


def _window(parts: list[KerasLayer]) -> Window:
    """What the first layer, if it is a convolution, sees of the steps."""
    found = Window()
    for k, part in enumerate(part for part in parts if part.kind not in NOTHING):
        own = window_of(part) if part.kind == "Conv1D" else Window()
        if k == 1:
            found = own
        elif own != Window():
            raise part.error(
                "a convolution over time that is not the first layer is not supported; give ONNX "
                "(tf2onnx), or save what is behind it as a model of its own"
            )
    return found


def _plan(parts: list[KerasLayer], version: int) -> list[Unit]:
    """The layers that compute; of two LSTMs side by side the forward one first.

    `backwards` is whether the steps are in reverse order where the chain has come to. Of a
    Bidirectional's two LSTMs that is then the first one's way, and `Network` has them exchanged.
    """
    parts = [part for part in parts if part.kind not in NOTHING]
    _check_order(parts)
    width, backwards, swapped = _inputs(parts) * len(_window(parts).offsets), False, False
    units: list[Unit] = []
    for part in parts[1:]:
        found = [
            Unit(one, width, version, backwards != one.flag("go_backwards"), swapped=swapped)
            for one in part.lstms or (part,)
        ]
        swapped = swapped if not found[0].mixes else len(found) == 2 and found[0].reverse
        found.sort(key=lambda unit: unit.reverse)
        units += [replace(unit, beside=k > 0) for k, unit in enumerate(found)]
        backwards = backwards != (bool(part.lstms) and part.flag("go_backwards"))
        width = sum(unit.outputs for unit in found)
    last = next(part for part in reversed(parts) if part.lstms)
    if backwards and last.lstms[0].flag("return_sequences"):
        raise last.error(
            "gives every step, the last one first (go_backwards), which is not supported"
        )
    if swapped:
        raise last.error(
            "is last and runs on steps in reverse (go_backwards): its outputs would be joined the "
            "other way round, which is supported only before a Dense"
        )
    return units


def _network(
    parts: list[KerasLayer],
    units: list[Unit],
    arrays: dict[str, np.ndarray],
    name: str,
    version: int,
) -> Network:
    stages: list[Stage] = []
    for unit in units:
        made = unit.stages(arrays)
        if unit.beside:
            both = (stages.pop(), *made)
            layers = tuple(one.layers[0] for one in both if isinstance(one, Cells))
            made = [Cells(unit.part.title, layers)]
        stages += made
    last = [unit for unit in units if unit.kind == "LSTM"][-1].part
    output = "every" if last.flag("return_sequences") else "final"
    index = units[0].kind == "Embedding"
    reading = Reading(
        axes="NT" if index else "NTD", axes_out="NTD", indices=index, window=_window(parts)
    )
    net = network(stages, name, "", output, reading)
    said = ", then ".join(str(part) for part in parts if part.kind not in ("InputLayer", *NOTHING))
    return replace(net, made_by=f"Keras {version}, {said}; output of {OUTPUTS[net.output]}")
