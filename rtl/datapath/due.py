"""When the rows of a group reach the tail."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal

from rtl.lib.arithmetic import number
from rtl.lib.kept import become, kept


def rows_due(m: Module, start: Signal, sizes: Sequence[int], protected: bool = False) -> Signal:
    """Whether a row's sum comes in the next clock: a group's rows are counted from `start`.

    `sizes` : the rows of each group of a step. `protected` : whether their count is kept.
    """
    name = "group" if protected else None
    group, left = Signal(range(max(2, len(sizes))), name=name), Signal(range(max(2, *sizes)))
    groups, lefts = (kept(m, each, protected) for each in (group, left))
    size = number(group, sizes)
    due = Signal()
    m.d.comb += due.eq((start & (size != 0)) | (left != 0))
    with m.If(start):
        m.d.sync += become(groups, Mux(group == len(sizes) - 1, 0, group + 1))
        m.d.sync += become(lefts, Mux(size == 0, 0, size - 1))
    with m.Elif(left != 0):
        m.d.sync += become(lefts, left - 1)
    return due
