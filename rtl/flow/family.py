"""What is to be known of an FPGA and of its kind: a device, a family of devices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtl.flow.tools import YOSYS, Tool

LUT, FF, CELL, DSP, RAM = "LUT4", "FF", "logic cell", "DSP", "block RAM"

Json = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """What devices of a kind have in common.

    Attributes
    ----------
    name : as folders of tools call it.
    synth : the Yosys command.
    dsp_synth : what it takes for products to go into DSP blocks, where it does not do so anyway.
    dsp_bits : the widest two's complement operands of a product that fits in one DSP block.
    cells : by resource, the Yosys cells that take some of it, and how much at least.
    bels : by resource, nextpnr's name of it.
    within : by resource, nextpnr's names of other cells that it places there.
    placer, packer : the tool that places and routes, and the one that makes the bitstream.
    routed, bitstream, pins : suffixes of what the placer writes, of the bitstream, of constraints.
    options : the placer's, with {} for a file: for the one to write, for constraints, to let pins
        lie anywhere.
    finish : what is done to a netlist before it is placed; gives it, and how many hard blocks hold
        registers of the design, by what they hold.
    models, own_models : behavioural models of the cells, in Yosys' share folder and of this
        project's; without any a netlist cannot be simulated.
    router1 : cells of the largest design that nextpnr's first router gets. Its clocks are higher,
        by up to a quarter, but of crowded designs it may not come to an end.
    """

    name: str
    synth: str
    dsp_synth: str
    dsp_bits: int
    cells: Mapping[str, Mapping[str, int]]
    bels: Mapping[str, str]
    placer: Tool | None = None
    packer: Tool | None = None
    routed: str = ""
    bitstream: str = ""
    pins: str = ""
    options: tuple[str, str, str] = ("", "", "")
    finish: Callable[[Json], tuple[Json, Mapping[str, int]]] | None = None
    models: tuple[str, ...] = ()
    own_models: tuple[Path, ...] = ()
    within: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    router1: int = 20_000  # a core of 64 lanes is smaller

    def used(self, cells: Mapping[str, int]) -> dict[str, int]:
        """How much of each resource a netlist's cells take at least."""
        return {
            resource: sum(cells.get(cell, 0) * share for cell, share in kinds.items())
            for resource, kinds in self.cells.items()
        }


@dataclass(frozen=True)
class Device:
    """An FPGA.

    Attributes
    ----------
    name, title : for the command line and for people.
    family : its kind.
    place : the placer's options that choose device and package.
    has : how much there is of each resource.
    clock : the clock that the placer aims at by default, MHz; more than any core has reached.
    """

    name: str
    title: str
    family: Family
    place: tuple[str, ...]
    has: Mapping[str, int]
    clock: float

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All that a build for it needs."""
        chosen = (YOSYS, self.family.placer, self.family.packer)
        return tuple(tool for tool in chosen if tool is not None)
