"""Results of `bench.hardware` as text, with other people's for comparison, in Markdown."""

import json
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.hardware_cases import CASES, LARGE, SCALED, Case
from carousel.report.tables import Table

Results = dict[str, Any]
PEERS: list[Results] = json.loads(Path(__file__).with_name("peers.json").read_text())
RESOURCES = ("LUT4", "FF", "DSP", "block RAM")
TAKES = ("LUT4", "FF", "DSP (registered)", "block RAM")
PACE = ("in use", "MHz", "million products/s", "a lane")
OURS = ("core", "multipliers", "predicted", "simulated", *PACE, *TAKES)
THEIRS = ("system", "core", "multipliers", "cycles a step", *PACE, *RESOURCES)
PUBLISHED = ("system", "source", "core", "multipliers", "cycles a step", "ideal", "in use")


def text(results: Results) -> str:
    """All tables."""
    cases = results["cases"]
    tables = {
        "Measured here, 16 bits, cycles a step predicted and simulated": (OURS, _ours(cases)),
        "Others, through the same tools for the same ECP5": (
            THEIRS,
            (_theirs(peer) for peer in PEERS if "mhz" in peer),
        ),
        "Others, as published": (
            PUBLISHED,
            (_published(peer) for peer in PEERS if "ideal" in peer),
        ),
    }
    parts = [f"{title}:\n\n{Table.of('', *table).markdown()}" for title, table in tables.items()]
    return "\n\n".join([*parts, f"{LARGE}, as synthesised:\n\n{growth(cases)}"])


def _ours(cases: Results) -> Iterator[tuple[str, ...]]:
    for case in CASES:
        if case not in SCALED and case.key in cases:
            yield _row(case, cases[case.key])


def _row(case: Case, entry: Results) -> tuple[str, ...]:
    cycles, seeds = entry["cycles"], entry.get("seeds", {}).values()
    stall, streams = entry["stall"], entry["streams"]
    found = {name: f"{used:,}" for name, used in entry.get("placed", {}).items()}
    if "DSP" in found:
        found["DSP"] += f" ({entry['blocks_with_registers']['operands']})"
    return (
        case.key,
        f"{entry['lanes']} + {entry['tail_multipliers']}",
        f"{cycles['predicted']:,}" + (f", {stall} of them stall" if stall else ""),
        f"{cycles['measured']:,.0f}"
        + (f", {cycles['measured'] / streams:.1f} a sequence" if streams > 1 else ""),
        f"{100 * cycles['utilisation']:.1f} %",
        _clocks([seed["mhz"] for seed in seeds]),
        _millions(seed["products_per_second"] for seed in seeds),
        _millions(seed["products_per_second_and_multiplier"] for seed in seeds),
        *(found.get(name, "-") for name in RESOURCES),
    )


def _clocks(found: list[float]) -> str:
    if not found:
        return "-"
    each = f" ({', '.join(f'{mhz:.0f}' for mhz in found)})" if len(found) > 1 else ""
    return f"{statistics.median(found):.0f}{each}"


def _millions(found: Iterable[float]) -> str:
    found = list(found)
    return f"{statistics.median(found) / 1e6:,.0f}" if found else "-"


def _theirs(peer: Results) -> tuple[str, ...]:
    def number(name: str) -> str:
        return "-" if peer.get(name) is None else f"{peer[name]:,}"

    rate, lanes = peer["million_products"], peer["multipliers"][0]
    return (
        peer["system"],
        peer["configuration"],
        " + ".join(map(str, peer["multipliers"])),
        number("cycles"),
        f"{peer['use']:g} %",
        "does not fit" if peer["mhz"] is None else number("mhz"),
        "-" if rate is None else str(rate),
        "-" if rate is None else f"{rate / lanes:.0f}",
        *(number(name) for name in RESOURCES),
    )


def _published(peer: Results) -> tuple[str, ...]:
    return (
        peer["system"],
        peer["source"],
        peer["configuration"],
        " + ".join(map(str, peer.get("multipliers", ["-"]))),
        f"{peer['cycles']:,}",
        f"{peer['ideal']:,}",
        f"{peer['use']:g} %",
    )


def scaling(cases: Results) -> list[Results]:
    """Results of one network from the fewest lanes to the most, as far as they were synthesised."""
    wanted = (*SCALED, next(case for case in CASES if (case.name, case.lanes) == (LARGE, 64)))
    found = [cases.get(case.key, {}) for case in wanted]
    return sorted((e for e in found if "synthesised" in e), key=lambda e: e["lanes"])


def cost(points: list[Results]) -> tuple[float, float] | None:
    """LUT4 of a lane and of all else: the straight line through these points, least squares."""
    if len(points) < 2:
        return None
    lanes, luts = zip(*((e["lanes"], e["synthesised"]["LUT4"]) for e in points), strict=True)
    slope, rest = np.polyfit(lanes, luts, 1)
    return float(slope), float(rest)


def growth(cases: Results) -> str:
    """How one network's core grows with its lanes."""
    points = scaling(cases)
    rows = (
        (
            str(e["lanes"]),
            str(e["accumulators"]),
            f"{e['cycles']['measured']:,.0f}",
            f"{100 * e['cycles']['utilisation']:.1f} %",
            *(f"{e['synthesised'][name]:,}" for name in RESOURCES),
        )
        for e in points
    )
    head = ("lanes", "accumulators of each", "cycles a step", "in use", *RESOURCES)
    table = Table.of("", head, rows).markdown()
    if (line := cost(points)) is None:
        return table
    slope, rest = line
    return f"{table}\n\nA lane takes {slope:.0f} LUT4, all else {rest:.0f}."
