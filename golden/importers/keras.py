"""Keras 3: a `.keras` file, read from its JSON and its HDF5 weights without Keras.

    kernel (D, 4 C), recurrent_kernel (C, 4 C), bias (4 C,)      columns i | f | c | o

A chain of InputLayer, LSTM, Dropout (nothing at inference) and a Dense at the end is understood,
Sequential or functional. Options that change what is computed are refused by name; options that
only say how the network was trained are read over.
"""

import io
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
    import h5py

    members = _members(path)
    version = _object(json.loads(members[METADATA]), METADATA).get("keras_version")
    if not isinstance(version, str) or not version.startswith("3."):
        raise ModelError(f"keras_version {shown(version)}: must be 3")
    parts = _parts(_object(json.loads(members[CONFIG]), CONFIG))
    with h5py.File(io.BytesIO(members[WEIGHTS]), "r") as file:
        return _network(_Weights(h5py, file), parts, network_name(path))


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


class _Weights:
    """The HDF5 file: plain data sets of its own, each as large as it says."""

    def __init__(self, h5py: Any, file: Any):
        self._h5py, self._file = h5py, file
        self.taken: set[str] = set()

    def take(self, part: Part, group: str, shapes: list[tuple[int, ...]]) -> list[Array]:
        """The variables of one layer, in order."""
        place = f"{part.group}/{group}vars" if group else f"{part.group}/vars"
        variables = self._group(place)
        own = self._group(f"{part.group}/vars").attrs.get("name", part.name)
        if own != part.name:
            raise part.error(f"its weights in {place} belong to {shown(own)}")
        if len(variables) != len(shapes):
            raise part.error(f"{place} has {len(variables)} arrays, must have {len(shapes)}")
        self.taken.add(part.group.removeprefix("layers/"))
        return [self._array(f"{place}/{k}", shape) for k, shape in enumerate(shapes)]

    def _group(self, place: str) -> Any:
        found = self._step(place)
        if not isinstance(found, self._h5py.Group):
            raise ModelError(f"{WEIGHTS}: {place} is not a group")
        return found

    def _step(self, place: str) -> Any:
        """What lies at a place, along links that stay in the file."""
        found = self._file
        for name in place.split("/"):
            link = found.get(name, getlink=True) if isinstance(found, self._h5py.Group) else None
            if not isinstance(link, self._h5py.HardLink):
                raise ModelError(f"{WEIGHTS}: {place} is missing")
            found = found[name]
        return found

    def _array(self, place: str, shape: tuple[int, ...]) -> Array:
        found = self._step(place)
        if not isinstance(found, self._h5py.Dataset):
            raise ModelError(f"{WEIGHTS}: {place} is not an array")
        if found.shape != shape:
            raise ModelError(f"{WEIGHTS}: {place} has shape {found.shape}, must be {shape}")
        if found.dtype not in (np.float16, np.float32, np.float64):
            raise ModelError(
                f"{WEIGHTS}: {place} has type {found.dtype}, allowed are float16, float32, float64"
            )
        size = found.id.get_storage_size()
        if found.chunks or found.external or found.is_virtual or size != found.nbytes:
            raise ModelError(f"{WEIGHTS}: {place} is not stored in one piece in the file")
        with np.errstate(invalid="ignore"):  # a signalling NaN, which is refused by name here
            return check_finite(place, found[()].astype(np.float64))

    def check_all_taken(self) -> None:
        """Refuse weights that no layer of the model asked for."""
        for name, group in self._group("layers").items():
            if name in self.taken or not isinstance(group, self._h5py.Group):
                continue
            for place in ("vars", "cell/vars"):
                if len(group.get(place, ())):
                    raise ModelError(f"{WEIGHTS}: layers/{shown(name)} belongs to no layer")


def _network(weights: _Weights, parts: list[Part], name: str) -> Network:
    layers: list[Layer] = []
    readout, inputs, last, said = None, None, None, []
    for k, part in enumerate(parts):
        if part.kind == "InputLayer" and k:
            raise part.error("must be the first layer")
        if part.kind == "InputLayer":
            shape = part.options.get("batch_shape")
            if not isinstance(shape, list) or len(shape) != 3 or type(shape[2]) is not int:
                raise part.error(f"batch_shape {shown(shape)}: must be [batch, steps, inputs]")
            inputs = shape[2]
        if part.kind not in ("LSTM", "Dense"):
            continue
        if readout is not None:
            raise part.error("comes after a Dense, which must be last")
        if last is not None and part.kind == "LSTM" and not last.options.get("return_sequences"):
            raise last.error("return_sequences must be true before another LSTM")
        if part.kind == "LSTM":
            layers.append(_lstm(weights, part, layers[-1].shape.cells if layers else inputs))
            last = part
        elif not layers:
            raise part.error("comes before the LSTM, which is not supported")
        else:
            readout = _dense(weights, part, layers[-1].shape.cells)
        said.append(f"{part.kind} {shown(part.name)}")
    if last is None:
        raise ModelError("model: no LSTM is in it")
    weights.check_all_taken()
    every = "every step" if last.options.get("return_sequences") else "the last step"
    made_by = f"Keras 3, {', then '.join(said)}; output of {every}"
    return Network(tuple(layers), readout, name, made_by)


def _lstm(weights: _Weights, part: Part, inputs: int | None) -> Layer:
    if inputs is None:
        raise part.error("no InputLayer before it says how many inputs there are")
    cells, biased = part.number("units"), part.options.get("use_bias", True)
    check_size(4 * cells * (inputs + cells + 1))
    shapes = [(inputs, 4 * cells), (cells, 4 * cells), *([(4 * cells,)] if biased else [])]
    kernel, recurrent, *bias = weights.take(part, "cell/", shapes)
    squash = SQUASHES[part.options.get("activation", "tanh")]
    row = bias[0] if bias else np.zeros(4 * cells)
    return forget_layer(ORDER, kernel.T, recurrent.T, row, squash)


def _dense(weights: _Weights, part: Part, cells: int) -> Readout:
    outputs, biased = part.number("units"), part.options.get("use_bias", True)
    check_size(outputs * (cells + 1))
    kernel, *bias = weights.take(part, "", [(cells, outputs), *([(outputs,)] if biased else [])])
    squash = READOUTS[part.options.get("activation", "linear")]
    return Readout(np.ascontiguousarray(kernel.T), bias[0] if bias else np.zeros(outputs), squash)
