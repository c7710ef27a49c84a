"""Networks: layers of memory cells, one on the other, and dense stages behind them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from golden import wiring
from golden.cell import Layer, LayerState
from golden.dense import Dense, Function
from golden.errors import InputError, ModelError
from golden.reading import Reading
from golden.shape import Stacked
from golden.squash import Array
from golden.trace import Trace

OUTPUTS = ("every", "last", "final")


@dataclass(frozen=True, repr=False)
class Network(Stacked):
    """Stacked layers and a head of dense stages.

    Attributes
    ----------
    layers : at least one; a layer takes the y of the stage before it as its x. A stage is one
        layer, or a forward and a reverse one side by side, whose y are joined (`golden.shape`).
    head : dense stages, each behind the one before; the last is the readout. Without any, y of
        the last stage of layers is the output.
    output : which outputs leave: of "every" step; of the "last" step of the sequence; or "final",
        the head on what each layer of the last stage gave in its own last step, which for a reverse
        layer is the first step of the sequence. Without a reverse layer there, "final" is "last".
    name : a short word for reports and file names: letters, digits, and after the first . _ -
    made_by : the command that made the weights, or ""; one line.
    reading : how it was read from a file of another framework.
    stem : dense stages in front of and between the layers, in the order in which they run.
    reads : for each layer, then each dense stage, the stages that it reads, see `golden.wiring`;
        () where each reads the one before it and there is no stem.
    """

    layers: tuple[Layer, ...]
    head: tuple[Dense, ...] = ()
    name: str = "network"
    made_by: str = ""
    output: str = "every"
    reading: Reading = Reading()
    stem: tuple[Dense, ...] = ()
    reads: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        check_words(self.name, self.made_by)
        if not self.layers:
            raise ModelError("network: no layers, at least 1 is needed")
        if self.output not in OUTPUTS:
            raise ModelError(f"output {self.output!r}: allowed are {', '.join(OUTPUTS)}")
        shapes = [layer.shape for layer in self.layers]
        if shapes[0].beside:
            raise ModelError("layer 0: beside another layer, but it is the first")
        for stage in self.stages:
            if len(stage) > 2 or (len(stage) == 2 and shapes[stage[0]].reverse):
                raise ModelError(f"layer {stage[-1]}: must be beside one layer, a forward one")
        check_stages(self)
        last = self.stages[-1]
        if self.output == "final" and not any(shapes[k].reverse for k in last):
            object.__setattr__(self, "output", "last")
        if self.output == "final" and self.sources[self.first_head :][:1] not in ((), (last,)):
            raise ModelError(
                "output 'final': the head reads other stages than the last layers, of which each "
                "has a last step of its own"
            )

    @property
    def readout(self) -> Dense | None:
        """The last dense stage, if there is one."""
        return self.head[-1] if self.head else None

    @property
    def outputs(self) -> int:
        if self.readout:
            return self.readout.outputs
        return sum(self.layers[k].shape.outputs for k in self.stages[-1])

    def initial_state(self, batch: int) -> tuple[LayerState, ...]:
        return tuple(layer.initial_state(batch) for layer in self.layers)

    def run(
        self, x: Array, state: tuple[LayerState, ...] | None = None, single: bool = False
    ) -> Trace:
        """Run the network from `state` (default: `initial_state`) over one sequence or a batch.

        Parameters
        ----------
        x : (T, D) or (N, T, D) real numbers.
        state : what a former `Trace.state` held, for a batch of the same size.
        single : compute in float32 throughout, as frameworks and GPUs do; the truth is float64.

        Raises
        ------
        InputError : a shape that does not fit, values that are not finite.
        """
        values = check_values(x, self.inputs)
        values = values.astype(np.float32) if single else values
        return run_layers(self, values, state, [stage.run for stage in self.dense])


def check_words(name: str, made_by: str) -> None:
    """Refuse a name that is no safe file name, and a `made_by` that is not one printable line."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        allowed = "up to 100 letters, digits, '.', '_', '-', the first no '.' or '-'"
        raise ModelError(f"name {name!r}: must be {allowed}")
    if not made_by.isprintable():
        raise ModelError(f"made_by {made_by!r}: must be one printable line")


def check_values(x: npt.ArrayLike, inputs: int) -> Array:
    """`x` as float64 (T, D) or (N, T, D); `InputError` unless finite real numbers of that shape."""
    try:
        x = np.asarray(x)
    except ValueError:
        raise InputError(
            "input: rows of different lengths, must be an array of real numbers"
        ) from None
    x = check_input(x, inputs)
    if not np.issubdtype(x.dtype, np.number) or np.issubdtype(x.dtype, np.complexfloating):
        raise InputError(f"input: type {x.dtype}, must be real numbers")
    with np.errstate(over="ignore"):  # of a wider type; said below
        x = x.astype(np.float64)
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        raise InputError(f"input{bad[0].tolist()}: {x[tuple(bad[0])]} is not a finite number")
    return x


