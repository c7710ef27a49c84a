"""`bench.hardware`: nothing measured is lost or taken for another core's, and what it shows."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import hardware, hardware_table
from bench.hardware_cases import CASES, Case
from rtl.flow import Design, Netlist, Placement, find, synthesise

BENCH = Path(hardware.__file__).parent
PLACED, SYNTHESISED = CASES[0], Case("16 inputs, 32 cells", 16, last="synthesis")
CELLS = {"LUT4": 10, "CCU2C": 5, "MULT18X18D": 8}
MACS = """
module top (input clk, input signed [15:0] a, b, output reg signed [31:0] p, q);
  reg signed [15:0] ra, rb, rc;
  always @(posedge clk) begin
    ra <= a; rb <= b; p <= ra * rb;
    rc <= q[15:0] ^ {16{rc[0]}};
  end
  always @* q = (rc ^ a) * (rc + b);
endmodule
"""


class Bench:
    """The benchmark with two small cases and tools that answer at once.

    Attributes
    ----------
    calls : what the tools were asked for.
    clocks : MHz of each seed; a seed without is an interruption.
    """

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch):
        self.file, self.calls, self.monkeypatch = file, [], monkeypatch
        self.clocks = {1: 100.0, 2: 300.0, 3: 120.0}
        self.cycles: dict[str, Any] = {"measured": 420.0, "predicted": 420, "mismatches": 0}
        self.cycles |= {"least": 420.0, "utilisation": 1.0, "codes": 7}
        monkeypatch.setattr(hardware, "alone", lambda core: Design("text", "top"))
        for name in ("measure_case", "synthesise", "place", "running"):
            monkeypatch.setattr(hardware, name, getattr(self, name))
        monkeypatch.setattr(hardware, "CASES", (PLACED, SYNTHESISED))

    @contextmanager
    def running(self, jobs: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
        yield {name: SimpleNamespace(result=job) for name, job in jobs.items()}

    def measure_case(self, *case: Any) -> dict[str, Any]:
        self.calls.append("cycles")
        return dict(self.cycles)

    def synthesise(self, verilog: str, top: str, device: Any, folder: Path, tell: Any) -> Netlist:
        self.calls.append("synthesis")
        return Netlist(top, folder / "n.json", CELLS, {"operands": 8})

    def place(self, netlist: Netlist, device: Any, freq: Any, seed: int, *_: Any) -> Placement:
        self.calls.append(seed)
        if seed not in self.clocks:
            raise KeyboardInterrupt
        bels = {"TRELLIS_COMB": (23, 83640), "MULT18X18D": (8, 156)}
        return Placement(seed, self.clocks[seed], {}, None, bels, Path())

    def __call__(self, *words: str) -> list[Any]:
        """Run it; what was asked of the tools."""
        self.calls = []
        self.monkeypatch.setattr(sys, "argv", ["hardware", "--json", str(self.file), *words])
        with pytest.raises(SystemExit) as end:
            hardware.main()
        self.status = end.value.code
        return self.calls

    @property
    def found(self) -> dict[str, Any]:
        return json.loads(self.file.read_text())["cases"]


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Bench:
    return Bench(tmp_path / "hardware.json", monkeypatch)


def test_an_interrupted_run_goes_on_where_it_was(bench):
    del bench.clocks[2]
    with pytest.raises(KeyboardInterrupt):
        bench()
    assert [*bench.found[PLACED.key]["seeds"]] == ["1"]
    bench.clocks[2] = 300.0
    assert bench() == ["synthesis", 2, 3, "cycles", "synthesis"]
    assert bench() == []
    assert bench.status == 0
    assert [seed["mhz"] for seed in bench.found[PLACED.key]["seeds"].values()] == [100, 300, 120]


@pytest.mark.parametrize("name", ["verilog", "tools"])
def test_results_of_another_core_or_other_tools_are_measured_anew(bench, name):
    bench("--seeds", "1")
    data = json.loads(bench.file.read_text())
    data["cases"][PLACED.key][name] = "other"
    bench.file.write_text(json.dumps(data))
    assert bench("--seeds", "1") == ["cycles", "synthesis", 1]


def test_cycles_only_builds_nothing(bench):
    assert bench("--cycles-only") == ["cycles"]  # of the core that is more than a point of a line
    assert bench.status == 0 and bench.found[PLACED.key]["cycles"]
    assert all("synthesised" not in entry for entry in bench.found.values())


def test_the_table_says_median_and_each_seed(bench, capsys):
    bench()
    row = next(line for line in capsys.readouterr().out.splitlines() if PLACED.key in line)
    # 1680 products a step in 420 cycles: 4 a clock
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[6:10] == ["120 (100, 300, 120)", "480", "120", "23"]


@pytest.mark.parametrize(
    ("wrong", "said"), [({"measured": 421.0}, "421.0 cycles"), ({"mismatches": 2}, "2 codes")]
)
def test_what_does_not_hold_is_named_and_the_status_is_1(bench, capsys, wrong, said):
    bench.cycles |= wrong
    bench("--cycles-only")
    assert bench.status == 1
    assert said in capsys.readouterr().err


def test_a_core_that_does_not_fit_is_named_and_the_next_one_is_built(bench, capsys):
    large = Netlist("top", bench.file, {"MULT18X18D": 157}, {"operands": 157})
    bench.monkeypatch.setattr(hardware, "synthesise", lambda *_: large)
    bench()
    assert bench.status == 1
    assert "157 DSP of 156" in capsys.readouterr().err
    assert bench.found[SYNTHESISED.key]["synthesised"]["DSP"] == 157


def test_a_clock_that_must_be_reached_and_is_not_is_named(bench, capsys):
    case = Case(PLACED.name, 4, freq=301.0)
    bench.monkeypatch.setattr(hardware, "CASES", (case,))
    bench()
    assert bench.status == 1
    assert "300.0 MHz, must be 301" in capsys.readouterr().err


def test_seeds_of_none_are_refused_in_one_line(bench, capsys):
    bench("--seeds", "0")
    assert bench.status == 2
    assert "seeds 0: must be at least 1" in capsys.readouterr().err
    assert not bench.file.exists()


def test_a_place_that_cannot_be_written_is_refused(bench, capsys):
    bench.file.mkdir()
    assert bench() == []
    assert bench.status == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"cases": 3}', "\xff"])
def test_a_file_of_something_else_is_refused_and_stays(bench, capsys, text):
    bench.file.write_text(text, encoding="latin-1")
    assert bench() == []
    assert bench.status == 2
    assert f"{bench.file}: " in capsys.readouterr().err
    assert bench.file.read_text(encoding="latin-1") == text


def test_registers_in_a_multiplier_of_an_ice40_are_counted(tmp_path):
    netlist = synthesise(MACS, "top", find("ice40-up5k"), tmp_path)
    assert hardware.registered(netlist) == {"SB_MAC16": 2, "operands": 1, "product": 1}


def test_the_line_through_the_points():
    points = [{"lanes": n, "synthesised": {"LUT4": 70 * n + 900}} for n in (4, 8, 32, 128)]
    assert hardware_table.cost(points) == pytest.approx((70, 900))
    assert hardware_table.cost(points[:1]) is None


@pytest.mark.parametrize("peer", hardware_table.PEERS, ids=lambda peer: peer["configuration"])
def test_figures_of_others_agree_with_each_other(peer):
    """What is in use and the products a second follow from cells, multipliers, cycles and MHz."""
    cycles = peer["cycles"]
    if "ideal" in peer:
        assert round(100 * peer["ideal"] / cycles) == peer["use"]
        return
    said = re.match(r"(\d+) inputs?, (\d+) cell", peer["configuration"])
    inputs, cells = map(int, said.groups()) if said else (1, 20)
    products = 4 * cells * (inputs + cells)
    assert 100 * products / peer["multipliers"][0] / cycles == pytest.approx(peer["use"], abs=0.5)
    if peer["mhz"]:
        rate = products * peer["mhz"] / cycles
        assert rate == pytest.approx(peer["million_products"], abs=0.5)


def test_what_is_committed_is_sound_and_in_the_manual():
    results = json.loads((BENCH / "hardware.json").read_text())
    assert hardware_table.text(results) in (BENCH / "README.md").read_text()
    assert PLACED.key in results["cases"]
    assert {*results["cases"]} <= {case.key for case in CASES}
    for entry in results["cases"].values():
        cycles = entry["cycles"]
        assert (cycles["measured"], cycles["mismatches"]) == (cycles["predicted"], 0)
        assert cycles["codes"]
