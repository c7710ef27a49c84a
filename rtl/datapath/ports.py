"""The ports that reach a core's memories while it is idle: for its state, and for its network."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import data

from rtl.datapath.cell import CellUpdate
from rtl.lib.arithmetic import delay
from rtl.lib.kept import become, kept
from rtl.program.loading import index_width, regions
from rtl.schedule import latency
from rtl.schedule.schedule import Schedule


def idle(m: Module, schedule: Schedule, sequencer: Any, waiting: Value) -> Value:
    """Whether no step runs, none may start, as no input is `waiting`, and the tail is empty."""
    longest = emptying(schedule)
    quiet = Signal(range(longest + 1))
    registers = kept(m, quiet, schedule.depths.protected)
    with m.If(sequencer.running):
        m.d.sync += become(registers, longest)
    with m.Elif(quiet != 0):
        m.d.sync += become(registers, quiet - 1)
    return ~sequencer.running & (quiet == 0) & ~waiting


def emptying(schedule: Schedule) -> int:
    """Clocks behind a step in which its last rows are still in the tail, at most."""
    rows = max(phase.side for phase in schedule.phases)
    return schedule.after.cell + rows + schedule.depths.fetch


def connect_state_port(
    m: Module, core: Any, sequencer: Any, operands: Any, cell: CellUpdate
) -> None:
    """The words of the core's state port are those of the memories, one behind the other."""
    m.d.comb += sequencer.loaded.eq(core.idle & core.state_write)
    places = [(cell.access, cell.word, len(core.program.states))]
    for name, count in operands.kept.items():
        access, word = getattr(operands, f"{name}_access"), getattr(operands, f"{name}_word")
        places.append((access, word, count))
    start, end = 0, len(core.plan.state_words)
    for access, word, count in places:
        here = Const(1)
        here = here & (core.state_address >= start) if start else here
        here = here & (core.state_address < start + count) if start + count < end else here
        m.d.comb += [
            access.select.eq(core.idle),
            access.address.eq(core.state_address - start),
            access.write.eq(here & core.state_write),
            access.data.eq(core.state_in),
        ]
        with m.If(delay(m, here, latency.MEMORY, name=f"word{start}")):
            m.d.sync += core.state_out.eq(word)
        start += count
    stages = latency.MEMORY + 1
    assert stages == latency.STATE_PORT


def connect_load_port(m: Module, core: Any, memories: Mapping[str, data.View]) -> None:
    """A word from the core's load port goes to the memory of its region.

    Parameters
    ----------
    memories : by region, the `load` of what holds its memory.
    """
    bits = index_width(core.program)
    write = Signal(name="load_now")
    address = Signal(len(core.load_address), name="load_at", reset_less=True)
    word = Signal(len(core.load_in), name="load_word", reset_less=True)
    m.d.sync += [
        write.eq(core.load_write & core.idle),
        address.eq(core.load_address),
        word.eq(core.load_in),
    ]
    for k, region in enumerate(regions(core.program)):
        memory = memories[region.name]
        m.d.comb += [
            memory.write.eq(write & (address >> bits == k)),
            memory.place.eq(address),
            memory.data.eq(word),
        ]
