"""The state that one run leaves and the next one starts from, as a file of real values.

Arrays of the `.npz`: `0.s` and `0.y` of layer 0, `0.gates` where its gates are sources too, and so
on: (width,) for one sequence, (N, width) for N. A state written by a run of fixed point or gateware
is read back to the same codes, given the same formats.
"""

from pathlib import Path

import numpy as np

from carousel.cli import output
from carousel.cli.inputs import State, check_real, codes_of, read_npz
from fixedpoint import QuantizedNetwork
from golden import InputError, LayerState, Network
from golden.squash import Array


def check(net: Network, option: str) -> None:
    """`InputError` where no state can be carried from one part of a sequence to the next."""
    if (layer := net.first_reverse) is not None:
        raise InputError(
            f"{option}: layer {layer} of {net.name} runs in reverse and needs the whole sequence"
        )


def widths(net: Network | QuantizedNetwork) -> list[dict[str, int]]:
    """For each layer the arrays of its state with their widths."""
    layers = [dict(layer.shape.state) for layer in net.layers]
    for layer, parts in zip(net.layers, layers, strict=True):
        if not layer.shape.gate_recurrence:
            del parts["gates"]
    return layers


def read(file: Path, net: Network, count: int) -> State:
    """The state (count, ...) that `count` sequences start from.

    Raises
    ------
    InputError : a file that is none; an array that is missing, unknown, of another shape or type,
        or not finite.
    """
    arrays, states = read_npz(file, "a state file"), []
    for k, parts in enumerate(widths(net)):
        state = {"gates": np.zeros((count, net.layers[k].shape.state["gates"]))}
        for part, width in parts.items():
            name = f"{k}.{part}"
            if name not in arrays:
                raise InputError(f"{file}: {name} is missing")
            state[part] = _values(f"{file}: {name}", arrays.pop(name), count, width)
        states.append(LayerState(**state))
    if arrays:
        raise InputError(f"{file}: {next(iter(arrays))} is no part of the state of {net.name}")
    return tuple(states)


def _values(where: str, values: np.ndarray, count: int, width: int) -> Array:
    allowed = [(count, width)] if count > 1 else [(width,), (1, width)]
    if np.shape(values) not in allowed:
        raise InputError(
            f"{where}: shape {np.shape(values)}, must be {' or '.join(map(str, allowed))}"
        )
    return check_real(where, values).reshape(count, width)


def encode(file: Path, state: State, qnet: QuantizedNetwork) -> State:
    """Its codes; `InputError` for a value outside its format, or a gate above 1."""
    states = []
    for k, st in enumerate(state):
        codes = {
            part: codes_of(
                f"{file}: {k}.{part}",
                getattr(st, part),
                form,
                form.one if part == "gates" else form.high,
            )
            for part, form in qnet.formats.layers[k].state.items()
        }
        states.append(LayerState(**codes))
    return tuple(states)


def check_file(file: Path | None, net: Network) -> None:
    """Refuse a file that cannot be written, or a network that leaves no state to start from."""
    if file is not None:
        check(net, "--save-state")
        output.check_file(file)


def write(file: Path | None, qnet: QuantizedNetwork, state: State) -> None:
    """Write codes (N, ...) as real values, without the first dimension for one sequence."""
    if file is None:
        return
    arrays = {}
    for k, (st, parts) in enumerate(zip(state, widths(qnet), strict=True)):
        for part in parts:
            values = qnet.formats.layers[k].state[part].decode(getattr(st, part))
            arrays[f"{k}.{part}"] = values[0] if len(values) == 1 else values
    with output.file(file) as other, other.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
