"""The gates of a network that was trained to shut them: at every distractor, whatever y and the
gates were a step before, the weights in the core's memories take them where they are wholly shut.

Each lane's sums are followed column by column, as in `rtl.proofs.sums`, but with the weights that
are in its memory, and in a step whose x is one of the distractors. How far a sum can have got is in
`rtl.proofs.limits`; the multipliers are there as they are.
"""

from collections.abc import Callable
from functools import partial

from fixedpoint.retention.bound import open_gate
from fixedpoint.retention.ranges import Range
from rtl.planning import CorePlan
from rtl.program.program import Program
from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError, ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.limits import Ends, Gate, Limits
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import FETCH, claim_rows, claim_steps
from rtl.proofs.steps import EndsOf, Steps
from rtl.proofs.sums import ADDED, FED, READERS, hops, inputs
from rtl.schedule import latency
from rtl.schedule.phases import SOURCES
from rtl.step_plan import StepPlan

TAIL = ADDED + 2  # clocks from the sequencer's count to the first lane's sum at the tail
READ = FED - latency.WEIGHT  # ... to a weight's address in the first lane
MOST_CASES = 16  # distractors, a case each


def closed(plan: CorePlan, design: Design, between: Range | None) -> Proof:
    """i = 0 and f = 1.0 at every distractor, by the weights.

    Parameters
    ----------
    between : what an input vector can be between what matters to the task, a case each (M, D).

    Raises
    ------
    InapplicableError : no distractors are known, or a gate can open.
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    ProofError : a core of which it cannot be said.
    """
    core = plan.parts[0]
    limits = checked(plan, between)
    gate, clock, code = limits.weakest
    broken = with_weight(design, gate.lane, limits.issued.index(clock), code)
    kinds = {gate.word.row.kind for gate in limits.gates}
    ends = "where its gate is exactly 0" + ", or of a forget gate exactly 1.0" * ("f" in kinds)
    return Proof(
        "closed",
        "In a step whose x is a distractor of the network's task, whatever y and the gates were a "
        "step before, and whatever the other steps are, the net input of every gate that guards a "
        f"state is {ends}; so no state changes by one LSB, over any number of such steps.",
        f"the whole core with its own weights: {len(limits.gates)} gates, {limits.any} "
        f"distractors, {core.schedule.lanes} lanes, {core.program.paths.weight} bits a weight, the "
        "multipliers among them",
        assumptions(core),
        design,
        # what is on the way says nothing of the twin: its fault has to open a gate
        lambda given: state(given, limits, lemmas=given is not broken),
        3,
        Twin(
            f"a weight of an input gate in lane {gate.lane} is {code} LSB, so that the gate opens",
            broken,
            gate.clock + latency.NET + latency.START + 2,
            {"sequencer.ready": 1},
        ),
    )


def with_weight(design: Design, lane: int, address: int, code: int) -> Design:
    """The design with another code in a lane's memories of weights."""
    module = design.find(f"lanes.lane{lane}")
    for name, (_, bits) in design.modules[module].memories.items():
        word = f"{bits}'d{code & (1 << bits) - 1}"
        design = design.replaced(module, rf"^(\s+{name}\[{address}\]) = \S+;", rf"\1 = {word};")
        code >>= bits
    return design


def checked(plan: CorePlan, between: Range | None) -> Limits:
    """What sums can be; refuses what `closed` does."""
    core, schedule = plan.parts[0], plan.parts[0].schedule
    if not core.program.states:
        raise InapplicableError("there are no cells, so no gates")
    if between is None:
        raise InapplicableError("it is not known what the input is between what matters")
    if core.program.loadable:
        raise InapplicableError("the weights can be loaded anew")
    if gate := open_gate(plan.qnet, between):
        raise InapplicableError(f"a gate is not wholly shut: {gate}")
    for what, there in (
        ("layers in reverse", plan.holds_sequences),
        ("several streams", schedule.streams > 1),
        ("sparse input", schedule.sparse),
        ("columns that take no clock", core.options.skip is not None),
        ("peepholes", schedule.peepholes),
        (f"more than {MOST_CASES} distractors", len(between.low) > MOST_CASES),
    ):
        if there:
            raise ProofError(f"cannot be said of a core with {what}")
    one_of(core.program)
    limits = Limits(core, between)
    if limits.open:
        row = limits.open.word.row
        raise ProofError(
            f"{row.kind} of block {row.index} in layer {row.layer} is shut only if what the layer "
            "below gives is not any code of its format"
        )
    return limits


