"""The lanes of a core that skips: what is fed to them in a group is added up, each column once."""

from rtl.datapath.lane import Lane
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.sums import hops
from rtl.proofs.values import times
from rtl.schedule import latency
from rtl.step_plan import StepPlan

PART = "lanes"


def adding(core: StepPlan, design: Design) -> Proof:
    """What the tail gets of each lane."""
    width = core.program.paths.sum
    return Proof(
        "adds",
        "What the lanes give of a group's rows, one a clock, is of each the sum of the products of "
        "its lane's weights and of all values that are fed from the group's first column to its "
        f"last one, modulo 2^{width}, exactly, however many they are.",
        f"the core's own lanes: {core.schedule.lanes} of {core.program.paths.weight} bits a weight",
        (
            "What the memory of a lane gives is free.",
            "The next group ends no sooner than all rows of this one are given (proof `step`).",
            "No reset comes after power-up.",
        )
        + ("Nothing is loaded meanwhile.",) * core.program.loadable,
        design,
        lambda given: state(given, core),
        3,
        Twin(
            "a lane gives the sum of a column later",
            design.replaced(design.find(f"{PART}.lane0"), r"\? total :", "? added :"),
            2 * latency.LANE,
        ),
    )


def state(design: Design, core: StepPlan) -> Harness:
    """What is fed, and when groups begin and end, is free in every clock."""
    h, lanes = Harness(design, PART), range(core.schedule.lanes)
    if core.program.loadable:
        h.assume(f"!{h.see('load.write')}")
    most = max(hops(core.program, lane) for lane in lanes)
    for name, net, bits, clocks in (
        ("fed", "operand", h.width("feed.operand"), most + 1),
        ("first", "first", 1, Lane.ADDED + most),
        ("last", "last", 1, latency.LANE + len(lanes) + most),
    ):
        h.line(f"wire [{bits - 1}:0] {name}_0 = {h.see(f'feed.{net}')};")
        h.delayed(name, f"{name}_0", bits, clocks)
    own = [(f"first_{k}", f"first_{k}") for k in range(1, Lane.ADDED)]
    own += [(f"last_{k}", f"last_{k}") for k in range(1, Lane.ADDED + 2)]
    own += [(f"start_{k}", f"last_{k}") for k in range(1, latency.LANE)]
    for net, mark in (*own, ("opens_1", f"last_{latency.LANE}")):
        h.prove(f"{h.see(net)} == {mark}")
    for lane in lanes:
        claim_lane(h, core, lane)
        claim_way(h, core, lane)
    return h


def claim_lane(h: Harness, core: StepPlan, lane: int) -> None:
    """A lane from its feed to its sum (`whole_<lane>`)."""
    path, late, width = f"lane{lane}", hops(core.program, lane), core.program.paths.sum
    h.prove(f"$signed({h.see(f'{path}.feed_in.operand')}) == $signed(fed_{late})")
    h.prove(f"{h.see(f'{path}.feed_in.first')} == first_{Lane.ADDED - 1 + late}")
    h.prove(f"{h.see(f'{path}.feed_in.last')} == last_{Lane.ADDED + 1 + late}")
    weight, operand = h.cut(f"{path}.weight_{latency.WEIGHT}"), h.see(f"{path}.operand_1")
    h.prove(f"$signed({operand}) == $signed(fed_{late + 1})")
    bits = h.width(f"{path}.product")
    exact = times(h, f"product_{lane}", bits, f"$signed({weight})", f"$signed({operand})")
    stages = h.delayed(f"exact_{lane}", exact, bits, Lane.ADDED - 2)
    for k, stage in enumerate(stages):
        found = h.see(f"{path}.product{f'_{k}' if k else ''}")
        h.prove(f"{found} == {stage}")
    high, opens = width - 1, f"first_{Lane.ADDED + late}"
    h.line(f"reg [{high}:0] all_{lane} = 0;")
    h.line(f"wire [{high}:0] before_{lane} = {opens} ? 0 : all_{lane};")
    h.line(f"wire [{high}:0] now_{lane} = $signed(before_{lane}) + $signed({stages[-1]});")
    h.line(f"always @(posedge clk) all_{lane} <= now_{lane};")
    h.prove(f"{h.see(f'{path}.base')} == before_{lane}")
    h.prove(f"{h.see(f'{path}.total')} == all_{lane}")
    ends = f"last_{Lane.ADDED + 1 + late}"
    h.register(f"whole_{lane}", width, f"{ends} ? all_{lane} : whole_{lane}")


def claim_way(h: Harness, core: StepPlan, lane: int) -> None:
    """A lane's sum goes from lane to lane, and from the first one of its chain to the tail, in its
    row's clock, if no other group ends meanwhile."""

    def claim(clocks: int, condition: str) -> None:
        """So many clocks behind the group's last column."""
        others = [f"last_{clocks - k}" for k in range(1, lane + 1)]
        alone = f"last_{clocks} && !({' || '.join(others) or '0'})"
        h.prove(f"!({alone}) || ({condition})")

    late = hops(core.program, lane)
    for k in range(lane // 2 + 1):
        given = h.see(f"lane{lane - 2 * k}.sum_out")
        claim(latency.LANE + late + k, f"{given} == whole_{lane}")
    row = latency.LANE + lane
    if lane:
        claim(row, f"{h.see('odd')} == {lane % 2}")
    claim(row, f"{h.see('sum0')} == whole_{lane}")
