"""Write pytorch_*.safetensors: small networks of PyTorch, each with an input and its output.

Made once, with torch 2.13.0 and safetensors 0.8.0; torch is no dependency of the tests. To make
them again:

    python tests/data/make_pytorch.py     # in an environment with torch, numpy and safetensors

Beside each model is a .npz: input (2, 12, D) from torch.randn, and output (2, 12, K) of the network
in the type of its weights, at every step.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

STEPS, SEQUENCES = 12, 2


class Chain(nn.Module):
    """LSTMs one on the other, and a Linear where there are outputs."""

    def __init__(self, lstms: dict[str, nn.LSTM], linear: nn.Linear | None = None):
        super().__init__()
        self.order = list(lstms)
        for name, lstm in lstms.items():
            setattr(self, name, lstm)
        if linear is not None:
            self.fc = linear

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.order:
            x = getattr(self, name)(x)[0]
        return self.fc(x) if hasattr(self, "fc") else x


def lstm(*sizes: int, **options) -> nn.LSTM:
    return nn.LSTM(*sizes, batch_first=True, **options)


def networks() -> dict[str, nn.Module]:
    return {
        "plain": lstm(3, 6),
        "deep": Chain({"lstm": lstm(4, 8, num_layers=3, dropout=0.2)}, nn.Linear(8, 2)),
        "bias_free": Chain({"core": lstm(3, 5, num_layers=2, bias=False)}, nn.Linear(5, 3, False)),
        "chained": Chain({"top": lstm(3, 7), "below": lstm(7, 5)}, nn.Linear(5, 2)),
        "half": Chain({"lstm": lstm(3, 6)}, nn.Linear(6, 1)).half(),
        "bfloat16": Chain({"lstm": lstm(3, 6)}, nn.Linear(6, 1)).bfloat16(),
        "double": Chain({"lstm": lstm(3, 6)}, nn.Linear(6, 1)).double(),
        "projected": Chain({"lstm": lstm(3, 6, num_layers=2, proj_size=4)}, nn.Linear(4, 2)),
        "bidirectional": lstm(3, 5, bidirectional=True),
        "deep_bidirectional": Chain(
            {"lstm": lstm(3, 4, num_layers=3, bidirectional=True)}, nn.Linear(8, 2)
        ),
        "both": Chain(
            {"lstm": lstm(3, 6, num_layers=2, bias=False, bidirectional=True, proj_size=2)},
            nn.Linear(4, 3),
        ),
        "both_biased": lstm(3, 5, bidirectional=True, proj_size=3),
        "chained_directions": Chain(
            {"top": lstm(3, 4, bidirectional=True), "below": lstm(8, 5, proj_size=2)},
            nn.Linear(2, 1),
        ),
    }


def main() -> None:
    folder = Path(__file__).parent
    torch.manual_seed(0)
    for name, net in networks().items():
        net.eval()
        first = next(net.parameters())
        x = torch.randn(SEQUENCES, STEPS, first.shape[1])
        save_file(net.state_dict(), folder / f"pytorch_{name}.safetensors")
        narrow = first.dtype in (torch.float16, torch.bfloat16)  # compute what the weights say
        net = net.float() if narrow else net
        with torch.no_grad():
            out = net(x.to(next(net.parameters()).dtype))
        out = out[0] if isinstance(out, tuple) else out
        np.savez_compressed(folder / f"pytorch_{name}.npz", input=x.numpy(), output=out.numpy())


if __name__ == "__main__":
    main()
