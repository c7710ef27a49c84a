"""The handshakes of a core, clock by clock, from Amaranth's simulator: `python -m bench.waves`.

Prints what stands in docs/integrate.md, two vectors of three elements and their outputs.
"""

from typing import Any

import numpy as np
from amaranth.sim import Simulator

from fixedpoint import quantize
from golden import Dense, Layer, Network
from rtl import CoreOptions, plan
from rtl.verilog import Top

SIGNALS = ("i_valid", "i_ready", "i_data", "i_first", "i_last", "o_valid", "o_ready", "o_data")
REST, LATE = 2, 2  # the source rests in this clock; the sink comes so many clocks late
BEFORE, BEHIND = 2, 7  # clocks shown around the first output


def core() -> tuple[Top, np.ndarray]:
    """A small core and two vectors for it, as codes."""
    rng = np.random.default_rng(3)
    layer = Layer({k: rng.normal(size=(2, 5)) for k in "ifog"}, {k: np.zeros(2) for k in "ifog"})
    net = Network((layer,), (Dense(rng.normal(size=(2, 2)), np.zeros(2)),), "waves")
    x = rng.normal(size=(1, 2, 3))
    qnet = quantize(net, bits=12, calibrate=x)
    return Top(plan(qnet, CoreOptions(4))), qnet.encode(x)[0][0]


def watch(top: Any, codes: np.ndarray) -> list[dict[str, int]]:
    """What the ports are at each rising edge."""
    found: list[dict[str, int]] = []

    async def testbench(ctx: Any) -> None:
        left, given, late = list(enumerate(codes.reshape(-1).tolist())), 0, 0
        while given < codes.shape[0] * top.plan.qnet.outputs:
            place, code = left[0] if left else (0, 0)
            offered = bool(left) and len(found) != REST
            ctx.set(top.i_valid, offered)
            ctx.set(top.i_data, code if offered else 0)
            ctx.set(top.i_first, offered and place == 0)
            ctx.set(top.i_last, offered and place == codes.size - 1)
            late += bool(ctx.get(top.o_valid))
            ctx.set(top.o_ready, late > LATE)
            seen = {name: int(ctx.get(getattr(top, name))) for name in SIGNALS}
            found.append(seen)
            if seen["i_valid"] and seen["i_ready"]:
                left.pop(0)
            given += seen["o_valid"] and seen["o_ready"]
            await ctx.tick()

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return found


def draw(seen: list[dict[str, int]]) -> str:
    """Rows of signals; a bit is high or low, an element is shown where it is offered."""
    first = next(k for k, each in enumerate(seen) if each["o_valid"])
    begin = range(8)
    end = range(first - BEFORE, min(len(seen), first + BEHIND))
    rows: list[tuple[str, list[str], list[str]]] = [
        ("clock", [f"{k:<5}" for k in begin], [f"{k:<5}" for k in end])
    ]
    for name in SIGNALS:
        early, late = ([_cell(name, seen[k]) for k in part] for part in (begin, end))
        rows.append((name, early, late))
    return "\n".join(f"    {name:8} {''.join(a)} ... {''.join(b)}".rstrip() for name, a, b in rows)


def _cell(name: str, seen: dict[str, int]) -> str:
    if name.endswith("data"):
        return f"{seen[name]:<5}" if seen[f"{name[0]}_valid"] else "·    "
    return "▔▔▔▔▔" if seen[name] else "▁▁▁▁▁"


if __name__ == "__main__":
    print(draw(watch(*core())))
