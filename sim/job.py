"""What goes into the simulator and what comes back: two files, so that nothing else need be shared.

This module is loaded inside the simulator, so it imports little.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[Any]  # int64


class _Filed:
    """A dataclass of arrays, dicts of arrays and values that JSON can write, in one .npz file."""

    def save(self, path: Path) -> None:
        """Write; the file appears whole or not at all."""
        arrays: dict[str, Any] = {}
        plain = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            elif isinstance(value, dict) and isinstance(next(iter(value.values()), 0), np.ndarray):
                arrays |= {f"{field.name}.{key}": array for key, array in value.items()}
            else:
                plain[field.name] = value
        beside = path.with_suffix(".part")
        with open(beside, "wb") as file:
            np.savez(file, **arrays, _plain=np.array(json.dumps(plain)))
        beside.rename(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path) as file:
            values: dict[str, Any] = json.loads(str(file["_plain"]))
            for name in file.files:
                if name != "_plain":
                    outer, _, inner = name.partition(".")
                    if inner:
                        values.setdefault(outer, {})[inner] = file[name]
                    else:
                        values[outer] = file[name]
        return cls(**values)


@dataclass(frozen=True)
class Job(_Filed):
    """One run.

    Attributes
    ----------
    words : values of `drive` that offer the elements, in order, valid included.
    junk : value of `drive` while nothing is offered, valid excluded.
    writes : (sequences, words) values of `state` that write the state which a sequence starts from;
        no sequences where there is no state port.
    reads : values of `state` that read the state after a sequence; the last clocks show it.
    seen : name -> (offset, width, signed) of every field of `seen`.
    saturations : the same for the saturation counters.
    counters : names of the core's other counters.
    streams : names of the probe's parts.
    beats : output beats to wait for.
    patience : clocks without any beat after which the core counts as stuck.
    drain : clocks to go on after the last expected beat.
    idle, back_pressure : in which share of the clocks the source pauses, the sink is not ready.
    seed : of both.
    owner : the process that wants the result; without it, the run ends.
    """

    words: Ints
    junk: int
    writes: Ints
    reads: Ints
    seen: dict[str, tuple[int, int, bool]]
    saturations: dict[str, tuple[int, int, bool]]
    counters: tuple[str, ...]
    streams: tuple[str, ...]
    beats: int
    patience: int
    drain: int
    idle: float
    back_pressure: float
    seed: int
    owner: int


@dataclass(frozen=True)
class Recording(_Filed):
    """What was seen. Clocks are counted from reset; the flags and codes are in order of arrival.

    Attributes
    ----------
    in_clocks : the clock in which each element was taken.
    out_clocks, out_data, out_first, out_last : of every output beat.
    probe : the codes of the probe's parts, by name.
    state : the words of the state after each sequence.
    clocks, counted : clocks recorded; rising edges that the hardware counted.
    in_waits : clocks in which an element was offered and not taken.
    out_waits : clocks in which a beat was offered and not taken.
    unstable : clocks in which an offered beat was withdrawn or changed before it was taken.
    too_long : clocks in which the core said that a sequence is longer than it can hold.
    saturations : the core's counters of clipped values.
    counters : its other ones, of steps and cycles; empty where it has none.
    """

    in_clocks: Ints
    out_clocks: Ints
    out_data: Ints
    out_first: Ints
    out_last: Ints
    probe: dict[str, Ints]
    state: Ints
    unstable: Ints
    clocks: int
    counted: int
    in_waits: int
    out_waits: int
    too_long: int
    saturations: dict[str, int]
    counters: dict[str, int]
