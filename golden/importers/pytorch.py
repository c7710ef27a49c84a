"""PyTorch: the state_dict of an `nn.LSTM` and of the `nn.Linear` after it, by tensor names.

    weight_ih_l{k} (4 C, D), weight_hh_l{k} (4 C, C), bias_ih_l{k}, bias_hh_l{k} (4 C,)
    rows i | f | g | o; only the sum of the two biases matters
    weight_hr_l{k} (P, C) where there is a proj_size; weight_hh_l{k} is then (4 C, P)
    ..._l{k}_reverse: the direction from the last step to the first, of a bidirectional nn.LSTM,
    whose next layer takes the outputs of both, the forward one's first

A state_dict holds tensors and no program. It is therefore read as what its names and shapes allow:
the LSTM, then the Linear at every step, linear. A sigmoid after the Linear leaves no trace in it.
"""

import itertools
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden.cell import Layer
from golden.dense import Dense
from golden.errors import ModelError
from golden.importers import (
    check_file,
    check_finite,
    check_size,
    network_name,
    shown,
    stacked_layer,
)
from golden.network import Network
from golden.shape import stages
from golden.squash import Array

ORDER = "ifgo"
LSTM = re.compile(
    r"((?:.*\.)?)((?:weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)_l(?:0|[1-9]\d{0,2})(?:_reverse)?)"
)
NUMBER = re.compile(r"_l(\d+)")
LINEAR = re.compile(r"((?:.*\.)?)(weight|bias)")
FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}
MOST_LSTMS = 6  # whose order is looked for among all orders

NO_TORCH = (
    "reading .pt and .pth needs torch, which is not installed; where it is, write the weights with "
    "safetensors.torch.save_file(model.state_dict(), 'model.safetensors') and give that file"
)


