"""Verilog to a netlist of a device's own cells, with Yosys."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rtl.flow.family import DSP, Device
from rtl.flow.tools import YOSYS, Progress, run, silent

LOG = "yosys.log"


@dataclass(frozen=True)
class Netlist:
    """A flat design in a device's cells.

    Attributes
    ----------
    top : its module.
    path : the JSON file that nextpnr reads.
    cells : how many of each type of cell there are.
    packed : how many hard blocks hold registers of the design, by what they hold.
    """

    top: str
    path: Path
    cells: Mapping[str, int]
    packed: Mapping[str, int] = field(default_factory=dict)


def synthesise(
    verilog_text: str, top: str, device: Device, folder: Path, progress: Progress = silent
) -> Netlist:
    """Synthesise a design; what Yosys says is in `yosys.log` in `folder`.

    Parameters
    ----------
    verilog_text : the design, module `top` and all that it needs.
    folder : where `<top>.v` and `<top>.json` are written.

    Raises
    ------
    ToolFailedError : Yosys does.
    """
    source, path, family = folder / f"{top}.v", folder / f"{top}.json", device.family
    source.write_text(verilog_text, encoding="utf-8", newline="\n")
    # without DSP blocks, as far as it is known what a device has
    dsp = family.dsp_synth if device.has.get(DSP) else ""
    steps = f"{family.synth} {dsp} -top {top}", "autoname", f"write_json {path.name}"
    script = "; ".join([f"read_verilog {source.name}", *steps])
    run(YOSYS, ["-p", script], folder, LOG, "Synthesis", progress)
    netlist = json.loads(path.read_text())
    packed: Mapping[str, int] = {}
    if family.finish:
        netlist, packed = family.finish(netlist)
        path.write_text(json.dumps(netlist))
    kinds = Counter(cell["type"] for cell in netlist["modules"][top]["cells"].values())
    return Netlist(top, path, dict(sorted(kinds.items())), packed)
