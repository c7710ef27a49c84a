"""Model files: a compressed `.npz` of the weights and one JSON header with a schema version.

Arrays are `layer0.weights.i`, `layer0.biases.i`, ... of an LSTM, `dense0.weights`, `dense0.biases`,
... of its dense stages before the last, `readout.weights`, `readout.biases` of the last one, and
`hidden.weights`, `hidden.biases`, `readout.*` for a plain recurrent network; the header (a string
array `header`) holds everything that is not a number of the network. Nothing is ever unpickled, and
a size that a header claims is compared with what is there before any memory is asked for.

`load` reads files of other frameworks too, with `golden.importers`, by their suffix.
"""

import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from golden.arrays import UNREADABLE, read_arrays, reason
from golden.cell import Layer
from golden.dense import Dense
from golden.errors import ModelError
from golden.files import check_readable, replacing
from golden.network import Network
from golden.rnn import RecurrentNetwork
from golden.version import install
from golden.wiring import labels

Kind = TypeVar("Kind")
SCHEMA = 2
READ = (1, 2)
# Fields of the header and of a layer in it, by kind of model; some from a version on.
FIELDS = {"schema": 1, "kind": 1, "name": 1, "made_by": 1, "readout": 1, "dense": 1}
OWN_FIELDS = {"lstm": {"layers": 1, "stem": 1, "reads": 1, "output": 2}, "rnn": {"squash": 1}}
CELL_FIELDS = {"kinds": 1, "block_size": 1, "gate_recurrence": 1, "g": 1, "h": 1}
LAYER_FIELDS = CELL_FIELDS | {"options": 2, "extras": 2}
OPTIONS = {"gate": str, "coupled": bool, "reverse": bool, "beside": bool, "clip": dict}
IMPORTERS = {  # suffix -> module of golden.importers, its function
    ".onnx": ("onnx", "load_onnx"),
    ".safetensors": ("pytorch", "load_safetensors"),
    ".pt": ("pytorch", "load_pt"),
    ".pth": ("pytorch", "load_pt"),
    ".keras": ("keras", "load_keras"),
    ".h5": ("keras", "load_h5"),
    ".json": ("audio_json", "load_json"),
}
ORDERED = (".safetensors", ".pt", ".pth", ".json")
SUFFIXES = (".npz", *IMPORTERS)
LARGEST = 1 << 30  # bytes of all arrays together; a file that claims more is broken


