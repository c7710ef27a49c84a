"""What every test shares: Yosys, which writes the Verilog, in this process, as most of a short run
goes into its start. Processes that tests start have it in one of its own, as users have. And the
order of the files, the longest ones first."""

import gc
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import wasmtime
from amaranth._toolchain import yosys as toolchain

BUILTIN: Any = toolchain._BuiltinYosys

# A design is a million objects that live as long as it does, and Python looks for garbage among
# them a thousand times: a quarter of the time that it takes to write its Verilog.
gc.set_threshold(500_000, 10, 10)

LONG = (
    "tests/rtl/flow/test_tools.py",
    "tests/carousel/test_experiments.py",
    "tests/carousel/test_kinds.py",
    "tests/rtl/test_core.py",
    "tests/carousel/test_building.py",
    "tests/sim/test_mutants.py",
    "tests/sim/test_netlist.py",
    "tests/rtl/offline/test_core.py",
    "tests/rtl/proofs/test_proofs.py",
    "tests/carousel/test_proving.py",
    "tests/carousel/test_main.py",
    "tests/rtl/test_core_cells.py",
)
"""They go first, so that no process waits for another one's long file at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: k for k, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(LONG)))


@cache
def _yosys() -> tuple[wasmtime.Engine, wasmtime.Linker, wasmtime.Module]:
    options = wasmtime.Config()
    options.cache = True
    engine = wasmtime.Engine(options)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    program = (files(BUILTIN.YOSYS_PACKAGE) / "yosys.wasm").read_bytes()
    return engine, linker, wasmtime.Module(engine, program)


def _run(arguments: Sequence[str], stdin: str = "", **options: Any) -> str:
    """As `toolchain._BuiltinYosys.run`."""
    engine, linker, module = _yosys()
    wasi, status = wasmtime.WasiConfig(), 0
    wasi.argv = ("yosys", *arguments)
    with TemporaryDirectory() as place, wasmtime.Store(engine) as store:
        given, said, errors = (Path(place) / name for name in ("in", "out", "err"))
        given.write_text(stdin)
        wasi.stdin_file, wasi.stdout_file, wasi.stderr_file = given, said, errors
        store.set_wasi(wasi)
        start: Any = linker.instantiate(store, module).exports(store)["_start"]
        try:
            start(store)
        except wasmtime.ExitTrap as end:
            status = end.code
        told = {"ignore_warnings": False, "src_loc_at": 0, **options}
        return BUILTIN._process_result(status, said.read_text(), errors.read_text(), **told)


@pytest.fixture(autouse=True, scope="session")
def yosys_in_this_process() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BUILTIN, "run", _run)
        yield
    if _yosys.cache_info().currsize:
        for each in _yosys():  # while what they need for it is still there
            each.close()