def assumptions(core: StepPlan) -> tuple[str, ...]:
    """What `closed` takes for granted of a core."""
    ports = " and the state port writes such" if core.options.state_port else ""
    return (
        "What a step reads as x at a place is that of its own vector (proof `input`).",
        "A net input up to the closing code gives a gate of exactly 0, one from the keeping code "
        "on exactly 1.0 (proofs `shut`, `reader`), and then states hold (proofs `hold`, `cell`).",
        "y is a code of its format (proof `saturates-y`), gates are from 0 to 1.0 (proofs "
        f"`shut`, `reader`){ports}.",
        "No reset comes after power-up.",
    )


def state(design: Design, limits: Limits, lemmas: bool) -> Harness:
    """Steps begin at any time, with any x; with `lemmas` what the induction needs on the way."""
    h, program, rows = Harness(design, ""), limits.program, limits.rows
    h.cut("sequencer.ready")
    lanes = sorted({gate.lane for gate in limits.gates})
    for lane in sorted(set(range(program.schedule.lanes)) - set(lanes)):
        h.cut(f"lanes.lane{lane}.product_2")
    if lemmas:
        claim_rows(h, rows)
    else:
        claim_steps(h, rows.cycles, rows.limit)
    steps = Steps(h, limits)
    assume_x(h, limits, steps)
    assume_y(h, limits, steps)
    assume_gates(h, limits, steps, lemmas)
    if lemmas:
        claim_program(h, limits, steps)
        for passed in sorted({other for lane in lanes for other in chain(limits, lane)}):
            claim_feed(h, limits, steps, passed)
        for lane in lanes:
            claim_lane(h, limits, steps, lane)
        for gate in limits.gates:
            claim_way(h, limits, steps, gate)
    for gate in limits.gates:
        net = f"activation{gate.place}.net_code"
        steps.claim(net, gate.since + latency.NET + 1, partial(shut_at, limits, gate))
    return h


def shut_at(limits: Limits, gate: Gate, clock: int, case: int) -> Ends | None:
    """Where a gate's net input has to be of a step whose x is a distractor."""
    return gate.shut if clock == gate.end and case != limits.any else None


def assume_x(h: Harness, limits: Limits, steps: Steps) -> None:
    """What is read at a place of x is that of the step's box."""
    word, elements = "sequencer.word", limits.core.qnet.inputs
    issue, source, address = (h.see(f"{word}.{part}") for part in ("issue", "source", "address"))
    h.register("asks", 1, f"{issue} && {source} == {SOURCES.index('x')}")
    h.register("asked", h.width(f"{word}.address"), address)
    value = h.cut("input.value")
    ends = [[limits.x(k, case) for case in range(limits.any + 1)] for k in range(elements)]
    low, high, known = steps.table("asked", ends, FETCH + 1, h.width("input.value"))
    inside = f"$signed({value}) >= {low} && $signed({value}) <= {high}"
    h.assume(f"!(asks && {known}) || ({inside})")


def assume_y(h: Harness, limits: Limits, steps: Steps) -> None:
    """y is any code of its column's format."""
    for name in inputs(h.design):
        if name.startswith("y"):
            h.cut(f"operands.{name}")
            steps.assume(f"operands.{name}", FED - 1, partial(read_by, limits, READERS["y"]))


