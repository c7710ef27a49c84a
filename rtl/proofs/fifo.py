"""The FIFO of the outputs: every word comes out once, in order, unchanged, and soon."""

from rtl.lib.fifo import AHEAD
from rtl.proofs.ages import wrapped
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.schedule import latency
from rtl.step_plan import StepPlan

PART = "fifo"


def fifo(core: StepPlan, design: Design) -> Proof:
    """What `rtl.lib.fifo.BlockFIFO` promises, at the depth and width of a core's own."""
    module = design.find(PART)
    depth, bits = design.modules[module].memories["memory"]
    return Proof(
        "fifo",
        "Every word that is written comes out once, unchanged and in order, nothing else comes "
        "out, an offered word stays until it is taken, and one is offered "
        f"{latency.FIFO} clocks after it is written, if none is before it.",
        f"{depth} words of {bits} bits, {AHEAD} more at the output",
        (),
        design,
        state,
        4,
        Twin(
            "the FIFO is full a word too late",
            design.replaced(
                module, r"^(  assign w_rdy = held !=) \d+'h[0-9a-f]+;", rf"\1 {depth + 1};"
            ),
            depth + 2 * AHEAD,
            {"w_en": 1, "w_data": 0, "r_en": 0},
        ),
    )


def state(design: Design) -> Harness:
    """One word, chosen freely, is followed from where it is written to where it is taken."""
    h = Harness(design, PART, reset=True)
    depth, bits = design.modules[h.module].memories["memory"]
    claim_counts(h, depth)
    fetched = [h.see(f"fetched_{k}") for k in range(1, 1 + latency.MEMORY)]
    front, ahead = h.see("read__addr"), h.see("ahead.level")
    shown, offered = h.see("r_data"), h.see("r_rdy")
    at, looked = h.look("memory")
    h.any("follow", 1)
    here = f"follow && {h.see('$signature__addr')} == {at}"
    h.line(f"wire met = taken && {here} && !following;")
    h.line("wire leaves = following && given && before == 0;")
    h.register("following", 1, "met || (following && !leaves)")
    h.register("before", 16, "met ? count - given : before - (given && following)")
    h.register("word", bits, f"met ? {h.see('w_data')} : word")
    h.prove("!following || before < count")
    h.prove(f"!leaves || {shown} == word")
    h.line(f"wire [15:0] beyond = before - {ahead};")
    h.line(f"wire [15:0] inside = beyond - {fetched[0]} - {fetched[1]};")
    h.line(f"wire at_output = following && before < {ahead};")
    h.line(f"wire at_second = following && !at_output && {fetched[1]} && beyond == 0;")
    h.line(f"wire at_first = following && !at_output && {fetched[0]} && beyond == {fetched[1]};")
    h.line("wire in_memory = following && !at_output && !at_first && !at_second;")
    h.line(f"wire [15:0] slot = {wrapped(f'{front} + inside', depth)};")
    h.line(f"wire [1:0] place = {h.see('ahead.consume')} + before;")
    for k in range(AHEAD):
        h.prove(f"!(at_output && place == {k}) || {h.see(f'ahead.storage[{k}]')} == word")
    h.prove(f"!at_second || {h.see('word_1')} == word")
    h.prove(f"!at_first || {h.see('read__data')} == word")
    h.prove(f"!in_memory || (slot == {at} && {looked} == word)")

    h.register("was_offered", 1, f"{offered} && !{h.see('r_en')}")
    h.register("was_shown", bits, shown)
    h.prove(f"!was_offered || ({offered} && {shown} == was_shown)")
    return h


def claim_counts(h: Harness, depth: int, path: str = "") -> None:
    """What the FIFO at a path counts and where it writes and reads; how soon it offers a word.

    `count` words are in it; for `quiet` clocks it has had one and offered none.
    """

    def see(name: str) -> str:
        return h.see(path + name)

    held, ahead = see("held"), see("ahead.level")
    fetched = [see(f"fetched_{k}") for k in range(1, 1 + latency.MEMORY)]
    front, back = see("read__addr"), see("$signature__addr")
    offered, under_way = see("r_rdy"), f"({' + '.join(fetched)})"
    h.line(f"wire taken = {see('w_en')} && {see('w_rdy')};")
    h.line(f"wire given = {offered} && {see('r_en')};")
    h.register("count", 16, "count + taken - given")
    h.prove(f"count == {held} + {under_way} + {ahead}")
    h.prove(f"{see('free')} + {under_way} + {ahead} == {AHEAD}")
    h.prove(f"{held} <= {depth} && {ahead} <= {AHEAD}")
    h.prove(f"{front} < {depth} && {back} < {depth}")
    h.prove(f"{back} == {wrapped(f'{front} + {held}', depth)}")
    h.prove(f"{see('ahead.produce')} == (({see('ahead.consume')} + {ahead}) % {AHEAD})")
    h.prove(f"count >= {depth} || {see('w_rdy')}")
    h.register("quiet", 4, f"count != 0 && !{offered} ? quiet + 1 : 0")
    way = " : ".join(f"{word} ? {k}" for k, word in reversed(list(enumerate(fetched, start=1))))
    h.prove("count != 0 || quiet == 0")
    h.prove(f"quiet < {latency.FIFO} && ({offered} || quiet <= ({way} : 0))")
