"""What cores take of boards and reach on them: `python -m bench.bench_boards [BOARD...]`.

The shipped network that holds, built as `carousel build --board` does it, with three seeds. What is
measured goes to a JSON, beside what lies there, and into docs/boards.md, with the hash of the
Verilog that was built: a test compares it with that of today's.
"""

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.cases import run
from bench.pages import DOCS
from carousel.cli.choice import Choice
from carousel.cli.subject import prepare
from carousel.cli.targets import Target, target
from carousel.measure import built
from carousel.report.tables import Table
from rtl import CoreOptions, CorePlan, plan
from rtl.flow.family import DSP, FF, LUT, RAM
from rtl.kit.header import digest

HERE = Path(__file__).parent
MODEL = "temporal_order_held"
SEEDS = 1, 2, 3
RESOURCES = LUT, FF, DSP, RAM
HEAD = ("board", "bits", "lanes", *RESOURCES, "MHz", "seeds 1, 2, 3", "Verilog")


@dataclass(frozen=True)
class Case:
    """A core on a board.

    Attributes
    ----------
    board : its name.
    bits, lanes : of the core.
    """

    board: str
    bits: int
    lanes: int

    @cached_property
    def plan(self) -> CorePlan:
        choice = Choice(self.bits, multiplier=self.target.device.family.dsp_bits)
        subject = prepare(HERE.parent / "models" / f"{MODEL}.npz", choice)
        return plan(subject.qnet, CoreOptions(self.lanes))

    @property
    def target(self) -> Target:
        return target(None, self.board)

    @property
    def verilog(self) -> str:
        """SHA-256 of the design's text."""
        return digest(self.target.design(self.plan, None)[0].verilog)


CASES = {
    case.board: case
    for case in (
        Case("icebreaker", 12, 2),
        Case("ulx3s-12f", 16, 8),
        Case("ulx3s-85f", 12, 4),
    )
}


def measure(board: str) -> dict[str, Any]:
    """Build one."""
    case = CASES[board]
    with tempfile.TemporaryDirectory() as folder:
        job = built.Job(case.target, Path(folder), seeds=SEEDS)
        done = built.make(case.plan, job, lambda *_: None).done
    usage = done.usage
    return {
        **{name: usage[name][0] for name in RESOURCES},
        "mhz": {each.seed: each.fmax for each in done.placements},
        "median": done.median,
        "verilog": case.verilog,
        "path": str(done.best and done.best.path),
    }


def table(found: dict[str, Any]) -> str:
    """Markdown."""
    rows = []
    for case in (CASES[board] for board in CASES if board in found):
        one = found[case.board]
        numbers = (f"{one[name]:,}" for name in RESOURCES)
        each = ", ".join(f"{mhz:.0f}" for mhz in one["mhz"].values())
        clock = f"{one['median']:.0f}", each
        rows.append((case.board, case.bits, case.lanes, *numbers, *clock, one["verilog"][:8]))
    return Table.of("", HEAD, rows).markdown()


def main() -> None:
    run(__doc__ or "", CASES, measure, table, HERE / "boards.json", DOCS / "boards.md")


if __name__ == "__main__":
    main()
