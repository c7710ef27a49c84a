"""Which step begins a sequence, and what it begins from.

A step is its sequence's first if its vector says so, or if no step has run since the reset and no
state was written. Where the mark goes it stays with its step: to the reader of the operands, to
every row, and to the reader of the states.
"""

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.marks import MARKS
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import FETCH
from rtl.proofs.ways import claim_way
from rtl.schedule import latency
from rtl.schedule.phases import SOURCES
from rtl.step_plan import StepPlan


def first(core: StepPlan, design: Design) -> Proof:
    """The marks of steps, from the sequencer to the readers that look at them."""
    streams = core.schedule.streams
    loads = " and no state was written through the port" * core.options.state_port
    return Proof(
        "first",
        "A step is the first of a sequence if and only if its vector was marked as one, or no step "
        f"began since the reset{loads}; all its columns, rows and cells have its marks; those of a "
        "first step read what a sequence starts from, all others what the step before left, and "
        "the banks change places from step to step.",
        f"the whole core's control: {streams} streams, {core.schedule.tail} rows at once",
        ("The marks of the coming step are those of its vector (proof `input`).",),
        design,
        lambda given: state(given, core),
        3,
        Twin(
            "the first step after a reset goes on with what the memories held",
            design.replaced(design.find("sequencer"), r"newborn = 1'h1;", "newborn = 1'h0;"),
            2 * FETCH + 3,
            {"sequencer.ready": 1},
        ),
    )


def state(design: Design, core: StepPlan) -> Harness:
    """When steps begin, their marks and what the memories hold are free in every clock."""
    h = Harness(design, "", reset=True)
    h.leave_lanes()
    for name in ("ready", *MARKS):
        h.cut(f"sequencer.{name}")
    claim_steps(h, core)
    marks = {mark: h.see(f"sequencer.step_{mark}") for mark in MARKS}
    claim_operands(h, core, marks["first"])
    claim_rows(h, core, marks)
    if core.program.states:
        claim_states(h, core)
    return h


def claim_steps(h: Harness, core: StepPlan) -> None:
    """The marks and the parity of the step that a word is of."""
    streams, starts = core.schedule.streams, h.see("sequencer.starts")
    loaded = "0"
    if core.options.state_port:
        loaded = f"({h.see('idle')} && {h.see('state_write')})"
    h.register("fresh", 1, f"fresh && !{starts} && !{loaded}", 1)
    stream = h.see("sequencer.word.stream") if streams > 1 else "0"
    for mark in MARKS:
        also = f" | {{{streams}{{fresh}}}}" if mark == "first" else ""
        taken = f"{h.see(f'sequencer.{mark}')}{also}"
        running = h.register(f"running_{mark}", streams, f"{starts} ? {taken} : running_{mark}")
        was = h.delayed(f"word_{mark}", running, streams, FETCH, keeps=True)[-1]
        h.prove(f"{h.see(f'sequencer.running_{mark}')} == {running}")
        h.prove(f"{h.see(f'sequencer.word_{mark}_1')} == word_{mark}_1")
        h.prove(f"{h.see(f'sequencer.step_{mark}')} == {was}[{stream}]")
    h.prove(f"{h.see('sequencer.newborn')} == fresh")
    h.register("parity", 1, f"{starts} ? !parity : parity", 1)
    stages = ["sequencer.word_parity_1", "sequencer.parity"]
    claim_way(h, "word_parity", "parity", stages, initial=1)


