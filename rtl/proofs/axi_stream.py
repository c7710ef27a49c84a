"""AXI4-Stream: both streams of a wrapped core keep the bus's rules, and packets are sequences."""

from rtl.planning import CorePlan
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.fifo import claim_counts
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.sequences import places
from rtl.signature import COUNTER_BITS
from rtl.step_plan import StepPlan

ENTRY = "wrapped.entry"
CORE = "wrapped.core"


def axi_in(core: CorePlan, design: Design) -> Proof:
    """What `rtl.axi.stream.Entry` makes of packets."""
    width, form = core.qnet.inputs, core.qnet.formats.input
    return Proof(
        "axi-in",
        "Every beat that is taken is the core's the clock after, unchanged and once; what is "
        f"offered to the core stays until it is taken; vectors have {width} elements, those that a "
        "packet or a clear cuts short are filled up with 0, and TLAST ends the sequence; cut "
        f"packets are counted. TREADY comes {width + 1} clocks after the core takes beats at the "
        "latest.",
        f"the core's own: {width} elements of {form.width} bits a vector",
        (),
        design,
        lambda given: entering(given, core),
        2,
        Twin(
            "a beat is taken while the one before it waits for the core",
            design.replaced(
                design.find(ENTRY), r"^(  assign s_axis__tready =) .*;", r"\1 open & ~ clear;"
            ),
            4,
        ),
    )


def entering(design: Design, core: CorePlan) -> Harness:
    """The three controls, the transmitter and the core do what they please in every clock."""
    h, width, form = Harness(design, ENTRY, reset=True), core.qnet.inputs, core.qnet.formats.input
    valid, ready = h.see("s_axis__tvalid"), h.see("s_axis__tready")
    data, last = h.see("s_axis__tdata"), h.see("s_axis__tlast")
    offered, wanted, beat = h.see("o__valid"), h.see("o__ready"), h.see("o__payload")
    clear, resume, allowed = h.see("clear"), h.see("resume"), h.see("open")
    bits, ends = (width + 1).bit_length(), width - 1
    h.line(f"wire takes = {valid} && {ready};")
    h.line(f"wire room = !{offered} || {wanted};")
    h.line("wire fills = cut && room;")
    h.line("wire moves = takes || fills;")
    h.line(f"wire begins = at == 0;\nwire ends = at == {ends};")
    h.register("at", bits, "moves ? (ends ? 0 : at + 1) : at")
    # the rest of this vector is 0
    broken = f"{clear} && !begins"
    h.register("cut", 1, f"moves ? (cut || {last}) && !ends : cut || ({broken})")
    # this vector is its sequence's last one, and the next one is a first one
    h.register("over", 1, f"takes && !ends && {last} ? 1 : {broken} && !cut ? 0 : over")
    ended = f"moves && ends && (cut ? over : {last})"
    h.register(
        "opens", 1, f"{clear} || (!{resume} && ({ended} || (opens && !(moves && begins))))", 1
    )
    h.register("cuts", COUNTER_BITS, f"cuts + (takes && {last} && !ends)")
    h.register("gave", 1, "moves")
    h.register("kept", 1, f"{offered} && !{wanted}")
    code = f"(cut ? 0 : {data}[{form.width - 1}:0])"
    marks = f"ends && (cut ? over : {last}), opens && begins"
    h.line(f"wire [{form.width - 1}:0] code = {code};")
    h.line(f"wire [{form.width + 1}:0] due = {{{marks}, code}};")
    h.register("was", form.width + 2, "due")
    h.register("held", form.width + 2, beat)
    h.prove(f"!takes || (room && !cut && !{clear} && ({allowed} || !begins))")
    h.prove(f"{offered} == (gave || kept)")
    h.prove(f"!gave || {beat} == was")
    h.prove(f"!kept || {beat} == held")
    h.prove(f"at <= {ends} && (begins ? !cut : 1)")
    h.prove(f"{h.see('element')} == at && {h.see('filling')} == cut && {h.see('opening')} == opens")
    h.prove(f"!cut || {h.see('closing')} == over")
    h.prove(f"{h.see('framing_errors')} == cuts")
    h.prove(f"{h.see('at_rest')} == (begins && !{offered})")
    # nothing but a vector that is filled up makes a beat wait
    free = f"room && !{clear} && ({allowed} || !begins)"
    h.register("waits", bits, f"{ready} || !({free}) ? 0 : waits + 1")
    h.prove(f"waits <= {ends} && (!cut || waits <= at)")
    h.prove(f"{ready} || !({free}) || cut")
    return h


def axi_out(core: CorePlan, design: Design) -> Proof:
    """The output of a wrapped core.

    Raises
    ------
    ProofError : no FIFO gives the outputs.
    """
    form, path = core.qnet.out_format, _fifo(core)
    return Proof(
        "axi-out",
        "TVALID is low after a reset; it does not wait for TREADY; once it is high it stays with "
        "TDATA and TLAST until TREADY. TDATA is the core's code, extended by its sign, and TLAST "
        "its mark.",
        f"the core's own output and the wrapper's: {form.width} bits a code",
        ("What comes to the output FIFO is free (proof `output`).",),
        design,
        lambda given: leaving(given, core, path),
        3,
        Twin(
            "TLAST is the mark of a sequence's first beat",
            design.replaced(
                design.find("wrapped"),
                rf"^(  assign m_axis__tlast = .*) \[{form.width + 1}\];",
                rf"\1 [{form.width}];",
            ),
            8,
        ),
    )


def _fifo(core: CorePlan) -> str:
    """The path of the FIFO that the outputs of a wrapped core come from."""
    if not core.holds_sequences:
        return f"{CORE}.fifo"
    path, place = list(places(core).items())[-1]
    if not isinstance(place, StepPlan) or len(core.groups[-1]) == 2:
        raise ProofError("no FIFO gives the outputs, they come from a Join, a Reverser or a Head")
    return f"{CORE}.{path}.fifo"


def leaving(design: Design, core: CorePlan, path: str) -> Harness:
    """What is written to the FIFO is free in every clock, and so is when it is read."""
    h = Harness(design, "", reset=True)
    for name in ("w_en", "w_data"):
        h.cut(f"{path}.{name}")
    depth, _ = design.modules[design.find(path)].memories["memory"]
    claim_counts(h, depth, f"{path}.")
    valid, ready = h.see("m_axis_tvalid"), h.see("m_axis_tready")
    data, last = h.see("m_axis_tdata"), h.see("m_axis_tlast")
    form, bits = core.qnet.out_format, h.width("m_axis_tdata")
    h.register("reset", 1, "0", 1)
    h.register("waits", 1, f"{valid} && !{ready}")
    h.register("was", bits + 1, f"{{{data}, {last}}}")
    h.prove(f"!reset || !{valid}")
    h.prove(f"!waits || ({valid} && {{{data}, {last}}} == was)")
    h.prove(f"{valid} == ({h.see(f'{path}.ahead.level')} != 0)")
    word = h.see(f"{path}.r_data")
    h.prove(f"{last} == {word}[{form.width + 1}]")
    code = f"{word}[{form.width - 1}:0]"
    h.line(f"wire signed [{bits - 1}:0] code = {f'$signed({code})' if form.signed else code};")
    h.prove(f"{data} == code")
    return h
