"""The core of a network with reverse layers: several cores, and buffers that turn sequences round.

                       ┌────────┐  ┌──────┐  ┌────────┐
                    ┌─►│ Buffer │─►│ Core │─►│ Buffer │────┐
       ┌──────┐  ┌──┴─┐└────────┘  └──────┘  └────────┘ ┌──▼─┐  ┌──────┐
i ────►│ Head │─►│Fork│     two directions side by side │Join│─►│ Core │──► o
       └──────┘  └──┬─┘┌────────┐  ┌──────┐  ┌────────┐ └──▲─┘  └──────┘
                    └─►│Reverser│─►│ Core │─►│Reverser│────┘
                       └────────┘  └──────┘  └────────┘

What a part reads of others than those just before it is forked off where it comes from, waits in a
Buffer, and is joined to the rest.
"""

from functools import reduce
from operator import add
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring

from golden.wiring import INPUT
from rtl.core import Core
from rtl.lib.decision import Decision
from rtl.offline import fork_join, names
from rtl.offline.buffers import Buffer, Way
from rtl.offline.head import Head
from rtl.offline.parts import Part
from rtl.offline.reverser import Reverser
from rtl.planning import CorePlan
from rtl.signature import core_members
from rtl.skipping.core import SkipCore
from rtl.step_plan import StepPlan


class OfflineCore(wiring.Component):
    """A quantised network with reverse layers in gateware; every code equals
    `QuantizedNetwork.run`.

    Offline: a sequence must be in before its last step, which a reverse layer does first, can be
    done. Its outputs leave in order all the same. The next sequence is taken meanwhile.

    Timing: `plan.cycles_per_step` clocks a step in long runs of sequences. Number formats: those of
    `qnet.formats`.

    Parameters
    ----------
    plan : the network, the plan of each part, and the buffers before and behind each.

    Members
    -------
    i : In(stream), qnet.inputs beats a step: data (input format), first, last. A sequence ends with
        `last` on the last element of a vector; the next vector starts one, from the initial state;
        `first` is not looked at. Of a sequence of more than `plan.max_length` steps the first ones
        count, the others are taken and dropped.
    o : Out(stream), qnet.outputs beats a step: data (output format), first on the sequence's first
        beat, last on its last one. Where the network gives one output a sequence, of that alone.
    saturations : Out, 32-bit counters since reset, as of `rtl.core.Core`, summed over the parts.
    probe : Out, `valid` and a code for each of `plan.probe_streams`; p0_act0 is act0 of part 0.
    too_long : Out(1), a sequence was too long since reset.
    """

    i: stream.Interface
    o: stream.Interface
    saturations: data.View
    probe: data.View
    too_long: Signal

    def __init__(self, plan: CorePlan):
        self.plan, self.qnet = plan, plan.qnet
        self.cores = tuple(map(_core, plan.parts))
        super().__init__(core_members(plan))

    def elaborate(self, platform):
        m = Module()
        m.submodules.head = head = Head(
            self.qnet.formats.input, self.qnet.inputs, self.plan.max_length
        )
        wiring.connect(m, wiring.flipped(self.i), head.i)
        m.d.comb += self.too_long.eq(head.dropped)
        flow, cores = head.o, iter(self.cores)
        given = self._given(m, INPUT, flow)
        for k, ways in enumerate(self.plan.ways):
            flow = self._entry(m, k, given)
            whole = [_components(way, next(cores)) for way in ways]
            if len(whole) == 1:
                flow = _through(m, f"stage{k}", whole[0], flow)
            else:
                flow = _side_by_side(m, f"stage{k}", self.plan.groups[k], whole, flow)
            given |= self._given(m, k, flow)
        if self.qnet.decides:
            forms = self.qnet.logit_format, self.qnet.logits, self.qnet.out_format
            flow = _through(m, "decision", [Decision(*forms)], flow)
        wiring.connect(m, flow, wiring.flipped(self.o))
        for kind in self.plan.saturation_kinds:
            counts = [
                core.saturations[own]
                for (part, plan), core in zip(self.plan.pairs, self.cores, strict=True)
                for own in plan.saturation_kinds
                if part.kind(own) == kind
            ]
            m.d.comb += self.saturations[kind].eq(reduce(add, counts))
        if self.plan.options.probe:
            for k, core in enumerate(self.cores):
                for name in core.probe.shape().members:
                    m.d.comb += self.probe[f"p{k}_{name}"].eq(core.probe[name])
        return m

    def _given(self, m: Module, number: int, flow: Any) -> dict[tuple[int, int], Any]:
        """What a group gives, or the core's input, as a stream for each group that reads it; by
        the numbers of both."""
        readers = [k for k, group in enumerate(self.plan.groups) if number in group[0].reads]
        form, _ = self.plan.given(number)
        found = {}
        for k in readers[:-1]:
            m.submodules[names.fork(number, k)] = fork = fork_join.Fork(form)
            wiring.connect(m, flow, fork.i)
            found[number, k], flow = fork.a, fork.b
        return found | {(number, k): flow for k in readers[-1:]}

    def _entry(self, m: Module, k: int, given: dict[tuple[int, int], Any]) -> Any:
        """All that group k reads, as one stream."""
        part = self.plan.groups[k][0]
        flow, joined = None, 0
        for number, wait in zip(part.reads, self.plan.waits[k], strict=True):
            own, (_, width) = given[number, k], self.plan.given(number)
            if wait:
                own = _through(m, names.wait(number, k), [_buffer(wait)], own)
            if flow is None:
                flow, joined = own, width
                continue
            join = fork_join.Join(part.qnet.formats.input, (joined, width))
            m.submodules[names.join(number, k)] = join
            _widen(m, flow, join.a)
            _widen(m, own, join.b)
            flow, joined = join.o, joined + width
        return flow


