"""What a core does a step and a second, and what stands for its energy where no power is known."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rtl.core import Core
from rtl.offline import OfflineCore
from rtl.squash import knot_words


@dataclass(frozen=True)
class Figures:
    """A core at a clock.

    Attributes
    ----------
    core : which one.
    clock : MHz.
    """

    core: Core | OfflineCore
    clock: float

    @property
    def steps_per_second(self) -> float:
        return self.clock * 1e6 / self.core.schedule.cycles_per_step

    @property
    def macs_per_step(self) -> int:
        """Products that the network needs a step; those of the tail are not among them."""
        return self.core.schedule.products_per_step

    @property
    def macs_per_second(self) -> float:
        return self.macs_per_step * self.steps_per_second

    @property
    def macs_per_second_and_multiplier(self) -> float:
        """The same, for each multiplier of the lanes."""
        return self.macs_per_second / self.core.schedule.lanes

    @property
    def bits_read_per_step(self) -> dict[str, int]:
        """Bits that are read from memory a step, by what they hold; see `bits_read`."""
        cores = self.core.cores if isinstance(self.core, OfflineCore) else (self.core,)
        found: Counter[str] = Counter()
        for core in cores:
            found.update(bits_read(core))
        return dict(found)

    def plain(self) -> dict[str, Any]:
        """For programs."""
        schedule, bits = self.core.schedule, self.bits_read_per_step
        return {
            "clock_mhz": self.clock,
            "lanes": schedule.lanes,
            "cycles_per_step": schedule.cycles_per_step,
            "steps_per_second": self.steps_per_second,
            "macs_per_step": self.macs_per_step,
            "macs_per_second": self.macs_per_second,
            "macs_per_second_and_multiplier": self.macs_per_second_and_multiplier,
            "mac_utilisation": schedule.utilisation,
            "memory_bits_read_per_step": bits,
            "memory_bits_read_per_step_in_all": sum(bits.values()),
        }


def bits_read(core: Core) -> dict[str, int]:
    """Bits that a core must read from its memories a step: the words that are used.

    A weight for each lane and each column, a value for each column that is not the core's input,
    two of sigma's knots at once for each row and each state that is squashed, and each state once.
    What a memory reads in clocks in which nobody looks is left out, and so are the small tables of
    order and biases.
    """
    program, schedule, qnet = core.program, core.schedule, core.qnet
    columns = Counter(
        column.source
        for phase in schedule.phases
        for _ in range(phase.groups)
        for column in phase.columns
    )
    word, _ = knot_words(qnet.table)
    squashed = len(schedule.rows) + len(program.states)
    found = {
        "weights": program.memories["weights"],
        "sigma": squashed * word.size,
        "input": columns["x"] * qnet.formats.input.width,
    }
    if program.states:
        found |= {
            "outputs": (columns["y"] + columns["below"]) * program.paths.y,
            "gates": columns["gates"] * program.paths.gate,
            "states": program.memories["states"],
        }
    return {name: bits for name, bits in found.items() if bits}
