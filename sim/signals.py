"""From what the probe and the state port showed to signals and states, layer by layer."""

import numpy as np

from golden.cell import LayerState
from rtl.program.probe import ProbeStream
from sim.job import Ints, Recording
from sim.request import Request
from sim.state import State, from_words

Signals = dict[tuple[int, str], Ints]


def signals(request: Request, recording: Recording) -> Signals:
    """Every signal that the probe showed, by layer and name, in the order of the sequences' steps;
    dense stages are numbered on from the layers."""
    shown: Signals = {}
    for stream in request.probe:
        count = request.wanted[f"probe {stream.name}"]
        codes = recording.probe[stream.name][:count].reshape(-1, len(stream.rows))
        for signal, places in _places(stream).items():
            values = request.fold(codes[:, places].reshape(-1), request.shown(stream))
            shown[signal] = np.flip(values, axis=-2) if stream.reverse else values
    return shown


def _places(stream: ProbeStream) -> dict[tuple[int, str], list[int]]:
    """For every signal of a part of the probe where its units stand in a step, in the units' order;
    those of several sequences side by side one after the other."""
    places: dict[tuple[int, str], dict[tuple[int, int], int]] = {}
    for place, row in enumerate(stream.rows):
        places.setdefault((row.layer, row.kind), {})[row.stream, row.index] = place
    return {signal: [units[n] for n in sorted(units)] for signal, units in places.items()}


def by_layer(request: Request, found: Signals) -> tuple[dict[str, Ints], ...]:
    """The layers' signals in the order of a `Trace`; none without a probe."""
    if not request.probe:
        return ()
    return tuple(
        {name: found[k, name] for name in layer.shape.signals}
        for k, layer in enumerate(request.qnet.layers)
    )


def dense(request: Request, found: Signals) -> tuple[Ints, ...]:
    """What each dense stage before the readout gave, in the steps whose output leaves; and what the
    readout did where the network decides."""
    qnet = request.qnet
    stages = range(qnet.first_head, qnet.first_head + len(qnet.head))
    shown = [(k, qnet.dense_kind(k)) for k in stages][: None if qnet.decides else -1]
    return tuple(leaving(request, found[signal]) for signal in shown if request.probe)


def stem(request: Request, found: Signals) -> tuple[Ints, ...]:
    """What each dense stage in front of or between layers gave, in every step."""
    first = len(request.qnet.layers)
    stages = range(first, request.qnet.first_head)
    return tuple(found[k, "stem"] for k in stages if request.probe)


def leaving(request: Request, shown: Ints) -> Ints:
    """Of all steps of a signal of the head those whose output leaves."""
    # final, and shown in every step: a reverse layer's own last step is the sequence's first
    steps = slice(0, 1) if request.qnet.output == "final" else slice(-request.leaving[-1], None)
    return shown[..., steps, :]


def final_state(
    request: Request, layers: tuple[dict[str, Ints], ...], recording: Recording
) -> State:
    """The state after the layers' last steps: as read through the port, where there is one, else
    as the probe showed it, else nothing."""
    state = tuple(
        _last(found, layer.shape.gates, 0 if layer.shape.reverse else -1)
        for found, layer in zip(layers, request.qnet.layers, strict=False)
    )
    words = request.state_words
    if not words:
        return state
    single = len(request.times) == 1
    rest = state or tuple(
        LayerState(*(part[0] if single else part for part in (st.s, st.y, st.gates)))
        for st in request.qnet.initial_state(request.sequences)
    )
    codes = recording.state[: request.wanted["state"]].reshape(-1, len(words))
    return from_words(request.qnet, words, codes, rest)


def _last(found: dict[str, Ints], gates: tuple[str, ...], step: int) -> LayerState:
    every = np.concatenate([found[gate][..., step, :] for gate in gates], axis=-1)
    return LayerState(found["s"][..., step, :], found["y"][..., step, :], every)
