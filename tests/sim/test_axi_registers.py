"""The register map of a core in AXI: what was written is what the hardware answers."""

import numpy as np
import pytest

from golden.cell import LayerState
from rtl.program.loading import image
from rtl.program.program import Program
from sim.state import to_words
from tests.rtl.support import planned
from tests.sim.axi_play import (
    DECERR,
    OKAY,
    SLVERR,
    Wrapped,
    another,
    network,
    received,
    sent,
    word,
    written,
)
from tests.sim.cases import any_codes

QUIET = 400  # clocks; no step takes as long
IDLE = 1


@pytest.fixture(scope="module")
def wrapped(build_dir, tmp_path_factory) -> Wrapped:
    return written(network(12), tmp_path_factory.mktemp("axi"), build_dir, lanes=4, load_port=True)


def reset_word(register: dict) -> int:
    """What a register reads after a reset, by its fields."""
    found = 0
    for field in register["fields"]:
        found |= (field["reset"] & ((1 << field["width"]) - 1)) << field["lsb"]
    return found


def test_every_register_answers_as_the_map_says(wrapped):
    """Every address of the map: after a reset it reads the reset values. What is read only refuses
    writes and keeps its value, what is read and written keeps what is written, what is write only
    refuses reads, and where there is no register both are decode errors."""
    table = {each["offset"]: each for each in wrapped.table["registers"]}
    offsets = range(0, 1 << wrapped.table["address_width"], 4)
    assert len(offsets) > len(table) > 20
    given = {at: 1 if each["access"] == "rw" else -1 for at, each in table.items()}
    script = [[["write", at, *word(given.get(at, -1))], ["read", at]] for at in offsets]
    accesses = [access for pair in script for access in pair]
    answers = wrapped.play(*[["read", at] for at in offsets], ["reset"], *accesses)
    first, second = answers[: len(offsets)], answers[len(offsets) :]
    for k, offset in enumerate(offsets):
        response, after = second[2 * k], second[2 * k + 1]
        if offset not in table:
            assert (first[k], response, after) == ([DECERR, 0], DECERR, [DECERR, 0])
            continue
        register = table[offset]
        name = register["name"]
        assert response == (OKAY if "w" in register["access"] else SLVERR), name
        if "r" not in register["access"]:
            assert first[k] == after == [SLVERR, 0], name
        elif name != "STATE_DATA":
            assert first[k] == [OKAY, reset_word(register)], name
            assert after == (first[k] if register["access"] == "ro" else [OKAY, 1]), name


def test_states_are_written_and_read(wrapped):
    """After a reset a state is written, word by word; the sequence that follows goes on from it,
    and the state after that is read. The next sequence starts anew, as does one before which
    `clear` has taken a written state back. The address goes on by itself, and ends."""
    qnet, at = wrapped.qnet, wrapped.at
    rng = np.random.default_rng(3)
    codes = any_codes(rng, qnet, 3, 6)
    state = qnet.run(any_codes(rng, qnet, 9)).state
    words = to_words(qnet, planned(qnet, state_port=True).state_words, state).tolist()
    write = [["write", at("STATE_DATA"), *word(each)] for each in words]
    begin = ["write", at("STATE_ADDRESS"), *word(0)]
    sequence = [[operation, ["packets", QUIET]] for operation in sent(qnet, codes)]
    answers = wrapped.play(
        begin,
        *write,
        *sequence[0],
        begin,
        *[["read", at("STATE_DATA")]] * 5,
        ["read", at("STATE_ADDRESS")],
        *sequence[1],
        begin,
        *write,
        ["write", at("CONTROL"), *word(3)],
        *sequence[2],
    )
    assert answers[:5] == [OKAY] * 5
    first = qnet.run(codes[0], state)
    assert received(qnet, answers[5]) == [first.out.reshape(-1).tolist()]
    assert first.out.tolist() != qnet.run(codes[0]).out.tolist()
    after = to_words(qnet, planned(qnet, state_port=True).state_words, first.state).tolist()
    assert answers[7:11] == [[OKAY, each & 0xFFFF_FFFF] for each in after]
    assert min(after) < 0 and answers[11:13] == [[SLVERR, 0], [OKAY, 4]]
    for packets, given in ((answers[13], codes[1]), (answers[-1], codes[2])):
        assert received(qnet, packets) == [qnet.run(given).out.reshape(-1).tolist()]


