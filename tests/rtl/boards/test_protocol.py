"""The protocol and the host's end of it: nothing wrong is taken, everything right comes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fixedpoint.formats import Format
from rtl.boards.host import Host, check
from rtl.boards.protocol import (
    FIRST,
    Answer,
    Ask,
    Deframer,
    Fault,
    Identity,
    LinkError,
    Reply,
    pack,
    unpack,
    wrap,
)
from rtl.boards.transfer import Transfer
from tests.rtl.boards.boards import Damage, network
from tests.rtl.boards.model_board import SLOTS, ModelBoard, framed
from tests.rtl.support import any_codes, quantized, stack

QNET = network()
IDENTITY = Identity.of(QNET, 0, SLOTS, SLOTS)
CODES = any_codes(np.random.default_rng(4), QNET, 3, 25)


def board(qnet=QNET, identity=IDENTITY, **options) -> ModelBoard:
    return ModelBoard(qnet, identity.pack(), **options)


@given(st.binary(max_size=40))
def test_frames_are_those_of_a_bitwise_crc(content):
    assert wrap(content) == framed(content)
    assert Deframer().feed(wrap(content)) == [content]


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6), st.randoms())
def test_pieces_of_any_size_give_the_same_frames(contents, random):
    line, deframer, found = b"".join(map(wrap, contents)), Deframer(), []
    while line:
        cut = random.randint(1, 7)
        found += deframer.feed(line[:cut])
        line = line[cut:]
    assert found == contents


@settings(max_examples=300)
@given(st.binary(min_size=1, max_size=20), st.data())
def test_up_to_three_harmed_bits_give_no_frame(content, data):
    """The CRC's distance is 4 up to 32,751 bits. (Where a flip makes or breaks a flag or an escape
    the frame is another one altogether, right once in 65,536 times: not looked at here.)"""
    frame = bytearray(wrap(content))
    special = [byte in (0x7D, 0x7E) for byte in frame]
    bits = st.integers(8, 8 * len(frame) - 9)
    for bit in data.draw(st.sets(bits, min_size=1, max_size=3)):
        frame[bit // 8] ^= 1 << bit % 8
    assume([byte in (0x7D, 0x7E) for byte in frame] == special)
    assert Deframer().feed(bytes(frame)) == []


def test_after_noise_the_next_frame_is_found():
    """Noise of 20,000 random bytes, flags among them, with a right frame after each hundred: no
    other content comes out, and all of these but those that noise runs into."""
    rng, deframer, found, sent = np.random.default_rng(6), Deframer(), [], []
    for k in range(200):
        sent.append(b"frame %d" % k)
        noise = rng.integers(0, 256, 100, dtype=np.uint8).tobytes()
        found += deframer.feed(noise + wrap(sent[-1]))
    assert found == sent
    assert deframer.broken >= 200


@pytest.mark.parametrize("form", [Format(5, 2), Format(12, 3), Format(16, 8, False), Format(32, 9)])
def test_codes_come_back(form):
    codes = np.array([form.low, form.high, 0, 1, form.high // 3])
    assert unpack(pack(codes, form), form).tolist() == codes.tolist()
    size = len(pack(codes, form)) // len(codes)
    assert 8 * (size - 1) < form.width <= 8 * size
    assert pack(codes, form)[:size] == int(form.low).to_bytes(size, "little", signed=form.signed)


def test_identities_come_back_and_others_are_refused():
    assert Identity.unpack(IDENTITY.pack()) == IDENTITY
    for packed, words in (
        (b"", "version none, must be 1"),
        (b"\x02" + IDENTITY.pack()[1:], "version 2, must be 1"),
        (IDENTITY.pack()[:-1], "identity of 46 bytes, must be 47"),
        (IDENTITY.pack()[:5] + b"\x81" + IDENTITY.pack()[6:], "width 1"),
    ):
        with pytest.raises(LinkError, match=words):
            Identity.unpack(packed)


def test_a_good_line_gives_the_integer_models_codes():
    told = []
    found = Host(board(), 1)
    out = found.run(QNET, CODES, lambda *counts: told.append(counts))
    assert np.array_equal(out, QNET.run(CODES).out)
    assert told[-1] == (75, 75)
    assert (found.faults, found.broken) == (0, 0)


@pytest.mark.parametrize("output", ("last", "final"))
def test_one_output_a_sequence(output):
    net = replace(stack(np.random.default_rng(1), 2, 2), output=output)
    qnet = quantized(net, np.random.default_rng(2))
    identity = Identity.of(qnet, 0, SLOTS, SLOTS)
    codes = any_codes(np.random.default_rng(3), qnet, 6, 20)
    assert np.array_equal(Host(board(qnet, identity), 1).run(qnet, codes), qnet.run(codes).out)


@pytest.mark.parametrize("rate", (pytest.param(1 / 500, marks=pytest.mark.soak), 1 / 60, 1 / 25))
def test_a_bad_line_costs_time_and_no_code(rate):
    """15 lines, bytes flipped, dropped and invented both ways: the codes are the integer model's,
    or the host says that it gave up; it must not at the lower rates."""
    want, gave_up = QNET.run(CODES).out, 0
    for seed in range(15):
        harm = Damage(rate, seed), Damage(rate, seed + 99)
        try:
            out = Host(board(harm=harm, seed=seed), 1).run(QNET, CODES)
        except LinkError:
            gave_up += 1
            continue
        assert np.array_equal(out, want), seed
    assert gave_up == 0 or rate > 1 / 50 and gave_up < 8


def test_a_board_that_computes_wrongly_is_seen():
    """The codes are those that the board gave: the comparison above can fail."""
    wrong = board()
    wrong.wrong = 1
    assert not np.array_equal(Host(wrong, 1).run(QNET, CODES), QNET.run(CODES).out)


def kinds(frames: bytes) -> list[int]:
    return [content[0] & 3 for content in Deframer().feed(frames)]


def output(number: int, transfer: Transfer) -> None:
    """Hand an OUTPUT with this number to a transfer whose vectors have all been taken."""
    taken = CODES[0].shape[0]
    marks = FIRST * (number == 0)
    transfer.take(Reply(Answer.OUTPUT, marks, Fault(0), number, taken, taken, bytes(4)))


def test_what_came_is_said_and_what_is_missing_asked_for_without_a_silence():
    """With no vector left to say it with, an ACK goes when half of the board's slots are full; a
    gap is asked for at once, and once."""
    identity = replace(IDENTITY, vectors=128, results=8)
    transfer = Transfer(identity, QNET, CODES[:1])
    assert kinds(transfer.due()) == [Ask.VECTOR] * 25
    for number in range(4):
        assert transfer.due() == b""
        output(number, transfer)
    assert kinds(transfer.due()) == [Ask.ACK]
    output(6, transfer)
    assert kinds(transfer.due()) == [Ask.RESEND]
    output(7, transfer)
    assert transfer.due() == b""


class Late(ModelBoard):
    """Says nothing in the first three readings, and then all that there was to say."""

    readings = 0

    def read(self, size: int) -> bytes:
        self.readings += 1
        return super().read(size) if self.readings > 3 else b""


def test_a_hello_may_be_answered_twice():
    """A board that is slow to answer is greeted again; the second identity comes when vectors are
    on their way already, and is no reset."""
    assert np.array_equal(
        Host(Late(QNET, IDENTITY.pack()), 1).run(QNET, CODES), QNET.run(CODES).out
    )


class Silent(ModelBoard):
    """Says nothing."""

    def read(self, size: int) -> bytes:
        return b""


class Chatter(ModelBoard):
    """Says something else, for ever."""

    def read(self, size: int) -> bytes:
        return b"$GPGGA,123519,4807.038,N\r\n"


class Echo(ModelBoard):
    """Gives back what it gets, as a line with its two ends joined."""

    def read(self, size: int) -> bytes:
        found, self._said = bytes(self._said), bytearray()
        return found

    def write(self, data: bytes) -> None:
        self._said += data


@pytest.mark.parametrize("kind", (Silent, Chatter, Echo))
def test_a_port_without_a_board_is_given_up(kind):
    with pytest.raises(LinkError, match="board: no answer"):
        Host(kind(QNET, IDENTITY.pack()), 1).open()


class Slow(ModelBoard):
    """At the end of a line of 1200 baud: 12 bytes each way in a reading's time."""

    written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self._way = getattr(self, "_way", b"") + data

    def read(self, size: int) -> bytes:
        super().write(self._way[:12])
        self._way = self._way[12:]
        return super().read(12)


