"""Which layer of a functional Keras model reads which, and models within models laid open.

A layer has the numbers of those that it reads; () is for an InputLayer. Models within models are
put in their place, so that one list is left, each layer behind those that it reads.
"""

from dataclasses import replace
from typing import Any

from golden.errors import ModelError
from golden.importers import shown
from golden.importers.keras_layer import KerasLayer, as_list, as_object
from golden.importers.keras_options import MERGING, MODELS

OUTPUTS = "outputs"  # what joins several outputs is called


def in_a_row(parts: list[KerasLayer]) -> list[KerasLayer]:
    """The layers of a Sequential model, each of which reads the one before it."""
    return [replace(part, sources=(k - 1,) if k else ()) for k, part in enumerate(parts)]


def ordered(
    inner: dict[str, Any], parts: list[KerasLayer], entries: dict[str, Any]
) -> list[KerasLayer]:
    """The layers of a functional model; several outputs are joined, in their order."""
    read = {part.name: _sources(part, entries[part.name]) for part in parts}
    by_name = {part.name: part for part in parts}
    inputs, outputs = _ends(inner, "input_layers"), _ends(inner, "output_layers")
    if len(inputs) != 1:
        raise ModelError(f"model: inputs {shown(inputs)}: must be one")
    if len(outputs) > 1:
        if OUTPUTS in by_name:
            raise ModelError(f"model: a layer {OUTPUTS!r} and several outputs")
        by_name[OUTPUTS] = KerasLayer("Concatenate", OUTPUTS, {"axis": -1}, owner=OUTPUTS)
        read[OUTPUTS] = tuple(outputs)
    order = _behind((OUTPUTS if len(outputs) > 1 else outputs[0]), read)
    left = [name for name in by_name if name not in order]
    if left or order[0] != inputs[0]:
        raise ModelError(
            f"model: layer {shown((left or inputs)[0])} is not between the input and the output"
        )
    numbers = {name: k for k, name in enumerate(order)}
    return [
        replace(by_name[name], sources=tuple(numbers[each] for each in read[name]))
        for name in order
    ]


def laid_open(parts: list[KerasLayer]) -> list[KerasLayer]:
    """The layers with those of models within in their place; each has its owner, the layer of the
    outermost model that it is in, and its place."""
    found: list[KerasLayer] = []
    at: list[int] = []  # by layer, which of those found gives what it gives
    for part in parts:
        sources = tuple(at[k] for k in part.sources)
        if part.kind not in MODELS:
            found.append(replace(part, inner=_owned(part, part.inner), sources=sources))
            at.append(len(found) - 1)
            continue
        inside: list[int] = []
        for one in _owned(part, part.inner):
            if one.kind == "InputLayer" and sources:
                inside += sources
                continue
            read = tuple(inside[k] for k in one.sources) or sources
            inner = _owned(part, one.inner)
            found.append(replace(one, inner=inner, sources=read))
            inside.append(len(found) - 1)
        at.append(inside[-1] if inside else sources[0])
    return found


def _owned(part: KerasLayer, inner: tuple[KerasLayer, ...]) -> tuple[KerasLayer, ...]:
    return tuple(
        replace(one, owner=part.owner or part.name, place=(*part.place, *(one.place or (k,))))
        for k, one in enumerate(inner)
    )


def _behind(end: str, read: dict[str, tuple[str, ...]]) -> list[str]:
    """The layers that the last one needs, each behind those that it reads."""
    order: dict[str, None] = {}
    path, under = [end], set[str]()
    while path:
        name = path[-1]
        if name not in read:
            raise ModelError(f"model: layer {shown(name)} is missing")
        under.add(name)
        todo = [each for each in read[name] if each not in order]
        if not todo:
            order[path.pop()] = None
            under.discard(name)
        elif todo[0] in under:
            raise ModelError(f"model: layer {shown(todo[0])} feeds itself")
        else:
            path.append(todo[0])
    return list(order)


def _ends(inner: dict[str, Any], key: str) -> list[str]:
    """The layers that are the model's inputs or outputs."""
    said = inner.get(key)
    if isinstance(said, list) and said and not isinstance(said[0], list):
        said = [said]
    if isinstance(said, dict):
        said = list(said.values())
    if not isinstance(said, list) or not said:
        raise ModelError(f"model: {key} {shown(said)}: must be at least one")
    found = []
    for end in said:
        if not isinstance(end, list) or len(end) != 3 or end[1:] != [0, 0]:
            raise ModelError(f"model: {key} {shown(end)}: must be a layer's only output")
        if not isinstance(end[0], str) or end[0] in found:
            raise ModelError(f"model: {key} {shown(end[0])}: must be layers, each of them once")
        found.append(end[0])
    return found


def _sources(part: KerasLayer, entry: dict[str, Any]) -> tuple[str, ...]:
    """The layers that feed a layer; none for an InputLayer."""
    nodes = as_list(entry.get("inbound_nodes"), f"inbound_nodes of {shown(part.name)}")
    if part.kind == "InputLayer" and not nodes:
        return ()
    if len(nodes) != 1:
        raise part.error(f"is used {len(nodes)} times, must be once")
    found = _old(part, nodes[0]) if isinstance(nodes[0], list) else _new(part, nodes[0])
    if len(found) != 1 and not (part.kind in MERGING and found):
        raise part.error("must have one input, the output of another layer")
    return found


def _new(part: KerasLayer, node: Any) -> tuple[str, ...]:
    node = as_object(node, f"inbound node of {shown(part.name)}")
    arguments = as_list(node.get("args"), f"args of {shown(part.name)}")
    for key, value in as_object(node.get("kwargs"), f"kwargs of {shown(part.name)}").items():
        if value not in (None, False):
            raise part.error(f"is called with {shown(key)}, which is not supported")
    if part.kind in MERGING and len(arguments) == 1 and isinstance(arguments[0], list):
        (arguments,) = arguments
    found = []
    for argument in arguments:
        try:
            source, *at = argument["config"]["keras_history"]
        except (ValueError, TypeError, KeyError):
            raise part.error("must have one input, the output of another layer") from None
        if at != [0, 0] or not isinstance(source, str):
            raise part.error(
                f"input {shown([source, *at])} is not supported, must be a layer's only output"
            )
        found.append(source)
    return tuple(found)


def _old(part: KerasLayer, node: list[Any]) -> tuple[str, ...]:
    """The same in the form of Keras 2: [[layer, node, tensor, keywords], ...]."""
    for one in node:
        known = isinstance(one, list) and len(one) in (3, 4) and one[1:3] == [0, 0]
        if not known or not isinstance(one[0], str) or any(one[3:]):
            raise part.error("must have one input, the only output of another layer, and no more")
    return tuple(one[0] for one in node)
