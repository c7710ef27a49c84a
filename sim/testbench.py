"""The part that runs inside the simulator: drives the core, samples it, and writes a recording.

Once a clock it reads one wide port and, where something changes, writes one. It decides nothing:
whether what it saw is right is for the scoreboard to say, outside, once.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock

from sim.job import Job, Recording
from sim.recorder import Recorder

FOLDER = "CAROUSEL_RUN"  # environment variable: the folder with job.npz, for recording.npz
CHUNK = 1024  # clocks between two looks at progress
NEWS = 0.2  # seconds between two notes of progress


def pauses(share: float, seed: tuple[int, int]) -> Iterator[list[bool]]:
    """For chunk after chunk, in which clocks to pause."""
    if share == 0:
        while True:
            yield [False] * CHUNK
    random = np.random.default_rng(seed)
    while True:
        yield (random.random(CHUNK) < share).tolist()


class Source:
    """Offers the elements one after another; once offered, an element stays until it is taken."""

    def __init__(self, job: Job):
        self.words: list[int] = job.words.tolist()
        self.junk, self.at, self.offering = job.junk, 0, False
        self.count = len(self.words)
        self.idle = pauses(job.idle, (job.seed, 0))
        self.back_pressure = pauses(job.back_pressure, (job.seed, 1))

    async def chunk(self, dut: Any, in_beat: int, driven: int) -> tuple[list[str], int]:
        """Drive and sample CHUNK clocks; `in_beat` is that flag's place in a sample."""
        edge, seen, drive = dut.clk.falling_edge, dut.seen, dut.drive
        words, junk, at, offering = self.words, self.junk, self.at, self.offering
        samples: list[str] = []
        for pause, refuse in zip(next(self.idle), next(self.back_pressure), strict=True):
            await edge
            sample = str(seen.value)
            samples.append(sample)
            if sample[in_beat] == "1":
                at += 1
                offering = False
            if not offering and not pause and at < self.count:
                offering = True
            word = (words[at] if offering else junk) | (not refuse)
            if word != driven:
                drive.value = driven = word
        self.at, self.offering = at, offering
        return samples, driven


@cocotb.test()
async def run(dut: Any) -> None:
    """Play the job that lies in the folder and leave a recording there."""
    folder = Path(os.environ[FOLDER])
    job = Job.load(folder / "job.npz")
    recorder = Recorder(job.seen, len(dut.seen))
    source = Source(job)
    dut.rst.value, dut.drive.value = 1, 0
    Clock(dut.clk, 2, unit="step").start()
    for _ in range(3):
        await dut.clk.falling_edge
    dut.rst.value = 0
    in_beat, driven, told = recorder.column("in_beat"), 0, 0.0
    while not _over(job, recorder):
        samples, driven = await source.chunk(dut, in_beat, driven)
        recorder.take(samples)
        if time.monotonic() - told > NEWS:
            told = time.monotonic()
            (folder / "progress").write_text(f"{recorder.beats}\n")
            os.kill(job.owner, 0)  # fails when nobody waits for the result any more
    _recording(dut, job, recorder).save(folder / "recording.npz")


def _over(job: Job, recorder: Recorder) -> bool:
    """Whether all beats came and the drain time passed, or nothing has moved for too long."""
    quiet = recorder.clocks - recorder.last_beat
    if recorder.beats < job.beats:
        return quiet > job.patience
    return recorder.clocks - int(recorder.get("out_clocks")[job.beats - 1]) > job.drain


def _recording(dut: Any, job: Job, recorder: Recorder) -> Recording:
    names = (
        "in_clocks",
        "out_clocks",
        "out_data",
        "out_first",
        "out_last",
        "act",
        "s",
        "y",
        "unstable",
    )
    counters = int(dut.saturations.value)
    return Recording(
        **{name: recorder.get(name) for name in names},
        clocks=recorder.clocks,
        counted=int(dut.clocks.value),
        in_waits=recorder.in_waits,
        out_waits=recorder.out_waits,
        saturations={
            name: counters >> offset & ((1 << width) - 1)
            for name, (offset, width, _) in job.saturations.items()
        },
    )
