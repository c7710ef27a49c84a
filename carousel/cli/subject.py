"""What a command is about: a model, its integer form and its input, encoded."""

from dataclasses import dataclass, replace
from pathlib import Path

import golden
from carousel.cli import state_file
from carousel.cli.inputs import Inputs, choose, encode
from carousel.cli.state_file import State
from fixedpoint import Formats, QuantizedNetwork, quantize
from fixedpoint.arithmetic import Codes
from fixedpoint.retention.ranges import Range
from golden import InputError, Network


@dataclass(frozen=True)
class Subject:
    """A model with its integer form and the sequences that it is to run.

    Attributes
    ----------
    net, qnet : the float and the integer network.
    inputs, codes : the sequences, real and as codes.
    state, state_codes : what they start from, real and as codes; None for the network's own start.
    max_length : steps that the core of a network with reverse layers can hold, else None.
    """

    net: Network
    qnet: QuantizedNetwork
    inputs: Inputs
    codes: Codes
    state: State | None = None
    state_codes: State | None = None
    max_length: int | None = None

    @property
    def between(self) -> Range | None:
        """What an input can be between what matters to the task, a case each; None: not known."""
        boxes = self.inputs.task.between if self.inputs.task else None
        if boxes is None:
            return None
        form = self.qnet.formats.input
        return Range(form.encode(boxes.low)[0], form.encode(boxes.high)[0])


def prepare(
    model: Path,
    bits: int,
    formats: Path | None,
    file: Path | None = None,
    sequences: int | None = None,
    length: int | None = None,
    seed: int = 0,
    state: Path | None = None,
    max_length: int | None = None,
) -> Subject:
    """Load the model, choose or read the formats, choose or read the sequences and encode them.

    Raises
    ------
    CarouselError : whatever of these is not there, cannot be read, or does not fit the others.
    """
    net = golden.load(model)
    inputs = choose(net, file, sequences, length, seed)
    room = longest(net, inputs, max_length)
    start = start_codes = None
    if state is not None:
        state_file.check(net, "--state")
        start = state_file.read(state, net, inputs.count)
        inputs = replace(inputs, source=f"{inputs.source}, from the state in {state}")
    if formats is None:
        qnet = quantize(net, bits=bits, calibrate=inputs.x)
    else:
        qnet = quantize(net, Formats.parse(formats))
    if state is not None and start is not None:
        start_codes = state_file.encode(state, start, qnet)
    return Subject(net, qnet, inputs, encode(qnet, inputs.x), start, start_codes, room)


def longest(net: Network, inputs: Inputs, max_length: int | None) -> int | None:
    """The longest sequence that a core of `net` is to hold, or None where it need not hold any.

    Raises
    ------
    InputError : `max_length` for a network without reverse layers, or shorter than the input.
    """
    if net.first_reverse is None:
        if max_length is not None:
            raise InputError(
                f"--max-length {max_length}: {net.name} has no reverse layers, "
                "its sequences may have any length"
            )
        return None
    if max_length is not None and inputs.length > max_length:
        raise InputError(f"--max-length {max_length}: the sequences have {inputs.length} steps")
    return max_length or inputs.length
