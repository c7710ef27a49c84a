"""Training on the integer model: a torch module whose outputs are its codes, bit for bit.

Made of a float network and formats that stay as they are. Forward the steps of `fixedpoint.loop`
run, those of the integer model, so that what is trained is what the gateware will compute. Backward
a rounding passes the gradient on as it is, a limit only where nothing is limited, and a table gives
the slope of its function; `fixedpoint.gradients` does that through time. For networks that torch
can express: cells with a forget gate, stacked, projected, in both directions, dense stages behind.
It needs torch.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fixedpoint.arithmetic import EXACT_FLOAT
from fixedpoint.cell import QuantizedLayer
from fixedpoint.dense import QuantizedDense
from fixedpoint.formats import FormatError, Formats
from fixedpoint.gradients import gradients, slopes
from fixedpoint.loop import Loop
from fixedpoint.network import QuantizedNetwork, build
from fixedpoint.squash import QuantizedSquash
from golden.network import Network
from golden.version import install
from golden.wiring import labels

try:
    import torch  # pyright: ignore[reportMissingImports]
    from torch.autograd.function import (  # pyright: ignore[reportMissingImports]
        once_differentiable,
    )
except ImportError:
    raise FormatError(f"training in fixed point needs torch: {install('torch')}") from None


class _Codes(torch.autograd.Function):
    """values * scale to the nearest whole number, ties towards plus infinity, within limits."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, scale: Any, low: Any, high: Any) -> torch.Tensor:
        whole = torch.floor(values * scale + 0.5)
        codes = whole.clamp(low, high)
        ctx.save_for_backward((codes == whole) * scale)
        return codes

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> Any:
        (factors,) = ctx.saved_tensors
        return outer[0] * factors, None, None, None


class _Look(torch.autograd.Function):
    """What a table has at places counted from its start; backward by its slopes there."""

    @staticmethod
    def forward(
        ctx: Any, at: torch.Tensor, table: torch.Tensor, slopes: torch.Tensor
    ) -> torch.Tensor:
        index = at.long()
        ctx.save_for_backward(slopes[index])
        return table[index]

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> Any:
        (factors,) = ctx.saved_tensors
        return outer[0] * factors, None, None