def assume_gates(h: Harness, limits: Limits, steps: Steps, lemmas: bool) -> None:
    """What is written to the memory of gates is from 0 to 1.0, and so is what is read there."""
    program, memory = limits.program, "operands.gates"
    if not program.gates:
        return
    one, row = one_of(program), "activation0.o"
    code, kind = h.cut(f"{row}.code"), h.see(f"{row}.kind")
    kinds = (k for k, name in enumerate(program.kinds) if name in "ifo")
    gate = " || ".join(f"{kind} == {k}" for k in kinds)
    inside = f"$signed({code}) >= 0 && $signed({code}) <= {one}"
    h.assume(f"!({h.see(f'{row}.valid')} && ({gate})) || ({inside})")
    if limits.core.options.state_port:
        h.assume(f"{h.see(f'{memory}.access.data')} <= {one}")
    if lemmas:
        words, _ = h.design.modules[h.design.find(memory)].memories["memory"]
        for k in range(words):
            h.prove(f"{h.see(f'{memory}.memory[{k}]')} <= {one}")
        for name in inputs(h.design):
            if name.startswith("gates"):
                ends = partial(read_by, limits, READERS["gates"])
                steps.claim(f"operands.{name}", FED - 1, ends, unsigned=True)


def one_of(program: Program) -> int:
    """The code of 1.0 in the memory of gates; 0 without one.

    Raises
    ------
    ProofError : there are several.
    """
    codes = {program.qnet.layers[row.layer].formats.gate.one for row in program.gates}
    if len(codes) > 1:
        raise ProofError(
            "cannot be said of layers with gate recurrence whose gates differ in format"
        )
    return max(codes, default=0)


def read_by(limits: Limits, sources: tuple[str, ...], clock: int, case: int) -> Ends | None:
    """What a memory gives that is read for a gate's column in a clock."""
    column = limits.slots[clock].column
    return limits.value(clock, case) if column and column.source in sources else None


def chain(limits: Limits, lane: int) -> list[int]:
    """The lanes that a lane's sum passes on its way to the tail, itself first."""
    return list(range(lane, -1, -2 * limits.program.rows_at_once))


def marks(limits: Limits) -> list[tuple[str, int, dict[int, int]]]:
    """What becomes of a product: the mark, clocks from the sequencer's count to the first lane, and
    its value in each clock of a step."""
    places = [("first", ADDED - 1), ("last", ADDED + 1)]
    places += [("rotate", ADDED - 1)] * (limits.program.accumulators > 1)
    return [
        (mark, late, {clock: int(getattr(slot, mark)) for clock, slot in enumerate(limits.slots)})
        for mark, late in places
    ]


def claim_program(h: Harness, limits: Limits, steps: Steps) -> None:
    """The program's words and the weights' addresses, from the sequencer to the operands."""
    slots, word = limits.slots, "sequencer.word"
    for mark, late, values in marks(limits):
        nets = [f"{word}.{mark}", *(f"operands.{mark}_{k}" for k in range(1, FED - FETCH))]
        nets += [f"operands.feed.{mark}", *(f"lanes.{mark}_{k}" for k in range(1, late - FED + 1))]
        for clocks, net in enumerate(nets, FETCH):
            steps.equal(net, clocks, values, 0)
    columns = {clock: slot.column for clock, slot in enumerate(slots) if slot.column}
    source = {
        clock: SOURCES.index(slot.column.source) if slot.column else 0
        for clock, slot in enumerate(slots)
    }
    for part, values, idle in (("issue", dict.fromkeys(columns, 1), 0), ("source", source, None)):
        nets = [f"{word}.{part}", *(f"operands.{part}_{k}" for k in (1, 2))]
        for clocks, net in enumerate(nets, FETCH):
            steps.equal(net, clocks, values, idle)
    address = {clock: column.address for clock, column in columns.items()}
    steps.equal(f"{word}.address", FETCH, address)
    h.prove(f"!asks || {steps.at(FETCH + 1)} != {steps.idle}")
    passed = {clock: sum(other < clock for other in columns) for clock in range(len(slots))}
    steps.equal("sequencer.weight", FETCH, passed)
    for k in (1, 2):
        h.prove(f"{h.see(f'sequencer.opening_{k}')} == (age == {k - 1})")
    steps.claim("operands.x_value_1", FED - 1, partial(read_by, limits, READERS["x"]))


