"""A test bench in plain Verilog around a core, with recorded stimulus and expected outputs."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from amaranth.hdl import Shape

from rtl.axi.registers import Register
from rtl.axi.table import OFFSETS, registers
from rtl.kit.filled import filled
from rtl.kit.recording import Beat, Recording
from rtl.planning import CorePlan
from rtl.schedule import latency
from rtl.verilog import describe, module_name, top_members

BENCH, AXI_CORE, AXI_TASKS = (
    Path(__file__).with_name(f"{name}.v.in")
    for name in ("bench", "bench_axi_core", "bench_axi_tasks")
)
UNMAPPED = 0xFC
READ = latency.STATE_PORT + 2  # clocks until a word of the state is looked at
DRIVEN = ("clk", "rst", "i_valid", "i_data", "i_first", "i_last", "o_ready")


def bench(plan: CorePlan, recording: Recording, axi: bool) -> dict[str, str]:
    """`<module>_tb.v` and the files that it reads, `_tb_in.mem` and `_tb_out.mem`, and where the
    state can be read `_tb_state.mem`, by name."""
    module = module_name(plan.qnet)
    index = 0 if axi or plan.holds_sequences else plan.parts[0].program.index_width
    given, taken = plan.qnet.formats.input.width, plan.qnet.out_format.width
    taken = 8 * -(-taken // 8) if axi else taken
    firsts = not axi
    files = {
        f"{module}_tb_in.mem": _words(recording.sent, given, index),
        f"{module}_tb_out.mem": _words(recording.given, taken, 0, firsts),
    }
    checks, opening = list(_checks(plan, recording, axi)), []
    if recording.state:
        bits = 32 if axi else _state_bits(plan)
        files[f"{module}_tb_state.mem"] = _state(recording.state, bits)
        opening = [f'$readmemh("{module}_tb_state.mem", state);']
    values = {
        "MODULE": module,
        "COMPARED": "the counters" + (" and the state behind it" if recording.state else ""),
        "RECORDED": recording.about,
        "IN_BITS": given,
        "OUT_BITS": taken,
        "INDEX_BITS": index,
        "SENT": len(recording.sent),
        "GIVEN": len(recording.given),
        **_times(plan, recording),
        "DESIGN": _axi_design(plan) if axi else _design(plan, recording, index),
        "CHECKS": "\n".join(f"      {line}" for line in checks),
        "TASKS": _tasks(plan) if axi else _state_task(plan, recording),
        "OPENING": "\n".join(f"    {line}" for line in opening),
    }
    return {f"{module}_tb.v": re.sub(r"\n\n\n+", "\n\n", filled(BENCH, values)), **files}


def _times(plan: CorePlan, recording: Recording) -> dict[str, int]:
    """Clocks: of a long pause, of a run at most, and after it."""
    pace, parts = plan.cycles_per_step, len(plan.parts)
    held = plan.max_length * pace * (parts + 1)
    beats = len(recording.sent) + len(recording.given)
    busy = recording.steps * max(pace, plan.elements + plan.qnet.outputs) * parts
    return {
        "CYCLES": pace,
        "BURST": 8 * pace,
        "LIMIT": 8 * (busy + beats + held) + 10_000,
        "DRAIN": held + 2 * pace + 200,
        "BROKEN_OFF": busy // 3 + 5,
    }


def _words(beats: Iterable[Beat], width: int, index: int, firsts: bool = True) -> str:
    """A line a beat: last, first, index, element."""
    digits = -(-(width + index + 2) // 4)
    lines = []
    for beat in beats:
        word = beat.last << 1 | (beat.first and firsts)
        word = (word << index | beat.index) << width | beat.data & (1 << width) - 1
        lines.append(f"{word:0{digits}x}\n")
    return "".join(lines)


def _state(words: Iterable[int | None], bits: int) -> str:
    """A line a word: whether it is known, and what it is."""
    mask = (1 << bits) - 1
    return "".join(f"{0 if word is None else 1 << bits | word & mask:x}\n" for word in words)


def _state_bits(plan: CorePlan) -> int:
    return Shape.cast(top_members(plan)["state_in"].shape).width


def _design(plan: CorePlan, recording: Recording, index: int) -> str:
    """The core with its own ports; what the bench does not drive is 0."""
    lines, pins = list[str](), list[str]()
    for port in describe(plan)["ports"]:
        name, width = port["name"], port["width"]
        pin = name
        if name == "i_index":
            pin = f"beat[{index} + IN_BITS - 1:IN_BITS]"
        elif name == "state_address" and recording.state:
            lines.append(f"  reg [{width - 1}:0] state_address = 0;")
        elif port["direction"] == "input" and name not in DRIVEN:
            pin = f"{width}'b0"
        elif port["direction"] == "output" and not name.startswith(("i_", "o_")):
            bits = f"[{width - 1}:0] " if width > 1 else ""
            lines.append(f"  wire {bits}{name};")
        pins.append(f"    .{name}({pin})")
    return "\n".join(
        [*lines, "", f"  {module_name(plan.qnet)} core (", ",\n".join(pins), "  );", ""]
    )


def _checks(plan: CorePlan, recording: Recording, axi: bool) -> Iterator[str]:
    """What is looked at when a run has come to its end."""
    wanted = {f"saturated_{kind}": count for kind, count in recording.counters.items()}
    if not plan.holds_sequences:
        wanted["steps"] = recording.steps
        if plan.options.skip is None:  # else they depend on when steps begin
            wanted["cycles"] = recording.steps * plan.cycles_per_step
    if axi:
        yield "identify;"
        wanted["framing_errors"] = 0
        for register in registers(plan):
            if register.port in wanted:
                yield _expect(register, wanted[register.port])
    else:
        wanted |= {"too_long": 0} if plan.holds_sequences else {}
        for name, count in wanted.items():
            yield f'compare("{name}", {name}, {count});'
    if recording.state:
        yield "compare_state;"


def _state_task(plan: CorePlan, recording: Recording) -> str:
    """The task that reads the state through the core's port."""
    if not recording.state:
        return ""
    bits, words = _state_bits(plan), len(recording.state)
    return f"""\
  reg [{bits}:0] state [0:{words - 1}];  // whether it is known, and a word of the state

  task compare_state;
    begin
      while (!idle) @(negedge clk);
      for (k = 0; k < {words}; k = k + 1) begin
        state_address = k;
        repeat ({READ}) @(negedge clk);
        if (state[k][{bits}]) compare("a word of the state", state_out, state[k][{bits - 1}:0]);
      end
    end
  endtask
"""


