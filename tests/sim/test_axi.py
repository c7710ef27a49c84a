"""Cores in AXI, driven by an independent model of both buses: packets, framing, pauses, faults."""

from itertools import islice

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from rtl import CoreOptions, plan
from tests.sim.axi_play import (
    OKAY,
    Wrapped,
    network,
    received,
    sent,
    word,
    written,
)
from tests.sim.cases import any_codes

QUIET = 400  # clocks; no step takes as long
ENABLE, CLEAR = 1, 2
THREE = (5, 1, 7)  # steps


@pytest.fixture(scope="module")
def wrapped(build_dir, tmp_path_factory) -> Wrapped:
    """A core of 12 bits, so that each element has bits that its bytes do not need."""
    return written(network(12), tmp_path_factory.mktemp("axi"), build_dir, lanes=4, load_port=True)


def sequences(qnet: QuantizedNetwork, *lengths: int) -> list[np.ndarray]:
    """Input codes (T, D) from the whole range."""
    rng = np.random.default_rng(sum(lengths))
    return [any_codes(rng, qnet, length) for length in lengths]


def wanted(qnet: QuantizedNetwork, *given: np.ndarray) -> list[list[int]]:
    """What the integer model answers to each sequence, an output code after the other."""
    return [qnet.run(each).out.reshape(-1).tolist() for each in given]


PACES = [(idle, back_pressure) for idle in (0.0, 0.6) for back_pressure in (0.0, 0.6)]


@pytest.fixture(scope="module")
def crossed(wrapped) -> dict[tuple[float, float], list]:
    """For each pace what came of three sequences and of registers that were read and written
    meanwhile, what was seen of the channels, and the counters of saturations."""
    accesses = [["read", wrapped.at("STATUS")], ["write", wrapped.at("CONTROL"), *word(ENABLE)]]
    script = [
        [
            ["reset"],
            ["pace", *pace, 7],
            *sent(wrapped.qnet, sequences(wrapped.qnet, *THREE), junk=-1),
            ["start", *accesses * 10],
            ["finish"],
            ["packets", QUIET],
            ["seen"],
            ["pace", 0, 0, 0],
            *[["read", wrapped.at(name)] for name in ("STEPS", "CYCLES", "CYCLES_PER_STEP")],
            *[["read", wrapped.at(kind)] for kind in saturations(wrapped)],
        ]
        for pace in PACES
    ]
    answers = iter(wrapped.play(*[operation for part in script for operation in part]))
    each = 6 + len(saturations(wrapped))
    return {pace: list(islice(answers, each)) for pace in PACES}


def saturations(wrapped: Wrapped) -> list[str]:
    names = [each["name"] for each in wrapped.table["registers"]]
    return [name for name in names if name.startswith("SATURATED_")]


@pytest.mark.parametrize("pace", PACES)
def test_sequences_are_packets(wrapped, crossed, pace):
    """Every code, every end of a sequence and every counter of saturations is the integer model's,
    with pauses on all channels and without, while registers are read and written; steps take the
    schedule's clocks. Bits above the input's codes are not looked at; those above the output's are
    the sign. No channel breaks the rules of valid and ready, and with pauses there was occasion to
    on each."""
    qnet, given = wrapped.qnet, sequences(wrapped.qnet, *THREE)
    during, packets, seen, steps, cycles, of_a_step, *counts = crossed[pace]
    assert received(qnet, packets) == wanted(qnet, *given)
    assert seen["broken"] == []
    assert [answer if isinstance(answer, int) else answer[0] for answer in during] == 20 * [OKAY]
    if pace[1]:
        assert all(seen["waits"].values()), seen["waits"]
    planned = plan(qnet, CoreOptions(4)).cycles_per_step
    assert steps == [OKAY, sum(THREE)] and of_a_step == [OKAY, planned]
    assert cycles == [OKAY, steps[1] * of_a_step[1]]
    totals = dict.fromkeys(saturations(wrapped), 0)
    for each in given:
        for name, count in qnet.run(each).saturations.items():
            totals[f"SATURATED_{name.rpartition('.')[2].upper()}"] += count
    assert counts == [[OKAY, total] for total in totals.values()] and any(totals.values())


