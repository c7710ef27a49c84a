"""The layers of a Keras model in the order in which they compute, from its configuration.

Understood is a chain of the layers in `CLASSES`, Sequential or functional, also within one another.
Options that change what is computed beyond what is listed here are refused by name; options that
only say how the network was trained are read over.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.importers import shown
from golden.importers.keras_options import (
    CLASSES,
    DEEPEST,
    MASKING,
    MODELS,
    OPTIONS,
    POLICIES,
    TRAINING,
    WITHIN,
)
from golden.squash import Array

SAME = ("units", "activation", "recurrent_activation", "use_bias", "return_sequences", "stateful")
"""What the two directions of a Bidirectional must agree in."""


@dataclass(frozen=True)
class KerasLayer:
    """One layer of the model.

    Attributes
    ----------
    kind, name, options : its class, its name, its configuration.
    group : its place in the HDF5 file.
    inner : the forward and the backward LSTM of a Bidirectional; the layers of a model.
    owner : the layer of the outermost model that it is in; its own name, unless it is within one.
    place : where it stands in the configuration, model by model, layer by layer.
    """

    kind: str
    name: str
    options: dict[str, Any]
    group: str = ""
    inner: tuple["KerasLayer", ...] = ()
    owner: str = ""
    place: tuple[int, ...] = ()

    @property
    def lstms(self) -> tuple["KerasLayer", ...]:
        """The LSTMs that it is: one, two, or none."""
        if self.kind == "LSTM":
            return (self,)
        return self.inner if self.kind == "Bidirectional" else ()

    def flag(self, option: str) -> bool:
        """An option that is off unless it is said."""
        return self.options.get(option) is True

    def number(self, option: str) -> int:
        value = self.options.get(option)
        if type(value) is not int or value < 1:
            raise self.error(f"{option} {shown(value)} must be a whole number, at least 1")
        return value

    def real(self, option: str) -> float:
        value = self.options.get(option, 0.0)
        if type(value) not in (int, float) or not np.isfinite(value):
            raise self.error(f"{option} {shown(value)} must be a number")
        return float(value)

    def reals(self, option: str, count: int) -> Array:
        """An option of nested lists of so many numbers, or of one for all."""
        try:
            found = np.array(self.options.get(option), dtype=np.float64).reshape(-1)
        except (TypeError, ValueError, OverflowError):
            found = np.empty(0)
        if len(found) not in (1, count) or not np.isfinite(found).all():
            raise self.error(f"{option}: must be {count} numbers")
        return np.broadcast_to(found, (count,))

    @property
    def title(self) -> str:
        """How stages call it."""
        return f"{self.kind} {shown(self.name)}"

    def __str__(self) -> str:
        """How it was read."""
        kind = [word for word in ("go_backwards", "stateful") if self.flag(word)]
        return f"{self.kind} {shown(self.name)}" + (f" ({', '.join(kind)})" if kind else "")

    def error(self, text: str) -> ModelError:
        return ModelError(f"{self.kind} {shown(self.name)}: {text}")


def as_object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelError(f"{what}: {shown(value)}, must be a JSON object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ModelError(f"{what}: {shown(value)}, must be a list")
    return value


def chain(config: dict[str, Any], old: bool = False) -> list[KerasLayer]:
    """The model's layers in the order in which they compute; `old` in the form of an .h5."""
    _check_model(config, old)
    return _layers(config, "layers", old, 0)


def _check_model(config: dict[str, Any], old: bool) -> None:
    kind = config.get("class_name")
    known = kind in MODELS or (old and kind == "Model")
    if not known or not _of_keras(config, old):
        raise ModelError(f"model {shown(kind)}: must be Sequential or Functional, of Keras itself")


def _layers(config: dict[str, Any], place: str, old: bool, depth: int) -> list[KerasLayer]:
    """The layers of a model whose groups lie at `place`, those of inner models in their place."""
    if depth > DEEPEST:
        raise ModelError(f"models within models: allowed are {DEEPEST}")
    inner = as_object(config.get("config"), "config of the model")
    parts, entries, used = [], {}, dict[str, int]()
    for entry in map(lambda one: as_object(one, "layer"), _list(inner.get("layers"), "layers")):
        part = _in_group(_entry(entry, old), used, place)
        part = replace(part, place=(len(parts),))
        if part.kind in MODELS:
            found = _layers(entry, f"{part.group}/layers", old, depth + 1)
            part = replace(part, inner=tuple(one for one in found if one.kind != "InputLayer"))
        if part.name in entries:
            raise part.error("a layer of this name is there twice")
        entries[part.name] = entry
        parts.append(part)
    if config.get("class_name") == "Sequential":
        parts = _with_input(parts, old)
    else:
        parts = _in_line(inner, parts, entries)
    return [one for part in parts for one in _flat(part)]


def _flat(part: KerasLayer) -> list[KerasLayer]:
    """The layer; the layers of a model with their owner and place, and so the LSTMs of a
    Bidirectional."""
    inner = [
        replace(one, owner=part.owner or part.name, place=(*part.place, *(one.place or (k,))))
        for k, one in enumerate(part.inner)
    ]
    if part.kind in MODELS:
        return [found for one in inner for found in ([one] if not one.inner else _flat(one))]
    return [replace(part, inner=tuple(inner))]


def _with_input(parts: list[KerasLayer], old: bool) -> list[KerasLayer]:
    """Keras 2 may leave the InputLayer out, and say its shape in the first layer."""
    shape = parts[0].options.get("batch_input_shape") if parts else None
    if old and shape is not None and parts[0].kind != "InputLayer":
        return [KerasLayer("InputLayer", "input", {"batch_shape": shape}), *parts]
    return parts


