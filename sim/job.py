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
    """A dataclass of arrays and of values that JSON can write, kept in one .npz file."""

    def save(self, path: Path) -> None:
        """Write; the file appears whole or not at all."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        arrays = {name: v for name, v in values.items() if isinstance(v, np.ndarray)}
        contents: dict[str, Any] = dict(arrays)
        plain = {name: v for name, v in values.items() if name not in arrays}
        contents["_plain"] = np.array(json.dumps(plain))
        beside = path.with_suffix(".part")
        with open(beside, "wb") as file:
            np.savez(file, **contents)
        beside.rename(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path) as file:
            values: dict[str, Any] = {name: file[name] for name in file.files if name != "_plain"}
            return cls(**values, **json.loads(str(file["_plain"])))


@dataclass(frozen=True)
class Job(_Filed):
    """One run.

    Attributes
    ----------
    words : values of `drive` that offer the elements, in order, valid included.
    junk : value of `drive` while nothing is offered, valid excluded.
    seen : name -> (offset, width, signed) of every field of `seen`.
    saturations : the same for the saturation counters.
    beats : output beats to wait for.
    patience : clocks without any beat after which the core counts as stuck.
    drain : clocks to go on after the last expected beat.
    idle, back_pressure : in which share of the clocks the source pauses, the sink is not ready.
    seed : of both.
    owner : the process that wants the result; without it, the run ends.
    """

    words: Ints
    junk: int
    seen: dict[str, tuple[int, int, bool]]
    saturations: dict[str, tuple[int, int, bool]]
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
    act, s, y : the probe's codes (empty without a probe).
    clocks, counted : clocks recorded; rising edges that the hardware counted.
    in_waits : clocks in which an element was offered and not taken.
    out_waits : clocks in which a beat was offered and not taken.
    unstable : clocks in which an offered beat was withdrawn or changed before it was taken.
    saturations : the core's counters.
    """

    in_clocks: Ints
    out_clocks: Ints
    out_data: Ints
    out_first: Ints
    out_last: Ints
    act: Ints
    s: Ints
    y: Ints
    unstable: Ints
    clocks: int
    counted: int
    in_waits: int
    out_waits: int
    saturations: dict[str, int]