def load_safetensors(path: Path) -> Network:
    """Read a `.safetensors` file; `ModelError` names what is wrong or not supported."""
    from safetensors import SafetensorError, deserialize

    check_file(path)
    try:
        found = deserialize(path.read_bytes())
    except SafetensorError as error:
        raise ModelError(f"not a readable safetensors file ({first_line(error)})") from None
    for name, tensor in found:
        if tensor["dtype"] not in FLOATS:
            raise ModelError(
                f"{shown(name)}: type {tensor['dtype']}, allowed are {', '.join(FLOATS)}"
            )
    check_size(sum(len(tensor["data"]) // int(FLOATS[tensor["dtype"]][-1]) for _, tensor in found))
    return from_tensors({name: _decode(tensor) for name, tensor in found}, network_name(path))


def _decode(tensor: Mapping[str, Any]) -> Array:
    values = np.frombuffer(tensor["data"], FLOATS[tensor["dtype"]])
    if tensor["dtype"] == "BF16":  # the upper half of a float32
        values = (values.astype("<u4") << 16).view("<f4")
    with np.errstate(invalid="ignore"):  # a signalling NaN, which is refused by name later
        return values.astype(np.float64).reshape(tensor["shape"])


def load_pt(path: Path) -> Network:
    """Read a `.pt` or `.pth` file with torch, tensors only; `ModelError` says what is wrong."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ModelError(NO_TORCH) from None
    check_file(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            check_size(sum(member.file_size for member in archive.infolist()) // 8)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises on a broken or hostile file has no common base
        raise ModelError(
            f"not tensors by name that torch.load(weights_only=True) can read ({first_line(error)})"
        ) from None
    if not isinstance(found, Mapping):
        raise ModelError(f"holds a {type(found).__name__}, must hold a state_dict")
    dtypes = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ModelError(
                f"{shown(name)} is a {type(value).__name__}, must be a tensor: save the state_dict "
                "alone"
            )
        if value.dtype not in dtypes or value.layout != torch.strided or value.is_meta:
            raise ModelError(
                f"{shown(name)}: type {value.dtype}, {value.layout}; must be dense float16, "
                "bfloat16, float32 or float64"
            )
    check_size(sum(value.numel() for value in found.values()))
    tensors = {name: value.detach().to(torch.float64).numpy() for name, value in found.items()}
    return from_tensors(tensors, network_name(path))


def first_line(error: Exception) -> str:
    """The first sentence of what another package says of an error, printable and not long."""
    text = "".join(c if c.isprintable() else " " for c in str(error)).split(". ")[0]
    return " ".join(text.split())[:120] or type(error).__name__


def from_tensors(tensors: Mapping[str, Array], name: str) -> Network:
    """The network that a state_dict's names and shapes describe."""
    lstms: dict[str, dict[str, Array]] = {}
    linears: dict[str, dict[str, Array]] = {}
    for key, value in tensors.items():
        if match := LSTM.fullmatch(key):
            lstms.setdefault(match[1], {})[match[2]] = value
        elif match := LINEAR.fullmatch(key):
            linears.setdefault(match[1], {})[match[2]] = value
        else:
            raise ModelError(f"{shown(key)}: is no tensor of an nn.LSTM or an nn.Linear")
        check_finite(key, value)
    if not lstms:
        raise ModelError("no nn.LSTM is in it: tensors named weight_ih_l0, weight_hh_l0 are needed")
    stacks = {prefix: _stack(prefix, found) for prefix, found in lstms.items()}
    head = tuple(_linear(prefix, found) for prefix, found in linears.items())
    width = head[-1].inputs if head else None
    if len(linears) > 1:
        raise ModelError(
            f"Linears {', '.join(shown(prefix + 'weight') for prefix in linears)}: only one, after "
            "the LSTM, is supported"
        )
    if len(stacks) == 1:
        outputs = next(iter(stacks.values())).outputs
        if width not in (None, outputs):
            key = f"{next(iter(linears))}weight"
            raise ModelError(
                f"{shown(key)}: an nn.Linear of {width} inputs does not fit an LSTM of {outputs} "
                "outputs"
            )
    order = _order(stacks, width)
    layers = tuple(layer for prefix in order for layer in stacks[prefix].layers)
    return Network(layers, head, name, _reading([stacks[prefix] for prefix in order], linears))


@dataclass(frozen=True)
class Stack:
    """One nn.LSTM: how it is called, and its layers, two beside each other if bidirectional."""

    prefix: str
    layers: list[Layer]

    @property
    def outputs(self) -> int:
        """Width of what it gives: of both directions together."""
        shapes = [layer.shape for layer in self.layers]
        return sum(shapes[k].outputs for k in stages(shapes)[-1])

    def __str__(self) -> str:
        """How it was read."""
        shape = self.layers[-1].shape
        name = f"nn.LSTM {shown(self.prefix.rstrip('.'))}" if self.prefix else "nn.LSTM"
        kind = ["bidirectional"] if shape.beside else []
        kind += [f"proj_size {shape.projection}"] if shape.projection else []
        return f"{name} ({', '.join(kind)})" if kind else name


def _reading(stacks: list[Stack], linears: Iterable[str]) -> str:
    """How the file was read, for people."""
    text = f"PyTorch state_dict, read as {', then '.join(map(str, stacks))}"
    for prefix in linears:
        name = prefix.rstrip(".")
        text += f", then nn.Linear{f' {shown(name)}' if name else ''} without a sigmoid"
    return text


def _stack(prefix: str, found: dict[str, Array]) -> Stack:
    """One nn.LSTM from its tensors by their names after the prefix."""
    parts = ["weight_ih", "weight_hh"]
    parts += ["bias_ih", "bias_hh"] if any(name.startswith("bias") for name in found) else []
    parts += ["weight_hr"] if any(name.startswith("weight_hr") for name in found) else []
    numbers = {int(NUMBER.findall(name)[0]) for name in found}
    ends = ("", "_reverse") if any(name.endswith("_reverse") for name in found) else ("",)
    layers = []
    for k in range(len(numbers)):
        for end in ends:
            tail = f"_l{k}{end}"
            for part in parts:
                if part + tail not in found:
                    raise ModelError(f"{shown(prefix + part + tail)} is missing")
            layers.append(_layer(prefix, tail, {part: found[part + tail] for part in parts}))
    return Stack(prefix, layers)


def _layer(prefix: str, tail: str, parts: dict[str, Array]) -> Layer:
    """One direction of one layer; `tail` ends the names of its tensors."""
    x, y, projection = parts["weight_ih"], parts["weight_hh"], parts.get("weight_hr")
    sized = y if projection is None else projection
    cells, outputs = ((found.shape[1] if found.ndim == 2 else 0) for found in (sized, y))
    if projection is None and cells and len(y) in (cells, 3 * cells):
        kind = "nn.RNN" if len(y) == cells else "nn.GRU"
        raise ModelError(
            f"{shown(f'{prefix}weight_hh{tail}')}: shape {y.shape} is that of an {kind}, which is "
            "not supported"
        )
    wanted = {
        "weight_hr": ("(P, C)", (outputs, cells)),
        "weight_hh": ("(4 C, C)" if projection is None else "(4 C, P)", (4 * cells, outputs)),
        "weight_ih": ("(4 C, inputs)", (4 * cells, x.shape[-1] if x.ndim else 0)),
        "bias_ih": ("(4 C,)", (4 * cells,)),
        "bias_hh": ("(4 C,)", (4 * cells,)),
    }
    for part, (form, shape) in wanted.items():
        if part in parts and (parts[part].shape != shape or 0 in shape):
            raise ModelError(
                f"{shown(prefix + part + tail)}: shape {parts[part].shape}, must be {form}"
                + (f" with C = {cells}" if cells else "")
                + (f", P = {outputs}" if cells and projection is not None else "")
            )
    with np.errstate(over="ignore"):  # a sum beyond float64, which `Layer` refuses by name
        bias = parts["bias_ih"] + parts["bias_hh"] if "bias_ih" in parts else np.zeros(4 * cells)
    reverse = tail.endswith("_reverse")
    options = {"projection": projection, "reverse": reverse, "beside": reverse}
    return stacked_layer(ORDER, x, y, bias, **options)


def _linear(prefix: str, parts: dict[str, Array]) -> Dense:
    key = shown(f"{prefix}weight")
    if "weight" not in parts:
        raise ModelError(f"{shown(f'{prefix}bias')}: is no tensor of an nn.LSTM or an nn.Linear")
    weights = parts["weight"]
    if weights.ndim != 2 or 0 in weights.shape:
        raise ModelError(f"{key}: shape {weights.shape} is not that of an nn.Linear")
    if "bias" not in parts and "emb" in prefix.lower():
        raise ModelError(f"{key}: an nn.Embedding is not supported")
    biases = parts.get("bias", np.zeros(len(weights)))
    if biases.shape != (len(weights),):
        raise ModelError(
            f"{shown(f'{prefix}bias')}: shape {biases.shape}, must be ({len(weights)},)"
        )
    return Dense(weights, biases)


def _order(stacks: dict[str, Stack], width: int | None) -> list[str]:
    """The one order in which several LSTMs fit one behind the other and before the Linear."""
    if len(stacks) == 1:
        return list(stacks)
    named = ", ".join(shown(prefix.rstrip(".")) for prefix in itertools.islice(stacks, MOST_LSTMS))
    if len(stacks) > MOST_LSTMS:
        raise ModelError(f"{len(stacks)} LSTMs ({named}, ...): allowed are {MOST_LSTMS}")
    fitting = [
        order
        for order in itertools.permutations(stacks)
        if all(
            stacks[one].outputs == stacks[other].layers[0].shape.inputs
            for one, other in itertools.pairwise(order)
        )
        and width in (None, stacks[order[-1]].outputs)
    ]
    if len(fitting) != 1:
        how = "no order" if not fitting else "more than one order"
        raise ModelError(
            f"LSTMs {named}: {how} fits their widths{' and the Linear' if width else ''}, exactly "
            "one must; put them into one nn.LSTM with num_layers"
        )
    return list(fitting[0])
