"""Small designs through Yosys, and their netlists beside their Verilog in Verilator."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtl.flow.cells import as_verilog, cell_models
from rtl.flow.families.ecp5 import ECP5
from rtl.flow.tools import YOSYS
from rtl.flow.tools import run as run_tool
from rtl.flow.yosys import Netlist
from sim.runner import build, folder_in, run
from tests.rtl.flow.netlist_bench import FOLDER

BUILDS = Path(__file__).parents[3] / "build" / "sim"
IN, OUT = 64, 40  # bits of every design's ports r and q


def yosys(*script: str, files: dict[str, str]) -> str:
    """Run Yosys in a folder of its own with these files; what it wrote to `out`, or what it said.

    Raises
    ------
    ToolFailedError : a command fails.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, text in files.items():
            (folder / name).write_text(text)
        run_tool(YOSYS, ["-p", "; ".join(script)], folder, "log", "Yosys")
        out = folder / "out"
        return (out if out.exists() else folder / "log").read_text()


def synthesise(designs: dict[str, str]) -> dict[str, Any]:
    """The flat netlist of designs side by side, instances named as the designs.

    Each design is the body of a module with the ports clk, clk2, r (64 bits) and q (40 bits).
    """
    script = "read_verilog in.v", "synth_ecp5 -top netlist -json out"
    return json.loads(yosys(*script, files={"in.v": source(designs, "netlist")}))


def source(designs: dict[str, str], top: str) -> str:
    """The designs as modules, and the module `top` that puts them side by side.

    A design's outputs are inverted on their way out, so that its blocks have its name and not that
    of a port of `top`.
    """
    count = len(designs)
    ports = f"input clk, input clk2, input [{IN}-1:0] r, output [{OUT}-1:0] out"
    modules = [
        f"module design_{name} ({ports});\nwire [{OUT}-1:0] q; assign out = ~q;\n{body}\nendmodule"
        for name, body in designs.items()
    ]
    instances = [
        f"design_{name} {name} (clk, clk2, r[{IN * k} +: {IN}], q[{OUT * k} +: {OUT}]);"
        for k, name in enumerate(designs)
    ]
    ports = f"input clk, input clk2, input [{IN * count}-1:0] r, output [{OUT * count}-1:0] q"
    return "\n".join([*modules, f"module {top} ({ports});", *instances, "endmodule", ""])


@dataclass(frozen=True)
class Comparison:
    """What was seen of designs and their netlist over many clocks.

    Attributes
    ----------
    differing : the designs for which the netlist gave something else at least once.
    moves : how often each design's output changed.
    """

    differing: set[str]
    moves: dict[str, int]


def compare(designs: dict[str, str], netlist: dict[str, Any], steps: int, seed: int) -> Comparison:
    """Run designs and their netlist side by side from the first clock on, on random inputs; either
    clock or both may rise in a step."""
    count = len(designs)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "netlist.json"
        path.write_text(json.dumps(netlist))
        mapped = as_verilog(Netlist("netlist", path, {}))
    texts = bench(count), source(designs, "original"), mapped, cell_models(ECP5)
    built = build("\n".join(texts), "bench", ("clk", "clk2", "r", "differs", "q"), BUILDS)
    folder = folder_in(BUILDS, "run")
    try:
        asked = {"steps": steps, "seed": seed, "in": IN, "out": OUT, "count": count}
        (folder / "asked.json").write_text(json.dumps(asked))
        run(built, "tests.rtl.flow.netlist_bench", folder, environment={FOLDER: str(folder)})
        assert (folder / "seen.json").exists(), (folder / "run.log").read_text()[-2000:]
        seen = json.loads((folder / "seen.json").read_text())
    finally:
        shutil.rmtree(folder)
    return Comparison(
        {name for k, name in enumerate(designs) if seen["differs"] >> k & 1},
        dict(zip(designs, seen["moves"], strict=True)),
    )


def bench(count: int) -> str:
    """The module that holds the designs and their netlist, and compares them."""
    return f"""
module bench (input clk, input clk2, input [{IN * count}-1:0] r,
              output [{count}-1:0] differs, output [{OUT * count}-1:0] q);
  wire [{OUT * count}-1:0] mapped;
  original designs (clk, clk2, r, q);
  netlist cells (.clk(clk), .clk2(clk2), .r(r), .q(mapped));
  genvar k;
  for (k = 0; k < {count}; k = k + 1)
    assign differs[k] = q[{OUT}*k +: {OUT}] != mapped[{OUT}*k +: {OUT}];
endmodule
"""
