"""The states of a protected core: a bit that flips in their memory is never seen by a reader.

The flips are put into the Verilog: in each clock one bit of one word of the memory may turn over,
whichever and whenever, as long as no word has two of them since it was last written.
"""

import re
from collections.abc import Sequence

from rtl.program.secded import Secded
from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError, ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.ways import claim_way
from rtl.schedule import latency
from rtl.step_plan import StepPlan

PART = "cell.states"
COLLIDES = r"^  \(\* no_rw_check = 32'd1 \*\)\n"
WRITES = r"^    if \(write__en\)\n"
HELD = r"^(  reg \[\d+:0\] memory \[\d+:0\];\n)"
MENDS = r"^(  assign read0_mended = \S+ \^ )\{ \\\$\d+ ,"


def mending(core: StepPlan, design: Design) -> Proof:
    """What readers see of the states, whatever flips."""
    program = core.program
    if not program.protected:
        raise InapplicableError("the core is not protected")
    code, cells = Secded(program.paths.s), len(program.states)
    nets = [given(design, number) for number in range(1 + core.schedule.peepholes)]
    return Proof(
        "mends",
        "In any clock any bit of any word of the state memory may flip, as long as no word has two "
        "that did since it was written: every reader sees what was written, to the bit and in the "
        "same clock as without flips"
        + (", and so does the state port" * core.options.state_port)
        + "; a word that is used with a flipped bit is reported as mended, no other one is, and "
        "none as one that cannot be.",
        f"the core's own states: {cells} words of {code.width} bits and {code.checks} check bits",
        (
            "A memory gives the word that was written last, but for the flips; one that is written "
            "or flips in the clock in which it is read, as it was before.",
            *["The state port asks for words that there are."] * core.options.state_port,
        ),
        upset(design, code, cells),
        lambda given: state(given, core, nets),
        latency.GUARDED,
        Twin(
            "a bit of the word is not mended",
            upset(design.replaced(design.find(PART), MENDS, r"\1{ 1'h0 ,"), code, cells),
            core.schedule.depths.state_read + 6,
        ),
    )


def upset(design: Design, code: Secded, cells: int) -> Design:
    """The design with a memory of states in which bits flip: `upset` of the word `upset_at`."""
    part, high = design.find(PART), max(1, (cells - 1).bit_length()) - 1
    wires = (
        f"  (* anyseq *)\n  wire [{code.bits - 1}:0] upset;\n"
        f"  (* anyseq *)\n  wire [{high}:0] upset_at;\n"
    )
    flips = "    memory[upset_at] <= memory[upset_at] ^ upset;\n"
    found = design.replaced(part, COLLIDES, "").replaced(part, HELD, rf"\1{wires}")
    return found.replaced(part, f"({WRITES})", rf"{flips}\1")


def state(design: Design, core: StepPlan, nets: Sequence[str]) -> Harness:
    """Everything around the states is free in every clock; `nets` are what the memory gives."""
    h, program = Harness(design, PART), core.program
    code, cells = Secded(program.paths.s), len(program.states)
    upset, at = h.see("upset"), h.see("upset_at")
    h.assume(f"({upset} & ({upset} - 1)) == 0 && {at} < {cells}")
    h.prove(f"{h.see('written')} < {cells}")
    h.register("age", 3, "age == 7 ? age : age + 1")  # what a memory gives at power-up is anything
    chosen = {name: h.see(f"access.{name}") for name in ("select", "address", "write", "data")}
    if core.options.state_port:
        h.assume(f"{chosen['address']} < {cells}")
    write = f"({chosen['select']} ? {chosen['write']} : {h.see('write')})"
    place = f"({chosen['select']} ? {chosen['address']} : {h.see('written')})"
    given = f"({chosen['select']} ? {chosen['data']} : {h.see('code')})"
    for k in range(cells):
        here = f"{write} && {place} == {k}"
        h.register(f"word{k}", code.width, f"{here} ? {given} : word{k}")
        flips = f"flips{k} ^ ({at} == {k} ? {upset} : 0)"
        h.register(f"flips{k}", code.bits, f"{here} ? 0 : {flips}")
        h.assume(f"{at} != {k} || {upset} == 0 || flips{k} == 0")
        h.prove(f"(flips{k} & (flips{k} - 1)) == 0")
        h.prove(f"{h.see(f'memory[{k}]')} == ({encoded(code, f'word{k}')} ^ flips{k})")
    for k, net in enumerate(nets):
        select = f"{chosen['select']} ? {chosen['address']} : " if not k else ""
        claim_reader(h, core, k, f"({select}{h.see(f'place{k}')})", net)
    return h


