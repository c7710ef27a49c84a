"""Time of the integer model against the float model: `python -m bench.bench_model [--json FILE]`.

A forget-gate LSTM with 16 inputs and 32 cells at 16 bits: from one sequence alone to 1000 of 100
steps, and how often hls4ml's C simulation of one goes into a step. One BLAS thread, the best of
several runs taken in turn, so that a busy machine troubles both models alike. Prints a table, and
writes the same as JSON if asked.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy starts its threads

import numpy as np  # noqa: E402

from fixedpoint import QuantizedNetwork, quantize  # noqa: E402
from golden import Layer, Network  # noqa: E402

INPUTS, CELLS, BITS = 16, 32, 16
CASES = {
    "alone, 2000 steps": (1, 2000),
    **{f"{n} x {t}": (n, t) for n, t in ((2, 1000), (8, 500), (32, 300), (129, 100))},
    **{f"{n} x 100": (n, 100) for n in (256, 1000)},
}
HLS4ML_US = 125.0  # a step of one sequence: hls4ml 1.3.0, ap_fixed<16,6>, another machine like this


def network(seed: int = 0) -> tuple[Network, QuantizedNetwork]:
    """The network that is measured, weights uniform in +-1/sqrt(cells), and its integer twin."""
    rng, most = np.random.default_rng(seed), 1 / np.sqrt(CELLS)
    weights = {kind: rng.uniform(-most, most, (CELLS, INPUTS + CELLS)) for kind in "ifog"}
    biases = {kind: rng.uniform(-most, most, CELLS) for kind in "ifog"}
    net = Network((Layer(weights, biases),))
    return net, quantize(net, bits=BITS, calibrate=rng.standard_normal((256, 100, INPUTS)))


def best(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The shortest time in seconds of each call, all of them called in turn, `rounds` times."""
    found = dict.fromkeys(calls, np.inf)
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            found[name] = min(found[name], time.perf_counter() - start)
    return found


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """For each case the two times in ms, their ratio, and us a step of all sequences at once."""
    net, qnet = network()
    results = {}
    for name, (sequences, steps) in CASES.items():
        x = np.random.default_rng(1).standard_normal((sequences, steps, INPUTS))
        codes, _ = qnet.encode(x)
        times = best(
            {"float": lambda x=x: net.run(x), "fixed": lambda c=codes: qnet.run(c)}, rounds
        )
        results[name] = {
            "float_ms": times["float"] * 1e3,
            "fixed_ms": times["fixed"] * 1e3,
            "ratio": times["fixed"] / times["float"],
            "float_us_a_step": times["float"] / steps * 1e6,
            "fixed_us_a_step": times["fixed"] / steps * 1e6,
            "hls4ml": HLS4ML_US * sequences * steps / times["fixed"] / 1e6,
        }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="runs of each, the best counts (9)")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    results = measure(options.rounds)
    print(f"LSTM {INPUTS} x {CELLS}, {BITS} bits, NumPy {np.__version__}")
    print(
        f"{'sequences x steps':20}{'float':>10}{'fixed':>10}{'ratio':>8}{'float':>14}{'fixed':>14}"
        f"{'hls4ml / fixed':>16}"
    )
    for name, r in results.items():
        print(
            f"{name:20}{r['float_ms']:>7.1f} ms{r['fixed_ms']:>7.1f} ms{r['ratio']:>8.2f}"
            f"{r['float_us_a_step']:>8.1f} us/step{r['fixed_us_a_step']:>8.1f} us/step"
            f"{r['hls4ml']:>16.0f}"
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
