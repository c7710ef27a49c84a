"""The board's end of the line: what is right gets through, what is not changes nothing."""

from dataclasses import replace

import numpy as np
import pytest

from golden.network import Network
from rtl.boards.host import Host
from rtl.boards.link import LinkedCore
from rtl.boards.protocol import (
    ESCAPE,
    FIRST,
    FLAG,
    LAST,
    Answer,
    Ask,
    Deframer,
    Fault,
    Identity,
    LinkError,
    Reply,
    pack,
    request,
    unpack,
    wrap,
)
from tests.rtl.boards.boards import Damage, StandIn, Sums, network
from tests.rtl.boards.line import Line
from tests.rtl.support import any_codes, layer, planned, quantized

CLOCKS = 4  # of a bit: a line without errors needs no more, and time costs
QNET = network()
VECTORS = np.random.default_rng(2).integers(-2048, 2048, (12, QNET.inputs))


class Bench:
    """A linked stand-in, and frames to and from it."""

    def __init__(
        self, memory_bytes: int = 64, wait: int = 0, opened: bool = True, patience: int = 300
    ):
        self.dut = LinkedCore(StandIn(QNET, wait), CLOCKS, memory_bytes)
        self.line, self.deframer = Line(self.dut, CLOCKS, patience=patience), Deframer()
        if opened:
            (self.identity,) = self.ask(request(Ask.HELLO, 77, 0))

    def ask(self, *frames: bytes) -> list[Reply]:
        """Answers to frames, up to a silence."""
        self.line.write(b"".join(frames))
        self.line.run(10 * CLOCKS * sum(map(len, frames)))
        found = []
        while data := self.line.read(1000):
            contents = self.deframer.feed(data)
            found += [reply for reply in map(Reply.parse, contents) if reply is not None]
        return found

    def outputs(self, replies: list[Reply]) -> list[tuple[int, list[int]]]:
        """Numbers and codes of the outputs among answers."""
        form = QNET.out_format
        return [
            (reply.number, unpack(reply.payload, form).tolist())
            for reply in replies
            if reply.kind == Answer.OUTPUT
        ]


@pytest.fixture(scope="module")
def shared() -> Bench:
    """One that many sessions go through."""
    return Bench()


def vector(k: int, wanted: int = 0, marks: int | None = None, number: int | None = None) -> bytes:
    """The frame of vector k; the first one begins the sequence."""
    marks = FIRST * (k == 0) if marks is None else marks
    packed = pack(VECTORS[k], QNET.formats.input)
    return request(Ask.VECTOR, k if number is None else number, wanted, packed, marks)


def expected(count: int) -> list[tuple[int, list[int]]]:
    """Numbers and codes of the outputs of the first vectors."""
    sums = Sums(QNET)
    return [(k, sums.step(list(map(int, VECTORS[k])), k == 0)) for k in range(count)]


def faults(replies: list[Reply]) -> Fault:
    found = Fault(0)
    for reply in replies:
        found |= reply.faults
    return found


def test_hello_is_answered_with_what_the_board_is():
    bench = Bench()
    assert (bench.identity.kind, bench.identity.number) == (Answer.IDENTITY, 77)
    have = Identity.unpack(bench.identity.payload)
    forms = (QNET.formats.input, QNET.out_format)
    assert (have.inputs, have.outputs, have.input, have.output) == (2, 2, *forms)
    assert (have.vectors, have.results) == (8, 8)  # 64 bytes in slots of 8
    assert have.digest.hex() == QNET.digest()


def test_vectors_lead_to_outputs_in_order_with_their_marks():
    bench = Bench()
    replies = bench.ask(*(vector(k, marks=FIRST * (k == 0) | LAST * (k == 4)) for k in range(5)))
    assert bench.outputs(replies) == expected(5)
    marks = [reply.marks for reply in replies if reply.kind == Answer.OUTPUT]
    assert marks == [FIRST, 0, 0, 0, LAST]
    assert (replies[-1].expected, replies[-1].taken, faults(replies)) == (5, 5, Fault(0))