class _Steps(torch.autograd.Function):
    """The integer model's loop over time: codes (T, N, D) and a layer's codes to its outputs'."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weights: Any, biases: Any, projection: Any, layer: QuantizedLayer
    ) -> torch.Tensor:
        kinds = layer.shape.kinds
        parts = (np.split(part.detach().numpy(), len(kinds)) for part in (weights, biases))
        codes = (dict(zip(kinds, part, strict=True)) for part in parts)
        layer = replace(layer, **dict(zip(("weights", "biases"), codes, strict=True)))
        if layer.projection is not None:
            rows = replace(layer.projection, weights=projection.detach().numpy())
            layer = replace(layer, projection=rows)
        ctx.loop = Loop(layer, layer.initial_state(x.shape[1]), len(x))
        ctx.loop.run(x.detach().numpy())
        return torch.from_numpy(ctx.loop.sources[1:, ctx.loop.y].swapaxes(1, 2).copy())

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *outer: Any
    ) -> Any:
        loop, tensor = ctx.loop, torch.from_numpy
        over: Any = ([0, 2], [0, 2])
        inputs, columns = loop.layer.shape.inputs, loop.weights.shape[1]
        nets, projected = map(tensor, gradients(loop, outer[0].transpose(1, 2).numpy()))
        rows = torch.tensordot(nets, tensor(loop.sources[:-1, :columns]), over)
        rows *= tensor(loop.round_net.scale)
        x = projection = None
        if ctx.needs_input_grad[0]:
            x = (tensor(loop.weights[:, :inputs]).T @ nets).transpose(1, 2)
        if loop.projected:
            m = tensor(loop.m).reshape(len(nets), -1, nets.shape[2])
            projection = torch.tensordot(projected, m, over)
            projection *= tensor(loop.round_y.scale)
        weights = torch.cat([rows[:, :inputs], rows[:, inputs + 1 :]], 1)
        return x, weights, rows[:, inputs], projection, None


class _Squash(torch.nn.Module):
    """Sums to codes: rounded by `shift`, limited, squashed."""

    def __init__(self, unit: QuantizedSquash, shift: int):
        super().__init__()
        self.scale, self.ends, self.linear = 2.0**-shift, (unit.low, unit.high), unit.squash.linear
        if not self.linear:
            self.register_buffer("table", torch.tensor(unit.lookup(), dtype=torch.float64))
            self.register_buffer("slopes", torch.tensor(slopes(unit)))

    def forward(self, sums: torch.Tensor) -> torch.Tensor:
        codes = _Codes.apply(sums, self.scale, *self.ends)
        if self.linear:
            return codes
        return _Look.apply(codes - self.ends[0], self.table, self.slopes)


class _Rows(torch.nn.Module):
    """Weights and biases of rows as real numbers; `forward` gives their codes on the common scale.

    Parameters
    ----------
    rows : of integers, with the same formats; one for each kind of `weights`' rows.
    weights, biases : of all these, one below the other.
    columns : how many each source has.
    scales : by how many powers of two each column's value is scaled by the host.
    """

    scale: torch.Tensor
    common: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    def __init__(
        self,
        rows: Sequence[QuantizedDense],
        weights: np.ndarray,
        biases: np.ndarray,
        columns: Sequence[int],
        scales: np.ndarray,
    ):
        super().__init__()
        self.weights, self.biases = (
            torch.nn.Parameter(torch.tensor(values)) for values in (weights, biases)
        )
        sources = zip(rows[0].formats.values(), columns, strict=True)
        forms = [form for (form, _), n in sources for _ in range(n)]
        coarser = np.concatenate([each.coarser or [0] * each.outputs for each in rows])[:, None]
        fracs = np.array([form.frac for form in forms]) - scales - coarser
        for name, values in (
            ("scale", np.ldexp(1.0, fracs) * (weights != 0)),  # what was pruned stays so
            ("common", np.ldexp(1.0, coarser)),
            ("low", np.array([float(form.low) for form in forms])),
            ("high", np.array([float(form.high) for form in forms])),
        ):
            self.register_buffer(name, torch.tensor(values))
        self.bias_scale = 2.0 ** rows[0].sums.frac

    def forward(self) -> tuple[torch.Tensor, torch.Tensor]:
        own = _Codes.apply(self.weights, self.scale, self.low, self.high)
        biases = _Codes.apply(self.biases, self.bias_scale, -np.inf, np.inf)
        return own * self.common, biases

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights and biases as they are now."""
        weights, biases = (p.detach().numpy().copy() for p in (self.weights, self.biases))
        return weights, biases


class _Layer(torch.nn.Module):
    """A layer: codes (T, N, D) to codes (T, N, outputs)."""

    def __init__(self, real: Any, fixed: QuantizedLayer, scales: np.ndarray):
        super().__init__()
        self.fixed, shape = fixed, fixed.shape
        columns = [cut.stop - cut.start for cut in shape.columns.values()]
        every = np.zeros(sum(columns), np.int64)
        every[shape.columns["x"]] = scales
        weights, biases = (
            np.concatenate([values[kind] for kind in shape.kinds])
            for values in (real.weights, real.biases)
        )
        rows = [fixed.rows(kind) for kind in shape.kinds]
        self.rows = _Rows(rows, weights, biases, columns, every)
        self.projection = None
        if fixed.projection is not None:
            none = np.zeros(len(real.projection))
            parts = real.projection, none, [shape.cells], np.zeros(shape.cells, np.int64)
            self.projection = _Rows([fixed.projection], *parts)
            self.projection.biases.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        reverse, project = self.fixed.shape.reverse, None
        if self.projection is not None:
            project, _ = self.projection()
        y = _Steps.apply(x.flip(0) if reverse else x, *self.rows(), project, self.fixed)
        return y.flip(0) if reverse else y


