"""The part of the AXI tests that runs inside the simulator: plays a script, says what it saw.

It decides nothing. A script is a list of [operation, arguments...], the methods of `Player`; their
answers go to a file and are judged outside.
"""

import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiStreamBus,
    AxiStreamSink,
    AxiStreamSource,
)

FOLDER = "CAROUSEL_AXI"  # environment variable: the folder with script.json, for answers.json
PATIENCE = 200_000  # clocks
CHANNELS = {
    "s_axis_t": ("data", "last"),
    "m_axis_t": ("data", "last"),
    "s_axil_aw": ("addr", "prot"),
    "s_axil_w": ("data", "strb"),
    "s_axil_b": ("resp",),
    "s_axil_ar": ("addr", "prot"),
    "s_axil_r": ("data", "resp"),
}


class Watch:
    """Samples all channels before every rising edge; counts, and notes what a sender must not do.

    A sender must not change or withdraw what has not been taken, and must offer nothing in reset.
    """

    def __init__(self, dut: Any):
        self.dut = dut
        self.signals = {
            name: [getattr(dut, name + part) for part in ("valid", "ready", *payload)]
            for name, payload in CHANNELS.items()
        }
        self.forget()

    def forget(self) -> None:
        self.beats = dict.fromkeys(CHANNELS, 0)  # passed
        self.waits = dict.fromkeys(CHANNELS, 0)  # clocks in which a beat was offered and not taken
        self.broken: list[str] = []

    async def run(self) -> None:
        waiting: dict[str, tuple | None] = dict.fromkeys(CHANNELS)
        settled = False  # one clock of the reset has passed
        while True:
            await self.dut.aclk.falling_edge
            in_reset = not int(self.dut.aresetn.value)
            for name, (valid, ready, *payload) in self.signals.items():
                offered = None
                if int(valid.value):
                    offered = tuple(str(signal.value) for signal in payload)
                if in_reset:
                    if settled and offered:
                        self.broken.append(f"{name}: valid in reset")
                    waiting[name] = None
                    continue
                if waiting[name] not in (None, offered):
                    self.broken.append(f"{name}: {waiting[name]} untaken became {offered}")
                taken = int(ready.value)
                self.beats[name] += offered is not None and taken
                self.waits[name] += offered is not None and not taken
                waiting[name] = None if taken else offered
            settled = in_reset


def pauses(share: float, seed: int) -> Iterator[bool]:
    """In which clocks to pause."""
    random = np.random.default_rng(seed)
    while True:
        yield bool(random.random() < share)


class Player:
    """An operation a method; each returns its answer, in what JSON can say."""

    def __init__(self, dut: Any):
        self.dut, self.watch = dut, Watch(dut)
        reset = (dut.aclk, dut.aresetn, False)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *reset)
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), *reset)
        write, read = self.master.write_if, self.master.read_if
        self.senders = {
            "s_axis": self.source,
            "aw": write.aw_channel,
            "w": write.w_channel,
            "ar": read.ar_channel,
        }
        self.takers = {"m_axis": self.sink, "b": write.b_channel, "r": read.r_channel}
        self.tasks: list[Any] = []

    async def reset(self, fault: int = 0) -> None:
        """Reset; from here on the design has this fault, where it has any."""
        self.dut.aresetn.value = 0
        if fault:
            self.dut.fault.value = fault
        for _ in range(5):
            await self.dut.aclk.falling_edge
        self.source.clear()
        self.sink.clear()
        self.watch.forget()
        self.dut.aresetn.value = 1
        await self.dut.aclk.falling_edge

    async def pace(self, idle: float, back_pressure: float, seed: int) -> None:
        """In which share of the clocks senders pause, takers are not ready."""
        ends = [(end, idle) for end in self.senders.values()]
        ends += [(end, back_pressure) for end in self.takers.values()]
        for k, (end, share) in enumerate(ends):
            end.clear_pause_generator()
            end.pause = False
            if share:
                end.set_pause_generator(pauses(share, seed + k))

    async def hold(self, *names: str) -> None:
        """Keep these ends from sending or taking, and let go of all others."""
        for name, end in (self.senders | self.takers).items():
            end.pause = name in names

    async def read(self, address: int) -> list[int]:
        """[response, value] of a register."""
        found = await self.master.read(address, 4)
        return [int(found.resp), int.from_bytes(found.data, "little")]

    async def ask(self, address: int) -> list[int]:
        """`read`, again and again until it is allowed."""
        while (found := await self.read(address))[0]:
            pass
        return found

    async def write(self, address: int, *values: int) -> int:
        """The response to writing these bytes, with strobes for no others."""
        return int((await self.master.write(address, bytes(values))).resp)

    async def start(self, *accesses: list) -> None:
        """Begin accesses, all at once."""
        self.tasks += [cocotb.start_soon(getattr(self, name)(*words)) for name, *words in accesses]

    async def finish(self) -> list:
        """The answers to all that was begun."""
        found = [await task for task in self.tasks]
        self.tasks = []
        return found

    async def send(self, *values: int) -> None:
        """Begin a packet of these bytes."""
        self.source.send_nowait(bytes(values))

    async def packets(self, quiet: int) -> list[list[int]]:
        """The bytes of all packets, once no output has come for `quiet` clocks."""
        await self.rest(quiet)
        found = []
        while not self.sink.empty():
            found.append(list(self.sink.recv_nowait().tdata))
        return found

    async def rest(self, quiet: int) -> None:
        """Wait until no element and no output has passed for `quiet` clocks."""
        before = None
        while before != (now := [self.watch.beats[name] for name in ("s_axis_t", "m_axis_t")]):
            before = now
            await self.wait(quiet)

    async def wait(self, clocks: int) -> None:
        for _ in range(clocks):
            await self.dut.aclk.falling_edge

    async def seen(self) -> dict[str, Any]:
        """What the watch has noted since the reset."""
        watch = self.watch
        return {
            "beats": dict(watch.beats),
            "waits": dict(watch.waits),
            "broken": list(watch.broken),
        }


async def play(
    dut: Any, player: Player, answers: Callable[[list[list[Any]]], Awaitable[Any]]
) -> None:
    """From the reset on: the script that lies in the folder, whose answers are left there."""
    folder = Path(os.environ[FOLDER])
    script = json.loads((folder / "script.json").read_text())
    Clock(dut.aclk, 2, unit="step").start()
    await player.reset()
    (folder / "answers.json").write_text(json.dumps(await answers(script)))


@cocotb.test(timeout_time=2 * PATIENCE, timeout_unit="step")
async def run(dut: Any) -> None:
    """Play the script that lies in the folder and leave the answers there."""
    dut.aresetn.value = 0
    player = Player(dut)
    cocotb.start_soon(player.watch.run())

    async def answers(script: list[list[Any]]) -> list[Any]:
        return [await getattr(player, name)(*words) for name, *words in script]

    await play(dut, player, answers)
