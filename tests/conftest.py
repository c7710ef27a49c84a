"""What every test shares: Yosys, which writes the Verilog, in this process, as most of a short run
goes into its start. Processes that tests start have it in one of its own, as users have."""

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

# a design is a million objects that live as long as it does, and Python looks for garbage among them
# a thousand times: a quarter of the time to write its Verilog
gc.set_threshold(500_000, 10, 10)


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
