"""The input: every element of every vector is there for its own step, and for no other."""

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import FETCH, claim_steps
from rtl.schedule import latency
from rtl.schedule.phases import SOURCES
from rtl.step_plan import StepPlan

PART = "input"
BANKS = 2


def entering(core: StepPlan, design: Design) -> Proof:
    """What `rtl.datapath.operands.InputBuffer` and the sequencer promise of the input stream."""
    buffer = design.find(PART)
    elements = core.elements * core.schedule.streams
    return Proof(
        "input",
        "Every element that is taken is what its own step, and no other, reads at its place, with "
        "its vector's marks; as many steps begin as vectors come, less those that wait, in order; "
        "an element is taken whenever a bank is free for it.",
        f"the core's own input and sequencer: {elements} elements of "
        f"{core.qnet.formats.input.width} bits a step, {BANKS} steps deep",
        ("No reset comes after power-up.",),
        design,
        lambda given: state(given, core),
        3,
        Twin(
            "the step reads from the bank that is being filled",
            design.replaced(buffer, r"banks\[\{ reading_2", "banks[{ ~reading_2"),
            elements + latency.START + core.schedule.cycles_per_step,
            {"i__valid": 1, "free": core.schedule.streams},
        ),
    )


def state(design: Design, core: StepPlan) -> Harness:
    """One element, chosen freely, is followed from where it is taken to its step's last read."""
    h, cycles = Harness(design, ""), core.schedule.cycles_per_step
    h.leave_lanes()
    h.cut("free")  # room in the output comes and goes as it pleases
    claim_steps(h, cycles, 2 * cycles)
    claim_banks(h, core)
    inputs, elements = core.elements, core.elements * core.schedule.streams
    width, data = h.width("input.element"), core.qnet.formats.input.width
    bits = data + core.program.index_width
    element, filling = h.see("input.element"), h.see("input.filling")
    coming, payload = h.see("input.coming"), h.see("i__payload")
    at, word = h.look("input.banks")
    h.line(f"wire bank = {at}[{width}];")
    h.line(f"wire [{width - 1}:0] place = {at}[{width - 1}:0];")
    h.any("follow", 1)
    here = f"{element} == place && {filling} == bank"
    h.line(f"wire met = take && follow && !following && {here};")
    h.line(f"wire mine = following && {h.see('sequencer.starts')} && {coming} == bank;")
    h.line(f"wire leaves = begun && {h.see('sequencer.word.release')};")
    h.register("following", 1, "met || (following && !leaves)")
    h.register("begun", 1, "mine || (begun && !leaves)")
    h.register("followed", bits + 2, f"met ? {payload} : followed")
    h.prove(f"place < {elements} || !following")
    h.prove(f"!begun || (following && {coming} != bank && reading)")
    h.prove(f"!following || begun || waits[bank] || ({filling} == bank && {element} > place)")
    h.prove(f"!following || {word} == followed[{bits - 1}:0]")
    word = (f"{h.see(f'sequencer.word.{name}')}" for name in ("issue", "source", "address"))
    issue, source, address = word
    asked = f"begun && {issue} && {source} == {SOURCES.index('x')} && {address} == place"
    h.register("asked", 1, asked)
    h.prove(f"!asked || {h.see('input.value')} == followed[{data - 1}:0]")
    if core.program.index_width:
        h.prove(f"!asked || {h.see('input.index')} == followed[{bits - 1}:{data}]")
    for stream in range(core.schedule.streams):
        ends = {"first": stream * inputs, "last": (stream + 1) * inputs - 1}
        for k, (mark, end) in enumerate(ends.items()):
            here = f"following && !begun && place == {end}"
            found = f"followed[{bits + k}]"
            for bank in range(BANKS):
                kept = f"{h.see(f'input.marks{bank}')}[{2 * stream + k}]"
                h.prove(f"!({here} && bank == {bank}) || {kept} == {found}")
            h.prove(
                f"!(mine && place == {end}) || {h.see(f'sequencer.{mark}')}[{stream}] == {found}"
            )
    return h


def claim_banks(h: Harness, core: StepPlan) -> None:
    """Which bank is filled, which waits and which is read; what came waits or has begun."""
    elements = core.elements * core.schedule.streams
    element, filling, coming = (h.see(f"input.{n}") for n in ("element", "filling", "coming"))
    full = [h.see(f"input.full{k}") for k in range(BANKS)]
    waiting = [h.see(f"input.waiting{k}") for k in range(BANKS)]
    starts, release = h.see("sequencer.starts"), h.see("sequencer.word.release")
    last = next(k for k, slot in enumerate(core.schedule.slots) if slot.release) + FETCH
    h.line(f"wire take = {h.see('i__valid')} && {h.see('i__ready')};")
    h.prove(f"{h.see('i__ready')} == !({filling} ? {full[1]} : {full[0]})")
    h.line(f"wire [1:0] waits = {{{waiting[1]}, {waiting[0]}}};")
    h.line(f"wire reading = age <= {last};")
    h.register("vectors", 16, f"vectors + (take && {element} == {elements - 1})")
    h.register("begun_steps", 16, f"begun_steps + {starts}")
    h.prove("vectors - begun_steps == waits[0] + waits[1]")
    h.prove(f"{element} < {elements} && {filling} == ({coming} ^ waits[0] ^ waits[1])")
    h.prove(f"!waits[!{coming}] || (waits[{coming}] && !reading)")
    h.prove(f"{release} == (age == {last})")
    for k, found in enumerate(full):
        h.prove(f"{found} == (waits[{k}] || ({coming} != {k} && reading))")
    for k in (1, 2):
        read = h.see(f"input.reading_{k}")
        h.prove(f"age < {k} || age >= {core.schedule.cycles_per_step} || {read} == !{coming}")
