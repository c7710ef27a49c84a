"""What is left of stored values after a lag among distractors: float64, float32 and fixed point.

Runs start from stored states and all hear the same distractors. Two measures, at each lag T:

- left: how far the runs' states are apart (root mean square over all pairs), relative to lag 0.
  What tells the runs apart is what was stored: 0 is forgotten, 1 is kept. More than 1 is kept as
  well: cells that go on counting what they hear can come to differ more.
- change: the largest |s(T) - s(0)|; 0 is held to the bit.

The distractors come round again. When all states are, to the bit, what they were a number of rounds
before, all that follows repeats, and whole cycles are left out: exactly, and in float too.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.network import QuantizedNetwork, real_state
from fixedpoint.retention.hold import CHUNK
from golden.cell import LayerState
from golden.errors import InputError
from golden.network import Network
from golden.pieces import PARTS, together
from golden.squash import Array
from golden.trace import Trace

DECADES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)


State = tuple[LayerState, ...]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class RunGroup:
    """Runs that hear the same distractors.

    Attributes
    ----------
    start : the stored states in codes, arrays (N, ...).
    pool : input codes (P, D); step t hears pool[t mod P]. Cycles are looked for every
        lcm(P, CHUNK) steps, and so are found the sooner the more P has in common with CHUNK.
    """

    start: State
    pool: Codes

    @property
    def count(self) -> int:
        return len(self.start[0].s)

    def codes(self, first: int, steps: int) -> Codes:
        """What the runs hear from step `first` on: (N, steps, D)."""
        heard = self.pool[np.arange(first, first + steps) % len(self.pool)]
        return np.broadcast_to(heard, (self.count, *heard.shape))


@dataclass(frozen=True)
class KeptOfGroup:
    """What a group kept, by layer.

    Attributes
    ----------
    left, change : (layers, lags), as above; left is nan where nothing was stored that differs.
    states : for each layer the s of all runs, real (lags, N, C).
    """

    left: Array
    change: Array
    states: tuple[Array, ...]

    @classmethod
    def of(cls, start: Sequence[Array], states: Sequence[Array]) -> "KeptOfGroup":
        """From each layer's s at lag 0, (N, C), and at the lags, (lags, N, C)."""
        pairs = list(zip(start, states, strict=True))
        apart = [_spread(s) / (_spread(before) or np.nan) for before, s in pairs]
        change = [np.abs(s - before).max(axis=(1, 2)) for before, s in pairs]
        return cls(np.array(apart), np.array(change), tuple(states))


def _spread(s: Array) -> Any:
    """Root mean square distance of runs (..., N, C), but for a factor that N sets."""
    return np.sqrt(np.square(s - s.mean(axis=-2, keepdims=True)).sum(axis=(-2, -1)))


def in_fixed_point(
    qnet: QuantizedNetwork,
    groups: Sequence[RunGroup],
    lags: Sequence[int],
    progress: Progress | None = None,
) -> tuple[KeptOfGroup, ...]:
    """Follow the groups in the integer model, side by side.

    Parameters
    ----------
    lags : steps, rising.
    progress : called now and then with the number of steps done.

    Raises
    ------
    InputError : lags that do not rise from 1; codes or states that do not fit the network.
    """
    start = joined(groups)
    seen = _follow(qnet.run, start, groups, lags, progress)
    return kept(groups, [real_state(qnet.formats, state) for state in (start, *seen)])


def in_float(
    net: Network,
    qnet: QuantizedNetwork,
    groups: Sequence[RunGroup],
    lags: Sequence[int],
    single: bool,
    progress: Progress | None = None,
) -> tuple[KeptOfGroup, ...]:
    """The same in float64, or float32 where `single`, from the values that the codes stand for."""

    def run(codes: Codes, state: State) -> Trace:
        return net.run(qnet.formats.decode(codes), state, single)

    start = real_state(qnet.formats, joined(groups))
    return kept(groups, [start, *_follow(run, start, groups, lags, progress)])


def joined(groups: Sequence[RunGroup]) -> State:
    """The states of all groups, one run after the other."""
    return together(group.start for group in groups)


def _follow(
    run: Callable[[Codes, State], Trace],
    state: State,
    groups: Sequence[RunGroup],
    lags: Sequence[int],
    progress: Progress | None,
) -> list[State]:
    """The states after each lag."""
    if list(lags) != sorted({lag for lag in lags if lag > 0}):
        raise InputError(f"lags {', '.join(map(str, lags))}: must rise from at least 1 step")
    states, done = [], 0
    seen: dict[bytes, int] = {}
    cycle, again = 0, math.lcm(CHUNK, *(len(group.pool) for group in groups))
    for lag in lags:
        while done < lag:
            if not cycle and done % again == 0:
                cycle = done - seen.setdefault(_bits(state), done)
            if 0 < cycle <= lag - done:
                done += (lag - done) // cycle * cycle
                continue
            end = min(lag, done - done % CHUNK + CHUNK)
            codes = [group.codes(done, end - done) for group in groups]
            state = run(np.concatenate(codes), state).state
            done = end
            if progress:
                progress(done)
        states.append(state)
    return states


def _bits(state: State) -> bytes:
    """All that decides what follows."""
    return b"".join(getattr(st, name).tobytes() for st in state for name in PARTS)


def kept(groups: Sequence[RunGroup], states: Sequence[State]) -> tuple[KeptOfGroup, ...]:
    """What each group kept, from the real states of all runs at lag 0 and at each lag."""
    every = [np.stack([np.asarray(st[k].s, float) for st in states]) for k in range(len(states[0]))]
    ends = np.cumsum([0, *(group.count for group in groups)])
    return tuple(
        KeptOfGroup.of([s[0, a:b] for s in every], [s[1:, a:b] for s in every])
        for a, b in zip(ends[:-1], ends[1:], strict=True)
    )
