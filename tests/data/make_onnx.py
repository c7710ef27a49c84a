"""Writes the torch samples of this folder: nn.LSTM and nn.Linear as both of its exporters do it.

Needs PyTorch 2.13.0, onnx and onnxscript, which nothing else here needs:
`python tests/data/make_onnx.py`. Beside each `torch_*.onnx` it writes a `.npz` with an input x and
PyTorch's own output y, both batch first (N, T, ...). `projection.onnx` is what one exporter makes
of `proj_size`: it leaves the projection out, so there is no output to compare with.
"""

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

BATCH, STEPS, INPUTS, CELLS, OUTPUTS = 3, 12, 4, 6, 2


class Model(torch.nn.Module):
    """An LSTM, then a linear readout of every step or, with `last`, of the last step only."""

    def __init__(self, layers: int, batch_first: bool, last: bool) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(INPUTS, CELLS, layers, batch_first=batch_first)
        self.linear = torch.nn.Linear(CELLS, OUTPUTS)
        self.batch_first, self.last = batch_first, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, _ = self.lstm(x)
        if self.last:
            y = y[:, -1] if self.batch_first else y[-1]
        return self.linear(y)


class Bidirectional(torch.nn.Module):
    """Two bidirectional layers, then a linear readout of `what`.

    That is "every" or the "last" step; "final", both directions' h of layer 1; "view", the same
    picked as the documentation does it; "halves", the same from the outputs; or, with states as
    further inputs, "states" or, as parameters that are expanded or repeated, "learned".
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(
            INPUTS, CELLS, 2, batch_first=True, bidirectional=True, bias=what != "last"
        )
        self.linear, self.what = torch.nn.Linear(2 * CELLS, OUTPUTS), what
        if what == "learned":
            self.h0, self.c0 = (torch.nn.Parameter(torch.randn(4, 1, CELLS)) for _ in "hc")

    def forward(self, x: torch.Tensor, *states: torch.Tensor) -> torch.Tensor:
        n = x.shape[0]
        if self.what == "learned":
            states = (self.h0.expand(-1, n, -1).contiguous(), self.c0.repeat(1, n, 1))
        y, (h, _) = self.lstm(x, states or None)
        if self.what == "last":
            y = y[:, -1]
        elif self.what == "final":
            y = torch.cat([h[-2], h[-1]], 1)
        elif self.what == "view":
            both = h.view(2, 2, n, CELLS)[-1]
            y = torch.cat([both[0], both[1]], 1)
        elif self.what == "halves":
            y = torch.cat([y[:, -1, :CELLS], y[:, 0, CELLS:]], 1)
        return self.linear(y)


def write_bidirectional(what: str, dynamo: bool, folder: Path) -> None:
    """One sample of open sizes; initial states that are inputs are zero in its run."""
    torch.manual_seed(11)
    model, x = Bidirectional(what).eval(), torch.randn(BATCH, STEPS, INPUTS)
    zeros = [torch.zeros(4, BATCH, CELLS) for _ in "hc"]
    given = (x, *zeros) if what == "states" else (x,)
    with torch.no_grad():
        y = model(*given)
    path = folder / f"torch_{'dynamo' if dynamo else 'script'}_bidirectional_{what}.onnx"
    names = ["x", "h0", "c0"][: len(given)]
    sizes = {"x": {0: "n", 1: "t"}, "h0": {1: "n"}, "c0": {1: "n"}}
    options: dict[str, object] = {"opset_version": 17}
    if dynamo:
        open_sizes = [
            {axis: torch.export.Dim(size) for axis, size in sizes[name].items()} for name in names
        ]
        states = [tuple(open_sizes[1:])] if len(names) > 1 else []
        options = {"external_data": False, "dynamic_shapes": (open_sizes[0], *states)}
    else:
        options["dynamic_axes"] = {name: sizes[name] for name in names}
    torch.onnx.export(
        model, given, str(path), dynamo=dynamo, input_names=names, output_names=["y"], **options
    )
    strip(path)
    np.savez_compressed(path.with_suffix(".npz"), x=x.numpy(), y=y.numpy())


def write_projection(folder: Path) -> None:
    model = torch.nn.LSTM(INPUTS, CELLS, proj_size=OUTPUTS).eval()
    path = folder / "projection.onnx"
    torch.onnx.export(model, (torch.randn(4, 2, INPUTS),), str(path), external_data=False)
    strip(path)


def write(
    layers: int, batch_first: bool, dynamo: bool, last: bool, folder: Path, open_sizes: bool = False
) -> None:
    """One sample; with `open_sizes`, of any number of sequences and steps."""
    torch.manual_seed(layers * 8 + batch_first * 4 + dynamo * 2 + last)
    model = Model(layers, batch_first, last).eval()
    x = torch.randn(BATCH, STEPS, INPUTS)
    given = x if batch_first else x.transpose(0, 1).contiguous()
    with torch.no_grad():
        y = model(given)
    order = "batch" if batch_first else "time"
    kind = "dynamo" if dynamo else "script"
    end = ("_last" if last else "") + ("_open" if open_sizes else "")
    path = folder / f"torch_{kind}_{layers}_{order}{end}.onnx"
    options = {"external_data": False} if dynamo else {"opset_version": 17}
    if open_sizes and dynamo:
        options["dynamic_shapes"] = ({0: torch.export.Dim("n"), 1: torch.export.Dim("t")},)
    elif open_sizes:
        options["dynamic_axes"] = {"x": {0: "n", 1: "t"}}
    torch.onnx.export(
        model, (given,), str(path), dynamo=dynamo, input_names=["x"], output_names=["y"], **options
    )
    strip(path)
    if not last and not batch_first:
        y = y.transpose(0, 1)
    np.savez_compressed(path.with_suffix(".npz"), x=x.numpy(), y=y.numpy())


def strip(path: Path) -> None:
    """Remove what the exporter wrote about this machine: the program lines of each node."""
    model = onnx.load(path)
    del model.metadata_props[:], model.graph.metadata_props[:]
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    here = Path(__file__).parent
    for layers in (1, 2):
        for batch_first in (False, True):
            for dynamo in (False, True):
                for last in (False, True):
                    write(layers, batch_first, dynamo, last, here)
    for dynamo in (False, True):
        write(2, True, dynamo, False, here, open_sizes=True)
        for what in ("every", "last", "final", "view", "halves", "states", "learned"):
            write_bidirectional(what, dynamo, here)
    write_projection(here)
