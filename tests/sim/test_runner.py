"""Builds: made once, by one or by two at a time; refused in one line where they cannot be made."""

import os
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from sim import ToolError, simulate
from sim.runner import HEADER, build, folder_in
from tests.sim.cases import any_codes, small_network

TINY = "module tiny(input clk, input [3:0] d, output reg [3:0] q); always @(posedge clk) q <= d;"
PORTS = ("clk", "d", "q")


def build_tiny(cache: Path, text: str = TINY + "endmodule\n") -> tuple[Path, bool]:
    built = build(text, "tiny", PORTS, cache)
    assert (built.folder / built.top).is_file()
    return built.folder, built.cached


def runtimes(build_dir: Path) -> list[Path]:
    """Compiled run-time libraries, which take long; there may be those of other compilers too."""
    build_tiny(build_dir)
    found = build_dir.resolve().glob("runtime-*")
    return [path for path in found if not path.name.startswith("runtime-new")]


@pytest.fixture
def cache(build_dir: Path, tmp_path: Path) -> Path:
    """An empty cache, but for the run-time libraries."""
    for path in runtimes(build_dir):
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


def test_a_design_is_built_once(cache):
    """The same text comes from the cache the second time; another text is another build."""
    first, cached = build_tiny(cache)
    assert not cached
    made = (first / "tiny").stat().st_mtime_ns
    assert build_tiny(cache) == (first, True)
    assert (first / "tiny").stat().st_mtime_ns == made
    other, cached = build_tiny(cache, TINY + "wire unused;endmodule\n")
    assert other != first and not cached


def test_headers_that_another_compiler_has_precompiled_are_read_as_text(build_dir, tmp_path):
    """They only save time, and a build goes on without them."""
    libraries = runtimes(build_dir)
    for path in libraries:
        folder = shutil.copytree(path, tmp_path / path.name, ignore=shutil.ignore_patterns("*.gch"))
        (folder / f"{HEADER}.gch").write_bytes(b"another" + bytes(4096))
    _, cached = build_tiny(tmp_path, TINY + "wire other;endmodule\n")
    assert libraries and not cached


def test_two_processes_may_build_the_same(cache):
    """Both come back with the one finished build, and nothing half-made stays behind."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = list(pool.map(build_tiny, [cache, cache]))
    assert found[0][0] == found[1][0]
    assert not [path for path in cache.iterdir() if "new" in path.name or "building" in path.name]


def test_a_failing_build_names_its_log(cache):
    """Verilog that does not compile: one line with the log's path, the reason in the log."""
    with pytest.raises(ToolError, match="failed; the tools' output is in ") as caught:
        build_tiny(cache, TINY)
    assert "\n" not in str(caught.value)
    log = Path(str(caught.value).rpartition(" is in ")[2])
    assert "syntax error" in log.read_text()
    assert not list(cache.glob("building-*"))


def try_simulation(build_dir: Path) -> str:
    """The text of the error that a simulation ends with; it must be one line."""
    qnet = small_network()
    with pytest.raises(ToolError) as caught:
        simulate(qnet, any_codes(np.random.default_rng(0), qnet, 3), build_dir=build_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_tools_are_named(monkeypatch, tmp_path):
    """An empty PATH: compiler, make and perl are named; with two of them there, the third."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    told = try_simulation(tmp_path / "build")
    assert all(tool in told for tool in ("C++ compiler", "make", "perl"))
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("make", "perl"):
        (tools / tool).write_text("#!/bin/sh\n")
        (tools / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    told = try_simulation(tmp_path / "build")
    assert "C++ compiler" in told and "make" not in told and "perl" not in told


def test_what_killed_processes_left_is_removed(tmp_path):
    """Old folders of ended processes go; young ones, and those of living processes, stay."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    names = {
        "old": f"run-{ended.pid}-a",
        "young": f"run-{ended.pid}-b",
        "ours": f"run-{os.getpid()}-c",
    }
    for name in names.values():
        (tmp_path / name).mkdir()
    for name in ("old", "ours"):
        os.utime(tmp_path / names[name], (0, 0))
    folder_in(tmp_path, "run")
    assert [name for name in names if (tmp_path / names[name]).exists()] == ["young", "ours"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """A file where the build folder should be: one line that names it."""
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in try_simulation(tmp_path / "file" / "build")


def test_a_path_with_a_space_is_refused(tmp_path):
    """The tools would split such a path; the error names it, and nothing is created."""
    place = tmp_path / "my builds"
    assert str(place) in try_simulation(place)
    assert not place.exists()
