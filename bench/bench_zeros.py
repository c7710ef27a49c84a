"""Clocks that weights of 0 save, what pruning costs: `python -m bench.bench_zeros [--data DIR]`.

A classifier of handwritten digits and, with `--data`, one of spoken digits (`bench.trained`) are
pruned for 16 lanes and trained on the integer model, in steps up to 90 % of the columns. Clocks are
those of the schedule, which a simulation of one sequence must equal, and so must every code. The
results go to a JSON and into docs/zeros.md.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from bench import trained
from bench.pages import DOCS, write
from bench.trained import Labelled
from carousel.report.tables import Table
from fixedpoint import Formats, QuantizedNetwork, choose_formats
from golden.network import Network
from golden.squash import Array
from rtl import prune
from rtl.schedule.schedule import schedule_of
from sim import check, simulate

HERE = Path(__file__).parent
BITS, LANES, RATE = 8, 16, 5e-3
ZEROS = (0, 0.5, 0.62, 0.75, 0.83, 0.9)
SUBJECTS = {
    "digits": (32, 60, 40),
    "spoken digits": (64, 16, 8),
}  # cells, epochs, then at each step; chosen on a sixth of the training set, held out


def tuned(
    net: Network, formats: Formats, data: Labelled, epochs: int
) -> tuple[QuantizedNetwork, Network]:
    """Training on the integer model, with seed 0."""
    import torch  # pyright: ignore[reportMissingImports]

    from fixedpoint.aware import Aware

    torch.manual_seed(0)
    torch.set_num_threads(1)
    module = Aware(net, formats)
    trained.fit(
        lambda x, ends: module(x)[torch.arange(len(x)), ends],
        torch.optim.Adam(module.parameters(), RATE),
        data,
        epochs,
    )
    return module.quantized(), module.network()


def measure(name: str, data: Path | None) -> dict[str, Any]:
    """Accuracy and clocks at each share of zeros."""
    cells, first, epochs = SUBJECTS[name]
    train, test = trained.spoken(data) if data else trained.digits()
    net, x = trained.train(name.split()[0], train, cells, first), typical(train)
    found: dict[str, Any] = {"right": _right(test, net.run(test.x).out), "zeros": {}}
    for zeros in ZEROS:
        if zeros:
            net = prune(net, LANES, zeros, x)
        formats = choose_formats(net, BITS, x)
        qnet, net = tuned(net, formats, train, epochs if zeros else 0)
        out = qnet.run(qnet.encode(test.x)[0]).value("out")
        found["zeros"][str(zeros)] = {"right": _right(test, out), **clocks(qnet, test)}
        print(zeros, found["zeros"][str(zeros)], flush=True)
    return found


def typical(data: Labelled) -> Array:
    """(N, T, D), sequences of at least the median length, cut there: what pads the others behind
    their ends is no input by which to judge columns and ranges."""
    steps = int(np.median(data.ends)) + 1
    return data.x[data.ends >= steps - 1, :steps]


def _right(test: Labelled, out: np.ndarray) -> float:
    return float(np.mean(test.decided(out) == test.labels))


def clocks(qnet: QuantizedNetwork, test: Labelled) -> dict[str, Any]:
    """Planned and measured, and codes that differ, of which there must be none."""
    codes = qnet.encode(test.x[0])[0]
    hw = simulate(qnet, codes, lanes=LANES)
    verdict = check(qnet, codes, hw)
    if not verdict.ok:
        raise SystemExit(f"gateware and integer model differ: {verdict}")
    planned, every = schedule_of(qnet, LANES), schedule_of(qnet, LANES, every=True)
    return {
        "cycles": planned.cycles_per_step,
        "measured": hw.cycles_per_step,
        "of_columns": planned.ideal_cycles,
        "without": every.cycles_per_step,
        "compared": verdict.codes,
    }


def table(found: dict[str, Any]) -> str:
    """Markdown."""
    heads = ("network", "columns of 0", "right", "cycles a step", "measured", "with all columns")
    lines = []
    for name, result in found.items():
        right = f"{100 * result['right']:.1f} %"
        lines.append((f"{name}, float", "", right, "", "", ""))
        for zeros, row in result["zeros"].items():
            cells = [f"{100 * row['right']:.1f} %", row["cycles"], f"{row['measured']:g}"]
            cells = [name, f"{100 * float(zeros):g} %", *cells, row["without"]]
            lines.append(cells)
    return Table.of("", heads, lines).markdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the spoken digits")
    parser.add_argument("--json", type=Path, default=HERE / "zeros.json", help="results")
    options = parser.parse_args()
    known = json.loads(options.json.read_text()) if options.json.exists() else {}
    for name in SUBJECTS if options.data else ["digits"]:
        known[name] = measure(name, options.data if name != "digits" else None)
        options.json.write_text(json.dumps(known, indent=1) + "\n")
    write(DOCS / "zeros.md", "zeros", table(known))


if __name__ == "__main__":
    main()
