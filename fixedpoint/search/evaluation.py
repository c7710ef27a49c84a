"""One candidate of a search: a network in formats of some widths, its error, whether it holds, its
cost. A pure function of what it is given, so that it may run anywhere and in any order.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from fixedpoint.calibration import Part, Seen
from fixedpoint.fitting import formats_of
from fixedpoint.formats import FormatError, Formats
from fixedpoint.network import QuantizedNetwork, QuantizedTrace, build
from fixedpoint.retention.hold import NeverShutError, check_hold
from fixedpoint.rounding import Statistics, rounded
from fixedpoint.search.cost import Cost, cost
from fixedpoint.widths import Widths
from golden.network import Network
from golden.squash import Array
from golden.tasks import Task

HOLD_STEPS, HOLD_SEQUENCES = 16, 2


@dataclass(frozen=True)
class RightOutputs:
    """What is right as the output of a sequence's last step.

    Attributes
    ----------
    target : (N, K).
    task : whose targets these are.
    """

    target: Array
    task: Task

    def right(self, out: Array) -> int:
        """How many sequences are answered rightly by outputs (N, T, K)."""
        return int(self.task.correct(out[:, -1], self.target).sum())


@dataclass(frozen=True)
class Problem:
    """What candidates are tried on.

    Attributes
    ----------
    net : the float network.
    seen : the ranges from which fraction bits follow.
    lanes : of the core whose cost counts.
    parts : the sequences.
    outs : what the float network gives for each part, (N, T, K); T is 1 where only the last step's
        leaves.
    answers : of a task, whose sequences are one part, else None.
    statistics : by which weights are rounded; None where each goes to the nearest code.
    """

    net: Network
    seen: Seen
    lanes: int
    parts: tuple[Part, ...]
    outs: tuple[Array, ...]
    answers: RightOutputs | None = None
    statistics: Statistics | None = None

    @classmethod
    def of(
        cls,
        net: Network,
        seen: Seen,
        lanes: int,
        parts: Sequence[Part],
        answers: RightOutputs | None = None,
    ) -> "Problem":
        """With the outputs of the float network; `InputError` for an x that does not fit it."""
        outs = tuple(net.run(part.x, part.state).out for part in parts)
        return cls(net, seen, lanes, tuple(parts), outs, answers)

    def weights(self, formats: Formats) -> Network:
        """The network with the weights of which the integer one is made."""
        found = self.statistics
        return self.net if found is None else rounded(self.net, formats, found)

    @property
    def right_in_float(self) -> int | None:
        """How many sequences float answers rightly, where the right answers are known."""
        return self.answers and self.answers.right(self.outs[0])

    def compared(self, outs: Sequence[Array]) -> dict[str, Any]:
        """How outputs of each part, as `self.outs`, differ from those: rmse, max_abs, right and
        right_in_float of an `Evaluation`."""
        # sums depend on the order in memory
        errors = [np.ravel(out - real) for out, real in zip(outs, self.outs, strict=True)]
        error, answers = np.concatenate(errors), self.answers
        return {
            "rmse": float(np.sqrt(np.mean(error**2))),
            "max_abs": float(np.abs(error).max()),
            "right": answers and answers.right(outs[0]),
            "right_in_float": self.right_in_float,
        }

    def digest(self) -> str:
        """SHA-256 of everything in it, the same on every machine."""
        found = hashlib.sha256()
        for part in _parts(self):
            found.update(part)
        return found.hexdigest()


@dataclass(frozen=True)
class Evaluation:
    """What was found of a candidate.

    Attributes
    ----------
    widths : the candidate.
    rmse, max_abs : of the outputs of all sequences, steps and units against float64.
    right, right_in_float : sequences answered rightly, by the candidate and in float; None where
        the answers are not known.
    clipped : states, cell outputs and outputs of linear dense stages that saturated.
    holds : whether states hold exactly while gates are shut; None where no gate can be kept shut.
    cost : see there; None of formats that cannot work, and then the error is infinite.
    """

    widths: Widths
    rmse: float
    max_abs: float
    right: int | None
    right_in_float: int | None
    clipped: int
    holds: bool | None
    cost: Cost | None

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; an infinite error becomes None."""
        plain = asdict(self)
        for name in ("rmse", "max_abs"):
            plain[name] = plain[name] if math.isfinite(plain[name]) else None
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Evaluation":
        """What `as_dict` gave; KeyError or TypeError for anything else."""
        known = dict(plain)
        for name in ("rmse", "max_abs"):
            known[name] = math.inf if known[name] is None else known[name]
        cost = known["cost"] and Cost(**known["cost"])
        return cls(**{**known, "widths": Widths(**known["widths"]), "cost": cost})


def evaluate(problem: Problem, widths: Widths) -> Evaluation:
    """Quantise, run, compare, check the hold for a few steps, count the cost.

    Formats that cannot work are no error here but a candidate that meets no goal.
    """
    try:
        formats = formats_of(problem.net, widths, problem.seen)
        qnet = build(problem.weights(formats), formats)
        runs = [run(qnet, part) for part in problem.parts]
        holds = _holds(qnet)
    except FormatError:
        right = problem.right_in_float
        return Evaluation(widths, math.inf, math.inf, None, right, 0, None, None)
    return Evaluation(
        widths,
        **problem.compared([trace.value("out") for trace in runs]),
        clipped=sum(_clipped(problem.net, trace.saturations) for trace in runs),
        holds=holds,
        cost=cost(qnet, problem.lanes),
    )


def run(qnet: QuantizedNetwork, part: Part) -> QuantizedTrace:
    """The outputs of a part, from what it starts from."""
    start = None if part.state is None else qnet.encode_state(part.state)
    return qnet.run(qnet.encode(part.x)[0], start, signals=False)


def _holds(qnet: QuantizedNetwork) -> bool | None:
    try:
        return check_hold(qnet, HOLD_STEPS, HOLD_SEQUENCES).holds
    except NeverShutError:
        return None


def _clipped(net: Network, saturations: Mapping[str, int]) -> int:
    """Saturations that are no part of a squashing function."""
    values = [name for name in saturations if name.endswith((".s", ".m", ".y"))]
    kinds = ((k, net.dense_kind(k)) for k, _ in enumerate(net.dense, len(net.layers)))
    names = (kind if kind == "out" else f"{k}.{kind}" for k, kind in kinds)
    for name, stage in zip(names, net.dense, strict=True):
        values += [name] if stage.squash == "identity" else []
    return sum(saturations[name] for name in values)


def _parts(value: Any):
    """A value as bytes, part by part, each with its kind and size before it."""
    if isinstance(value, np.ndarray):
        yield f"array {value.dtype.str} {value.shape} ".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif is_dataclass(value):
        yield f"{type(value).__name__} ".encode()
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)} ".encode()
        for name, part in value.items():
            yield from _parts(name)
            yield from _parts(part)
    elif isinstance(value, tuple):
        yield f"tuple {len(value)} ".encode()
        for part in value:
            yield from _parts(part)
    else:
        yield f"{value!r} ".encode()
