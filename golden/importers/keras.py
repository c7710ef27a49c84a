"""Keras 3: a `.keras` file, read from its JSON and its HDF5 weights without Keras.

    kernel (D, 4 C), recurrent_kernel (C, 4 C), bias (4 C,)      columns i | f | c | o

`keras_config` says which layers there are. An LSTM that goes backwards gives its steps in the order
in which it ran; what follows runs in that order too, until another one turns it again. A
Bidirectional gives both its directions in the order of its input.
"""

import json
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from golden.cell import Layer
from golden.dense import Dense
from golden.errors import ModelError
from golden.files import unpacked
from golden.importers import (
    check_file,
    check_finite,
    check_size,
    hdf5,
    network_name,
    shown,
    stacked_layer,
)
from golden.importers.keras_config import DENSE, SQUASHES, Part, as_object, chain
from golden.network import Network
from golden.squash import Array

ORDER = "ifgo"
WEIGHTS, CONFIG, METADATA = "model.weights.h5", "config.json", "metadata.json"
HARD = (1 / 6, 1 / 2)  # slope and offset of Keras' hard sigmoid
OUTPUTS = {"every": "every step", "last": "the last step", "final": "each direction's last step"}
PACKED = 100  # times the file's size that its members may have in all


def load_keras(path: Path) -> Network:
    """Read a `.keras` file; `ModelError` names what is wrong or not supported."""
    members = _members(path)
    version = as_object(json.loads(members[METADATA]), METADATA).get("keras_version")
    if not isinstance(version, str) or not version.startswith("3."):
        raise ModelError(f"keras_version {shown(version)}: must be 3")
    parts = [
        part
        for part in chain(as_object(json.loads(members[CONFIG]), CONFIG))
        if part.kind != "Dropout"
    ]
    units = _plan(parts)
    arrays = hdf5.read(WEIGHTS, members[WEIGHTS], {unit.place: unit.question for unit in units})
    return _network(parts[1:], units, arrays, network_name(path))


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


@dataclass(frozen=True)
class Unit:
    """An LSTM or a Dense, with what its place in the model makes of it.

    Attributes
    ----------
    part : the layer.
    inputs : how many it takes.
    reverse : whether it runs from the sequence's last step to its first.
    beside : whether it is the second of two directions.
    swapped : whether Keras joins what it takes with the direction that runs in reverse first.
    """

    part: Part
    inputs: int
    reverse: bool = False
    beside: bool = False
    swapped: bool = False

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Those of its arrays."""
        count = self.part.number("units")
        rows = 4 * count if self.part.kind == "LSTM" else count
        check_size(rows * (self.inputs + count + 1))
        recurrent = [(count, rows)] if self.part.kind == "LSTM" else []
        biases = [(rows,)] if self.part.options.get("use_bias", True) else []
        return [(self.inputs, rows), *recurrent, *biases]

    @property
    def place(self) -> str:
        """That of its arrays in the HDF5 file."""
        return self.part.group + ("/cell/vars" if self.part.kind == "LSTM" else "/vars")

    @property
    def question(self) -> dict[str, Any]:
        """What `hdf5_worker` is asked for."""
        return {"name": self.part.name, "owner": f"{self.part.group}/vars", "shapes": self.shapes}

    def take(self, arrays: dict[str, np.ndarray]) -> tuple[Array, Array, Array]:
        """The transposed kernel, the transposed recurrent kernel (empty for a Dense), the bias."""
        found = []
        for k in range(len(self.shapes)):
            name = f"{self.place}/{k}"
            with np.errstate(invalid="ignore"):  # a signalling NaN, which is refused by name here
                found.append(check_finite(name, arrays[name].astype(np.float64)))
        if self.part.kind == "Dense":
            found.insert(1, np.empty((0, 0)))
        bias = found[2] if len(found) == 3 else np.zeros(self.shapes[0][1])
        kernel = np.roll(found[0], self.inputs // 2, axis=0) if self.swapped else found[0]
        return np.ascontiguousarray(kernel.T), np.ascontiguousarray(found[1].T), bias


def _check_order(parts: list[Part]) -> None:
    """An InputLayer, then LSTMs, then at most one Dense."""
    before: Part | None = None
    for k, part in enumerate(parts):
        if part.kind == "InputLayer":
            if k:
                raise part.error("must be the first layer")
            continue
        if parts[0].kind != "InputLayer":
            raise part.error("no InputLayer before it says how many inputs there are")
        if before and before.kind == "Dense":
            raise part.error("comes after a Dense, which must be last")
        if part.kind == "Dense" and not before:
            raise part.error("comes before the LSTM, which is not supported")
        if part.lstms and before and not before.lstms[0].flag("return_sequences"):
            raise before.error("return_sequences must be true before another LSTM")
        before = part
    if before is None:
        raise ModelError("model: no LSTM is in it")


def _plan(parts: list[Part]) -> list[Unit]:
    """The LSTMs in the order of `Network.layers`, then the Dense.

    `backwards` is whether the steps are in reverse order where the chain has come to. Of a
    Bidirectional's two LSTMs that is then the first one's way, and `Network` has them exchanged.
    """
    _check_order(parts)
    shape = parts[0].options.get("batch_shape")
    if not isinstance(shape, list) or len(shape) != 3 or type(shape[2]) is not int or shape[2] < 1:
        raise parts[0].error(f"batch_shape {shown(shape)}: must be [batch, steps, inputs]")
    width, backwards, swapped = shape[2], False, False
    units: list[Unit] = []
    for part in parts[1:]:
        found = [
            Unit(one, width, backwards != one.flag("go_backwards"), swapped=swapped)
            for one in part.lstms or (part,)
        ]
        swapped = len(found) == 2 and found[0].reverse
        found.sort(key=lambda unit: unit.reverse)
        units += [replace(unit, beside=k > 0) for k, unit in enumerate(found)]
        backwards = backwards != part.flag("go_backwards")
        width = sum(unit.part.number("units") for unit in found)
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
    parts: list[Part], units: list[Unit], arrays: dict[str, np.ndarray], name: str
) -> Network:
    recurrent = [unit for unit in units if unit.part.kind == "LSTM"]
    layers = tuple(_layer(unit, arrays) for unit in recurrent)
    head: tuple[Dense, ...] = ()
    if len(recurrent) < len(units):
        weights, _, biases = units[-1].take(arrays)
        squash = DENSE[units[-1].part.options.get("activation", "linear")]
        head = (Dense(weights, biases, squash),)
    every = recurrent[-1].part.flag("return_sequences")
    net = Network(layers, head, name, output="every" if every else "final")
    said = f"Keras 3, {', then '.join(map(str, parts))}; output of {OUTPUTS[net.output]}"
    return replace(net, made_by=said)


def _layer(unit: Unit, arrays: dict[str, np.ndarray]) -> Layer:
    options = unit.part.options
    squash = SQUASHES[options.get("activation", "tanh")]
    hard = options.get("recurrent_activation") == "hard_sigmoid"
    return stacked_layer(
        ORDER,
        *unit.take(arrays),
        affine=dict.fromkeys("ifo", HARD) if hard else None,
        g=squash,
        h=squash,
        gate="hard" if hard else "sigma",
        reverse=unit.reverse,
        beside=unit.beside,
    )
