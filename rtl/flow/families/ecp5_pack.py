"""Fold registers of the fabric into the ECP5's block RAMs and multipliers.

Yosys maps memories to DP16KD and products to MULT18X18D, but leaves the registers around them in
the fabric, where the way from and to the hard block costs most of a clock. `pack` works on Yosys'
JSON netlist, between `synth_ecp5` and nextpnr, and moves

- a register on each used output of a memory's read port into the port's output register,
- the registers on both operands of a multiplier into its input registers,
- one layer of registers behind a product into its output register, two into its pipeline and output
  registers,

wherever the circuit stays the same in every clock, the first one included. A hard block's registers
start at 0 and have one clock; so only registers without reset, always enabled and starting at 0 are
moved. Of a multiplier, nextpnr knows the times of both input registers or none, so that one operand
alone is left as it is; and it times nothing between two registers of the same multiplier.

Sources: Lattice FPGA-TN-02204 (memories) and FPGA-TN-02205 (multipliers); the parameters are those
that nextpnr-ecp5 reads in `pack.cc` and `bitstream.cc`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Bit = int | str  # a net's number, or a constant: "0", "1", "x", "z"
Cell = dict[str, Any]

OPERAND, PRODUCT, HALF, BOTH_HALVES = 18, 36, 18, 36  # bits
CONSTANTS = ("0", "1", "x", "z")
CHANGED = ("parameters", "connections", "port_directions")  # of a cell, while it is packed


@dataclass(frozen=True)
class Register:
    """A flip-flop that could as well be a hard block's: no reset, always enabled, 0 at first.

    Attributes
    ----------
    cell : its name in the netlist.
    clock, data, output : the nets of CLK (rising edge), DI and Q.
    """

    cell: str
    clock: Bit
    data: Bit
    output: Bit


def pack(netlist: dict[str, Any]) -> dict[str, Any]:
    """The same circuit with registers folded into hard blocks; the netlist given is left as it is.

    Parameters
    ----------
    netlist : what Yosys' `synth_ecp5 -json` writes, with a flat top module. Blocks that use
        registers already stay as they are.
    """
    top = top_module(netlist)
    module = netlist["modules"][top]
    design = _Design(module)
    blocks = list(design.cells)
    for name in blocks:
        if design.cells.get(name, {}).get("type") == "DP16KD":
            _pack_memory(design, name)
    multipliers = [name for name in blocks if _is_free_multiplier(design.cells.get(name, {}))]
    for name in multipliers:  # before all products: an operand's register saves more
        _pack_operands(design, name)
    for name in multipliers:
        _pack_product(design, name)
    packed = {**module, "cells": design.cells}
    return {**netlist, "modules": {**netlist["modules"], top: packed}}


def top_module(netlist: dict[str, Any]) -> str:
    """The name of the module that Yosys marked as the top."""
    return next(
        name for name, module in netlist["modules"].items() if "top" in module["attributes"]
    )


def packed_blocks(netlist: dict[str, Any]) -> dict[str, int]:
    """How many hard blocks use registers of their own, by what the registers hold.

    The keys are `memory outputs` (read ports), `operands` (multipliers with both input registers),
    `products` (multipliers with an output register) and `pipelines` (with a pipeline register too).
    """
    count = Counter({"memory outputs": 0, "operands": 0, "products": 0, "pipelines": 0})
    for cell in netlist["modules"][top_module(netlist)]["cells"].values():
        parameters = cell["parameters"]
        if cell["type"] == "DP16KD":
            ports = [side for side, _ in _read_ports(cell)]
            count["memory outputs"] += sum(parameters[f"REGMODE_{p}"] == "OUTREG" for p in ports)
        if cell["type"] == "MULT18X18D":
            count["operands"] += parameters.get("REG_INPUTA_CLK") == "CLK0"
            count["products"] += parameters.get("REG_OUTPUT_CLK") == "CLK0"
            count["pipelines"] += parameters.get("REG_PIPELINE_CLK") == "CLK0"
    return dict(count)


class _Design:
    """A module's cells with who drives and who reads each net, kept true while cells change."""

    def __init__(self, module: dict[str, Any]) -> None:
        self.cells: dict[str, Cell] = {
            name: {**cell, **{part: dict(cell[part]) for part in CHANGED}}
            for name, cell in module["cells"].items()
        }
        self.readers: dict[Bit, set[tuple[str, str]]] = defaultdict(set)
        self.registers: dict[Bit, Register] = {}
        for name, port in module["ports"].items():
            self._read("", name, port["bits"])
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] != "output":
                    self._read(name, port, bits)
            register = _register(name, cell)
            if register is not None:
                self.registers[register.output] = register

    def _read(self, cell: str, port: str, bits: Iterable[Bit]) -> None:
        for bit in bits:
            self.readers[bit].add((cell, port))

    def layer(self, bits: Iterable[Bit]) -> dict[Bit, Register] | None:
        """For each bit that is read the one register that reads it; None if anything else does."""
        found = {}
        for bit in bits:
            readers = self.readers[bit]
            if not readers:
                continue
            name, port = next(iter(readers))
            register = self._register_named(name)
            if len(readers) > 1 or port != "DI" or register is None:
                return None
            found[bit] = register
        clocks = {register.clock for register in found.values()}
        return found if len(clocks) == 1 else None

    def _register_named(self, name: str) -> Register | None:
        if name not in self.cells or self.cells[name]["type"] != "TRELLIS_FF":
            return None
        register = self.registers.get(self.cells[name]["connections"]["Q"][0])
        return register if register is not None and register.cell == name else None

    def connect(self, cell: str, port: str, bit: Bit) -> None:
        """Let a one-bit input of a cell read another net, or a port that it lacked read one."""
        connections = self.cells[cell]["connections"]
        for before in connections.get(port, ()):
            self.readers[before].discard((cell, port))
        connections[port] = [bit]
        self.cells[cell]["port_directions"][port] = "input"
        self.readers[bit].add((cell, port))

    def take_over(self, cell: str, port: str, register: Register) -> None:
        """Let a cell's output drive what a register drives, and remove the register."""
        self.cells[cell]["connections"][port] = [register.output]
        self._remove(register)

    def remove_unread(self, register: Register) -> None:
        """Remove a register that nothing reads any more."""
        if register.output in self.registers and not self.readers[register.output]:
            self._remove(register)

    def _remove(self, register: Register) -> None:
        cell = self.cells.pop(register.cell)
        del self.registers[register.output]
        for port, bits in cell["connections"].items():
            for bit in bits:
                self.readers[bit].discard((register.cell, port))


