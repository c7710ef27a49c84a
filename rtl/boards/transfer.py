"""Sequences on their way through a board: what is sent, what has come, what is to be said again."""

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.network import QuantizedNetwork
from rtl.boards.protocol import (
    FIRST,
    LAST,
    NUMBERS,
    Answer,
    Ask,
    Identity,
    LinkError,
    Reply,
    code_bytes,
    pack,
    request,
    unpack,
)


class Transfer:
    """The sequences of one session. Vectors and outputs are counted from its start.

    Parameters
    ----------
    identity : of the board, which is `qnet`'s.
    codes : (N, T, D), checked.

    Attributes
    ----------
    wanted, outputs : outputs that have come, and of how many.
    """

    def __init__(self, identity: Identity, qnet: QuantizedNetwork, codes: Codes):
        self._identity, self._form = identity, qnet.out_format
        self._sequences, self._steps, _ = codes.shape
        self._each = self._steps if qnet.output == "every" else 1
        self._packed = pack(codes, qnet.formats.input)
        self._size = qnet.inputs * code_bytes(qnet.formats.input)
        self._answer_size = qnet.outputs * code_bytes(self._form)
        self._found = bytearray()
        self.vectors, self.outputs = self._sequences * self._steps, self._sequences * self._each
        self.wanted = 0
        self._told = 0  # what the board knows of `wanted`
        self._next = self._sent = 0  # the vector to send now, and the first that was never sent
        self._expected = self._taken = 0  # as the board last said
        self._went_back: int | None = None  # to this vector, since when all may still be well
        self._asked: int | None = None  # for this output, which may still come
        self._again = False  # outputs are to be asked for

    @property
    def done(self) -> bool:
        return self.wanted == self.outputs

    @property
    def in_flight(self) -> int:
        """Bytes on the line that the board has not answered, but for escapes."""
        return (self._next - self._expected) * len(request(Ask.VECTOR, 0, 0, bytes(self._size)))

    def due(self) -> bytes:
        """Frames to send now: vectors for which the board has slots, and what is wanted."""
        frames = []
        if self._again:
            frames.append(request(Ask.RESEND, 0, self.wanted))
            self._again, self._told = False, self.wanted
        until = min(self.vectors, self._taken + self._identity.vectors)
        for k in range(self._next, until):
            vector = self._packed[k * self._size : (k + 1) * self._size]
            marks = _marks(k, self._steps)
            frames.append(request(Ask.VECTOR, k, self.wanted, vector, marks))
            self._told = self.wanted
        self._next = max(self._next, until)
        self._sent = max(self._sent, self._next)
        if 2 * (self.wanted - self._told) >= self._identity.results:
            frames.append(request(Ask.ACK, 0, self.wanted))
            self._told = self.wanted
        return b"".join(frames)

    def go_back(self) -> None:
        """Nothing comes: what was sent or asked for last may be lost."""
        self._next, self._again = self._expected, True

    def take(self, reply: Reply) -> bool:
        """Take in a STATUS or an OUTPUT; returns whether it brought anything further.

        Raises
        ------
        LinkError : numbers, marks or a length that cannot be.
        """
        before = self._expected, self._taken, self.wanted
        self._expected = _whole(reply.expected, self._expected, self._sent)
        self._taken = _whole(reply.taken, self._taken, self._expected)
        self._next = max(self._next, self._expected)
        if reply.faults and self._went_back != self._expected:
            # once: those sent behind the lost one will be complained of too
            self._next = self._went_back = self._expected
        if reply.kind == Answer.OUTPUT:
            self._take_output(reply)
        return before != (self._expected, self._taken, self.wanted)

    def _take_output(self, reply: Reply) -> None:
        ahead = (reply.number - self.wanted) % NUMBERS
        if ahead == 0 and not self.done:
            marks = _marks(self.wanted, self._each)
            if (len(reply.payload), reply.marks) != (self._answer_size, marks):
                raise LinkError(
                    f"board: output {self.wanted} has {len(reply.payload)} bytes and marks "
                    f"{reply.marks}, must be {self._answer_size} and {marks}"
                )
            self._found += reply.payload
            self.wanted += 1
        elif ahead < self._identity.results and self._asked != self.wanted:
            self._again, self._asked = True, self.wanted

    def result(self) -> Codes:
        """All outputs (N, T, K), int64.

        Raises
        ------
        LinkError : a code that its format does not have.
        """
        codes = unpack(bytes(self._found), self._form)
        bad = codes[(codes < self._form.low) | (codes > self._form.high)]
        if len(bad):
            raise LinkError(f"board: code {bad[0]} is not one of format {self._form}")
        return np.reshape(codes, (self._sequences, self._each, -1))


def _marks(place: int, length: int) -> int:
    """Of a vector by its number, in sequences of `length`."""
    first, last = place % length == 0, place % length == length - 1
    return FIRST * first | LAST * last


def _whole(number: int, known: int, limit: int) -> int:
    """The count, from `known` to `limit`, of which a board says the low byte."""
    count = known + (number - known) % NUMBERS
    if count > limit:
        raise LinkError(f"board: lost its place, number {number} is not from {known} to {limit}")
    return count
