"""PyTorch's state_dicts: modules by the names and shapes of their tensors.

    nn.LSTM      weight_ih_l{k} (4 C, D), weight_hh_l{k} (4 C, C), bias_ih_l{k} and bias_hh_l{k}
                 (4 C,): rows i | f | g | o; only the sum of the two biases matters.
                 weight_hr_l{k} (P, C) where there is a proj_size; weight_hh_l{k} is then (4 C, P).
                 ..._l{k}_reverse: the direction from the last step to the first, if bidirectional;
                 the next layer takes the outputs of both, the forward one's first
    nn.LSTMCell  weight_ih, weight_hh, bias_ih, bias_hh: one layer of an nn.LSTM
    others       see `state_dict_dense`

A state_dict holds tensors and no program. One nn.LSTM, and one nn.Linear that fits behind it, are
read in that order, linear, at every step; of more modules the order must be told. A function after
the Linear leaves no trace in it.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.importers import check_finite, shown, stacked_layer
from golden.importers.assembly import network
from golden.importers.stages import Cells, Dense, Stage
from golden.importers.state_dict_dense import EPSILON, dense
from golden.network import Network
from golden.reading import Reading
from golden.squash import Array

ORDER = "ifgo"
LSTM = re.compile(
    r"((?:.*\.)?)(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(_l(?:0|[1-9]\d{0,2})(?:_reverse)?)?"
)
NUMBER = re.compile(r"_l(\d+)")
INITIAL = re.compile(
    r"(?:.*\.)?_?(?:(?:initial|init|start)_)?(?:(?P<y>h|hidden|hx)|(?P<s>c|cell|cx))"
    r"(?:_?(?:0|init|initial|state))?(?:_state)?",
    re.IGNORECASE,
)
PART = re.compile(r"((?:.*\.)?)(weight|bias|running_mean|running_var)")
COUNT = "num_batches_tracked"  # of a BatchNorm: says how it was trained
MOST = 6  # modules whose order is looked for among all orders


@dataclass(frozen=True)
class TorchModule:
    """A module: its name in the state_dict, its kind as a message says it, its stages."""

    prefix: str
    kind: str
    stages: tuple[Stage, ...]
    details: tuple[str, ...] = ()
    index: bool = False

    @property
    def name(self) -> str:
        return self.prefix.rstrip(".").removeprefix("module.")

    @property
    def recurrent(self) -> bool:
        return isinstance(self.stages[0], Cells)

    @property
    def inputs(self) -> int | None:
        return self.stages[0].inputs

    @property
    def outputs(self) -> int | None:
        return self.stages[-1].outputs

    def __str__(self) -> str:
        """How it was read."""
        name = f"{self.kind} {shown(self.name)}" if self.prefix else self.kind
        return f"{name} ({', '.join(self.details)})" if self.details else name


@dataclass
class _Tensors:
    """Tensors by module: those of LSTMs, those of others, and initial states."""

    lstms: dict[str, dict[str, Array]] = field(default_factory=dict)
    cells: set[str] = field(default_factory=set)
    others: dict[str, dict[str, Array]] = field(default_factory=dict)
    initial: dict[str, tuple[str, Array]] = field(default_factory=dict)


def from_tensors(
    tensors: Mapping[str, Array],
    name: str,
    order: Sequence[str] = (),
    behind: Sequence[Stage] = (),
    what: str = "PyTorch state_dict",
) -> Network:
    """The network that a state_dict's names and shapes describe.

    Parameters
    ----------
    order : names of its modules in the order in which they compute; () where one can be assumed.
    behind : stages that the file says are behind them.
    what : the kind of file.
    """
    found = _sorted(tensors)
    modules = {prefix: _lstm(prefix, found) for prefix in found.lstms}
    for prefix, parts in found.others.items():
        kind, stage = dense(prefix, parts)
        modules[prefix] = TorchModule(prefix, kind, (stage,), index=kind == "nn.Embedding")
    if not found.lstms:
        raise ModelError("no nn.LSTM is in it: tensors named weight_ih_l0, weight_hh_l0 are needed")
    chain = _told(modules, order) if order else _assumed(modules)
    said, assumed = _with_initial(found, chain)
    text = f"{what}, read as {', then '.join(map(str, said))}"
    plain = isinstance(said[-1].stages[-1], Dense) and not behind
    text += " without a sigmoid" if plain else ""
    if not order and len(said) > 1:
        assumed.append(f"{said[-1]} takes every step of {said[0]}, and no function follows")
    if any(module.kind == "nn.BatchNorm1d" for module in said):
        assumed.append(f"eps of nn.BatchNorm1d is {EPSILON:g}")
    stages = [stage for module in said for stage in module.stages]
    reading = Reading(assumed="; ".join(assumed), indices=said[0].index)
    return network([*stages, *behind], name, text, reading=reading)


def _sorted(tensors: Mapping[str, Array]) -> _Tensors:
    found = _Tensors()
    for key, value in tensors.items():
        if match := LSTM.fullmatch(key):
            found.lstms.setdefault(match[1], {})[match[2] + (match[3] or "_l0")] = value
            if not match[3]:
                found.cells.add(match[1])
        elif match := PART.fullmatch(key):
            found.others.setdefault(match[1], {})[match[2]] = value
        elif match := INITIAL.fullmatch(key):
            kind = "y" if match["y"] else "s"
            if kind in found.initial:
                both = f"{shown(found.initial[kind][0])} and {shown(key)}"
                raise ModelError(f"{both} are both the same initial state")
            found.initial[kind] = key, value
        else:
            raise ModelError(f"{shown(key)}: is no tensor of an nn.LSTM or an nn.Linear")
        check_finite(key, value)
    return found


def _told(modules: dict[str, TorchModule], order: Sequence[str]) -> list[TorchModule]:
    """The modules in the order that the user says; every one must be in it."""
    named = {module.name: module for module in modules.values()}
    for name in order:
        if name not in named:
            raise ModelError(
                f"order: {shown(name)} is no module of it; they are {_names(modules.values())}"
            )
    left = [name for name in named if name not in order]
    if left or len(set(order)) != len(order):
        what = f"{shown(left[0])} is missing" if left else "a module is there twice"
        raise ModelError(f"order: {what}; the modules are {_names(modules.values())}")
    return [named[name] for name in order]


def _assumed(modules: dict[str, TorchModule]) -> list[TorchModule]:
    """The only LSTM, and the only Linear behind it."""
    lstms = [module for module in modules.values() if module.recurrent]
    others = [module for module in modules.values() if not module.recurrent]
    if len(lstms) == 1 and not others:
        return lstms
    if len(lstms) == 1 and len(others) == 1 and others[0].kind == "nn.Linear":
        if others[0].inputs != lstms[0].outputs:
            raise ModelError(
                f"{shown(others[0].prefix + 'weight')}: an nn.Linear of {others[0].inputs} inputs "
                f"does not fit an LSTM of {lstms[0].outputs} outputs"
            )
        return [*lstms, *others]
    order = _proposed(list(modules.values()))
    raise ModelError(
        f"modules {_names(modules.values())}: a state_dict does not say in which order they "
        f"compute; say it: --order {order}, or give ONNX (torch.onnx.export)"
    )


def _names(modules: Iterable[TorchModule]) -> str:
    found = [shown(module.name) for module in itertools.islice(modules, MOST + 1)]
    return ", ".join(found[:MOST]) + (", ..." if len(found) > MOST else "")


def _proposed(modules: list[TorchModule]) -> str:
    """The one order in which all widths fit, for a message, or any."""
    fitting = []
    if len(modules) <= MOST:
        fitting = [
            order
            for order in itertools.permutations(modules)
            if order[-1].kind != "nn.Embedding"
            and all(
                None in (one.outputs, other.inputs) or one.outputs == other.inputs
                for one, other in itertools.pairwise(order)
            )
        ]
    names = [ascii(module.name)[1:-1] for module in (fitting[0] if len(fitting) == 1 else ())]
    return ",".join(names)[:120] if names else "FIRST,SECOND,..."


def _with_initial(found: _Tensors, chain: list[TorchModule]) -> tuple[list[TorchModule], list[str]]:
    """The modules with initial states in the only LSTM, and what was assumed of them."""
    if not found.initial:
        return chain, []
    names = " and ".join(shown(key) for key, _ in found.initial.values())
    lstms = [module for module in chain if module.recurrent]
    if len(lstms) != 1:
        raise ModelError(f"{names}: initial states, and {len(lstms)} LSTMs that they could be of")
    cells = [stage for stage in lstms[0].stages if isinstance(stage, Cells)]
    layers = [layer for stage in cells for layer in stage.layers]
    for kind, (key, values) in found.initial.items():
        width = layers[0].shape.state[kind]
        if values.size != len(layers) * width or values.shape[-1:] not in (
            (width,),
            (values.size,),
        ):
            raise ModelError(
                f"{shown(key)}: shape {values.shape}, must be ({len(layers)}, 1, {width}), the "
                "initial state of each layer"
            )
        rows = values.reshape(len(layers), width)
        layers = [
            replace(layer, initial={**layer.initial, kind: row} if row.any() else layer.initial)
            for layer, row in zip(layers, rows, strict=True)
        ]
    left = iter(layers)
    stages = tuple(
        replace(stage, layers=tuple(next(left) for _ in stage.layers)) for stage in cells
    )
    whole = replace(lstms[0], stages=stages)
    said = [f"{names} are the states that {whole} starts from"]
    return [whole if module is lstms[0] else module for module in chain], said


def _lstm(prefix: str, tensors: _Tensors) -> TorchModule:
    """One nn.LSTM or nn.LSTMCell from its tensors by their names after the prefix."""
    found = tensors.lstms[prefix]
    parts = ["weight_ih", "weight_hh"]
    parts += ["bias_ih", "bias_hh"] if any(name.startswith("bias") for name in found) else []
    parts += ["weight_hr"] if any(name.startswith("weight_hr") for name in found) else []
    numbers = {int(NUMBER.findall(name)[0]) for name in found}
    ends = ("", "_reverse") if any(name.endswith("_reverse") for name in found) else ("",)
    cell = prefix in tensors.cells
    kind = "nn.LSTMCell" if cell else "nn.LSTM"
    whole = f"{kind} {shown(prefix.rstrip('.'))}" if prefix else kind
    stages, layers = [], list[Layer]()
    for k in range(len(numbers)):
        layers = []
        for end in ends:
            tail = f"_l{k}{end}"
            for part in parts:
                if part + tail not in found:
                    name = prefix + part + ("" if cell else tail)
                    raise ModelError(f"{shown(name)} is missing")
            layers.append(_layer(prefix, tail, {part: found[part + tail] for part in parts}))
        _check_beside(layers, 2 * k)
        stages.append(Cells(f"{whole}, layer {k}" if len(numbers) > 1 else whole, tuple(layers)))
    shape = layers[-1].shape
    details = ["bidirectional"] if shape.beside else []
    details += [f"proj_size {shape.projection}"] if shape.projection else []
    return TorchModule(prefix, kind, tuple(stages), tuple(details))


def _check_beside(layers: list[Layer], k: int) -> None:
    inputs = [layer.shape.inputs for layer in layers]
    if len(set(inputs)) > 1:
        raise ModelError(f"layer {k + 1}: {inputs[1]} inputs, layer {k}, beside it, {inputs[0]}")


def _layer(prefix: str, tail: str, parts: dict[str, Array]) -> Layer:
    """One direction of one layer; `tail` ends the names of its tensors."""
    x, y, projection = parts["weight_ih"], parts["weight_hh"], parts.get("weight_hr")
    sized = y if projection is None else projection
    cells, outputs = ((found.shape[1] if found.ndim == 2 else 0) for found in (sized, y))
    if projection is None and cells and len(y) in (cells, 3 * cells):
        kind = "nn.RNN" if len(y) == cells else "nn.GRU"
        raise ModelError(
            f"{shown(f'{prefix}weight_hh{tail}')}: shape {y.shape} is that of an {kind}, which is "
            "not supported; the cells are those of LSTM: train an nn.LSTM"
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