def test_flags_and_escapes_pass_as_data():
    """Codes, sums of codes and numbers that have 7D and 7E in them, both ways."""
    bench, codes = Bench(), [(0, 0x7E), (0, 0x7D), (0x7D, 0x7E), (0x27D, 0x57E)]
    frames = [
        request(Ask.VECTOR, k, 0, pack(np.array(pair), QNET.formats.input), FIRST)
        for k, pair in enumerate(codes)
    ]
    assert sum(frame.count(0x7D) for frame in frames) >= 6
    sums = Sums(QNET)
    want = [(k, sums.step(list(pair), True)) for k, pair in enumerate(codes)]
    assert bench.outputs(bench.ask(*frames)) == want
    assert [code for _, pair in want for code in pair][:4] == [0x7E, 0x7F, 0x7D, 0x7E]


def _flip(frame: bytes) -> bytes:
    return frame[:5] + bytes([frame[5] ^ 0x10]) + frame[6:]


@pytest.mark.parametrize(
    ("harmed", "fault"),
    [
        (_flip(vector(1)), Fault.CRC),
        (vector(1)[:5] + vector(1)[6:], Fault.CRC),
        (vector(1)[:5] + b"\x00" + vector(1)[5:], Fault.CRC),
        (vector(1)[:-4] + bytes([FLAG]), Fault.CRC),
        (vector(1)[:-1] + bytes([ESCAPE, FLAG]), Fault.CRC),
        (wrap(bytes([Ask.VECTOR, 1, 0, 1, 2, 3])), Fault.LENGTH),
        (wrap(bytes([Ask.VECTOR, 1, 0, 1, 2, 3, 4, 5])), Fault.LENGTH),
        (wrap(bytes([Ask.VECTOR, 1, 0, *range(40)])), Fault.LENGTH),
        (wrap(bytes([Ask.HELLO, 1, 0, 0])), Fault.LENGTH),
        (wrap(b"\x01"), Fault.LENGTH),
        (vector(1, number=2), Fault.ORDER),
        (vector(0), Fault.ORDER),
    ],
)
def test_a_frame_that_is_not_right_is_named_and_changes_nothing(shared, harmed, fault):
    """The board says what was wrong and goes on as if it had not come, escapes and all."""
    replies = shared.ask(request(Ask.HELLO, 77, 0), vector(0))
    assert shared.outputs(replies) == expected(1)
    replies = shared.ask(harmed)
    assert faults(replies) == fault
    assert shared.outputs(replies) == []
    assert {reply.expected for reply in replies} == {1}
    replies = shared.ask(vector(1), vector(2))
    assert shared.outputs(replies) == expected(3)[1:]
    assert faults(replies) == Fault(0)


def test_a_frame_is_found_behind_noise_and_a_frame_cut_short():
    """Bytes of no frame, half a frame: the next flag is where the board finds its place."""
    bench = Bench()
    noise = bytes([1, 2, 0x7D, 0x7E, 0x7E, 0x55, 0x7D])
    replies = bench.ask(noise, vector(0)[:6], vector(0))
    assert bench.outputs(replies) == expected(1)
    assert faults(replies) == Fault.CRC


def test_without_a_session_no_vector_is_taken():
    bench = Bench(opened=False)
    replies = bench.ask(vector(0))
    assert [reply.kind for reply in replies] == [Answer.CLOSED]
    assert faults(replies) == Fault.ORDER


