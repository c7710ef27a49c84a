"""The sequencer never deadlocks: a step begins when it may, and ends when the schedule says."""

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import claim_steps
from rtl.step_plan import StepPlan

PART = "sequencer"


def sequencing(core: StepPlan, design: Design) -> Proof:
    """Liveness as a bound: what must happen happens within so many clocks."""
    schedule = core.schedule
    return Proof(
        "step",
        "Once a step's input is there and its output has room, the step begins within "
        f"{schedule.cycles_per_step - 1} clocks and ends {schedule.cycles_per_step} clocks later; "
        "none begins that may not.",
        f"the core's own sequencer: {schedule.cycles_per_step} clocks a step",
        (),
        design,
        lambda given: state(given, core),
        2,
        Twin(
            "the step's last clock is never seen",
            design.replaced(design.find(PART), r"assign ends = .*;", "assign ends = 1'b0;"),
            2 * schedule.cycles_per_step,
            {"ready": 1},
        ),
    )


def state(design: Design, core: StepPlan) -> Harness:
    """`ready` is free in every clock: the input comes, and room is made, whenever they please."""
    h, cycles = Harness(design, "", reset=True), core.schedule.cycles_per_step
    h.leave_lanes()
    ready = h.cut("sequencer.ready")
    starts, running = h.see("sequencer.starts"), h.see("sequencer.running")
    claim_steps(h, cycles, 2 * cycles)
    bits = (2 * cycles).bit_length()
    h.register("waits", bits, f"{ready} && !{starts} ? waits + 1 : 0")
    h.register("lasts", bits, f"{starts} ? 1 : {running} ? lasts + 1 : 0")
    h.prove(f"!{starts} || {ready}")
    h.prove(f"waits < {cycles} && (!{running} || waits <= age)")
    h.prove(f"lasts <= {cycles + 1} && (!{running} || lasts == age + 1)")
    return h
