"""Training on the integer model beside training in float: `python -m bench.bench_training`.

A layer and a dense stage behind, batches of 32 sequences, a whole batch: forward, backward and
Adam. The module of `fixedpoint.aware` at 8 bits, and float cells in torch as one writes them by
hand, step after step, in float64 and in float32. On one thread, in one run, taken in turn: seconds
of processor time, the best of several. Writes `bench/training.json` and the table of
docs/formats.md if asked (`--keep`).
"""

import argparse
import json
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy starts its threads

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402

from bench import pages  # noqa: E402
from bench.bench_model import best  # noqa: E402
from carousel.report.tables import Table  # noqa: E402
from fixedpoint import choose_formats  # noqa: E402
from golden import Dense, Layer, Network  # noqa: E402

BITS, BATCH, CLASSES, RATE = 8, 32, 10, 1e-3
SHAPES = {  # inputs, cells, steps
    "digits": (8, 32, 8),
    "vowels": (12, 32, 26),
    "spoken digits": (20, 64, 60),
}
FLOATS = ("float64", "float32")
FILE = Path(__file__).with_name("training.json")
Found = dict[str, Any]


def network(inputs: int, cells: int) -> Network:
    """Of random weights, as torch draws them."""
    rng, most = np.random.default_rng(0), cells**-0.5
    kinds, columns = "ifog", inputs + cells
    weights = {kind: rng.uniform(-most, most, (cells, columns)) for kind in kinds}
    biases = {kind: rng.uniform(-most, most, cells) for kind in kinds}
    head = Dense(rng.uniform(-most, most, (CLASSES, cells)), np.zeros(CLASSES), "identity")
    return Network((Layer(weights, biases),), (head,), output="last")


def by_hand(net: Network, kind: str) -> tuple[list[Any], Callable[[Any], Any]]:
    """Parameters, and from x (N, T, D) to the last step's logits, in torch's own operations."""
    import torch  # pyright: ignore[reportMissingImports]

    (layer,), (head,), dtype = net.layers, net.head, getattr(torch, kind)
    inputs, cells = net.inputs, layer.shape.cells
    w, b = (np.concatenate([part[k] for k in "ifog"]) for part in (layer.weights, layer.biases))
    parts = w[:, :inputs].T, w[:, inputs:].T, b, head.weights.T, head.biases
    learnt = [torch.tensor(part, dtype=dtype, requires_grad=True) for part in parts]

    def run(x: Any) -> Any:
        of_x, of_y, biases, out, shift = learnt
        s = y = torch.zeros(len(x), cells, dtype=dtype)
        for net_t in x.to(dtype).transpose(0, 1) @ of_x + biases:
            i, f, o, g = (net_t + y @ of_y).chunk(4, 1)
            s = torch.sigmoid(f) * s + torch.sigmoid(i) * torch.tanh(g)
            y = torch.sigmoid(o) * torch.tanh(s)
        return y @ out + shift

    return learnt, run


def measure(shape: str, rounds: int) -> Found:
    """us a step of a batch, by what trains."""
    import torch  # pyright: ignore[reportMissingImports]

    from fixedpoint.aware import Aware

    torch.set_num_threads(1)
    inputs, cells, steps = SHAPES[shape]
    rng, net = np.random.default_rng(1), network(inputs, cells)
    given, count = rng.standard_normal((BATCH, steps, inputs)), -(-60 // steps)
    module = Aware(net, choose_formats(net, BITS, given))
    x, labels = torch.tensor(given), torch.tensor(rng.integers(CLASSES, size=BATCH))
    runs = {"integer": (list(module.parameters()), lambda x: module(x)[:, -1])}
    runs |= {kind: by_hand(net, kind) for kind in FLOATS}

    def batches(learnt: list[Any], run: Callable[[Any], Any]) -> Callable[[], None]:
        optimizer = torch.optim.Adam(learnt, RATE)

        def call() -> None:
            for _ in range(count):
                loss = torch.nn.functional.cross_entropy(run(x), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

        return call

    times = best({name: batches(*each) for name, each in runs.items()}, rounds)
    us = {name: each / (count * steps) * 1e6 for name, each in times.items()}
    return {"shape": shape, "us": us}


def table(found: Found) -> Table:
    """A row for each shape: us a step, and how many times that of float cells the module takes."""
    names = ("integer", *FLOATS)
    rows = []
    for each in found["results"]:
        inputs, cells, steps = SHAPES[each["shape"]]
        us = each["us"]
        rows.append(
            (
                f"{inputs} inputs, {cells} cells, {steps} steps",
                *(f"{us[name]:.0f}" for name in names),
                *(f"{us['integer'] / us[kind]:.2f}" for kind in FLOATS),
            )
        )
    ratios = (f"integer / {kind}" for kind in FLOATS)
    return Table.of("", ("layer", *names, *ratios), rows)


def text(found: Found) -> str:
    """What stands on the page."""
    return f"{table(found).markdown()}\n\ntorch {found['torch']}."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25, help="runs of each, the best counts (25)")
    parser.add_argument("--keep", action="store_true", help=f"write {FILE.name} and the page")
    options = parser.parse_args()
    results = [measure(shape, options.rounds) for shape in SHAPES]
    found = {"torch": metadata.version("torch"), "rounds": options.rounds, "results": results}
    print(f"A batch of {BATCH} sequences, {BITS} bits, one thread, us a step")
    table(found).show(Console(width=120))
    if options.keep:
        FILE.write_text(json.dumps(found, indent=2) + "\n")
        pages.write(pages.DOCS / "formats.md", "training", text(found))


if __name__ == "__main__":
    main()
