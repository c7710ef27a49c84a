"""No accumulator of a lane overflows: whatever the weights, the values and the pauses are.

The sequencer's count says which column comes to each stage of a lane. Clocks of a step in which the
same formats meet, and the same has been added before, are one case; most groups are alike, so there
are few. The case goes with the column from stage to stage, and says how far each sum can have got
there: as far as the columns that went into it can take it, each by the largest product that its two
formats allow. That bound is given to the solver, of the exact product
that a lane's is compared with: it would take minutes to find what arithmetic knows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rtl.datapath.lane import Lane
from rtl.program.program import Program
from rtl.proofs.ages import runs
from rtl.proofs.design import Design, escaped
from rtl.proofs.harness import PART, Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import FETCH
from rtl.proofs.values import times
from rtl.schedule import latency
from rtl.schedule.phases import Column
from rtl.schedule.schedule import Slot
from rtl.step_plan import StepPlan

FED = FETCH + latency.OPERAND - 1  # clocks from the sequencer's count to its column's operand
ADDED = FED + Lane.ADDED  # ... to its product, beside the sum that it is added to
SUM = r"= (\$signed\(base\) \+ \$signed\(product_\d\));"
VALUES = ("x_value_1", "y_value_1", "y_start_1", "gates_value_1", "gates_start_1")
READERS = {"x": ("x",), "y": ("y", "below"), "gates": ("gates",)}  # sources, by their memory


def sums(core: StepPlan, design: Design) -> Proof:
    """The accumulators of all lanes, as wide as the formats' bound says."""
    reach, program = Reach(core.program), core.program
    lane = design.find("lanes.lane0")
    kept = max(reach.most).bit_length()
    lost = design.net(lane, "added")[0] + 1 - kept
    return Proof(
        "sum",
        "No sum of a lane overflows: what is added is added exactly, whatever the weights and the "
        "values are, however input and output stall, in every step.",
        f"the whole core: {program.schedule.lanes} lanes of {program.accumulators} accumulators of "
        f"{program.paths.sum} bits, {program.paths.weight} bits a weight, {program.paths.operand} "
        "a value, the multipliers among them",
        (
            "Weights and values are codes of their formats; they are free within those.",
            "No reset comes after power-up: it throws away what is under way.",
            "A product's magnitude is at most its factors' largest ones multiplied.",
        )
        + ("Nothing is loaded meanwhile.",) * program.loadable,
        design,
        lambda given: state(given, program, reach),
        FED + 1 + late(program),
        Twin(
            f"the accumulator of one lane is one bit narrower than it has to be: {kept} bits",
            design.replaced(lane, SUM, rf"= (\1 <<< {lost}) >>> {lost};"),
            reach.most.index(max(reach.most)) + ADDED + late(program) + 3,
            reach.extremes(design),
        ),
    )


