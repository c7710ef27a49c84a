"""The Reverser: every vector of a sequence comes out once, from the last to the first."""

from fixedpoint.formats import Format
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.passing import receiver
from rtl.proofs.proof import Proof, Twin

BANKS = 2


def reversing(name: str, design: Design, form: Format, width: int, length: int) -> Proof:
    """What an `rtl.offline.reverser.Reverser` promises; `design` is that of one."""
    return Proof(
        name,
        "Of every sequence each element comes out once and unchanged: the vectors from the last to "
        "the first, the elements of each in order, the sequences in order, with marks on the first "
        "and the last beat; as soon as a sequence is in, unless one before it is not yet out.",
        f"the core's own: {BANKS} banks of {length} vectors of {width} elements of "
        f"{form.width} bits",
        (f"Sequences end with a vector, and have {length} at most (proof `head`).",),
        design,
        lambda given: state(given, form, width, length),
        2,
        Twin(
            "the bank that is given is filled meanwhile",
            design.replaced(design.top, r"^(  assign i__ready =) .*;", r"\1 1'b1;"),
            3 * width + 4,
        ),
    )


def state(design: Design, form: Format, width: int, length: int) -> Harness:
    """One element, chosen freely, is followed from where it is taken to where it is given."""
    h, size = Harness(design, "", reset=True), width * length
    claim_banks(h, width, length)
    shown, wanted, beat = receiver(h, "o")
    h.any("follow", 1)
    h.line("wire met = takes && follow && !followed;")
    h.line("wire mine = followed && !loaded && has[bank] && from == bank;")
    h.line("wire hit = mine && gives && left == vector && out_at == place;")
    h.line(f"wire leaves = loaded && {shown} && {wanted};")
    h.register("followed", 1, "met || (followed && !leaves)")
    h.register("loaded", 1, "hit || (loaded && !leaves)")
    for name, value, bits in (
        ("bank", "into", 1),
        ("vector", "in_vector", 16),
        ("place", "in_at", 16),
        ("word", f"{h.see('i__payload')}[{form.width - 1}:0]", form.width),
    ):
        h.register(name, bits, f"met ? {value} : {name}")
    h.prove(f"!followed || (vector < {length} && place < {width})")
    h.prove("!loaded || followed")
    h.line("wire kept = followed && !loaded;")
    later = "vector < left || (vector == left && place >= out_at)"
    h.prove(
        f"!(kept && has[bank]) || (vector < (bank ? count1 : count0) && (from != bank || {later}))"
    )
    before = "vector < in_vector || (vector == in_vector && place < in_at)"
    h.prove(f"!(kept && !has[bank]) || (into == bank && ({before}))")
    for k in range(BANKS * size):
        bank, vector, place = k // size, k % size // width, k % width
        here = f"bank == {bank} && vector == {vector} && place == {place}"
        h.prove(f"!(kept && {here}) || {h.see(f'banks[{k}]')} == word")
    h.prove(f"!loaded || ({shown} && {beat}[{form.width - 1}:0] == word)")
    marks = f"out_vector == 0 && out_at == 0, left == 0 && out_at == {width - 1}"
    for k, mark in enumerate(marks.split(", ")):
        h.register(f"mark{k}", 1, f"gives ? {mark} : mark{k}")
        h.prove(f"!{shown} || {beat}[{form.width + k}] == mark{k}")
    return h


def claim_banks(h: Harness, width: int, length: int) -> None:
    """Which bank is filled and which is given, and how far each has got.

    `takes` and `gives` say that a beat goes into a bank and comes out; `left` is the vector that is
    given, as it was numbered when it was taken.
    """
    size, last = width * length, f"{h.see('i__payload')}[{h.width('i__payload') - 1}]"
    offered, ready = h.see("i__valid"), h.see("i__ready")
    shown, wanted = h.see("o__valid"), h.see("o__ready")
    h.line(f"wire takes = {offered} && {ready};")
    h.line(f"wire in_ends = in_at == {width - 1};")
    h.line(f"wire closes = takes && {last};")
    h.line("wire [1:0] has = {has1, has0};")
    h.line("wire [15:0] count = from ? count1 : count0;")
    h.line("wire [15:0] left = count - 1 - out_vector;")
    h.line(f"wire gives = has[from] && ({wanted} || !{shown});")
    h.line(f"wire out_ends = out_at == {width - 1};")
    h.line("wire over = gives && out_ends && left == 0;")
    h.assume(f"!{last} || in_ends")
    h.assume(f"{last} || !in_ends || in_vector != {length - 1}")
    h.register("in_at", 16, "takes ? (in_ends ? 0 : in_at + 1) : in_at")
    h.register("in_vector", 16, "closes ? 0 : in_vector + (takes && in_ends)")
    h.register("out_at", 16, "gives ? (out_ends ? 0 : out_at + 1) : out_at")
    h.register("out_vector", 16, "over ? 0 : out_vector + (gives && out_ends)")
    h.register("into", 1, "into ^ closes")
    h.register("from", 1, "from ^ over")
    for k in range(BANKS):
        h.register(f"count{k}", 16, f"closes && into == {k} ? in_vector + 1 : count{k}")
        h.register(f"has{k}", 1, f"(closes && into == {k}) || (has{k} && !(over && from == {k}))")
        h.prove(f"!has{k} || (count{k} != 0 && count{k} <= {length})")
        h.prove(f"!has{k} || {h.see(f'top{k}')} == {k * size} + (count{k} - 1) * {width}")
        h.prove(f"{h.see(f'full{k}')} == has{k}")
    h.register("gave", 1, f"gives || (gave && !{wanted})")
    h.prove(f"{shown} == gave")
    h.prove(f"{ready} == !has[into] && into == (from ^ has0 ^ has1) && (has[from] || !has[!from])")
    h.prove(f"in_at < {width} && in_vector < {length} && out_at < {width}")
    h.prove("has[from] ? out_vector < count : out_vector == 0 && out_at == 0")
    h.prove(f"{h.see('filling')} == into && {h.see('reading')} == from")
    h.prove(f"{h.see('element')} == out_at")
    h.prove(f"{h.see('opening')} == (out_vector == 0 && out_at == 0)")
    h.prove(f"{h.see('written')} == into * {size} + in_vector * {width} + in_at")
    h.prove(
        f"{h.see('opening')} || {h.see('following')} == from * {size} + left * {width} + out_at"
    )
