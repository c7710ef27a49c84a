"""JSON of audio plug-ins: RTNeural and AIDA-X, GuitarML, and tensors by name.

RTNeural, AIDA-X  "layers" of a "type" with "weights" as Keras has them: kernel (D, 4 C),
                  recurrent kernel (C, 4 C), bias (4 C,), columns i | f | c | o; of a dense one
                  (D, K) and (K,). AIDA-X: "in_skip" 1 adds the input to the output, "in_gain"
                  and "out_gain" are factors in dB
GuitarML          "model_data" says what there is, "state_dict" has the tensors of PyTorch:
                  rec (nn.LSTM), then lin (nn.Linear); "skip" adds the input to the output
tensors by name   a PyTorch state_dict, as RTNeural takes it too
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.importers import check_file, check_finite, network_name, shown, stacked_layer
from golden.importers.assembly import network
from golden.importers.stages import Cells, Dense, Skip, Stage, normalisation
from golden.importers.state_dict import from_tensors
from golden.importers.state_dict_dense import EPSILON
from golden.network import Network
from golden.squash import Array

LARGEST = 1 << 26  # bytes of text; each number of it takes a few times its text in memory
ORDER = "ifgo"
FUNCTIONS = {"": "identity", "linear": "identity", "tanh": "tanh", "sigmoid": "sigma"}
SAYS = ("in_shape", "layers", "in_skip", "in_gain", "out_gain", "metadata", "input_batch")
ONE, ZERO = np.ones(()), np.zeros(())


def load_json(path: Path, order: Sequence[str] = ()) -> Network:
    """Read a `.json` file; `ModelError` names what is wrong or not supported."""
    if (size := check_file(path)) > LARGEST:
        raise ModelError(f"{size} bytes, allowed are {LARGEST} of a .json file")
    try:
        found = json.loads(path.read_bytes())
    except RecursionError:
        raise ModelError("not readable JSON (nested too deeply)") from None
    except ValueError as error:
        raise ModelError(f"not readable JSON ({error})") from None
    name = network_name(path)
    if not isinstance(found, dict):
        raise ModelError(f"holds {shown(found)}, must be a JSON object")
    if isinstance(found.get("layers"), list):
        return _layers(found, name)
    if isinstance(found.get("model_data"), dict) and isinstance(found.get("state_dict"), dict):
        return _guitar(found["model_data"], found["state_dict"], name)
    tensors = {key: _array(shown(key), value) for key, value in found.items()}
    return from_tensors(tensors, name, order, what="tensors by name in JSON")


def _array(what: str, value: Any) -> Array:
    """Nested lists of numbers as an array."""
    if not isinstance(value, list):
        raise ModelError(f"{what}: {shown(value)}, must be a list of numbers; not a model file of "
                         "RTNeural, AIDA-X or GuitarML")  # fmt: skip
    try:
        found = np.array(value)
    except (ValueError, OverflowError, RecursionError):
        found = np.empty(0, dtype=object)
    if found.dtype.kind not in "if" or not found.size:
        raise ModelError(f"{what}: must be lists of numbers, all of the same length")
    return check_finite(what, found.astype(np.float64))


def _guitar(said: dict[str, Any], state: dict[str, Any], name: str) -> Network:
    """A file of GuitarML."""
    if said.get("unit_type") != "LSTM":
        raise ModelError(f"unit_type {shown(said.get('unit_type'))} is not supported, only LSTM")
    tensors = {key: _array(shown(key), value) for key, value in state.items()}
    skip = said.get("skip", 0)
    if type(skip) is not int or skip < 0:
        raise ModelError(f"skip {shown(skip)}: must be a whole number")
    modules = dict.fromkeys(key.rpartition(".")[0] for key in tensors)
    order = [module for module in ("rec", "lin") if module in modules]
    if sorted(order) != sorted(modules):
        raise ModelError(f"modules {', '.join(map(shown, modules))}: must be rec and lin")
    inputs = next((v.shape[-1] for key, v in tensors.items() if "weight_ih" in key), 0)
    behind = (_skip("skip", skip, inputs),) if 0 < skip <= inputs else ()
    if skip > inputs:
        raise ModelError(f"skip {skip}: there are {inputs} inputs")
    return from_tensors(tensors, name, order, behind, "GuitarML")


def _skip(key: str, count: int, inputs: int, gain: Sequence[Dense] = ()) -> Skip:
    """The first values of the input added, behind a gain."""
    first = Dense(f"the first {count} inputs", np.eye(count, inputs), ZERO)
    return Skip(f"{key} {count}", (*gain, first) if count < inputs else tuple(gain))


def _layers(found: dict[str, Any], name: str) -> Network:
    """A file of RTNeural or AIDA-X."""
    for key in found:
        if key not in SAYS:
            raise ModelError(f"{shown(key)} is not known; not a model file of RTNeural or AIDA-X")
    shape = found.get("in_shape")
    width = shape[-1] if isinstance(shape, list) and shape else None
    if type(width) is not int or width < 1:
        raise ModelError(f"in_shape {shown(shape)}: must end with the number of inputs")
    gain = _gain(found, "in_gain")
    stages: list[Stage] = list(gain)
    names, inputs = [], width
    for k, layer in enumerate(found["layers"]):
        made, width = _layer(k, layer, width)
        stages += made
        names += [made[0].name] if made else []
    if found.get("in_skip") not in (None, 0, 1):
        raise ModelError(f"in_skip {shown(found['in_skip'])}: must be 0 or 1")
    stages += [_skip("in_skip", 1, inputs, gain)] if found.get("in_skip") else []
    stages += _gain(found, "out_gain")
    return network(stages, name, f"JSON of RTNeural, read as {', then '.join(names)}")


def _gain(found: dict[str, Any], key: str) -> list[Dense]:
    """A factor in dB."""
    gain = found.get(key) or 0
    if type(gain) not in (int, float) or not -90 < gain < 90:
        raise ModelError(f"{key} {shown(gain)}: must be a number of dB, from -90 to 90")
    return [Dense(f"{key} {gain:g} dB", np.array(10 ** (gain / 20)), ZERO)] if gain else []


def _layer(k: int, layer: Any, width: int) -> tuple[list[Stage], int]:
    """The stages of one layer, and how many values they give."""
    if not isinstance(layer, dict):
        raise ModelError(f"layer {k}: {shown(layer)}, must be a JSON object")
    kind, function = layer.get("type"), layer.get("activation", "")
    if not isinstance(kind, str) or kind not in LAYERS:
        raise ModelError(
            f"layer {k}: type {shown(kind)} is not supported; supported are {', '.join(LAYERS)}"
        )
    if not isinstance(function, str):
        raise ModelError(f"layer {k}: activation {shown(function)}, must be a word")
    weights = layer.get("weights", [])
    if not isinstance(weights, list):
        raise ModelError(f"layer {k}: weights {shown(weights)}, must be a list")
    label = f"{kind} layer {k}"
    arrays = [_array(f"weights {n} of {label}", values) for n, values in enumerate(weights)]
    stages = LAYERS[kind](label, layer, arrays, width)
    last = stages[-1] if stages else None
    made = width if last is None or last.outputs is None else last.outputs
    shape = layer.get("shape")
    if isinstance(shape, list) and shape and shape[-1] not in (None, made):
        raise ModelError(f"{label}: shape {shown(shape)}, its weights give {made} values")
    if kind == "lstm":
        if function not in ("", "tanh"):
            raise ModelError(f"{label}: activation {shown(function)} is not supported, only tanh")
        return stages, made
    if FUNCTIONS.get(function) != "identity":
        name = FUNCTIONS.get(function, function[:20])
        stages = [*stages, Dense(f"{label}, {shown(function)[1:-1]}", ONE, ZERO, name)]
    return stages, made


def _check(label: str, arrays: list[Array], shapes: list[tuple[int | None, ...]]) -> None:
    """Refuse weights of other shapes; None is any number."""
    if len(arrays) != len(shapes):
        raise ModelError(f"{label}: {len(arrays)} arrays of weights, must be {len(shapes)}")
    for n, (values, shape) in enumerate(zip(arrays, shapes, strict=True)):
        fits = values.ndim == len(shape) and all(
            size in (None, have) for size, have in zip(shape, values.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise ModelError(f"weights {n} of {label}: shape {values.shape}, must be ({wanted})")


def _lstm(label: str, layer: dict[str, Any], arrays: list[Array], width: int) -> list[Stage]:
    cells = arrays[1].shape[0] if len(arrays) > 1 else 0
    _check(label, arrays, [(width, 4 * cells), (cells, 4 * cells), (4 * cells,)])
    x, y, bias = arrays
    return [Cells(label, (stacked_layer(ORDER, x.T.copy(), y.T.copy(), bias),))]


def _dense(label: str, layer: dict[str, Any], arrays: list[Array], width: int) -> list[Stage]:
    units = arrays[0].shape[-1] if arrays else 0
    _check(label, arrays, [(width, units), (units,)][: max(len(arrays), 1)])
    return [Dense(label, arrays[0].T.copy(), arrays[1] if len(arrays) > 1 else ZERO)]


def _convolution(label: str, layer: dict[str, Any], arrays: list[Array], width: int) -> list[Stage]:
    size = arrays[0].shape[0] if arrays else 0
    if size != 1 or layer.get("groups", 1) != 1:
        raise ModelError(f"{label}: a convolution over {size} steps, supported is 1")
    return _dense(label, layer, [arrays[0][0], *arrays[1:]], width)


def _normalised(label: str, layer: dict[str, Any], arrays: list[Array], width: int) -> list[Stage]:
    _check(label, arrays, [(width,)] * (4 if len(arrays) != 2 else 2))
    *affine, mean, variance = arrays
    epsilon = layer.get("epsilon", EPSILON)
    if type(epsilon) not in (int, float) or (variance + epsilon <= 0).any():
        raise ModelError(f"{label}: epsilon {shown(epsilon)} and its variances must be above 0")
    scale, shift = affine or (ONE, ZERO)
    return [Dense(label, *normalisation(scale, shift, mean, variance + epsilon))]


def _nothing(label: str, layer: dict[str, Any], arrays: list[Array], width: int) -> list[Stage]:
    _check(label, arrays, [])
    return []


LAYERS: dict[str, Callable[[str, dict[str, Any], list[Array], int], list[Stage]]] = {
    "lstm": _lstm,
    "dense": _dense,
    "time-distributed-dense": _dense,
    "conv1d": _convolution,
    "batchnorm": _normalised,
    "activation": _nothing,
}
