"""A core in its harness, built, on which scenarios are played."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtl.verilog import convert
from sim.errors import ToolError
from sim.harness import MUTANT, Harness, has
from sim.job import FOLDER, Job, Recording, Round
from sim.request import Request
from sim.rounds import job_of, requests_of, round_of
from sim.runner import Build, build, folder_in, run
from sim.scenario import Scenario

TOP = "carousel_harness"
PORTS = ("clk", "rst", "drive", "seen", "rises", "clocks")


@dataclass(frozen=True)
class Played:
    """A scenario and what was seen of it.

    Attributes
    ----------
    requests : of each of its acts.
    """

    scenario: Scenario
    requests: tuple[Request, ...]
    recording: Recording


@dataclass(frozen=True)
class Stage:
    """A simulator of a core, see `stage`."""

    harness: Harness
    built: Build

    def play(
        self,
        scenarios: Sequence[Scenario],
        *,
        waves: Path | None = None,
        files: Mapping[str, str] | None = None,
        tick: Callable[[Path], None] | None = None,
    ) -> list[Played]:
        """Play scenarios, one after the other in one simulator, up to the first one in which the
        core is stuck; those that are played to the end are returned.

        Parameters
        ----------
        waves : where to write a VCD; the stage must be one for that.
        files : what the simulator shall find in its folder, by name.
        tick : called some 20 times a second with that folder.

        Raises
        ------
        ToolError : the simulator failed.
        """
        with self.laid_out(scenarios) as folder:
            for name, text in (files or {}).items():
                (folder / name).write_text(text)
            run(
                self.built,
                "sim.testbench",
                folder,
                environment={FOLDER: str(folder)},
                waves=waves,
                tick=None if tick is None else lambda: tick(folder),
            )
            if not (folder / "recordings.npz").exists():
                raise self.failed(folder)
            return self.seen(scenarios, Recording.load(folder / "recordings.npz"))

    @contextmanager
    def laid_out(self, scenarios: Sequence[Scenario]) -> Iterator[Path]:
        """A folder, for as long, with all that the test bench needs to play scenarios."""
        core = self.harness.core
        rounds = [round_of(self.harness, requests_of(core, each), each) for each in scenarios]
        folder = folder_in(self.built.folder.parent, "run")
        try:
            Job.save(folder / "job.npz", [job_of(self.harness)])
            Round.save(folder / "rounds.npz", rounds)
            yield folder
        except OSError as error:
            raise ToolError(f"build folder {str(folder.parent)!r}: {error.strerror}") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def failed(self, folder: Path) -> ToolError:
        """What to raise when a run has left nothing; its log is kept."""
        log = (folder / "run.log").rename(self.built.folder / f"{folder.name}.log")
        return ToolError(f"the simulation failed; the tools' output is in {log}")

    def seen(self, scenarios: Sequence[Scenario], recordings: Sequence[Recording]) -> list[Played]:
        """The scenarios that are judged with their recordings; of some, where one was stuck."""
        judged = [each for each in scenarios if not each.stop]
        return [
            Played(each, requests_of(self.harness.core, each), recording)
            for each, recording in zip(judged, recordings, strict=False)
        ]


def stage(
    core: Any, build_dir: Path, *, waves: bool = False, library: str = "", loop: bool = False
) -> Stage:
    """Build the simulator of a component with the ports and the schedule of `rtl.core.Core`.

    Parameters
    ----------
    waves : whether it can write waveforms.
    library : Verilog of the modules that the component is made of and Amaranth does not know.
    loop : whether it is built for long runs, see `build`.

    Raises
    ------
    ToolError : a missing tool, a path with a space, a failing build.
    """
    harness = Harness(core)
    ports = [*PORTS, *(port for port in ("state", MUTANT) if has(harness, port))]
    text = convert(harness, TOP) + library
    built = build(text, TOP, ports, build_dir, waves=waves, loop=loop)
    return Stage(harness, built)
