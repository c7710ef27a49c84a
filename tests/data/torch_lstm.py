"""The saved torch.nn.LSTM(16, 32) as a network; see make_torch_lstm.py for how it was saved."""

from pathlib import Path

import numpy as np

from golden import Layer, Network


def load() -> tuple[Network, dict[str, np.ndarray]]:
    """The network, and everything saved with it as float64."""
    with np.load(Path(__file__).with_name("torch_lstm_16_32.npz")) as archive:
        data = {name: archive[name].astype(np.float64) for name in archive.files}
    weights = np.hstack([data["weight_ih_l0"], data["weight_hh_l0"]])
    biases = data["bias_ih_l0"] + data["bias_hh_l0"]
    rows = {kind: slice(32 * k, 32 * (k + 1)) for k, kind in enumerate("ifgo")}
    layer = Layer(
        {kind: weights[cut] for kind, cut in rows.items()},
        {kind: biases[cut] for kind, cut in rows.items()},
    )
    return Network((layer,), name="torch_lstm_16_32"), data
