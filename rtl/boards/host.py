"""The host's end of the line: sequences to a board, outputs back, whatever happens on the way.

Vectors are sent ahead as far as the board has slots for them, and once more from the expected one
on where one was lost; an output is taken only when its frame is right and its number the next one,
and asked for again otherwise. So what comes back is all of it, in order, or an error.
"""

from collections.abc import Callable
from typing import Protocol

from fixedpoint.arithmetic import Codes
from fixedpoint.network import QuantizedNetwork
from rtl.boards.protocol import (
    BAUD,
    Answer,
    Ask,
    Deframer,
    Identity,
    LinkError,
    Reply,
    request,
)
from rtl.boards.transfer import Transfer

TIME_OUT = 0.1  # s, of a port's reading
PATIENCE = 50  # silences without news between them before a board is given up
NOISE = 1 << 16  # bytes without news before it is given up
READING = 4096
LINE_BITS = 10  # of a byte on the line

Progress = Callable[[int, int], None]


class Port(Protocol):
    """A serial port, as pySerial's: `read` returns what there is, or nothing after a time-out."""

    def read(self, size: int, /) -> bytes: ...

    def write(self, data: bytes, /) -> object: ...


class Host:
    """The end of a serial port that has a board at its other end.

    Parameters
    ----------
    port : whose readings time out after `TIME_OUT`.
    session : a number from 0 to 255 that tells this session's answers from those of an earlier one.
    baud : of the line. There is silence when nothing has come for `TIME_OUT`, and for as long as
        what is on its way to the board takes.

    Attributes
    ----------
    faults : answers in which the board said that frames to it were not right.
    """

    def __init__(self, port: Port, session: int, baud: int = BAUD):
        self._port, self._session = port, session
        self._readings = LINE_BITS / baud / TIME_OUT  # that a byte on the line takes
        self._deframer = Deframer()
        self._waited = self._silences = self._bytes = self.faults = 0

    @property
    def broken(self) -> int:
        """Frames to the host that were not right."""
        return self._deframer.broken

    def open(self) -> Identity:
        """Begin a session, and with it everything on the board.

        Raises
        ------
        LinkError : no answer, or one of another version.
        """
        hello = request(Ask.HELLO, self._session, 0)
        self._port.write(hello)
        while True:
            replies = self._hear("no answer", len(hello))
            for reply in replies or ():
                if reply.kind == Answer.IDENTITY and reply.number == self._session:
                    self._news()
                    return Identity.unpack(reply.payload)
            if replies is None:
                self._port.write(hello)

    def run(
        self, qnet: QuantizedNetwork, codes: Codes, progress: Progress = lambda *_: None
    ) -> Codes:
        """Outputs (N, T, K), int64, of sequences (N, T, D), each from the network's initial state.

        T is 1 where the network gives one output a sequence. `progress` is told how many outputs
        have come, and of how many.

        Raises
        ------
        LinkError : no answer, a board of another network, one that lost its place or was reset.
        InputError : codes of the wrong shape, type or range.
        """
        codes = qnet.check_codes(codes)
        identity = self.open()
        check(identity, qnet, codes.shape[1])
        transfer = Transfer(identity, qnet, codes)
        while not transfer.done:
            frames = transfer.due()
            if frames:
                self._port.write(frames)
            lost = f"nothing new after {transfer.wanted} of {transfer.outputs} outputs"
            replies = self._hear(lost, transfer.in_flight)
            if replies is None:
                transfer.go_back()
            for reply in replies or ():
                self._take(transfer, reply)
            progress(transfer.wanted, transfer.outputs)
        return transfer.result()

    def _take(self, transfer: Transfer, reply: Reply) -> None:
        """Hand an answer on."""
        if reply.kind == Answer.IDENTITY and reply.number == self._session:
            return  # the answer to a HELLO that was sent twice, before all vectors
        if reply.kind in (Answer.CLOSED, Answer.IDENTITY):
            raise LinkError("board: was reset while sequences ran")
        self.faults += bool(reply.faults)
        if transfer.take(reply):
            self._news()

    def _hear(self, lost: str, in_flight: int) -> list[Reply] | None:
        """Answers that have come; None for silence, while so many bytes are on their way.

        Raises
        ------
        LinkError : too many silences or bytes since the last news; says `lost`.
        """
        received = self._port.read(READING)
        self._waited = 0 if received else self._waited + 1
        self._bytes += len(received)
        silence = self._waited > in_flight * self._readings
        if silence:
            self._waited, self._silences = 0, self._silences + 1
        if self._silences > PATIENCE or self._bytes > NOISE:
            raise LinkError(f"board: {lost} ({self._bytes} bytes came since)")
        if silence:
            return None
        replies = [Reply.parse(content) for content in self._deframer.feed(received)]
        return [reply for reply in replies if reply is not None]

    def _news(self) -> None:
        self._silences = self._bytes = 0


def check(identity: Identity, qnet: QuantizedNetwork, steps: int) -> None:
    """Refuse a board that is not this network's, or cannot hold sequences of so many steps.

    Raises
    ------
    LinkError : says in what it differs.
    """
    pairs = (
        ("inputs", identity.inputs, qnet.inputs),
        ("outputs", identity.outputs, qnet.outputs),
        ("input format", identity.input, qnet.formats.input),
        ("output format", identity.output, qnet.out_format),
        ("network", identity.digest.hex()[:16], qnet.digest()[:16]),
    )
    for what, have, need in pairs:
        if have != need:
            raise LinkError(f"board: {what} {have}, the model's is {need}")
    if 0 < identity.max_length < steps:
        raise LinkError(
            f"board: holds sequences of {identity.max_length} steps, the input has {steps}"
        )
