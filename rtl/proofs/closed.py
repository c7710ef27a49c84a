"""The gates of a network that was trained to shut them: at every distractor, whatever y and the
gates were a step before, the weights in the core's memory take them where they are wholly shut.

Each lane's sums are followed column by column, as in `rtl.proofs.sums`, but with the weights that
are in its memory and with the values that a step can have: x is a distractor's, the same one in the
whole step, and y and the gates are any codes of their formats.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

from fixedpoint.retention.bound import open_gate
from fixedpoint.retention.hold import closing, keeping
from fixedpoint.retention.ranges import Range
from rtl.program.program import Program, RowWord
from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError, ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import FETCH, Rows, claim_rows
from rtl.proofs.sums import ADDED, FED, READERS, claim_clock, hops, inputs
from rtl.schedule import latency
from rtl.schedule.phases import Column
from rtl.schedule.schedule import Slot
from rtl.step_plan import StepPlan

MOST_CASES = 16  # distractors, a case each
Ends = tuple[int, int]  # lowest and highest


class Gate(NamedTuple):
    """A row that must come out shut.

    Attributes
    ----------
    word : the tail's, of the row.
    place, lane : of the tail, and in which lane its sum is made.
    end : the clock of its group's last column.
    sum, net : clocks from there to its sum at the tail, and to its net input.
    """

    word: RowWord
    place: int
    lane: int
    end: int
    sum: int
    net: int


def closed(core: StepPlan, design: Design, between: Range) -> Proof:
    """i = 0 and f = 1.0 at every distractor, by the weights.

    Parameters
    ----------
    between : what an input vector can be between what matters, a case each (M, D).

    Raises
    ------
    InapplicableError : there are no gates, or one can open.
    ProofError : a core of which it cannot be said.
    """
    _check(core, between)
    limits = Limits(core, between)
    first = limits.gates[0]
    address = limits.issued.index(limits.first_column(first))
    broken = design.replaced(
        design.find(f"lanes.lane{first.lane}"), rf"^(\s+weights0\[{address}\]) = \S+;", r"\1 = 0;"
    )
    kinds = (
        "the input gate's"
        if len({gate.word.row.kind for gate in limits.gates}) == 1
        else ("the input gate's, and that at which the forget gate is 1.0")
    )
    return Proof(
        "closed",
        "In a step whose x is a distractor, whatever y and the gates were a step before, the net "
        f"input of every gate that guards a state is where it is wholly shut ({kinds} code of 0): "
        "so (proofs `shut`, `hold`) no state changes by one LSB, over any number of such steps.",
        f"the whole core and its own weights: {len(limits.gates)} gates, {len(between.low)} "
        f"distractors, {core.program.schedule.lanes} lanes",
        (
            "What a step reads as x is one distractor's vector (proof `input`).",
            "y and gates are codes of their formats (proof `saturates-y`).",
            "No reset comes after power-up.",
        ),
        design,
        lambda given: state(given, limits, lemmas=given is design),
        limits.depth,
        Twin(
            f"a weight of an input gate in lane {first.lane} is 0, so that the gate opens",
            broken,
            first.end + first.net + latency.START + 3,
            {
                "sequencer.ready": 1,
                **dict.fromkeys(
                    (f"operands.{name}" for name in inputs(design) if not name.startswith("x")), 0
                ),
            },
        ),
    )


def _check(core: StepPlan, between: Range) -> None:
    program, schedule = core.program, core.schedule
    if not program.states:
        raise InapplicableError("there are no cells, so no gates")
    if program.loadable:
        raise InapplicableError("the weights can be loaded anew")
    if found := open_gate(core.qnet, between):
        raise InapplicableError(f"a gate is not wholly shut: {found}")
    if schedule.streams > 1 or schedule.sparse or schedule.peepholes:
        raise ProofError("closed: cores with several streams, sparse input or peepholes")
    if len(between.low) > MOST_CASES:
        raise ProofError(f"closed: {len(between.low)} distractors, at most {MOST_CASES} are taken")


@dataclass(frozen=True)
class Limits:
    """What values and sums can be, clock by clock, in each case of x.

    Attributes
    ----------
    core, between : which core, and the cases.
    """

    core: StepPlan
    between: Range

    @property
    def program(self) -> Program:
        return self.core.program

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.program.schedule.slots

    @property
    def cases(self) -> int:
        return len(self.between.low)

    @property
    def idle(self) -> int:
        """Stands for the clocks between steps."""
        return len(self.slots)

    @cached_property
    def rows(self) -> Rows:
        return Rows(self.core)

    @cached_property
    def issued(self) -> list[int]:
        """The clocks in which a column is issued, by its weight's address."""
        return [clock for clock, slot in enumerate(self.slots) if slot.column]

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """All rows of input and forget gates."""
        return tuple(self._gates())

    def _gates(self) -> Iterator[Gate]:
        rows, schedule = self.rows, self.program.schedule
        for number, place in enumerate(rows.places):
            for clock, word in place.rows:
                if word.row.kind not in "if" or word.row.layer is None:
                    continue
                group, (phase, k) = next(
                    (n, each)
                    for n, each in enumerate(schedule.groups)
                    if word.row in each[0].group(each[1])
                )
                lane = phase.group(k).index(word.row) * phase.spacing
                end = rows.ends[group]
                since = clock - end
                yield Gate(word, number, lane, end, since, since + latency.NET)

    @property
    def lanes(self) -> list[int]:
        """Those in which a gate's sum is made."""
        return sorted({gate.lane for gate in self.gates})

    def first_column(self, gate: Gate) -> int:
        """The clock of the column whose weight shuts a gate most in the first case."""
        clocks = [
            clock
            for clock in self.issued
            if self._of(clock)[0].group == self._of(gate.end)[0].group
            and self._of(clock)[1].source == "x"
        ]
        side = 1 if gate.word.row.kind == "i" else -1
        return min(clocks, key=lambda clock: side * self.product(gate.lane, clock, 0)[1])

    def _of(self, clock: int) -> tuple[Slot, Column]:
        slot = self.slots[clock]
        assert slot.column
        return slot, slot.column

    def value(self, clock: int, case: int) -> Ends:
        """What the operand of a clock can be."""
        if clock == self.idle or self.slots[clock].column is None:
            return 0, 0
        slot, column = self._of(clock)
        phase, qnet = self.program.schedule.groups[slot.group or 0][0], self.program.qnet
        if column.source == "x":
            place = column.column
            return int(self.between.low[case, place]), int(self.between.high[case, place])
        if phase.layer is None:
            assert qnet.readout is not None
            form = qnet.readout.input
        elif phase.yields == "y":
            form = qnet.layers[phase.layer].formats.cell_output
        elif column.source == "gates":
            return 0, qnet.layers[phase.layer].formats.gate.one
        else:
            source = "x" if column.source == "below" else column.source
            form = qnet.layers[phase.layer].source_formats[source]
        return form.low, form.high

    def weight(self, clock: int, lane: int) -> int:
        """The one that meets it."""
        if clock == self.idle or self.slots[clock].column is None:
            return 0
        return self.program.weights[lane][self.issued.index(clock)]

    def product(self, lane: int, clock: int, case: int) -> Ends:
        """What the lane adds of the column of a clock."""
        ends = [self.weight(clock, lane) * value for value in self.value(clock, case)]
        return min(ends), max(ends)

    @property
    def widest(self) -> Ends:
        """What any sum can be: nothing is said of it."""
        most = 1 << self.program.paths.sum - 1
        return -most, most - 1

    def sums(self, lane: int, case: int) -> list[list[Ends]]:
        """What each accumulator can hold in each clock before its product, the one in use first."""
        ring, found = [self.widest] * self.program.accumulators, []
        for clock, slot in enumerate(self.slots):
            if slot.rotate and len(ring) > 1:
                ring = [ring[-1], *ring[:-1]]
            if slot.first and slot.group in self.groups:
                ring = [(0, 0), *ring[1:]]
            elif slot.first:
                ring = [self.widest, *ring[1:]]
            found.append(list(ring))
            if slot.column and ring[0] != self.widest:
                low, high = self.product(lane, clock, case)
                ring = [(ring[0][0] + low, ring[0][1] + high), *ring[1:]]
        return found

    @cached_property
    def groups(self) -> set[int | None]:
        """Those that make a gate's sum."""
        return {self.slots[gate.end].group for gate in self.gates}

    @cached_property
    def depth(self) -> int:
        """From a sum in its lane to the net input."""
        since = (gate.net + 1 - ADDED - hops(self.program, gate.lane) for gate in self.gates)
        return max(FED, *since) + 2


