"""Sequences for a test bench outside: some of the given input, some of any codes."""

import numpy as np

from rtl.kit.recording import Beat, Recording
from rtl.planning import CorePlan
from sim.job import Ints
from sim.rounds import nonzero_elements
from sim.scoreboard import by_kind
from sim.state import WITHIN, to_words

CLOCKS = 12_000  # that the steps take at full speed, about; a slow simulator needs seconds
FEWEST = 2  # steps of the longest sequence
SEED = 1997


def record(plan: CorePlan, codes: Ints) -> Recording:
    """What a core gives for sequences (N, T, D) and for a few of random codes, by the model.

    The first sequences are taken, as many as the core has streams, as far as there are clocks for
    them; then come sequences of any codes, of several steps and of one, and then the given ones
    once more.
    """
    acts = _acts(plan, codes)
    traces = [plan.qnet.run(act) for act in acts]
    counters = dict.fromkeys(plan.saturation_kinds, 0)
    for trace in traces:
        for kind, count in by_kind(trace).items():
            counters[kind] += count
    state = ()
    if plan.state_words:
        words = to_words(plan.qnet, plan.state_words, traces[-1].state)[0].tolist()
        state = tuple(
            None if row.kind in WITHIN else word
            for row, word in zip(plan.state_words, words, strict=True)
        )
    steps = [act.shape[1] for act in acts]
    return Recording(
        about=f"turns of {', '.join(map(str, steps))} steps, the second and third of random codes",
        sent=tuple(beat for act in acts for beat in _sent(plan, act)),
        given=tuple(beat for trace in traces for beat in _beats(trace.out)),
        counters=counters,
        steps=sum(steps),
        state=state,
    )


def _acts(plan: CorePlan, codes: Ints) -> list[Ints]:
    """Codes (streams, T, D) of what is sent, one turn after the other."""
    rng, streams = np.random.default_rng(SEED), plan.options.streams
    given = codes[np.arange(2 * streams) % len(codes)]
    most = max(FEWEST, CLOCKS // (3 * max(plan.cycles_per_step, plan.elements * streams)))
    steps = min(most, plan.max_length or most, codes.shape[1])
    form = plan.qnet.formats.input
    shape = (streams, steps, codes.shape[2])
    drawn = rng.integers(form.low, form.high, shape, endpoint=True)
    acts = [given[:streams, :steps], drawn, drawn[:, :1], given[streams:, : -(-steps // 2)]]
    return [_thinned(act, plan.options.nonzeros) for act in acts]


def _thinned(codes: Ints, most: int | None) -> Ints:
    """Of each vector no more elements other than 0 than a core for sparse input takes."""
    if most is None:
        return codes
    return np.where(np.cumsum(codes != 0, axis=-1) <= most, codes, 0)


def _sent(plan: CorePlan, codes: Ints) -> list[Beat]:
    if plan.options.nonzeros is None:
        return _beats(codes)
    indices, elements = nonzero_elements(codes, plan.options.nonzeros)
    return _beats(elements, indices)


def _beats(codes: Ints, indices: Ints | None = None) -> list[Beat]:
    """Beats of codes (streams, T, W): vector by vector, those of a step in the order of streams."""
    _, steps, width = codes.shape
    indices = np.zeros_like(codes) if indices is None else indices
    places = [(k, t, d) for t in range(steps) for k in range(len(codes)) for d in range(width)]
    return [
        Beat(
            int(codes[place]),
            place[1:] == (0, 0),
            place[1:] == (steps - 1, width - 1),
            int(indices[place]),
        )
        for place in places
    ]
