"""The part of the driver's test that runs inside the simulator: C calls, and what they access.

The driver is a shared library. Each call runs in a thread of its own, which stands still while the
simulation goes on, until a register or stream access of the driver is done.
"""

import ctypes
import os
from ctypes import (
    CFUNCTYPE,
    POINTER,
    c_double,
    c_int,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge, resume

from tests.sim.axi_bench import FOLDER, PATIENCE, Player, play

BUS_ERROR = 77


class Io(ctypes.Structure):
    """`struct carousel_io`."""

    READ = CFUNCTYPE(c_int, c_void_p, c_uint32, POINTER(c_uint32))
    WRITE = CFUNCTYPE(c_int, c_void_p, c_uint32, c_uint32)
    SEND = CFUNCTYPE(c_int, c_void_p, POINTER(c_uint8), c_size_t, c_int)
    RECEIVE = CFUNCTYPE(c_int, c_void_p, POINTER(c_uint8), c_size_t)
    _fields_ = [
        ("context", c_void_p),
        ("read", READ),
        ("write", WRITE),
        ("send", SEND),
        ("receive", RECEIVE),
    ]


class Word(ctypes.Structure):
    """`struct carousel_word`."""

    _fields_ = [("address", c_uint32), ("word", c_uint64)]


class Bus:
    """Accesses of the driver, made in the simulation."""

    def __init__(self, player: Player):
        self.player, self.packet, self.come = player, b"", b""
        self.io = Io(
            None,
            Io.READ(self.read),
            Io.WRITE(self.write),
            Io.SEND(self.send),
            Io.RECEIVE(self.receive),
        )

    def read(self, _: Any, offset: int, value: Any) -> int:
        response, value[0] = resume(self.player.read)(offset)
        return BUS_ERROR if response else 0

    def write(self, _: Any, offset: int, value: int) -> int:
        answer = resume(self.player.write)(offset, *value.to_bytes(4, "little"))
        return BUS_ERROR if answer else 0

    def send(self, _: Any, given: Any, count: int, last: int) -> int:
        """A packet leaves when its last element is there."""
        self.packet += bytes(given[:count])
        if last:
            resume(self.player.send)(*self.packet)
            self.packet = b""
        return 0

    def receive(self, _: Any, given: Any, count: int) -> int:
        while len(self.come) < count:
            self.come += bytes(resume(self.player.packet)())
        for k, byte in enumerate(self.come[:count]):
            given[k] = byte
        self.come = self.come[count:]
        return 0


class Receiver(Player):
    async def packet(self) -> list[int]:
        """The bytes of the next packet."""
        return list((await self.sink.recv()).tdata)


class Driver:
    """The library's functions, by the names in a script; each answers [status, numbers...]."""

    def __init__(self, library: Any, bus: Bus):
        self.library, self.bus, self.it = library, bus, ctypes.create_string_buffer(256)
        self.library.core.restype = c_void_p

    def example(self) -> list[int]:
        return [self.library.carousel_example(ctypes.byref(self.bus.io))]

    def open(self, other: int) -> list[int]:
        core = c_void_p(self.library.core(other))
        return [self.library.carousel_open(self.it, core, ctypes.byref(self.bus.io))]

    def send(self, vectors: int, *codes: int) -> list[int]:
        return [self.library.carousel_send(self.it, _many(c_int32, codes), c_size_t(vectors), 1)]

    def receive(self, vectors: int, size: int) -> list[int]:
        found = (c_int32 * (vectors * size))()
        return [self.library.carousel_receive(self.it, found, c_size_t(vectors)), *found]

    def call(self, name: str) -> list[int]:
        """A function without arguments."""
        return [getattr(self.library, f"carousel_{name}")(self.it)]

    def save(self, words: int) -> list[int]:
        found = (c_int32 * words)()
        return [self.library.carousel_save(self.it, found), *found]

    def restore(self, *words: int) -> list[int]:
        return [self.library.carousel_restore(self.it, _many(c_int32, words))]

    def load(self, *words: list[int]) -> list[int]:
        given = (Word * len(words))(*(Word(*word) for word in words))
        return [self.library.carousel_load(self.it, given, c_size_t(len(words)))]

    def load_own(self) -> list[int]:
        """The words in the kit's own header."""
        return [self.library.load_own(self.it)]

    def count(self, offset: int) -> list[int]:
        value = c_uint32()
        status = self.library.carousel_count(self.it, c_uint32(offset), ctypes.byref(value))
        return [status, value.value]

    def encode(self, way: str, *values: float) -> list[int]:
        encode = getattr(self.library, f"encode_{way}")
        return [encode(c_double(value)) for value in values]


def _many(kind: Any, values: Any) -> Any:
    return (kind * len(values))(*values)


@cocotb.test(timeout_time=2 * PATIENCE, timeout_unit="step")
async def run(dut: Any) -> None:
    """Play the script that lies in the folder and leave the answers there."""
    dut.aresetn.value = 0
    player = Receiver(dut)
    driver = Driver(ctypes.CDLL(str(Path(os.environ[FOLDER]) / "driver.so")), Bus(player))
    await play(
        dut,
        player,
        bridge(lambda script: [getattr(driver, name)(*words) for name, *words in script]),
    )
