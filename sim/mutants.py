"""Mutants of a core in simulation: all in one build, one alive in each run, judged as any core."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from rtl.core import Core
from rtl.mutants.mutant import Mutant, draw, selectable
from rtl.verilog import convert
from sim.harness import MUTANT
from sim.job import FOLDER, Recording
from sim.judging import judge, models_of
from sim.mutant_bench import DONE, LIVING
from sim.runner import BUILD_DIR, run
from sim.scenario import Scenario
from sim.stage import Played, Stage, stage
from sim.tools import check_tools

TOP = "carousel_mutants"
Progress = Callable[[int], None]
"""Called some 20 times a second with how many mutants are done."""


@dataclass(frozen=True)
class Mutants:
    """A core's mutants, built.

    Attributes
    ----------
    core : the sound one.
    mutants : numbered from 1.
    place : where they are played; mutant 0 is the sound core.
    """

    core: Core
    mutants: tuple[Mutant, ...]
    place: Stage

    def play(
        self,
        numbers: Sequence[int],
        scenarios: Sequence[Scenario],
        progress: Progress = lambda _: None,
    ) -> dict[int, str]:
        """What is wrong with each mutant in the scenarios, played one after the other from power-up
        on; nothing where every code, mark and counter is right.

        Raises
        ------
        ToolError : the simulator failed.
        """
        qnet, streams = self.core.plan.qnet, self.core.plan.options.streams
        models = [models_of(qnet, each, streams) for each in scenarios if not each.stop]
        seen = {}
        for number, played in self._played(numbers, scenarios, progress).items():
            verdicts = (
                (each.scenario.name, judge(qnet, each, model))
                for each, model in zip(played, models, strict=False)
            )
            wrong = (f"{name}: {verdict}" for name, verdict in verdicts if not verdict.ok)
            seen[number] = next(wrong, "") if played else "the simulator ended"
        return seen

    def _played(
        self, numbers: Sequence[int], scenarios: Sequence[Scenario], progress: Progress
    ) -> dict[int, list[Played]]:
        """What is seen of each mutant; nothing of one that ended the simulator."""
        with self.place.laid_out(scenarios) as folder:
            (folder / LIVING).write_text(" ".join(map(str, numbers)))
            run(
                self.place.built,
                "sim.mutant_bench",
                folder,
                environment={FOLDER: str(folder)},
                tick=lambda: progress(len(list(folder.glob("[0-9]*.npz")))),
            )
            if not (folder / DONE).exists():
                raise self.place.failed(folder)
            files = {number: folder / f"{number}.npz" for number in numbers}
            return {
                number: self.place.seen(scenarios, Recording.load(file)) if file.exists() else []
                for number, file in files.items()
            }


class Mutated(wiring.Component):
    """A core's ports around its Verilog with mutants in it, and a port that says which one lives.

    Timing and formats: those of the core.
    """

    saturations: data.View
    mutant: Any

    def __init__(self, core: Core, mutants: int):
        self.plan = core.plan
        self.ports = [path for path, *_ in core.signature.flatten(core)]
        super().__init__({**core.signature.members, MUTANT: In(mutants.bit_length())})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        wires: Mapping[str, Any] = {
            f"{'i' if member.flow == In else 'o'}_{'__'.join(map(str, path))}": value
            for path, member, value in self.signature.flatten(self)
        }
        m.submodules.mutated = Instance(TOP, i_clk=ClockSignal(), i_rst=ResetSignal(), **wires)
        return m


def build_mutants(
    core: Core, count: int, seed: int, build_dir: Path | str | None = None
) -> Mutants:
    """Draw mutants of a core with a probe, and build them.

    Raises
    ------
    ToolError, ToolFailedError : a missing tool, a tool that failed.
    """
    place = Path(build_dir or BUILD_DIR).resolve()
    check_tools(place)
    text = convert(core, TOP)
    mutants = tuple(draw(text, TOP, count, seed))
    library = selectable(text, TOP, mutants, MUTANT)
    built = stage(Mutated(core, len(mutants)), place, library=library)
    return Mutants(core, mutants, built)
