"""The verdict: every code, counter and flag of a simulation against the integer model."""

from dataclasses import dataclass, replace

import numpy as np

from fixedpoint.network import QuantizedNetwork, QuantizedTrace
from golden.trace import Trace, mismatches
from sim.state import State
from sim.trace import HardwareTrace, ShownTrace


@dataclass(frozen=True)
class Mismatch:
    """One wrong code.

    Attributes
    ----------
    signal : full name, such as `0.s`, or `out`.
    sequence, step, unit : where.
    expected, found : the model's code and the hardware's.
    """

    signal: str
    sequence: int
    step: int
    unit: int
    expected: int
    found: int

    def __str__(self) -> str:
        return (
            f"{self.signal}[{self.unit}] of sequence {self.sequence}, step {self.step}: "
            f"{self.found}, must be {self.expected}"
        )


@dataclass(frozen=True)
class Verdict:
    """What the comparison found.

    Attributes
    ----------
    compared : codes by signal's full name.
    mismatches : of those, how many differ.
    unseen : signals of the model that the hardware did not show (built without a probe).
    first : the mismatch that came first in time, or None.
    saturations : by kind, the model's count and the hardware's.
    state : codes of the final state that differ, by layer and part (`0.s`, `0.y`, `0.gates`), for
        all that the hardware showed of it.
    faults : what the harness saw wrong apart from codes.
    """

    compared: dict[str, int]
    mismatches: dict[str, int]
    unseen: tuple[str, ...]
    first: Mismatch | None
    saturations: dict[str, tuple[int, int]]
    state: dict[str, int]
    faults: tuple[str, ...]

    @property
    def codes(self) -> int:
        """How many codes were compared."""
        return sum(self.compared.values())

    @property
    def wrong(self) -> int:
        """How many of them differ."""
        return sum(self.mismatches.values())

    @property
    def saturations_equal(self) -> bool:
        return all(model == hardware for model, hardware in self.saturations.values())

    @property
    def ok(self) -> bool:
        """No wrong code, counter or final state, no fault."""
        return (
            not self.wrong
            and self.saturations_equal
            and not any(self.state.values())
            and not self.faults
        )

    def __str__(self) -> str:
        parts = [f"{self.codes} codes compared, {self.wrong} mismatches"]
        parts += [f"first: {self.first}"] if self.first else []
        parts += [
            f"saturations of {kind}: {hardware}, must be {model}"
            for kind, (model, hardware) in self.saturations.items()
            if model != hardware
        ]
        parts += [f"final state: {n} codes of {name} differ" for name, n in self.state.items() if n]
        return "; ".join((*parts, *self.faults))


EMPTY = Verdict({}, {}, (), None, {}, {}, ())


def check(
    qnet: QuantizedNetwork, codes: np.ndarray, hw: HardwareTrace, state: State | None = None
) -> Verdict:
    """Compare a simulation with the integer model's run over the same codes from the same state.

    A hardware trace without a probe is compared by its outputs, and by its state where that was
    read; what it did not show is named.
    """
    return compare(qnet, qnet.run(codes, state), hw)


def compare(qnet: QuantizedNetwork, model: QuantizedTrace, hw: ShownTrace) -> Verdict:
    """`check` with the integer model's run at hand."""
    known = model if hw.probed else Trace((), model.out, ())
    seen = dict(known.signals())
    return Verdict(
        compared={name: values.size for name, values in seen.items()},
        mismatches=mismatches(known, hw),
        unseen=tuple(name for name, _ in model.signals() if name not in seen),
        first=_first(known, hw, model.layers[0]["y"].shape[-2]),
        saturations=_saturations(model, hw),
        state=_state(qnet, model, hw),
        faults=hw.faults,
    )


def joined(one: Verdict, other: Verdict, sequences: int = 0, steps: int = 0) -> Verdict:
    """Two verdicts as one; what the second one counts goes on from so many sequences and steps."""
    first = one.first or (
        other.first
        and replace(
            other.first, sequence=other.first.sequence + sequences, step=other.first.step + steps
        )
    )

    def both(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
        return {name: a.get(name, 0) + b.get(name, 0) for name in {**a, **b}}

    kinds = {**one.saturations, **other.saturations}
    pairs = {
        kind: tuple(
            np.add(one.saturations.get(kind, (0, 0)), other.saturations.get(kind, (0, 0))).tolist()
        )
        for kind in kinds
    }
    return Verdict(
        both(one.compared, other.compared),
        both(one.mismatches, other.mismatches),
        other.unseen,
        first,
        pairs,
        both(one.state, other.state),
        (*one.faults, *other.faults),
    )


def by_kind(model: QuantizedTrace) -> dict[str, int]:
    """The model's saturations by kind, summed over layers."""
    summed: dict[str, int] = {}
    for name, count in model.saturations.items():
        kind = name.rpartition(".")[2]
        summed[kind] = summed.get(kind, 0) + count
    return summed


def _first(model: Trace, hw: Trace, steps: int) -> Mismatch | None:
    """The mismatch with the earliest sequence and step, signals in their order.

    A signal that shows fewer than all steps shows the last ones.
    """
    differences, theirs = [], dict(hw.signals())
    for order, (name, values) in enumerate(model.signals()):
        other = theirs.get(name)
        if other is None or other.shape != values.shape:
            continue
        ours, others = (v[None] if v.ndim == 2 else v for v in (values, other))
        places = np.argwhere(ours != others)
        if len(places):
            n, t, k = (int(v) for v in places[0])
            codes = int(ours[n, t, k]), int(others[n, t, k])
            t += steps - ours.shape[1]
            differences.append((n, t, order, k, Mismatch(name, n, t, k, *codes)))
    return min(differences, key=lambda entry: entry[:4])[-1] if differences else None


def _state(qnet: QuantizedNetwork, model: Trace, hw: ShownTrace) -> dict[str, int]:
    """Codes of the final state that differ; gates of a layer count where they were seen."""
    states = {}
    for k, (ours, theirs) in enumerate(zip(model.state, hw.state, strict=False)):
        seen = hw.probed or qnet.layers[k].shape.gate_recurrence
        for part in ("s", "y", "gates") if seen else ("s", "y"):
            differ = getattr(ours, part) != getattr(theirs, part)
            states[f"{k}.{part}"] = int(np.count_nonzero(differ))
    return states


def _saturations(model: QuantizedTrace, hw: ShownTrace) -> dict[str, tuple[int, int]]:
    summed = by_kind(model)
    kinds = {**summed, **hw.saturations}
    return {kind: (summed.get(kind, 0), hw.saturations.get(kind, 0)) for kind in kinds}
