"""What is played on a core from a reset to the next one: sequences, and how the streams behave."""

from dataclasses import dataclass

from golden.errors import InputError
from sim.job import Ints
from sim.state import State


@dataclass(frozen=True)
class Pattern:
    """How the streams around the core behave.

    Attributes
    ----------
    idle, back_pressure : in which share of the clocks the source pauses, the sink is not ready.
    seed : of both, and of `junk`.
    burst : clocks for which they stay as they are.
    junk : whether `first` and `last` are set at random where the core must not look at them.

    Raises
    ------
    InputError : a share outside its range; a negative seed.
    """

    idle: float = 0.0
    back_pressure: float = 0.0
    seed: int = 0
    burst: int = 1
    junk: bool = False

    def __post_init__(self) -> None:
        for name, share in (("idle", self.idle), ("back-pressure", self.back_pressure)):
            if not 0 <= share < 1:
                raise InputError(f"{name} {share}: must be at least 0 and less than 1")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: must not be negative")


UNDISTURBED = Pattern()
"""The source never pauses, and the sink is always ready."""


@dataclass(frozen=True)
class Act:
    """Sequences of one length, one after another.

    Attributes
    ----------
    codes : (T, D), or (N, T, D); N is a multiple of the core's streams.
    state : what each starts from, written through the state port before it and read after it.
    goes_on : they come without `first` and go on from where the core is: from the end of the
        sequence before, or after a reset from the initial state. One to each stream.
    """

    codes: Ints
    state: State | None = None
    goes_on: bool = False


@dataclass(frozen=True)
class Scenario:
    """From a reset on.

    Attributes
    ----------
    name : for people.
    acts : in order, without a pause between those that need no state port.
    pattern : of the streams.
    stop : clocks after which the next reset comes, wherever the core is; nothing of it is judged.
        0: all is played.
    """

    name: str
    acts: tuple[Act, ...]
    pattern: Pattern = Pattern()
    stop: int = 0
