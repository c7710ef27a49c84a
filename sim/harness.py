"""The gateware around a core in simulation: one wide port to drive, one wide port to look at.

Python costs microseconds each time it touches a simulated signal, so everything that has to be seen
of the core travels in one port, `seen`, and everything that drives it in one port, `drive`. Both
are structures, and their fields' places are the one table that gateware and test bench share.

`seen` is a register: it holds what the core's ports were **at the last rising edge**, that is,
exactly what the core's own registers saw, whichever paths lead from inputs to outputs. It may be
read at any time between two rising edges, and an input changed then counts at the next one.
"""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

COUNTER = 48
SHOWN = ("idle", "state_out", "too_long")
RUNNING = "cycles"
UPSETS = ("corrected", "uncorrectable")
COUNTERS = ("steps", RUNNING, *UPSETS)
SATURATED = "saturated_"
MUTANT = "mutant"


@dataclass(frozen=True)
class PortField:
    """Where a field lies in a port: its lowest bit, its width, and whether it is signed."""

    offset: int
    width: int
    signed: bool = False


def fields(layout: data.StructLayout) -> dict[str, PortField]:
    """The places of a structure's fields, by name."""
    found = {}
    for name, field in layout:
        shape = Shape.cast(field.shape)
        found[str(name)] = PortField(field.offset, shape.width, shape.signed)
    return found


def drive_layout(core: Any) -> data.StructLayout:
    """`ready` of the output stream, then the input stream's payload and, highest, its valid."""
    payload = fields(_payload(core, "i"))
    places = {f"in_{name}": _shape(place) for name, place in payload.items()}
    return data.StructLayout({"out_ready": 1, **places, "in_valid": 1})


def counters(core: Any) -> dict[str, Any]:
    """The core's counters by name: of saturations by their kinds, and `COUNTERS` where it has
    them."""
    found = {f"{SATURATED}{kind}": core.saturations[kind] for kind, _ in core.saturations.shape()}
    return found | {name: getattr(core, name) for name in COUNTERS if has(core, name)}


def most_at_once(core: Any) -> int:
    """By how much a counter can rise in a clock: it counts for all parts of the core."""
    return len(core.plan.parts)


def seen_layout(core: Any) -> data.StructLayout:
    """Handshakes, the output stream's payload, and whatever else the core shows.

    in_beat, in_wait : an element was taken; an element was offered and not taken.
    out_valid, out_beat : an output beat was offered; it was taken.
    probe_* : every field of the probe.
    idle, state_out, too_long : as the core has them.
    moved : `rises` is worth a look.
    """
    flags = ("in_beat", "in_wait", "out_valid", "out_beat", "moved")
    payload = fields(_payload(core, "o"))
    places = {f"out_{name}": _shape(place) for name, place in payload.items()}
    if has(core, "probe"):
        probe = fields(core.probe.shape())
        places |= {f"probe_{name}": _shape(place) for name, place in probe.items()}
    more = {name: getattr(core, name).shape() for name in SHOWN if has(core, name)}
    return data.StructLayout({**dict.fromkeys(flags, 1), **places, **more})


def rises_layout(core: Any) -> data.StructLayout:
    """By how much each counter is higher than the clock before; `leap`: one is lower, or higher by
    more than it can be."""
    amounts = dict.fromkeys(counters(core), range(most_at_once(core) + 1))
    return data.StructLayout({"leap": 1, **amounts})


def state_layout(core: Any) -> data.StructLayout:
    """What drives the state port."""
    return data.StructLayout(
        {name: getattr(core, f"state_{name}").shape() for name in ("address", "write", "in")}
    )


def has(core: Any, port: str) -> bool:
    """Whether the core was built with a port that not every core has."""
    return port in core.signature.members


def _payload(core: Any, port: str) -> data.StructLayout:
    return getattr(core, port).payload.shape()


def _shape(place: PortField) -> Shape:
    return Shape(place.width, place.signed)


class Harness(wiring.Component):
    """A core between the two wide ports.

    **Timing**: `drive` reaches the core at once; `seen` shows the core's ports as they were at the
    last rising edge, so no clock is lost between what is seen and what is driven next.

    Parameters
    ----------
    core : a component with the ports of `rtl.core.Core`.

    Members
    -------
    drive : In(drive_layout(core)).
    seen : Out(seen_layout(core)).
    rises : Out(rises_layout(core)), in the clocks of `seen`. It changes rarely but for `cycles`:
        `seen` says so when that begins to rise, or no longer does, and when another counter rises.
    state : In(state_layout(core)), where the core has a state port. While the core does not listen
        to it, it is written to all the same, with something else in each clock.
    mutant : In, which mutant lives, where the core has any, see `sim.mutants`.
    clocks : Out(48), rising edges since reset; the recording must be as long.
    """

    def __init__(self, core: Any):
        self.core = core
        self.drive: Any
        self.seen: Any
        self.rises: Any
        self.clocks: Any
        self.state: Any
        self.mutant: Any
        ports = {
            "drive": wiring.In(drive_layout(core)),
            "seen": Out(seen_layout(core)),
            "rises": Out(rises_layout(core)),
            "clocks": Out(COUNTER),
        }
        if has(core, "state_in"):
            ports["state"] = wiring.In(state_layout(core))
        if has(core, MUTANT):
            ports[MUTANT] = wiring.In(core.mutant.shape())
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        drive, seen = self.drive, self.seen
        m.d.comb += [
            core.i.valid.eq(drive.in_valid),
            core.o.ready.eq(drive.out_ready),
        ]
        for name in fields(_payload(core, "i")):
            m.d.comb += core.i.payload[name].eq(drive[f"in_{name}"])
        m.d.sync += [
            self.clocks.eq(self.clocks + 1),
            seen.in_beat.eq(core.i.valid & core.i.ready),
            seen.in_wait.eq(core.i.valid & ~core.i.ready),
            seen.out_valid.eq(core.o.valid),
            seen.out_beat.eq(core.o.valid & core.o.ready),
        ]
        for name in fields(_payload(core, "o")):
            m.d.sync += seen[f"out_{name}"].eq(core.o.payload[name])
        if has(core, "probe"):
            for name in fields(core.probe.shape()):
                m.d.sync += seen[f"probe_{name}"].eq(core.probe[name])
        for name in SHOWN:
            if has(core, name):
                m.d.sync += seen[name].eq(getattr(core, name))
        self._watch(m)
        if has(core, MUTANT):
            m.d.comb += core.mutant.eq(self.mutant)
        if has(core, "state_in"):
            for name, _ in self.state.shape():
                junk = 1 if name == "write" else self.clocks
                m.d.comb += getattr(core, f"state_{name}").eq(
                    Mux(core.idle, self.state[name], junk)
                )
        return m

    def _watch(self, m: Module) -> None:
        """How each counter changes."""
        most, leaps, moves = most_at_once(self.core), [], []
        for name, counter in counters(self.core).items():
            counter = Value.cast(counter)
            before = Signal(len(counter), name=f"{name}_before")
            rise = Signal(len(counter), name=f"{name}_rise")
            m.d.comb += rise.eq(counter - before)
            m.d.sync += [before.eq(counter), self.rises[name].eq(rise)]
            leaps.append(rise > most)
            moves.append(rise != (self.rises[name] if name == RUNNING else 0))
        leap = Cat(leaps).any()
        m.d.sync += [self.rises.leap.eq(leap), self.seen.moved.eq(leap | Cat(moves).any())]
