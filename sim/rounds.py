"""Scenarios as the test bench plays them: words of the ports, amounts, and bounds in clocks."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from golden.errors import InputError
from rtl import activity
from rtl.schedule import latency
from rtl.schedule.skipping import SkipSchedule
from sim.harness import Harness, PortField, fields, has
from sim.job import Ints, Job, Round
from sim.request import Request
from sim.scenario import Act, Pattern, Scenario
from sim.state import to_words

JUNK = 0x5555_5555_5555  # what the payload shows while it is not valid
CHUNK = 1024  # clocks between two looks at progress
SHORT = 64  # the same where a round is short or has accesses in it, so that few pass in vain
MANY = 1 << 14  # the same where the clocks of an access to the next are `LONG`
LONG = 300_000  # clocks from which on a simulator for long runs is worth its build
LONGEST = 40  # a pause is longer than so many times its mean once in e^40


def requests_of(core: Any, scenario: Scenario) -> tuple[Request, ...]:
    """What each act asks of a core."""
    plan = core.plan
    skipping = plan.parts[0].schedule if plan.options.skip else None
    return tuple(
        Request(
            plan.qnet,
            act.codes.shape,
            plan.probe_streams if has(core, "probe") else (),
            () if act.state is None else plan.state_words,
            plan.holds_sequences,
            plan.options.streams,
            plan.cycles_per_step,
            plan.elements,
            opens=plan.qnet.output != "every"
            or (act.state is None and not (number and act.goes_on)),
            skipping=skipping if isinstance(skipping, SkipSchedule) else None,
            codes=act.codes,
            goes_on=act.goes_on and number > 0,
            state=act.state and activity.several(act.state),
        )
        for number, act in enumerate(scenario.acts)
    )


def job_of(harness: Harness) -> Job:
    """What all rounds on a core have in common."""
    drive, core = fields(harness.drive.shape()), harness.core
    reads = np.zeros(0, np.int64)
    if has(core, "state_in"):
        reads = np.pad(_addresses(harness), (0, latency.STATE_PORT))
    return Job(
        junk=_word(drive, {"in_data": JUNK, "in_first": 1, "in_last": 1}),
        reads=reads,
        seen=_places(harness.seen),
        streams=tuple(s.name for s in core.plan.probe_streams) if has(core, "probe") else (),
        counters=_places(harness.rises),
        owner=os.getpid(),
    )


def _places(port: Any) -> dict[str, tuple[int, int, bool]]:
    return {
        name: (place.offset, place.width, place.signed)
        for name, place in fields(port.shape()).items()
    }


def round_of(harness: Harness, requests: Sequence[Request], scenario: Scenario) -> Round:
    """A scenario's round."""
    rng = np.random.default_rng((scenario.pattern.seed, 2)) if scenario.pattern.junk else None
    words, stretches = list[Ints](), list[tuple[int, int, Ints | None]]()
    for act, what in zip(scenario.acts, requests, strict=True):
        words.append(_words(harness, what, act, rng))
        for count, beats, write in _stretches(harness, what, act):
            if write is None and stretches and stretches[-1][2] is None:
                before = stretches.pop()
                count, beats = before[0] + count, before[1] + beats
            stretches.append((count, beats, write))
    nothing = np.zeros(len(harness.core.plan.state_words), np.int64)
    return Round(
        words=np.concatenate(words),
        ends=np.cumsum([count for count, _, _ in stretches]),
        beats=np.cumsum([beats for _, beats, _ in stretches]),
        opened=np.array([write is not None for _, _, write in stretches], np.int64),
        writes=np.stack([nothing if write is None else write for _, _, write in stretches]),
        stop=scenario.stop,
        idle=scenario.pattern.idle,
        back_pressure=scenario.pattern.back_pressure,
        burst=scenario.pattern.burst,
        seed=scenario.pattern.seed,
        **_bounds(requests, scenario.pattern, len(stretches), len(nothing)),
        chunk=_chunk(requests, len(stretches)),
    )


def clocks_of(requests: Sequence[Request]) -> int:
    """In about how many clocks all is done, if nothing has to wait."""
    return sum(each.steps * max(each.pace, each.vector) for each in requests)


def _chunk(requests: Sequence[Request], stretches: int) -> int:
    if clocks_of(requests) // stretches >= LONG:
        return MANY
    return CHUNK if stretches == len(requests) == 1 and not requests[0].state_words else SHORT


