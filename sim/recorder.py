"""Raw samples of `seen` to clocks, flags and codes, thousands of clocks at a time.

This module is loaded inside the simulator, so it imports little.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.job import Ints

Bits = npt.NDArray[Any]  # uint8, one bit each
Place = tuple[int, int, bool]
RUNNING = "cycles"  # rises in most clocks: kept are those in which that changes
PAYLOAD = ("out_data", "out_first", "out_last")


def to_bits(samples: Sequence[str]) -> Bits:
    """Samples, each the text of a binary number, as rows of bits."""
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
    counters : names of the counters whose rises are shown.
    """

    def __init__(
        self,
        places: dict[str, Place],
        width: int,
        streams: Sequence[str] = (),
        counters: Sequence[str] = (),
    ):
        self.places, self.width, self.streams = places, width, streams
        self.counters = [name for name in counters if name != RUNNING]
        self.runs = RUNNING in counters
        self.clocks = self.beats = self.in_waits = self.out_waits = self.last_beat = 0
        self.taken = self.too_long = self.leaps = 0
        self._rose = np.zeros(1, np.uint8)
        self._parts: dict[str, list[Ints]] = {}
        self._before: Bits | None = None

    def column(self, name: str) -> int:
        """Where a one-bit field stands in a sample's text."""
        return self.width - 1 - self.places[name][0]

    def take(self, samples: list[str]) -> None:
        """Take samples of consecutive clocks, each the text of a binary number."""
        bits = to_bits(samples)
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
        self._count(bits)
        self.beats += len(given)
        self.taken += len(taken)
        self.in_waits += int(bits[:, self.column("in_wait")].sum())
        self.out_waits += int(bits[:, self.column("out_valid")].sum()) - len(given)
        for moved in (taken, given):
            if len(moved):
                self.last_beat = max(self.last_beat, self.clocks + int(moved[-1]))
        self.clocks += len(samples)

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

    def _count(self, bits: Bits) -> None:
        """Note the clocks in which counters rise."""
        self.leaps += int(bits[:, self.column("leap")].sum())
        for name in self.counters:
            amounts = decode(bits, self.places[f"rise_{name}"])
            rising = np.flatnonzero(amounts)
            self._keep(f"rise_{name}", np.repeat(rising, amounts[rising]) + self.clocks)
        if self.runs:
            rose = np.concatenate((self._rose, bits[:, self.column(f"rise_{RUNNING}")]))
            self._rose = rose[-1:]
            self._keep("running", np.flatnonzero(rose[1:] != rose[:-1]) + self.clocks)

    def _keep(self, name: str, values: Ints) -> None:
        if len(values):
            self._parts.setdefault(name, []).append(values)

    def get(self, name: str) -> Ints:
        """All that was kept under a name."""
        return np.concatenate(self._parts.get(name, [np.zeros(0, np.int64)]))
