"""Runs inside the simulator: one flip after another, each in a run of its own.

All runs are the same sequence from a reset on; what a flip leaves in a memory that no step writes
is put right again.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.handle import Immediate

from sim.job import FOLDER, Ints, Job
from sim.pins import Pins, Source, pins
from sim.recorder import Bits

FLIPS, FOUND, SEQUENCE = "flips.json", "found.json", "sequence.npz"


def place_of(dut: Any, path: str, word: int | None) -> Any:
    """The handle of a register, or of a word of a memory."""
    for name in path.split("."):
        dut = getattr(dut, name)
    return dut if word is None else dut[word]


async def play(driver: Pins, source: Source, clocks: int) -> Bits:
    """What was seen in so many clocks of the sequence, from where it is."""
    nothing = np.zeros(clocks, np.uint8)
    return (await driver.stream(source, nothing, nothing + 1)).seen


async def flipped(
    dut: Any, driver: Pins, words: Ints, clocks: int, flip: dict[str, Any] | None
) -> Bits:
    """What was seen of the sequence with a flip in it, or with none."""
    await driver.reset(2)
    source = Source(words)
    source.end = len(words)
    if flip is None:
        return await play(driver, source, clocks)
    seen = await play(driver, source, flip["clock"])
    place = place_of(dut, flip["path"], flip["word"])
    before = int(place.value)
    place.set(Immediate(before ^ flip["mask"]))
    rest = await play(driver, source, clocks - flip["clock"])
    if flip["constant"]:
        place.set(Immediate(before))
    return np.concatenate((seen, rest))


@cocotb.test()
async def run(dut: Any) -> None:
    """Leave of each flip whether every output beat came as ever, and what the core counted."""
    folder = Path(os.environ[FOLDER])
    sequence, flips = np.load(folder / SEQUENCE), json.loads((folder / FLIPS).read_text())
    (job,) = Job.load(folder / "job.npz")
    driver, found = pins(dut, job), list[list[int]]()
    words, clocks, columns = sequence["words"], int(sequence["clocks"]), sequence["columns"]
    counters = [place_of(dut, f"core.{name}", None) for name in sequence["counters"].tolist()]
    right = np.zeros(0)
    for flip in (None, *flips):
        shown = (await flipped(dut, driver, words, clocks, flip))[:, columns]
        beats = shown * shown[:, :1]
        if flip is None:
            right = beats
        else:
            counted = (int(counter.value) for counter in counters)
            found.append([int((beats == right).all()), *counted])
    (folder / FOUND).write_text(json.dumps(found))