def state(design: Design, limits: Limits, lemmas: bool) -> Harness:
    """Values are free within their limits; with `lemmas` what the induction needs on the way."""
    h, program = Harness(design, ""), limits.program
    h.cut("sequencer.ready")
    for lane in range(program.schedule.lanes):
        if lane not in limits.lanes:
            h.cut(f"lanes.lane{lane}.product_2")
    far = max(gate.net + 1 for gate in limits.gates)
    at = claim_clock(h, limits.idle, far)
    clocks = Clocks(h, limits, at)
    assume_values(h, limits, clocks)
    if lemmas:
        claim_rows(h, limits.rows)
        for address, clock in enumerate(limits.issued):
            h.prove(f"{at[FETCH]} != {clock} || {h.see('sequencer.weight')} == {address}")
        for lane in limits.lanes:
            claim_lane(h, limits, clocks, lane)
    for gate in limits.gates:
        claim_gate(h, limits, at, gate, lemmas)
    return h


class Clocks:
    """The clocks of a step and its case, now and some clocks ago.

    Attributes
    ----------
    h, limits : the harness, and what holds in it.
    at, which : names of the clock and of the case, by how long ago.
    """

    def __init__(self, h: Harness, limits: Limits, at: list[str]):
        self.h, self.limits, self.at = h, limits, at
        bits = max(1, (limits.cases - 1).bit_length())
        chosen = h.any("chosen", bits)
        h.assume(f"{chosen} < {limits.cases}")
        h.line(f"wire [{bits - 1}:0] which_0 = at_0 == 0 ? {chosen} : which_1;")
        self.which = h.delayed("which", "which_0", bits, len(at) - 1)
        for now, before, clock in zip(self.which, self.which[1:], at, strict=False):
            h.prove(f"{now} < {limits.cases} && ({clock} == 0 || {now} == {before})")

    def say(
        self, say: Callable[[str], None], value: str, ago: int, ends: Callable[[int, int], Ends]
    ) -> None:
        """That a signed value lies between the ends of its clock and case, so long ago."""
        for clock in range(self.limits.idle):
            found = [ends(clock, case) for case in range(self.limits.cases)]
            alike = len(set(found)) == 1
            for case, (low, high) in enumerate(found[:1] if alike else found):
                here = f"{self.at[ago]} == {clock}"
                here += "" if alike else f" && {self.which[ago]} == {case}"
                inside = f"$signed({value}) >= {low} && $signed({value}) <= {high}"
                if (low, high) != self.limits.widest:
                    say(f"!({here}) || ({inside})")


