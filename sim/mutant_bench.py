"""Runs inside the simulator: the rounds in the folder for one mutant after another, each in a copy
of the process made before its first clock, so that nothing is left of the mutant before."""

import os
from pathlib import Path
from typing import Any

import cocotb

from sim.job import FOLDER, Recording
from sim.testbench import play

LIVING, DONE = "living", "done"  # files: the mutants' numbers; all have been played


@cocotb.test()
async def run(dut: Any) -> None:
    """Leave `<number>.npz` of each mutant; of one that ends the simulator, nothing."""
    folder = Path(os.environ[FOLDER])
    for number in (folder / LIVING).read_text().split():
        child = os.fork()
        if not child:
            dut.mutant.value = int(number)
            Recording.save(folder / f"{number}.npz", await play(dut, folder))
            os._exit(0)
        os.waitpid(child, 0)
    (folder / DONE).touch()
