"""Makes while setting up what first runs would have to: `python -m tools.warm STEP`, see setup.sh.

Kept for every later run are the compiled steps of the integer model and of learning, in numba's
caches, what all simulators share, in `build/sim`, and the tools that are WebAssembly, in the caches
of their packages: Yosys alone takes a minute of the processor.
"""

import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from amaranth._toolchain.yosys import find_yosys

import golden
from fixedpoint import quantize
from fixedpoint.compiled import run
from golden import fast_learning, rnn
from golden.batch import Batch
from golden.learning import Parameters
from golden.modelfile import load_rnn
from golden.notes import line
from rtl.flow import DEVICES, tools
from rtl.flow.tools import YOSYS, Tool
from sim.runner import BUILD_DIR, build

MODELS = Path(__file__).parents[1] / "models"
MODEL, PLAIN = MODELS / "temporal_order_held.npz", MODELS / "temporal_order_rnn.npz"
BITS = (16, 18)  # those of an operand, and more
TINY = "module tiny(input clk, d, output reg q); always @(posedge clk) q <= d; endmodule\n"


def compile_steps() -> None:
    """The integer model's steps of layers and of dense stages."""
    net = golden.load(MODEL)
    x = np.zeros((1, 1, net.inputs))
    for bits in BITS:
        qnet = quantize(net, bits=bits, calibrate=x)
        u, _ = qnet.encode(x)
        for layer in qnet.layers:
            u = run.run_layer(layer, u, layer.initial_state(1), {})[0]["y"]
        for stage in qnet.dense:
            u, _ = run.run_dense(stage, u)


def compile_learning() -> None:
    """Those of learning, for LSTM cells and for plain recurrent networks."""
    net, plain = golden.load(MODEL), load_rnn(PLAIN)
    p, x, target = Parameters.of(net), np.zeros((1, net.inputs)), np.zeros(net.outputs)
    fast_learning.train(p, Batch.of(x[None], target[None]), 0.0)
    fast_learning.gradient(p, x, target)
    x, target = np.zeros((1, plain.inputs)), np.zeros(plain.outputs)
    rnn.fast_gradient(rnn.RecurrentParameters.of(plain), x, target)


def build_shared(cache: Path) -> None:
    """The run-time library comes with the first simulator there is, headers with the second."""
    for text in (TINY, TINY + "// once more\n"):
        build(text, "tiny", ("clk", "d", "q"), cache)


def start_yosys() -> None:
    """The Yosys that writes Verilog."""
    find_yosys(lambda version: True).run(["--version"])


def start(flow: Iterable[Tool]) -> None:
    """Each tool once, so that it is compiled."""
    with tempfile.TemporaryDirectory() as place:
        for tool in dict.fromkeys(flow):
            tools.run(tool, ["--version"], Path(place), "log", tool.name)


def works(step: str, cache: Path) -> list[Callable[[], None]]:
    """What is to be done for a step of the set-up; `test` has all that the others have."""
    placers = [device.family.placer for device in DEVICES.values()]
    flow = {"fpga": [YOSYS, *filter(None, placers)], "prove": [YOSYS]}
    if step in flow:
        return [partial(start, flow[step])]
    common = [compile_steps, start_yosys, partial(build_shared, cache)]
    if step == "run":
        return common
    return [*works("fpga", cache), *common, compile_learning]


def main(step: str, cache: Path = BUILD_DIR) -> None:
    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(work) for work in works(step, cache)]:
            each.result()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as error:  # of many kinds: no numba, no compiler, no room
        sys.exit(f"carousel: {type(error).__name__}: {line(error)}")
