"""Samples of `seen` to clocks, flags and codes, thousands of clocks at a time.

This module is loaded inside the simulator, so it imports little.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.job import Ints

Bits = npt.NDArray[Any]  # uint8, one bit each
Place = tuple[int, int, bool]
MANY = 4096  # chunks of them with rises, which are decoded at once
NONE = np.zeros(0, np.int64)
RUNNING = "cycles"  # rises in most clocks: kept are those in which that changes
PAYLOAD = ("out_data", "out_first", "out_last")


def to_bits(samples: Sequence[str]) -> Bits:
    """Samples, each the text of a binary number, as rows of bits."""
    if not samples:
        return np.zeros((0, 0), np.uint8)
    text = "".join(samples).encode("ascii")
    return np.frombuffer(text, np.uint8).reshape(len(samples), -1) & 1


def decode(bits: Bits, place: Place) -> Ints:
    """The codes of one field in rows of bits, highest bit first."""
    offset, width, signed = place
    end = bits.shape[1] - offset
    weights = np.left_shift(1, np.arange(width - 1, -1, -1, dtype=np.int64))
    if signed:
        weights[0] = -weights[0]
    return (
        bits[:, end - width : end]
        .astype(np.float64)
        .dot(weights.astype(np.float64))
        .astype(np.int64)
    )


class Recorder:
    """Collects what a run shows.

    Parameters
    ----------
    places : (offset, width, signed) of every field of `seen`, none wider than 53 bits.
    width : bits of `seen`.
    streams : names of the probe's parts.
    counters : (offset, width, signed) of every field of `rises`.
    """

    def __init__(
        self,
        places: dict[str, Place],
        width: int,
        streams: Sequence[str] = (),
        counters: dict[str, Place] | None = None,
    ):
        self.places, self.width, self.streams = places, width, streams
        self.counters = counters or {}
        self.clocks = self.beats = self.in_waits = self.out_waits = self.last_beat = 0
        self.taken = self.too_long = self._leaps = 0
        self._rose, self._rises = 0, list[tuple[Ints, Bits]]()
        self._parts: dict[str, list[Ints]] = {}
        self._before: Bits | None = None

    def column(self, name: str) -> int:
        """Where a one-bit field stands in a row of bits."""
        return self.width - 1 - self.places[name][0]

    def take(self, bits: Bits, clocks: Ints = NONE, rises: Bits = NONE) -> None:
        """Take the bits of consecutive clocks, the highest first; and those of `rises` with the
        clocks among these to which they belong."""
        taken, given = (np.flatnonzero(bits[:, self.column(k)]) for k in ("in_beat", "out_beat"))
        self._keep("in_clocks", taken + self.clocks)
        self._keep("out_clocks", given + self.clocks)
        for name in PAYLOAD:
            self._keep(name, decode(bits[given], self.places[name]))
        for name in (f"probe_{stream}" for stream in self.streams):
            valid = bits[:, self.column(f"{name}_valid")].astype(bool)
            self._keep(name, decode(bits[valid], self.places[name]))
        if "too_long" in self.places:
            self.too_long += int(bits[:, self.column("too_long")].sum())
        self._watch(bits)
        if len(clocks):
            self._rises.append((self.clocks + clocks, rises))
        if len(self._rises) > MANY:
            self._count()
        self.beats += len(given)
        self.taken += len(taken)
        self.in_waits += int(bits[:, self.column("in_wait")].sum())
        self.out_waits += int(bits[:, self.column("out_valid")].sum()) - len(given)
        for moved in (taken, given):
            if len(moved):
                self.last_beat = max(self.last_beat, self.clocks + int(moved[-1]))
        self.clocks += len(bits)

    def _watch(self, bits: Bits) -> None:
        """Note where a beat that was offered and not taken is not offered again unchanged."""
        before = bits[:1] * 0 if self._before is None else self._before
        rows = np.concatenate((before, bits))
        self._before = bits[-1:].copy()
        valid, beat = rows[:, self.column("out_valid")], rows[:, self.column("out_beat")]
        held = (valid[:-1] == 1) & (beat[:-1] == 0)
        changed = valid[1:] == 0
        for name in PAYLOAD:
            offset, width, _ = self.places[name]
            cut = slice(self.width - offset - width, self.width - offset)
            changed |= (rows[1:, cut] != rows[:-1, cut]).any(axis=1)
        self._keep("unstable", np.flatnonzero(held & changed) + self.clocks)

    @property
    def leaps(self) -> int:
        """Clocks in which a counter moved as it cannot."""
        self._count()
        return self._leaps

    def _count(self) -> None:
        """Decode the clocks in which counters rise."""
        if not self._rises:
            return
        clocks, bits = (np.concatenate(parts) for parts in zip(*self._rises, strict=True))
        self._rises.clear()
        self._leaps += int(decode(bits, self.counters["leap"]).sum())
        for name, place in self.counters.items():
            amounts = decode(bits, place)
            if name == RUNNING:
                self._keep("running", clocks[np.diff(amounts, prepend=self._rose) != 0])
                self._rose = int(amounts[-1])
            elif name != "leap":
                self._keep(f"rise_{name}", np.repeat(clocks, amounts))

    def _keep(self, name: str, values: Ints) -> None:
        if len(values):
            self._parts.setdefault(name, []).append(values)

    def get(self, name: str) -> Ints:
        """All that was kept under a name."""
        self._count()
        return np.concatenate(self._parts.get(name, [np.zeros(0, np.int64)]))
