"""Memories and multipliers, counted from the network alone, are those that the gateware has."""

import pytest
from amaranth.back import rtlil

from fixedpoint.resources import memories, tail_multipliers
from rtl import allowed_lanes
from rtl.program.words import knot_word, knot_words
from tests.carousel.nets import FORWARD
from tests.fixedpoint.search.test_cost import MIXED, SMALL, quantized
from tests.rtl.support import make_core, planned

OPTIONS = ({}, {"streams": 3}, {"nonzeros": 2}, {"load_port": True})


@pytest.mark.parametrize("widths", [MIXED, SMALL])
@pytest.mark.parametrize("name", FORWARD)
def test_there_is_a_word_for_every_weight(name, widths):
    """On the fewest lanes, no word is left empty where any weight may be loaded; peepholes need
    several, and these a word where a row is missing. Weights of 0 that no other ones can replace
    need none."""
    qnet, found = quantized(name, widths), memories(quantized(name, widths))["weights"]
    lanes = allowed_lanes(qnet)[0]
    every = planned(qnet, lanes, load_port=True).memories["weights"]
    assert found < every if name == "peepholes" else found == every
    assert planned(qnet, lanes).memories["weights"] <= every


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", FORWARD)
def test_memories_have_room_for_what_lies_in_them(name, options):
    """To the bit, whatever the core's options."""
    qnet = quantized(name, MIXED)
    program = planned(qnet, **options).parts[0].program
    schedule, paths, states, outputs = (
        program.schedule,
        program.paths,
        program.states,
        program.outputs,
    )
    element = qnet.formats.input.width + program.index_width
    wanted = {
        "weights": schedule.lanes * schedule.weight_words * paths.weight,
        "sigma": len(knot_words(qnet.table)) * knot_word(qnet.table).bits,
        "input": 2 * schedule.streams * schedule.elements * element,
        "outputs": 2 * len(outputs) * paths.y,
        "gates": 2 * len(program.gates) * paths.gate,
        "states": len(states) * paths.s,
        "initial state": len(program.initial(states)) * paths.s
        + len(program.initial(outputs)) * paths.y,
    }
    found = dict(program.memories)
    assert found.pop("program") > 0
    assert found == {kind: bits for kind, bits in wanted.items() if bits}


@pytest.mark.parametrize("streams", [1, 2])
@pytest.mark.parametrize("name", FORWARD)
def test_the_multipliers_are_those_of_the_gateware(name, streams):
    """Counted in the netlist, where rows and states may take turns at sigma, or come at once."""
    qnet = quantized(name, MIXED)
    core = make_core(qnet, streams=streams)
    made = rtlil.convert(core, name="core").count("cell $mul ")
    assert made == core.schedule.lanes + core.program.tail_multipliers
    if core.schedule.tail == 1:
        shared = core.schedule.one_sigma
        assert len(tail_multipliers(qnet)) == core.program.tail_multipliers + shared
