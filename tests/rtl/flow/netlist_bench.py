"""The part of `netlists.compare` that runs inside the simulator."""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

FOLDER = "CAROUSEL_NETLISTS"  # environment variable: the folder with asked.json, for seen.json


@cocotb.test()
async def run(dut: Any) -> None:
    """Drive random inputs and clocks; note which designs ever differ and how often each moves."""
    folder = Path(os.environ[FOLDER])
    asked = json.loads((folder / "asked.json").read_text())
    rng, mask = random.Random(asked["seed"]), (1 << asked["out"]) - 1
    differs, moves, before = 0, [0] * asked["count"], 0
    dut.clk.value = dut.clk2.value = 0
    for _ in range(asked["steps"]):
        dut.r.value = rng.getrandbits(asked["in"] * asked["count"])
        await Timer(1, "step")
        differs |= int(dut.differs.value)
        edges = rng.choice([(1, 0), (1, 0), (0, 1), (1, 1)])
        dut.clk.value, dut.clk2.value = edges
        await Timer(1, "step")
        differs |= int(dut.differs.value)
        now = int(dut.q.value)
        changed = before ^ now
        moves = [n + (changed >> asked["out"] * k & mask != 0) for k, n in enumerate(moves)]
        before = now
        dut.clk.value = dut.clk2.value = 0
        await Timer(1, "step")
        differs |= int(dut.differs.value)
    (folder / "seen.json").write_text(json.dumps({"differs": differs, "moves": moves}))
