"""Error of fixed point against float: `python -m bench.bench_error [--json FILE]`.

The output of `torch.nn.LSTM(16, 32)`, seed 0, over 100 steps, as saved in `tests/data`, against the
integer model: with uniform formats chosen from the same input, and with those that a search finds
on another input, no code wider than so many bits. These over 1000 steps too, a hundred at a
time, where the reference is the float model, which is torch's to 1e-13. Beside it what hls4ml 1.3.0
reaches on this network in its own C simulation, last output only: its default and its best at 16
bits, and its `ap_fixed<8,3>`.
"""

import argparse
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from carousel.cli.inputs import Inputs
from carousel.search.problems import problems
from fixedpoint import QuantizedNetwork, compare, quantize
from fixedpoint.fitting import formats_of
from fixedpoint.search.evaluation import evaluate
from fixedpoint.search.search import Goal, Search
from fixedpoint.search.space import Space
from golden import Network
from tests.data.torch_lstm import load

HLS4ML = {  # its default, and its best at 16 bits: rounding, saturation, tables of 16,384 entries
    "hls4ml, ap_fixed<16,6>": {"max": 3.0e-2, "rmse": 1.2e-2},
    "hls4ml, best of 16 bits": {"max": 2.3e-3, "rmse": 8.4e-4},
    "hls4ml, ap_fixed<8,3>": {"max": 0.32, "rmse": 0.126},
}
FOUND = (8, 16)  # bits of the widest code
LONG, BLOCK = 1000, 100  # steps


@cache
def searched(bits: int) -> QuantizedNetwork:
    """In the formats of least error on another input, as `carousel search` finds them."""
    net, data = load()
    inputs = Inputs(data["calibration"][None], None, None, "another input")
    trial, held_out = problems(net, inputs, None, 0, 16)
    goal = Goal(bits)
    space = Space.of(net, trial.seen, bits)
    state = Search(goal, space, lambda some: [evaluate(trial, each) for each in some])
    found = state.run(lambda each: goal.met(evaluate(held_out, each.widths)))
    return quantize(net, formats_of(net, found.widths, trial.seen))


def error(qnet: QuantizedNetwork) -> dict[str, float]:
    """Largest error and RMSE of all outputs of the saved input."""
    _, data = load()
    off = qnet.run(qnet.encode(data["input"])[0]).value("out") - data["output"]
    return {"max": float(np.abs(off).max()), "rmse": float(np.sqrt(np.mean(off**2)))}


def over_time(net: Network, qnet: QuantizedNetwork) -> list[dict[str, float]]:
    """The same block by block of a long random input, against the float model."""
    x = np.random.default_rng(0).standard_normal((LONG, net.inputs))
    fixed = qnet.run(qnet.encode(x)[0])
    blocks = compare(net.run(x), fixed, BLOCK).signals["out"].over_time
    return [{"step": b.step, "max": b.max_abs, "rmse": b.rmse} for b in blocks]


def measure() -> dict[str, Any]:
    """For some uniform widths, and for formats found; these over time too."""
    net, data = load()
    results: dict[str, Any] = {
        f"carousel, {bits} bits": error(quantize(net, bits=bits, calibrate=data["input"]))
        for bits in (8, 12, 16, 20)
    }
    for bits in FOUND:
        name, qnet = f"carousel, found for {bits} bits", searched(bits)
        results[name] = {**error(qnet), "over_time": over_time(net, qnet)}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    results = measure()
    print(f"{'':28}{'largest error':>16}{'RMSE':>12}")
    for name, r in {**results, **HLS4ML}.items():
        print(f"{name:28}{r['max']:>16.1e}{r['rmse']:>12.1e}")
    for bits in FOUND:
        print(f"\nFound for {bits} bits, {LONG} steps:")
        for b in results[f"carousel, found for {bits} bits"]["over_time"]:
            steps = f"{b['step']} to {b['step'] + BLOCK - 1}"
            print(f"{steps:>28}{b['max']:>16.1e}{b['rmse']:>12.1e}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
