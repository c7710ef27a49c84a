"""The hold check: with the gates shut, a state does not change by one LSB, however long one waits.

    i = 0 and f = 1.0 (or absent):   s(t) = sat(round(1.0 s(t-1)) + round(0 g)) = s(t-1)

The check replaces the biases of the input and forget gates by ones so strong that nothing the
sources can do opens them, leaves everything else alive (weights, recurrences, inputs, output gates)
and runs the ordinary integer model, one state carried through all the steps.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.formats import Format, FormatError
from fixedpoint.network import QuantizedNetwork, QuantizedTrace
from fixedpoint.sums import coarsest, plan_sums, row_sources
from golden.cell import Layer, LayerState
from golden.errors import InputError
from golden.network import Network
from golden.trace import Trace

HOLDING = {"i", "f"}  # the gates that are shut
CHUNK = 4096  # steps at a time, so that memory does not grow with the length


class NeverShutError(FormatError):
    """Gates whose net inputs are clipped to where none is exactly 0, or none exactly 1."""


@dataclass(frozen=True)
class HoldResult:
    """What a hold check saw.

    Attributes
    ----------
    steps, sequences : how long, and how many states side by side.
    largest_change_lsb : per layer, max |s(t) - s(0)| over all steps, cells and sequences, in LSB.
    saturations : by full name, as in a `QuantizedTrace`, over all steps.
    shut_input_gate : per layer, the pre-activation up to which i is exactly 0.
    shut_forget_gate : per layer, the pre-activation from which f is exactly 1; None without f.
    """

    steps: int
    sequences: int
    largest_change_lsb: tuple[int, ...]
    saturations: dict[str, int]
    shut_input_gate: tuple[float, ...]
    shut_forget_gate: tuple[float | None, ...]

    @property
    def holds(self) -> bool:
        """Whether no state changed at all."""
        return not any(self.largest_change_lsb)

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {"holds": self.holds, **asdict(self)}


def check_hold(
    qnet: QuantizedNetwork,
    steps: int = 1000,
    sequences: int = 4,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> HoldResult:
    """Shut the gates of `qnet` and watch its states for `steps` steps (see `shut_gates`, `watch`).

    Raises
    ------
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    FormatError : gates that no bias within the accumulator can keep shut.
    InputError : fewer than 1 step or sequence.
    """
    return watch(shut_gates(qnet), steps, sequences, seed, progress)


def watch(
    qnet: QuantizedNetwork,
    steps: int = 1000,
    sequences: int = 4,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> HoldResult:
    """The largest change of any state of `qnet`, from random full-range states under random input.

    Every sequence is one run of `steps` consecutive steps. The first starts from the two extreme
    codes of the state in turn; every CHUNK steps the input is at its lowest and highest code once.

    Parameters
    ----------
    seed : of the states and the input.
    progress : called with the number of steps done, every CHUNK steps.

    Raises
    ------
    InputError : fewer than 1 step or sequence.
    """
    if steps < 1 or sequences < 1:
        raise InputError(
            f"hold check: {steps} steps of {sequences} sequences, at least 1 is needed"
        )
    rng = np.random.default_rng(seed)
    start = state = tuple(random_state(layer, sequences, rng) for layer in qnet.layers)
    largest = [0] * len(qnet.layers)
    saturations: dict[str, int] = {}
    for done in range(0, steps, CHUNK):
        count = min(CHUNK, steps - done)
        codes = random_codes(qnet.formats.input, (sequences, count, qnet.inputs), rng)
        codes[:, :1], codes[:, 1:2] = qnet.formats.input.low, qnet.formats.input.high
        trace = qnet.run(codes, state)
        state = trace.state
        for k, before in enumerate(start):
            change = np.abs(trace.get("s", k) - before.s[:, None])
            largest[k] = max(largest[k], int(change.max()))
        for name, lost in trace.saturations.items():
            saturations[name] = saturations.get(name, 0) + lost
        if progress:
            progress(done + count)
    return HoldResult(
        steps,
        sequences,
        tuple(largest),
        saturations,
        tuple(closing(layer) * layer.gate.net.lsb for layer in qnet.layers),
        tuple(
            keeping(layer) * layer.gate.net.lsb if "f" in layer.shape.gates else None
            for layer in qnet.layers
        ),
    )


def closing(layer: QuantizedLayer, where: str = "hold") -> int:
    """The highest pre-activation code from which downwards a gate is exactly 0.

    Raises
    ------
    NeverShutError : the gates' net inputs are clipped to where no gate is exactly 0.
    """
    return layer.gate.low + _shut_codes(layer, where, 0, "closed") - 1


def keeping(layer: QuantizedLayer, where: str = "hold") -> int:
    """The lowest pre-activation code from which upwards a gate is exactly 1.

    Raises
    ------
    NeverShutError : the gates' net inputs are clipped to where no gate is exactly 1.
    """
    return layer.gate.high - _shut_codes(layer, where, layer.formats.gate.one, "open") + 1


def _shut_codes(layer: QuantizedLayer, where: str, end: int, what: str) -> int:
    """How many pre-activation codes give a gate of exactly `end`; at least one."""
    count = int(np.count_nonzero(layer.gate.lookup() == end))
    if not count:
        low, high = (code * layer.gate.net.lsb for code in (layer.gate.low, layer.gate.high))
        raise NeverShutError(
            f"{where}: net inputs of the gates are clipped to {low:g}..{high:g}, where no gate is "
            f"wholly {what}, so that no state can be held for ever"
        )
    return count


def shut_gates(qnet: QuantizedNetwork) -> QuantizedNetwork:
    """`qnet` with biases that keep every i at exactly 0 and every f at exactly 1.

    Raises
    ------
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    FormatError : sums beyond the widest accumulator.
    """
    layers = (_shut(f"layer {k}", layer) for k, layer in enumerate(qnet.layers))
    return replace(qnet, layers=tuple(layers))


def just_shut(qnet: QuantizedNetwork) -> QuantizedNetwork:
    """`qnet` with net inputs of i and f that are always at the codes `closing` and `keeping`.

    No source reaches these gates. (Where a bias is coarser than a net input, they are at the next
    code beyond that it can say.)

    Raises
    ------
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    """
    return shut_gates(
        replace(qnet, layers=tuple(replace(layer, **_deaf(layer)) for layer in qnet.layers))
    )


def just_shut_float(net: Network, shut: QuantizedNetwork) -> Network:
    """The float network with the same net inputs of i and f as `just_shut(qnet)`, `shut`."""
    layers = []
    for layer, integer in zip(net.layers, shut.layers, strict=True):
        same = {k: integer.biases[k] * 2.0**-integer.sums.frac for k in HOLDING & {*layer.biases}}
        layers.append(replace(layer, **_deaf(layer), biases={**layer.biases, **same}))
    return replace(net, layers=tuple(layers))


def _deaf(layer: Layer | QuantizedLayer) -> dict[str, Mapping[str, np.ndarray]]:
    """Weights and peepholes of a layer whose i and f hear nothing."""
    return {
        name: {
            kind: np.zeros_like(values) if kind in HOLDING else values
            for kind, values in getattr(layer, name).items()
        }
        for name in ("weights", "peepholes")
    }


def _shut(where: str, layer: QuantizedLayer) -> QuantizedLayer:
    """Biases past the codes `closing` and `keeping` by as much as the sources can move the sum."""
    shape, forms, shift = layer.shape, layer.source_formats, layer.net_shift("i")
    biases = dict(layer.biases)
    for kind, side, end in (("i", -1, closing), ("f", 1, keeping)):
        if kind in shape.gates:
            strong = np.full(shape.blocks, round_up(side * end(layer, where), shift))
            for source, cut in shape.columns.items():
                strong += np.abs(layer.weights[kind][:, cut]).sum(axis=1) * forms[source].magnitude
            if layer.peepholes:
                strong += np.abs(layer.peepholes[kind]) * layer.formats.s.magnitude
            biases[kind] = side * strong
    sums = plan_sums(
        f"{where} with its gates shut",
        layer.formats.weights,
        row_sources(shape, layer.formats, layer.input),
        np.concatenate(list(biases.values())),
        coarsest(shape, layer.formats),
    )
    shut = replace(layer, biases=biases, sums=sums)
    shut.check(f"{where} with its gates shut")
    return shut


def round_up(code: int, shift: int) -> int:
    """code * 2^shift, rounded up."""
    return code << shift if shift >= 0 else -(-code >> -shift)


def random_codes(form: Format, shape: tuple[int, ...], rng: np.random.Generator) -> Codes:
    return rng.integers(form.low, form.high, shape, endpoint=True)


def random_state(layer: QuantizedLayer, sequences: int, rng: np.random.Generator) -> LayerState:
    """Codes over the whole range of every format; the first sequence's states are extreme."""
    zero, forms = layer.initial_state(sequences), layer.formats
    s = random_codes(forms.s, zero.s.shape, rng)
    s[0, ::2], s[0, 1::2] = forms.s.low, forms.s.high
    y = random_codes(forms.y, zero.y.shape, rng)
    gates: Codes = rng.integers(0, forms.gate.one, zero.gates.shape, endpoint=True)
    return LayerState(s, y, gates)


def drift(trace: Trace, first: int, last: int) -> tuple[float, ...]:
    """Per layer, the largest |s(t) - s(first)| over the steps first < t <= last, as a real number.

    Serves float traces and integer ones (whose codes it turns into the values they stand for).

    Raises
    ------
    InputError : steps that are not in the trace or not in order.
    """
    real = trace.real() if isinstance(trace, QuantizedTrace) else trace
    steps = real.get("s").shape[-2]
    if not 0 <= first < last < steps:
        raise InputError(f"drift from step {first} to {last}: the trace has steps 0 to {steps - 1}")
    changes = []
    for layer in real.layers:
        lag = layer["s"][..., first : last + 1, :]
        changes.append(float(np.abs(lag[..., 1:, :] - lag[..., :1, :]).max()))
    return tuple(changes)
