"""Cores in AXI under test: the written Verilog and register map, and scripts played on them."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.lib import wiring

from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from fixedpoint.quantization import quantize
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from rtl.kit.header import logic
from rtl.verilog import convert, module_name
from sim.runner import Build, build, folder_in, run
from tests.rtl.support import write_core
from tests.sim.axi_bench import FOLDER

OKAY, SLVERR, DECERR = 0, 2, 3


def network(
    bits: int, reverse: bool = False, output: str = "every", ranges: tuple[float, ...] = (1, 1, 1)
) -> QuantizedNetwork:
    """Two forget-gate cells, 3 inputs of these ranges, 2 outputs."""
    net, x = _network(27, reverse, output)
    return quantize(net, bits=bits, calibrate=x * ranges)


def another(qnet: QuantizedNetwork) -> QuantizedNetwork:
    """One of the same shape and formats, with other weights and biases."""
    return quantize(_network(28)[0], qnet.formats)


def _network(seed: int, reverse: bool = False, output: str = "every") -> tuple[Network, np.ndarray]:
    rng = np.random.default_rng(seed)
    layer = Layer(
        {kind: 2 * rng.normal(size=(2, 5)) for kind in "ifog"},
        {kind: rng.normal(size=2) for kind in "ifog"},
        reverse=reverse,
    )
    head = (Dense(rng.normal(size=(2, 2)), np.zeros(2)),)
    return Network((layer,), head, "axi", output=output), rng.normal(size=(2, 20, 3))


@dataclass(frozen=True)
class Wrapped:
    """A simulator of a core in AXI.

    Attributes
    ----------
    qnet : what it must compute.
    table : its register map, as it was written.
    """

    qnet: QuantizedNetwork
    table: dict[str, Any]
    built: Build

    def at(self, name: str) -> int:
        """The offset of a register."""
        return next(each["offset"] for each in self.table["registers"] if each["name"] == name)

    def play(self, *operations: list) -> list:
        """The answers to the operations of a script that have any, see
        `tests.sim.axi_bench.Player`."""
        folder = folder_in(self.built.folder.parent, "run")
        try:
            (folder / "script.json").write_text(json.dumps(operations))
            settings = {FOLDER: str(folder), "COCOTB_LOG_LEVEL": "WARNING"}
            status = run(self.built, "tests.sim.axi_bench", folder, environment=settings)
            assert status == 0, (folder / "run.log").read_text()
            answers = json.loads((folder / "answers.json").read_text())
            return [answer for answer in answers if answer is not None]
        finally:
            shutil.rmtree(folder)


def written(qnet: QuantizedNetwork, folder: Path, build_dir: Path, **options: Any) -> Wrapped:
    """A simulator of the very file that `rtl.verilog.write` writes; options of that."""
    core, about, _, table, *_ = write_core(qnet, folder, axi=True, **options)
    ports = [port["name"] for port in json.loads(about.read_text())["ports"]]
    built = build(logic(core.read_text()), module_name(qnet), ports, build_dir)
    return Wrapped(qnet, json.loads(table.read_text()), built)


def converted(
    qnet: QuantizedNetwork, top: wiring.Component, table: dict[str, Any], build_dir: Path
) -> Wrapped:
    """A simulator of any component with such ports."""
    ports = list(top.signature.members)
    return Wrapped(qnet, table, build(convert(top, "axi_top"), "axi_top", ports, build_dir))


def elements(values: np.ndarray, form: Format, junk: int = 0) -> list[int]:
    """The bytes of codes as a packet has them; with `junk` in the bits that no code needs."""
    size, mask = -(-form.width // 8), (1 << form.width) - 1
    above = junk & ~mask & (1 << 8 * size) - 1
    words = [int(code) & mask | above for code in values.reshape(-1)]
    return [byte for each in words for byte in each.to_bytes(size, "little")]


def sent(qnet: QuantizedNetwork, given: list[np.ndarray], junk: int = 0) -> list[list]:
    """The operations that send sequences, a packet each."""
    return [["send", *elements(each, qnet.formats.input, junk)] for each in given]


def received(qnet: QuantizedNetwork, packets: list[list[int]]) -> list[list[int]]:
    """The numbers in packets of outputs, each as wide as its bytes."""
    size = -(-qnet.out_format.width // 8)
    return [
        [
            int.from_bytes(bytes(packet[k : k + size]), "little", signed=qnet.out_format.signed)
            for k in range(0, len(packet), size)
        ]
        for packet in packets
    ]


def word(value: int) -> list[int]:
    """The bytes of a register."""
    return list((value & 0xFFFF_FFFF).to_bytes(4, "little"))
