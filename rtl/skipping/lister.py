"""Which values have a place in a list, and what stands there."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import choose, delay
from rtl.lib.memory import block_memory
from rtl.program.words import bits_for
from rtl.schedule import latency


def entry_layout(units: int, width: int) -> data.StructLayout:
    """What stands in a list: which of a stage's values it is, and what a lane multiplies."""
    return data.StructLayout({"unit": bits_for(units), "value": signed(width)})


def value_layout(stages: int, units: int, width: int) -> data.StructLayout:
    """A value on its way: which one, whether its step begins a sequence, whether it is its stage's
    last."""
    return data.StructLayout(
        {
            **dict.fromkeys(("valid", "fresh", "final"), 1),
            "stage": bits_for(stages),
            "unit": bits_for(units),
            "value": signed(width),
        }
    )


class Lister(wiring.Component):
    """Says of each value whether it is listed: if it is not 0, or if it has changed.

    What has changed is listed as its difference from what was listed last, which is remembered of
    each value, and is 0 before a sequence. A difference up to the threshold is none.

    Timing: a value stands in `o` one clock after `i`, or with differences `latency.CHANGED` = 3
    clocks later (memory and its register, difference). One value a clock; the same one again after
    more than `latency.CHANGED` + 1 clocks: so what is remembered is written a clock later than it
    is known. Number formats: a difference is one bit wider.

    Parameters
    ----------
    thresholds : of each stage; None where values other than 0 are listed.
    units, width : the most values of a stage, and their bits.

    Members
    -------
    i : In(value_layout).
    o : Out(value_layout), the value as it is listed.
    listed : Out(1), whether what stands in `o` is.
    """

    i: data.View
    o: data.View
    listed: Signal

    def __init__(self, thresholds: Sequence[int] | None, stages: int, units: int, width: int):
        self.thresholds, self.stages = thresholds, stages
        wide = width + (thresholds is not None)
        super().__init__(
            {
                "i": In(value_layout(stages, units, width)),
                "o": Out(value_layout(stages, units, wide)),
                "listed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        stages = latency.CHANGED if self.thresholds else 0
        value, listed = self.i.value, self.i.value != 0
        if self.thresholds:
            value, listed = self._difference(m)
        valid = delay(m, self.i.valid, stages, name="valid", keep_reset=True)
        m.d.sync += [
            self.o.valid.eq(valid),
            self.o.value.eq(value),
            self.listed.eq(valid & listed),
        ]
        for name in ("fresh", "final", "stage", "unit"):
            m.d.sync += self.o[name].eq(delay(m, Value.cast(self.i[name]), stages, name=name))
        return m

    def _difference(self, m: Module) -> tuple[Value, Value]:
        """A value's difference from the one that was listed last, and whether that is beyond the
        threshold: then it is the last."""
        i, thresholds = self.i, self.thresholds or ()
        address = Cat(i.unit, i.stage) if self.stages > 1 else i.unit
        m.submodules.last = memory = block_memory(shape=i.value.shape(), depth=1 << len(address))
        read, write = memory.read_port(), memory.write_port()
        value, fresh = (
            delay(m, Value.cast(i[name]), latency.MEMORY, name=f"{name}_now")
            for name in ("value", "fresh")
        )
        last = delay(m, read.data, latency.MEMORY - 1, name="last")
        difference = Signal(signed(len(i.value) + 1), reset_less=True)
        m.d.sync += difference.eq(value.as_signed() - Mux(fresh, 0, last))
        stages = latency.MEMORY + 1
        assert stages == latency.CHANGED
        stage = delay(m, i.stage, stages, name="threshold_stage")
        far = choose(
            stage,
            thresholds if len(set(thresholds)) > 1 else thresholds[:1],
            lambda most: (difference > most) | (difference < -most) if most else difference != 0,
        )
        was_far = delay(m, far, 1, name="was_far")
        valid = delay(m, i.valid, stages + 1, name="difference_valid", keep_reset=True)
        m.d.comb += [
            read.addr.eq(address),
            write.addr.eq(delay(m, address, stages + 1, name="address")),
            write.data.eq(Mux(was_far, delay(m, value, 2, name="value_then"), 0)),
            write.en.eq(valid & (was_far | delay(m, fresh, 2, name="fresh_then"))),
        ]
        return difference, far
