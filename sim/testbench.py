"""The part that runs inside the simulator: drives the core, samples it, and writes recordings.

Once a clock it reads one wide port and, where something changes, writes one. It decides nothing:
whether what it saw is right is for the scoreboard to say, outside, once.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock

from sim.job import FOLDER, Ints, Job, Recording, Round
from sim.recorder import RUNNING, Recorder, decode, to_bits

POWER_UP, RESET = 3, 1  # clocks of the first reset and of all later ones
NEWS = 0.2  # seconds between two notes of progress
KEPT = ("in_clocks", "out_clocks", "out_data", "out_first", "out_last", "unstable", "running")


class Pauses:
    """In which clocks to pause: at random, each time for `burst` clocks."""

    def __init__(self, share: float, burst: int, seed: tuple[int, int]):
        self.share, self.burst, self.random = share, burst, np.random.default_rng(seed)
        self.left = np.zeros(0, bool)

    def take(self, clocks: int) -> list[bool]:
        """For the next clocks whether to pause in them."""
        if not self.share:
            return [False] * clocks
        draws = max(0, -(-(clocks - len(self.left)) // self.burst))
        drawn = np.repeat(self.random.random(draws) < self.share, self.burst)
        found = np.concatenate((self.left, drawn))
        self.left = found[clocks:]
        return found[:clocks].tolist()


class Bench:
    """Plays a round, clock by clock; once offered, an element stays until it is taken."""

    def __init__(self, dut: Any, job: Job, turn: Round, folder: Path):
        self.dut, self.job, self.turn, self.folder = dut, job, turn, folder
        self.recorder = Recorder(job.seen, len(dut.seen), job.streams, job.counters)
        self.words: list[int] = turn.words.tolist()
        self.at, self.end, self.offering, self.driven, self.told = 0, 0, False, -1, 0.0
        self.sample, self.states, self.stuck = "", [np.zeros(0, np.int64)], ""
        self.idle = Pauses(turn.idle, turn.burst, (turn.seed, 0))
        self.back_pressure = Pauses(turn.back_pressure, turn.burst, (turn.seed, 1))

    async def reset(self, clocks: int) -> None:
        dut = self.dut
        dut.rst.value, dut.drive.value = 1, self.job.junk
        if self.job.stateful:
            dut.state.value = 0
        for _ in range(clocks):
            await dut.clk.falling_edge
        dut.rst.value = 0
        self.sample = "0" * len(dut.seen)

    async def chunk(self, clocks: int) -> tuple[list[str], list[tuple[int, str]]]:
        """Drive and sample for so many clocks; the samples, and what counters did where they
        moved."""
        dut, words, junk, end = self.dut, self.words, self.job.junk, self.end
        edge, seen, drive = dut.clk.falling_edge, dut.seen, dut.drive
        at, offering, driven = self.at, self.offering, self.driven
        in_beat, moved = map(self.recorder.column, ("in_beat", "moved"))
        samples, rises = list[str](), list[tuple[int, str]]()
        word = words[at] if offering else junk
        ready = [not refuse for refuse in self.back_pressure.take(clocks)]
        for pause, accept in zip(self.idle.take(clocks), ready, strict=True):
            await edge
            sample = str(seen.value)
            samples.append(sample)
            if sample[moved] == "1":
                rises.append((len(samples) - 1, str(dut.rises.value)))
            if sample[in_beat] == "1":
                at += 1
                offering, word = False, junk
            if not offering and not pause and at < end:
                offering, word = True, words[at]
            if word | accept != driven:
                drive.value = driven = word | accept
        self.at, self.offering, self.driven = at, offering, driven
        return samples, rises

    async def access(self, words: Ints) -> list[str]:
        """Drive the state port, a word a clock, then 0, while the streams rest; the samples."""
        edge, seen, state = self.dut.clk.falling_edge, self.dut.seen, self.dut.state
        moved, samples, rises = self.recorder.column("moved"), list[str](), list[tuple[int, str]]()
        for word in (*words.tolist(), 0):
            await edge
            samples.append(str(seen.value))
            if samples[-1][moved] == "1":
                rises.append((len(samples) - 1, str(self.dut.rises.value)))
            state.value = word
        self._take(samples, rises)
        return samples

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
            self._take(*await self.chunk(turn.chunk))
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
        self.end = end
        if not await self.until(
            lambda: self.at == end and self.recorder.beats >= beats and self.rests()
        ):
            return False
        if opened:
            samples = await self.access(self.job.reads)
            shown = decode(to_bits(samples), self.job.seen["state_out"])
            self.states.append(shown[-len(writes) :])
        return True

    async def break_off(self) -> None:
        """The first stretch, as far as it comes until the next reset; nothing of it is kept."""
        if self.turn.opened[0]:
            await self.access(self.turn.writes[0])
        self.end = int(self.turn.ends[0])
        await self.chunk(self.turn.stop)

    def rests(self) -> bool:
        """Whether the core listens to its state port, where it has one."""
        return not self.job.stateful or self.sample[self.recorder.column("idle")] == "1"

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

    def _take(self, samples: list[str], rises: list[tuple[int, str]]) -> None:
        self.recorder.take(samples, rises)
        self.sample = samples[-1]
        if time.monotonic() - self.told > NEWS:
            self.told = time.monotonic()
            (self.folder / "progress").write_text(f"{self.recorder.taken}\n")
            os.kill(self.job.owner, 0)  # fails when the process that wants the result is gone


async def play(dut: Any, folder: Path) -> list[Recording]:
    """Play the rounds that lie in the folder, up to the first in which the core is stuck."""
    (job,), recordings = Job.load(folder / "job.npz"), list[Recording]()
    Clock(dut.clk, 2, unit="step").start()
    for number, turn in enumerate(Round.load(folder / "rounds.npz")):
        bench = Bench(dut, job, turn, folder)
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
