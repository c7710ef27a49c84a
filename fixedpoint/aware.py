"""Training on the integer model: a torch module whose outputs are its codes, bit for bit.

Made of a float network and formats that stay as they are. Forward everything is computed on whole
numbers in float64, as `fixedpoint.loop` does, so that what is trained is what the gateware will
compute. Backward a rounding passes the gradient on as it is, a limit only where nothing is
limited, and a table gives the slope of its function. For networks that torch can express: cells
with a forget gate, stacked, projected, in both directions, dense stages behind. It needs torch.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fixedpoint.arithmetic import EXACT_FLOAT
from fixedpoint.cell import QuantizedLayer
from fixedpoint.dense import QuantizedDense
from fixedpoint.formats import FormatError, Formats
from fixedpoint.network import QuantizedNetwork, build
from fixedpoint.squash import QuantizedSquash
from golden.network import Network
from golden.version import install
from golden.wiring import labels

try:
    import torch  # pyright: ignore[reportMissingImports]
except ImportError:
    raise FormatError(f"training in fixed point needs torch: {install('torch')}") from None


class _Round(torch.autograd.Function):
    """To the nearest whole number, ties towards plus infinity."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        return torch.floor(values + 0.5)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0]


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
    def backward(ctx: Any, *gradients: Any) -> Any:
        (slopes,) = ctx.saved_tensors
        return gradients[0] * slopes, None, None


def _round(values: torch.Tensor, shift: int) -> torch.Tensor:
    """values / 2^shift, rounded."""
    return _Round.apply(values * 2.0**-shift)


class _Squash(torch.nn.Module):
    """Sums to codes: rounded by `shift`, limited, squashed."""

    def __init__(self, unit: QuantizedSquash, shift: int):
        super().__init__()
        self.shift, self.ends, self.linear = shift, (unit.low, unit.high), unit.squash.linear
        if not self.linear:
            a = unit.net.decode(np.arange(unit.low, unit.high + 1))
            sigma = 1 / (1 + np.exp(-unit.squash.slope * a))
            slopes = unit.squash.scale * unit.squash.slope * sigma * (1 - sigma)
            slopes *= unit.net.lsb / unit.target.lsb
            self.register_buffer("table", torch.tensor(unit.lookup(), dtype=torch.float64))
            self.register_buffer("slopes", torch.tensor(slopes))

    def forward(self, sums: torch.Tensor) -> torch.Tensor:
        codes = _round(sums, self.shift).clamp(*self.ends)
        if self.linear:
            return codes
        return _Look.apply(codes - self.ends[0], self.table, self.slopes)


class _Rows(torch.nn.Module):
    """Weights and biases of rows as real numbers; `forward` gives their codes on the common scale.

    Parameters
    ----------
    columns : how many each source has.
    scales : by how many powers of two each column's value is scaled by the host.
    """

    scale: torch.Tensor
    common: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    def __init__(
        self,
        rows: QuantizedDense,
        weights: np.ndarray,
        biases: np.ndarray,
        columns: Sequence[int],
        scales: np.ndarray,
    ):
        super().__init__()
        self.weights, self.biases = (
            torch.nn.Parameter(torch.tensor(values)) for values in (weights, biases)
        )
        forms = [
            f for (f, _), n in zip(rows.formats.values(), columns, strict=True) for _ in range(n)
        ]
        coarser = np.array(rows.coarser or [0]).reshape(-1, 1)
        fracs = np.array([form.frac for form in forms]) - scales - coarser
        for name, values in (
            ("scale", np.ldexp(1.0, fracs) * (weights != 0)),  # what was pruned stays so
            ("common", np.ldexp(1.0, coarser)),
            ("low", np.array([float(form.low) for form in forms])),
            ("high", np.array([float(form.high) for form in forms])),
        ):
            self.register_buffer(name, torch.tensor(values))
        self.bias_scale = 2.0**rows.sums.frac

    def forward(self) -> tuple[torch.Tensor, torch.Tensor]:
        own = _Round.apply(self.weights * self.scale)
        own = torch.minimum(torch.maximum(own, self.low), self.high)
        return own * self.common, _Round.apply(self.biases * self.bias_scale)


