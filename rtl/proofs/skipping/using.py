"""What is listed of a value: its difference from what was used last, so that all comes to what is
used now."""

from collections.abc import Sequence

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.skipping.stages import LISTS
from rtl.schedule import latency
from rtl.schedule.skipping import SkipSchedule, threshold_of
from rtl.step_plan import StepPlan

FRONT = "front"
AGAIN = latency.CHANGED + 2  # clocks until the same value comes again, at least


def using(core: StepPlan, design: Design) -> Proof:
    """What each lister of a core promises of any one value."""
    schedule = core.schedule
    assert isinstance(schedule, SkipSchedule)
    (first, *_) = listers(design)
    part = design.find(f"{FRONT}.{first}.lister")
    again = " and behind a state or a network that was written" * core.has_idle
    if schedule.changed:
        said = (
            "A value is listed if and only if it is further off than its threshold from what was "
            f"listed of it last, 0 before a sequence{again}, and then as the difference: all "
            "that is listed of it from there on comes to what was listed last, over any number of "
            "steps."
        )
        fault = "a value that is not listed is remembered all the same"
        broken = design.replaced(part, r"^  assign (\S+ +) = was_far_1 \|", r"  assign \1 = 1 |")
    else:
        said = "A value is listed if and only if it is not 0, as it is."
        fault = "a value of 1 is not listed"
        broken = design.replaced(part, r"^  assign (\S+ +) = \| .*;", r"  assign \1 = 0;")
    return Proof(
        "used",
        said,
        f"the core's own {len(listers(design))} listers",
        (
            "The same value comes again no sooner than "
            f"{AGAIN} clocks later, which is less than a step (proof `step`).",
        )
        * schedule.changed,
        design,
        lambda given: state(given, core),
        AGAIN,
        Twin(fault, broken, 3 * AGAIN),
    )


def listers(design: Design) -> list[str]:
    """The parts that have one."""
    parts = design.modules[design.find(FRONT)].instances
    return [part for part in LISTS if part in parts]


def state(design: Design, core: StepPlan) -> Harness:
    """Values, their marks and the clocks in which they come are free."""
    schedule = core.schedule
    assert isinstance(schedule, SkipSchedule)
    h = Harness(design, FRONT)
    given = {"input": schedule.input, "y": schedule.outputs, "gates": schedule.gates}
    for name in listers(design):
        claim_lister(
            h, name, schedule.changed, [threshold_of(core.qnet, each) for each in given[name]]
        )
    return h


def claim_lister(h: Harness, name: str, changed: bool, thresholds: Sequence[int]) -> None:
    """One lister, of a stage's values or of several stages' in turn."""
    path = f"{name}.lister"
    h.cut(f"{path}.i")
    valid, fresh, value = (h.see(f"{path}.i.{net}") for net in ("valid", "fresh", "value"))
    bits, late = h.width(f"{path}.i.value"), latency.CHANGED * changed + 1
    given = h.delayed(f"{name}_value", value, bits, late)[-1]
    come = h.delayed(f"{name}_valid", valid, 1, late)[-1]
    shown, listed = h.see(f"{path}.o.value"), h.see(f"{path}.listed")
    h.prove(f"{h.see(f'{path}.o.valid')} == {come}")
    if not changed:
        h.prove(f"{shown} == {given} && {listed} == ({come} && {given} != 0)")
        return
    opens = h.delayed(f"{name}_fresh", fresh, 1, late)[-1]
    at, word = h.look(f"{path}.last")
    unit = h.see(f"{path}.i.unit")
    stage = h.see(f"{path}.i.stage")
    address = f"{{{stage}, {unit}}}" if len(thresholds) > 1 else unit
    mine = h.delayed(f"{name}_mine", f"({valid} && {address} == {at})", 1, late)
    h.assume(f"!({mine[0]}) || !({' || '.join(mine[1:])})")
    h.line(f"wire {name}_here = {mine[-1]};")
    stages = h.delayed(f"{name}_stage", stage, h.width(f"{path}.i.stage"), late)[-1]
    limit = str(thresholds[-1])
    for k, threshold in reversed(list(enumerate(thresholds[:-1]))):
        limit = f"({stages} == {k} ? {threshold} : {limit})"
    used, wide = f"{name}_used", bits + 1
    h.line(f"reg signed [{bits - 1}:0] {used} = 0;")
    h.line(f"wire signed [{bits - 1}:0] {used}_then = {opens} ? 0 : {used};")
    h.line(f"wire signed [{wide - 1}:0] {used}_off = $signed({given}) - {used}_then;")
    h.line(f"wire {used}_far = {used}_off > {limit} || {used}_off < -({limit});")
    following = f"{used}_far ? {given} : {used}_then"
    h.line(f"always @(posedge clk) {used} <= {name}_here ? {following} : {used};")
    h.prove(f"{word} == {used}")
    h.prove(f"!{mine[2]} || {h.see(f'{path}.last_1')} == {used}")
    h.prove(f"!{name}_here || $signed({shown}) == {used}_off")
    h.prove(f"!{name}_here || {listed} == {used}_far")
    h.line(f"reg signed [{bits + 15}:0] {name}_all = 0;")
    so_far = f"({opens} ? 0 : {name}_all) + ({listed} ? $signed({shown}) : 0)"
    h.line(f"always @(posedge clk) {name}_all <= {name}_here ? {so_far} : {name}_all;")
    h.prove(f"{name}_all == {used}")