def assume_values(h: Harness, limits: Limits, clocks: Clocks) -> None:
    """What the operand is chosen from is what a step can have."""
    for name in inputs(h.design):
        found, own = h.cut(f"operands.{name}"), READERS[name.partition("_")[0]]
        value = f"{{1'b0, {found}}}" if name.startswith("gates") else found

        def ends(clock: int, case: int, own: tuple[str, ...] = own) -> Ends:
            column = limits.slots[clock].column
            read = column is not None and column.source in own
            return limits.value(clock, case) if read else limits.widest

        clocks.say(h.assume, value, FED - 1, ends)


def claim_lane(h: Harness, limits: Limits, clocks: Clocks, lane: int) -> None:
    """A lane of gates, from its feed to its accumulators."""
    path, late, program = f"lanes.lane{lane}", hops(limits.program, lane), limits.program
    for ago, name in ((FED, "feed_in.operand"), (FED + 1, "operand_1")):
        clocks.say(h.prove, h.see(f"{path}.{name}"), ago + late, limits.value)
    weight = h.see(f"{path}.weight_{latency.WEIGHT}")
    for address, clock in enumerate(limits.issued):
        here = f"{clocks.at[FED + 1 + late]} == {clock}"
        h.prove(f"!({here}) || $signed({weight}) == {program.weights[lane][address]}")
    for k, name in enumerate(("product", "product_1", "product_2")):
        ends = partial(limits.product, lane)
        clocks.say(h.prove, h.see(f"{path}.{name}"), FED + 2 + k + late, ends)
    for clock, slot in enumerate(limits.slots):
        here = f"{clocks.at[ADDED - 1 + late]} == {clock}"
        h.prove(f"!({here}) || {h.see(f'{path}.feed_in.first')} == {int(slot.first)}")
        if program.accumulators > 1:
            h.prove(f"!({here}) || {h.see(f'{path}.feed_in.rotate')} == {int(slot.rotate)}")
    sums = [limits.sums(lane, case) for case in range(limits.cases)]
    for k in range(program.accumulators):
        name = f"held{k}" if k else "base"

        def ends(clock: int, case: int, k: int = k) -> Ends:
            return sums[case][clock][k]

        clocks.say(h.prove, h.see(f"{path}.{name}"), ADDED + late, ends)


def claim_gate(h: Harness, limits: Limits, at: list[str], gate: Gate, lemmas: bool) -> None:
    """A gate's row at the tail: its net input is where the gate is wholly shut."""
    path, word = f"activation{gate.place}", gate.word
    assert word.row.layer is not None
    layer = limits.core.qnet.layers[word.row.layer]
    if lemmas:
        here = f"{at[gate.sum + 1]} == {gate.end}"
        h.prove(f"!({here}) || $signed({h.see(f'{path}.word_1.offset')}) == {word.offset}")
        if len(limits.program.net_modes) > 1:
            h.prove(f"!({here}) || {h.see(f'{path}.word_1.net_mode')} == {word.net_mode}")
    shut = f"<= {closing(layer)}" if word.row.kind == "i" else f">= {keeping(layer)}"
    code = h.see(f"{path}.net_code")
    h.prove(f"{at[gate.net + 1]} != {gate.end} || $signed({code}) {shut}")