def test_a_slow_line_is_waited_for():
    """Where a vector takes longer than a reading nothing is sent twice. A host that takes the line
    for a fast one sends again and again what is still on its way, and gives up."""
    qnet = network(40, 1)
    codes = any_codes(np.random.default_rng(5), qnet, 2, 5)
    identity = Identity.of(qnet, 0, SLOTS, SLOTS).pack()
    port = Slow(qnet, identity)
    assert np.array_equal(Host(port, 1, 1200).run(qnet, codes), qnet.run(codes).out)
    assert port.written < 1.1 * 10 * (7 + 2 * 40)
    with pytest.raises(LinkError, match="nothing new"):
        Host(Slow(qnet, identity), 1, 1_000_000).run(qnet, codes)


class Reset(ModelBoard):
    """Loses its session after some frames, and with `greets` begins one that nobody asked for."""

    frames, greets = 0, False

    def _ended(self) -> None:
        self.frames += 1
        if self.frames == 40:
            self._begin()
            self.open = self.greets
            if self.greets:
                self.say(2, 2, self.identity)
        super()._ended()


class Stuck(ModelBoard):
    """Takes vectors and answers, but gives no output after the tenth."""

    def _compute(self, packed: bytes, head: int) -> None:
        super()._compute(packed, head)
        self.outputs = self.outputs[:10]


