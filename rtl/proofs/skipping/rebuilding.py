"""Steps that rebuild sums and lists from a state that was written (`rtl.skipping.restore`).

Such a step has no input, and the tail takes none of its rows: they go to where sums are kept. So of
rows in a stage (`here_<k>`, `next_<k>`) it takes those that are of another step (`taken_<k>`), and
of these another one comes next (`due_<k>`).
"""

from rtl.datapath.ports import emptying
from rtl.proofs.harness import Harness
from rtl.proofs.pieces import chosen
from rtl.proofs.skipping.rows import SkipRows

RESTORE = "front.restore"


def of_front(h: Harness, name: str) -> str:
    """Its `starts` or `running`, of steps that have an input. Where there are others the nets of
    those names are the sequencer's, and the ports have a number."""
    if not h.has(RESTORE + ".alone"):
        return f"front.{name}"
    outputs = h.design.modules[h.design.find("front")].outputs
    (port,) = (net for net in outputs if net.partition("$")[0] == name)
    return f"front.{port}"


def with_input(h: Harness) -> tuple[str, str]:
    """Whether a step begins, and runs, that has an input; when any does is free in every clock."""
    starts, running = (h.cut(f"front.sequencer.{name}") for name in ("starts", "running"))
    begins = h.cut(f"{RESTORE}.begins")
    h.register("rebuilds", 1, f"{begins} || (rebuilds && {running})")
    h.prove(f"{h.see(f'{RESTORE}.alone')} == rebuilds")
    return f"({starts} && !{begins})", f"({running} && !rebuilds)"


def claim_rebuilding(h: Harness, rows: SkipRows) -> None:
    """Such a step begins while none runs; its mark goes with its rows."""
    begins = h.see("front.sequencer.choice.last")
    alone, taken = h.see(f"{RESTORE}.alone"), h.see("front.step_alone")
    h.line(f"wire alone_0 = {begins} ? {taken} : alone_1;")
    h.delayed("alone", "alone_0", 1, rows.stages)
    h.prove(f"group == 0 || ({alone} == {taken} && {taken} == alone_0)")
    high = rows.count.bit_length() - 1
    for k in range(rows.stages + 1):
        h.line(f"wire taken_{k} = here_{k} && !alone_{k};")
        h.line(f"wire [{high}:0] due_{k} = alone_{k} ? 0 : next_{k};")
    for k in range(rows.stages):
        h.prove(f"next_{k} == 0 || alone_{k} == alone_{k + 1}")
    stage = 1
    while h.has(net := f"row_step_alone_{stage}"):
        h.prove(f"!{rows.stands(rows.firsts, stage)} || {h.see(net)} == alone_{stage}")
        stage += 1
    claim_idle(h, rows)


def claim_idle(h: Harness, rows: SkipRows) -> None:
    """What is written is written while the core is idle: then no row is under way, and no step
    begins before all is listed anew."""
    running, waiting = h.see("front.sequencer.running"), h.see("front.input.waiting")
    due, lists = h.see(f"{RESTORE}.due"), h.see(f"{RESTORE}.lists")
    h.prove(f"!{due} || !{running}")
    h.prove(f"!{lists} || ({due} && {waiting})")
    alone = f"({h.see(f'{RESTORE}.alone')} && {running})"
    h.prove(f"!{alone} || ({waiting} && &{h.see('front.sequencer.opens')})")
    with_input = h.see(of_front(h, "running"))
    longest, quiet = emptying(rows.schedule), h.see("quiet")
    if h.has("load_now"):
        h.prove(f"!{h.see('load_now')} || ({quiet} == 0 && !{running})")
    places = [k for size in rows.sizes for k in range(size)]
    for k in range(min(rows.stages, longest) + 1):
        h.line(f"wire [15:0] since_{k} = {chosen(f'next_{k}', places)} + {k};")
        h.prove(f"!taken_{k} || {with_input} || {quiet} + since_{k} >= {longest}")