def claim_operands(h: Harness, core: StepPlan, mark: str) -> None:
    """What a column's value is chosen from: in a first step what the sequence starts from."""
    word = {name: h.see(f"sequencer.word.{name}") for name in ("source", "issue")}
    clear = claim_way(h, "clear", mark, [f"operands.clear_{k}" for k in (1, 2)])[-1]
    bits = h.width("sequencer.word.source")
    stages = [f"operands.source_{k}" for k in (1, 2)]
    source = claim_way(h, "source", word["source"], stages, bits)[-1]
    stages = [f"operands.issue_{k}" for k in (1, 2)]
    issue = claim_way(h, "issue", word["issue"], stages, keeps=False)[-1]
    width = h.width("operands.operand")
    chosen = {"x": value(h, "x", "value"), "below": value(h, "y", "value")}
    for name in ("y", "gates"):
        chosen[name] = f"({clear} ? {value(h, name, 'start')} : {value(h, name, 'value')})"
    h.register("begun", 1, "1", keeps=True)
    for name, operand in chosen.items():
        due = f"{source} == {SOURCES.index(name)}"
        h.line(f"wire signed [{width - 1}:0] from_{name} = {issue} ? {operand} : 0;")
        h.register(f"due_{name}", 1, due, keeps=True)
        h.register(f"was_{name}", width, f"from_{name}", keeps=True)
        if any(column.source == name for phase in core.schedule.phases for column in phase.columns):
            h.prove(f"!due_{name} || {h.see('operands.operand')} == was_{name}")


def value(h: Harness, memory: str, what: str) -> str:
    """What a memory gives, free in every clock; 0 where it has none, signed as the operand is."""
    path = f"operands.{memory}_{what}_1"
    if not h.has(path):
        return "$signed(1'b0)"
    wire = h.cut(path)
    return f"$signed({{1'b0, {wire}}})" if memory == "gates" else f"$signed({wire})"


def claim_rows(h: Harness, core: StepPlan, marks: dict[str, str]) -> None:
    """The rows of a group have the marks of the step whose columns they are of."""
    schedule = core.schedule
    operands = latency.OPERAND - 1 + latency.INDEX * schedule.sparse
    ends = [*(f"operands.last_{k}" for k in range(1, operands)), "operands.feed.last"]
    ends += [f"lanes.start_{k}" for k in range(1, latency.LANE - 1)]
    ends.append("activation0.start")
    claim_way(h, "last", h.see("sequencer.word.last"), ends, keeps=False)
    stages = schedule.depths.activation - 1
    for mark, at_word in marks.items():
        row = [f"row_step_{mark}_{k}" for k in range(1, len(ends) + 1)]
        late = claim_way(h, f"row_{mark}", at_word, row)[-1]
        for place in range(schedule.tail):
            part, name = f"activation{place}", f"{mark}_of_row{place}"
            start = h.see(f"{part}.start")
            held = h.register(name, 1, f"{start} ? {late} : {name}", keeps=True)
            h.prove(f"{start} == last_{len(ends)}")
            h.prove(f"{h.see(f'{part}.row_step_{mark}')} == {held}")
            way = [f"{part}.row_step_{mark}_1"]
            way += [f"{part}.step_{mark}_{k}" for k in range(1, stages)]
            found = claim_way(h, f"{name}_was", held, [*way, f"{part}.o.step_{mark}"])
            if mark == "first" and place == schedule.tail - 1:  # whose cell inputs read states
                early = stages - latency.STATE_READ
                coming = [f"{part}.coming_first_{k}" for k in range(1, early)]
                for k, stage in enumerate([*coming, f"{part}.coming_first"]):
                    h.prove(f"{h.see(stage)} == {found[2 + k]}")
                if schedule.peepholes:
                    h.prove(f"{h.see(f'{part}.clear')} == {found[2]}")


def claim_states(h: Harness, core: StepPlan) -> None:
    """A reader of the states sees what a sequence starts from if its row's step is the first."""
    sources = [f"activation{core.schedule.tail - 1}.coming_first"]
    sources += ["activation0.clear"] * core.schedule.peepholes
    for k, source in enumerate(sources):
        stages = [f"cell.states.clear{k}_{n}" for n in range(1, 1 + latency.MEMORY)]
        clear = claim_way(h, f"state_clear{k}", h.see(source), stages)[-1]
        width = h.width(f"cell.states.seen{k}")
        start = f"cell.states.start{k}_1"
        start = h.cut(start) if h.has(start) else "0"
        chosen = f"{clear} ? {start} : {h.cut(f'cell.states.read{k}_1')}"
        stages = [f"cell.states.{name}" for name in (f"seen{k}", f"value{k}")]
        h.line(f"wire [{width - 1}:0] chosen{k} = {chosen};")
        claim_way(h, f"chosen_was{k}", f"chosen{k}", stages, width)
