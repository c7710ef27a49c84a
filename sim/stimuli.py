"""Scenarios derived from a core's plan: what its buffers, counters, marks and resets must stand.

Shares of pauses follow from the plan: a sink that takes half as much as the core gives fills the
output buffer, a source that offers half as much as it takes starves it, whatever a step takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.cell import LayerState
from sim.harness import has
from sim.job import Ints
from sim.scenario import Act, Pattern, Scenario
from sim.scoreboard import by_kind
from sim.state import State

RESETS = 16
DRAWN = 24  # sequences among which those are looked for that saturate most
HELD = 6  # their steps
POOL, SHOWING = 400, 24  # sequences among which those are looked for that show most codes


@dataclass(frozen=True)
class Stimuli:
    """Stimuli for a core; those of one seed are always the same.

    Attributes
    ----------
    core : with the ports and the plan of `rtl.core.Core`.
    seed : of all that is drawn.
    """

    core: Any
    seed: int = 0

    @property
    def qnet(self) -> QuantizedNetwork:
        return self.core.plan.qnet

    @property
    def streams(self) -> int:
        return self.core.plan.options.streams

    @property
    def longest(self) -> int:
        """Steps of a sequence at most; 0 for any number."""
        return self.core.plan.max_length

    @property
    def vector(self) -> int:
        """Beats of a step's input."""
        return self.core.plan.elements * self.streams

    @property
    def period(self) -> int:
        """Clocks from step to step at full speed."""
        return max(self.core.plan.cycles_per_step, self.vector)

    @property
    def buffered(self) -> int:
        """Steps that a core holds when nothing leaves: of outputs, under way, and of inputs."""
        plan = self.core.plan
        return 4 + (2 * self.longest or plan.parts[0].schedule.buffered_steps)

    def slow(self, share: float, beats: int) -> float:
        """The share of clocks to pause in, so that of so many beats a step this share passes."""
        return 1 - share * min(1.0, beats / self.period)

    def scenarios(self, resets: int = RESETS, showing: int = SHOWING) -> list[Scenario]:
        """All of them, with a reset in so many phases of a step, and more while streams stall, and
        with so many sequences that show many codes."""
        rng = np.random.default_rng((self.seed, 1997))
        given, taken = self.qnet.outputs * self.streams, self.vector
        full, starved = self.slow(0.5, given), self.slow(0.5, taken)
        patterns = {
            "full speed": Pattern(),
            "output buffer full": Pattern(0, full),
            "input starved": Pattern(starved, 0),
            "source and sink as fast as the core": Pattern(
                self.slow(1, taken) / 2 + 0.1, self.slow(1, given)
            ),
            "long pauses": Pattern(0.5, 0.5, burst=self.period * self.buffered // 2),
            "short pauses": Pattern(
                *rng.choice([0.1, 0.5, 0.8], 2).tolist(), burst=int(rng.integers(1, 9))
            ),
        }
        found = []
        for number, (name, pattern) in enumerate(patterns.items()):
            acts = self._acts(rng, newborn=(number + self.seed) % 2 == 1)
            if number == 0:
                acts += self._saturating(rng)
            found.append(Scenario(name, tuple(acts), self._drawn(rng, pattern)))
        acts = tuple(self._showing(rng, showing))
        found.append(Scenario("many codes", acts, self._drawn(rng, Pattern())))
        stalled = [patterns["output buffer full"], patterns["input starved"]]
        return [*found, *self._resets(rng, resets, stalled)]

    def _drawn(self, rng: np.random.Generator, pattern: Pattern) -> Pattern:
        """A pattern with a seed and with marks at random where they do not count."""
        seed = int(rng.integers(1 << 30))
        return Pattern(pattern.idle, pattern.back_pressure, seed, pattern.burst, junk=True)

    def _acts(self, rng: np.random.Generator, newborn: bool) -> list[Act]:
        """Sequences of one step, of odd and of even numbers of steps, in any order, until they are
        more than the core can hold; the first one without `first` where it is `newborn`."""
        found, steps = list[Act](), 0
        short = self.qnet.output != "every"  # an output a sequence: these fill a buffer
        while steps < 2 * self.buffered or len(found) < 6:
            length = int(rng.choice([1, 1, 1, 2, 3] if short else [1, 2, 3, 4, 5, 7]))
            found.append(self._act(rng, self._fitting(length)))
            steps += length
        if newborn:
            found[0] = Act(found[0].codes[: self.streams], goes_on=True)
        return found

    def _fitting(self, length: int) -> int:
        return min(length, self.longest) if self.longest else length

    def _act(self, rng: np.random.Generator, length: int) -> Act:
        """A sequence to each stream: anew, going on, or from any state, as the core allows."""
        codes, way = self._codes(rng, self.streams, length), rng.random()
        if way < 0.3 and has(self.core, "state_in"):
            codes = self._codes(rng, 2 * self.streams, length)
            return Act(codes, self._state(rng, len(codes)))
        ends = self.core.plan.holds_sequences or any(self.qnet.thresholds)
        return Act(codes, goes_on=bool(way > 0.75 and not ends))

    def _codes(self, rng: np.random.Generator, sequences: int, length: int) -> Ints:
        """Codes (N, T, D): from the whole range, from its middle, or a corner that is held."""
        form, shape = self.qnet.formats.input, (sequences, length, self.qnet.inputs)
        corners = np.array([form.low, form.high, 0, -1])
        codes = rng.integers(form.low, form.high, shape, endpoint=True)
        match rng.integers(4):
            case 0:
                codes = codes // 16
            case 1:
                codes = np.broadcast_to(rng.choice(corners[:2], (sequences, 1, shape[2])), shape)
            case _:
                codes = np.where(rng.random(shape) < 0.2, rng.choice(corners, shape), codes)
        return self._idle(rng, self._thinned(rng, codes))

    def _idle(self, rng: np.random.Generator, codes: Ints) -> Ints:
        """Codes of which, for a core that skips, some are 0 and some stay what they were."""
        if self.core.plan.options.skip is None:
            return codes
        codes = np.where(rng.random(codes.shape) < rng.choice([0, 0.3, 0.8]), 0, codes)
        stay = rng.random(codes.shape) < rng.choice([0, 0.5, 0.95])
        stay[:, 0] = False
        times = np.where(stay, 0, np.arange(codes.shape[1])[:, None])
        return np.take_along_axis(codes, np.maximum.accumulate(times, axis=1), axis=1)

    def _thinned(self, rng: np.random.Generator, codes: Ints) -> Ints:
        """Codes with as many elements other than 0 as the core takes of a vector, or fewer."""
        most = self.core.plan.options.nonzeros
        if most is None:
            return codes
        ranks = rng.permuted(np.broadcast_to(np.arange(codes.shape[-1]), codes.shape), axis=-1)
        return np.where(ranks < rng.integers(0, most + 1, (*codes.shape[:2], 1)), codes, 0)

    def _state(self, rng: np.random.Generator, sequences: int) -> State:
        """Any state: half of its codes at the ends of their formats."""

        def drawn(shape: tuple[int, ...], low: int, high: int) -> Ints:
            codes = rng.integers(low, high, shape, endpoint=True)
            return np.where(rng.random(shape) < 0.5, rng.choice([low, high], shape), codes)

        return tuple(
            LayerState(
                drawn(state.s.shape, form.s.low, form.s.high),
                drawn(state.y.shape, form.y.low, form.y.high),
                drawn(state.gates.shape, form.gate.low, form.gate.one),
            )
            for state, form in zip(
                self.qnet.initial_state(sequences), self.qnet.formats.layers, strict=True
            )
        )

    def _saturating(self, rng: np.random.Generator) -> list[Act]:
        """For each kind of saturation the sequence, of those drawn, that has most of it."""
        form, shape = self.qnet.formats.input, (DRAWN, self._fitting(HELD), self.qnet.inputs)
        codes = rng.choice([form.low, form.high], shape)
        codes[::2] = codes[::2, :1]
        codes = self._thinned(rng, codes)
        counts = [by_kind(self.qnet.run(each)) for each in codes]
        best = {}
        for kind in counts[0]:
            most = max(range(DRAWN), key=lambda n: counts[n].get(kind, 0))
            if counts[most].get(kind, 0):
                best[most] = None
        return [Act(np.repeat(codes[n : n + 1], self.streams, axis=0)) for n in best]

    def _showing(self, rng: np.random.Generator, most: int) -> Iterator[Act]:
        """Of those drawn, one after the other the sequence that shows most codes of gates, states
        and outputs that none before it shows: what a table holds for a code is seen there alone."""
        codes = np.concatenate([self._codes(rng, 1, self._fitting(HELD)) for _ in range(POOL)])
        trace = self.qnet.run(codes)
        shown = [
            {
                (k, name, code)
                for k, layer in enumerate(trace.layers)
                for name, values in layer.items()
                for code in np.unique(values[n]).tolist()
            }
            for n in range(POOL)
        ]
        seen = set[tuple[int, str, int]]()
        for _ in range(most):
            best = max(range(POOL), key=lambda n: len(shown[n] - seen))
            if shown[best] <= seen:
                break
            seen |= shown[best]
            yield Act(np.repeat(codes[best : best + 1], self.streams, axis=0))

    @cached_property
    def _reborn(self) -> tuple[tuple[Act, ...], ...]:
        """What shows that nothing is left of the time before a reset."""
        rng = np.random.default_rng((self.seed, 1991))
        lengths = (1, self._fitting(2), 1)
        acts = [Act(self._codes(rng, self.streams, length)) for length in lengths]
        return (Act(acts[0].codes, goes_on=True), acts[1]), (acts[2], acts[0])

    def _resets(
        self, rng: np.random.Generator, resets: int, stalled: list[Pattern]
    ) -> Iterator[Scenario]:
        """A core that is broken off in the middle, and what it must give when it begins again."""
        phases = min(resets, self.period)
        shift = int(rng.integers(self.period))
        # from here on the core is full, and begins a step each period
        latency = 0 if self.longest else self.core.plan.parts[0].latency
        full = self.vector + self.period + latency
        stops = [
            (full + (shift + k * self.period // phases) % self.period, Pattern())
            for k in range(phases)
        ]
        early = rng.integers(1, full, -(-phases // 4)).tolist()
        stops += [(stop, Pattern()) for stop in early]
        for pattern in stalled:
            late = self.period * rng.uniform(1, self.buffered, -(-phases // 8))
            stops += [(int(stop), pattern) for stop in late]
        for number, (stop, pattern) in enumerate(stops):
            steps = -(-stop // self.period) + 2
            length = self._fitting(steps)
            codes = self._codes(rng, -(-steps // length) * self.streams, length)
            state = None
            if number % 2 and has(self.core, "state_in"):
                state = self._state(rng, len(codes))
            name = f"reset in clock {stop}"
            yield Scenario(name, (Act(codes, state),), self._drawn(rng, pattern), stop)
            acts = self._reborn[number % 2]
            mild = Pattern(0.3, 0.3) if number % 4 == 3 else Pattern()
            yield Scenario(f"after a {name}", acts, self._drawn(rng, mild))
