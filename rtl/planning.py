"""A core as planned: all that is known of it before any gateware is made, in pure Python."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import Any

from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from golden.wiring import INPUT
from rtl.lengths import room
from rtl.offline.buffers import Buffer, Way, waits, way
from rtl.offline.parts import Part, split
from rtl.options import USUAL, CoreOptions
from rtl.program.loading import structure
from rtl.program.probe import ProbeStream
from rtl.schedule.rows import Row
from rtl.schedule.schedule import LaneError, Schedule, allowed_lanes
from rtl.schedule.skipping import SkipSchedule
from rtl.skips import check_skip
from rtl.step_plan import StepPlan


@dataclass(frozen=True)
class CorePlan:
    """A core for a network, of one part or, with reverse layers, of several.

    Attributes
    ----------
    qnet : the integer network.
    options : of the core, as they were given.
    groups : the parts of the network in order of the data; those of a group, a forward and a
        reverse one, have the same input.
    parts : the plan of each part, in the same order.
    """

    qnet: QuantizedNetwork
    options: CoreOptions
    groups: tuple[tuple[Part, ...], ...]
    parts: tuple[StepPlan, ...]

    def __repr__(self) -> str:
        return f"CorePlan({self.qnet.name!r}, {self.options}, {self.cycles_per_step} cycles a step)"

    @property
    def holds_sequences(self) -> bool:
        """Whether the core takes whole sequences, because a layer runs in reverse."""
        return self.qnet.first_reverse is not None

    @property
    def max_length(self) -> int:
        """Steps of the longest sequence that the core holds; 0 where it need not hold any."""
        return room(self.qnet, self.options.max_length)

    @property
    def has_idle(self) -> bool:
        """Whether the core says when it is idle, see `StepPlan`."""
        return any(part.has_idle for part in self.parts)

    @property
    def load_bits(self) -> tuple[int, int]:
        """Bits of the load port's address and of its word."""
        return self.parts[0].load_bits

    @cached_property
    def ways(self) -> tuple[tuple[Way, ...], ...]:
        """The buffers before and behind each part of each group."""
        return tuple(
            tuple(way(part, group, self.max_length) for part in group) for group in self.groups
        )

    @cached_property
    def waits(self) -> tuple[tuple[Buffer | None, ...], ...]:
        """What holds each that a group reads until all of it is there; None where nothing must."""
        counts = waits(self.groups, self.parts, self.max_length)
        return tuple(
            tuple(
                Buffer("fifo", *self.given(each), count) if count else None
                for each, count in zip(group[0].reads, own, strict=True)
            )
            for group, own in zip(self.groups, counts, strict=True)
        )

    def given(self, number: int) -> tuple[Format, int]:
        """Format and number of the values that a group gives at a step; -1 is the core's input."""
        if number == INPUT:
            return self.qnet.formats.input, self.qnet.inputs
        group = self.groups[number]
        return group[0].qnet.out_format, sum(part.qnet.outputs for part in group)

    @property
    def buffer_bits(self) -> int:
        """Memory that holds sequences, of all parts."""
        waiting = (each.bits for group in self.waits for each in group if each)
        return sum(each.bits for ways in self.ways for each in ways) + sum(waiting)

    @property
    def lanes(self) -> int:
        """Multipliers in the lanes of all parts."""
        return sum(part.schedule.lanes for part in self.parts)

    @property
    def most_lanes(self) -> int:
        """The lanes to ask for to get this core again: the most of one part."""
        return max(part.schedule.lanes for part in self.parts)

    @property
    def tail_multipliers(self) -> int:
        """Multipliers behind the lanes, of all parts."""
        return sum(part.program.tail_multipliers for part in self.parts)

    @property
    def memories(self) -> dict[str, int]:
        """Bits by what they hold, of all parts; sequences are not among them."""
        found: Counter[str] = Counter()
        for part in self.parts:
            found.update(part.memories)
        return dict(found)

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The clocks of each part."""
        return tuple(part.schedule for part in self.parts)

    @property
    def elements(self) -> int:
        """Beats of an input vector."""
        return self.qnet.inputs if self.holds_sequences else self.parts[0].elements

    @property
    def slowest(self) -> Schedule:
        return max(self.schedules, key=lambda part: part.cycles_per_step)

    @property
    def joined(self) -> int:
        """The most elements that are joined to a vector, at an element a clock: what two directions
        give, or what stages of several groups do."""
        pairs = (sum(part.qnet.outputs for part in group) for group in self.groups if group[1:])
        met = (group[0].qnet.inputs for group in self.groups if group[0].reads[1:])
        return max((*pairs, *met), default=0)

    @property
    def cycles_per_step(self) -> int:
        """Clocks a step in the steady state: of the slowest part, or of a join."""
        return max(self.slowest.cycles_per_step, self.joined)

    def cycles_at(self, share: float) -> int:
        """The same in steps in which this share of the columns of a core that skips is active."""
        found = (
            each.cycles_at(share) if isinstance(each, SkipSchedule) else each.cycles_per_step
            for each in self.schedules
        )
        return max(*found, self.joined)

    @property
    def ideal_cycles(self) -> int:
        """Clocks a step in which the slowest part multiplies."""
        return self.slowest.ideal_cycles

    @property
    def stall_per_step(self) -> int:
        return self.cycles_per_step - self.ideal_cycles

    @property
    def products_per_step(self) -> int:
        """Multiplications that the network needs, with the elements of its input that come."""
        return sum(part.products_per_step for part in self.schedules)

    @property
    def utilisation(self) -> float:
        """Useful multiplications / (lanes * clocks)."""
        return self.products_per_step / (self.lanes * self.cycles_per_step)

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows of a step, part by part, layers numbered as in the whole network."""
        return tuple(row for part, plan in self.pairs for row in part.whole(plan.schedule.rows))

    @cached_property
    def saturation_kinds(self) -> tuple[str, ...]:
        """The counters of clipped values: the kinds of all parts."""
        return tuple(
            dict.fromkeys(
                part.kind(kind) for part, plan in self.pairs for kind in plan.saturation_kinds
            )
        )

    @property
    def probe_streams(self) -> tuple[ProbeStream, ...]:
        """What the probe shows: the streams of every part, layers numbered as in `qnet`."""
        if not self.holds_sequences:
            return self.parts[0].probe_streams
        return tuple(
            ProbeStream(f"p{k}_{shown.name}", part.whole(shown.rows), part.reverse, part.once)
            for k, (part, plan) in enumerate(self.pairs)
            for shown in plan.probe_streams
        )

    @property
    def state_words(self) -> tuple[Row, ...]:
        """What lies at the addresses of the state port; nothing in a core that has none."""
        return self.parts[0].state_words if self.options.state_port else ()

    @property
    def pairs(self) -> Iterable[tuple[Part, StepPlan]]:
        """The parts of the network, each with its plan."""
        flat = (part for group in self.groups for part in group)
        return zip(flat, self.parts, strict=True)

    def with_state_port(self) -> "CorePlan":
        """The same core with its state port; a core that holds sequences as it is."""
        if self.holds_sequences:
            return self
        options = replace(self.options, state_port=True)
        check_skip(self.qnet, options)
        parts = tuple(replace(part, options=options) for part in self.parts)
        return replace(self, options=options, parts=parts)

    def component(self) -> Any:
        """The gateware: an `rtl.core.Core`, or an `rtl.offline.core.OfflineCore`.

        Found by name, when it is asked for: both are made from plans and import this module.
        """
        if self.holds_sequences:
            return import_module("rtl.offline.core").OfflineCore(self)
        if self.options.skip:
            return import_module("rtl.skipping.core").SkipCore(self.parts[0])
        return import_module("rtl.core").Core(self.parts[0])

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what a user of the core must know, but for its ports."""
        qnet = self.qnet
        return {
            "input": {
                "elements": qnet.inputs,
                "format": _format(qnet.formats.input),
                **({"fraction_bits": qnet.formats.inputs} if qnet.formats.inputs else {}),
            },
            "output": {
                "elements": qnet.outputs,
                "format": _format(qnet.out_format),
                "steps": qnet.output,
                **({"decision_among": qnet.logits} if qnet.decides else {}),
            },
            "formats": qnet.formats.as_dict(),
            "lanes": self.lanes,
            "cycles_per_step": self.cycles_per_step,
            "ideal_cycles_per_step": self.ideal_cycles,
            "stall_cycles_per_step": self.stall_per_step,
            "mac_utilisation": self.utilisation,
            **(self._sequences() if self.holds_sequences else self._steps()),
        }

    def _steps(self) -> dict[str, Any]:
        """What is said of a core that takes step after step."""
        schedule, program = self.parts[0].schedule, self.parts[0].program
        found: dict[str, Any] = {
            "streams": schedule.streams,
            "beats_per_vector": schedule.elements,
            "latency_cycles": self.parts[0].latency,
            "accumulator_bits": program.paths.sum,
            "weight_memory_bits": program.memories["weights"],
        }
        found |= self._skips()
        if self.options.protect:
            found["protected"] = True
            found["memory_bits"] = program.memories
        if self.options.load_port:
            found["structure_sha256"] = structure(program)
        if self.options.state_port:
            found["state_words"] = [vars(row) for row in self.state_words]
        return found

    def _sequences(self) -> dict[str, Any]:
        """What is said of a core that holds whole sequences."""
        held = {"max_length": self.max_length, "sequence_memory_bits": self.buffer_bits}
        return held | self._skips()

    def _skips(self) -> dict[str, Any]:
        """What is said of a core that skips."""
        skip, thresholds = self.options.skip, list(self.qnet.thresholds)
        about = {"what": skip, "thresholds": thresholds, "least_cycles": self.cycles_at(0)}
        return {"skip": about} if skip else {}


def plan(qnet: QuantizedNetwork, options: CoreOptions = USUAL) -> CorePlan:
    """Plan the core for a network.

    Raises
    ------
    LaneError : lanes that the network cannot use.
    UnsupportedError : a network that no core can run.
    CarouselError : options that the network cannot have, or out of range.
    """
    room(qnet, options.max_length)
    check_skip(qnet, options)
    if options.protect:
        _check_protect(qnet, options)
    if qnet.first_reverse is None:
        layers = tuple(range(len(qnet.layers)))
        dense = tuple(range(len(layers), len(layers) + len(qnet.dense)))
        whole = Part(qnet, layers, dense)
        return CorePlan(qnet, options, ((whole,),), (StepPlan.of(qnet, options),))
    _check_reverse(qnet.first_reverse, options)
    groups = split(qnet)
    parts = (part for group in groups for part in group)
    plans = (StepPlan.of(part.qnet, _part_options(part, options)) for part in parts)
    return CorePlan(qnet, options, groups, tuple(plans))


def _check_reverse(layer: int, options: CoreOptions) -> None:
    """Refuse what a core that holds sequences cannot have."""
    runs = f"layer {layer} runs in reverse"
    if options.nonzeros is not None:
        raise CarouselError(
            f"nonzeros {options.nonzeros}: {runs}, and a core that holds sequences takes whole "
            "vectors"
        )
    if options.load_port:
        raise CarouselError(
            f"load port: {runs}, and a core that holds sequences is made for one network"
        )
    if options.state_port:
        raise CarouselError(
            f"state port: {runs}, from a sequence's end, and no state goes from one sequence to "
            "the next"
        )
    if options.streams != 1:
        raise CarouselError(
            f"streams {options.streams}: {runs}, and a core that holds sequences processes one at "
            "a time"
        )


def _check_protect(qnet: QuantizedNetwork, options: CoreOptions) -> None:
    """Refuse what a protected core cannot have."""
    if qnet.first_reverse is not None:
        raise CarouselError(
            f"protect: cannot be combined with layer {qnet.first_reverse}, which runs in reverse: "
            "the buffers that hold sequences have no check bits"
        )
    if options.nonzeros is not None:
        raise CarouselError(
            f"protect: cannot be combined with nonzeros {options.nonzeros}: the indices of a "
            "sparse input have no check bits"
        )
    if options.skip is not None:
        raise CarouselError(
            f"protect: cannot be combined with skip {options.skip}: the lists of what is not "
            "skipped have no check bits"
        )
    if options.load_port:
        raise CarouselError(
            "protect: cannot be combined with a load port: what is written there has no check bits"
        )


def _part_options(part: Part, options: CoreOptions) -> CoreOptions:
    """Those of a part's core; one of a head alone does not skip."""
    skip = options.skip if part.layers else None
    return replace(options, lanes=_lanes_of(part, options.lanes), skip=skip)


def _lanes_of(part: Part, lanes: int | None) -> int:
    """The most lanes, up to `lanes`, that a part can use."""
    allowed = allowed_lanes(part.qnet)
    fitting = [each for each in allowed if lanes is None or each <= lanes]
    if not fitting:
        names = " and ".join(map(str, part.layers))
        raise LaneError(f"lanes {lanes}: layer {names} needs at least {allowed[0]}")
    return fitting[-1]


def _format(form: Format) -> dict[str, Any]:
    width = {"width": form.width, "fraction_bits": form.frac, "signed": form.signed}
    return {"format": str(form), **width}
