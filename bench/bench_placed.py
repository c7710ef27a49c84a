"""What options of a core cost on an ECP5: `python -m bench.bench_placed [CASE...]`.

Cores of 16 inputs and 16 bits on an LFE5U-85F, placed and routed once each: as they are, with
`--protect` and with `--skip`. What is measured goes to a JSON, beside what lies there, and into
docs/fpga.md.
"""

import tempfile
from pathlib import Path
from typing import Any

from bench.bench_core import network
from bench.cases import run
from bench.pages import DOCS
from carousel.report.tables import Table
from rtl import CoreOptions, plan
from rtl.flow import alone, find, implement
from rtl.flow.family import DSP, FF, LUT, RAM

HERE = Path(__file__).parent
DEVICE, SEED = find("ecp5-85k"), 1
OPTIONS: dict[str, dict[str, Any]] = {
    "dense": {},
    "--protect": {"protect": True},
    "--skip zero": {"skip": "zero"},
    "--skip unchanged": {"skip": "unchanged"},
}
CASES = {
    f"{cells} cells, {lanes} lanes, {name}": ((16, cells), CoreOptions(lanes, **options))
    for cells, lanes in ((32, 16), (128, 64))
    for name, options in OPTIONS.items()
}
HEAD = ("core", "MHz", "LUT4", "FF", "DSP", "block RAM", "cycles a step", "bits of memory")


def measure(case: str) -> dict[str, Any]:
    """Place one core."""
    sizes, options = CASES[case]
    core = plan(network(sizes)[0], options)
    with tempfile.TemporaryDirectory() as folder:
        done = implement(alone(core), DEVICE, Path(folder), seeds=(SEED,))
    assert done.best is not None  # ECP5 has an open placer
    return {
        "mhz": done.best.fmax,
        **{name: done.usage[name][0] for name in (LUT, FF, DSP, RAM)},
        "cycles": core.cycles_per_step,
        "memory_bits": sum(core.memories.values()),
        "path": str(done.best.path),
    }


def table(found: dict[str, Any]) -> str:
    """Markdown."""
    rows = []
    for case in (case for case in CASES if case in found):
        one = found[case]
        numbers = (one[name] for name in (LUT, FF, DSP, RAM, "cycles", "memory_bits"))
        rows.append((case, f"{one['mhz']:.0f}", *(f"{n:,}" for n in numbers)))
    return Table.of("", HEAD, rows).markdown()


def main() -> None:
    run(__doc__ or "", CASES, measure, table, HERE / "placed.json", DOCS / "fpga.md")


if __name__ == "__main__":
    main()
