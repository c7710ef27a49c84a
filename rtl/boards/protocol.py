"""What passes on the line between a host and a board: one description for both of its ends.

A frame is its content and a CRC between two flags, with flags and escapes in it escaped as in
HDLC (RFC 1662, 4.2): a flag is a frame's end wherever it comes, so a receiver that has lost its
place finds it again at the next one. Bytes of content, codes and numbers are little endian:

    to the board    head, number, wanted,          vector of a VECTOR
    to the host     head, number, taken, expected, vector of an OUTPUT or identity

`number` counts the vectors in that direction modulo 256; `wanted` is the number of the output that
the host waits for, `taken` that of the vector that the core takes next, `expected` that of the one
that the board waits for; the two are sent in this order, so that `taken` never runs ahead.
"""

import struct
from binascii import crc_hqx
from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.formats import Format, FormatError
from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError

VERSION = 1
BAUD = 1_000_000  # bits a second: the boards' USB bridges and crystals give it exactly
FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
TO_BOARD, TO_HOST = 3, 4  # bytes of a header
CRC_BYTES, CRC_START = 2, 0xFFFF  # CRC-16/IBM-3740 of the content, its high byte first
NUMBERS = 256
MOST_SLOTS = NUMBERS // 2  # with no more in flight an old number is never taken for a new one
FIRST, LAST = 1 << 2, 1 << 3  # of a head, above its kind in bits 0 and 1
KIND = 3


class LinkError(CarouselError):
    """A board that cannot be reached, does not answer, or is not the model's."""


class Ask(IntEnum):
    """Kinds of frames to the board.

    HELLO starts a session: the board forgets everything, its core with it, and says what it is,
    with the number of the HELLO. ACK says what is wanted and nothing else. RESEND asks for all
    outputs from the wanted one on once more.
    """

    HELLO = 0
    VECTOR = 1
    ACK = 2
    RESEND = 3


class Answer(IntEnum):
    """Kinds of frames to the host: CLOSED is a STATUS without a session, after power-on."""

    STATUS = 0
    OUTPUT = 1
    IDENTITY = 2
    CLOSED = 3


class Fault(IntFlag):
    """What was wrong with frames since the last head, in bits of the head; none was used.

    CRC : a CRC, or a frame that was cut short.  LENGTH : of content.  OVERRUN : no slot was free.
    ORDER : another vector than the expected one, or one without a session.
    """

    CRC = 1 << 4
    LENGTH = 1 << 5
    OVERRUN = 1 << 6
    ORDER = 1 << 7


def wrap(content: bytes) -> bytes:
    """A frame for the line: flags, CRC and escapes put to its content."""
    body = content + crc_hqx(content, CRC_START).to_bytes(CRC_BYTES, "big")
    for special in (ESCAPE, FLAG):  # the escape first, or its own escapes were escaped
        body = body.replace(bytes([special]), bytes([ESCAPE, special ^ FLIP]))
    return bytes([FLAG]) + body + bytes([FLAG])


class Deframer:
    """Finds frames in bytes as they come, in pieces of any size.

    Attributes
    ----------
    broken : frames that were cut short or whose CRC was wrong, so far.
    """

    def __init__(self) -> None:
        self.broken = 0
        self._open = b""

    def feed(self, received: bytes) -> list[bytes]:
        """The contents of frames that are whole and right now."""
        *ended, self._open = (self._open + received).split(bytes([FLAG]))
        answers = [self._content(body) for body in ended if body]
        return [content for content in answers if content is not None]

    def _content(self, body: bytes) -> bytes | None:
        content, escaped = bytearray(), 0
        for byte in body:
            if byte == ESCAPE:
                escaped = FLIP
                continue
            content.append(byte ^ escaped)
            escaped = 0
        if escaped or len(content) < CRC_BYTES or crc_hqx(content, CRC_START):
            self.broken += 1
            return None
        return bytes(content[:-CRC_BYTES])


