"""Builds of simulators, kept by the hash of all that they are made from, and runs of them."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from golden.processes import processors, supervise
from rtl.kit import contents
from sim.errors import ToolError
from sim.tools import bench_environment, check_tools, package_folder, tool_environment, versions

BUILD_DIR = Path("build/sim")
AHEAD, STALE = 86400.0, 3600.0  # seconds
RUNTIME = ("verilated", "verilated_dpi", "verilated_threads", "verilated_vcd_c", "verilated_vpi")

PROGRAM = ("--cc", "--exe", "--build", "--vpi", "--prefix", "Vtop")  # the name that cocotb knows
# Only the named ports are visible to Python: more would keep Verilator from simplifying the design.
OPTIONS = ("-Wno-fatal", "-Wno-lint", "--x-assign", "fast", "--no-assert")
JOBS = 4  # compilers at a time, at most
SMALL = 2_000_000  # characters of Verilog, contents of memories apart, compiled in one piece
SUM = "sha256"  # file with the sum of a simulator, next to it
CLOCKING = Path(__file__).with_name("clocking.cc")
LOOP = ("-LDFLAGS", "-rdynamic", str(CLOCKING))  # what Python inside finds by its name
HEADER = "carousel_verilated.h"
INCLUDES = '#include "verilated.h"\n#include "verilated_vpi.h"\n'
FAST = "-O2"  # of what is evaluated in each clock, for long runs
INSIDE = "-Og"  # the same where Python reaches all of it, which keeps the compiler busy for longer
# The package's makefile lacks the compiler's option for a precompiled header, and names a Python of
# the machine on which it was made.
MAKE = {
    "CFG_CXXFLAGS_PCH_I": "-include",
    "OPT_FAST": "-O0",
    "OPT_SLOW": "-O0",
    "OPT_GLOBAL": "-O1",
    "PYTHON3": sys.executable,
}


@dataclass(frozen=True)
class Build:
    """A simulator that is ready to run.

    Attributes
    ----------
    folder, top : the folder that holds it, and its file's name there.
    cached : whether it was there already.
    files : contents of its memories by the names under which a run finds them, see
        `rtl.kit.contents`.
    """

    folder: Path
    top: str
    cached: bool
    files: Mapping[str, str]


def build(
    text: str,
    top: str,
    ports: Sequence[str],
    cache: Path,
    *,
    waves: bool = False,
    loop: bool = False,
    inside: bool = False,
) -> Build:
    """The simulator for a design, from the cache where it has been built before, be it with other
    contents of its memories.

    Two processes may build at the same time: each builds in a folder of its own in the cache, and
    the first to finish moves its folder to its place.

    Parameters
    ----------
    text : Verilog.
    top : the name of its top module.
    ports : the top module's ports that Python shall reach.
    cache : the folder of all simulators.
    waves : whether the simulator can write waveforms.
    loop : whether it has the clock loop of `clocking.cc` and is compiled for speed, which takes
        longer.
    inside : whether Python reaches every register and memory, which makes it slower.

    Raises
    ------
    ToolError : a missing tool, a path with a space, a failing build.
    """
    cache = cache.resolve()
    check_tools(cache)
    text, files = contents.apart(text)
    shared = (versions(), MAKE, INCLUDES)
    own = (CLOCKING.read_text(), FAST) if loop else ()
    seen = [f'-module "{top}" -var "{port}"' for port in ports]
    if inside:
        seen, own = ['-module "*" -var "*"'], (*own, INSIDE)
    place = cache / digest(shared, OPTIONS, text, top, sorted(ports), waves, *own)
    if _sound(place, top):
        return Build(place, top, cached=True, files=files)
    working, runtime = folder_in(cache, "building"), cache / f"runtime-{digest(shared)}"
    try:
        if place.exists():  # and is damaged
            shutil.rmtree(place)
        fast = INSIDE if inside else FAST
        _compile(text, top, seen, working, runtime, waves=waves, loop=loop and fast)
        (working / SUM).write_text(_sum(working / top))
        _publish(working, place)
    except ToolError as error:
        log = (working / "build.log").rename(cache / f"{place.name}.log")
        raise ToolError(f"{error}; the tools' output is in {log}") from None
    except OSError as error:
        raise ToolError(f"build folder {str(cache)!r}: {error.strerror}") from None
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return Build(place, top, cached=False, files=files)


def _sound(place: Path, top: str) -> bool:
    """Whether there is a simulator, as it was built: one that is damaged is built anew."""
    try:
        found = _sum(place / top)
        return not (place / SUM).exists() or (place / SUM).read_text() == found  # older ones: none
    except (OSError, ValueError):
        return False


def _sum(simulator: Path) -> str:
    with simulator.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_in(cache: Path, purpose: str) -> Path:
    """A new working folder in the cache; `ToolError` where none can be made.

    Folders that killed processes have left behind are removed.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for path in cache.glob(f"{purpose}-*-*"):
            if _abandoned(path):
                shutil.rmtree(path, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{purpose}-{os.getpid()}-", dir=cache))
    except OSError as error:
        raise ToolError(f"build folder {str(cache)!r}: {error.strerror}") from None


def _abandoned(folder: Path) -> bool:
    """Whether a working folder's process has ended and nothing has changed for an hour."""
    try:
        if time.time() - folder.stat().st_mtime < STALE:
            return False
        os.kill(int(folder.name.split("-")[-2]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):  # gone meanwhile, another user's, or not one of ours
        return False
    return False


def digest(*parts: Any) -> str:
    """A name for anything that JSON can write."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def _compile(
    text: str,
    top: str,
    seen: Sequence[str],
    folder: Path,
    runtime: Path,
    *,
    waves: bool,
    loop: str | Literal[False],
) -> None:
    """Verilog to a program in `folder`; what all designs share comes from, or goes to, `runtime`:
    the compiled run-time library and, from the second build on, its precompiled headers. `loop` is
    how a simulator is compiled that has the clock loop."""
    source, visible = folder / f"{top}.v", folder / "ports.vlt"
    source.write_text(text)
    lines = [f"public_flat_rw {each}" for each in seen]
    visible.write_text("\n".join(["`verilator_config", *lines, ""]))
    objects, lent, whole = folder / "objects", runtime.exists(), len(text) <= SMALL
    if lent:
        objects.mkdir()
        later = time.time() + AHEAD
        for path in (shutil.copyfile(each, objects / each.name) for each in runtime.glob("*.o")):
            os.utime(path, (later, later))  # newer than the makefile to come, so that make keeps it
    # in several pieces Verilator has a precompiled header of its own, and there can be but
    # one, which is for one level of optimization
    headers = f" -include {runtime / HEADER}" if lent and whole and not loop else ""
    flags = _make_flags({**MAKE, "OPT_FAST": (loop or MAKE["OPT_FAST"]) + headers})
    cocotb = package_folder("cocotb")
    command = [
        *("verilator", *PROGRAM, *OPTIONS, "--build-jobs", str(min(JOBS, processors()))),
        *("--top-module", top, "-o", top, "--Mdir", str(objects)),
        *("-LDFLAGS", f"-Wl,-rpath,{cocotb}/libs -L{cocotb}/libs -lcocotbvpi_verilator"),
        *(("--output-split", "0") if whole else ()),
        *(("--trace",) if waves else ()),
        *(LOOP if loop else ()),
        *(f"{cocotb}/share/lib/verilator/verilator.cpp", str(visible), str(source)),
    ]
    status = supervise(command, folder / "build.log", tool_environment() | flags)
    if status or not (objects / top).exists():
        raise ToolError("building the simulator failed")
    (objects / top).rename(folder / top)
    if not lent:
        _keep_runtime(objects, runtime)
    elif not (runtime / f"{HEADER}.gch").exists():
        _precompile(objects, runtime, folder / "headers.log")
    shutil.rmtree(objects)


def _make_flags(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment in which make takes these variables."""
    given = (f"{name}={value}" for name, value in variables.items())
    return {"MAKEFLAGS": " ".join(each.replace(" ", "\\ ") for each in given)}


def _keep_runtime(objects: Path, runtime: Path) -> None:
    """Keep the compiled run-time library: it is the same for every design, and most of the work."""
    working = folder_in(runtime.parent, "runtime-new")
    for path in (objects / f"{name}.o" for name in RUNTIME):
        if path.exists():
            shutil.copyfile(path, working / path.name)
    (working / HEADER).write_text(INCLUDES)
    _publish(working, runtime)


def _precompile(objects: Path, runtime: Path, log: Path) -> None:
    """The headers as Verilator's own makefile compiles them; where it cannot, builds take longer
    and are the same."""
    shutil.copyfile(runtime / HEADER, objects / HEADER)
    made = f"{HEADER}.fast.gch"
    command = ["make", "-C", str(objects), "-f", "Vtop.mk", made]
    if supervise(command, log, tool_environment() | _make_flags(MAKE)) == 0:
        os.replace(objects / made, runtime / f"{HEADER}.gch")


def _publish(working: Path, place: Path) -> None:
    """Move a finished folder to its place; where another process was first, drop ours."""
    try:
        os.rename(working, place)
    except OSError:
        if not place.exists():
            raise
        shutil.rmtree(working)


def run(
    built: Build,
    module: str,
    folder: Path,
    *,
    environment: dict[str, str],
    waves: Path | None = None,
    tick: Callable[[], None] | None = None,
) -> int:
    """Run a test bench in `folder`, into which the memories' contents are put first, and return the
    exit status; all output goes to `run.log` there.

    Parameters
    ----------
    module : the Python module with the cocotb test.
    environment : what the test bench shall find in its environment.
    waves : where to write a VCD (the build must be one with waves).
    tick : called some 20 times a second.
    """
    for name, text in built.files.items():
        (folder / name).write_text(text)
    command = [str(built.folder / built.top)]
    if waves:
        command += ["--trace", "--trace-file", str(waves.resolve())]
    environment = tool_environment() | bench_environment(built.top, module) | environment
    return supervise(command, folder / "run.log", environment, folder, tick)
