"""What a command is about: a model, its integer form and its input, encoded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import golden
from carousel.cli import state_file
from carousel.cli.choice import Choice
from carousel.cli.inputs import Inputs, State, choose, encode
from carousel.cli.skipping import Skipping
from fixedpoint import QuantizedNetwork
from fixedpoint.arithmetic import Codes
from fixedpoint.retention.ranges import Range
from fixedpoint.thresholds import without_thresholds
from golden import InputError, Network
from golden.pieces import starts
from rtl.lengths import check_fits, room


@dataclass(frozen=True)
class Subject:
    """A model with its integer form and the sequences that it is to run.

    Attributes
    ----------
    net, qnet : the float and the integer network.
    inputs : the sequences.
    choice : how the formats came about.
    state, state_codes : what they start from, real and as codes; None for the network's own start.
    max_length : steps that the core of a network with reverse layers can hold, else None.
    decide : whether the core gives the index of the largest output in the place of all.
    skipping : columns that the core skips; the integer network has its thresholds.
    """

    net: Network
    qnet: QuantizedNetwork
    inputs: Inputs
    choice: Choice
    state: State | None = None
    state_codes: State | None = None
    max_length: int | None = None
    decide: bool = False
    skipping: Skipping = Skipping()

    @cached_property
    def codes(self) -> Codes:
        """The sequences as codes; what lies outside their format is clipped."""
        return self.qnet.encode(self.inputs.x)[0]

    def some(self, cut: slice) -> "Subject":
        """The same of some sequences."""
        state, codes = (each and starts(each, cut) for each in (self.state, self.state_codes))
        return replace(self, inputs=self.inputs.some(cut), state=state, state_codes=codes)

    @property
    def exact(self) -> "Subject":
        """The same without thresholds."""
        return replace(self, qnet=without_thresholds(self.qnet))

    @property
    def core(self) -> QuantizedNetwork:
        """The integer network that the core runs."""
        return self.qnet.deciding() if self.decide else self.qnet

    @property
    def between(self) -> Range | None:
        """What an input can be between what matters to the task, a case each; None: not known."""
        boxes = self.inputs.task.between if self.inputs.task else None
        if boxes is None:
            return None
        return Range(self.qnet.encode(boxes.low)[0], self.qnet.encode(boxes.high)[0])


@dataclass(frozen=True)
class Given:
    """What a command was told about its model and its sequences, see its options; `unlike` says
    whether it takes sequences of unlike length."""

    files: Sequence[Path] = ()
    sequences: int | None = None
    length: int | None = None
    seed: int = 0
    state: Path | None = None
    axes: str | None = None
    order: str | None = None
    strict: bool = False
    decide: bool = False
    unlike: bool = False
    skipping: Skipping = Skipping()


def load(model: Path, order: str | None) -> Network:
    """The model, whose modules compute in the order that is told; names with commas between."""
    return golden.load(model, tuple(order.split(",")) if order else ())


def prepare(
    model: Path, choice: Choice, given: Given = Given(), max_length: int | None = None
) -> Subject:
    """Load the model, choose or read the sequences and the formats, and encode the sequences.

    Raises
    ------
    CarouselError : whatever of these is not there, cannot be read, or does not fit the others.
    """
    net = load(model, given.order)
    inputs, start = read(net, given)
    held = room(net, max_length, inputs.length)
    check_fits(inputs.length, held)
    choice, parts = replace(choice, strict=given.strict), inputs.parts(start)
    qnet = given.skipping.applied(choice.quantized(net, parts))
    start_codes = None
    if given.state is not None and start is not None:
        start_codes = state_file.encode(given.state, start, qnet)
    if given.strict:
        encode(qnet, inputs.x)
    found = net, qnet, inputs, choice, start, start_codes, held or None, given.decide
    return Subject(*found, given.skipping)


def read(net: Network, given: Given) -> tuple[Inputs, State | None]:
    """The sequences, and what they start from, real, if that is told."""
    inputs = choose(net, given.files, given.sequences, given.length, given.seed, given.axes)
    if inputs.lengths and not given.unlike:
        raise InputError(
            f"{inputs.source}: sequences of {min(inputs.lengths)} to {inputs.length} steps, must "
            "all have the same here; `carousel quantize` chooses formats for them"
        )
    if given.state is None:
        return inputs, None
    state_file.check(net, "--state")
    start = state_file.read(given.state, net, inputs.count)
    return replace(inputs, source=f"{inputs.source}, from the state in {given.state}"), start
