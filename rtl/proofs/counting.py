"""The counters: each flag, each step and each clock of one counts once, in its own counter."""

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.skipping.rebuilding import with_input
from rtl.proofs.ways import claim_way
from rtl.schedule import latency
from rtl.signature import COUNTER_BITS
from rtl.step_plan import StepPlan


def counting(core: StepPlan, design: Design) -> Proof:
    """All counters of a core."""
    kind = core.saturation_kinds[0]
    but = " that has an input" * (core.options.skip is not None and core.has_idle)
    return Proof(
        "counts",
        "Every counter of saturations is at any time the number of its flags since the last reset, "
        f"two clocks late, `steps` that of the steps{but.replace('has', 'have')} that began, and "
        f"`cycles` that of the clocks in which one{but} ran; modulo 2^{COUNTER_BITS}.",
        f"the core's own: counters of {', '.join(core.saturation_kinds)}, steps and cycles",
        ("What is clipped raises its flag, and nothing else does (proofs `saturates-...`).",),
        design,
        lambda given: state(given, core),
        2,
        Twin(
            f"the counter of {kind} counts each flag twice",
            design.replaced(
                design.top,
                rf"= (saturated_{kind}|saturations) \+ {kind}_event_1;",  # the port, if it is alone
                rf"= \1 + {{{kind}_event_1, 1'b0}};",
            ),
            latency.OUTPUT + 4,
        ),
    )


def state(design: Design, core: StepPlan) -> Harness:
    """Flags, and which row they are of, are free in every clock, and a reset may come in any."""
    h = Harness(design, "", reset=True)
    h.leave_lanes()
    for kind, event in events(h, core).items():
        count = h.register(f"count_{kind}", COUNTER_BITS, f"count_{kind} + ({event})")
        total = f"{h.see(f'saturated_{kind}')} + {h.see(f'{kind}_event_1')}"
        h.line(f"wire [{COUNTER_BITS - 1}:0] found_{kind} = {total};")
        h.prove(f"found_{kind} == {count}")
    if core.options.skip and core.has_idle:
        claim_steps(h, *with_input(h))
    else:
        path = "front" if core.options.skip else "sequencer"
        claim_steps(h, *(h.cut(f"{path}.{name}") for name in ("starts", "running")))
    return h


def claim_steps(h: Harness, starts: str, running: str) -> None:
    """Those of steps, one clock late, and of their clocks: in which one begins, and one runs."""
    begun = h.register("began", COUNTER_BITS, f"began + {starts}")
    ran = h.register("ran", COUNTER_BITS, f"ran + {running}")
    h.line(f"wire [{COUNTER_BITS - 1}:0] counted = {h.see('steps')} + {h.see('begun_1')};")
    h.prove(f"counted == {begun}")
    h.prove(f"{h.see('cycles')} == {ran}")


def events(h: Harness, core: StepPlan) -> dict[str, str]:
    """What each counter is to count, from the flags where they are raised."""
    signals: dict[str, str] = {}
    for place in range(core.schedule.tail):
        path, kinds = f"activation{place}", core.program.kinds
        stages = [f"{path}.saturated_{k}" for k in range(1, latency.SQUASH)]
        flag = travels(h, f"{path}.net_code_clipped", [*stages, f"{path}.o.saturated"])
        valid, row = h.cut(f"{path}.o.valid"), h.cut(f"{path}.o.kind")
        for kind in dict.fromkeys(word.row.kind for word in core.program.tail(place)):
            signals[kind] = f"({valid} && {flag} && {row} == {kinds.index(kind)})"
    if core.qnet.output != "every":  # of the others nothing leaves
        for kind in ("dense", "out"):
            if kind in signals:
                signals[kind] += f" && {h.cut('activation0.o.step_last')}"
    if core.program.states:
        valid, projected = h.cut("cell.y.valid"), h.cut("cell.y.projected")
        behind = core.schedule.depths.output - latency.SQUASH
        stages = [f"cell.h_saturated_{k}" for k in range(1, latency.SQUASH)]
        stages += [f"cell.h_clipped_{k}" for k in range(1, 1 + behind)]
        late = travels(h, "cell.h_net_code_clipped", stages)
        clipped = f"({valid} && {h.cut('cell.output_clipped')}"
        signals["s"] = f"{h.cut('cell.s.valid')} && {h.cut('cell.state_clipped')}"
        signals["h"] = f"{valid} && {late}"
        signals["m"] = f"{clipped} && {projected})"
        signals["y"] = f"{signals.get('y', '0')} + {clipped} && !{projected})"
    if core.schedule.peepholes:  # output gates are computed behind the cell
        gate = "cell.output_gate"
        stages = [f"{gate}.o_saturated_{k}" for k in range(1, latency.SQUASH)]
        late = travels(h, f"{gate}.o_net_code_clipped", stages)
        signals["o"] = f"{h.cut('cell.o_valid')} && {late}"
    return {kind: signals[kind] for kind in core.saturation_kinds}


def travels(h: Harness, raised: str, stages: list[str]) -> str:
    """A flag at the end of its way, which takes a clock from stage to stage."""
    name = "flag_" + raised.rpartition(".")[0].replace(".", "_")
    return claim_way(h, name, h.cut(raised), stages)[-1]