def _core(part: StepPlan) -> Core:
    """The core of a part: one that skips, if it was planned so."""
    return (SkipCore if part.options.skip else Core)(part)


def _components(way: Way, core: Core) -> list[Any]:
    """The components of a way, those around the core as they are planned."""
    return [*map(_buffer, way.before), core, *map(_buffer, way.after)]


def _buffer(planned: Buffer) -> Any:
    """What holds, turns round or ends sequences."""
    if planned.kind == "fifo":
        return fork_join.Buffer(planned.form, planned.width * planned.length)
    made = Reverser if planned.kind == "reverser" else Head
    return made(planned.form, planned.width, planned.length)


def _through(m: Module, name: str, way, flow):
    """Connect `flow` through the components of a way; returns what leaves it."""
    for k, component in enumerate(way):
        m.submodules[f"{name}_{k}"] = component
        wiring.connect(m, flow, component.i)
        flow = component.o
    return flow


def _widen(m: Module, flow: Any, wide: Any) -> None:
    """Connect a stream to one whose codes have as many bits or more."""
    m.d.comb += [wide.valid.eq(flow.valid), flow.ready.eq(wide.ready)]
    for field in ("data", "first", "last"):
        m.d.comb += wide.payload[field].eq(flow.payload[field])


def _side_by_side(m: Module, name: str, group: tuple[Part, ...], ways, flow):
    """Connect `flow` through a forward and a reverse part; returns their joined outputs."""
    forward, backward = (part.qnet for part in group)
    m.submodules[f"{name}_fork"] = fork = fork_join.Fork(forward.formats.input)
    m.submodules[f"{name}_join"] = join = fork_join.Join(
        forward.out_format, (forward.outputs, backward.outputs)
    )
    wiring.connect(m, flow, fork.i)
    wiring.connect(m, _through(m, f"{name}_forward", ways[0], fork.a), join.a)
    wiring.connect(m, _through(m, f"{name}_backward", ways[1], fork.b), join.b)
    return join.o