def test_a_new_session_begins_with_nothing_of_the_old_one():
    """HELLO while outputs wait, the core is in a sequence and the board in a frame, wherever it is
    in that: numbers and sums start anew."""
    bench = Bench()
    for session in range(3):
        bench.ask(vector(0), vector(1))
        bench.line.write(vector(2) + vector(3))
        bench.line.wave([1], 1 + 40 * session)
        replies = bench.ask(request(Ask.HELLO, session, 0))
        assert (replies[-1].kind, replies[-1].number) == (Answer.IDENTITY, session)
    assert bench.outputs(bench.ask(vector(0), vector(1))) == expected(2)


def test_more_vectors_than_slots_are_refused_and_none_is_lost():
    """With a core that is slower than the line, 12 vectors at once overrun 2 slots; those refused
    can be sent again, and all outputs come."""
    bench = Bench(memory_bytes=1, wait=1500, patience=2500)
    assert Identity.unpack(bench.identity.payload).vectors == 2
    replies = bench.ask(*(vector(k) for k in range(6)))
    assert Fault.OVERRUN in faults(replies)
    until = replies[-1].expected
    assert 2 <= until < 6
    assert bench.outputs(replies) == expected(2)  # of 2 slots, until it is said that they came
    found = bench.outputs(bench.ask(request(Ask.ACK, 0, 2)))
    for k in range(until, 6):
        found += bench.outputs(bench.ask(vector(k, wanted=k)))
    assert expected(2) + found == expected(6)


def test_outputs_are_kept_until_it_is_said_that_they_came():
    """Asked for again they are the same ones; what the host has is not sent again."""
    bench = Bench()
    bench.ask(*(vector(k) for k in range(6)))
    assert bench.outputs(bench.ask(request(Ask.RESEND, 0, 0))) == expected(6)
    assert bench.outputs(bench.ask(request(Ask.RESEND, 0, 4))) == expected(6)[4:]
    assert bench.outputs(bench.ask(request(Ask.RESEND, 0, 6))) == []


def test_a_core_that_holds_sequences():
    """With a reverse layer: outputs come when a sequence is in, and the board says how long one may
    be; a session that ends in the middle of one leaves nothing behind."""
    rng = np.random.default_rng(3)
    net = Network((replace(layer(rng, 1, 1), reverse=True),), (), "turned")
    qnet = quantized(net, rng, 8)
    line = Line(LinkedCore(planned(qnet, max_length=3), CLOCKS, 64), CLOCKS, patience=2000)
    codes = any_codes(rng, qnet, 2, 3)
    line.write(request(Ask.HELLO, 1, 0) + request(Ask.VECTOR, 0, 0, b"\x55", FIRST))
    board = Host(line, 2)
    assert np.array_equal(board.run(qnet, codes), qnet.run(codes).out)
    with pytest.raises(LinkError, match="holds sequences of 3 steps, the input has 4"):
        board.run(qnet, any_codes(rng, qnet, 1, 4))


@pytest.mark.soak
def test_numbers_go_round():
    """260 vectors: numbers pass 255 and begin again, and nothing else does."""
    qnet = network(1, 1, 8)
    line = Line(LinkedCore(StandIn(qnet), CLOCKS, 64), CLOCKS, patience=1000)
    codes = np.random.default_rng(3).integers(-128, 128, (1, 260, 1))
    board = Host(line, 9)
    assert np.array_equal(board.run(qnet, codes), Sums(qnet).run(codes))
    assert (board.faults, board.broken) == (0, 0)


SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 12))]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bad_line_costs_time_and_no_code(seed):
    """One byte in 60 each way flipped, dropped or invented, bits 1 % off and shaking: all outputs
    come, and rightly."""
    harm = Damage(1 / 60, seed), Damage(1 / 60, seed + 10)
    dut = LinkedCore(StandIn(QNET), 8, 64)
    line = Line(dut, 8, 0.01, 0.03, seed, harm, 1500)
    codes = np.random.default_rng(seed).integers(-2048, 2048, (2, 7, QNET.inputs))
    assert np.array_equal(Host(line, 3).run(QNET, codes), Sums(QNET).run(codes))
    assert min(each.harmed for each in harm) > 1
