"""Bits flipped in the simulated core, once in each run: whether its outputs are others."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtl.lib.kept import COPY
from rtl.planning import CorePlan
from rtl.proofs.design import Design
from rtl.verilog import convert
from sim.errors import ToolError
from sim.harness import Harness, fields
from sim.job import FOLDER, Ints, Job
from sim.rounds import job_of, requests_of, round_of
from sim.runner import BUILD_DIR, build, folder_in, run
from sim.scenario import Act, Scenario
from sim.stage import PORTS, TOP
from sim.upset_bench import FLIPS, FOUND, SEQUENCE

REGISTER = re.compile(r"^  always @\(posedge clk\)\n    ([a-z]\w*) <= ", re.M)
CONSTANT = {  # memories that no step writes, by what their path has
    "weights": r"\.weights",
    "program": r"sequencer\.program",
    "rows": r"\.rows\b",
    "knots": r"\.knots\b",
    "initial states": r"states\.initial",
    "initial outputs": r"y\.initial",
}
WRITTEN = {
    "states": r"states\.memory",
    "y": r"operands\.y\.memory",
    "gates": r"operands\.gates\.",
    "inputs": r"input\.banks",
    "outputs that wait": r"\.fifo\.",
}
MEMORIES = CONSTANT | WRITTEN
SHOWN = ("out_beat", "out_data", "out_first", "out_last")


@dataclass(frozen=True)
class Place:
    """Where bits can flip.

    Attributes
    ----------
    path : of a register or a memory, from the harness on.
    words, bits : of a memory, and of a word of it; of a register 0 words.
    """

    path: str
    words: int
    bits: int

    @property
    def kind(self) -> str:
        """One of `MEMORIES`; of a register nothing."""
        found = (kind for kind, has in MEMORIES.items() if re.search(has, self.path))
        return next(found) if self.words else ""

    @property
    def register(self) -> str:
        """The register's path; of a copy that of what is kept."""
        return self.path.split(COPY)[0]


@dataclass(frozen=True)
class Flip:
    """Bits that flip in a clock, in a word of a memory or in a register."""

    place: Place
    word: int | None
    mask: int
    clock: int

    @classmethod
    def any(cls, rng: np.random.Generator, place: Place, clocks: int, bits: int = 1) -> "Flip":
        """Any bits of a place, in any clock."""
        word = int(rng.integers(place.words)) if place.words else None
        mask = sum(1 << bit for bit in rng.choice(place.bits, bits, replace=False).tolist())
        return cls(place, word, mask, int(rng.integers(clocks)))


@dataclass(frozen=True)
class Outcome:
    """What came of a flip: whether every output came as ever, and what the core counted."""

    same: bool
    corrected: int = 0
    uncorrectable: int = 0


@dataclass(frozen=True)
class Upsets:
    """A core in its harness, to flip bits in.

    Attributes
    ----------
    plan, harness, text : the core; around it; both as Verilog.
    """

    plan: CorePlan
    harness: Harness
    text: str

    @classmethod
    def of(cls, plan: CorePlan) -> "Upsets":
        harness = Harness(plan.component())
        return cls(plan, harness, convert(harness, TOP))

    @property
    def places(self) -> list[Place]:
        """Every register and memory of the core, part by part."""
        design = Design(self.text, TOP)
        return list(_places(design, "core", design.find("core")))

    def play(
        self, codes: Ints, clocks: int, flips: Sequence[Flip], cache: Path = BUILD_DIR
    ) -> list[Outcome]:
        """Run a sequence (T, D) once for each flip, so many clocks from a reset on.

        Raises
        ------
        ToolError : the simulator failed.
        """
        built = build(self.text, TOP, PORTS, cache, loop=True, inside=True)
        scenario = Scenario("", (Act(codes, None),))
        words = round_of(self.harness, requests_of(self.harness.core, scenario), scenario).words
        protected = self.plan.options.protect
        counters = ["corrected_count", "uncorrectable_count"] if protected else []
        whole = dict(words=words, clocks=clocks, columns=self._columns(), counters=counters)
        folder = folder_in(built.folder.parent, "run")
        try:
            Job.save(folder / "job.npz", [job_of(self.harness)])
            np.savez(folder / SEQUENCE, allow_pickle=False, **whole)
            (folder / FLIPS).write_text(json.dumps(list(map(_plain, flips))))
            run(built, "sim.upset_bench", folder, environment={FOLDER: str(folder)})
            if not (folder / FOUND).exists():
                raise ToolError(f"the simulation failed: {(folder / 'run.log').read_text()[-500:]}")
            found = json.loads((folder / FOUND).read_text())
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return [Outcome(bool(same), *counted) for same, *counted in found]

    def _columns(self) -> list[int]:
        """The bits of `seen` that are the output's, that of a beat first."""
        shape = self.harness.seen.shape()
        seen = fields(shape)
        places = [seen[name] for name in SHOWN]
        return [shape.size - 1 - p.offset - k for p in places for k in range(p.width)]


def _plain(flip: Flip) -> dict[str, object]:
    """For the simulator."""
    path, constant = flip.place.path, flip.place.kind in CONSTANT
    own = {"word": flip.word, "mask": flip.mask, "clock": flip.clock}
    return {"path": path, "constant": constant, **own}


def _places(design: Design, path: str, module: str) -> Iterator[Place]:
    here = design.modules[module]
    for name, (words, bits) in here.memories.items():
        yield Place(f"{path}.{name}", words, bits)
    for name in REGISTER.findall(here.text):
        yield Place(f"{path}.{name}", 0, here.nets[name])
    for part, kind in here.instances.items():
        yield from _places(design, f"{path}.{part}", kind)