class _Layer(torch.nn.Module):
    """A layer: codes (T, N, D) to codes (T, N, outputs)."""

    def __init__(self, real: Any, fixed: QuantizedLayer, scales: np.ndarray):
        super().__init__()
        self.fixed, shape = fixed, fixed.shape
        columns = [cut.stop - cut.start for cut in shape.columns.values()]
        every = np.zeros(sum(columns), np.int64)
        every[shape.columns["x"]] = scales
        self.rows = torch.nn.ModuleDict(
            {
                kind: _Rows(fixed.rows(kind), real.weights[kind], real.biases[kind], columns, every)
                for kind in shape.kinds
            }
        )
        self.gate = _Squash(fixed.gate, fixed.net_shift("i"))
        self.g = _Squash(fixed.g, fixed.net_shift("g"))
        self.h = _Squash(fixed.h, fixed.h_shift)
        self.projection = None
        if fixed.projection is not None:
            none = np.zeros(len(real.projection))
            parts = real.projection, none, [shape.cells], np.zeros(shape.cells, np.int64)
            self.projection = _Rows(fixed.projection, *parts)
            self.projection.biases.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fixed, forms, shape = self.fixed, self.fixed.formats, self.fixed.shape
        found = [self.rows[kind]() for kind in shape.kinds]
        weights, biases = (torch.cat([each[k] for each in found]) for k in (0, 1))
        cut, cells = shape.columns, shape.cells
        x = x.flip(0) if shape.reverse else x
        nets = x @ weights[:, cut["x"]].T + biases
        again = weights[:, cut["y"]].T
        s, y = (
            torch.tensor(codes, dtype=torch.float64).expand(x.shape[1], -1)
            for codes in (fixed.initial.s, fixed.initial.y)
        )
        project = None if self.projection is None else self.projection()[0].T
        outputs = []
        for net in nets:
            net = net + y @ again
            i, f, o = self.gate(net[:, : 3 * cells]).split(cells, 1)
            kept = _round(f * s, fixed.keep_shift)
            added = _round(i * self.g(net[:, 3 * cells :]), fixed.input_shift)
            s = (kept + added).clamp(forms.s.low, forms.s.high)
            m = _round(o * self.h(s), fixed.output_shift)
            y = m.clamp(forms.cell_output.low, forms.cell_output.high)
            if project is not None and fixed.projection is not None:
                y = _round(y @ project, int(fixed.projection.shifts[0]))
                y = y.clamp(forms.y.low, forms.y.high)
            outputs.append(y)
        found = torch.stack(outputs)
        return found.flip(0) if shape.reverse else found


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
            _Rows(fixed, real.weights, real.biases, [real.inputs], np.zeros(real.inputs, np.int64))
            for real, fixed in zip(net.head, self.qnet.head, strict=True)
        )
        self.units = torch.nn.ModuleList(
            _Squash(stage.squash, int(stage.shifts[0])) for stage in self.qnet.head
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        form = self.qnet.formats.input
        scale = torch.tensor(np.ldexp(1.0, self.qnet.formats.scales + form.frac))
        codes = _Round.apply(x.double() * scale).clamp(form.low, form.high).transpose(0, 1)
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
        for real, part in zip(self.net.layers, parts, strict=True):
            kinds = {kind: _numbers(rows) for kind, rows in part.rows.items()}
            changed: dict[str, Any] = {
                "weights": {kind: weights for kind, (weights, _) in kinds.items()},
                "biases": {kind: biases for kind, (_, biases) in kinds.items()},
            }
            if part.projection is not None:
                changed["projection"] = _numbers(part.projection)[0]
            layers.append(replace(real, **changed))
        head = []
        for real, rows in zip(self.net.head, self.head, strict=True):
            weights, biases = _numbers(rows)
            head.append(replace(real, weights=weights, biases=biases))
        return replace(self.net, layers=tuple(layers), head=tuple(head))

    def quantized(self) -> QuantizedNetwork:
        """The integer network of the weights as they are now."""
        return build(self.network(), self.qnet.formats)


def _numbers(rows: Any) -> tuple[np.ndarray, np.ndarray]:
    weights, biases = (p.detach().numpy().copy() for p in (rows.weights, rows.biases))
    return weights, biases


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
