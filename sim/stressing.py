"""A core under stress: scenarios from its plan, each compared with the integer model in all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixedpoint.network import QuantizedNetwork, QuantizedTrace
from rtl import CoreOptions, plan
from sim.judging import judge, models_of
from sim.runner import BUILD_DIR
from sim.scenario import Scenario
from sim.scoreboard import Verdict
from sim.stage import Stage, stage
from sim.stimuli import RESETS, Stimuli
from sim.tools import check_tools


@dataclass(frozen=True)
class Stressed:
    """The verdicts on scenarios, by name, up to the first in which the core is stuck."""

    verdicts: tuple[tuple[str, Verdict], ...]

    @property
    def ok(self) -> bool:
        return all(verdict.ok for _, verdict in self.verdicts)

    @property
    def codes(self) -> int:
        """How many codes were compared."""
        return sum(verdict.codes for _, verdict in self.verdicts)

    def __str__(self) -> str:
        wrong = [f"{name}: {verdict}" for name, verdict in self.verdicts if not verdict.ok]
        told = f"{len(self.verdicts)} scenarios, {self.codes} codes compared"
        return "\n".join((f"{told}, {len(wrong)} scenarios with faults", *wrong))


@dataclass(frozen=True)
class Stress:
    """Scenarios on a stage, and what the integer model makes of them; see `prepare`."""

    place: Stage
    scenarios: tuple[Scenario, ...]
    models: tuple[tuple[QuantizedTrace, ...], ...]

    def play(self, files: Mapping[str, str] | None = None) -> Stressed:
        """Play all scenarios in a fresh simulator; `files` lie in its folder, by name.

        Raises
        ------
        ToolError : the simulator failed.
        """
        judged = [pair for pair in zip(self.scenarios, self.models, strict=True) if pair[1]]
        found = self.place.play(self.scenarios, files=files)
        qnet = self.place.harness.core.plan.qnet
        return Stressed(
            tuple(
                (scenario.name, judge(qnet, played, models))
                for played, (scenario, models) in zip(found, judged, strict=False)
            )
        )


def prepare(
    core: Any,
    *,
    seed: int = 0,
    resets: int = RESETS,
    build_dir: Path | str | None = None,
    library: str = "",
) -> Stress:
    """Build a component with the ports and the plan of `rtl.core.Core` for its scenarios.

    Parameters
    ----------
    seed, resets : of the scenarios, see `sim.stimuli.Stimuli`.
    build_dir : where simulators are kept (default: `build/sim` under the current folder).
    library : Verilog of the modules that the component is made of and Amaranth does not know.

    Raises
    ------
    ToolError : a missing tool, a path with a space, a failing build.
    """
    place = Path(build_dir or BUILD_DIR).resolve()
    check_tools(place)
    stimuli = Stimuli(core, seed)
    scenarios = tuple(stimuli.scenarios(resets))
    known: dict[int, tuple[QuantizedTrace, ...]] = {}
    for scenario in scenarios:
        if id(scenario.acts) not in known and not scenario.stop:
            known[id(scenario.acts)] = models_of(core.plan.qnet, scenario, stimuli.streams)
    models = tuple(() if each.stop else known[id(each.acts)] for each in scenarios)
    return Stress(stage(core, place, library=library), scenarios, models)


def stress(
    qnet: QuantizedNetwork,
    *,
    seed: int = 0,
    resets: int = RESETS,
    build_dir: Path | str | None = None,
    **options: Any,
) -> Stressed:
    """Put a network's core under stress: slow and fast streams as its plan has it, sequences of all
    kinds, states and inputs that saturate, resets in the middle of steps.

    Parameters
    ----------
    seed, resets, build_dir : see `prepare`.
    options : of the core, see `rtl.CoreOptions`; it has a probe unless they say otherwise.

    Raises
    ------
    CarouselError : options that the network cannot use.
    ToolError : a missing tool, a path with a space, a tool that failed.
    """
    core = plan(qnet, CoreOptions(**{"probe": True, **options})).component()
    return prepare(core, seed=seed, resets=resets, build_dir=build_dir).play()
