"""The register map: what every kind of core has, where it lies, and how it is written down."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from golden.network import Network
from rtl.axi.registers import Field, Register, to_json, to_markdown
from rtl.axi.table import registers
from rtl.kit.header import header
from rtl.verilog import describe
from tests.rtl.support import layer, planned, quantized, readout

COMMON = {
    "IDENTIFICATION": 0x00,
    "VERSION": 0x04,
    "SHAPE": 0x08,
    "NETWORK": 0x0C,
    "LANES": 0x10,
    "CYCLES_PER_STEP": 0x14,
    "INPUT_FORMAT": 0x18,
    "OUTPUT_FORMAT": 0x1C,
    "CONTROL": 0x20,
    "STATUS": 0x24,
    "FRAMING_ERRORS": 0x28,
}
SATURATED = {"I": 0x40, "F": 0x44, "O": 0x48, "G": 0x4C, "H": 0x50, "S": 0x54}
COUNTED = {"CYCLES": 0x2C, "STEPS": 0x30}
STATE = {"STATE_WORDS": 0x80, "STATE_ADDRESS": 0x84, "STATE_DATA": 0x88}


def network(reverse: bool = False, projected: bool = False, linear: int = 0) -> QuantizedNetwork:
    """Two cells, 3 inputs; 7 more behind them, or a readout of so many outputs."""
    rng = np.random.default_rng(2)
    first = replace(layer(rng, 3, 2), reverse=reverse)
    if projected:
        first = replace(first, projection=rng.normal(size=(2, 2)))
    layers = (first,) if linear else (first, layer(rng, 2, 7))
    return quantized(Network(layers, readout(rng, 2, linear) if linear else ()), rng, 10)


def offsets(qnet: QuantizedNetwork) -> dict[str, int]:
    """Those of a core with all that it can have."""
    plan = planned(qnet, state_port=qnet.first_reverse is None)
    found = {each.name: each.offset for each in registers(plan)}
    assert list(found.values()) == sorted(set(found.values()))
    return found


def test_offsets_are_the_same_for_all_cores():
    """What a core has lies where it lies in any other; what it has not is not mapped."""
    saturated = {f"SATURATED_{kind}": offset for kind, offset in SATURATED.items()}
    every = {**COMMON, **saturated, "SATURATED_Y": 0x5C}
    forward = every | COUNTED | STATE
    assert offsets(network()) == forward
    assert offsets(network(linear=1)) == forward | {"SATURATED_OUT": 0x60}
    assert offsets(network(projected=True)) == forward | {"SATURATED_M": 0x58}
    assert offsets(network(reverse=True)) == every


def test_the_constants_are_the_networks():
    """Elements, cells of both layers, lanes, formats and cycles; negative fraction bits too."""
    qnet = network()
    plan = planned(qnet, 8)
    found = {
        (each.name, field.name): field.reset
        for each in registers(planned(qnet, 8, state_port=True))
        for field in each.fields
        if each.constant
    }
    assert found.pop(("IDENTIFICATION", "value")) == 0x4341524F
    assert found.pop(("VERSION", "value")) == 1
    form, out = qnet.formats.input, qnet.out_format
    assert found == {
        ("SHAPE", "inputs"): 3,
        ("SHAPE", "outputs"): 7,
        ("NETWORK", "cells"): 9,
        ("NETWORK", "layers"): 2,
        ("LANES", "lanes"): plan.lanes,
        ("CYCLES_PER_STEP", "value"): plan.cycles_per_step,
        ("INPUT_FORMAT", "width"): form.width,
        ("INPUT_FORMAT", "fraction_bits"): form.frac,
        ("INPUT_FORMAT", "signed"): 1,
        ("INPUT_FORMAT", "own_fractions"): 1,
        ("OUTPUT_FORMAT", "width"): out.width,
        ("OUTPUT_FORMAT", "fraction_bits"): out.frac,
        ("OUTPUT_FORMAT", "signed"): 1,
        ("STATE_WORDS", "words"): 18,
    }


TWO = (
    Register(
        "PARTS",
        0x04,
        "ro",
        "What it has.",
        (Field("low", 0, 3, 5, "Three bits."), Field("high", 8, 8, -2, "Signed.", signed=True)),
        constant=True,
    ),
    Register("ALL", 0x1C, "wo", "All of it.", (Field("value", 0, 32, None, "A word."),)),
)


def test_a_map_is_written_in_both_forms():
    """A row of the table a register and a field; the same in JSON; a word from its fields."""
    assert to_markdown("x", TWO).splitlines()[-4:] == [
        "| `0x04` | `PARTS` | ro | | | | What it has. |",
        "| | | | 2:0 | low | 5 | Three bits. |",
        "| | | | 15:8 | high | -2 | Signed. |",
        "| `0x1C` | `ALL` | wo | 31:0 | value | unknown | A word. |",
    ]
    data = json.loads(json.dumps(to_json("x", TWO)))
    assert (data["name"], data["data_width"], data["address_width"]) == ("x", 32, 8)
    parts, whole = data["registers"]
    assert (parts["name"], parts["offset"], parts["access"]) == ("PARTS", 4, "ro")
    assert parts["fields"][1] == {
        "name": "high",
        "lsb": 8,
        "width": 8,
        "reset": -2,
        "description": "Signed.",
        "signed": True,
    }
    assert parts["constant"] and not whole["constant"] and whole["fields"][0]["reset"] is None
    assert TWO[0].reset == 5 | 0xFE << 8 and TWO[1].reset == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"offset": 0x06},
        {"access": "wr"},
        {"fields": (Field("a", 0, 4, 0, ""), Field("b", 3, 1, 0, ""))},
        {"fields": (Field("a", 30, 4, 0, ""),)},
    ],
)
def test_a_register_that_cannot_be_is_noticed(wrong):
    """An unaligned offset, an unknown access, fields over each other or past the register's end."""
    with pytest.raises(AssertionError):
        replace(TWO[0], **wrong)


def test_elements_with_fraction_bits_of_their_own_are_said():
    """In a bit of INPUT_FORMAT, in the JSON, in the Verilog's header."""
    qnet = network()
    plain, own = (
        replace(qnet, formats=replace(qnet.formats, inputs=inputs)) for inputs in ((), (5, -3, 12))
    )
    for plan, wanted in ((planned(plain), None), (planned(own), (5, -3, 12))):
        (register,) = (each for each in registers(plan) if each.name == "INPUT_FORMAT")
        bits = {field.name: (field.lsb, field.reset) for field in register.fields}
        assert bits.get("own_fractions") == (wanted and (17, 1))
        assert plan.as_dict()["input"].get("fraction_bits") == wanted
        assert ("from element 0 on: 5 -3 12" in header(describe(plan), "")) == bool(wanted)
