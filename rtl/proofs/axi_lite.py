"""AXI4-Lite: the register map's slave answers every access, once, and keeps the bus's rules."""

from rtl.axi.registers import ADDRESS_WIDTH, BYTES, WIDTH
from rtl.planning import CorePlan
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.schedule import latency

LITE = "wrapped.lite"
CORE = "wrapped.core"
CHOICE = 1  # clocks in which the slave decides what comes next
WAITED = "wrapped.state.waited"  # clocks of a read of the state so far
ACCESS = 1 + latency.STATE_PORT  # clocks of the longest access
TURN = 2 * (CHOICE + ACCESS)  # until what waits is done: the other kind's access, and its own
REQUESTS = {  # channels of the manager, and the bits that stay
    "aw": (("awaddr", ADDRESS_WIDTH),),
    "w": (("wdata", WIDTH), ("wstrb", BYTES)),
    "ar": (("araddr", ADDRESS_WIDTH),),
}
RESPONSES = {"b": ("bresp",), "r": ("rresp", "rdata")}


def axi_lite(core: CorePlan, design: Design) -> Proof:
    """What `rtl.axi.lite.Lite` and the decoder behind it promise of the bus."""
    return Proof(
        "axi-lite",
        "BVALID and RVALID are low after a reset; a response stays, with its data, until it is "
        "taken; each write (address and data) and each read is answered once, in order, and "
        "nothing else is; none of AWREADY, WREADY and ARREADY depends on a VALID of its clock; "
        f"{TURN} clocks after a request is there, and the response before it taken, it is "
        "answered and the channels are free again.",
        f"the whole wrapper, at its pins: {ADDRESS_WIDTH} bits of address, {WIDTH} of data",
        (
            "The manager keeps the rules too: what it offers stays until it is taken.",
            "The core behind it is free.",
        ),
        design,
        state,
        3,
        Twin(
            "a response goes after a clock, whether it is taken or not",
            design.replaced(
                design.find(LITE), r"= s_axil__bvalid & s_axil__bready;", "= s_axil__bvalid;"
            ),
            10,
        ),
    )


def state(design: Design) -> Harness:
    """Everything that the core says is free in every clock."""
    h = Harness(design, "", reset=True)
    for name in design.modules[design.find(CORE)].outputs:
        h.cut(f"{CORE}.{name}")
    h.leave(CORE)
    h.register("reset", 1, "0", 1)
    for channel, parts in REQUESTS.items():
        assume_manager(h, channel, [name for name, _ in parts])
    for channel, parts in RESPONSES.items():
        claim_response(h, channel, parts)
    for channel in REQUESTS:
        h.prove(f"{pin(h, f'{channel}ready')} == !{h.see(f'{LITE}.{channel}_full')}")
    claim_answers(h)
    return h


def pin(h: Harness, name: str) -> str:
    """A pin of the register map."""
    return h.see(f"s_axil_{name}")


def joined(h: Harness, parts: list[str] | tuple[str, ...]) -> tuple[str, int]:
    """Some pins beside one another, and their bits."""
    return f"{{{', '.join(pin(h, part) for part in parts)}}}", sum(
        h.width(f"s_axil_{part}") for part in parts
    )


def assume_manager(h: Harness, channel: str, parts: list[str]) -> None:
    """What is offered stays until it is taken; a reset takes it back."""
    valid, ready = pin(h, f"{channel}valid"), pin(h, f"{channel}ready")
    payload, bits = joined(h, parts)
    h.register(f"{channel}_offered", 1, f"{valid} && !{ready}")
    h.register(f"{channel}_was", bits, payload)
    h.assume(f"!{channel}_offered || ({valid} && {payload} == {channel}_was)")


def claim_response(h: Harness, channel: str, parts: tuple[str, ...]) -> None:
    """A response is not there after a reset, and stays until it is taken."""
    valid, ready = pin(h, f"{channel}valid"), pin(h, f"{channel}ready")
    payload, bits = joined(h, parts)
    h.register(f"{channel}_waits", 1, f"{valid} && !{ready}")
    h.register(f"{channel}_was", bits, payload)
    h.prove(f"!reset || !{valid}")
    h.prove(f"!{channel}_waits || ({valid} && {payload} == {channel}_was)")
    h.prove(f"{pin(h, f'{channel}resp')} != 1")  # EXOKAY is not of this bus


def claim_answers(h: Harness) -> None:
    """Requests taken, less responses taken, are those that are in the slave; none stays there."""
    taken = {
        name: f"({pin(h, f'{name}valid')} && {pin(h, f'{name}ready')})"
        for name in (*REQUESTS, *RESPONSES)
    }
    full = {name: h.see(f"{LITE}.{name}_full") for name in REQUESTS}
    answers = {"aw": "b", "w": "b", "ar": "r"}
    for name, answer in answers.items():
        h.register(f"{name}_open", 4, f"{name}_open + {taken[name]} - {taken[answer]}")
        h.prove(f"{name}_open == {full[name]} + {pin(h, f'{answer}valid')}")
    claim_pace(h, full)


def claim_pace(h: Harness, full: dict[str, str]) -> None:
    """How long the access lasts that is under way, and how long a request waits for its own."""
    state, done = h.see(f"{LITE}.fsm_state"), h.see(f"{LITE}.bus__done")
    valid = {name: pin(h, f"{name}valid") for name in RESPONSES}
    choice, write, read = (f"({state} == {k})" for k in range(3))
    h.prove(f"{choice} || {write} || {read}")
    h.prove(f"!{write} || ({full['aw']} && {full['w']} && !{valid['b']})")
    h.prove(f"!{read} || ({full['ar']} && !{valid['r']})")
    h.register("access", 4, f"{choice} || {done} ? 0 : access + 1")
    h.prove(f"access == {h.see(WAITED) if h.has(WAITED) else 0} && access < {ACCESS}")
    due = f"{full['aw']} && {full['w']} && !{valid['b']} && !({write} && {done})"
    h.register("writing", 5, f"{due} ? writing + 1 : 0")
    due = f"{full['ar']} && !{valid['r']} && !({read} && {done})"
    h.register("reading", 5, f"{due} ? reading + 1 : 0")
    # a write waits for a read that was chosen before it, and then for its own choice
    h.prove(f"!{read} || writing <= access")
    h.prove(f"!{choice} || writing <= {ACCESS}")
    h.prove(f"!{write} || writing <= {ACCESS} + 1 + access")
    # a read that was there when a write was chosen is chosen next: its response is not yet taken
    h.prove(f"!{write} || reading <= 1 + access")
    h.prove(f"!{choice} || reading == 0 || ({valid['b']} && reading <= 1 + {ACCESS})")
    h.prove(f"!{read} || reading <= {ACCESS} + 2 + access")
    h.prove(f"writing < {TURN} && reading < {TURN}")
