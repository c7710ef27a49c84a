"""What each port of a core is for, in a line: for headers, templates and the JSON."""

from collections.abc import Callable

from rtl.axi.table import KINDS
from rtl.planning import CorePlan

CLOCK = {
    "clk": "clock; everything happens at its rising edge",
    "rst": "synchronous reset, active high, for one clock or more",
}
STREAMS = {
    "i_valid": "an element is offered",
    "i_ready": "it is taken in this clock if i_valid is 1",
    "i_index": "which element of the vector it is, from 0",
    "i_first": "with a vector's first beat: the step starts a new sequence",
    "i_last": "with a vector's last beat: the step ends its sequence",
    "o_valid": "an element is offered",
    "o_ready": "it is taken in this clock if o_valid is 1",
    "o_first": "the first beat of a sequence's first output",
    "o_last": "the last beat of a sequence's last output",
}
OTHERS = {
    "steps": "steps begun since reset, modulo 2^32",
    "cycles": "clocks in which a step ran since reset, modulo 2^32",
    "corrected": "clocks since reset in which a flipped bit was mended, modulo 2^32",
    "uncorrectable": "clocks since reset in which a word was read that cannot be mended",
    "idle": "no step runs and none waits; the ports below work only now",
    "state_address": "a word of state_words in the JSON",
    "state_write": "write state_in to it",
    "state_in": "the word, a code",
    "state_out": "the word of 3 clocks ago's address",
    "load_address": "a place in the memories, see the .load.json",
    "load_write": "write load_in to it",
    "load_in": "the word, raw bits",
    "too_long": "a sequence was longer than the core holds, since reset",
}
AXI = {
    "aclk": "clock; everything happens at its rising edge",
    "aresetn": "synchronous reset, active low, for one clock or more",
    "s_axis_tvalid": "an element is offered",
    "s_axis_tready": "it is taken in this clock if s_axis_tvalid is 1",
    "s_axis_tlast": "the last element of a sequence",
    "m_axis_tvalid": "an element is offered",
    "m_axis_tready": "it is taken in this clock if m_axis_tvalid is 1",
    "m_axis_tlast": "the last element of a sequence",
}
CHANNELS = {
    "aw": "write address",
    "w": "write data",
    "b": "write response",
    "ar": "read address",
    "r": "read data",
}


def meaning(plan: CorePlan) -> Callable[[str], str]:
    """What a port of this core, or of its AXI wrapper, is for, by the port's name."""
    given, taken = f"{plan.qnet.formats.input}", f"{plan.qnet.out_format}"
    if plan.qnet.formats.inputs:
        given += " with fraction bits of its own"
    known = {**CLOCK, **STREAMS, **OTHERS, **AXI}
    known |= {
        "i_data": f"one element of x, {given}",
        "o_data": f"one element of the output, {taken}",
        "s_axis_tdata": f"one element of x, {given} in the lowest bits",
        "m_axis_tdata": f"one element of the output, {taken}, extended to whole bytes",
    }
    known |= {f"saturated_{kind}": f"clipped {what}, since reset" for kind, what in KINDS.items()}

    def found(name: str) -> str:
        if name.startswith("s_axil_"):
            channel = name.removeprefix("s_axil_")
            key = max((each for each in CHANNELS if channel.startswith(each)), key=len)
            return f"registers, {CHANNELS[key]}: {channel.removeprefix(key)}"
        return known[name]

    return found
