"""A core that takes step after step, as planned."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from fixedpoint.network import QuantizedNetwork
from rtl.options import CoreOptions
from rtl.program.loading import port_bits
from rtl.program.probe import ProbeStream
from rtl.program.program import Program
from rtl.schedule.rows import Row
from rtl.schedule.schedule import Schedule, schedule_of
from rtl.schedule.skipping import SkipSchedule, skip_schedule_of


@dataclass(frozen=True)
class StepPlan:
    """A core that takes step after step: what `rtl.core.Core` is made from.

    Attributes
    ----------
    qnet : the integer network, or a part of one; its layers run forward.
    options : of the core.
    schedule, program : every clock of a step; what the memories hold.
    """

    qnet: QuantizedNetwork
    options: CoreOptions
    schedule: Schedule
    program: Program

    @classmethod
    def of(cls, qnet: QuantizedNetwork, options: CoreOptions) -> "StepPlan":
        loaded = options.load_port
        if options.skip:
            skipping = skip_schedule_of(qnet, options.lanes, options.skip, options.streams)
            return cls(qnet, options, skipping, Program(qnet, skipping, loaded))
        schedule = schedule_of(
            qnet, options.lanes, options.streams, options.nonzeros, loaded, options.protect
        )
        return cls(qnet, options, schedule, Program(qnet, schedule, loaded))

    def __repr__(self) -> str:
        return f"StepPlan({self.qnet.name!r}, {self.options}, {self.cycles_per_step} cycles a step)"

    holds_sequences: ClassVar[bool] = False
    max_length: ClassVar[int] = 0

    @property
    def parts(self) -> tuple["StepPlan", ...]:
        """Itself alone."""
        return (self,)

    @property
    def has_idle(self) -> bool:
        """Whether the core says when it is idle: then its state or load port is listened to."""
        return self.options.state_port or self.options.load_port

    @property
    def load_bits(self) -> tuple[int, int]:
        """Bits of the load port's address and of its word."""
        return port_bits(self.program)

    @property
    def elements(self) -> int:
        """Beats of an input vector."""
        return self.schedule.elements

    @property
    def latency(self) -> int:
        """Clocks from the last element of a step's input to the first output beat, the core idle
        before: a decision comes with the last of the values among which it is made."""
        ready = self.schedule.output_ready
        return self.schedule.latency + (
            self.qnet.decides and ready[self.qnet.logits - 1] - ready[0]
        )

    @property
    def cycles_per_step(self) -> int:
        """Clocks a step in the steady state."""
        return self.schedule.cycles_per_step

    @property
    def memories(self) -> dict[str, int]:
        """Bits by what they hold, see `Program.memories`."""
        found, schedule, paths = self.program.memories, self.schedule, self.program.paths
        if isinstance(schedule, SkipSchedule) and self.has_idle:
            kept = ((schedule.outputs, paths.y), (schedule.gates, paths.gate + 1))
            found["listed again"] = sum(
                schedule.widths[given] * width for some, width in kept for given in some
            )
        return found

    @cached_property
    def saturation_kinds(self) -> tuple[str, ...]:
        """The core's counters: net inputs of the rows that there are and of h, then values."""
        values = ["h", "s"] if self.program.states else []
        modes = self.program.cell_modes
        values += ["m"] if any(mode.projected for mode in modes) else []
        values += ["y"] if not all(mode.projected for mode in modes) else []
        return tuple(dict.fromkeys((*self.program.kinds, *values)))

    @property
    def probe_streams(self) -> tuple[ProbeStream, ...]:
        """What the probe shows."""
        return self.program.probe_streams

    @property
    def state_words(self) -> tuple[Row, ...]:
        """What lies at the addresses of the state port.

        States s, then outputs y (and m, which no step reads of the one before), then the gates
        where there is gate recurrence.
        """
        return (*self.program.states, *self.program.outputs, *self.program.gates)