class Aware(torch.nn.Module):
    """A network whose forward is the integer network's, to be trained.

    Its parameters are the float weights and biases; a weight that is 0 at first stays 0, so that a
    pruned network remains so. `forward` takes real inputs (N, T, D) and gives the real outputs
    (N, T, K) that the codes stand for; T is 1 where the last step's alone leave.

    Raises
    ------
    FormatError : a network that torch cannot express, formats that cannot work, or sums that
        float64 does not hold exactly.
    """

    def __init__(self, net: Network, formats: Formats):
        super().__init__()
        _check(net)
        self.net, self.qnet = net, build(net, formats)
        if any(layer.dtype is not np.float64 for layer in self.qnet.layers):
            raise FormatError(f"training: sums of more than {EXACT_FLOAT.bit_length() - 1} bits")
        first, none = net.stages[0], np.zeros(1, np.int64)
        self.layers = torch.nn.ModuleList(
            _Layer(real, fixed, formats.scales if k in first else none)
            for k, (real, fixed) in enumerate(zip(net.layers, self.qnet.layers, strict=True))
        )
        self.head = torch.nn.ModuleList(
            _Rows([fixed], real.weights, real.biases, [real.inputs], 0 * np.arange(real.inputs))
            for real, fixed in zip(net.head, self.qnet.head, strict=True)
        )
        self.units = torch.nn.ModuleList(
            _Squash(stage.squash, int(stage.shifts[0])) for stage in self.qnet.head
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        form = self.qnet.formats.input
        scale = torch.tensor(np.ldexp(1.0, self.qnet.formats.scales + form.frac))
        codes = _Codes.apply(x.double(), scale, form.low, form.high).transpose(0, 1)
        for stage in self.net.stages:
            codes = torch.cat([self.layers[k](codes) for k in stage], 2)
        if self.net.output == "last":
            codes = codes[-1:]
        for rows, unit in zip(self.head, self.units, strict=True):
            weights, biases = rows()
            codes = unit(codes @ weights.T + biases)
        return codes.transpose(0, 1) * self.qnet.out_format.lsb

    def network(self) -> Network:
        """The float network of the weights as they are now; in the same formats its integer network
        gives what `forward` does."""
        layers = []
        parts: Sequence[Any] = list(self.layers)
        rows: Any
        for real, part in zip(self.net.layers, parts, strict=True):
            kinds = real.shape.kinds
            stacked = (np.split(values, len(kinds)) for values in part.rows.numbers())
            weights, biases = (dict(zip(kinds, each, strict=True)) for each in stacked)
            changed: dict[str, Any] = {"weights": weights, "biases": biases}
            if part.projection is not None:
                changed["projection"] = part.projection.numbers()[0]
            layers.append(replace(real, **changed))
        head = []
        for real, rows in zip(self.net.head, self.head, strict=True):
            weights, biases = rows.numbers()
            head.append(replace(real, weights=weights, biases=biases))
        return replace(self.net, layers=tuple(layers), head=tuple(head))

    def quantized(self) -> QuantizedNetwork:
        """The integer network of the weights as they are now."""
        return build(self.network(), self.qnet.formats)


def _check(net: Network) -> None:
    """`FormatError` for what torch has not."""
    if net.stem or net.reads:
        raise FormatError("training: dense stages in front of layers are not supported")
    for k, layer in enumerate(net.layers):
        shape = layer.shape
        usual = (layer.gate, layer.g, layer.h) == ("sigma", "tanh", "tanh") and not layer.clip
        plain = "f" in shape.gates and shape.block_size == 1 and not shape.gate_recurrence
        if not usual or not plain or layer.peepholes:
            raise FormatError(f"training: layer {k} is not an LSTM layer as torch has it")
    for label, stage in zip(labels(len(net.head)), net.head, strict=True):
        if stage.squash not in ("identity", "sigma", "tanh"):
            raise FormatError(f"training: {label} has the squash {stage.squash}")
    if net.output == "final":
        raise FormatError("training: outputs of the last step of each direction are not supported")
