"""The layers of a Keras model in the order in which they compute, from its configuration.

Understood are the layers in `CLASSES`, Sequential or functional, also within one another.
Options that change what is computed beyond what is listed here are refused by name; options that
only say how the network was trained are read over.
"""

import re
from dataclasses import replace
from typing import Any

from golden.errors import ModelError
from golden.importers import shown
from golden.importers.keras_graph import in_a_row, laid_open, ordered
from golden.importers.keras_layer import KerasLayer, as_list, as_object
from golden.importers.keras_options import (
    CLASSES,
    DEEPEST,
    MASKING,
    MODELS,
    NOTHING,
    OPTIONS,
    POLICIES,
    TRAINING,
    WHY,
    WITHIN,
)

SAME = ("units", "activation", "recurrent_activation", "use_bias", "return_sequences", "stateful")
"""What the two directions of a Bidirectional must agree in."""


def layers(config: dict[str, Any], old: bool = False) -> list[KerasLayer]:
    """The model's layers, each behind those that it reads; `old` in the form of an .h5."""
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
    for entry in map(lambda one: as_object(one, "layer"), as_list(inner.get("layers"), "layers")):
        part = _in_group(_entry(entry, old), used, place)
        part = replace(part, place=(len(parts),))
        if part.kind in MODELS:
            inside = _layers(entry, f"{part.group}/layers", old, depth + 1)
            part = replace(part, inner=tuple(inside))
        if part.name in entries:
            raise part.error("a layer of this name is there twice")
        entries[part.name] = entry
        parts.append(part)
    if config.get("class_name") == "Sequential":
        return laid_open(in_a_row(_with_input(parts, old)))
    return laid_open(ordered(inner, parts, entries))


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
        listed = ", ".join(one for one in classes if one not in NOTHING)
        why = WHY.get(str(kind), f"supported are {listed} of Keras itself")
        raise ModelError(f"layer {shown(name)}: {shown(kind)} is not supported; {why}")
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
    if option == "mask_zero" and value is True:
        raise part.error(f"mask_zero is not supported; {MASKING}")
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