def _bounds(
    requests: Sequence[Request], pattern: Pattern, stretches: int, state_words: int
) -> dict[str, int]:
    """`Round.patience`, `limit` and `drain`: what a core needs at most by its schedule, and what
    the streams keep it waiting."""
    pace, first = max(each.pace for each in requests), requests[0]
    parts = len((*first.qnet.layers, *first.qnet.dense)) + 1 if first.offline else 1
    silence = max(each.times[-1] for each in requests) * pace * parts if first.offline else 0
    # a reverse layer's own first step may be the only one that counts, and its others still come
    rest = silence if first.qnet.output != "every" else 0
    taking, giving = 1 / (1 - pattern.idle), 1 / (1 - pattern.back_pressure)
    calm = silence + 20 * pace + 1000
    patience = calm + LONGEST * pattern.burst * (taking + giving)
    mean = sum(
        each.steps * (each.vector * taking + pace * parts) + each.beats * giving
        for each in requests
    )
    return {
        "patience": int(patience),
        "limit": int(2 * mean + patience + stretches * (calm + 2 * state_words)),
        "drain": rest + 2 * pace + 100,
    }


def _stretches(
    harness: Harness, request: Request, act: Act
) -> Iterator[tuple[int, int, Ints | None]]:
    """Elements, output beats, and what writes the state before them: of each turn of sequences
    where there is a state, else of all."""
    elements = request.steps * request.vector
    if act.state is None:
        yield elements, request.beats, None
        return
    port = fields(harness.state.shape())
    words = to_words(request.qnet, request.state_words, act.state).reshape(
        -1, len(request.state_words)
    )
    codes = (words & ((1 << port["in"].width) - 1)) << port["in"].offset
    for row in _addresses(harness) | codes | 1 << port["write"].offset:
        yield elements // len(codes), request.beats // len(codes), row


def _addresses(harness: Harness) -> Ints:
    """Values of `state` that address each of its words."""
    place = fields(harness.state.shape())["address"]
    return np.arange(len(harness.core.plan.state_words)) << place.offset


def _word(drive: dict[str, PortField], values: dict[str, int]) -> int:
    """A value of `drive`: the fields named, the others 0."""
    word = 0
    for name, value in values.items():
        word |= (value & ((1 << drive[name].width) - 1)) << drive[name].offset
    return word


def _words(harness: Harness, request: Request, act: Act, rng: np.random.Generator | None) -> Ints:
    """For every element in order the value of `drive` that offers it, `out_ready` left 0; with
    marks at random, if so asked, on the elements on which they do not count."""
    drive, elements, indices = fields(harness.drive.shape()), act.codes, None
    if "in_index" in drive:
        indices, elements = nonzero_elements(act.codes, request.vector)
    words = (elements & ((1 << drive["in_data"].width) - 1)) << drive["in_data"].offset
    if indices is not None:
        words |= indices << drive["in_index"].offset
    words = words[None] if words.ndim == 2 else words
    marks = np.zeros((2, *words.shape), np.int64)
    if rng is not None:
        marks = rng.integers(0, 2, marks.shape)
        marks[0, ..., 0] = marks[1, ..., -1] = 0
    marks[0, :, 0, 0] = act.state is None and not act.goes_on
    marks[1, :, -1, -1] = 1
    words |= marks[0] << drive["in_first"].offset | marks[1] << drive["in_last"].offset
    return request.unfold(words) | (1 << drive["in_valid"].offset)


def nonzero_elements(codes: Ints, count: int) -> tuple[Ints, Ints]:
    """What comes of sparse vectors (..., D): indices and codes (..., count) of the elements that
    are not 0, in order, then of others.

    Raises
    ------
    InputError : a vector has more of them.
    """
    found = np.count_nonzero(codes, axis=-1)
    if found.max(initial=0) > count:
        *sequence, step = (int(k) for k in np.unravel_index(np.argmax(found), found.shape))
        where = f"sequence {sequence[0]}, " if sequence else ""
        raise InputError(
            f"input: {where}step {step} has {found.max()} elements other than 0, the core takes "
            f"{count} (nonzeros)"
        )
    indices = np.argsort(codes == 0, axis=-1, kind="stable")[..., :count]
    return indices, np.take_along_axis(codes, indices, axis=-1)
