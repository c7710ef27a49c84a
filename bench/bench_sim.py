"""Speed of the simulation in clock cycles a second: `python -m bench.bench_sim [--json FILE]`.

A forget-gate LSTM with 8 inputs and 12 cells at 16 bits on 16 lanes, one sequence, every gate,
state and output seen: the simulation from start to end; the same with the core's conversion and the
look-up of its build; the same with the comparison of every code, the integer model's run included.
Beside them stands the same design clocked by cocotb, with and without a Python call a clock.
With `--speech`, a minute of speech instead: 3,300 steps of 16 inputs and 128 cells on 64 lanes.
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
from rtl import CoreOptions, CorePlan, plan
from rtl.verilog import convert
from sim import check, simulate
from sim.harness import Harness
from sim.runner import BUILD_DIR, build, run
from sim.stage import PORTS, TOP, stage

BITS = 16
SMALL, SPEECH = (8, 12, 16), (16, 128, 64)  # inputs, cells, lanes
STEPS = {SMALL: 20_000, SPEECH: 3_300}
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


def network(inputs: int, cells: int) -> QuantizedNetwork:
    """The network that is simulated."""
    rng = np.random.default_rng(0)
    scale = 1 / np.sqrt(cells)
    weights = {kind: rng.normal(0, scale, (cells, inputs + cells)) for kind in "ifog"}
    layer = Layer(weights, {kind: rng.normal(0, scale, cells) for kind in "ifog"})
    readout = Dense(rng.normal(0, scale, (2, cells)), np.zeros(2))
    calibrate = rng.standard_normal((4, 100, inputs))
    return quantize(Network((layer,), (readout,)), bits=BITS, calibrate=calibrate)


def bare_rates(planned: CorePlan) -> dict[str, float]:
    """Clocks a second of the same design without a test bench."""
    text = convert(Harness(planned.component()), TOP)
    built = build(text, TOP, PORTS, BUILD_DIR)
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "rates.json"
        run(built, "bench.bench_sim", Path(folder), environment={RESULT: str(result)})
        return json.loads(result.read_text())


def measure(size: tuple[int, int, int], steps: int) -> dict[str, float]:
    """Clocks a second by what is counted in, and the codes that were compared and differ."""
    inputs, cells, lanes = size
    qnet = network(inputs, cells)
    codes, _ = qnet.encode(np.random.default_rng(1).standard_normal((steps, inputs)))
    planned = plan(qnet, CoreOptions(lanes, probe=True))
    stage(planned.component(), BUILD_DIR.resolve(), loop=True)  # so that it is not measured
    start, used = time.perf_counter(), sum(os.times()[:4])  # of child processes, too
    hw = simulate(planned, codes)
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
        "the same, of processor time": hw.clocks / (sum(os.times()[:4]) - used),
        **(bare_rates(planned) if size == SMALL else {}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--speech", action="store_true", help="a minute of speech")
    parser.add_argument("--steps", type=int, help="of the sequence (20000, of speech 3300)")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    size = SPEECH if options.speech else SMALL
    results, (inputs, cells, lanes) = measure(size, options.steps or STEPS[size]), size
    print(f"LSTM {inputs} x {cells}, {BITS} bits, {lanes} lanes, {results['clocks']:,} clocks")
    print(f"{results['codes']:,} codes compared, {results['mismatches']} mismatches")
    for name, rate in list(results.items())[3:]:
        print(f"{name:30}{rate / 1e3:>8.0f} thousand clocks a second")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
