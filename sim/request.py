"""A request to a core: sequences to run, and how many beats of everything must come back."""

from dataclasses import dataclass, field

import numpy as np

from fixedpoint.network import QuantizedNetwork
from rtl.program.probe import ProbeStream
from rtl.schedule.rows import Row
from rtl.schedule.skipping import SkipSchedule
from sim.job import Ints
from sim.state import State


@dataclass(frozen=True)
class Request:
    """Sequences of one length, one after another.

    Attributes
    ----------
    qnet : the network.
    shape : of the input codes, (T, D) or (N, T, D).
    probe : its streams; none without a probe.
    state_words : of the state port; none without one.
    offline : whether the core takes whole sequences before it gives anything.
    streams : sequences that the core processes side by side; they go in as many at a time.
    pace : clocks in which a step runs, by the schedule.
    elements : beats of an input vector; 0 for one of each of its elements.
    opens : whether the first output of a sequence must be marked as such: it does where the
        sequence starts anew, and where no other output of it leaves.
    skipping : of a core that skips, the schedule; then come the act's codes, whether it goes on
        from the end of the one before, and the states (N, ...) from which it does, where they are
        written.
    """

    qnet: QuantizedNetwork
    shape: tuple[int, ...]
    probe: tuple[ProbeStream, ...] = ()
    state_words: tuple[Row, ...] = ()
    offline: bool = False
    streams: int = 1
    pace: int = 0
    elements: int = 0
    opens: bool = True
    skipping: SkipSchedule | None = None
    codes: Ints = field(default_factory=lambda: np.zeros(0, np.int64), repr=False, compare=False)
    goes_on: bool = False
    state: State | None = None

    @property
    def vector(self) -> int:
        """Beats of an input vector."""
        return self.elements or self.qnet.inputs

    @property
    def times(self) -> tuple[int, ...]:
        """(T,) or (N, T)."""
        return self.shape[:-1]

    @property
    def leaving(self) -> tuple[int, ...]:
        """The same for the steps whose output leaves: (1,) or (N, 1) where only the last does."""
        return self.times if self.qnet.output == "every" else (*self.times[:-1], 1)

    def shown(self, stream: ProbeStream) -> tuple[int, ...]:
        """The same for the steps that a part of the probe shows."""
        return (*self.times[:-1], 1) if stream.once else self.times

    @property
    def sequences(self) -> int:
        return int(np.prod(self.times[:-1]))

    @property
    def steps(self) -> int:
        """Steps of all sequences."""
        return int(np.prod(self.times))

    @property
    def beats(self) -> int:
        """Output beats of all sequences."""
        return int(np.prod(self.leaving)) * self.qnet.outputs

    @property
    def wanted(self) -> dict[str, int]:
        """How many beats or codes of each kind must come, as `found` counts them."""
        probe = {
            f"probe {stream.name}": int(np.prod(self.shown(stream)))
            // self.streams
            * len(stream.rows)
            for stream in self.probe
        }
        ends = {"in": self.steps * self.vector, "out": self.beats}
        return ends | probe | {"state": self.sequences // self.streams * len(self.state_words)}

    def fold(self, values: Ints, times: tuple[int, ...]) -> Ints:
        """As many values as there must be, in order of arrival, to (*times, width)."""
        if self.streams == 1:
            return values.reshape(*times, -1)
        sequences, steps = times
        turns = values.reshape(sequences // self.streams, steps, self.streams, -1)
        return turns.swapaxes(1, 2).reshape(sequences, steps, -1)

    def unfold(self, values: Ints) -> Ints:
        """Values (*times, width) in order of arrival: those of sequences side by side vector by
        vector in turn."""
        if self.streams == 1:
            return values.reshape(-1)
        sequences, steps, width = values.shape
        turns = values.reshape(sequences // self.streams, self.streams, steps, width)
        return turns.swapaxes(1, 2).reshape(-1)