def _register(name: str, cell: Cell) -> Register | None:
    """The cell as a register that may be moved, or None."""
    if cell["type"] != "TRELLIS_FF":
        return None
    parameters = {key: value.strip() for key, value in cell["parameters"].items()}
    wires = {port: bits[0] for port, bits in cell["connections"].items()}
    mux = parameters.get("CEMUX", "1")
    always = mux == "1" or (mux, wires.get("CE")) in {("CE", "1"), ("INV", "0")}
    never_reset = wires.get("LSR", "0") == "0" and parameters.get("LSRMUX", "LSR") == "LSR"
    starts_at_0 = parameters.get("REGSET", "RESET") == "RESET"
    rising = parameters.get("CLKMUX", "CLK") == "CLK"
    if not (always and never_reset and starts_at_0 and rising) or wires["Q"] in CONSTANTS:
        return None
    return Register(name, wires["CLK"], wires["DI"], wires["Q"])


def _read_ports(cell: Cell) -> list[tuple[str, str]]:
    """A DP16KD's read ports: the side whose clock and enable count, and the sides of its outputs.

    A block that is written 36 bits at a time has one read port of up to 36 bits, clocked by CLKB,
    with its lower half at DOA.
    """
    if int(cell["parameters"]["DATA_WIDTH_A"], 2) == BOTH_HALVES:
        return [("B", "AB")]
    return [("A", "A"), ("B", "B")]


