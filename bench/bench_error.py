"""Error of fixed point against float: `python -m bench.bench_error [--json FILE]`.

The output of `torch.nn.LSTM(16, 32)`, seed 0, over 100 steps, as saved in `tests/data`, against the
integer model with formats chosen from the same input. Beside it what hls4ml 1.3.0 reaches on this
network in its own C simulation, last output only: its default and its best at 16 bits, and its
`ap_fixed<8,3>`.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from fixedpoint import quantize
from tests.data.torch_lstm import load

HLS4ML = {  # its default, and its best at 16 bits: rounding, saturation, tables of 16,384 entries
    "hls4ml, ap_fixed<16,6>": {"max": 3.0e-2, "rmse": 1.2e-2},
    "hls4ml, best of 16 bits": {"max": 2.3e-3, "rmse": 8.4e-4},
    "hls4ml, ap_fixed<8,3>": {"max": 0.32, "rmse": 0.126},
}


def measure() -> dict[str, dict[str, float]]:
    """Largest error and RMSE of all outputs of all steps, for some widths."""
    net, data = load()
    results = {}
    for bits in (8, 12, 16, 20):
        qnet = quantize(net, bits=bits, calibrate=data["input"])
        out = qnet.run(qnet.encode(data["input"])[0]).value("out")
        error = out - data["output"]
        rmse = float(np.sqrt(np.mean(error**2)))
        results[f"carousel, {bits} bits"] = {"max": float(np.abs(error).max()), "rmse": rmse}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    results = measure()
    print(f"{'':28}{'largest error':>16}{'RMSE':>12}")
    for name, r in {**results, **HLS4ML}.items():
        print(f"{name:28}{r['max']:>16.1e}{r['rmse']:>12.1e}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
