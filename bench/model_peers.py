"""The networks whose models are timed, and what else runs them: torch, onnxruntime, hls4ml."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from golden import Dense, Layer, Network
from golden.exporters.onnx import save_onnx
from golden.squash import Array

INPUTS, CELLS, PROJECTED, OUTPUTS = 16, 32, 16, 10
KINDS = ("plain", "peepholes", "projection", "bidirectional", "head")
CLOSE = 1e-4  # float32 beside float64
ORDER = "ifgo"  # of torch's rows
FORMAT = "ap_fixed<16,6>"  # hls4ml's default

Calls = dict[str, Callable[[], Any]]


class CannotError(Exception):
    """A kind of layer that a peer cannot run, or was not tried on."""


def network(kind: str, seed: int = 0) -> Network:
    """Forget-gate cells, all weights uniform in +-1/sqrt(cells)."""
    rng, most = np.random.default_rng(seed), 1 / np.sqrt(CELLS)
    seen = PROJECTED if kind == "projection" else CELLS

    def drawn(*shape: int) -> Array:
        return rng.uniform(-most, most, shape)

    def layer(**options: Any) -> Layer:
        weights = {each: drawn(CELLS, INPUTS + seen) for each in "ifog"}
        return Layer(weights, {each: drawn(CELLS) for each in "ifog"}, **options)

    if kind == "peepholes":
        return Network((layer(peepholes={each: drawn(CELLS) for each in "ifo"}),))
    if kind == "projection":
        return Network((layer(projection=drawn(PROJECTED, CELLS)),))
    if kind == "bidirectional":
        return Network((layer(), layer(reverse=True, beside=True)))
    if kind == "head":
        return Network((layer(),), (Dense(drawn(OUTPUTS, CELLS), drawn(OUTPUTS)),))
    return Network((layer(),))


@contextmanager
def peers(kind: str, net: Network, x: Array) -> Iterator[tuple[Calls, dict[str, str]]]:
    """What runs the same network on `x` (N, T, D) elsewhere; and why what cannot, cannot.

    Raises
    ------
    ValueError : one of them gives something else than `net`.
    """
    calls, missing = Calls(), dict[str, str]()
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("torch", _torch), ("onnxruntime", _onnxruntime), ("hls4ml", _hls4ml)):
            try:
                calls |= make(kind, net, x, Path(folder))
            except (ImportError, CannotError) as error:
                missing[name] = str(error)
        want = net.run(x).out
        for name, call in calls.items():
            if name != "hls4ml" and np.abs(call() - want).max() > CLOSE:
                raise ValueError(f"{name}, {kind}: not the outputs of this network")
        yield calls, missing


def _torch(kind: str, net: Network, x: Array, folder: Path) -> Calls:
    import torch  # pyright: ignore[reportMissingImports]

    if kind == "peepholes":
        raise CannotError("nn.LSTM has no peepholes")
    torch.set_num_threads(1)
    found = Calls()
    for name, dtype in (("torch float32", torch.float32), ("torch float64", torch.float64)):
        lstm, head = _modules(net, torch, dtype)
        values = torch.tensor(x, dtype=dtype)

        def run(lstm: Any = lstm, head: Any = head, values: Any = values) -> Array:
            with torch.inference_mode():
                return head(lstm(values)[0]).numpy()

        found[name] = run
    return found


def _modules(net: Network, torch: Any, dtype: Any) -> tuple[Any, Any]:
    """The network's `nn.LSTM` and what stands behind it."""
    first = net.layers[0]
    options = {"proj_size": 0 if first.projection is None else len(first.projection)}
    lstm = torch.nn.LSTM(
        INPUTS, CELLS, batch_first=True, bidirectional=len(net.layers) > 1, **options
    )
    numbers = dict[str, Array]()
    for layer, end in zip(net.layers, ("_l0", "_l0_reverse"), strict=False):
        rows = np.concatenate([layer.weights[each] for each in ORDER])
        numbers["weight_ih" + end], numbers["weight_hh" + end] = np.split(rows, [INPUTS], axis=1)
        numbers["bias_ih" + end] = np.concatenate([layer.biases[each] for each in ORDER])
        numbers["bias_hh" + end] = np.zeros(4 * CELLS)
        if layer.projection is not None:
            numbers["weight_hr" + end] = layer.projection
    lstm.load_state_dict({name: torch.tensor(value) for name, value in numbers.items()})
    head = torch.nn.Identity()
    if net.head:
        head = torch.nn.Linear(CELLS, OUTPUTS)
        parts = {"weight": net.head[0].weights, "bias": net.head[0].biases}
        head.load_state_dict({name: torch.tensor(value) for name, value in parts.items()})
    return lstm.to(dtype), head.to(dtype)


def _onnxruntime(kind: str, net: Network, x: Array, folder: Path) -> Calls:
    import onnxruntime

    if kind == "projection":
        raise CannotError("the operator LSTM has no projection")
    save_onnx(net, folder / "net.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "net.onnx", options)
    values = x.astype(np.float32)
    return {"onnxruntime float32": lambda: session.run(["y"], {"x": values})[0]}


def _hls4ml(kind: str, net: Network, x: Array, folder: Path) -> Calls:
    """Its C simulation, of the plain layer alone; of numbers in its default format."""
    if kind != "plain" or len(x) > 1:
        raise CannotError("only the plain layer alone was tried")
    import torch  # pyright: ignore[reportMissingImports]

    hls4ml: Any = import_module("hls4ml")  # no dependency, so without types

    lstm, _ = _modules(net, torch, torch.float32)

    class Alone(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = lstm

        def forward(self, x: Any) -> Any:
            return self.rnn(x)[0]

    config = hls4ml.utils.config_from_pytorch_model(
        Alone(), x.shape[1:], channels_last_conversion="off", default_precision=FORMAT
    )
    found = hls4ml.converters.convert_from_pytorch_model(
        Alone(), hls_config=config, output_dir=str(folder / "hls4ml"), backend="Vitis"
    )
    found.compile()
    values = np.ascontiguousarray(x, np.float32)
    return {"hls4ml": lambda: found.predict(values)}
