"""Sequences as a test bench sends them, and what the integer model gives for them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Beat:
    """What passes on a stream in a clock; `index` of an element where the input is sparse."""

    data: int
    first: bool
    last: bool
    index: int = 0


@dataclass(frozen=True)
class Recording:
    """What goes in and must come out, in order, beginning with a reset.

    Attributes
    ----------
    about : which sequences these are, in words.
    sent, given : beats in, beats out.
    counters : by the kind of what was clipped, how often, in all.
    steps : how many the core begins.
    state : the words of the state behind them, in the order of `CorePlan.state_words`; None for
        what no step looks at. Empty where there is no state port.
    """

    about: str
    sent: tuple[Beat, ...]
    given: tuple[Beat, ...]
    counters: dict[str, int]
    steps: int
    state: tuple[int | None, ...] = ()
