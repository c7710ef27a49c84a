"""What cores on boards take and reach, for docs/boards.md: `python -m bench.boards`.

Builds each with `carousel build`, some minutes in all, keeps the figures in bench/boards.json and
writes the page's table from them.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import pages
from carousel.cli.choice import Choice
from carousel.cli.subject import prepare
from carousel.cli.targets import target
from carousel.report.tables import Table
from rtl import CoreOptions, plan
from rtl.boards.boards import TOP

ROOT = pages.DOCS.parent
MODEL = ROOT / "models" / "temporal_order.npz"
FOUND = ROOT / "bench" / "boards.json"
SHOWN = {"LUT4": "LUTs", "logic cell": "logic cells", "DSP": "DSP", "block RAM": "block RAMs"}


@dataclass(frozen=True)
class Case:
    """A core of the shipped `temporal_order` on a board.

    Attributes
    ----------
    board : in `rtl.boards.boards.BOARDS`.
    bits, lanes : of the core.
    freq : MHz of the PLL; None: the crystal's clock.
    seeds : of placements.
    """

    board: str
    bits: int
    lanes: int
    freq: int | None
    seeds: tuple[int, ...]

    @property
    def words(self) -> list[str]:
        """Those of `carousel build`."""
        found = ["--board", self.board, "--bits", str(self.bits), "--lanes", str(self.lanes)]
        found += [] if self.freq is None else ["--freq", str(self.freq)]
        return found + [word for seed in self.seeds for word in ("--seed", str(seed))]

    def verilog(self) -> str:
        """SHA-256 of what goes to the tools today."""
        to = target(None, self.board)
        qnet = prepare(MODEL, Choice(self.bits, multiplier=to.device.family.dsp_bits)).qnet
        design, _ = to.design(plan(qnet, CoreOptions(self.lanes)), self.freq)
        return hashlib.sha256(design.verilog.encode()).hexdigest()

    def build(self) -> dict[str, Any]:
        """The figures that are kept."""
        with tempfile.TemporaryDirectory() as folder:
            call = ("-m", "carousel", "build", str(MODEL), *self.words, "-o", f"{folder}/built")
            subprocess.run([sys.executable, *call], cwd=ROOT, check=True)
            built = json.loads(Path(folder, "built", "build.json").read_text(encoding="utf-8"))
            verilog = Path(folder, "built", f"{TOP}.v").read_bytes()
        kept = ("utilisation", "asked_mhz", "fmax_mhz", "fmax_median_mhz", "seeds", "tools")
        return {
            "verilog_sha256": hashlib.sha256(verilog).hexdigest(),
            **{name: built[name] for name in kept},
        }


CASES = (
    Case("icebreaker", 12, 4, None, (1,)),
    Case("ulx3s-85f", 16, 8, 50, (1,)),
)


def main() -> None:
    found = {case.board: case.build() for case in CASES}
    FOUND.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    pages.write(pages.DOCS / "boards.md", "boards", table(found).markdown())


def table(found: dict[str, Any]) -> Table:
    """A row for each board."""
    return Table.of(
        "", ("board", "core", "seeds", "takes", "reaches"), map(_row, CASES, found.values())
    )


def _row(case: Case, one: dict[str, Any]) -> tuple[str, ...]:
    clock = "crystal" if case.freq is None else f"PLL at {case.freq} MHz"
    used = {name: each["used"] for name, each in one["utilisation"].items()}
    takes = ", ".join(f"{used[name]:,} {what}" for name, what in SHOWN.items() if name in used)
    return (
        f"`{case.board}`",
        f"{case.bits} bits, {case.lanes} lanes, {clock}",
        ", ".join(map(str, case.seeds)),
        takes,
        f"{one['fmax_mhz']:.1f} MHz, needs {one['asked_mhz']:g}",
    )


if __name__ == "__main__":
    main()
