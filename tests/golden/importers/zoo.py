"""Twenty-one small networks that people train, in PyTorch, exported to ONNX.

What needs PyTorch is imported where it is used: ordinary tests run without.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

INPUTS, CELLS, WORDS, STEPS = 4, 8, 10, 20
REFUSED = {
    "layer norm": "a normalisation over values of the same step, not supported; cut the file: onnx",
    "gru": "a GRU, not supported; the cells are those of LSTM: train nn.LSTM or layers.LSTM",
    "rnn": "a plain RNN, not supported; the cells are those of LSTM: train nn.LSTM or layers.LSTM",
}


def forwards() -> dict[str, Callable[[Any, Any], Any]]:
    """What each network makes of an input (N, T, D), from a module that has all parts."""
    import torch

    def turned(part: Any, x: Any) -> Any:
        return part(x.transpose(1, 2)).transpose(1, 2)

    return {
        "plain": lambda m, x: m.out(m.lstm(x)[0]),
        "two dense with relu": lambda m, x: m.small(torch.relu(m.wide(m.lstm(x)[0]))),
        "relu": lambda m, x: torch.relu(m.out(m.lstm(x)[0])),
        "tanh": lambda m, x: torch.tanh(m.out(m.lstm(x)[0])),
        "softmax": lambda m, x: torch.softmax(m.out(m.lstm(x)[0][:, -1]), -1),
        "log softmax": lambda m, x: torch.log_softmax(m.out(m.lstm(x)[0][:, -1]), -1),
        "argmax": lambda m, x: m.out(m.lstm(x)[0][:, -1]).argmax(-1),
        "residual": lambda m, x: x + m.back(m.lstm(x)[0]),
        "skip": lambda m, x: m.skip(torch.cat([x, m.lstm(x)[0]], -1)),
        "layer norm": lambda m, x: m.out(m.norm(m.lstm(x)[0])),
        "mean over time": lambda m, x: m.out(m.lstm(x)[0].mean(1)),
        "scale": lambda m, x: m.out(m.lstm((x - 0.5) / 2.5)[0]) * 3 + 1,
        "gru": lambda m, x: m.out(m.gru(x)[0]),
        "rnn": lambda m, x: m.out(m.rnn(x)[0]),
        "linear in front": lambda m, x: m.out(m.lstm(m.front(x))[0]),
        "convolution in front": lambda m, x: m.out(m.lstm(torch.relu(turned(m.conv, x)))[0]),
        "embedding": lambda m, x: m.out(m.lstm(m.table(x))[0]),
        "dropout": lambda m, x: m.out(m.drop(m.lstm(m.drop(x))[0])),
        "last step": lambda m, x: m.out(m.lstm(x)[1][0][-1]),
        "open axes": lambda m, x: m.out(m.lstm(x)[0]),
        "two layers, batch norm": lambda m, x: m.out(m.deep(turned(m.scale, x))[0]),
    }


def export(name: str, file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write a network as ONNX; an input, and what PyTorch makes of it."""
    import torch
    from torch import nn

    forward = forwards()[name]

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(INPUTS, CELLS, batch_first=True)
            self.deep = nn.LSTM(INPUTS, CELLS, 2, batch_first=True, dropout=0.2)
            self.gru = nn.GRU(INPUTS, CELLS, batch_first=True)
            self.rnn = nn.RNN(INPUTS, CELLS, batch_first=True)
            self.wide, self.small = nn.Linear(CELLS, 6), nn.Linear(6, 3)
            self.out, self.back = nn.Linear(CELLS, 3), nn.Linear(CELLS, INPUTS)
            self.front, self.skip = nn.Linear(INPUTS, INPUTS), nn.Linear(CELLS + INPUTS, 3)
            self.conv = nn.Conv1d(INPUTS, INPUTS, 3, padding=1)
            self.table, self.drop = nn.Embedding(WORDS, INPUTS), nn.Dropout(0.3)
            self.norm, self.scale = nn.LayerNorm(CELLS), nn.BatchNorm1d(INPUTS)

        def forward(self, x: Any) -> Any:
            return forward(self, x)

    torch.manual_seed(0)
    model = Model().eval()
    with torch.no_grad():
        model.scale.running_mean.normal_()  # type: ignore[operator, union-attr]
        model.scale.running_var.uniform_(0.5, 2.0)  # type: ignore[operator, union-attr]
        x = torch.randn(2, STEPS, INPUTS)
        if name == "embedding":
            x = torch.randint(0, WORDS, (2, STEPS))
        axes = {"input_names": ["x"], "dynamic_axes": {"x": {0: "n", 1: "t"}}}
        more = axes if name == "open axes" else {}
        torch.onnx.export(model, (x,), str(file), dynamo=False, **more)
        if name == "open axes":
            x = torch.randn(3, STEPS // 2, INPUTS)
        return x.numpy(), model(x).numpy()