class Confused(ModelBoard):
    """Says that it waits for a vector that was never sent."""

    def say(self, kind, number, payload=b"", marks=0) -> None:
        self.expected += 100 * (self.expected == 7)
        super().say(kind, number, payload, marks)


class Unmarked(ModelBoard):
    """Leaves out the marks."""

    def say(self, kind, number, payload=b"", marks=0) -> None:
        super().say(kind, number, payload)


class Long(ModelBoard):
    """Sends outputs of a byte too many."""

    def say(self, kind, number, payload=b"", marks=0) -> None:
        super().say(kind, number, payload + b"0" * (kind == 1), marks)


class Greets(Reset):
    greets = True


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Reset, "was reset while sequences ran"),
        (Greets, "was reset while sequences ran"),
        (Stuck, "nothing new after 10 of 75 outputs"),
        (Confused, "lost its place, number 107 is not from 6 to"),
        (Unmarked, "output 0 has 4 bytes and marks 0, must be 4 and 4"),
        (Long, "output 0 has 5 bytes and marks 4, must be 4 and 4"),
    ],
)
def test_a_board_that_goes_wrong_is_named(kind, words):
    with pytest.raises(LinkError, match=words):
        Host(kind(QNET, IDENTITY.pack()), 1).run(QNET, CODES)


def test_a_code_that_the_format_does_not_have_is_named():
    """12 bits travel as 16; a board whose upper ones are not the sign's is refused."""
    wrong = board()
    wrong.wrong = 5000
    with pytest.raises(LinkError, match="is not one of format s12"):
        Host(wrong, 1).run(QNET, CODES)


def test_answers_of_an_earlier_session_are_not_taken():
    """What lies in the line from before, an identity of another session with it, goes by."""
    port = board()
    stale = ModelBoard(QNET, replace(IDENTITY, inputs=9).pack())
    stale.say(2, 8, stale.identity)
    port._said += stale._said + framed(bytes([1, 0, 1, 1, 0, 0, 0, 0]))
    assert np.array_equal(Host(port, 7).run(QNET, CODES), QNET.run(CODES).out)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inputs": 3}, "inputs 3, the model's is 2"),
        ({"outputs": 3}, "outputs 3, the model's is 2"),
        ({"input": Format(9, 2)}, "input format s9.2, the model's is s12"),
        ({"output": Format(9, 2)}, "output format s9.2, the model's is s12"),
        ({"digest": bytes(32)}, "network 0000000000000000, the model's is"),
        ({"max_length": 24}, "holds sequences of 24 steps, the input has 25"),
    ],
)
def test_a_board_of_another_network_is_refused(change, words):
    identity = replace(IDENTITY, **change)
    with pytest.raises(LinkError, match=words):
        check(identity, QNET, 25)
    with pytest.raises(LinkError, match=words):
        Host(board(identity=identity), 1).run(QNET, CODES)
