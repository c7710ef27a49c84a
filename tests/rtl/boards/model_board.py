"""A board in Python, written from `docs/boards.md` and not from the gateware or the host."""

from collections.abc import Callable

import numpy as np

from fixedpoint.network import QuantizedNetwork

FLAG, ESCAPE = 0x7E, 0x7D
HELLO, VECTOR, ACK, RESEND = range(4)
STATUS, OUTPUT, IDENTITY, CLOSED = range(4)
BAD_CRC, BAD_LENGTH, OVERRUN, BAD_ORDER = 16, 32, 64, 128
SLOTS = 4

Harm = Callable[[bytes], bytes]


def crc(data: bytes) -> int:
    """CRC-16/IBM-3740, bit by bit: x^16 + x^12 + x^5 + 1, all ones at first."""
    found = 0xFFFF
    for byte in data:
        found ^= byte << 8
        for _ in range(8):
            found = (found << 1 ^ (0x1021 if found & 0x8000 else 0)) & 0xFFFF
    return found


def framed(content: bytes) -> bytes:
    found = bytearray([FLAG])
    for byte in content + bytes([crc(content) >> 8, crc(content) & 0xFF]):
        found += bytes([ESCAPE, byte ^ 0x20]) if byte in (FLAG, ESCAPE) else bytes([byte])
    return bytes([*found, FLAG])


class ModelBoard:
    """A serial port with a board behind it that runs `qnet`'s integer model.

    Attributes
    ----------
    identity : what it says of itself.
    wrong : what is added to every output code.
    """

    def __init__(
        self,
        qnet: QuantizedNetwork,
        identity: bytes,
        harm: tuple[Harm, Harm] = (bytes, bytes),
        seed: int = 0,
    ):
        self.qnet, self.identity, self.wrong = qnet, identity, 0
        self._harm, self._rng = harm, np.random.default_rng(seed)
        self._said, self._frame, self._escaped = bytearray(), bytearray(), False
        self.open = False
        self._begin()

    def _begin(self) -> None:
        self.expected = self.taken = self.wanted = self.sent = 0
        self.outputs: list[bytes] = []
        self._state, self._first, self._faults = None, False, 0

    def read(self, size: int) -> bytes:
        """A piece of what was said, of any length; nothing when it has said all."""
        self._advance()
        count = min(size, len(self._said), int(self._rng.integers(1, 40)))
        found, self._said = self._said[:count], self._said[count:]
        return bytes(found)

    def write(self, data: bytes) -> None:
        for byte in self._harm[0](data):
            if byte == FLAG:
                if self._frame:
                    self._ended()
                self._frame, self._escaped = bytearray(), False
            elif byte == ESCAPE:
                self._escaped = True
            else:
                self._frame.append(byte ^ 0x20 if self._escaped else byte)
                self._escaped = False

    def say(self, kind: int, number: int, payload: bytes = b"", marks: int = 0) -> None:
        head = kind | marks | self._faults
        numbers = (number % 256, self.taken % 256, self.expected % 256)
        self._said += self._harm[1](framed(bytes([head, *numbers]) + payload))
        self._faults = 0

    def _ended(self) -> None:
        content = bytes(self._frame)
        if self._escaped or crc(content) or len(content) < 2:
            self._complain(BAD_CRC)
            return
        content = content[:-2]
        kind = content[0] & 3 if content else ACK
        elements = self.qnet.inputs * self._size(self.qnet.formats.input)
        if len(content) != 3 + (kind == VECTOR) * elements:
            self._complain(BAD_LENGTH)
            return
        _, number, wanted = content[:3]
        if kind == HELLO:
            self._begin()
            self.open = True
            self.say(IDENTITY, number, self.identity)
            return
        self.wanted += (wanted - self.wanted) % 256
        if kind == RESEND:
            self.sent = self.wanted
        if kind == VECTOR and (not self.open or number != self.expected % 256):
            self._faults |= BAD_ORDER
        elif kind == VECTOR:
            self._compute(content[3:], content[0])
        self._answer()

    def _complain(self, fault: int) -> None:
        self._faults |= fault
        self._answer()

    def _answer(self) -> None:
        self._advance()
        self.say(STATUS if self.open else CLOSED, self.sent)

    def _advance(self) -> None:
        """Say outputs, as many as are kept, and no more than the host has room for."""
        while self.sent < min(len(self.outputs), self.wanted + SLOTS):
            k, each = self.sent, self.outputs[self.sent]
            self.say(OUTPUT, k, each[1:], each[0])
            self.sent += 1

    def _compute(self, packed: bytes, head: int) -> None:
        if len(self.outputs) - self.wanted >= SLOTS:
            self._faults |= OVERRUN
            return
        form, size = self.qnet.formats.input, self._size(self.qnet.formats.input)
        codes = [
            int.from_bytes(packed[k : k + size], "little", signed=form.signed)
            for k in range(0, len(packed), size)
        ]
        self._state = None if head & 4 else self._state
        trace = self.qnet.run(np.array([codes])[None], self._state)
        self._state, form = trace.state, self.qnet.out_format
        self.expected += 1
        self.taken += 1
        out = b"".join(
            (int(code) + self.wrong).to_bytes(self._size(form), "little", signed=form.signed)
            for code in trace.out.reshape(-1)
        )
        self._first = bool(head & 4) or self._first
        if self.qnet.output == "every":
            self.outputs.append(bytes([head & 12]) + out)
        elif head & 8:
            self.outputs.append(bytes([12]) + out)

    @staticmethod
    def _size(form) -> int:
        return (form.width + 7) // 8