def encoded(code: Secded, word: str) -> str:
    """The code word of a word, as Verilog."""
    low = (1 << code.width) - 1
    checks = (f"^({word} & {code.width}'d{mask & low})" for mask in masks(code))
    return f"{{{', '.join(checks)}, {word}}}"


def given(design: Design, number: int) -> str:
    """The net of what the memory gives a reader."""
    text, address = design.modules[design.find(PART)].text, ("port__addr", "place1")[number]
    found = re.search(rf"^    (\w+) <= memory\[{address}\];", text, re.M)
    if found is None:
        raise ProofError(f"{PART}: there is no reader of memory[{address}]")
    return found[1]


def unfit(code: Secded, flips: str) -> str:
    """The check bits that do not fit when these bits of a code word have flipped."""
    checks = (f"^({flips} & {code.bits}'d{mask})" for mask in masks(code))
    return f"{{{', '.join(checks)}}}"


def masks(code: Secded) -> list[int]:
    """The bits of a code word that each check bit is the sum of, itself too, from the highest."""
    return [
        sum(1 << k for k, syndrome in enumerate(code.single) if syndrome >> check & 1)
        for check in reversed(range(code.checks))
    ]


def claim_reader(h: Harness, core: StepPlan, number: int, address: str, net: str) -> None:
    """In each stage of a reader stands what was written at its address so many clocks before."""
    program = core.program
    code, cells = Secded(program.paths.s), len(program.states)
    h.prove(f"{h.see(f'place{number}')} < {cells}")
    words = h.table(f"asked{number}", address, [*range(cells)], 32)
    for name, bits in (("word", code.width), ("flips", code.bits)):
        choices = " : ".join(f"{words} == {k} ? {name}{k}" for k in range(cells - 1))
        last = f"{name}{cells - 1}"
        chosen = f"{choices} : {last}" if choices else last
        h.line(f"wire [{bits - 1}:0] {name}_of{number} = {chosen};")
    read, checked = core.schedule.depths.state_read, latency.MEMORY + latency.CHECKED
    was = h.delayed(f"was{number}", f"word_of{number}", code.width, read)
    flips = h.delayed(f"flipped{number}", f"flips_of{number}", code.bits, latency.GUARDED)
    stages = [f"clear{number}_{k}" for k in range(1, 1 + latency.GUARDED)]
    clear = claim_way(h, f"first{number}", h.see(f"clear{number}"), [*stages, ""])
    used = f"{h.see(f'step_over{number}')} && !{clear[0]}"
    stages = [*(f"used{number}_{k}" for k in range(1, 1 + checked)), ""]
    used = claim_way(h, f"used{number}", used, stages)[-1]

    def claim(clocks: int, net: str, value: str) -> None:
        h.prove(f"age < {clocks} || {h.see(net)} == {value}")

    held = net, f"read{number}_raw", f"read{number}_held_1"
    for clocks, name in enumerate(held, 1):
        claim(clocks, name, f"({encoded(code, was[clocks])} ^ {flips[clocks]})")
    if not number:  # the state port's
        claim(latency.MEMORY, "word_mended", was[latency.MEMORY])
    claim(checked, f"read{number}_syndrome_1", unfit(code, flips[checked]))
    claim(checked, f"read{number}_mended", was[checked])
    claim(latency.GUARDED, f"read{number}_1", was[latency.GUARDED])
    start = "0"
    if program.initial(program.states):
        start = h.delayed(f"start{number}", h.cut(f"initial.word{number}"), code.width, 1)[-1]
    seen = f"({clear[-1]} ? {start} : {was[-1]})"
    claim(read, f"value{number}", seen)
    claim(latency.GUARDED, f"read{number}_upsets", f"({used} && {flips[-1]} != 0)")
