"""What passes beats on between the parts of a core of whole sequences: Head, Fork and Join.

Each is proven alone, as the module that it is in the Verilog: its neighbours do what they please,
but keep a beat that they offer until it is taken.
"""

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin

STAYS = "What is offered to it stays until it is taken."


def head(name: str, design: Design, width: int, length: int) -> Proof:
    """The first vectors of every sequence; `design` is that of an `rtl.offline.head.Head`."""
    return Proof(
        name,
        f"Of every sequence the first {length} vectors pass, unchanged, once and in order, with "
        "marks on their first and last beat; all others are taken and dropped, and that is said.",
        f"the core's own: {width} elements of {_bits(design)} bits a vector",
        (STAYS,),
        design,
        lambda given: _head(given, width, length),
        2,
        Twin(
            "the last beat that passes has its mark only if the sequence ends there",
            design.replaced(
                design.top, r"^(  assign \S+ += i__payload\[\d+\]) \| \\?\S+ *;", r"\1;"
            ),
            width * length + 2,
            {"i__valid": 1, "o__ready": 1},
        ),
    )


def _head(design: Design, width: int, length: int) -> Harness:
    h = Harness(design, "", reset=True)
    offered, taken, beat = sender(h, "i")
    shown, wanted, passed = receiver(h, "o")
    bits = _bits(design)
    h.line(f"wire takes = {offered} && {taken};")
    h.line(f"wire ends = at == {width - 1};")
    h.line(f"wire passes = vectors < {length};")
    h.line(f"wire last = {beat}[{bits + 1}];")
    h.register("at", 16, "takes ? (ends ? 0 : at + 1) : at")
    h.register("vectors", 16, "takes && ends ? (last ? 0 : vectors + passes) : vectors")
    h.register("lost", 1, "lost || (takes && !passes)")
    h.prove(f"{shown} == ({offered} && passes) && {taken} == ({wanted} || !passes)")
    h.prove(f"{passed}[{bits - 1}:0] == {beat}[{bits - 1}:0]")
    h.prove(f"{passed}[{bits}] == (at == 0 && vectors == 0) || !passes")
    h.prove(f"{passed}[{bits + 1}] == (ends && (last || vectors == {length - 1})) || !passes")
    h.prove(f"{h.see('dropped')} == lost")
    h.prove(f"at < {width} && vectors <= {length} && {h.see('element')} == at")
    h.prove(f"{h.see('dropping')} == !passes")
    h.prove(f"{h.see('step')} == (passes ? vectors : {length - 1})")
    return h


def fork(name: str, design: Design) -> Proof:
    """One stream to two; `design` is that of an `rtl.offline.fork_join.Fork`."""
    return Proof(
        name,
        "Every beat is given to both sides, to each once and unchanged, and is taken in the clock "
        "in which the second one has it.",
        f"the core's own: {_bits(design)} bits a code",
        (STAYS,),
        design,
        _fork,
        2,
        Twin(
            "a side that has the beat is given it again",
            design.replaced(design.top, r"^(  assign a__valid =) .*;", r"\1 i__valid;"),
            4,
        ),
    )


def _fork(design: Design) -> Harness:
    h = Harness(design, "", reset=True)
    offered, taken, beat = sender(h, "i")
    h.line(f"wire takes = {offered} && {taken};")
    for side in "ab":
        shown, wanted, passed = receiver(h, side)
        h.line(f"wire {side}_gets = {shown} && {wanted};")
        h.register(f"{side}_had", 1, f"({side}_had || {side}_gets) && !takes")
        h.prove(f"{shown} == ({offered} && !{side}_had) && {passed} == {beat}")
        h.prove(f"{h.see(f'{side}_has')} == {side}_had")
    h.prove(f"takes == ({offered} && (a_had || a_gets) && (b_had || b_gets))")
    return h


def join(name: str, design: Design, widths: tuple[int, int]) -> Proof:
    """Two streams to one; `design` is that of an `rtl.offline.fork_join.Join`."""
    return Proof(
        name,
        f"Beats pass unchanged and once, {widths[0]} of the one side, then {widths[1]} of the "
        "other; the first mark is the one side's, the last one the other's.",
        f"the core's own: {_bits(design)} bits a code",
        (STAYS,),
        design,
        lambda given: _join(given, widths),
        2,
        Twin(
            "one side's turn comes an element late",
            design.replaced(
                design.top,
                rf"^(  assign second = element >=) \d+'h{widths[0]:x};",
                rf"\1 {widths[0] + 1};",
            ),
            sum(widths) + 2,
        ),
    )


def _join(design: Design, widths: tuple[int, int]) -> Harness:
    h = Harness(design, "", reset=True)
    shown, wanted, passed = receiver(h, "o")
    bits = _bits(design)
    h.line(f"wire second = at >= {widths[0]};")
    h.line(f"wire passes = {shown} && {wanted};")
    h.register("at", 16, f"passes ? (at == {sum(widths) - 1} ? 0 : at + 1) : at")
    for side, turn in (("a", "!second"), ("b", "second")):
        offered, taken, beat = sender(h, side)
        h.prove(f"{taken} == ({wanted} && {turn})")
        same = f"{shown} == {offered} && {passed}[{bits - 1}:0] == {beat}[{bits - 1}:0]"
        h.prove(f"!({turn}) || ({same})")
        mark = bits if side == "a" else bits + 1
        h.prove(f"{passed}[{mark}] == ({turn} && {beat}[{mark}])")
    h.prove(f"at < {sum(widths)} && {h.see('element')} == at")
    return h


def sender(h: Harness, side: str) -> tuple[str, str, str]:
    """Valid, ready and payload of a side that is offered beats, which stay until they are taken."""
    valid, ready, beat = _stream(h, side)
    h.assume(f"!{side}_waits || ({valid} && {beat} == {side}_was)")
    return valid, ready, beat


def receiver(h: Harness, side: str) -> tuple[str, str, str]:
    """The same of a side that offers beats, which must stay until they are taken."""
    valid, ready, beat = _stream(h, side)
    h.prove(f"!{side}_waits || ({valid} && {beat} == {side}_was)")
    return valid, ready, beat


def _stream(h: Harness, side: str) -> tuple[str, str, str]:
    valid, ready, beat = (h.see(f"{side}__{name}") for name in ("valid", "ready", "payload"))
    h.register(f"{side}_waits", 1, f"{valid} && !{ready}")
    h.register(f"{side}_was", h.width(f"{side}__payload"), beat)
    return valid, ready, beat


def _bits(design: Design) -> int:
    """Of a code, without the two marks beside it."""
    return next(
        bits - 2
        for net, bits in design.modules[design.top].nets.items()
        if net in ("i__payload", "o__payload")
    )
