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

from amaranth.hdl import Module, Shape
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

COUNTER = 48


@dataclass(frozen=True)
class Field:
    """Where a field lies in a port: its lowest bit, its width, and whether it is signed."""

    offset: int
    width: int
    signed: bool = False


def fields(layout: data.StructLayout) -> dict[str, Field]:
    """The places of a structure's fields, by name."""
    found = {}
    for name, field in layout:
        shape = Shape.cast(field.shape)
        found[str(name)] = Field(field.offset, shape.width, shape.signed)
    return found


def drive_layout(core: Any) -> data.StructLayout:
    """`ready` of the output stream, then the input stream's payload and, highest, its valid."""
    payload = fields(_payload(core, "i"))
    places = {f"in_{name}": _shape(place) for name, place in payload.items()}
    return data.StructLayout({"out_ready": 1, **places, "in_valid": 1})


def seen_layout(core: Any) -> data.StructLayout:
    """Handshakes, the output stream's payload and, where the core has one, the probe.

    in_beat, in_wait : an element was taken; an element was offered and not taken.
    out_valid, out_beat : an output beat was offered; it was taken.
    """
    flags = ("in_beat", "in_wait", "out_valid", "out_beat")
    payload = fields(_payload(core, "o"))
    places = {f"out_{name}": _shape(place) for name, place in payload.items()}
    if has_probe(core):
        probe = fields(core.probe.shape())
        places |= {name: _shape(place) for name, place in probe.items()}
    return data.StructLayout({**dict.fromkeys(flags, 1), **places})


def has_probe(core: Any) -> bool:
    """Whether the core was built with its probe port."""
    return "probe" in core.signature.members


def _payload(core: Any, port: str) -> data.StructLayout:
    return getattr(core, port).payload.shape()


def _shape(place: Field) -> Shape:
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
    saturations : Out, the core's saturation counters, not registered.
    clocks : Out(48), rising edges since reset; the recording must be as long.
    """

    def __init__(self, core: Any):
        self.core = core
        self.drive: Any
        self.seen: Any
        self.saturations: Any
        self.clocks: Any
        super().__init__(
            {
                "drive": wiring.In(drive_layout(core)),
                "seen": Out(seen_layout(core)),
                "saturations": Out(core.saturations.shape()),
                "clocks": Out(COUNTER),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        drive, seen = self.drive, self.seen
        m.d.comb += [
            core.i.valid.eq(drive.in_valid),
            core.o.ready.eq(drive.out_ready),
            self.saturations.eq(core.saturations),
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
        if has_probe(core):
            for name in fields(core.probe.shape()):
                m.d.sync += seen[name].eq(core.probe[name])
        return m
