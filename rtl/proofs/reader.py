"""The sigma table's readers: who asks has one when it needs it, and rows have their own mode."""

from collections.abc import Iterable, Sequence

from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError
from rtl.proofs.flow import claim_flow, rows_of
from rtl.proofs.harness import Harness
from rtl.proofs.holding import claim_cells
from rtl.proofs.idle import LOADS
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import Rows, Timed
from rtl.schedule import latency
from rtl.step_plan import StepPlan

NET = latency.NET  # clocks from a row's sum to its net input
ROWS = "squash_mode_1"  # a row's mode, beside its clipped net input


def reader(core: StepPlan, design: Design) -> Proof:
    """What asks the table is what the table reads, and a row is squashed as its kind is.

    Raises
    ------
    InapplicableError : all have readers of their own, and there is one way to squash.
    """
    rows, shared = rows_of(core), core.schedule.one_sigma
    if not shared and len(core.program.net_modes) == 1:
        raise InapplicableError("each has a reader of the table, and all are squashed alike")
    takes = "of its own, in every clock"
    if shared:
        takes = "that it shares with states, and never in the same clock as one of them"
    count = sum(len(place.rows) for place in rows.places)
    return Proof(
        "reader",
        f"A row's pre-activation that asks the sigma table has a reader {takes}; so has a state; "
        "and the row is squashed as its kind is.",
        f"the whole core's control: {count} rows in {core.schedule.cycles_per_step} clocks a step",
        ("No reset comes after power-up.", *([LOADS] * core.program.loadable)),
        design,
        lambda given: state(given, rows),
        3,
        _twin(design, rows),
    )


def _twin(design: Design, rows: Rows) -> Twin:
    """Where readers are shared, who has one; else how a row is squashed."""
    driven: dict[str, int | str] = {"i__valid": 1, "r_en": 1}
    if rows.core.schedule.one_sigma:
        driven |= {"activation0.net_code": 0, "cell.h_net_code": "later"}  # both begin with 0
        broken = design.replaced(design.top, r"= h_due_1 \? [^:]*: ", "= ")
        return Twin("the reader never turns to a state", broken, rows.limit + 10, driven)
    old, path = rf"^(\s+{ROWS} <=) (\S+);", rows.places[-1].path
    broken = design.replaced(design.find(path), old, r"\1 ~\2;")
    return Twin("every row is squashed as another kind is", broken, rows.limit + 10, driven)


def state(design: Design, rows: Rows) -> Harness:
    """Arguments are free, and so are the moments in which steps begin."""
    h, schedule = Harness(design, ""), rows.core.schedule
    h.leave_lanes()
    asking = [f"{place.path}.net_code" for place in rows.places]
    asking += ["cell.h_net_code"] if rows.program.states else []
    asking += ["cell.output_gate.o_net_code"] if schedule.peepholes else []
    nets = [h.cut(net) for net in asking]
    claim_flow(h, rows)
    h.register("later", 1, "1")
    if schedule.one_sigma:
        claim_turns(h, rows, nets)
    else:
        for k, net in enumerate(nets):
            claim_read(h, "1", k, net)
    if len(rows.program.net_modes) > 1:
        for place in rows.places:
            claim_modes(h, rows, row_stages(rows, place.path), 1, place.rows)
        if schedule.peepholes:
            late = (row for row in rows.places[0].rows if row.word.row.kind == "o")
            claim_modes(h, rows, late_stages(), NET, late)
    return h


def claim_turns(h: Harness, rows: Rows, nets: Sequence[str]) -> None:
    """Rows and states take turns at one reader."""
    claim_cells(h, rows)
    clocks = [row.clock for row in rows.places[0].rows]
    claim_read(h, rows.at(clocks, NET + 1), 0, nets[0])
    if len(nets) > 1:
        claim_read(h, rows.at(rows.of("g"), rows.state + 1), 0, nets[1])


def claim_read(h: Harness, when: str, port: int, net: str) -> None:
    """What the table reads at a port; an argument that is clipped may be narrower."""
    h.prove(f"!{when} || $signed({h.see(f'sigma.code{port}')}) == $signed({net})")


def row_stages(rows: Rows, path: str) -> list[str]:
    """Where a row's mode stands, clock by clock from that after its sum."""
    stages = ["word_1.net_mode", *(f"net_mode_{k}" for k in range(1, NET))]
    seen = latency.SEEN * rows.core.schedule.peepholes
    stages += [f"net_mode_seen_{k}" for k in range(1, 1 + seen)]
    return [f"{path}.{stage}" for stage in (*stages, ROWS)]


def late_stages() -> list[str]:
    """Where that of an output gate stands that waits for its cell's state."""
    wait = latency.Depths(peepholes=True).activation + latency.STATE - NET + latency.LATE
    stages = ["unseen.net_mode", *(f"mode_{k}" for k in range(1, wait + 2)), f"o_{ROWS}"]
    return [f"cell.output_gate.{stage}" for stage in stages]


def claim_modes(
    h: Harness, rows: Rows, stages: Sequence[str], since: int, of: Iterable[Timed]
) -> None:
    """Rows have their own mode, stage by stage, from so many clocks after their sums on."""
    times: dict[int, list[int]] = {}
    for clock, word in of:
        times.setdefault(word.net_mode, []).append(clock)
    for stage, path in enumerate(stages, since):
        for mode, clocks in times.items():
            h.prove(f"!{rows.at(clocks, stage)} || {h.see(path)} == {mode}")