def test_a_vector_that_is_cut_short_is_filled_up(wrapped):
    """A packet ends inside a vector: the missing elements count as 0, its sequence ends all the
    same, the next packet begins one, and the error is counted. So it is for a packet that is
    shorter than a vector."""
    qnet, at = wrapped.qnet, wrapped.at
    given = [each.reshape(-1) for each in sequences(qnet, 4, 3, 2)]
    cut = [given[0][:-1], given[1], given[2][:1]]
    filled = [np.pad(each, (0, -len(each) % 3)).reshape(-1, 3) for each in cut]
    clean, packets, *found = wrapped.play(
        ["read", at("STATUS")],
        *sent(qnet, cut),
        ["packets", QUIET],
        *[["read", at(name)] for name in ("STATUS", "FRAMING_ERRORS")],
    )
    assert received(qnet, packets) == wanted(qnet, *filled)
    assert clean[1] & 2 == 0 and found[0][1] & 2 and found[1] == [OKAY, 2]


def test_nothing_is_taken_while_the_core_is_not_enabled(wrapped):
    """No element passes until it is enabled; then all do. Strobes of other bytes enable nothing."""
    qnet, at = wrapped.qnet, wrapped.at
    given = sequences(qnet, 4)
    *responses, before, control, _, packets = wrapped.play(
        ["write", at("CONTROL"), *word(0)],
        *sent(qnet, given),
        ["write", at("CONTROL") + 1, ENABLE, ENABLE, ENABLE],
        ["wait", QUIET],
        ["seen"],
        ["read", at("CONTROL")],
        ["write", at("CONTROL"), ENABLE],
        ["packets", QUIET],
    )
    assert responses == [OKAY, OKAY] and control == [OKAY, 0]
    assert before["beats"]["s_axis_t"] == 0 < before["waits"]["s_axis_t"]
    assert received(qnet, packets) == wanted(qnet, *given)


@pytest.mark.parametrize("inside", [False, True])
def test_clear_begins_a_sequence(wrapped, inside):
    """In the middle of a packet, before a vector or inside one, which is then filled with 0: what
    comes next starts anew, and the packet goes on. Nobody takes outputs at first, so that the input
    stands still where it is cleared."""
    qnet, at = wrapped.qnet, wrapped.at
    codes = sequences(qnet, 16)[0].reshape(-1)[: 48 - 2 * inside]
    stand = [["write", at("CONTROL"), *word(0)], ["hold"], ["rest", QUIET]]
    *responses, seen, _, packets, control = wrapped.play(
        ["hold", "m_axis"],
        *sent(qnet, [codes]),
        ["rest", QUIET],
        *([] if inside else stand),
        ["seen"],
        ["write", at("CONTROL"), *word(ENABLE | CLEAR)],
        ["hold"],
        ["packets", QUIET],
        ["read", at("CONTROL")],
    )
    taken = seen["beats"]["s_axis_t"]
    assert taken % 3 == int(inside) and 0 < taken < len(codes)
    parts = [np.pad(part, (0, -len(part) % 3)) for part in (codes[:taken], codes[taken:])]
    outputs = wanted(qnet, *(part.reshape(-1, 3) for part in parts))
    assert received(qnet, packets) == [outputs[0] + outputs[1]]
    assert control == [OKAY, ENABLE] and all(answer == OKAY for answer in responses)


