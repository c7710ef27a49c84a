"""Cycles a step and use of the multipliers, simulated: `python -m bench.bench_core [--json FILE]`.

Forget-gate LSTMs with random weights at 16 bits, one sequence alone. The least is one useful
product for each multiplier in each clock; the simulated clocks must equal the prediction of the
schedule. Every code is compared with the integer model on the way.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from fixedpoint import QuantizedNetwork, quantize
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.widths import Widths
from golden import Layer, Network
from rtl import CoreOptions, plan
from sim import check, simulate

STEPS = 12
CASES = {  # widths of input and layers, lanes
    "1 input, 20 cells": ((1, 20), 4),
    "16 inputs, 32 cells": ((16, 32), 16),
    "100 inputs, 64 cells": ((100, 64), 64),
    "16 inputs, 128 cells": ((16, 128), 64),
    "64 inputs, 64 + 64 cells": ((64, 64, 64), 32),
    "16 inputs, 32 cells, all lanes": ((16, 32), 128),
}


def network(widths: tuple[int, ...]) -> tuple[QuantizedNetwork, np.ndarray]:
    """A random network of stacked layers, every code of 16 bits, and input codes for it."""
    rng, layers = np.random.default_rng(0), []
    for inputs, cells in zip(widths, widths[1:], strict=False):
        most = 1 / np.sqrt(cells)
        weights = {kind: rng.uniform(-most, most, (cells, inputs + cells)) for kind in "ifog"}
        layers.append(Layer(weights, {kind: rng.uniform(-most, most, cells) for kind in "ifog"}))
    x = rng.standard_normal((STEPS, widths[0]))
    net = Network(tuple(layers))
    qnet = quantize(net, formats_of(net, Widths.uniform(16), Seen.measure(net, x)))
    return qnet, qnet.encode(x)[0]


def measure_case(widths: tuple[int, ...], lanes: int, streams: int = 1) -> dict[str, Any]:
    """One core: lanes; cycles a step, least, measured, predicted; utilisation; codes.

    Of several streams each has the same sequence, turned by a step; a step is then one of each.
    """
    qnet, codes = network(widths)
    if streams > 1:
        codes = np.stack([np.roll(codes, turn, axis=0) for turn in range(streams)])
    schedule = plan(qnet, CoreOptions(lanes, streams))
    hardware = simulate(qnet, codes, lanes=lanes, streams=streams)
    verdict = check(qnet, codes, hardware)
    least = schedule.products_per_step / lanes
    return {
        "lanes": lanes,
        "least": least,
        "measured": hardware.cycles_per_step,
        "predicted": schedule.cycles_per_step,
        "utilisation": least / hardware.cycles_per_step,
        "codes": verdict.codes,
        "mismatches": verdict.wrong,
    }


def measure() -> dict[str, dict[str, Any]]:
    """Every case."""
    return {name: measure_case(*case) for name, case in CASES.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    results = measure()
    head = ("lanes", "least", "measured", "predicted", "utilisation", "codes", "differ")
    print(f"{'':32}" + "".join(f"{word:>12}" for word in head))
    for name, r in results.items():
        print(
            f"{name:32}{r['lanes']:>12}{r['least']:>12.0f}{r['measured']:>12.0f}"
            f"{r['predicted']:>12}{r['utilisation']:>12.1%}{r['codes']:>12,}{r['mismatches']:>12}"
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
