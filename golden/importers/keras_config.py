"""The layers of a Keras 3 model in the order in which they compute, from its `config.json`.

Understood is a chain of InputLayer, LSTM, Bidirectional (of an LSTM), Dropout (nothing at
inference) and a Dense, Sequential or functional. Options that change what is computed beyond what
is listed here are refused by name; options that only say how the network was trained are read over.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from golden.errors import ModelError
from golden.importers import shown

SQUASHES = {"tanh": "tanh", "sigmoid": "sigma", "linear": "identity"}
GATES = ("sigmoid", "hard_sigmoid")
DENSE = {"sigmoid": "sigma", "linear": "identity"}
CLASSES = ("InputLayer", "LSTM", "Bidirectional", "Dense", "Dropout")
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
        "recurrent_activation": GATES,
        "use_bias": (True, False),
        "return_sequences": (True, False),
        "return_state": (False,),
        "go_backwards": (True, False),
        "stateful": (True, False),
        "time_major": (False,),
        "unroll": (True, False),
        "zero_output_for_mask": (True, False),
        "implementation": (0, 1, 2),
        "use_cudnn": ("auto", True, False),
    },
    "Dense": {
        "units": (),
        "activation": tuple(DENSE),
        "use_bias": (True, False),
        "lora_rank": (None,),
        "quantization_config": (None,),
    },
    "Dropout": {},
    "Bidirectional": {"merge_mode": ("concat",), "layer": (), "backward_layer": ()},
}
"""What each layer's other options may be; () for what is looked at elsewhere.

`stateful` says that a state is carried from one call to the next; a file holds no such state.
"""
SAME = ("units", "activation", "recurrent_activation", "use_bias", "return_sequences", "stateful")
"""What the two directions of a Bidirectional must agree in."""


@dataclass(frozen=True)
class Part:
    """One layer of the model.

    Attributes
    ----------
    kind, name, options : its class, its name, its configuration.
    group : its place in the HDF5 file.
    inner : the forward and the backward LSTM of a Bidirectional.
    """

    kind: str
    name: str
    options: dict[str, Any]
    group: str = ""
    inner: tuple["Part", ...] = ()

    @property
    def lstms(self) -> tuple["Part", ...]:
        """The LSTMs that it is: one, two, or none."""
        return (self,) if self.kind == "LSTM" else self.inner

    def flag(self, option: str) -> bool:
        """An option that is off unless it is said."""
        return self.options.get(option) is True

    def number(self, option: str) -> int:
        value = self.options.get(option)
        if type(value) is not int or value < 1:
            raise self.error(f"{option} {shown(value)} must be a whole number, at least 1")
        return value

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


def chain(config: dict[str, Any]) -> list[Part]:
    """The model's layers in the order in which they compute."""
    kind = config.get("class_name")
    if kind not in ("Sequential", "Functional") or not _of_keras(config):
        raise ModelError(f"model {shown(kind)}: must be Sequential or Functional, of Keras itself")
    inner = as_object(config.get("config"), "config of the model")
    parts, entries, used = [], {}, dict[str, int]()
    for entry in _list(inner.get("layers"), "layers"):
        part = _in_group(_part(as_object(entry, "layer"), CLASSES), used)
        if part.name in entries:
            raise part.error("a layer of this name is there twice")
        entries[part.name] = entry
        parts.append(part)
    return parts if kind == "Sequential" else _in_line(inner, parts, entries)


def _part(entry: dict[str, Any], classes: tuple[str, ...]) -> Part:
    """One layer, of one of these classes; its options are looked at."""
    kind = entry.get("class_name")
    options = as_object(entry.get("config"), f"config of layer {shown(kind)}")
    name = options.get("name")
    if kind not in classes or not _of_keras(entry):
        raise ModelError(
            f"layer {shown(name)}: {shown(kind)} is not supported; supported are "
            f"{', '.join(classes)} of Keras itself"
        )
    if not isinstance(name, str):
        raise ModelError(f"{kind}: name {shown(name)} must be text")
    part = Part(kind, name, options)
    for option, value in options.items():
        _check_option(part, option, value)
    return part


def _in_group(part: Part, used: dict[str, int]) -> Part:
    """The layer with its group of weights: Keras counts the classes, which is what `used` does."""
    snake = "input_layer" if part.kind == "InputLayer" else part.kind.lower()
    number = used[snake] = used.get(snake, -1) + 1
    group = f"layers/{snake}_{number}" if number else f"layers/{snake}"
    inner = _directions(part, group) if part.kind == "Bidirectional" else ()
    return replace(part, group=group, inner=inner)


def _directions(part: Part, group: str) -> tuple[Part, ...]:
    """The forward and the backward LSTM of a Bidirectional."""
    found = []
    for option, inside, backwards in (
        ("layer", "forward_layer", False),
        ("backward_layer", "backward_layer", True),
    ):
        entry = as_object(part.options.get(option), f"{option} of {shown(part.name)}")
        one = _part(entry, ("LSTM",))
        if one.flag("go_backwards") != backwards:
            raise one.error(f"go_backwards {not backwards} is not supported of a {inside}")
        found.append(replace(one, group=f"{group}/{inside}"))
    for option in SAME:
        forward, backward = (one.options.get(option) for one in found)
        if forward != backward:
            raise part.error(
                f"{option} {shown(forward)} forward, {shown(backward)} backward: must be the same"
            )
    return tuple(found)


def _check_option(part: Part, option: str, value: Any) -> None:
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


def _of_keras(entry: dict[str, Any]) -> bool:
    """Whether a class is Keras' own and not a user's of the same name."""
    module, registered = entry.get("module"), entry.get("registered_name")
    own = isinstance(module, str) and (module == "keras" or module.startswith("keras."))
    return own and registered in (None, entry.get("class_name"))


def _in_line(inner: dict[str, Any], parts: list[Part], entries: dict[str, Any]) -> list[Part]:
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