def test_a_reset_forgets_everything(wrapped):
    """In the middle of a packet and of a vector, not enabled, with a framing error counted and
    outputs waiting: the registers are as at first, and the next packet is the first of all."""
    qnet, at = wrapped.qnet, wrapped.at
    cut, whole, given = sequences(qnet, 1, 16, 3)
    before, errors, _, *registers, packets, seen = wrapped.play(
        ["hold", "m_axis"],
        *sent(qnet, [cut.reshape(-1)[:1], whole]),
        ["rest", QUIET],
        ["seen"],
        ["read", at("FRAMING_ERRORS")],
        ["write", at("CONTROL"), *word(0)],
        ["reset"],
        ["hold"],
        *[["read", at(name)] for name in ("FRAMING_ERRORS", "STATUS", "CONTROL")],
        *sent(qnet, [given]),
        ["packets", QUIET],
        ["seen"],
    )
    assert before["waits"]["m_axis_t"] and errors == [OKAY, 1]
    assert registers == [[OKAY, 0], [OKAY, 1], [OKAY, ENABLE]]
    assert received(qnet, packets) == wanted(qnet, given) and seen["broken"] == []


def test_channels_wait_for_no_other(wrapped):
    """Address before data and data before address; an output, a write's response and a read's data
    are offered though nobody is ready; reads go on while a write's response waits."""
    at = wrapped.at
    write, read = ["write", at("STATE_ADDRESS"), *word(1)], ["read", at("SHAPE")]
    held = {"m_axis": [], "aw": [write], "w": [write], "b": [write, read, read], "r": [read]}
    script = sent(wrapped.qnet, sequences(wrapped.qnet, 1))
    for name, accesses in held.items():
        script += [["hold", name], ["start", *accesses], ["wait", QUIET], ["seen"]]
        script += [["hold"], ["finish"]]
    answers = wrapped.play(*script)
    m_axis, aw, w, b, r = answers[::2]
    assert [aw["beats"][f"s_axil_{name}"] for name in ("aw", "w", "b")] == [0, 1, 0]
    assert [w["beats"][f"s_axil_{name}"] for name in ("aw", "w", "b")] == [2, 1, 1]
    assert b["waits"]["s_axil_b"] > QUIET // 2 and b["beats"]["s_axil_r"] == 2
    assert r["waits"]["s_axil_r"] > QUIET // 2
    assert m_axis["waits"]["m_axis_t"] > QUIET // 2 and r["broken"] == []
    shape = [OKAY, 3 | 2 << 16]
    assert answers[1::2] == [[], [OKAY], [OKAY], [OKAY, shape, shape], [shape]]


def test_cores_that_hold_sequences(build_dir, tmp_path):
    """A reverse layer and one output a sequence, in 7 bits. Of a sequence that is too long the
    first steps count, and the status says so; a sequence cut short is filled up. There is neither
    state nor `clear`."""
    qnet = network(7, reverse=True, output="last")
    wrapped = written(qnet, tmp_path, build_dir, lanes=4, max_length=4)
    at, given = wrapped.at, sequences(qnet, 4, 3, 6, 2)
    given[1] = given[1].reshape(-1)[:-1]
    before, packets, after, responses, control, seen = wrapped.play(
        ["read", at("STATUS")],
        ["pace", 0.3, 0.3, 1],
        *sent(qnet, given),
        ["packets", 4 * QUIET],
        ["read", at("STATUS")],
        ["write", at("CONTROL"), *word(ENABLE | CLEAR)],
        ["read", at("CONTROL")],
        ["seen"],
    )
    filled = np.pad(given[1], (0, 1)).reshape(-1, 3)
    assert received(qnet, packets) == wanted(qnet, given[0], filled, given[2][:4], given[3])
    assert before == [OKAY, 0] and after[1] & 0b1010 == 0b1010
    assert (responses, control, seen["broken"]) == (OKAY, [OKAY, ENABLE], [])
    names = [each["name"] for each in wrapped.table["registers"]]
    assert not [name for name in names if "STATE" in name]
    fields = {each["name"]: each["fields"] for each in wrapped.table["registers"]}
    assert [field["name"] for field in fields["CONTROL"]] == ["enable"]
