"""How far states can drift by weights and formats alone, and what input keeps the gates shut."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from carousel.cli.subject import Subject
from carousel.measure.retention.lags import distractors
from carousel.report.tables import Table
from fixedpoint.retention.bound import EVER, OpenGate, bound, shut_range
from fixedpoint.retention.hold import NeverShutError
from fixedpoint.retention.lags import DECADES
from fixedpoint.retention.ranges import Range, input_between, input_of, whole_input

BETWEEN = "its own distractors"
SHUT = "Input that keeps every gate exactly shut, whatever has come before"

Ends = tuple[float, float]


@dataclass(frozen=True)
class Limit:
    """What the states of a layer can do while the input stays within a range.

    Attributes
    ----------
    inputs : the range, for people.
    layer : its number.
    lsb : of the state.
    drift : the largest |s(T) - s(0)| from any state after each of DECADES, in LSB.
    still : whether none ever changes, over any number of steps.
    saturates : the first step at which a state can saturate, from the network's own start, or None.
    """

    inputs: str
    layer: int
    lsb: float
    drift: tuple[int, ...]
    still: bool
    saturates: int | None


@dataclass(frozen=True)
class Bounds:
    """The bounds for some ranges of the input.

    Attributes
    ----------
    limits : by range, then layer.
    shut : the largest r so that inputs from -r to r keep every gate exactly shut; or a gate that is
        open even without input; or None, where gates are clipped and never shut.
    """

    limits: tuple[Limit, ...]
    shut: float | OpenGate | None

    @property
    def still(self) -> bool:
        """Whether no state of any layer ever changes by what the task has between its symbols."""
        own = [limit.still for limit in self.limits if limit.inputs == BETWEEN]
        return bool(own) and all(own)


def ranges(subject: Subject, ends: Ends | None) -> dict[str, Range]:
    """The whole input format, the subject's input and, if given, a range of real numbers, by name.

    Raises
    ------
    InputError : `ends` that the input format cannot say, or in the wrong order.
    """
    inputs = {"the whole format": whole_input(subject.qnet), "its own": input_of(subject.codes)}
    if subject.inputs.lag:
        inputs[BETWEEN] = subject.between or input_of(distractors(subject))
    if ends is not None:
        inputs[f"{ends[0]:g} to {ends[1]:g}"] = input_between(subject.qnet, *ends)
    return inputs


def find(subject: Subject, inputs: Mapping[str, Range]) -> Bounds:
    """The bounds for inputs of these ranges, by name."""
    limits = [
        Limit(
            name,
            k,
            layer.layer.formats.s.lsb,
            tuple(layer.drift(DECADES).max(axis=1).tolist()),
            not layer.drift((EVER,)).any(),
            layer.first_saturation(),
        )
        for name, some in inputs.items()
        for k, layer in enumerate(bound(subject.qnet, some))
    ]
    return Bounds(tuple(limits), _shut(subject))


def _shut(subject: Subject) -> float | OpenGate | None:
    try:
        return shut_range(subject.qnet)
    except NeverShutError:
        return None


def tables(bounds: Bounds) -> list[Table]:
    """For people: by layer the drift in real numbers, and the input that keeps the gates shut."""
    shown = []
    for k in sorted({limit.layer for limit in bounds.limits}):
        here = [limit for limit in bounds.limits if limit.layer == k]
        rows = [
            (f"{lag:,}", *(f"{limit.drift[n] * limit.lsb:.4g}" for limit in here))
            for n, lag in enumerate(DECADES)
        ]
        rows.append(("any number", *(_ever(limit) for limit in here)))
        first = ("never" if at is None else f"{at:,}" for at in (one.saturates for one in here))
        rows.append(("can saturate at step", *first))
        title = f"Bound: how far a state of layer {k} can drift, by the input"
        shown.append(Table.of(title, ("steps", *(limit.inputs for limit in here)), rows))
    return [*shown, Table.of(SHUT, ("",), [(_said(bounds.shut),)])]


def _ever(limit: Limit) -> str:
    return "0, for ever" if limit.still else "-"


def _said(shut: float | OpenGate | None) -> str:
    if shut is None:
        return "none: no gate is ever exactly shut"
    return f"none, by {shut}" if isinstance(shut, OpenGate) else f"from {-shut:g} to {shut:g}"


def plain(bounds: Bounds) -> dict[str, Any]:
    """For programs."""
    open_gate = str(bounds.shut) if isinstance(bounds.shut, OpenGate) else None
    return {
        "lags": DECADES,
        "limits": [
            {
                "inputs": limit.inputs,
                "layer": limit.layer,
                "lsb": limit.lsb,
                "drift_lsb": limit.drift,
                "never_changes": limit.still,
                "saturates_at": limit.saturates,
            }
            for limit in bounds.limits
        ],
        "shut_range": bounds.shut if isinstance(bounds.shut, float) else None,
        "open_gate": open_gate,
    }