def _expect(register: Register, value: int) -> str:
    return f"expect_register(\"{register.name}\", 8'h{register.offset:02x}, 32'h{value:08x});"


def _axi_design(plan: CorePlan) -> str:
    """The core in its wrapper."""
    form = plan.qnet.formats.input
    pad = 8 * -(-form.width // 8) - form.width
    values = {
        "MODULE": module_name(plan.qnet),
        "TDATA": f"{{{pad}'b{'10' * (pad // 2)}{'1' * (pad % 2)}, i_data}}" if pad else "i_data",
    }
    return filled(AXI_CORE, values)


def _tasks(plan: CorePlan) -> str:
    """What accesses registers, and looks at all whose value is known."""
    words = len(plan.state_words)
    constant = [_expect(each, each.reset) for each in registers(plan) if each.constant]
    state = f"""
  reg [32:0] state [0:{max(0, words - 1)}];  // whether it is known, and a word of the state

  task compare_state;
    begin
      write_register(8'h{OFFSETS["STATE_ADDRESS"]:02x}, 32'd0);
      for (k = 0; k < {words}; k = k + 1) begin
        read_register(8'h{OFFSETS["STATE_DATA"]:02x});
        if (answer != 0) fail("the state was refused");
        if (state[k][32]) compare("a word of the state", value, state[k][31:0]);
      end
    end
  endtask
"""
    values = {
        "CONSTANTS": "\n".join(f"      {line}" for line in constant),
        "UNMAPPED": f"{UNMAPPED:02x}",
        "STATE": state if words else "",
    }
    return filled(AXI_TASKS, values)