def check_input(x: np.ndarray, inputs: int) -> np.ndarray:
    """Refuse an input that is not (T, D) or (N, T, D) with D = `inputs` and T, N at least 1."""
    if x.ndim not in (2, 3) or x.shape[-1] != inputs or 0 in x.shape:
        raise InputError(
            f"input: shape {x.shape}, must be (T, {inputs}) or (N, T, {inputs}), T and N at least 1"
        )
    return x


def check_stages(net: Stacked) -> None:
    """Refuse stages that cannot read what `reads` says, or whose widths do not fit."""
    for what, part in (("stem", net.stem), ("head", net.head)):
        if not isinstance(part, tuple) or not all(isinstance(stage, Dense) for stage in part):
            raise ModelError(f"{what}: {type(part).__name__}, must be a tuple of dense stages")
    layers, stem, head = len(net.layers), len(net.stem), len(net.head)
    if net.reads or net.stem:
        wiring.check(net.stages, stem, head, net.reads)
    for k in (k for group in net.order for k in group):
        read = net.sources[k]
        need, named = sum(map(net.width, read)), wiring.name(k, layers, stem, head)
        named_givers = [wiring.name(each, layers, stem, head) for each in read]
        giver = " and ".join(named_givers).replace(" and layer ", " and ")
        kind = "inputs" if read[0] < 0 else "cells" if read[-1] < layers else "outputs"
        have = net.layers[k].shape.inputs if k < layers else net.dense[k - layers].inputs
        if have != need:
            what = f"{have} inputs" if k < layers else f"{have} columns"
            named += ":" if k < layers else " weights:"
            raise ModelError(f"{named} {what}, {giver} has {need} {kind}")


def run_layers(
    net, x, state, dense: Sequence[Function], seen: Callable[[int, Any], Any] = lambda _, y: y
) -> Trace:
    """Run `net`, stage by stage, over x (T, D) or (N, T, D), its dense stages by `dense`.

    Serves the float and the integer network alike: a layer has `initial_state`, `run` and `shape`.
    Of what a stage gives, (T, N, ...), others see what `seen` says.
    """
    single, layers = x.ndim == 2, len(net.layers)
    given = {wiring.INPUT: (x[None] if single else x).transpose(1, 0, 2)}
    batch = given[wiring.INPUT].shape[1]
    before = net.initial_state(batch) if state is None else _check_state(net, state, batch, single)
    signals, after = [], []
    for k in (k for group in net.order for k in group):
        behind = k >= net.first_head and net.output != "every"
        parts = [seen(j, given[j]) for j in net.sources[k]]
        if behind:
            parts = [_last(net, j, part) for j, part in zip(net.sources[k], parts, strict=True)]
        u = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
        if k >= layers:
            given[k] = dense[k - layers](u)
            continue
        turn = slice(None, None, -1 if net.layers[k].shape.reverse else None)
        trace, end = net.layers[k].run(u[turn], before[k])
        signals.append({name: values[turn] for name, values in trace.items()})
        after.append(LayerState(*(v[0] if single else v for v in (end.s, end.y, end.gates))))
        given[k] = signals[-1]["y"]
    ends = net.order[-1]
    parts = [_last(net, k, given[k]) if net.output != "every" else given[k] for k in ends]
    out = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    stem, head = range(layers, net.first_head), range(net.first_head, layers + len(dense))
    shown = {k: _batch_first(values, single) for k, values in given.items() if k >= layers}
    return Trace(
        tuple({name: _batch_first(v, single) for name, v in layer.items()} for layer in signals),
        _batch_first(out, single),
        tuple(after),
        stem=tuple(shown[k] for k in stem),
        dense=tuple(shown[k] for k in head[:-1]),
    )


def _last(net, k: int, y):
    """The one step of what stage k gives, (T, N, ...), that counts, (1, N, ...)."""
    reverse = 0 <= k < len(net.layers) and net.layers[k].shape.reverse
    return y[:1] if net.output == "final" and reverse else y[-1:]


def _batch_first(values, single: bool):
    return values[:, 0] if single else values.transpose(1, 0, 2)


def _check_state(net, state, batch: int, single: bool) -> tuple[LayerState, ...]:
    zero = net.initial_state(batch)
    if not isinstance(state, tuple | list) or not all(isinstance(st, LayerState) for st in state):
        raise InputError(
            f"state: {type(state).__name__}, must be a tuple with a LayerState for each layer"
        )
    if len(state) != len(zero):
        raise InputError(f"state: {len(state)} layers, the network has {len(zero)}")
    for k, (have, need) in enumerate(zip(state, zero, strict=True)):
        for name in ("s", "y", "gates"):
            found = np.shape(getattr(have, name))
            want = getattr(need, name).shape[1 if single else 0 :]
            if found != want:
                raise InputError(f"state of layer {k}, {name}: shape {found}, must be {want}")
    if not single:
        return tuple(state)
    return tuple(LayerState(st.s[None], st.y[None], st.gates[None]) for st in state)
