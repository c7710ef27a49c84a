"""Keras 3: a `.keras` file, read from its JSON and its HDF5 weights without Keras.

    kernel (D, 4 C), recurrent_kernel (C, 4 C), bias (4 C,)      columns i | f | c | o

A chain of InputLayer, LSTM, Dropout (nothing at inference) and a Dense at the end is understood,
Sequential or functional. Options that change what is computed are refused by name; options that
only say how the network was trained are read over.
"""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.importers import (
    check_file,
    check_finite,
    check_size,
    forget_layer,
    hdf5,
    network_name,
    shown,
)
from golden.network import Network, Readout
from golden.squash import Array

ORDER = "ifgo"
WEIGHTS, CONFIG, METADATA = "model.weights.h5", "config.json", "metadata.json"
PACKED = 100  # times the file's size that its members may have in all
SQUASHES = {"tanh": "tanh", "sigmoid": "sigma", "linear": "identity"}
READOUTS = {"sigmoid": "sigma", "linear": "identity"}
CLASSES = ("InputLayer", "LSTM", "Dense", "Dropout")
POLICIES = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16")

TRAINING = re.compile(
    r"name|trainable|dtype|(\w+_)?(initializer|regularizer|constraint)|unit_forget_bias"
    r"|(recurrent_)?dropout|seed|rate|noise_shape"
)
"""Options of every layer that change nothing once a network is trained (dtype is looked at)."""
OPTIONS: dict[str, dict[str, tuple[Any, ...]]] = {
    "InputLayer": {"batch_shape": (), "sparse": (False,), "ragged": (False,), "optional": (False,)},
    "LSTM": {
        "units": (),
        "activation": tuple(SQUASHES),
        "recurrent_activation": ("sigmoid",),
        "use_bias": (True, False),
        "return_sequences": (True, False),
        "return_state": (False,),
        "go_backwards": (False,),
        "stateful": (False,),
        "time_major": (False,),
        "unroll": (True, False),
        "zero_output_for_mask": (True, False),
        "implementation": (0, 1, 2),
        "use_cudnn": ("auto", True, False),
    },
    "Dense": {
        "units": (),
        "activation": tuple(READOUTS),
        "use_bias": (True, False),
        "lora_rank": (None,),
        "quantization_config": (None,),
    },
    "Dropout": {},
}
"""What each layer's other options may be; () for what is looked at elsewhere."""


@dataclass(frozen=True)
class Part:
    """One layer of the model: its class, its name, its options, and its group in the HDF5 file."""

    kind: str
    name: str
    options: dict[str, Any]
    group: str

    def number(self, option: str) -> int:
        value = self.options.get(option)
        if type(value) is not int or value < 1:
            raise self.error(f"{option} {shown(value)} must be a whole number, at least 1")
        return value

    def error(self, text: str) -> ModelError:
        return ModelError(f"{self.kind} {shown(self.name)}: {text}")