class Reach:
    """How far the sums can get in each clock of a step, and in an idle one, which is the last.

    Attributes
    ----------
    program, idle : of the core; its number of clocks a step, which stands for an idle one.
    sources : where each clock's value comes from; empty where there is none.
    weights, values : the largest magnitudes that meet; 0 where there is no column.
    first, rotate : marks of the clocks.
    rings : of each clock, what each accumulator can hold, the one in use first.
    most : of each clock, what the sum is then that the column was added to.
    cases : of each clock, which case it is.
    """

    def __init__(self, program: Program):
        self.program, slots = program, program.schedule.slots
        self.idle, accumulators = len(slots), program.accumulators
        pairs = [self._magnitudes(slot, slot.column) if slot.column else (0, 0) for slot in slots]
        self.weights, self.values = (list(found) for found in zip(*pairs, (0, 0), strict=True))
        self.sources = [slot.column.source if slot.column else "" for slot in slots] + [""]
        self.first = [int(slot.first) for slot in slots] + [0]
        self.rotate = [int(slot.rotate and accumulators > 1) for slot in slots] + [0]
        self.rings, self.most = [], []
        total, held = self._largest(), [self._largest()] * (accumulators - 1)
        for weight, value, first, rotate in zip(
            self.weights, self.values, self.first, self.rotate, strict=True
        ):
            if rotate:
                total, held = held[-1], [total, *held[:-1]]
            total = 0 if first else total
            self.rings.append((total, *held))
            total += weight * value
            self.most.append(total)
        kinds = [
            *zip(
                self.weights,
                self.values,
                self.sources,
                self.first,
                self.rotate,
                self.rings,
                strict=True,
            )
        ]
        numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
        self.cases = [numbers[kind] for kind in kinds]

    def by_case(self, values: Iterable[int]) -> list[int]:
        """Values of all clocks, which are the same in all clocks of a case, case by case."""
        found = dict(zip(self.cases, values, strict=True))
        return [found[case] for case in range(len(found))]

    @property
    def following(self) -> list[tuple[int, int, int]]:
        """The cases that can come one after the other, and between steps any number of idle clocks:
        behind each of a run of cases, from the first to the last of them, the one so far away."""
        idle = self.cases[-1]
        ends = {(self.cases[-2], self.cases[0]), (idle, idle), (idle, self.cases[0])}
        ways: dict[int, list[int]] = {}
        for one, other in sorted({*pairwise(self.cases), *ends}):
            ways.setdefault(other - one, []).append(one)
        return [(*run, way) for way, ones in ways.items() for run in runs(ones)]

    @property
    def products(self) -> list[int]:
        """The largest magnitude of each clock's product."""
        return [weight * value for weight, value in zip(self.weights, self.values, strict=True)]

    def extremes(self, design: Design) -> dict[str, int | str]:
        """What takes a sum of lane 0 as far up as it can get; what has several formats stays free.

        A weight is as low as can be where its value is negative, else as high.
        """
        weight, operand = (f"lanes.lane0.{n}" for n in (f"weight_{latency.WEIGHT}", "operand_1"))
        values: dict[str, int | str] = {"sequencer.ready": 1}
        ends = {1 << design.net(design.top, weight)[0] - 1}
        if set(self.weights) <= {0, *ends}:
            sign = f"{escaped(f'{PART}.{operand}')}[{design.net(design.top, operand)[0] - 1}]"
            values[weight] = f"({sign} ? {max(ends)} : {max(ends) - 1})"
        for name in inputs(design):
            path, unsigned = f"operands.{name}", name.startswith("gates")
            bits = design.net(design.top, path)[0]
            ends = {(1 << bits) - 1, 1 << bits - 1}
            if set(self.values) <= {0, *ends, (1 << bits - 1) - 1}:
                values[path] = max(ends) if unsigned else min(ends)
        return values

    def _magnitudes(self, slot: Slot, column: Column) -> tuple[int, int]:
        """Those of the formats of a column's weight and value."""
        phase, _ = self.program.schedule.groups[slot.group or 0]
        rows = self.program.qnet.rows[phase.layer, phase.yields]
        source = "m" if phase.yields == "y" else column.source
        weight, value = rows.formats["x" if source == "below" else source]
        return weight.magnitude, value.magnitude

    def _largest(self) -> int:
        """What the products of any one group come to at most."""
        sums: dict[int | None, int] = {}
        for slot, product in zip(self.program.schedule.slots, self.products, strict=False):
            sums[slot.group] = sums.get(slot.group, 0) + product
        return max(sums.values())


def follows(before: str, now: str, low: int, high: int, way: int) -> str:
    """Whether a case is in a run of them, and the next one so far away."""
    if low == high:
        return f"({before} == {low} && {now} == {low + way})"
    return f"({before} >= {low} && {before} <= {high} && {now} == {before} + {way})"


def inputs(design: Design) -> list[str]:
    """The registers that the operand is chosen from."""
    return [name for name in VALUES if design.has(design.find("operands"), name)]


def late(program: Program) -> int:
    """Clocks that a sparse input's index takes to find its weight, for which all operands wait."""
    return latency.INDEX * program.schedule.sparse


def hops(program: Program, lane: int) -> int:
    """Clocks that a feed takes to a lane."""
    chain, place = divmod(lane, 2 * program.rows_at_once)
    return chain + (place >= program.rows_at_once)


def state(design: Design, program: Program, reach: Reach) -> Harness:
    """Weights, values and the moments in which steps begin are free in every clock."""
    h, lanes = Harness(design, ""), range(program.schedule.lanes)
    if program.loadable:
        h.assume(f"!{h.see('load_write')}")
        h.prove(f"!{h.see('load_now')}")
    h.cut("sequencer.ready")
    clock, running = h.see("sequencer.clock"), h.see("sequencer.running")
    last = reach.idle - 1
    h.prove(f"{clock} <= {last} && ({running} || {clock} == 0)")
    h.line(f"wire [{reach.idle.bit_length() - 1}:0] at = {running} ? {clock} : {reach.idle};")
    bits, idle = max(1, max(reach.cases).bit_length()), reach.cases[-1]
    now = h.table("case_0", "at", reach.cases, bits)
    far = ADDED + late(program) + max(hops(program, lane) for lane in lanes)
    cases = h.delayed("case", now, bits, far, idle)
    for now, before in pairwise(cases):
        h.prove(" || ".join(follows(before, now, *run) for run in reach.following))
    tables = Tables(h, reach, cases)
    claim_operand(h, tables)
    for lane in lanes:
        claim_lane(h, tables, f"lanes.lane{lane}", lane)
    return h


