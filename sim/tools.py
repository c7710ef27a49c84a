"""The tools that simulation needs: whether they are there, and their environment."""

import os
import shutil
import subprocess
import sys
from importlib import metadata, util
from importlib.machinery import PathFinder
from pathlib import Path

import find_libpython

from sim.errors import ToolError

NEEDED = {"c++": "a C++ compiler (c++)", "make": "make", "perl": "perl"}
FOREIGN = ("COCOTB_", "PYTEST_", "GPI_", "PYGPI_", "MAKE", "MFLAGS", "VERILATOR_", "WAVES", "GUI")


def package_folder(name: str) -> Path:
    """Where an installed package lies; `ToolError` when it is not installed."""
    spec = util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ToolError(f"simulation needs the Python package {name}, which is not installed")
    return Path(spec.origin).parent


def check_tools(folder: Path) -> None:
    """Refuse to start when the system lacks something, or when `folder` cannot hold a build.

    Raises
    ------
    ToolError : one line that names all that is missing.
    """
    missing = [said for tool, said in NEEDED.items() if shutil.which(tool) is None]
    if missing:
        raise ToolError(f"simulation needs {' and '.join(missing)}, not found on the PATH")
    for name in ("cocotb", "verilator"):
        check_path(f"package {name}", package_folder(name))
    if not _libpython():
        raise ToolError(f"simulation needs libpython, which {sys.executable} was built without")
    check_path("Python", Path(sys.executable))
    check_path("build folder", folder)


def check_path(what: str, path: Path) -> None:
    """Refuse a path that `make` and Verilator would split."""
    if any(char.isspace() for char in str(path)):
        raise ToolError(
            f"{what} {str(path)!r}: simulation tools cannot work in a path with a space"
        )


def versions() -> dict[str, str]:
    """Everything but the design and the options that decides what a build is."""
    found = {name: metadata.version(name) for name in ("verilator", "cocotb")}
    answer = subprocess.run(["c++", "--version"], capture_output=True, text=True, check=False)
    found["c++"] = answer.stdout.partition("\n")[0]
    found["python"] = f"{sys.version} {sys.prefix}"
    return found


def tool_environment() -> dict[str, str]:
    """The tools' environment: ours, free of settings meant for other runs of the same tools."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    clean["PATH"] = os.pathsep.join((str(package_folder("verilator") / "bin"), clean["PATH"]))
    clean["COCOTB_REWRITE_ASSERTION_FILES"] = ""  # pytest would read every module once more
    clean["PYTHONPATH"] = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    return clean


def bench_environment(top: str, module: str) -> dict[str, str]:
    """What cocotb's part of a simulator reads: the design's top module and the test bench, a Python
    module."""
    entry = PathFinder.find_spec("simulator", [str(package_folder("cocotb"))])
    if entry is None:
        raise ToolError("simulation needs cocotb's compiled part, which is not installed")
    return {
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "TOPLEVEL_LANG": "verilog",
        "OPENBLAS_NUM_THREADS": "1",  # the test bench multiplies no matrices
        "GPI_USERS": f"{_libpython()};{entry.origin},initialize",
        "PYGPI_PYTHON_BIN": sys.executable,
    }


def _libpython() -> str | None:
    """The shared library of this Python."""
    return os.environ.get("LIBPYTHON_LOC") or find_libpython.find_libpython()
