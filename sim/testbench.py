"""The part that runs inside the simulator: drives the core, samples it, and writes recordings.

It decides nothing: whether what it saw is right is for the scoreboard to say, outside, once.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from sim.job import FOLDER, Ints, Job, Recording, Round
from sim.pins import Pins, Samples, Source, pins
from sim.recorder import RUNNING, Bits, Recorder, decode

POWER_UP, RESET = 3, 1  # clocks of the first reset and of all later ones
NEWS = 0.2  # seconds between two notes of progress
KEPT = ("in_clocks", "out_clocks", "out_data", "out_first", "out_last", "unstable", "running")


class Pauses:
    """In which clocks to pause: at random, each time for `burst` clocks."""

    def __init__(self, share: float, burst: int, seed: tuple[int, int]):
        self.share, self.burst, self.left = share, burst, np.zeros(0, bool)
        # loading it takes as long as a short round
        self.random: Any = np.random.default_rng(seed) if share else None

    def take(self, clocks: int) -> Bits:
        """For the next clocks whether to pause in them."""
        if not self.share:
            return np.zeros(clocks, bool)
        draws = max(0, -(-(clocks - len(self.left)) // self.burst))
        drawn = np.repeat(self.random.random(draws) < self.share, self.burst)
        paused = np.concatenate((self.left, drawn))
        self.left = paused[clocks:]
        return paused[:clocks]


class Bench:
    """Plays a round, clock by clock; once offered, an element stays until it is taken."""

    def __init__(self, dut: Any, pins: Pins, job: Job, turn: Round, folder: Path):
        self.dut, self.pins, self.job, self.turn, self.folder = dut, pins, job, turn, folder
        self.recorder = Recorder(job.seen, len(dut.seen), job.streams, job.counters)
        self.source, self.told = Source(turn.words), 0.0
        self.states, self.stuck = [np.zeros(0, np.int64)], ""
        self.idle = Pauses(turn.idle, turn.burst, (turn.seed, 0))
        self.back_pressure = Pauses(turn.back_pressure, turn.burst, (turn.seed, 1))

    async def reset(self, clocks: int) -> None:
        await self.pins.reset(clocks)
        self.sample = np.zeros(self.recorder.width, np.uint8)

    async def chunk(self, clocks: int) -> Samples:
        """Drive and sample for so many clocks."""
        pauses, refused = self.idle.take(clocks), self.back_pressure.take(clocks)
        return await self.pins.stream(self.source, pauses, ~refused)

    async def access(self, words: Ints) -> Bits:
        """Drive the state port, a word a clock, then 0, while the streams rest; what was seen."""
        samples = await self.pins.access(np.append(words, 0))
        self._take(samples)
        return samples.seen

    async def until(self, done: Callable[[], bool]) -> bool:
        """Go on until it is done; False when nothing has moved for too long, or all has taken too
        long."""
        begun, turn = self.recorder.clocks, self.turn
        while not done():
            if self.recorder.clocks > turn.limit:
                self.stuck = f"{turn.limit} clocks are the most that this may take"
            elif self.recorder.clocks - max(begun, self.recorder.last_beat) > turn.patience:
                self.stuck = f"no beat for {turn.patience} clocks"
            if self.stuck:
                return False
            self._take(await self.chunk(turn.chunk))
        return True

    async def play(self) -> None:
        """All stretches, and some clocks behind them."""
        turn = self.turn
        for opened, end, beats, writes in zip(
            turn.opened.tolist(), turn.ends.tolist(), turn.beats.tolist(), turn.writes, strict=True
        ):
            if not await self.stretch(opened, end, beats, writes):
                return
        self.back_pressure = Pauses(0, 1, (0, 0))
        await self.until(self.drained)

    async def stretch(self, opened: int, end: int, beats: int, writes: Ints) -> bool:
        """Offer the elements up to `end` until all are taken and `beats` beats have come in all,
        between two accesses to the state port where they are asked for."""
        if opened:
            if not await self.until(self.rests):
                return False
            await self.access(writes)
        self.source.end = end
        if not await self.until(
            lambda: self.source.at == end and self.recorder.beats >= beats and self.rests()
        ):
            return False
        if opened:
            seen = await self.access(self.job.reads)
            shown = decode(seen, self.job.seen["state_out"])
            self.states.append(shown[-len(writes) :])
        return True

    async def break_off(self) -> None:
        """The first stretch, as far as it comes until the next reset; nothing of it is kept."""
        if self.turn.opened[0]:
            await self.access(self.turn.writes[0])
        self.source.end = int(self.turn.ends[0])
        await self.chunk(self.turn.stop)

    def rests(self) -> bool:
        """Whether the core listens to its state port, where it has one."""
        return not self.job.stateful or bool(self.sample[self.recorder.column("idle")])

    def drained(self) -> bool:
        """Whether enough time has passed since the last beat that was asked for."""
        last = int(self.recorder.get("out_clocks")[self.turn.beats[-1] - 1])
        return self.recorder.clocks - last > self.turn.drain

    def recording(self) -> Recording:
        """All that was seen."""
        recorder = self.recorder
        return Recording(
            **{name: recorder.get(name) for name in KEPT},
            probe={name: recorder.get(f"probe_{name}") for name in self.job.streams},
            state=np.concatenate(self.states),
            rises={
                name: recorder.get(f"rise_{name}")
                for name in recorder.counters
                if name not in ("leap", RUNNING)
            },
            leaps=recorder.leaps,
            clocks=recorder.clocks,
            counted=int(self.dut.clocks.value),
            in_waits=recorder.in_waits,
            out_waits=recorder.out_waits,
            too_long=recorder.too_long,
            stuck=self.stuck,
        )

    def _take(self, samples: Samples) -> None:
        self.recorder.take(*samples)
        self.sample = samples.seen[-1].copy()
        if time.monotonic() - self.told > NEWS:
            self.told = time.monotonic()
            (self.folder / "progress").write_text(f"{self.recorder.taken}\n")
            os.kill(self.job.owner, 0)  # fails when the process that wants the result is gone


async def play(dut: Any, folder: Path) -> list[Recording]:
    """Play the rounds that lie in the folder, up to the first in which the core is stuck."""
    (job,), recordings = Job.load(folder / "job.npz"), list[Recording]()
    ports = pins(dut, job)
    for number, turn in enumerate(Round.load(folder / "rounds.npz")):
        bench = Bench(dut, ports, job, turn, folder)
        await bench.reset(RESET if number else POWER_UP)
        if turn.stop:
            await bench.break_off()
            continue
        await bench.play()
        recordings.append(bench.recording())
        if bench.stuck:
            break
    return recordings


@cocotb.test()
async def run(dut: Any) -> None:
    """Play what lies in the folder and leave recordings there."""
    folder = Path(os.environ[FOLDER])
    Recording.save(folder / "recordings.npz", await play(dut, folder))
