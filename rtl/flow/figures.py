"""What a core does a step and a second, and what stands for its energy where no power is known."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rtl.planning import CorePlan
from rtl.program.words import knot_word
from rtl.step_plan import StepPlan


@dataclass(frozen=True)
class Figures:
    """A core at a clock.

    Attributes
    ----------
    plan : of the core.
    clock : MHz.
    """

    plan: CorePlan
    clock: float

    @property
    def steps_per_second(self) -> float:
        return self.clock * 1e6 / self.plan.cycles_per_step

    @property
    def macs_per_step(self) -> int:
        """Products that the network needs a step; those of the tail are not among them."""
        return self.plan.products_per_step

    @property
    def macs_per_second(self) -> float:
        return self.macs_per_step * self.steps_per_second

    @property
    def macs_per_second_and_multiplier(self) -> float:
        """The same, for each multiplier of the lanes."""
        return self.macs_per_second / self.plan.lanes

    @property
    def bits_read_per_step(self) -> dict[str, int]:
        """Bits that are read from memory a step, by what they hold; see `bits_read`."""
        bits: Counter[str] = Counter()
        for part in self.plan.parts:
            bits.update(bits_read(part))
        return dict(bits)

    def plain(self) -> dict[str, Any]:
        """For programs."""
        plan, bits = self.plan, self.bits_read_per_step
        return {
            "clock_mhz": self.clock,
            "lanes": plan.lanes,
            "cycles_per_step": plan.cycles_per_step,
            "steps_per_second": self.steps_per_second,
            "macs_per_step": self.macs_per_step,
            "macs_per_second": self.macs_per_second,
            "macs_per_second_and_multiplier": self.macs_per_second_and_multiplier,
            "mac_utilisation": plan.utilisation,
            "memory_bits_read_per_step": bits,
            "memory_bits_read_per_step_in_all": sum(bits.values()),
        }


def bits_read(plan: StepPlan) -> dict[str, int]:
    """Bits that a core must read from its memories a step: the words that are used.

    A weight for each lane and each column, a value for each column that is not the core's input,
    two of sigma's knots at once for each row and each state that is squashed, and each state once.
    What a memory reads while it is not used is left out, and so are the small tables of order and
    biases.
    """
    program, schedule, qnet = plan.program, plan.schedule, plan.qnet
    columns = Counter(
        column.source
        for phase in schedule.phases
        for _ in range(phase.groups)
        for column in phase.columns
    )
    squashed = len(schedule.rows) + len(program.states)
    found = {
        "weights": program.memories["weights"],
        "sigma": squashed * knot_word(qnet.table).bits,
        "input": columns["x"] * qnet.formats.input.width,
    }
    if program.states:
        found |= {
            "outputs": (columns["y"] + columns["below"]) * program.paths.y,
            "gates": columns["gates"] * program.paths.gate,
            "states": program.memories["states"],
        }
    return {name: bits for name, bits in found.items() if bits}