def test_the_first_access_that_is_allowed_is_right(wrapped):
    """Asked for without a pause while the core comes to rest, in whatever clock that is."""
    qnet, at = wrapped.qnet, wrapped.at
    codes = any_codes(np.random.default_rng(6), qnet, 16, 1)
    script = []
    for clocks, packet in enumerate(sent(qnet, codes)):
        begin = ["write", at("STATE_ADDRESS"), *word(clocks % 2)]
        script += [begin, packet, ["wait", clocks + 10], ["ask", at("STATE_DATA")]]
    found = wrapped.play(*script, ["seen"])
    states = [int(qnet.run(each).state[0].s[k % 2]) for k, each in enumerate(codes)]
    assert found[1:-1:2] == [[OKAY, state & 0xFFFF_FFFF] for state in states]
    assert found[-1]["beats"]["s_axil_ar"] > 3 * len(codes)


def test_states_are_left_alone_while_a_step_waits(wrapped):
    """Nobody takes outputs, so that the core is never idle: reads and writes of the state are
    refused, its address stays, no code changes. Idle again, the same access is allowed; a write
    that lacks a byte is not."""
    qnet, at = wrapped.qnet, wrapped.at
    codes = any_codes(np.random.default_rng(4), qnet, 12)
    accesses = [["read", at("STATE_DATA")], ["write", at("STATE_DATA"), *word(77)]]
    place = ["read", at("STATE_ADDRESS")]
    busy, *refused, stayed, packets, idle, allowed, lacking, moved, kept = wrapped.play(
        ["hold", "m_axis"],
        *sent(qnet, [codes]),
        ["rest", QUIET],
        ["read", at("STATUS")],
        *accesses,
        place,
        ["hold"],
        ["packets", QUIET],
        ["read", at("STATUS")],
        accesses[0],
        ["write", at("STATE_DATA"), 7, 7, 7],
        place,
        accesses[0],
    )
    trace = qnet.run(codes)
    assert busy[1] & IDLE == 0 and idle[1] & IDLE
    assert (refused, stayed) == ([[SLVERR, 0], SLVERR], [OKAY, 0])
    assert received(qnet, packets) == [trace.out.reshape(-1).tolist()]
    s: LayerState = trace.state[0]
    assert allowed == [OKAY, int(s.s[0]) & 0xFFFF_FFFF]
    assert (lacking, moved) == (SLVERR, [OKAY, 1])
    assert kept == [OKAY, int(s.s[1]) & 0xFFFF_FFFF]


def test_another_network_is_loaded(wrapped):
    """Word by word through the registers, at the addresses of its load file: the same packet is
    then answered as the integer model of that network does, and before as that of the first."""
    qnet, at = wrapped.qnet, wrapped.at
    other = another(qnet)
    (part,) = planned(qnet, 4, load_port=True).parts
    given = any_codes(np.random.default_rng(3), qnet, 6)
    loads, high = [], any(each["name"] == "LOAD_DATA_HIGH" for each in wrapped.table["registers"])
    for address, value in image(Program(other, part.schedule, True)):
        loads.append(["write", at("LOAD_ADDRESS"), *word(address)])
        if high:
            loads.append(["write", at("LOAD_DATA_HIGH"), *word(value >> 32)])
        loads.append(["write", at("LOAD_DATA"), *word(value)])
    before, *responses, after = wrapped.play(
        *sent(qnet, [given]),
        ["packets", QUIET],
        *loads,
        *sent(qnet, [given]),
        ["packets", QUIET],
    )
    assert len(responses) == len(loads) and set(responses) == {OKAY}
    assert received(qnet, before) == [qnet.run(given).out.reshape(-1).tolist()]
    assert received(qnet, after) == [other.run(given).out.reshape(-1).tolist()]
    assert before != after
