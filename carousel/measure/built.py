"""A core that was built for an FPGA: how it is made, and what is said of it."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from carousel.cli import progress
from carousel.cli.targets import Target
from carousel.report.tables import Table
from rtl import CorePlan
from rtl.flow import (
    Figures,
    FlowError,
    Implementation,
    ToolFailedError,
    implement,
    write_bitstream,
)
from rtl.flow.tools import Progress
from rtl.verilog import describe

NOTE = 48  # characters of a tool's message that are shown


@dataclass(frozen=True)
class Built:
    """A core on a device.

    Attributes
    ----------
    plan, target : of which core, on what.
    done : what the tools made of it.
    asked : the clock that it must reach, MHz, or None.
    files : what was written, by what it is.
    """

    plan: CorePlan
    target: Target
    done: Implementation
    asked: float | None
    files: dict[str, Path]

    @property
    def figures(self) -> Figures | None:
        """At the highest clock; None where nothing was placed."""
        best = self.done.best
        return best and Figures(self.plan, best.fmax)

    @property
    def slow(self) -> FlowError | None:
        """Why the clock that was asked for is not reached; None where it is or none was."""
        best, asked = self.done.best, self.asked
        if asked is None or best is None or best.fmax >= asked:
            return None
        seeds = len(self.done.placements)
        tried = f"the best of {seeds} seeds" if seeds > 1 else f"seed {best.seed}"
        return FlowError(
            f"clock {asked:g} MHz: on {self.target.name} {tried} reaches {best.fmax:.1f} MHz of "
            f"{asked:g}; the critical path goes from {best.path}; other seeds (--seed), fewer "
            "--bits, fewer --lanes or a lower --freq will help"
        )


@dataclass(frozen=True)
class Job:
    """What is to be built for, and where.

    Attributes
    ----------
    target : the device or board.
    folder : which takes all files.
    freq, rate : the clock, MHz, or the steps a second that must be reached, or None.
    seeds : of placements.
    """

    target: Target
    folder: Path
    freq: float | None = None
    rate: float | None = None
    seeds: tuple[int, ...] = (1,)

    def clock(self, plan: CorePlan) -> float | None:
        """The clock to ask for, MHz; None: as fast as it gets, or a board's crystal's."""
        least = None if self.rate is None else self.rate * plan.cycles_per_step / 1e6
        return self.target.clock(self.freq, least)


def make(plan: CorePlan, job: Job, progress: Progress) -> Built:
    """Build a core; the job's folder then holds what is worth keeping.

    Raises
    ------
    FlowError : the design does not fit, or a tool is missing or fails.
    """
    target, folder = job.target, job.folder
    paths = (part.program.paths for part in plan.parts)
    operands = max((each.weight, each.operand) for each in paths)
    design, asked = target.design(plan, job.clock(plan))
    done = implement(
        design,
        target.device,
        folder,
        freq=asked,
        seeds=job.seeds,
        operands=operands,
        progress=progress,
    )
    stream = write_bitstream(done, folder, progress)
    netlist = done.netlist.path
    files = {"verilog": netlist.with_suffix(".v"), "netlist": netlist}
    files |= {"bitstream": stream} if stream else {}
    for placement in done.placements:
        placement.routed.unlink()
    for report in folder.glob("report-*.json"):  # all that counts of them is in build.json
        report.unlink()
    return Built(plan, target, done, asked, files)


@contextmanager
def stages() -> Iterator[Progress]:
    """A bar for the stage that runs, or a line for each where stderr is no terminal."""
    quiet = not Console(stderr=True).is_terminal
    shown, report = "", lambda **_: None
    with ExitStack() as bar:

        def follow(stage: str, message: str) -> None:
            nonlocal shown, report
            if stage != shown:
                bar.close()
                if quiet:
                    typer.echo(f"{stage} ...", err=True)
                shown, report = stage, bar.enter_context(progress.bar(stage))
            report(note=message[:NOTE])

        yield follow


@contextmanager
def keeping_log(place: Path) -> Iterator[None]:
    """Should a tool fail in the block, its log is left next to `place`, and the error says so."""
    try:
        yield
    except ToolFailedError as caught:
        kept = place.with_name(f"{place.name}.log")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(caught.log, kept)
        raise ToolFailedError(f"{caught}; all that it said is in {kept}", kept) from None


def tables(found: Built) -> list[Table]:
    """For people."""
    return [_usage(found), *_clock(found), _pace(found)]


def _usage(found: Built) -> Table:
    device, rows = found.done.device, []
    for name, (used, there) in found.done.usage.items():
        share = f"{100 * used / there:.1f} %" if there else "-"
        rows.append((name, f"{used:,}", "-" if there is None else f"{there:,}", share))
    title = "Utilisation" if found.done.best else "Synthesis estimate, not placed"
    return Table.of(f"{title}: {device.title}", ("of", "used", "available", "share"), rows)


def _clock(found: Built) -> list[Table]:
    best, placements = found.done.best, found.done.placements
    if best is None:
        return []
    rows: list[tuple[str, str]] = [("highest clock", f"{best.fmax:.2f} MHz")]
    if found.asked is not None:
        rows.append(("clock that it must reach", f"{found.asked:g} MHz"))
    if len(placements) > 1:
        each = ", ".join(f"{place.fmax:.2f} ({place.seed})" for place in placements)
        rows += [("each seed's", each), ("median", f"{found.done.median:.2f} MHz")]
    if path := best.path:
        rows += [
            ("critical path from", path.start),
            ("to", path.end),
            ("of these ns logic", f"{path.logic:.2f} in {path.levels} levels"),
            ("of these ns routing", f"{path.routing:.2f}"),
        ]
    return [Table.of("Clock", ("", "found"), rows)]


def _pace(found: Built) -> Table:
    core, figures = found.plan, found.figures
    rows: list[tuple[str, object]] = [
        ("lanes (multipliers)", core.lanes),
        ("cycles a step", f"{core.cycles_per_step:,}"),
        ("multipliers in use", f"{100 * core.utilisation:.1f} %"),
        ("products (MACs) a step", f"{core.products_per_step:,}"),
    ]
    if figures is None:
        return Table.of("Pace", ("", "found"), rows)
    bits = figures.bits_read_per_step
    if found.asked is not None:
        pace = Figures(core, found.asked).steps_per_second
        rows.append((f"steps a second at {found.asked:g} MHz", f"{pace:,.0f}"))
    return Table.of(
        "Pace at the highest clock",
        ("", "found"),
        [
            *rows,
            ("steps a second", f"{figures.steps_per_second:,.0f}"),
            ("products a second", f"{figures.macs_per_second:,.0f}"),
            ("of each multiplier", f"{figures.macs_per_second_and_multiplier:,.0f}"),
            ("memory bits read a step", f"{sum(bits.values()):,}"),
            *((f"of these {name}", f"{count:,}") for name, count in bits.items()),
        ],
    )


def plain(found: Built) -> dict[str, Any]:
    """For programs."""
    figures = found.figures
    return {
        "board": found.target.board,
        "core": describe(found.plan),
        "asked_mhz": found.asked,
        **found.done.plain(),
        "figures": figures and figures.plain(),
    }
