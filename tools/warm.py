"""Makes while setting up what the first run would have to: `python -m tools.warm`.

Kept for every later run are the compiled steps of the integer model, in numba's cache, and what all
simulators share, in `build/sim`.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import golden
from fixedpoint import quantize
from fixedpoint.compiled import run
from golden.notes import line
from sim.runner import BUILD_DIR, build

MODEL = Path(__file__).parents[1] / "models" / "temporal_order_held.npz"
BITS = (16, 18)  # those of an operand, and more
TINY = "module tiny(input clk, d, output reg q); always @(posedge clk) q <= d; endmodule\n"


def compile_steps() -> None:
    """The steps of layers and of dense stages."""
    net = golden.load(MODEL)
    x = np.zeros((1, 1, net.inputs))
    for bits in BITS:
        qnet = quantize(net, bits=bits, calibrate=x)
        u, _ = qnet.encode(x)
        for layer in qnet.layers:
            u = run.run_layer(layer, u, layer.initial_state(1), {})[0]["y"]
        for stage in qnet.dense:
            u, _ = run.run_dense(stage, u)


def build_shared(cache: Path) -> None:
    """The run-time library comes with the first simulator there is, headers with the second."""
    for text in (TINY, TINY + "// once more\n"):
        build(text, "tiny", ("clk", "d", "q"), cache)


def main(cache: Path = BUILD_DIR) -> None:
    with ThreadPoolExecutor(1) as pool:  # the two at the same time
        shared = pool.submit(build_shared, cache)
        compile_steps()
        shared.result()


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # of many kinds: no numba, no compiler, no room
        sys.exit(f"carousel: {type(error).__name__}: {line(error)}")