def save(net: Network | RecurrentNetwork, path: str | Path) -> None:
    """Write `net` to `path` (to a file next to it, which is then renamed, so that no half file is
    ever seen).

    Raises
    ------
    ModelError : a suffix other than .npz, or a place that cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    header, arrays = _plain_rnn(net) if isinstance(net, RecurrentNetwork) else _plain_lstm(net)
    header = {"schema": SCHEMA, "name": net.name, "made_by": net.made_by, **header}
    stem, head = (net.stem, net.head) if isinstance(net, Network) else ((), (net.readout,))
    for label, stage in zip(labels(len(head), len(stem)), (*stem, *head), strict=True):
        name = label.replace(" ", "")
        arrays[f"{name}.weights"], arrays[f"{name}.biases"] = stage.weights, stage.biases
    if head:
        header["readout"] = head[-1].squash
    if len(head) > 1:
        header["dense"] = [stage.squash for stage in head[:-1]]
    if isinstance(net, Network) and net.reads:
        header |= {"stem": [stage.squash for stage in stem], "reads": net.reads}
    with replacing(path, ModelError) as other, other.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)


def check_suffix(path: Path) -> None:
    """Refuse a file that no model can be saved to, as `save` does."""
    if path.suffix != ".npz":
        raise ModelError(
            f"{path}: suffix {path.suffix!r} is not a known model format; known is .npz"
        )


def load(path: str | Path, order: Sequence[str] = ()) -> Network:
    """Read an LSTM, of this project (.npz) or of another framework (`IMPORTERS`), by its suffix.

    Parameters
    ----------
    order : names of the modules of a PyTorch state_dict in the order in which they compute; () as
        far as that can be assumed.

    Raises
    ------
    ModelError : names the file and what is wrong with it, or what of it is not supported.
    """
    net = _load(Path(path), order)
    if not isinstance(net, Network):
        raise ModelError(
            f"{path}: a plain recurrent network (kind 'rnn'), must be an LSTM (kind 'lstm')"
        )
    return replace(net, reading=replace(net.reading, order=tuple(order))) if order else net


def load_rnn(path: str | Path) -> RecurrentNetwork:
    """Read a plain recurrent network; `ModelError` names the file and what is wrong with it."""
    net = _load(Path(path))
    if not isinstance(net, RecurrentNetwork):
        raise ModelError(
            f"{path}: an LSTM (kind 'lstm'), must be a plain recurrent network (kind 'rnn')"
        )
    return net


def _plain_lstm(net: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    layers, arrays = [], {}
    for k, layer in enumerate(net.layers):
        options = {"block_size": layer.block_size, "gate_recurrence": layer.gate_recurrence}
        options |= {"g": layer.g, "h": layer.h, "kinds": list(layer.shape.kinds)}
        plain = {name: getattr(layer, name) for name in OPTIONS}
        extras = {f"peepholes.{kind}": values for kind, values in layer.peepholes.items()}
        extras |= {f"initial.{name}": values for name, values in layer.initial.items()}
        if layer.projection is not None:
            extras["projection"] = layer.projection
        clip = {name: list(map(float, ends)) for name, ends in layer.clip.items()}
        layers.append({**options, "options": {**plain, "clip": clip}, "extras": list(extras)})
        for kind in layer.shape.kinds:
            arrays[f"layer{k}.weights.{kind}"] = layer.weights[kind]
            arrays[f"layer{k}.biases.{kind}"] = layer.biases[kind]
        arrays |= {f"layer{k}.{name}": values for name, values in extras.items()}
    return {"kind": "lstm", "layers": layers, "output": net.output}, arrays


def _plain_rnn(net: RecurrentNetwork) -> tuple[dict[str, Any], dict[str, Any]]:
    arrays = {"hidden.weights": net.weights, "hidden.biases": net.biases}
    return {"kind": "rnn", "squash": net.squash}, arrays


def _load(path: Path, order: Sequence[str] = ()) -> Network | RecurrentNetwork:
    check_readable(path, ModelError)
    try:
        if order and path.suffix not in ORDERED:
            raise ModelError(
                f"order: only of a state_dict ({', '.join(ORDERED)}), not of this file"
            )
        if path.suffix in IMPORTERS:
            return _foreign(path, order)
        return _build(_read(path))
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except UNREADABLE as error:
        raise ModelError(f"{path}: not a readable model file ({reason(error)})") from None


def _foreign(path: Path, order: Sequence[str]) -> Network:
    """A network of another framework; what reads it is imported now."""
    module, function = IMPORTERS[path.suffix]
    told = {"order": order} if order else {}
    try:
        return getattr(importlib.import_module(f"golden.importers.{module}"), function)(
            path, **told
        )
    except ModuleNotFoundError as error:
        raise ModelError(f"reading {path.suffix} needs {error.name}: {install('import')}") from None


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix != ".npz":
        raise ModelError(
            f"suffix {path.suffix!r} is not a known model format; known are {', '.join(SUFFIXES)}"
        )
    return read_arrays(path, "a model file", LARGEST)


def _build(arrays: dict[str, np.ndarray]) -> Network | RecurrentNetwork:
    header = _header(arrays)
    kind = header.get("kind")
    if kind not in ("lstm", "rnn"):
        raise ModelError(f"kind {kind!r}: allowed are 'lstm', 'rnn'")
    _check_fields(header, FIELDS | OWN_FIELDS[kind], header["schema"])
    name, made_by = _field(header, "name", str), _field(header, "made_by", str)
    layers = (
        [
            _layer(k, options, arrays, header["schema"])
            for k, options in enumerate(_field(header, "layers", list))
        ]
        if kind == "lstm"
        else []
    )
    hidden = (
        [_take(arrays, f"hidden.{part}") for part in ("weights", "biases")] if kind == "rnn" else []
    )
    stem, head, reads = _stem(header, arrays), _head(header, arrays), _reads(header)
    if arrays:
        version = header["schema"]
        raise ModelError(f"array {next(iter(arrays))!r} is not part of a version {version} model")
    if kind == "lstm":
        output = _field(header, "output", str) if header["schema"] > 1 else "every"
        return Network(tuple(layers), head, name, made_by, output, stem=stem, reads=reads)
    if len(head) != 1:
        raise ModelError(
            f"{len(head)} dense stages; a plain recurrent network needs one, its readout"
        )
    return RecurrentNetwork(
        hidden[0], hidden[1], head[0], _field(header, "squash", str), name, made_by
    )


def _check_fields(header: dict[str, Any], known: dict[str, int], version: int) -> None:
    """Refuse fields that such a file does not have: passed over, they would be lost in silence."""
    for name in header:
        if known.get(name, SCHEMA + 1) > version:
            raise ModelError(f"header: {name!r} is not part of a version {version} model")


def _head(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[Dense, ...]:
    """The dense stages; files from before there could be several have no list of the others."""
    if "readout" not in header and "dense" not in header:
        return ()
    squashes = _field(header, "dense", list) if "dense" in header else []
    squashes = [*squashes, _field(header, "readout", str)]
    return _dense("dense", labels(len(squashes)), squashes, arrays)


def _stem(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[Dense, ...]:
    """The dense stages in front of and between the layers, of which most files have none."""
    squashes = _field(header, "stem", list) if "stem" in header else []
    return _dense("stem", labels(0, len(squashes)), squashes, arrays)


def _reads(header: dict[str, Any]) -> tuple[tuple[int, ...], ...]:
    """Which stage reads what, in files whose stages are not in a row."""
    reads = _field(header, "reads", list) if "reads" in header else []
    if not all(isinstance(each, list) and all(type(k) is int for k in each) for each in reads):
        raise ModelError(f"header: 'reads' is {reads!r}, must be lists of whole numbers")
    return tuple(map(tuple, reads))


def _dense(
    what: str, names: Sequence[str], squashes: list[Any], arrays: dict[str, np.ndarray]
) -> tuple[Dense, ...]:
    """The dense stages of these names."""
    stages = []
    for label, squash in zip(names, squashes, strict=True):
        name = label.replace(" ", "")
        weights, biases = (_take(arrays, f"{name}.{part}") for part in ("weights", "biases"))
        if not isinstance(squash, str):
            raise ModelError(f"header: {what!r} has {squash!r}, must be names")
        try:
            stages.append(Dense(weights, biases, squash))
        except ModelError as error:
            raise ModelError(f"{label}: {error}") from None
    return tuple(stages)


def _header(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if "header" not in arrays:
        raise ModelError("header is missing; not a model file of this project")
    text = arrays.pop("header")
    if text.shape != () or text.dtype.kind != "U":
        raise ModelError(f"header: type {text.dtype} of shape {text.shape}, must be one string")
    header = json.loads(str(text))
    version = header.get("schema") if isinstance(header, dict) else None
    if type(version) is not int or version not in READ:
        known = " and ".join(map(str, READ))
        raise ModelError(f"schema version {version!r}: this program reads versions {known}")
    return header


def _layer(k: int, options: Any, arrays: dict[str, np.ndarray], version: int) -> Layer:
    if not isinstance(options, dict):
        raise ModelError(f"layer {k}: header entry {options!r}, must be a JSON object")
    try:
        _check_fields(options, LAYER_FIELDS, version)
        kinds = _field(options, "kinds", list)
        if kinds not in (["i", "o", "g"], ["i", "f", "o", "g"]):
            raise ModelError(
                f"kinds {kinds!r}: allowed are ['i', 'o', 'g'] and ['i', 'f', 'o', 'g']"
            )
        values = {
            part: {kind: _take(arrays, f"layer{k}.{part}.{kind}") for kind in kinds}
            for part in ("weights", "biases")
        }
        return Layer(
            values["weights"],
            values["biases"],
            _field(options, "block_size", int),
            _field(options, "gate_recurrence", bool),
            _field(options, "g", str),
            _field(options, "h", str),
            **(_kind_of_cell(k, options, arrays) if version > 1 else {}),
        )
    except ModelError as error:
        raise ModelError(f"layer {k}: {error}") from None


def _kind_of_cell(k: int, options: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The fields of a `Layer` that version 1 did not know."""
    inner = _field(options, "options", dict)
    found: dict[str, Any] = {name: _field(inner, name, kind) for name, kind in OPTIONS.items()}
    if set(inner) != set(OPTIONS):
        raise ModelError(f"header: options {', '.join(inner)}, must be {', '.join(OPTIONS)}")
    for name, ends in found["clip"].items():
        if not isinstance(ends, list) or not all(type(end) in (int, float) for end in ends):
            raise ModelError(f"header: clip of {name!r} is {ends!r}, must be two numbers")
    found["clip"] = {name: tuple(ends) for name, ends in found["clip"].items()}
    found |= {"peepholes": {}, "initial": {}}
    for name in _field(options, "extras", list):
        part, _, kind = name.partition(".") if isinstance(name, str) else ("", "", "")
        if part not in ("peepholes", "initial", "projection") or bool(kind) == (
            part == "projection"
        ):
            raise ModelError(f"header: extra {name!r} is not known")
        values = _take(arrays, f"layer{k}.{name}")
        if kind:
            found[part][kind] = values
        else:
            found[part] = values
    return found


def _field(header: dict[str, Any], name: str, kind: type[Kind]) -> Kind:
    if name not in header:
        raise ModelError(f"header: {name!r} is missing")
    value = header[name]
    if type(value) is not kind:
        raise ModelError(f"header: {name!r} is {value!r}, must be of type {kind.__name__}")
    return value


def _take(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in arrays:
        raise ModelError(f"array {name!r} is missing")
    return arrays.pop(name)
