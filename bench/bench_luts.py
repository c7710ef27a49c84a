"""LUT4s of cores in several formats: `python -m bench.bench_luts [--json FILE]`.

Synthesis for an ECP5 compared with the estimate of `fixedpoint.search.cost`, whose constants are
the line through the first of these cores when pipelines were shorter; the others show how far it is
off where nothing was fitted. What FILE has already is not synthesised again.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import golden
from carousel.cli import output
from carousel.report.tables import Table
from fixedpoint import QuantizedNetwork, quantize
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.search.cost import circuits, cost
from fixedpoint.widths import KINDS, Widths
from golden import Layer, Network
from golden.tasks import TEMPORAL_ORDER
from rtl import CoreOptions, plan
from rtl.flow import alone, find, synthesise

RESULTS = Path(__file__).with_name("luts.json")
DEVICE = "ecp5-85k"


@dataclass(frozen=True)
class LutCase:
    """A core: its network, its number of lanes and its widths; whether the line is fitted to it."""

    name: str
    net: Network
    x: np.ndarray
    lanes: int
    widths: Widths
    fitted: bool

    @property
    def key(self) -> str:
        bits = [getattr(self.widths, kind) for kind in KINDS]
        shown = bits[0] if self.widths.same else "/".join(map(str, bits))
        return f"{self.name}, {self.lanes} lanes, {shown} bits"

    @property
    def qnet(self) -> QuantizedNetwork:
        return quantize(self.net, formats_of(self.net, self.widths, Seen.measure(self.net, self.x)))


def cases() -> Iterator[LutCase]:
    """The fitted ones first."""
    small, middle = (lstm(*sizes) for sizes in ((1, 20), (16, 32)))
    for bits in (8, 12, 16, 18):
        yield LutCase("1 input, 20 cells", *small, 4, Widths.uniform(bits), True)
    for bits in (8, 12, 16):
        yield LutCase("16 inputs, 32 cells", *middle, 16, Widths.uniform(bits), True)
    mixed = Widths(10, 9, 14, 12, 12, 15, 13, 13)
    yield LutCase("1 input, 20 cells", *small, 8, mixed, False)
    yield LutCase("1 input, 20 cells", *small, 2, Widths(8, 14, 9, 8, 9, 18, 8, 8), False)
    yield LutCase("16 inputs, 32 cells", *middle, 8, replace(mixed, weights=12, y=10), False)
    order = golden.load("models/temporal_order.npz")
    x, _ = TEMPORAL_ORDER.batch(np.random.default_rng(0), 4, 110)
    for bits in (13, 16):
        yield LutCase("temporal_order", order, x, 8, Widths.uniform(bits), False)


def lstm(inputs: int, cells: int) -> tuple[Network, np.ndarray]:
    """A layer with random weights, and its input."""
    rng, most = np.random.default_rng(0), 1 / np.sqrt(cells)
    weights = {kind: rng.uniform(-most, most, (cells, inputs + cells)) for kind in "ifog"}
    biases = {kind: rng.uniform(-most, most, cells) for kind in "ifog"}
    return Network((Layer(weights, biases),)), rng.standard_normal((40, inputs))


def synthesised(case: LutCase) -> int:
    """LUT4s after synthesis, before placement."""
    device, design = find(DEVICE), alone(plan(case.qnet, CoreOptions(case.lanes)))
    with tempfile.TemporaryDirectory(prefix="carousel_luts_") as folder:
        netlist = synthesise(design.verilog, design.top, device, Path(folder))
    return device.family.used(netlist.cells)["LUT4"]


def measure(results: Path) -> dict[str, int]:
    """LUT4s of every case; those that are missing are synthesised, and written as they come."""
    found: dict[str, int] = json.loads(results.read_text()) if results.exists() else {}
    for case in cases():
        if case.key not in found:
            print(case.key, flush=True)
            found[case.key] = synthesised(case)
            with output.file(results) as other:
                other.write_text(output.to_json(found))
    return found


def line(found: dict[str, int]) -> tuple[float, ...]:
    """LUT4s a bit in the lanes, a bit in the tail, and the rest: least squares, fitted cases."""
    fitted = [case for case in cases() if case.fitted]
    bits = [[*circuits(case.qnet, case.lanes).values(), 1] for case in fitted]
    solution = np.linalg.lstsq(np.array(bits), [found[case.key] for case in fitted], rcond=None)
    return tuple(map(float, solution[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=RESULTS, help="file of the results")
    found = measure(parser.parse_args().json)
    head = ("core (bits of " + "/".join(KINDS) + ")", "fitted", "LUT4", "estimate", "off")
    rows = []
    for case in cases():
        have, guess = found[case.key], cost(case.qnet, case.lanes).luts
        off = f"{100 * (guess / have - 1):+.0f} %"
        rows.append((case.key, "yes" if case.fitted else "no", f"{have:,}", f"{guess:,}", off))
    print(Table.of("", head, rows).markdown())
    lanes, tail, rest = line(found)
    print(
        f"\nThe line: {lanes:.2f} LUT4 a bit in the lanes, {tail:.2f} in the tail, rest {rest:.0f}"
    )


if __name__ == "__main__":
    main()
