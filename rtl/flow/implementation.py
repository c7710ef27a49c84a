"""From a design to a bitstream: synthesis, whether it fits, a placement for each seed."""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtl.flow import fit
from rtl.flow.design import Design
from rtl.flow.family import Device
from rtl.flow.nextpnr import Placement, bitstream, place
from rtl.flow.tools import Progress, check, silent
from rtl.flow.yosys import Netlist, synthesise


@dataclass(frozen=True)
class Implementation:
    """A design on a device.

    Attributes
    ----------
    design, device : which on what.
    netlist : the synthesised design.
    placements : one a seed; none where there is no open placer for the device.
    seconds : wall-clock time of each stage.
    """

    design: Design
    device: Device
    netlist: Netlist
    placements: tuple[Placement, ...]
    seconds: dict[str, float]

    @property
    def best(self) -> Placement | None:
        """The fastest placement."""
        return max(self.placements, key=lambda each: each.fmax, default=None)

    @property
    def median(self) -> float | None:
        """The median of the seeds' clocks, MHz."""
        return statistics.median(each.fmax for each in self.placements) if self.best else None

    @property
    def usage(self) -> dict[str, tuple[int, int | None]]:
        """Of each resource how much is used, and how much there is.

        As placed, wherever the placer counts the resource; else as synthesised.
        """
        family, has = self.device.family, self.device.has
        used = family.used(self.netlist.cells)
        found: dict[str, tuple[int, int | None]] = {
            name: (used.get(name, 0), has.get(name)) for name in {**has, **used}
        }
        if self.best:
            bels, none = self.best.bels, (0, 0)
            for name, bel in family.bels.items():
                if bel in bels:
                    others = (bels.get(other, none)[0] for other in family.within.get(name, ()))
                    found[name] = bels[bel][0] + sum(others), bels[bel][1]
        return found

    def plain(self) -> dict[str, Any]:
        """For programs."""
        best = self.best
        found: dict[str, Any] = {
            "device": self.device.name,
            "placed": best is not None,
            "utilisation": {
                name: {"used": used, "available": there}
                for name, (used, there) in self.usage.items()
            },
            "cells": dict(self.netlist.cells),
            "blocks_with_registers": dict(self.netlist.packed),
            "seconds": self.seconds,
            "tools": {tool.distribution: tool.version for tool in self.device.tools},
        }
        if best is None:
            return found
        seeds = [{"seed": each.seed, "fmax_mhz": each.fmax} for each in self.placements]
        return {
            **found,
            "fmax_mhz": best.fmax,
            "fmax_median_mhz": self.median,
            "seeds": seeds,
            "seed": best.seed,
            "clocks_mhz": best.clocks,
            "critical_path": best.path and best.path.plain(),
            "placed_resources": {
                name: {"used": used, "available": there}
                for name, (used, there) in best.bels.items()
            },
        }


def implement(
    design: Design,
    device: Device,
    folder: Path,
    *,
    freq: float | None = None,
    seeds: Sequence[int] = (1,),
    operands: tuple[int, int] | None = None,
    progress: Progress = silent,
) -> Implementation:
    """Synthesise and place a design in `folder`, which takes all files of the tools.

    Parameters
    ----------
    freq : the clock to aim at, MHz; see `place`.
    seeds : of the placer, one placement each.
    operands : bits of the operands of the lanes' products; see `fit.check`.

    Raises
    ------
    FlowError : a tool is missing, or the design does not fit.
    ToolFailedError : a tool fails.
    """
    check(device.tools)
    seconds: dict[str, float] = {}
    with _timed(seconds, "synthesis"):
        netlist = synthesise(design.verilog, design.top, device, folder, progress)
    fit.check(netlist, device, operands)
    placements = []
    for seed in seeds if device.family.placer else ():
        with _timed(seconds, f"placing, seed {seed}"):
            placed = place(netlist, device, freq, seed, design.constraints, folder, progress)
        placements.append(placed)
    return Implementation(design, device, netlist, tuple(placements), seconds)


def write_bitstream(done: Implementation, folder: Path, progress: Progress = silent) -> Path | None:
    """Make the bitstream of the fastest placement in `folder`; None where nothing was placed.

    Raises
    ------
    ToolFailedError : the tool fails.
    """
    if done.best is None:
        return None
    file = folder / f"{done.netlist.top}{done.device.family.bitstream}"
    bitstream(done.best, done.device, file, folder, progress)
    return file


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    seconds[stage] = round(time.monotonic() - start, 2)