@dataclass(frozen=True)
class Reply:
    """A frame from the board."""

    kind: Answer
    marks: int
    faults: Fault
    number: int
    taken: int
    expected: int
    payload: bytes

    @classmethod
    def parse(cls, content: bytes) -> "Reply | None":
        """From a frame's content; None for one that is too short."""
        if len(content) < TO_HOST:
            return None
        head, number, taken, expected = content[:TO_HOST]
        marks, faults = head & (FIRST | LAST), Fault(head & 0xF0)
        kind = Answer(head & KIND)
        return cls(kind, marks, faults, number, taken, expected, content[TO_HOST:])


def request(kind: Ask, number: int, wanted: int, vector: bytes = b"", marks: int = 0) -> bytes:
    """A frame to the board, ready for the line."""
    return wrap(bytes([kind | marks, number % NUMBERS, wanted % NUMBERS]) + vector)


def code_bytes(form: Format) -> int:
    """Whole bytes of a code."""
    return -(-form.width // 8)


def pack(codes: Codes, form: Format) -> bytes:
    """Codes as they pass on the line, two's complement."""
    plain = np.ascontiguousarray(codes, dtype="<i8").reshape(-1, 1).view(np.uint8)
    return plain[:, : code_bytes(form)].tobytes()


def unpack(packed: bytes, form: Format) -> Codes:
    """The codes of `pack`, int64."""
    size = code_bytes(form)
    plain = np.zeros((len(packed) // size, 8), dtype=np.uint8)
    plain[:, :size] = np.frombuffer(packed, dtype=np.uint8).reshape(-1, size)
    shift = 64 - 8 * size
    wide = plain.view("<u8" if not form.signed else "<i8")[:, 0]
    return ((wide << shift) >> shift).astype(np.int64)


@dataclass(frozen=True)
class Identity:
    """What a board says of itself.

    Attributes
    ----------
    inputs, outputs : elements of a vector in and out.
    input, output : their formats.
    vectors, results : slots for vectors that wait for the core, and for outputs that the host has
        not said to have; at most `MOST_SLOTS`.
    max_length : steps of the longest sequence that the core holds; 0: it holds none.
    digest : SHA-256 of the network, `QuantizedNetwork.digest`.
    """

    inputs: int
    outputs: int
    input: Format
    output: Format
    vectors: int
    results: int
    max_length: int
    digest: bytes

    LAYOUT = struct.Struct("<BHHBbBbBBI32s")
    SIGNED = 1 << 7  # in the byte of a width

    @classmethod
    def of(cls, qnet: QuantizedNetwork, max_length: int, vectors: int, results: int) -> "Identity":
        """Of a network's core behind so many slots."""
        return cls(
            qnet.inputs,
            qnet.outputs,
            qnet.formats.input,
            qnet.out_format,
            vectors,
            results,
            max_length,
            bytes.fromhex(qnet.digest()),
        )

    def pack(self) -> bytes:
        """As it passes on the line, after the version."""
        forms = (self.input, self.output)
        shown = [part for f in forms for part in (f.width | self.SIGNED * f.signed, f.frac)]
        sizes = (self.vectors, self.results, self.max_length)
        return self.LAYOUT.pack(VERSION, self.inputs, self.outputs, *shown, *sizes, self.digest)

    @classmethod
    def unpack(cls, packed: bytes) -> "Identity":
        """What `pack` made; `LinkError` where it is of another version or no identity."""
        if not packed or packed[0] != VERSION:
            version = packed[0] if packed else "none"
            raise LinkError(f"board: protocol version {version}, must be {VERSION}")
        if len(packed) != cls.LAYOUT.size:
            raise LinkError(f"board: identity of {len(packed)} bytes, must be {cls.LAYOUT.size}")
        _, inputs, outputs, *shown, vectors, results, longest, sha = cls.LAYOUT.unpack(packed)
        try:
            input_, output = (
                Format(width & ~cls.SIGNED, frac, bool(width & cls.SIGNED))
                for width, frac in (shown[:2], shown[2:])
            )
        except FormatError as error:
            raise LinkError(f"board: {error}") from None
        return cls(inputs, outputs, input_, output, vectors, results, longest, sha)
