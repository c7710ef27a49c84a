"""One access at a time: how the AXI4-Lite slave asks, and how a register answers."""

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.registers import ADDRESS_WIDTH, BYTES, WIDTH


class Response(IntEnum):
    """RRESP and BRESP."""

    OKAY = 0
    SLVERR = 2  # the register refuses
    DECERR = 3  # there is no register


# Of the slave: `request`, `write`, `address` (of a word), `data` and `strobe` stay until `done`,
# which comes with `value` and `response`.
BUS = wiring.Signature(
    {
        "request": Out(1),
        "write": Out(1),
        "address": Out(ADDRESS_WIDTH - (BYTES - 1).bit_length()),
        "data": Out(WIDTH),
        "strobe": Out(BYTES),
        "done": In(1),
        "value": In(WIDTH),
        "response": In(2),
    }
)

# Of a register's side of the decoder: `read` or `write` stays as long as `waits` is set. In the
# clock in which it is not, the access is done, or `refused`.
PORT = wiring.Signature(
    {
        "read": Out(1),
        "write": Out(1),
        "data": Out(WIDTH),
        "strobe": Out(BYTES),
        "value": In(WIDTH),
        "waits": In(1),
        "refused": In(1),
    }
)


def merged(current: Value, port: Any) -> Value:
    """What a register holds after a write: the bytes that the strobe leaves out stay."""
    padded = Cat(current, Const(0, WIDTH - len(current)))
    return Cat(
        Mux(port.strobe[k], port.data.word_select(k, 8), padded.word_select(k, 8))
        for k in range(BYTES)
    )
