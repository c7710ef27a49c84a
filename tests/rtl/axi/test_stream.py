"""Packets into vectors: every mark, cut and `clear`, against a model that is fed event by event."""

from typing import Any

import numpy as np
import pytest

from fixedpoint.formats import Format
from rtl.axi.stream import Entry, axis_signature
from tests.rtl.support import simulate

CLOCKS = 1500


class Model:
    """What must leave for the core: (data, first, last), for beats and commands in their order."""

    def __init__(self, width: int):
        self.width, self.begun, self.opening = width, 0, True
        self.errors, self.out = 0, []

    def beat(self, data: int, last: bool) -> None:
        self.out.append((data, int(self.opening and not self.begun), 0))
        self.opening &= bool(self.begun)
        self.begun += 1
        if last and self.begun < self.width:
            self.errors += 1
        if last or self.begun == self.width:
            self.end(last)

    def end(self, last: bool) -> None:
        """The vector is full, or is made so."""
        self.out += [(0, 0, 0)] * (self.width - self.begun)
        self.out[-1] = (*self.out[-1][:2], int(last))
        self.begun, self.opening = 0, self.opening or last

    def clear(self) -> None:
        if self.begun:
            self.end(False)
        self.opening = True

    def resume(self) -> None:
        self.opening = False


def watched(entry: Entry, seed: int) -> tuple[Model, list[tuple[int, int, int]], int, set[str]]:
    """Random beats, marks, pauses and commands: the model's view, what came out, the errors
    counted, and what happened. Asserts that an offered beat stays as it is."""
    rng, model, found = np.random.default_rng(seed), Model(entry.width), []
    counted, happened = 0, set()
    form = entry.form

    async def testbench(ctx: Any) -> None:
        nonlocal counted
        waiting, offering = None, None
        for clock in range(CLOCKS):
            draining = clock > CLOCKS - 50
            if offering is None and rng.random() < 0.6 and not draining:
                offering = int(rng.integers(0, 1 << form.width)), bool(rng.random() < 0.15)
            data, last = offering or (0, 1)
            quiet = bool(ctx.get(entry.at_rest))
            command = rng.choice(["", "clear", "resume"], p=[0.94, 0.03, 0.03])
            opened = bool(rng.random() < 0.8) and command != "resume"
            ctx.set(entry.open, opened)
            ctx.set(entry.clear, command == "clear")
            ctx.set(entry.resume, command == "resume" and quiet)
            ctx.set(entry.s_axis.tdata, data | int(rng.integers(16)) << form.width)
            ctx.set(entry.s_axis.tlast, last)
            ctx.set(entry.s_axis.tvalid, offering is not None)
            ctx.set(entry.o.ready, draining or bool(rng.random() < 0.7))
            beat = tuple(int(ctx.get(entry.o.payload[name])) for name in ("data", "first", "last"))
            shown = beat if ctx.get(entry.o.valid) else None
            assert waiting in (None, shown)
            waiting = None if ctx.get(entry.o.ready) else shown
            if shown is not None and waiting is None:
                found.append(shown)
            if command == "clear":
                happened.add(f"clear {'inside' if model.begun else 'between'}")
                model.clear()
            if command == "resume" and quiet:
                happened.add("resume")
                model.resume()
            ready = bool(ctx.get(entry.s_axis.tready))
            room = shown is None or waiting is None
            filling = len(found) + (waiting is not None) < len(model.out)
            wanted = room and not filling and command != "clear" and (opened or bool(model.begun))
            assert ready == wanted, f"clock {clock}: tready is {ready}"
            if offering is not None and ready:
                happened.add(f"{'ends' if last else 'goes on'} {model.begun}")
                code = data - (1 << form.width) * (data >> form.width - 1)
                model.beat(code if form.signed else data, last)
                offering = None
            await ctx.tick()
        counted = int(ctx.get(entry.framing_errors))

    simulate(entry, testbench)
    return model, found, counted, happened


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("form", [Format(20, 4), Format(6, 3, signed=False)], ids=str)
def test_entries_are_the_models(width, form):
    """Vectors of one element and of several, packets that end anywhere, commands at any time."""
    model, found, counted, happened = watched(Entry(form, width), width)
    assert found == model.out and len(found) > 400
    assert counted == model.errors and bool(counted) == (width > 1)
    wanted = {"clear between", "resume"} | ({"clear inside"} if width > 1 else set())
    wanted |= {f"{how} {k}" for how in ("ends", "goes on") for k in range(width)}
    assert happened == wanted


def test_a_code_takes_whole_bytes():
    """8, 16, 24 or 32 bits."""
    widths = {2: 8, 8: 8, 9: 16, 16: 16, 17: 24, 24: 24, 25: 32, 32: 32}
    for width, wanted in widths.items():
        assert len(axis_signature(Format(width, 0)).create().tdata) == wanted
