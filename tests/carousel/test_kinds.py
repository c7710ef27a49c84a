"""Every kind of network through the commands: main job, report, hold check, Verilog."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import golden
from carousel.measure.retention import lags
from tests.carousel import nets
from tests.soak import few

HOLDS = "a state holds to the last bit while its gates are shut"
BOUND = "no state is further than its bound"
ON_TIME = "the gateware takes the predicted cycles"


class Files:
    """A model of a kind and its input, as files."""

    def __init__(self, folder: Path, name: str, count: int = 2):
        self.net, x = nets.every()[name], nets.sequences(count)
        self.model, self.x = folder / "m.npz", folder / "x.npy"
        golden.save(self.net, self.model)
        np.save(self.x, x)
        self.words = (self.model, "--input", self.x)


def loaded(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


DIFFERENT = ("deep", "peepholes", "both", "clipped")


@pytest.mark.parametrize("name", few(DIFFERENT, (*nets.FORWARD, *nets.REVERSE)))
def test_the_main_job_takes_every_kind(cli, quick_sim, tmp_path, place, name, drawn):
    """Its report has a row for every signal, every figure, what was checked, and what kind it is; a
    hold check that nobody could pass is no failure."""
    files = Files(tmp_path, name)
    lanes = ("--lanes", 5) if name == "both" else ()
    result = cli("run", *files.words, *lanes, "--quick", "-o", place)
    assert result.exit_code == 0, result.output
    assert (place / f"carousel_{name}.v").is_file()
    page, data = (place / "report.html").read_text(), loaded(place / "results.json")
    signals = [
        *(f"{k}.{s}" for k, layer in enumerate(files.net.layers) for s in layer.shape.signals),
        "out",
    ]
    assert list(data["errors"]) == signals
    assert all(f"<td>{signal}</td>" in page for signal in signals)
    assert page.count("<svg ") == 3 + len(files.net.layers)  # with a map for each
    checks = {"every code of the gateware equals fixed point", BOUND}
    checks |= {HOLDS} if name != "clipped" else set()
    checks |= {ON_TIME} if name in nets.FORWARD else set()
    assert set(data["checks"]) == checks and all(data["checks"].values())
    assert all(words in page for words in SAID.get(name, ()))
    if name in nets.REVERSE:
        held = data["gateware"]["sequence_memory_bits"]
        assert f"Sequences of up to 20 steps take {held:,} bits more." in page
    assert (data["never_shut"] is None) == bool(data["hold"]) == (name != "clipped")
    shown = labels(page)
    states, curves = DRAWN.get(name, ([], []))
    assert [text for text in shown if re.match(r"(\w+ )?cell \d", text)] == states or not states
    assert [text for text in shown if re.fullmatch(r"(\w+ )?[sy]", text)] == curves or not curves


def labels(page: str) -> list[str]:
    """What stands in the figures of a report, whose letters are drawn."""
    return re.findall(r"<!-- (.*?) -->", page)


CELLS = ["cell 0", "cell 1", "cell 2", "cell 3"]
PAIR = (
    ["forward cell 0", "forward cell 1", "reverse cell 0", "reverse cell 1"],
    ["forward s", "forward y", "reverse s", "reverse y"],
)
DRAWN = {
    "deep": (CELLS[:3], ["s", "y"]),
    "peepholes": (CELLS, ["s", "y"]),
    "reverse": (CELLS, ["s", "y"]),
    "both": PAIR,
    "ends": PAIR,
}
"""States and curves in the figures, the direction named where there are two."""

SAID = {
    "peepholes": ["3 inputs, 4 memory cells in 4 blocks projected to 2, 2 outputs."],
    "both": [
        "2 memory cells in 2 blocks in reverse and 4 memory cells in 4 blocks and",
        "the last two layers, one in each direction,",
        "Layers run in reverse, so that every sequence starts anew",
        "Nothing was proven of this Verilog so far.",
    ],
    "reverse": [
        "4 memory cells in 4 blocks in reverse",
        "the last layer, which runs from the last step to the first,",
    ],
    "clipped": [
        "not checked",
        "clipped to -1..1, where no gate is wholly closed",
        "Its gates are never exactly shut",
        "Layer 0: i can never be exactly 0; at its least, 0.269, it lets in up to",
    ],
}


def test_gates_that_are_never_shut_are_said_followed_and_mapped(cli, tmp_path):
    """Status 1, and all that can be known: what is left, the map, the bound, the drift a step."""
    files, file = Files(tmp_path, "clipped"), tmp_path / "h.json"
    result = cli("hold", *files.words, "--quick", "--json", file)
    assert result.exit_code == 1
    data = loaded(file)
    assert data["never_shut"] == data["notes"][0] and data["never_shut"] in result.stdout
    assert data["never_shut"].startswith("layer 0: net inputs of the gates are clipped to -1..1, ")
    assert not data["hold"] and not data["ok"]
    assert [setting["setting"] for setting in data["lags"]] == [
        "Gates as trained, full-range input",
        "Gates as trained, its own input",
    ]
    i, f = data["notes"][1:]
    assert i.startswith("Layer 0: i can never be exactly 0; at its least, 0.269, it lets in ")
    assert f.startswith("Layer 0: f can never be exactly 1; at its greatest, 0.7311, it takes ")
    assert all(note in result.stdout for note in (i, f))
    (limits,) = data["retention"]["thresholds"]
    assert limits["closed"] is limits["kept"] is data["bound"]["shut_range"] is None


def test_gates_that_are_never_shut_in_reverse_leave_map_and_bound(cli, tmp_path, place, drawn):
    """Nothing can be followed, and no figure of it is drawn."""
    layer = nets.layer(np.random.default_rng(1), 3, reverse=True, clip={"gate": (-1.0, 1.0)})
    golden.save(nets.network("never", layer), tmp_path / "m.npz")
    np.save(tmp_path / "x.npy", nets.sequences())
    words = (tmp_path / "m.npz", "--input", tmp_path / "x.npy", "--quick", "-o", place)
    assert cli("hold", *words, "--json", tmp_path / "h.json").exit_code == 1
    data, page = loaded(tmp_path / "h.json"), (place / "hold.html").read_text()
    assert data["lags"] == [] and lags.REVERSE in data["notes"]
    assert page.count("<svg ") == 1 and lags.REVERSE in page
    assert data["bound"]["limits"] and len(data["retention"]["met"]) == 2


@pytest.mark.parametrize(
    "lanes", [pytest.param([], marks=pytest.mark.soak), ["--lanes", 5]], ids=["all", "5"]
)
def test_the_command_in_the_report_makes_the_same_core(cli, quick_sim, tmp_path, place, lanes):
    """Of several parts too, each of which takes as many of the lanes as it can use."""
    files, again = Files(tmp_path, "ends"), tmp_path / "again"
    words = (*files.words, *lanes, "--max-length", 30, "--quick", "-o", place)
    assert cli("run", *words).exit_code == 0
    command = shlex.split(loaded(place / "results.json")["repeat"]["command"])[1:]
    assert cli(*command, "-o", again).exit_code == 0
    assert (again / "carousel_ends.v").read_bytes() == (place / "carousel_ends.v").read_bytes()
    assert loaded(place / "carousel_ends.core.json")["max_length"] == 30


def test_the_core_holds_the_input_or_as_much_as_is_asked_for(cli, tmp_path, place):
    """More than the input, and less."""
    files = Files(tmp_path, "reverse")
    for words, room in (([], 20), (["--max-length", 64], 64), (["--max-length", 7], 7)):
        result = cli("verilog", *files.words, "--lanes", 4, *words, "-o", place)
        assert result.exit_code == 0, result.output
        assert loaded(place / "carousel_reverse.core.json")["max_length"] == room


def test_a_state_port_is_there_where_it_is_asked_for(cli, tmp_path, place):
    files = Files(tmp_path, "paper")
    ports = {}
    for words in ((), ("--state-port",)):
        assert cli("verilog", *files.words, *words, "-o", place).exit_code == 0
        about = loaded(place / "carousel_paper.core.json")
        ports[words] = {port["name"] for port in about["ports"]}
    new = {"idle", "state_address", "state_write", "state_in", "state_out"}
    assert ports["--state-port",] - ports[()] == new
    assert len(about["state_words"]) == 4 + 4 + 2 * 2  # states, outputs, two gates of two blocks


def test_a_protected_core_says_so(cli, tmp_path, place):
    """Its counters are ports, with AXI registers; its JSON says how large its memories are."""
    files, ports = Files(tmp_path, "paper"), {}
    for words in ((), ("--protect",)):
        assert cli("verilog", *files.words, *words, "-o", place).exit_code == 0
        about = loaded(place / "carousel_paper.core.json")
        ports[words] = {port["name"] for port in about["ports"]}
    assert ports["--protect",] - ports[()] == {"corrected", "uncorrectable"}
    assert about["protected"] and about["memory_bits"]["states"] > 0
    assert cli("verilog", *files.words, "--protect", "--axi", "-o", place).exit_code == 0
    registers = (place / "carousel_paper.registers.md").read_text()
    assert all(name in registers for name in ("CORRECTED", "UNCORRECTABLE"))


@pytest.mark.parametrize(
    ("name", "option", "line"),
    [
        ("deep", ["--max-length", 5], "max_length 5: the network has no reverse layer"),
        ("both", ["--state-port"], "state port: layer 1 runs in reverse"),
        ("both", ["--protect"], "protect: cannot be combined with layer 1, which runs"),
        ("deep", ["--protect", "--nonzeros", 1], "protect: cannot be combined with nonzeros 1"),
        ("deep", ["--protect", "--load-port"], "protect: cannot be combined with a load port"),
        ("ends", ["--lanes", 0], "lanes 0: layer 0 needs at least 1"),
    ],
)
def test_a_core_that_cannot_be_is_refused(refused, tmp_path, place, name, option, line):
    files = Files(tmp_path, name)
    assert f"carousel: {line}" in refused("verilog", *files.words, *option, "-o", place)
    assert not place.exists()
