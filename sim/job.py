"""What goes into the simulator and what comes back: files, so that nothing else need be shared.

This module is loaded inside the simulator, so it imports little.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from golden.files import replacing
from sim.errors import ToolError

FOLDER = "CAROUSEL_RUN"  # environment variable: the folder with the files
Ints = npt.NDArray[Any]  # int64


class _Filed:
    """A dataclass of arrays, dicts of arrays and values that JSON can write; many to a file."""

    @classmethod
    def save(cls, path: Path, items: Sequence[Self]) -> None:
        """Write them to an .npz file; it appears whole or not at all."""
        parts: dict[str, list[Ints]] = {}
        plain = []
        for item in items:
            values: dict[str, Any] = {}
            shapes: dict[str, list[int]] = {}
            for field in fields(item):  # type: ignore[arg-type]
                value = getattr(item, field.name)
                arrays = {field.name: value}
                if isinstance(value, dict) and isinstance(
                    next(iter(value.values()), 0), np.ndarray
                ):
                    arrays = {f"{field.name}.{key}": array for key, array in value.items()}
                elif not isinstance(value, np.ndarray):
                    values[field.name] = value
                    continue
                for name, array in arrays.items():
                    parts.setdefault(name, []).append(array.reshape(-1))
                    shapes[name] = list(array.shape)
            plain.append((values, shapes))
        joined = {name: np.concatenate(each) for name, each in parts.items()}
        with replacing(path, ToolError) as other, other.open("wb") as file:
            np.savez(file, allow_pickle=False, **joined, _plain=np.array(json.dumps(plain)))

    @classmethod
    def load(cls, path: Path) -> list[Self]:
        """Read what `save` wrote."""
        items = []
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        for values, shapes in json.loads(str(arrays.pop("_plain"))):
            for name, shape in shapes.items():
                size = int(np.prod(shape))
                array, arrays[name] = arrays[name][:size].reshape(shape), arrays[name][size:]
                outer, _, inner = name.partition(".")
                if inner:
                    values.setdefault(outer, {})[inner] = array
                else:
                    values[outer] = array
            items.append(cls(**values))
        return items


@dataclass(frozen=True)
class Job(_Filed):
    """What all rounds of a run have in common.

    Attributes
    ----------
    junk : value of `drive` while nothing is offered, valid excluded.
    reads : values of `state` that read the state after a sequence; the last clocks show it.
        None where the core has no state port.
    seen : name -> (offset, width, signed) of every field of `seen`.
    streams : names of the probe's parts.
    counters : name -> (offset, width, signed) of every field of `rises`.
    owner : the process that wants the result; without it, the run ends.
    """

    junk: int
    reads: Ints
    seen: dict[str, tuple[int, int, bool]]
    streams: tuple[str, ...]
    counters: dict[str, tuple[int, int, bool]]
    owner: int

    @property
    def stateful(self) -> bool:
        """Whether there is a state port."""
        return len(self.reads) > 0


@dataclass(frozen=True)
class Round(_Filed):
    """From a reset to the next one.

    The elements go in in stretches: before a stretch may stand an access to the state port that
    writes a state, and then one that reads it stands behind it.

    Attributes
    ----------
    words : values of `drive` that offer the elements, in order, valid included.
    ends, beats : how many elements have gone in, and output beats come out, after each stretch.
    opened : of each stretch 1 where the state port is accessed around it, 0 where it is not.
    writes : (stretches, words) values of `state` that write the state.
    stop : clocks after which the next reset comes, wherever the core is, and nothing is recorded;
        0: all is played.
    idle, back_pressure : in which share of the clocks the source pauses, the sink is not ready.
    burst : clocks for which they stay as they are.
    seed : of both.
    patience : clocks without any beat after which the core counts as stuck.
    limit : clocks after which it does in any case.
    drain : clocks to go on after the last expected beat, the sink always ready.
    chunk : clocks between two looks at whether all has come.
    """

    words: Ints
    ends: Ints
    beats: Ints
    opened: Ints
    writes: Ints
    stop: int
    idle: float
    back_pressure: float
    burst: int
    seed: int
    patience: int
    limit: int
    drain: int
    chunk: int


@dataclass(frozen=True)
class Recording(_Filed):
    """What was seen in a round. Clocks are counted from reset; flags and codes are in order of
    arrival.

    Attributes
    ----------
    in_clocks : the clock in which each element was taken.
    out_clocks, out_data, out_first, out_last : of every output beat.
    probe : the codes of the probe's parts, by name.
    state : the words of the state after each stretch that had one written before it.
    unstable : clocks in which an offered beat was withdrawn or changed before it was taken.
    rises : the clocks in which each of the core's counters was one higher than the clock before; a
        clock twice where it was two higher.
    running : the clocks in which the counter `cycles` began to rise, or no longer rose, in turn.
    leaps : clocks in which a counter fell, or rose by more than it can in a clock.
    clocks, counted : clocks recorded; rising edges that the hardware counted.
    in_waits : clocks in which an element was offered and not taken.
    out_waits : clocks in which a beat was offered and not taken.
    too_long : clocks in which the core said that a sequence is longer than it can hold.
    stuck : why the round was given up, or nothing.
    """

    in_clocks: Ints
    out_clocks: Ints
    out_data: Ints
    out_first: Ints
    out_last: Ints
    probe: dict[str, Ints]
    state: Ints
    unstable: Ints
    rises: dict[str, Ints]
    running: Ints
    leaps: int
    clocks: int
    counted: int
    in_waits: int
    out_waits: int
    too_long: int
    stuck: str
