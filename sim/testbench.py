"""The part that runs inside the simulator: drives the core, samples it, and writes a recording.

Once a clock it reads one wide port and, where something changes, writes one. It decides nothing:
whether what it saw is right is for the scoreboard to say, outside, once.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock

from sim.job import Ints, Job, Recording
from sim.recorder import Recorder, decode, to_bits

FOLDER = "CAROUSEL_RUN"  # environment variable: the folder with job.npz, for recording.npz
CHUNK = 1024  # clocks between two looks at progress
SHORT = 64  # the same where every sequence is waited for, so that few clocks pass in vain
NEWS = 0.2  # seconds between two notes of progress
KEPT = ("in_clocks", "out_clocks", "out_data", "out_first", "out_last", "unstable")


def pauses(share: float, seed: tuple[int, int], chunk: int) -> Iterator[list[bool]]:
    """For chunk after chunk, in which clocks to pause."""
    if share == 0:
        while True:
            yield [False] * chunk
    random = np.random.default_rng(seed)
    while True:
        yield (random.random(chunk) < share).tolist()


class Bench:
    """Drives and samples, clock by clock; once offered, an element stays until it is taken."""

    def __init__(self, dut: Any, job: Job, folder: Path):
        self.dut, self.job, self.folder = dut, job, folder
        self.recorder = Recorder(job.seen, len(dut.seen), job.streams)
        self.stateful = len(job.writes) > 0
        self.words: list[int] = []
        self.at, self.offering, self.driven, self.told = 0, False, 0, 0.0
        self.sample, self.states = "0" * len(dut.seen), [np.zeros(0, np.int64)]
        chunk = SHORT if self.stateful else CHUNK
        self.idle = pauses(job.idle, (job.seed, 0), chunk)
        self.back_pressure = pauses(job.back_pressure, (job.seed, 1), chunk)

    async def reset(self) -> None:
        dut = self.dut
        dut.rst.value, dut.drive.value = 1, 0
        if self.stateful:
            dut.state.value = 0
        Clock(dut.clk, 2, unit="step").start()
        for _ in range(3):
            await dut.clk.falling_edge
        dut.rst.value = 0

    async def chunk(self) -> None:
        """Drive and sample a chunk of clocks."""
        dut, words, junk, count = self.dut, self.words, self.job.junk, len(self.words)
        edge, seen, drive = dut.clk.falling_edge, dut.seen, dut.drive
        at, offering, driven = self.at, self.offering, self.driven
        in_beat, samples = self.recorder.column("in_beat"), []
        for pause, refuse in zip(next(self.idle), next(self.back_pressure), strict=True):
            await edge
            sample = str(seen.value)
            samples.append(sample)
            if sample[in_beat] == "1":
                at += 1
                offering = False
            if not offering and not pause and at < count:
                offering = True
            word = (words[at] if offering else junk) | (not refuse)
            if word != driven:
                drive.value = driven = word
        self.at, self.offering, self.driven = at, offering, driven
        self._take(samples)

    async def access(self, words: Ints) -> list[str]:
        """Drive the state port, a word a clock, then 0, while the streams rest; the samples."""
        edge, seen, state = self.dut.clk.falling_edge, self.dut.seen, self.dut.state
        samples = []
        for word in (*words.tolist(), 0):
            await edge
            samples.append(str(seen.value))
            state.value = word
        self._take(samples)
        return samples

    async def until(self, done: Callable[[], bool]) -> bool:
        """Go on until it is done; False when nothing has moved for too long."""
        begun = self.recorder.clocks
        while not done():
            if self.recorder.clocks - max(begun, self.recorder.last_beat) > self.job.patience:
                return False
            await self.chunk()
        return True

    async def play(self, words: Ints, beats: int) -> bool:
        """Offer elements until all are taken and `beats` beats have come in all."""
        self.words, self.at = words.tolist(), 0
        return await self.until(
            lambda: self.at == len(words) and self.recorder.beats >= beats and self.rests()
        )

    async def play_from_states(self) -> bool:
        """`play` each sequence from its state, and read the state after it."""
        job, count = self.job, len(self.job.writes)
        for k, words in enumerate(np.split(job.words, count)):
            if not await self.until(self.rests):
                return False
            await self.access(job.writes[k])
            if not await self.play(words, job.beats * (k + 1) // count):
                return False
            samples = await self.access(job.reads)
            shown = decode(to_bits(samples), job.seen["state_out"])
            self.states.append(shown[-job.writes.shape[1] :])
        return True

    def rests(self) -> bool:
        """Whether the core listens to its state port, where it has one."""
        return not self.stateful or self.sample[self.recorder.column("idle")] == "1"

    def drained(self) -> bool:
        """Whether enough time has passed since the last beat that was asked for."""
        last = int(self.recorder.get("out_clocks")[self.job.beats - 1])
        return self.recorder.clocks - last > self.job.drain

    def recording(self) -> Recording:
        """All that was seen."""
        job, recorder, counters = self.job, self.recorder, int(self.dut.saturations.value)
        return Recording(
            **{name: recorder.get(name) for name in KEPT},
            probe={name: recorder.get(f"probe_{name}") for name in job.streams},
            state=np.concatenate(self.states),
            clocks=recorder.clocks,
            counted=int(self.dut.clocks.value),
            in_waits=recorder.in_waits,
            out_waits=recorder.out_waits,
            too_long=recorder.too_long,
            saturations={
                name: counters >> offset & ((1 << width) - 1)
                for name, (offset, width, _) in job.saturations.items()
            },
            counters={name: int(getattr(self.dut, name).value) for name in job.counters},
        )

    def _take(self, samples: list[str]) -> None:
        self.recorder.take(samples)
        self.sample = samples[-1]
        if time.monotonic() - self.told > NEWS:
            self.told = time.monotonic()
            (self.folder / "progress").write_text(f"{self.recorder.taken}\n")
            os.kill(self.job.owner, 0)  # fails when nobody waits for the result any more


@cocotb.test()
async def run(dut: Any) -> None:
    """Play the job that lies in the folder and leave a recording there."""
    folder = Path(os.environ[FOLDER])
    job = Job.load(folder / "job.npz")
    bench = Bench(dut, job, folder)
    await bench.reset()
    if bench.stateful:
        complete = await bench.play_from_states()
    else:
        complete = await bench.play(job.words, job.beats)
    if complete:
        await bench.until(bench.drained)
    bench.recording().save(folder / "recording.npz")
