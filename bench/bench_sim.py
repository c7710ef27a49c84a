"""Speed of the simulation in clock cycles a second: `python -m bench.bench_sim [--json FILE]`.

A forget-gate LSTM with 8 inputs and 12 cells at 16 bits on 16 lanes, one sequence, every gate,
state and output seen: the simulation from start to end; the same with the core's conversion and the
look-up of its build; the same with the comparison of every code, the integer model's run included.
Beside them stands the limit: the same design clocked by cocotb, with and without a Python call a
clock.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import Timer

from fixedpoint import QuantizedNetwork, quantize
from golden import Dense, Layer, Network
from rtl import CoreOptions, plan
from rtl.verilog import convert
from sim import check, simulate
from sim.harness import Harness
from sim.runner import BUILD_DIR, build, run
from sim.stage import PORTS, TOP

INPUTS, CELLS, LANES, BITS = 8, 12, 16, 16
BARE = 300_000  # clocks of the bare measurements
RESULT = "CAROUSEL_BENCH"  # environment variable: the file for the bare measurements


@cocotb.test()
async def bare(dut: Any) -> None:
    """Inside the simulator: clocks a second without a test bench."""
    Clock(dut.clk, 2, unit="step").start()
    rates = {}
    for name in ("clock alone", "one awaited edge a clock"):
        start = time.perf_counter()
        if name == "clock alone":
            await Timer(2 * BARE, "step")
        else:
            for _ in range(BARE):
                await dut.clk.falling_edge
        rates[name] = BARE / (time.perf_counter() - start)
    Path(os.environ[RESULT]).write_text(json.dumps(rates))


def network() -> QuantizedNetwork:
    """The network that is simulated."""
    rng = np.random.default_rng(0)
    scale = 1 / np.sqrt(CELLS)
    weights = {kind: rng.normal(0, scale, (CELLS, INPUTS + CELLS)) for kind in "ifog"}
    layer = Layer(weights, {kind: rng.normal(0, scale, CELLS) for kind in "ifog"})
    readout = Dense(rng.normal(0, scale, (2, CELLS)), np.zeros(2))
    calibrate = rng.standard_normal((4, 100, INPUTS))
    return quantize(Network((layer,), (readout,)), bits=BITS, calibrate=calibrate)


def bare_rates(qnet: QuantizedNetwork) -> dict[str, float]:
    """Clocks a second of the same design without a test bench."""
    text = convert(Harness(plan(qnet, CoreOptions(LANES, probe=True)).component()), TOP)
    built = build(text, TOP, PORTS, BUILD_DIR)
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "rates.json"
        run(built, "bench.bench_sim", Path(folder), environment={RESULT: str(result)})
        return json.loads(result.read_text())


def measure(steps: int) -> dict[str, float]:
    """Clocks a second by what is counted in, and the codes that were compared and differ."""
    qnet = network()
    codes, _ = qnet.encode(np.random.default_rng(1).standard_normal((steps, INPUTS)))
    simulate(qnet, codes[:2], lanes=LANES)  # so that the build is not measured
    start = time.perf_counter()
    hw = simulate(qnet, codes, lanes=LANES)
    middle = time.perf_counter()
    verdict = check(qnet, codes, hw)
    end = time.perf_counter()
    return {
        "clocks": hw.clocks,
        "codes": verdict.codes,
        "mismatches": verdict.wrong,
        "simulation": hw.cycles_per_second,
        "with conversion and look-up": hw.clocks / (middle - start),
        "with comparison": hw.clocks / (end - start),
        **bare_rates(qnet),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000, help="of the sequence (20000)")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    results = measure(options.steps)
    print(f"LSTM {INPUTS} x {CELLS}, {BITS} bits, {LANES} lanes, {results['clocks']:,} clocks")
    print(f"{results['codes']:,} codes compared, {results['mismatches']} mismatches")
    for name, rate in list(results.items())[3:]:
        print(f"{name:30}{rate / 1e3:>8.0f} thousand clocks a second")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