def _entry(entry: dict[str, Any], old: bool) -> KerasLayer:
    """One layer; what only wraps another one as that one."""
    if entry.get("class_name") in (*MODELS, "Model"):
        _check_model(entry, old)
        inner = as_object(entry.get("config"), "config of the model")
        return KerasLayer(MODELS[entry["class_name"] != "Sequential"], str(inner.get("name")), {})
    if entry.get("class_name") == "Masking":
        raise ModelError(f"Masking: {MASKING}")
    part = _part(entry, CLASSES, old)
    if part.kind == "InputLayer" and "batch_shape" not in part.options:
        shape = part.options.get("batch_input_shape")
        return replace(part, options={**part.options, "batch_shape": shape})
    return part


def _inside(part: KerasLayer, group: str, old: bool) -> KerasLayer:
    """A TimeDistributed as its layer, an RNN as the LSTM that its cell makes."""
    option, classes = ("cell", ("LSTMCell",)) if part.kind == "RNN" else ("layer", WITHIN)
    entry = as_object(part.options.get(option), f"{option} of {shown(part.name)}")
    one = _part(entry, classes, old)
    if part.kind == "RNN":
        return replace(part, kind="LSTM", options={**one.options, **part.options}, group=group)
    return replace(one, group=f"{group}/layer")


def _part(entry: dict[str, Any], classes: tuple[str, ...], old: bool = False) -> KerasLayer:
    """One layer, of one of these classes; its options are looked at."""
    kind = entry.get("class_name")
    options = as_object(entry.get("config"), f"config of layer {shown(kind)}")
    name = options.get("name")
    if kind not in classes or not _of_keras(entry, old):
        raise ModelError(
            f"layer {shown(name)}: {shown(kind)} is not supported; supported are "
            f"{', '.join(classes)} of Keras itself"
        )
    if not isinstance(name, str):
        raise ModelError(f"{kind}: name {shown(name)} must be text")
    part = KerasLayer(kind, name, options)
    for option, value in options.items():
        _check_option(part, option, value)
    return part


def _in_group(part: KerasLayer, used: dict[str, int], place: str) -> KerasLayer:
    """The layer with its group of weights: Keras counts the classes, which is what `used` does."""
    snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", part.kind))
    number = used[snake] = used.get(snake, -1) + 1
    group = f"{place}/{snake.lower()}_{number}" if number else f"{place}/{snake.lower()}"
    if part.kind in ("RNN", "TimeDistributed"):
        return replace(_inside(part, group, True), owner=part.name)
    inner = _directions(part, group) if part.kind == "Bidirectional" else ()
    return replace(part, group=group, inner=inner, owner=part.name)


def _directions(part: KerasLayer, group: str) -> tuple[KerasLayer, ...]:
    """The forward and the backward LSTM of a Bidirectional."""
    found = []
    for option, inside, backwards in (
        ("layer", "forward_layer", False),
        ("backward_layer", "backward_layer", True),
    ):
        entry = as_object(part.options.get(option), f"{option} of {shown(part.name)}")
        one = _part(entry, ("LSTM",), True)
        if one.flag("go_backwards") != backwards:
            raise one.error(f"go_backwards {not backwards} is not supported of a {inside}")
        found.append(replace(one, group=f"{group}/{inside}", owner=part.name))
    for option in SAME:
        forward, backward = (one.options.get(option) for one in found)
        if forward != backward:
            raise part.error(
                f"{option} {shown(forward)} forward, {shown(backward)} backward: must be the same"
            )
    return tuple(found)


def _check_option(part: KerasLayer, option: str, value: Any) -> None:
    """Refuse an option that changes what is computed, or that is not known here."""
    if option == "dtype":
        policy = value
        if isinstance(value, dict):
            policy = as_object(value.get("config"), f"dtype of {shown(part.name)}").get("name")
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


def _of_keras(entry: dict[str, Any], old: bool) -> bool:
    """Whether a class is Keras' own and not a user's of the same name; an .h5 may not say."""
    module, registered = entry.get("module"), entry.get("registered_name")
    own = isinstance(module, str) and (module == "keras" or module.startswith("keras."))
    return (own or (old and module is None)) and registered in (
        None,
        entry.get("class_name"),
    )


def _in_line(
    inner: dict[str, Any], parts: list[KerasLayer], entries: dict[str, Any]
) -> list[KerasLayer]:
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
        raise ModelError(
            f"model: layer {shown(left)} is not in one line with the others; give ONNX (tf2onnx), "
            "whose branches are read if they are added or joined"
        )
    return order[::-1]


def _source(part: KerasLayer, entry: dict[str, Any]) -> str | None:
    """The one layer that feeds a layer; None for an InputLayer."""
    nodes = _list(entry.get("inbound_nodes"), f"inbound_nodes of {shown(part.name)}")
    if part.kind == "InputLayer" and not nodes:
        return None
    if len(nodes) != 1:
        raise part.error(f"is used {len(nodes)} times, must be once")
    if isinstance(nodes[0], list):
        return _old_source(part, nodes[0])
    node = as_object(nodes[0], f"inbound node of {shown(part.name)}")
    arguments = _list(node.get("args"), f"args of {shown(part.name)}")
    for key, value in as_object(node.get("kwargs"), f"kwargs of {shown(part.name)}").items():
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


def _old_source(part: KerasLayer, node: list[Any]) -> str:
    """The same in the form of Keras 2: [[layer, node, tensor, keywords]]."""
    one = node[0] if len(node) == 1 and isinstance(node[0], list) else []
    if len(one) not in (3, 4) or one[1:3] != [0, 0] or not isinstance(one[0], str) or any(one[3:]):
        raise part.error("must have one input, the only output of another layer, and no more")
    return one[0]
