"""What a statement depends on: the places of a design that its assertions can notice.

From the bits that are asserted the netlist is walked back, bit by bit and through all registers, to
the inputs and to what the statement cuts off. A fault elsewhere cannot matter.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtl.flow.tools import YOSYS, Progress, run, silent
from rtl.mutants.mutant import PREPARE
from rtl.proofs.harness import PART, TOP, Harness

ASSERTED = "$check", "assert"  # type and flavour of an assertion's cell
EACH = ("$and", "$or", "$xor", "$xnor", "$not", "$pos", "$mux", "$pmux", "$dff", "$sdff", "$adff")
CARRIED = ("$add", "$sub", "$neg", "$mul")  # a bit depends on no higher ones
DATA = ("A", "B", "D")  # ports of which those need the bits of the same place
Place = tuple[str, str, str, int]
"""Module, cell, port and bit of it."""


def cone(harness: Harness, progress: Progress = silent) -> set[Place]:
    """All places of a part's netlist, as `rtl.mutants.mutant` names them, behind a statement on it.

    Raises
    ------
    ToolFailedError : Yosys fails.
    """
    part, flat = _netlists(harness, progress)
    nets, reached = flat[TOP]["netnames"], _behind(flat[TOP]["cells"])
    cut = {bit for path in harness.cuts for bit in nets[path]["bits"]}
    return set(_Flat(nets, reached, reached - cut).places(part, harness.module, PART))


def _netlists(harness: Harness, progress: Progress) -> tuple[dict[str, Any], dict[str, Any]]:
    """The modules of the part, and all of it with the statement as one."""
    script = [
        "read_verilog design.v",
        f"hierarchy -top {harness.module}",
        *PREPARE.split("; "),
        "write_json part.json",
        "read_verilog -formal harness.v",
        f"hierarchy -top {TOP}",
        "proc",
        "memory_map",
        "flatten",
        *(f"cutpoint {TOP}/w:{cut}" for cut in harness.cuts),
        "write_json flat.json",
    ]
    with tempfile.TemporaryDirectory(prefix="cone-") as temporary:
        here = Path(temporary)
        files = {"design.v": harness.below, "harness.v": harness.text}
        for file, text in {**files, "script.ys": "\n".join([*script, ""])}.items():
            (here / file).write_text(text, encoding="utf-8", newline="\n")
        run(YOSYS, ["-q", "-s", "script.ys"], here, "log", "Cone", progress)
        part, flat = (json.loads((here / f"{n}.json").read_text()) for n in ("part", "flat"))
        return part["modules"], flat["modules"]


def _bits(cell: Mapping[str, Any], way: str) -> Iterator[tuple[str, int, Any]]:
    """Port, place and bit of what goes into a cell, or comes out of it."""
    for port, bits in cell["connections"].items():
        if cell["port_directions"][port] == way:
            yield from ((port, k, bit) for k, bit in enumerate(bits))


def _behind(cells: Mapping[str, Any]) -> set[int]:
    """All bits that the assertions of a flat netlist depend on."""
    drivers = {bit: (cell, k) for cell in cells.values() for _, k, bit in _bits(cell, "output")}
    open_ = [
        bit
        for cell in cells.values()
        if (cell["type"], cell["parameters"].get("FLAVOR")) == ASSERTED
        for _, _, bit in _bits(cell, "input")
    ]
    reached: set[int] = set()
    while open_:
        bit = open_.pop()
        if isinstance(bit, int) and bit not in reached:
            reached.add(bit)
            if bit in drivers:
                cell, k = drivers[bit]
                open_ += (cell["connections"][port][at] for port, at in _needed(cell, k))
    return reached


def _needed(cell: Mapping[str, Any], k: int) -> Iterator[tuple[str, int]]:
    """The inputs of a cell that bit k of its output depends on."""
    kind, width = cell["type"], len(cell["connections"].get("A", ()))
    for port, at, _ in _bits(cell, "input"):
        last = len(cell["connections"][port]) - 1
        if (
            port not in DATA
            or not kind.startswith((*EACH, *CARRIED))
            or (kind.startswith(CARRIED) and at <= k)
            or (kind == "$pmux" and port == "B" and at % width == k)
            or (kind != "$pmux" or port != "B")
            and at == min(k, last)  # the last bit extends it
        ):
            yield port, at


@dataclass(frozen=True)
class _Flat:
    """The nets of the flat netlist by name, and the bits of it that the statement depends on;
    `given` are those of which the part's own drivers count."""

    nets: Mapping[str, Any]
    reached: set[int]
    given: set[int]

    def places(self, modules: Mapping[str, Any], module: str, path: str) -> Iterator[Place]:
        """Those of a module at a path: outputs that are given, and what these need."""
        given = self.inside(modules[module]["netnames"], path)
        for name, cell in modules[module]["cells"].items():
            if cell["type"] in modules:  # a part, whose ends are those of cells on both sides
                yield from self.places(modules, cell["type"], f"{path}.{name}")
                continue
            bits = {(port, k) for port, k, bit in _bits(cell, "output") if bit in given}
            bits.update([need for _, k in bits for need in _needed(cell, k)])
            if cell["type"].startswith("$mem"):
                bits.update(self.writes(cell, f"{path}.{name}"))
            yield from ((module, name, port, k) for port, k in bits)

    def writes(self, cell: Mapping[str, Any], path: str) -> Iterator[tuple[str, int]]:
        """What writes the bits of a memory that are reached in any of its words."""
        words = [net["bits"] for name, net in self.nets.items() if name.startswith(f"{path}[")]
        kept = [any(bit in self.reached for bit in bits) for bits in zip(*words, strict=True)]
        for port, k, _ in _bits(cell, "input"):
            data = port in ("WR_DATA", "WR_EN")
            if port.startswith("WR_") and (kept[k % len(kept)] if data else any(kept)):
                yield port, k

    def inside(self, names: Mapping[str, Any], path: str) -> set[int]:
        """The bits of a module that are given, by the names that its nets have when flat."""
        cells = set()
        for name, net in names.items():
            flat = self.nets.get(_flattened(path, name), {"bits": ()})["bits"]
            cells.update(
                bit for bit, other in zip(net["bits"], flat, strict=False) if other in self.given
            )
        return cells


def _flattened(path: str, name: str) -> str:
    """A net's name after `flatten`."""
    if not name.startswith("$"):
        return f"{path}.{name}"
    first, *more = path.split(".")
    return f"$flatten\\{first}." + "".join(f"\\{part}." for part in more) + name