def claim_feed(h: Harness, limits: Limits, steps: Steps, lane: int) -> None:
    """What comes to a lane of the chain, each part of it when it is needed."""
    feed, late = f"lanes.lane{lane}.feed_in", hops(limits.program, lane)
    steps.claim(f"{feed}.operand", FED + late, limits.value)
    address = {clock: place for place, clock in enumerate(limits.issued)}
    steps.equal(f"{feed}.address", READ + late, address)
    for mark, clocks, values in marks(limits):
        steps.equal(f"{feed}.{mark}", clocks + late, values, 0)


def claim_lane(h: Harness, limits: Limits, steps: Steps, lane: int) -> None:
    """A lane of gates, from its feed to its sums."""
    path, late, clocks = f"lanes.lane{lane}", hops(limits.program, lane), range(steps.idle)
    weights = {c: weight for c in clocks if (weight := limits.weight(lane, c)) is not None}
    stages = ["read", *(f"weight_{k}" for k in range(1, 1 + latency.WEIGHT))]
    for since, name in enumerate(stages, READ + 1 + late):
        steps.equal(f"{path}.{name}", since, weights)
    steps.claim(f"{path}.operand_1", FED + 1 + late, limits.value)
    for since, name in enumerate(("product", "product_1", "product_2"), FED + 2 + late):
        steps.claim(f"{path}.{name}", since, partial(limits.product, lane))
    sums = [limits.sums(lane, case) for case in range(limits.any + 1)]
    for k in range(limits.program.accumulators):
        name = f"held{k}" if k else "base"
        steps.claim(f"{path}.{name}", ADDED + late, lambda clock, case, k=k: sums[case][clock][k])


def claim_way(h: Harness, limits: Limits, steps: Steps, gate: Gate) -> None:
    """A gate's sum on its way to the tail, its bias, and their sum."""
    path, late = f"activation{gate.place}", hops(limits.program, gate.lane)

    def own(ends: Callable[[Gate, int], Ends]) -> EndsOf:
        return lambda clock, case: ends(gate, case) if clock == gate.end else None

    program, word = limits.program, gate.word
    nets = [f"lanes.lane{gate.lane}.total"]
    nets += [f"lanes.lane{lane}.sum_out" for lane in chain(limits, gate.lane)]
    for since, name in enumerate(nets, ADDED + 1 + late):
        steps.claim(name, since, own(limits.total))
    steps.claim(f"lanes.sum{gate.place}", gate.since, own(limits.total))
    steps.claim(f"{path}.sum_1", gate.since + 1, own(limits.total))
    aligned = "sum_aligned" if program.coarsest else "sum_aligned_1"
    steps.claim(f"{path}.{aligned}", gate.since + 2, own(limits.aligned))
    steps.claim(f"{path}.net", gate.since + latency.NET, own(limits.net))
    words = [(1, "word_1.offset", word.offset), (2, "offset_1", word.offset)]
    words += [(1, "word_1.coarser", word.coarser)] * (program.coarsest > 0)
    if len(program.net_modes) > 1:
        modes = ["word_1.net_mode", *(f"net_mode_{k}" for k in range(1, latency.NET))]
        words += [(since, name, word.net_mode) for since, name in enumerate(modes, 1)]
    for since, name, value in words:
        steps.equal(f"{path}.{name}", gate.since + since, {gate.end: value})
    if h.has("lanes.odd"):
        for row in range(1, gate.since - TAIL + 1):
            h.prove(f"{steps.at(TAIL + row)} != {gate.end} || {h.see('lanes.odd')} == {row & 1}")