@dataclass(frozen=True)
class Tables:
    """What is known of the column that comes to a stage, by its case; each is written once.

    Attributes
    ----------
    h, reach : the harness, and what holds in it.
    cases : of the column of this clock and of those before it.
    """

    h: Harness
    reach: Reach
    cases: Sequence[str]
    names: dict[tuple[str, int], str] = field(default_factory=dict)

    def of(self, name: str, clocks: int, values: Iterable[int], bits: int) -> str:
        """What all clocks of a step say, for the column that the sequencer came to so long ago."""
        if (name, clocks) not in self.names:
            found = self.reach.by_case(values)
            text = self.h.table(f"{name}_{clocks}", self.cases[clocks], found, bits)
            self.names[name, clocks] = text
        return self.names[name, clocks]


def claim_operand(h: Harness, tables: Tables) -> None:
    """What the operand is chosen from is free, within the format of the column's value."""
    reach = tables.reach
    marks = {"first": reach.first, "rotate": reach.rotate}
    marks |= {"issue": [int(value > 0) for value in reach.values]}
    for mark, values in marks.items():
        word = tables.of(mark, FETCH, values, 1)
        h.prove(f"{h.see(f'sequencer.word.{mark}')} == {word}")
        if mark != "issue":
            word = tables.of(mark, FED + late(reach.program), values, 1)
            h.prove(f"{h.see(f'operands.feed.{mark}')} == {word}")
    for name in inputs(h.design):
        word, own = h.cut(f"operands.{name}"), READERS[name.partition("_")[0]]
        values = (
            value if source in own else 0
            for source, value in zip(reach.sources, reach.values, strict=True)
        )
        limit = tables.of(f"most_{name}", FED - 1, values, reach.program.paths.operand)
        inside = within(word, limit) if name.startswith("y") else f"{word} <= {limit}"
        if not name.startswith("x"):  # its register is as wide as its only format
            h.assume(f"{limit} == 0 || ({inside})")


def claim_lane(h: Harness, tables: Tables, path: str, lane: int) -> None:
    """A lane from its feed to its accumulators."""
    reach, program = tables.reach, tables.reach.program
    width, bits = program.paths.sum, (program.paths.weight, program.paths.operand)
    own = late(program) + hops(program, lane)

    def table(name: str, clocks: int, values: list[int], width: int) -> str:
        return tables.of(name, clocks + own, values, width)

    fed = table("fed", FED, reach.values, bits[1])
    h.prove(within(h.see(f"{path}.feed_in.operand"), fed))
    early = ADDED - 1  # what a product is added to is chosen a clock before
    for mark, values in (("first", reach.first), ("rotate", reach.rotate)):
        if mark == "first" or program.accumulators > 1:
            found = h.see(f"{path}.feed_in.{mark}")
            h.prove(f"{found} == {table(mark, early, values, 1)}")
    h.prove(within(h.see(f"{path}.operand_1"), table("operand", FED + 1, reach.values, bits[1])))
    weight = h.cut(f"{path}.weight_{latency.WEIGHT}")
    most = table("weight", FED + 1, reach.weights, bits[0])
    h.assume(f"{most} == 0 || ({within(weight, most)})")
    factors = f"$signed({weight})", f"$signed({h.see(f'{path}.operand_1')})"
    exact = times(h, f"exact_product_{lane}", sum(bits), *factors)
    h.prove(f"$signed({h.see(f'{path}.product')}) == {exact}")
    for k, name in enumerate(("product", "product_1", "product_2")):
        limit = table(name, FED + 2 + k, reach.products, sum(bits))
        if not k:  # its factors are within theirs
            h.assume(within(exact, limit))
        h.prove(within(h.see(f"{path}.{name}"), limit))
    base, product = h.see(f"{path}.base"), h.see(f"{path}.product_2")
    for k, name in enumerate(["base", *(f"held{k}" for k in range(1, program.accumulators))]):
        limit = table(name, ADDED, [ring[k] for ring in reach.rings], width)
        h.prove(within(h.see(f"{path}.{name}"), limit))
    h.line(f"wire signed [{width + 1}:0] exact_{lane} = $signed({base}) + $signed({product});")
    h.prove(f"exact_{lane} == $signed({h.see(f'{path}.added')})")


def within(value: str, limit: str) -> str:
    """Whether the magnitude of a signed value is at most that."""
    most = f"$signed({{1'b0, {limit}}})"
    return f"$signed({value}) <= {most} && -{most} <= $signed({value})"
