"""The verdict on a scenario: every act against the integer model, and counters in the course."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from fixedpoint.network import QuantizedNetwork, QuantizedTrace
from sim.errors import SimulationError
from sim.faults import check_complete, run_faults
from sim.job import Recording
from sim.request import Request
from sim.scenario import Scenario
from sim.scoreboard import EMPTY, Verdict, by_kind, compare, joined
from sim.stage import Played
from sim.state import last_turn
from sim.trace import saturations, show


def models_of(
    qnet: QuantizedNetwork, scenario: Scenario, streams: int
) -> tuple[QuantizedTrace, ...]:
    """The integer model's run of each act."""
    models: list[QuantizedTrace] = []
    for act in scenario.acts:
        state = act.state
        if act.goes_on and models:
            state = last_turn(models[-1].state, streams, act.codes.ndim == 3)
        models.append(qnet.run(act.codes, state))
    return tuple(models)


def judge(qnet: QuantizedNetwork, played: Played, models: Sequence[QuantizedTrace]) -> Verdict:
    """What a scenario's recording is worth; sequences are counted over all acts."""
    acts, recording = played.requests, played.recording
    try:
        check_complete(acts, recording)
    except SimulationError as error:
        return replace(EMPTY, faults=(str(error),))
    total, sequences = EMPTY, 0
    for request, piece, model in zip(acts, _pieces(acts, recording), models, strict=True):
        # counters are those of all acts, so each act is given what it must have
        verdict = compare(qnet, model, show(request, piece, by_kind(model), ()))
        total = joined(total, verdict, sequences)
        sequences += request.sequences
    counts = {name: len(clocks) for name, clocks in saturations(recording).items()}
    faults = *run_faults(acts, recording), *_untimely(acts, recording, models)
    kinds = {**total.saturations, **counts}
    return replace(
        total,
        saturations={
            kind: (total.saturations.get(kind, (0, 0))[0], counts.get(kind, 0)) for kind in kinds
        },
        faults=(*total.faults, *faults),
    )


def _pieces(acts: Sequence[Request], recording: Recording) -> Iterator[Recording]:
    """Of a recording what belongs to each act."""
    places = {"in": 0, "out": 0, "state": 0, **{f"probe {each}": 0 for each in recording.probe}}
    for request in acts:
        cuts = {}
        for name, start in places.items():
            places[name] = start + request.wanted[name]
            cuts[name] = slice(start, places[name])
        yield replace(
            recording,
            in_clocks=recording.in_clocks[cuts["in"]],
            out_clocks=recording.out_clocks[cuts["out"]],
            out_data=recording.out_data[cuts["out"]],
            out_first=recording.out_first[cuts["out"]],
            out_last=recording.out_last[cuts["out"]],
            probe={name: codes[cuts[f"probe {name}"]] for name, codes in recording.probe.items()},
            state=recording.state[cuts["state"]],
        )


def _untimely(
    acts: Sequence[Request], recording: Recording, models: Sequence[QuantizedTrace]
) -> Iterator[str]:
    """Saturations that are counted when they cannot be: those of an act are counted after the input
    of its first step was taken, and before its last output leaves."""
    first, pieces = acts[0], list(_pieces(acts, recording))
    for kind, clocks in saturations(recording).items():
        counts = [by_kind(model).get(kind, 0) for model in models]
        if len(clocks) != sum(counts):
            continue  # is told as a wrong count
        for number, (request, piece, end) in enumerate(
            zip(acts, pieces, np.cumsum(counts).tolist(), strict=True)
        ):
            own = clocks[end - counts[number] : end]
            after = piece.in_clocks[request.vector * request.streams - 1]
            # a reverse layer's own first step may be the only one that an output waits for
            ends = not first.offline or first.qnet.output == "every"
            before = piece.out_clocks[-1] if ends else recording.clocks
            wrong = own[(own <= after) | (own >= before)]
            if len(wrong):
                yield (
                    f"saturations of {kind}: {len(wrong)} of act {number} are counted before its "
                    f"input was taken or after its output left, first in clock {wrong[0]}"
                )