def _pack_memory(design: _Design, name: str) -> None:
    """Fold the registers behind each read port of a DP16KD into its output registers."""
    cell = design.cells[name]
    parameters, wires = cell["parameters"], cell["connections"]
    for side, halves in _read_ports(cell):
        free = all(
            parameters[f"REGMODE_{half}"] == "NOREG" and wires[f"RST{half}"] == ["0"]
            for half in halves
        )
        rising = parameters[f"CLK{side}MUX"] == f"CLK{side}"
        if not free or not rising or wires[f"CE{side}"] != ["1"]:
            continue
        outputs = {
            f"DO{half}{i}": wires[f"DO{half}{i}"][0]
            for half in halves
            for i in range(HALF)
            if wires.get(f"DO{half}{i}")
        }
        registers = design.layer(outputs.values())
        if registers is None or any([r.clock] != wires[f"CLK{side}"] for r in registers.values()):
            continue
        for half in halves:
            parameters[f"REGMODE_{half}"] = "OUTREG"
            design.connect(name, f"OCE{half}", "1")
        _drive(design, name, outputs, registers)


def _drive(
    design: _Design, name: str, outputs: dict[str, Bit], registers: dict[Bit, Register]
) -> None:
    """Let a block's outputs drive what the registers behind them drive."""
    for port, bit in outputs.items():
        if bit in registers:
            design.take_over(name, port, registers[bit])


def _is_free_multiplier(cell: Cell) -> bool:
    """Whether a cell is a multiplier whose registers are all unused and whose signs are fixed."""
    if cell.get("type") != "MULT18X18D" or "CLK0" in cell["connections"]:
        return False
    return all(cell["connections"][f"SIGNED{side}"][0] in CONSTANTS for side in "AB")


def _pack_operands(design: _Design, name: str) -> None:
    """Fold the registers before both operands of a multiplier into its input registers.

    Constant bits pass the input registers too, which are 0 in the first clock. So one operand at
    most may have constant ones: the other then makes the first product 0 either way.
    """
    wires = design.cells[name]["connections"]
    operands = {f"{side}{i}": wires[f"{side}{i}"][0] for side in "AB" for i in range(OPERAND)}
    varying = {port: bit for port, bit in operands.items() if bit not in CONSTANTS}
    if any(bit not in design.registers for bit in varying.values()):
        return
    registers = {port: design.registers[bit] for port, bit in varying.items()}
    clocks = {register.clock for register in registers.values()}
    ones = {port[0] for port, bit in operands.items() if bit == "1"}
    if len(clocks) != 1 or len(ones) > 1:
        return
    _clock(design, name, clocks.pop(), "INPUTA", "INPUTB")
    for port, register in registers.items():
        design.connect(name, port, register.data)
    for register in registers.values():
        design.remove_unread(register)


def _pack_product(design: _Design, name: str) -> None:
    """Fold one or two layers of registers behind a product into the multiplier."""
    wires = design.cells[name]["connections"]
    outputs = {f"P{i}": wires[f"P{i}"][0] for i in range(PRODUCT) if wires.get(f"P{i}")}
    first = design.layer(outputs.values())
    if first is None:
        return
    clock = next(iter(first.values())).clock
    if wires.get("CLK0", [clock]) != [clock]:
        return
    _clock(design, name, clock, "OUTPUT")
    _drive(design, name, outputs, first)
    outputs = {port: first[bit].output for port, bit in outputs.items() if bit in first}
    second = design.layer(outputs.values())
    if second is not None and next(iter(second.values())).clock == clock:
        _clock(design, name, clock, "PIPELINE")
        _drive(design, name, outputs, second)


def _clock(design: _Design, name: str, clock: Bit, *registers: str) -> None:
    """Use some of a multiplier's registers: always enabled, never reset, on the block's clock 0."""
    for port, bit in (("CLK0", clock), ("CE0", "1"), ("RST0", "0")):
        design.connect(name, port, bit)
    for register in registers:
        parameters = design.cells[name]["parameters"]
        parameters[f"REG_{register}_CLK"] = "CLK0"
        parameters[f"REG_{register}_CE"], parameters[f"REG_{register}_RST"] = "CE0", "RST0"
