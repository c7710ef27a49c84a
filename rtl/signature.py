"""The ports of a core, from its plan alone: no component has to be made to know them."""

from typing import Any

from amaranth.hdl import signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from rtl.lib.beat import beat_layout
from rtl.planning import CorePlan
from rtl.step_plan import StepPlan

COUNTER_BITS = 32

Members = dict[str, Any]


def core_members(plan: CorePlan | StepPlan) -> Members:
    """The members of a core's signature, see `rtl.core.Core` and `rtl.offline.core.OfflineCore`."""
    qnet, index = plan.qnet, plan.parts[0].program.index_width
    counters = data.StructLayout(dict.fromkeys(plan.saturation_kinds, COUNTER_BITS))
    found: Members = {
        "i": In(stream.Signature(beat_layout(qnet.formats.input, index))),
        "o": Out(stream.Signature(beat_layout(qnet.out_format))),
        "saturations": Out(counters),
    }
    if plan.holds_sequences:
        found["too_long"] = Out(1)
    else:
        found |= {name: Out(COUNTER_BITS) for name in ("steps", "cycles")}
    if plan.options.protect:
        found |= {name: Out(COUNTER_BITS) for name in ("corrected", "uncorrectable")}
    if plan.options.probe:
        found["probe"] = Out(data.StructLayout(_probe(plan)))
    if plan.options.state_port:
        found |= _state_port(plan.parts[0])
    if plan.options.load_port:
        address, word = plan.load_bits
        found |= {"load_address": In(address), "load_write": In(1), "load_in": In(word)}
    if plan.has_idle:
        found["idle"] = Out(1)
    return found


def _probe(plan: CorePlan | StepPlan) -> dict[str, Any]:
    """A valid bit and a code for each of the probe's streams, part by part."""
    found, streams = {}, iter(plan.probe_streams)
    for part in plan.parts:
        program = part.program
        widths = [program.activation_width]
        widths += [program.paths.s, program.paths.m] if program.states else []
        for _, shown in zip(part.probe_streams, streams, strict=False):
            found |= {f"{shown.name}_valid": 1, shown.name: signed(max(widths))}
    return found


def _state_port(plan: StepPlan) -> Members:
    paths = plan.program.paths
    word = signed(max(paths.s, paths.y, paths.gate + 1))
    return {
        "state_address": In(range(max(2, len(plan.state_words)))),
        "state_write": In(1),
        "state_in": In(word),
        "state_out": Out(word),
    }
