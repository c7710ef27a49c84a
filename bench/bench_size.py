"""Large networks from an ONNX file on: `python -m bench.bench_size [--json FILE]`.

Two layers of 128 cells (16 inputs): written as ONNX, imported, quantised to 16 bits, and 100 steps
simulated at 64 lanes with every code compared, the simulator's build included, from an empty cache.
One layer of 512 cells: imported, quantised, and 100 steps of the integer model.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

import golden
from fixedpoint import QuantizedNetwork, quantize
from golden import Layer, Network
from golden.exporters.onnx import save_onnx
from sim import check, simulate

INPUTS, STEPS, LANES = 16, 100, 64


def stack(*cells: int) -> Network:
    """Forget-gate layers of these sizes, uniform in +-1/sqrt(C) as PyTorch starts from."""
    rng, width, layers = np.random.default_rng(0), INPUTS, []
    for count in cells:
        edge = count**-0.5
        weights = {kind: rng.uniform(-edge, edge, (count, width + count)) for kind in "ifog"}
        layers.append(Layer(weights, {kind: rng.uniform(-edge, edge, count) for kind in "ifog"}))
        width = count
    return Network(tuple(layers))


class Clock:
    """Seconds between calls, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name], self.last = now - self.last, now


def imported(path: Path, x: np.ndarray, clock: Clock) -> QuantizedNetwork:
    """Read and quantised."""
    net = golden.load(path)
    clock("import")
    qnet = quantize(net, bits=16, calibrate=x)
    clock("quantise")
    return qnet


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds by part of the work, for both networks."""
    x = np.random.default_rng(1).standard_normal((STEPS, INPUTS))
    small, large = folder / "two.onnx", folder / "one.onnx"
    save_onnx(stack(128, 128), small)
    save_onnx(stack(512), large)
    clock = Clock()
    qnet = imported(small, x, clock)
    codes, _ = qnet.encode(x)
    hw = simulate(qnet, codes, lanes=LANES, build_dir=folder / "sim")
    clock("build and simulate")
    verdict = check(qnet, codes, hw)
    clock("compare")
    found = {"2 x 128 cells": {**clock.seconds, "all": sum(clock.seconds.values())}}
    found["2 x 128 cells"] |= {"codes": verdict.codes, "mismatches": verdict.wrong}
    found["2 x 128 cells"]["cycles a step"] = hw.cycles_per_step
    clock = Clock()
    qnet = imported(large, x, clock)
    qnet.run(qnet.encode(x)[0])
    clock("integer model")
    found["512 cells"] = {**clock.seconds, "all": sum(clock.seconds.values())}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carousel_size_") as folder:
        results = measure(Path(folder))
    for name, parts in results.items():
        print(name)
        for part, value in parts.items():
            unit = "" if part in ("codes", "mismatches", "cycles a step") else " s"
            print(f"  {part:20}{value:>10,.{1 if unit else 0}f}{unit}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
