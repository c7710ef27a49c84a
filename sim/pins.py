"""The harness' ports, driven and sampled clock by clock: by cocotb, or by what is compiled in.

Both do the same. cocotb reads one wide port a clock and writes one where something changes; a
simulator that is built for long runs has `clocking.cc`, which does so thousands of times a call.

This module is loaded inside the simulator, so it imports little.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from cocotb.clock import Clock

from sim.job import Ints, Job
from sim.recorder import Bits, to_bits


class Samples(NamedTuple):
    """Clocks as they were seen.

    Attributes
    ----------
    seen : bits of the port in each clock, the highest first.
    clocks, rises : in which of them `rises` was worth a look, and its bits.
    """

    seen: Bits
    clocks: Ints
    rises: Bits


class Source:
    """The elements that go in: once offered, one stays until it is taken.

    Attributes
    ----------
    words : values of `drive` that offer them.
    at : the next one.  end : the first that is not to be offered yet.  offering : whether it is.
    """

    def __init__(self, words: Ints):
        self.words, self.at, self.end, self.offering = words, 0, 0, False


class Pins(Protocol):
    """What drives the ports and samples them."""

    async def reset(self, clocks: int) -> None:
        """Reset for so many clocks."""
        ...

    async def stream(self, source: Source, pauses: Bits, ready: Bits) -> Samples:
        """A clock for each pause of the source or none, and for whether the sink is ready."""
        ...

    async def access(self, words: Ints) -> Samples:
        """Drive the state port, a word a clock, while the streams rest."""
        ...


class Awaited:
    """By cocotb, which awaits each clock."""

    def __init__(self, dut: Any, job: Job):
        self.dut, self.job = dut, job
        width = len(dut.seen)
        self.in_beat, self.moved = (width - 1 - job.seen[name][0] for name in ("in_beat", "moved"))

    async def reset(self, clocks: int) -> None:
        dut = self.dut
        dut.rst.value, dut.drive.value = 1, self.job.junk
        if self.job.stateful:
            dut.state.value = 0
        for _ in range(clocks):
            await dut.clk.falling_edge
        dut.rst.value = 0
        self.driven = -1

    async def stream(self, source: Source, pauses: Bits, ready: Bits) -> Samples:
        dut, words, junk, end = self.dut, source.words, self.job.junk, source.end
        edge, seen, drive = dut.clk.falling_edge, dut.seen, dut.drive
        in_beat, moved = self.in_beat, self.moved
        at, offering, driven = source.at, source.offering, self.driven
        samples, rises = list[str](), list[tuple[int, str]]()
        word = int(words[at]) if offering else junk
        for pause, accept in zip(pauses.tolist(), ready.tolist(), strict=True):
            await edge
            sample = str(seen.value)
            samples.append(sample)
            if sample[moved] == "1":
                rises.append((len(samples) - 1, str(dut.rises.value)))
            if sample[in_beat] == "1":
                at += 1
                offering, word = False, junk
            if not offering and not pause and at < end:
                offering, word = True, int(words[at])
            if word | accept != driven:
                drive.value = driven = word | accept
        source.at, source.offering, self.driven = at, offering, driven
        return _samples(samples, rises)

    async def access(self, words: Ints) -> Samples:
        edge, seen, state = self.dut.clk.falling_edge, self.dut.seen, self.dut.state
        samples, rises = list[str](), list[tuple[int, str]]()
        for word in words.tolist():
            await edge
            samples.append(str(seen.value))
            if samples[-1][self.moved] == "1":
                rises.append((len(samples) - 1, str(self.dut.rises.value)))
            state.value = word
        return _samples(samples, rises)


def _samples(seen: Sequence[str], rises: Sequence[tuple[int, str]]) -> Samples:
    clocks = np.array([clock for clock, _ in rises], np.int64)
    return Samples(to_bits(seen), clocks, to_bits([text for _, text in rises]))


class _Samples(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("seen", "rises", "clocks")),
        *((name, ctypes.c_uint64) for name in ("count", "moves")),
        *((name, ctypes.c_uint32) for name in ("in_beat", "moved")),
    ]


class _Source(ctypes.Structure):
    _fields_ = [
        ("words", ctypes.c_void_p),
        *((name, ctypes.c_uint64) for name in ("end", "at", "junk", "offering")),
    ]


class Compiled:
    """By the simulator's own loop, see `clocking.cc`."""

    def __init__(self, library: ctypes.CDLL, dut: Any, job: Job):
        self.library, self.job = library, job
        self.widths = len(dut.seen), len(dut.rises)
        sizes = (ctypes.c_uint64 * 2)()
        library.carousel_sizes(sizes)
        self.sizes = tuple(sizes)

    async def reset(self, clocks: int) -> None:
        self.library.carousel_reset(ctypes.c_uint64(clocks), ctypes.c_uint64(self.job.junk))

    async def stream(self, source: Source, pauses: Bits, ready: Bits) -> Samples:
        pauses, ready = (np.ascontiguousarray(each, np.uint8) for each in (pauses, ready))
        plain = _Source(
            source.words.ctypes.data, source.end, source.at, self.job.junk, source.offering
        )
        clocks = ctypes.c_uint64(len(ready))
        where = (ctypes.c_void_p(each.ctypes.data) for each in (pauses, ready))
        found = self._sampled(
            len(ready),
            lambda to: self.library.carousel_stream(to, ctypes.byref(plain), clocks, *where),
        )
        source.at, source.offering = int(plain.at), bool(plain.offering)
        return found

    async def access(self, words: Ints) -> Samples:
        at, count = ctypes.c_void_p(words.ctypes.data), ctypes.c_uint64(len(words))
        return self._sampled(len(words), lambda to: self.library.carousel_access(to, at, count))

    def _sampled(self, count: int, call: Any) -> Samples:
        seen, rises = (np.empty((count, size), np.uint8) for size in self.sizes)
        clocks = np.empty(count, np.int64)
        offsets = (self.job.seen[name][0] for name in ("in_beat", "moved"))
        arrays = (each.ctypes.data for each in (seen, rises, clocks))
        to = _Samples(*arrays, 0, 0, *offsets)
        call(ctypes.byref(to))
        moves = int(to.moves)
        own, moved = (
            np.unpackbits(each, axis=1, bitorder="little")[:, width - 1 :: -1]
            for each, width in zip((seen, rises[:moves]), self.widths, strict=True)
        )
        return Samples(own, clocks[:moves], moved)


def pins(dut: Any, job: Job) -> Pins:
    """Those of this simulator, whose clock starts."""
    library = ctypes.CDLL(None)
    if hasattr(library, "carousel_stream"):
        return Compiled(library, dut, job)
    Clock(dut.clk, 2, unit="step").start()
    return Awaited(dut, job)