def load_keras(path: Path) -> Network:
    """Read a `.keras` file; `ModelError` names what is wrong or not supported."""
    members = _members(path)
    version = _object(json.loads(members[METADATA]), METADATA).get("keras_version")
    if not isinstance(version, str) or not version.startswith("3."):
        raise ModelError(f"keras_version {shown(version)}: must be 3")
    parts = _parts(_object(json.loads(members[CONFIG]), CONFIG))
    plan = _plan(parts)
    arrays = hdf5.read(WEIGHTS, members[WEIGHTS], {p.place: p.question for p in plan})
    return _network(plan, arrays, network_name(path))


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
                found[info.filename] = archive.read(info)
    for name in (METADATA, CONFIG, WEIGHTS):
        if name not in found:
            raise ModelError(f"{name} is missing; not a model file of Keras 3")
    return found


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelError(f"{what}: {shown(value)}, must be a JSON object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ModelError(f"{what}: {shown(value)}, must be a list")
    return value


def _parts(config: dict[str, Any]) -> list[Part]:
    """The model's layers in the order in which they compute."""
    kind = config.get("class_name")
    if kind not in ("Sequential", "Functional") or not _of_keras(config):
        raise ModelError(f"model {shown(kind)}: must be Sequential or Functional, of Keras itself")
    inner = _object(config.get("config"), "config of the model")
    parts, entries, used = [], {}, dict[str, int]()
    for entry in _list(inner.get("layers"), "layers"):
        part = _part(_object(entry, "layer"), used)
        if part.name in entries:
            raise part.error("a layer of this name is there twice")
        entries[part.name] = entry
        parts.append(part)
    return parts if kind == "Sequential" else _chain(inner, parts, entries)


def _part(entry: dict[str, Any], used: dict[str, int]) -> Part:
    """One layer; `used` counts the classes, after which Keras names the groups of weights."""
    kind = entry.get("class_name")
    options = _object(entry.get("config"), f"config of layer {shown(kind)}")
    name = options.get("name")
    if kind not in CLASSES or not _of_keras(entry):
        raise ModelError(
            f"layer {shown(name)}: {shown(kind)} is not supported; supported are "
            f"{', '.join(CLASSES)} of Keras itself"
        )
    if not isinstance(name, str):
        raise ModelError(f"{kind}: name {shown(name)} must be text")
    snake = {"InputLayer": "input_layer"}.get(kind, kind.lower())
    group = f"{snake}_{used[snake]}" if snake in used else snake
    used[snake] = used.get(snake, 0) + 1
    part = Part(kind, name, options, f"layers/{group}")
    for option, value in options.items():
        _check_option(part, option, value)
    return part


def _check_option(part: Part, option: str, value: Any) -> None:
    """Refuse an option that changes what is computed, or that nobody here knows."""
    if option == "dtype":
        policy = value
        if isinstance(value, dict):
            policy = _object(value.get("config"), f"dtype of {shown(part.name)}").get("name")
        if policy not in POLICIES:
            raise part.error(f"dtype {shown(policy)} is not supported")
        return
    if TRAINING.fullmatch(option):
        return
    allowed = OPTIONS[part.kind].get(option)
    if allowed == () or (allowed is None and value is None):
        return
    if allowed is None:
        raise part.error(f"option {shown(option)} is not known")
    if not any(type(value) is type(one) and value == one for one in allowed):
        listed = ", ".join(map(str, allowed))
        raise part.error(f"{option} {shown(value)} is not supported; supported: {listed}")


def _of_keras(entry: dict[str, Any]) -> bool:
    """Whether a class is Keras' own and not a user's of the same name."""
    module, registered = entry.get("module"), entry.get("registered_name")
    own = isinstance(module, str) and (module == "keras" or module.startswith("keras."))
    return own and registered in (None, entry.get("class_name"))


def _chain(inner: dict[str, Any], parts: list[Part], entries: dict[str, Any]) -> list[Part]:
    """The layers of a functional model, which must feed one another in one line."""
    before: dict[str, str | None] = {part.name: _source(part, entries[part.name]) for part in parts}
    ends = [inner.get("input_layers"), inner.get("output_layers")]
    named = []
    for end in ends:
        if isinstance(end, list) and len(end) == 1:
            end = end[0]
        if not isinstance(end, list) or len(end) != 3 or end[1:] != [0, 0]:
            raise ModelError(f"model: inputs, outputs {shown(ends)}: must be one of each")
        named.append(end[0])
    by_name, order, at = {part.name: part for part in parts}, [], named[1]
    while at is not None:
        if not isinstance(at, str) or at not in by_name or by_name[at] in order:
            raise ModelError(f"model: layer {shown(at)} is missing or feeds itself")
        order.append(by_name[at])
        at = before[at]
    if len(order) != len(parts) or order[-1].name != named[0]:
        left = next((part.name for part in parts if part not in order), named[0])
        raise ModelError(f"model: layer {shown(left)} is not in one line with the others")
    return order[::-1]


def _source(part: Part, entry: dict[str, Any]) -> str | None:
    """The one layer that feeds a layer; None for an InputLayer."""
    nodes = _list(entry.get("inbound_nodes"), f"inbound_nodes of {shown(part.name)}")
    if part.kind == "InputLayer" and not nodes:
        return None
    if len(nodes) != 1:
        raise part.error(f"is used {len(nodes)} times, must be once")
    node = _object(nodes[0], f"inbound node of {shown(part.name)}")
    arguments = _list(node.get("args"), f"args of {shown(part.name)}")
    for key, value in _object(node.get("kwargs"), f"kwargs of {shown(part.name)}").items():
        if value not in (None, False):
            raise part.error(f"is called with {shown(key)}, which is not supported")
    try:
        (argument,) = arguments
        history = argument["config"]["keras_history"]
        source, node_index, tensor_index = history
    except (ValueError, TypeError, KeyError):
        raise part.error("must have one input, the output of another layer") from None
    if (node_index, tensor_index) != (0, 0) or not isinstance(source, str):
        raise part.error(f"input {shown(history)} is not supported, must be a layer's only output")
    return source


@dataclass(frozen=True)
class Unit:
    """A layer with weights: where they lie in the HDF5 file, and their shapes."""

    part: Part
    place: str
    shapes: list[tuple[int, ...]]

    @property
    def question(self) -> dict[str, Any]:
        """What `hdf5_worker` is asked for."""
        owner = f"{self.part.group}/vars"
        return {"name": self.part.name, "owner": owner, "shapes": self.shapes}

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
        return np.ascontiguousarray(found[0].T), np.ascontiguousarray(found[1].T), bias


def _plan(parts: list[Part]) -> list[Unit]:
    """The LSTMs and the Dense in order, with the shapes that their options call for."""
    width: int | None = None
    units: list[Unit] = []
    for k, part in enumerate(parts):
        before = units[-1].part if units else None
        if part.kind == "InputLayer":
            shape = part.options.get("batch_shape")
            if k:
                raise part.error("must be the first layer")
            if not isinstance(shape, list) or len(shape) != 3 or type(shape[2]) is not int:
                raise part.error(f"batch_shape {shown(shape)}: must be [batch, steps, inputs]")
            width = shape[2]
        if part.kind not in ("LSTM", "Dense"):
            continue
        if width is None or width < 1:
            raise part.error("no InputLayer before it says how many inputs there are")
        if before and before.kind == "Dense":
            raise part.error("comes after a Dense, which must be last")
        if part.kind == "Dense" and not before:
            raise part.error("comes before the LSTM, which is not supported")
        if part.kind == "LSTM" and before and not before.options.get("return_sequences"):
            raise before.error("return_sequences must be true before another LSTM")
        count, biased = part.number("units"), part.options.get("use_bias", True)
        rows = 4 * count if part.kind == "LSTM" else count
        check_size(rows * (width + count + 1))
        recurrent = [(count, rows)] if part.kind == "LSTM" else []
        place = f"{part.group}/cell/vars" if part.kind == "LSTM" else f"{part.group}/vars"
        units.append(Unit(part, place, [(width, rows), *recurrent, *([(rows,)] if biased else [])]))
        width = count
    if not units:
        raise ModelError("model: no LSTM is in it")
    return units


def _network(units: list[Unit], arrays: dict[str, np.ndarray], name: str) -> Network:
    layers: list[Layer] = []
    readout = None
    every = "the last step"
    for unit in units:
        kernel, recurrent, bias = unit.take(arrays)
        options = unit.part.options
        if unit.part.kind == "Dense":
            readout = Readout(kernel, bias, READOUTS[options.get("activation", "linear")])
        else:
            squash = SQUASHES[options.get("activation", "tanh")]
            layers.append(forget_layer(ORDER, kernel, recurrent, bias, squash))
            every = "every step" if options.get("return_sequences") else "the last step"
    said = ", then ".join(f"{unit.part.kind} {shown(unit.part.name)}" for unit in units)
    return Network(tuple(layers), readout, name, f"Keras 3, {said}; output of {every}")
