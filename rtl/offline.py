"""The core of a network with reverse layers: several cores, and buffers that turn sequences round.

                       ┌────────┐  ┌──────┐  ┌────────┐
                    ┌─►│ Buffer │─►│ Core │─►│ Buffer │────┐
       ┌──────┐  ┌──┴─┐└────────┘  └──────┘  └────────┘ ┌──▼─┐  ┌──────┐
i ────►│ Head │─►│Fork│     two directions side by side │Join│─►│ Core │──► o
       └──────┘  └──┬─┘┌────────┐  ┌──────┐  ┌────────┐ └──▲─┘  └──────┘
                    └─►│Reverser│─►│ Core │─►│Reverser│────┘
                       └────────┘  └──────┘  └────────┘
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from rtl.core import COUNTER_BITS, Core
from rtl.head import Head
from rtl.operands import beat_layout
from rtl.parts import Part, split
from rtl.probe import ProbeStream
from rtl.reverser import Reverser
from rtl.rows import Row
from rtl.schedule import LaneError, Schedule, allowed_lanes
from rtl.streams import Buffer, Fork, Join

MAX_LENGTH = 64


@dataclass(frozen=True)
class OfflineSchedule:
    """The clocks of a core of several parts, each in the steady state.

    Attributes
    ----------
    parts : the schedule of each part, in order.
    rows : all rows of a step, part by part, layers numbered as in the whole network.
    joined : the most elements that two directions join to a vector, at an element a clock.
    buffer_bits : memory that holds sequences, of all parts.
    """

    parts: tuple[Schedule, ...]
    rows: tuple[Row, ...]
    joined: int
    buffer_bits: int

    @property
    def lanes(self) -> int:
        """Multipliers of all parts."""
        return sum(part.lanes for part in self.parts)

    @property
    def slowest(self) -> Schedule:
        return max(self.parts, key=lambda part: part.cycles_per_step)

    @property
    def cycles_per_step(self) -> int:
        """Clocks a step of the slowest part, or of the join: the pace of long runs of sequences."""
        return max(self.slowest.cycles_per_step, self.joined)

    @property
    def ideal_cycles(self) -> int:
        """Clocks a step in which the slowest part multiplies."""
        return self.slowest.ideal_cycles

    @property
    def stall_per_step(self) -> int:
        return self.cycles_per_step - self.ideal_cycles

    @property
    def products_per_step(self) -> int:
        """Multiplications that the network needs."""
        return sum(part.products_per_step for part in self.parts)

    @property
    def utilisation(self) -> float:
        """Useful multiplications / (lanes * clocks)."""
        return self.products_per_step / (self.lanes * self.cycles_per_step)


class OfflineCore(wiring.Component):
    """A quantised network with reverse layers in gateware; every code equals
    `QuantizedNetwork.run`.

    Offline: a sequence must be in before its last step, which a reverse layer does first, can be
    done. Its outputs leave in order all the same. The next sequence is taken meanwhile.

    Timing: `schedule.cycles_per_step` clocks a step in long runs of sequences. Number formats:
    those of `qnet.formats`.

    Parameters
    ----------
    qnet : the integer network.
    lanes : of each part the most multipliers; a part takes as many as it can use of them. Default:
        all that it can use.
    probe : give the core a port that shows every gate, state and output as it is computed.
    max_length : steps of the longest sequence, which the buffers hold.

    Members
    -------
    i : In(stream), qnet.inputs beats a step: data (input format), first, last. A sequence ends with
        `last` on the last element of a vector; the next vector starts one, from the initial state;
        `first` is not looked at. Of a sequence of more than `max_length` steps the first ones
        count, the others are taken and dropped.
    o : Out(stream), qnet.outputs beats a step: data (output format), first on the sequence's first
        beat, last on its last one. Where the network gives one output a sequence, of that alone.
    saturations : Out, 32-bit counters since reset, as of `rtl.core.Core`, summed over the parts.
    probe : Out, `valid` and a code for each of `probe_streams`; p0_act0 is act0 of part 0.
    too_long : Out(1), a sequence was too long since reset.

    Raises
    ------
    LaneError : fewer lanes than a part needs.
    CarouselError : a `max_length` below 1; see also `rtl.schedule.plan`.
    """

    i: stream.Interface
    o: stream.Interface
    saturations: data.View
    probe: data.View
    too_long: Signal
    offline = True

    def __init__(
        self,
        qnet: QuantizedNetwork,
        lanes: int | None = None,
        probe: bool = False,
        max_length: int = MAX_LENGTH,
    ):
        if max_length < 1:
            raise CarouselError(f"max_length {max_length}: must be at least 1")
        self.qnet, self.max_length, self.has_probe = qnet, max_length, probe
        self._groups = split(qnet)
        self.parts = tuple(part for group in self._groups for part in group)
        self.cores = tuple(Core(part.qnet, _lanes_of(part, lanes), probe) for part in self.parts)
        cores = iter(self.cores)
        self._ways = [
            [_way(part, next(cores), group, max_length) for part in group] for group in self._groups
        ]
        ports = {
            "i": In(stream.Signature(beat_layout(qnet.formats.input))),
            "o": Out(stream.Signature(beat_layout(qnet.out_format))),
            "saturations": Out(
                data.StructLayout(dict.fromkeys(self.saturation_kinds, COUNTER_BITS))
            ),
            "too_long": Out(1),
        }
        if probe:
            fields = {}
            for k, core in enumerate(self.cores):
                shown = core.probe.shape().members
                fields |= {f"p{k}_{name}": shape for name, shape in shown.items()}
            ports["probe"] = Out(data.StructLayout(fields))
        super().__init__(ports)

    @cached_property
    def schedule(self) -> OfflineSchedule:
        """The clocks of all parts."""
        schedules = tuple(core.schedule for core in self.cores)
        rows = [
            row
            for part, schedule in zip(self.parts, schedules, strict=True)
            for row in part.whole(schedule.rows)
        ]
        pairs = [group for group in self._groups if len(group) == 2]
        joined = (sum(part.qnet.outputs for part in pair) for pair in pairs)
        places = [place for ways in self._ways for way in ways for place in way]
        bits = sum(place.bits for place in places if isinstance(place, Buffer | Reverser))
        return OfflineSchedule(schedules, tuple(rows), max(joined, default=0), bits)

    @property
    def saturation_kinds(self) -> tuple[str, ...]:
        """Fields of `saturations`: the kinds of all parts."""
        return tuple(dict.fromkeys(kind for core in self.cores for kind in core.saturation_kinds))

    @property
    def probe_streams(self) -> tuple[ProbeStream, ...]:
        """What the probe shows: the streams of every part, layers numbered as in `qnet`."""
        return tuple(
            ProbeStream(f"p{k}_{shown.name}", part.whole(shown.rows), part.reverse, part.once)
            for k, (part, core) in enumerate(zip(self.parts, self.cores, strict=True))
            for shown in core.probe_streams
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.head = head = Head(self.qnet.formats.input, self.qnet.inputs, self.max_length)
        wiring.connect(m, wiring.flipped(self.i), head.i)
        m.d.comb += self.too_long.eq(head.dropped)
        flow = head.o
        for k, (group, ways) in enumerate(zip(self._groups, self._ways, strict=True)):
            if len(group) == 1:
                flow = _through(m, f"stage{k}", ways[0], flow)
            else:
                flow = _side_by_side(m, f"stage{k}", group, ways, flow)
        wiring.connect(m, flow, wiring.flipped(self.o))
        for kind in self.saturation_kinds:
            having = (core for core in self.cores if kind in core.saturation_kinds)
            m.d.comb += self.saturations[kind].eq(
                reduce(add, (c.saturations[kind] for c in having))
            )
        if self.has_probe:
            for k, core in enumerate(self.cores):
                for name in core.probe.shape().members:
                    m.d.comb += self.probe[f"p{k}_{name}"].eq(core.probe[name])
        return m


def make_core(
    qnet: QuantizedNetwork,
    lanes: int | None = None,
    probe: bool = False,
    max_length: int | None = None,
    state_port: bool = False,
    streams: int = 1,
    load_port: bool = False,
    nonzeros: int | None = None,
) -> Core | OfflineCore:
    """The core for a network: a `Core`, or with reverse layers an `OfflineCore`.

    Parameters
    ----------
    lanes, probe, state_port, streams, load_port, nonzeros : see `Core` and `OfflineCore`.
    max_length : steps of the longest sequence, for a network with reverse layers; default 64.

    Raises
    ------
    CarouselError : a port, several streams or sparse input with reverse layers, `max_length`
        without them; see also the two.
    """
    reverse = qnet.first_reverse
    if reverse is None:
        if max_length is not None:
            raise CarouselError(
                f"max_length {max_length}: the network has no reverse layer, sequences of any "
                "length pass"
            )
        return Core(qnet, lanes, probe, state_port, streams, load_port, nonzeros)
    if nonzeros is not None:
        raise CarouselError(
            f"nonzeros {nonzeros}: layer {reverse} runs in reverse, and a core that holds "
            "sequences takes whole vectors"
        )
    if load_port:
        raise CarouselError(
            f"load port: layer {reverse} runs in reverse, and a core that holds sequences is made "
            "for one network"
        )
    if state_port:
        raise CarouselError(
            f"state port: layer {reverse} runs in reverse, from a sequence's end, and no state "
            "goes from one sequence to the next"
        )
    if streams != 1:
        raise CarouselError(
            f"streams {streams}: layer {reverse} runs in reverse, and a core that holds sequences "
            "is at one at a time"
        )
    return OfflineCore(qnet, lanes, probe, MAX_LENGTH if max_length is None else max_length)


def _lanes_of(part: Part, lanes: int | None) -> int:
    """The most lanes, up to `lanes`, that a part can use."""
    allowed = allowed_lanes(part.qnet)
    fitting = [each for each in allowed if lanes is None or each <= lanes]
    if not fitting:
        names = " and ".join(map(str, part.layers))
        raise LaneError(f"lanes {lanes}: layer {names} needs at least {allowed[0]}")
    return fitting[-1]


def _way(
    part: Part, core: Core, group: tuple[Part, ...], length: int
) -> list[Core | Head | Buffer | Reverser]:
    """What a sequence passes on its way through a part of a group."""
    entry, leaving = part.qnet.formats.input, (part.qnet.out_format, part.qnet.outputs)
    way: list[Core | Head | Buffer | Reverser] = [core]
    beside = len(group) == 2
    if part.reverse:
        way.insert(0, Reverser(entry, part.qnet.inputs, length))
        if part.leaving == "every":
            way.append(Reverser(*leaving, length))
        elif part.leaving == "first":
            way.append(Head(*leaving, 1))
    elif beside:
        # a slow core must not keep the whole sequence from the Reverser at its side, unless
        # of what comes from there nothing counts before this core is at its end
        if group[1].leaving != "first":
            way.insert(0, Buffer(entry, part.qnet.inputs * length))
        # all outputs of a sequence come before the first one of the other side
        if part.leaving == "every":
            way.append(Buffer(part.qnet.out_format, part.qnet.outputs * length))
    return way


def _through(m: Module, name: str, way, flow):
    """Connect `flow` through the components of a way; returns what leaves it."""
    for k, component in enumerate(way):
        m.submodules[f"{name}_{k}"] = component
        wiring.connect(m, flow, component.i)
        flow = component.o
    return flow


def _side_by_side(m: Module, name: str, group: tuple[Part, ...], ways, flow):
    """Connect `flow` through a forward and a reverse part; returns their joined outputs."""
    forward, backward = (part.qnet for part in group)
    m.submodules[f"{name}_fork"] = fork = Fork(forward.formats.input)
    m.submodules[f"{name}_join"] = join = Join(
        forward.out_format, (forward.outputs, backward.outputs)
    )
    wiring.connect(m, flow, fork.i)
    wiring.connect(m, _through(m, f"{name}_forward", ways[0], fork.a), join.a)
    wiring.connect(m, _through(m, f"{name}_backward", ways[1], fork.b), join.b)
    return join.o
