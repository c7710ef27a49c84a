"""What a person can compose a network's input from."""

from dataclasses import dataclass

import numpy as np

from carousel.cli.subject import Subject
from fixedpoint.arithmetic import Codes
from golden.tasks.temporal_order import SYMBOLS, TemporalOrder

Part = dict[str, int | None]
SHOWN = 4  # sequences that can be played as they are
STEPS = 300  # of each


@dataclass(frozen=True)
class Symbols:
    """Input vectors, and what they are called.

    Attributes
    ----------
    vectors : codes (V, D), each once.
    names : of those that can be chosen by themselves; none where there are too many.
    between : those that a lag is filled with, by number.
    sequences : whole sequences, as numbers of vectors.
    stories : sequences to begin with, by what they tell: parts {"symbol": its number} or {"lag":
        steps, None where one chooses them}.
    """

    vectors: Codes
    names: tuple[str, ...]
    between: tuple[int, ...]
    sequences: tuple[tuple[int, ...], ...]
    stories: dict[str, tuple[Part, ...]]


def symbols(subject: Subject) -> Symbols:
    """The symbols of the model's task; else the steps of its sequences."""
    task = subject.inputs.task
    if isinstance(task, TemporalOrder):
        return _temporal_order(subject, task)
    shown = subject.codes[:SHOWN, :STEPS]
    vectors, numbers = np.unique(shown.reshape(-1, shown.shape[2]), axis=0, return_inverse=True)
    sequences = tuple(tuple(map(int, row)) for row in numbers.reshape(shown.shape[:2]))
    return Symbols(vectors, (), tuple(range(len(vectors))), sequences, {})


def _temporal_order(subject: Subject, task: TemporalOrder) -> Symbols:
    vectors = subject.qnet.encode(np.eye(task.inputs))[0]
    stories: dict[str, tuple[Part, ...]] = {}
    for number in range(task.outputs):
        told = ["XY"[number >> k & 1] for k in reversed(range(len(task.windows)))]
        parts, step = [_symbol("E")], 0
        for symbol, (first, _) in zip(told, task.windows, strict=True):
            parts += [{"lag": first - step - 1}, _symbol(symbol)]
            step = first
        stories[" then ".join(told)] = (*parts, {"lag": None}, _symbol("B"))
    between = tuple(int(symbol) for symbol in task.between.low.argmax(axis=1))
    return Symbols(vectors, tuple(SYMBOLS), between, (), stories)


def _symbol(name: str) -> Part:
    return {"symbol": SYMBOLS.index(name)}
