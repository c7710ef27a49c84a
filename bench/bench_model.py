"""Time of the integer model beside the float model and others: `python -m bench.bench_model`.

Layers with 16 inputs and 32 cells at 16 bits, one sequence alone and 256 of 100 steps, on one
thread: the integer model compiled and as the readable loop, the float model, torch, onnxruntime and
hls4ml's C simulation, as far as they are installed and can run such a layer. Seconds of processor
time, the best of several runs taken in turn. Writes `bench/model.json` and the table in
docs/measured.md if asked (`--keep`).
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest import mock

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy starts its threads

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402

from bench import pages  # noqa: E402
from bench.kept import short  # noqa: E402
from bench.model_peers import CELLS, INPUTS, KINDS, Calls, network, peers  # noqa: E402
from carousel.report.tables import Table  # noqa: E402
from fixedpoint import loop, quantize  # noqa: E402
from fixedpoint.compiled import run as compiled  # noqa: E402
from fixedpoint.dense import QuantizedDense  # noqa: E402
from golden import Network  # noqa: E402

BITS = 16
SIZES = {"alone": (1, 2000), "256 sequences": (256, 100)}
MODELS = ("integer", "integer, all signals", "integer, loop", "float")
PEERS = ("torch float32", "torch float64", "onnxruntime float32", "hls4ml")
FILE = Path(__file__).with_name("model.json")
Found = dict[str, Any]


def ours(net: Network, x: np.ndarray) -> Calls:
    """The models of a network on `x`; the integer ones take it as codes."""
    calibrate = np.random.default_rng(2).standard_normal((256, 100, INPUTS))
    qnet = quantize(net, bits=BITS, calibrate=calibrate)
    codes, _ = qnet.encode(x)

    def by(signals: bool, run_layer: Any, run_dense: Any) -> Callable[[], Any]:
        def call() -> Any:
            with (
                mock.patch("fixedpoint.network.run_layer", run_layer),
                mock.patch("fixedpoint.network.run_dense", run_dense),
            ):
                return qnet.run(codes, signals=signals)

        return call

    fast = (by(signals, compiled.run_layer, compiled.run_dense) for signals in (False, True))
    loops = (*fast, by(True, loop.run_layer, QuantizedDense.run), lambda: net.run(x))
    return dict(zip(MODELS, loops, strict=True))


def best(calls: Calls, rounds: int) -> dict[str, float]:
    """The shortest processor time in seconds of each call, all called in turn, `rounds` times."""
    found = dict.fromkeys(calls, np.inf)
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            found[name] = min(found[name], time.process_time() - start)
    return found


def measure(kind: str, size: str, rounds: int) -> Found:
    """us a step of all sequences at once, by what runs it; and what is missing, and why."""
    (sequences, steps), net = SIZES[size], network(kind)
    x = np.random.default_rng(1).standard_normal((sequences, steps, INPUTS))
    with peers(kind, net, x) as (calls, missing):
        times = best(ours(net, x) | calls, rounds)
    microseconds = {name: seconds / steps * 1e6 for name, seconds in times.items()}
    return {"kind": kind, "size": size, "us": microseconds, "missing": missing}


def tools() -> dict[str, str]:
    """The versions of what was there."""
    found = {}
    for name in ("numpy", "numba", "torch", "onnxruntime", "hls4ml"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def table(found: Found) -> Table:
    """A row for each layer and size: us a step, and how the integer model compares."""
    head = ("layer", "", *MODELS, *PEERS, "integer / onnxruntime", "integer / torch float32")
    rows = []
    for each in found["results"]:
        us = each["us"]
        ratios = (_ratio(us, name) for name in ("onnxruntime float32", "torch float32"))
        shown = (short(us[name]) if name in us else "-" for name in (*MODELS, *PEERS))
        rows.append((each["kind"], each["size"], *shown, *ratios))
    return Table.of("", head, rows)


def _ratio(us: dict[str, float], name: str) -> str:
    return f"{us['integer'] / us[name]:.2f}" if name in us else "-"


def text(found: Found) -> str:
    """What stands on the page."""
    versions = ", ".join(f"{name} {version}" for name, version in found["tools"].items())
    return f"{table(found).markdown()}\n\n{versions}."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25, help="runs of each, the best counts (25)")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--keep", action="store_true", help=f"write {FILE.name} and the page")
    options = parser.parse_args()
    results = [measure(kind, size, options.rounds) for kind in KINDS for size in SIZES]
    found = {"tools": tools(), "rounds": options.rounds, "results": results}
    print(f"LSTM {INPUTS} x {CELLS}, {BITS} bits, one thread, us a step of all sequences")
    table(found).show(Console(width=200))
    said = {
        f"{name}, {each['kind']}, {each['size']}: {why}"
        for each in results
        for name, why in each["missing"].items()
    }
    print("\n".join(sorted(said)))
    for file in (options.json, FILE if options.keep else None):
        if file:
            file.write_text(json.dumps(found, indent=2) + "\n")
    if options.keep:
        pages.write(pages.DOCS / "measured.md", "models", text(found))


if __name__ == "__main__":
    main()
