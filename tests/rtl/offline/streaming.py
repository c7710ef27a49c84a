"""Streams of beats under test: sources that pause, consumers that are not ready."""

import numpy as np
from amaranth.lib import wiring

from fixedpoint.formats import Format
from tests.rtl.support import simulate

Beat = tuple[int, int, int]
FORM = Format(8, 4)


def beats_of_sequences(sequences: list[np.ndarray]) -> list[Beat]:
    """Beats (data, first, last) of sequences (T, W), one after the other."""
    found = []
    for codes in sequences:
        end = codes.size - 1
        found += [(int(code), int(k == 0), int(k == end)) for k, code in enumerate(codes.ravel())]
    return found


def any_sequences(rng: np.random.Generator, lengths: list[int], width: int) -> list[np.ndarray]:
    """Sequences of these lengths of random codes of `FORM`."""
    return [rng.integers(FORM.low, FORM.high + 1, (steps, width)) for steps in lengths]


def run_streams(
    component: wiring.Component,
    given: dict[str, list[Beat]],
    wanted: dict[str, int],
    idle: float = 0.0,
    back_pressure: float = 0.0,
    seed: int = 0,
) -> tuple[dict[str, list[Beat]], dict[str, list[int]]]:
    """What comes out of a component's streams, and the clocks in which beats passed, by stream.

    `given` beats go into the input streams, `wanted` says how many are to come out of each output;
    each stream pauses on its own. Goes on for 20 clocks, so that a beat too many is seen. Asserts
    that a beat that waits stays as it is.
    """
    rng = np.random.default_rng(seed)
    found: dict[str, list[Beat]] = {name: [] for name in wanted}
    clocks: dict[str, list[int]] = {name: [] for name in (*given, *wanted)}
    places, offered = dict.fromkeys(given, 0), dict.fromkeys(given, False)
    waiting: dict[str, Beat | None] = dict.fromkeys(wanted)
    beats = sum(map(len, given.values())) + sum(wanted.values())
    limit = 200 + int(10 * beats / (1 - idle) / (1 - back_pressure))

    def offer(ctx, name: str) -> None:
        port, place = getattr(component, name), places[name]
        if not offered[name] and place < len(given[name]) and rng.random() >= idle:
            data, first, last = given[name][place]
            ctx.set(port.payload, {"data": data, "first": first, "last": last})
            offered[name] = True
        ctx.set(port.valid, offered[name])

    def look(ctx, name: str, clock: int) -> None:
        port = getattr(component, name)
        beat = None
        if ctx.get(port.valid):
            payload = port.payload
            beat = ctx.get(payload.data), ctx.get(payload.first), ctx.get(payload.last)
        assert waiting[name] in (None, beat), f"{name}: {waiting[name]} waited, then {beat}"
        waiting[name] = beat
        if beat is not None and ctx.get(port.ready):
            found[name].append(beat)
            clocks[name].append(clock)
            waiting[name] = None

    async def testbench(ctx):
        clock = quiet = 0
        while quiet < 20:
            assert clock < limit, {name: (len(found[name]), n) for name, n in wanted.items()}
            for name in given:
                offer(ctx, name)
            for name in wanted:
                ctx.set(getattr(component, name).ready, rng.random() >= back_pressure)
            for name in wanted:
                look(ctx, name, clock)
            for name in given:
                if offered[name] and ctx.get(getattr(component, name).ready):
                    places[name] += 1
                    offered[name] = False
                    clocks[name].append(clock)
            await ctx.tick()
            clock += 1
            done = all(places[name] == len(sent) for name, sent in given.items())
            quiet += done and all(len(found[name]) >= n for name, n in wanted.items())

    simulate(component, testbench)
    return found, clocks
