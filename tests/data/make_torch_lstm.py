"""Write torch_lstm_16_32.npz: torch.nn.LSTM(16, 32) with seed 0, an input and its output.

Made once, with torch 2.13.0; torch is no dependency of the tests. To make it again:

    python tests/data/make_torch_lstm.py        # in an environment with torch and numpy

Arrays: weight_ih_l0 (128, 16), weight_hh_l0 (128, 32), bias_ih_l0 and bias_hh_l0 (128,), rows in
torch's order i f g o; input (100, 16) from torch.randn and another (100, 16), `calibration`, drawn
after it; output (100, 32) of the float32 network, and output64 of the same network in float64.
"""

from pathlib import Path

import numpy as np
import torch


def main() -> None:
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(16, 32)
    x, calibration = torch.randn(100, 16), torch.randn(100, 16)
    weights = {name: value.detach().numpy().copy() for name, value in lstm.named_parameters()}
    with torch.no_grad():
        output = lstm(x)[0].numpy()
        output64 = lstm.double()(x.double())[0].numpy()
    arrays = {
        "input": x.numpy(),
        "calibration": calibration.numpy(),
        "output": output,
        "output64": output64,
    }
    path = Path(__file__).with_name("torch_lstm_16_32.npz")
    np.savez_compressed(path, **weights, **arrays)


if __name__ == "__main__":
    main()
