"""The sequencer of a core that skips: each entry of each list once a group, in as many clocks as
the schedule says."""

from dataclasses import dataclass
from itertools import combinations

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.pieces import chosen
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.skipping.rows import SkipRows, among
from rtl.proofs.skipping.stages import SEQUENCER, claim_place
from rtl.schedule import latency
from rtl.schedule.listing import Given
from rtl.schedule.skipping import SkipSchedule
from rtl.step_plan import StepPlan


@dataclass(frozen=True)
class Bounds:
    """How long phases can take.

    Attributes
    ----------
    whole : of each phase, so many clocks behind its start all of its lists are whole at the latest.
    groups : of each group, the clocks from the step's start to its own at the most.
    step : those of a step.
    """

    whole: tuple[int, ...]
    groups: tuple[int, ...]
    step: int

    @classmethod
    def of(cls, schedule: SkipSchedule) -> "Bounds":
        phases, whole, groups, clock = schedule.phases, list[int](), list[int](), 0
        for p, phase in enumerate(phases):
            before = schedule.takes((p - 1) % len(phases))[-1]
            whole.append(max(_whole(schedule, each.given) for each in schedule.segments(phase)))
            first = whole[-1] + 1 + latency.LOOKED + max(len(phase.columns), before)
            rest = max(len(phase.columns), phase.side)
            groups += [clock, *(clock + first + k * rest for k in range(phase.groups - 1))]
            clock += first + (phase.groups - 1) * rest
        return cls(tuple(whole), tuple(groups), clock)


def _whole(schedule: SkipSchedule, given: Given) -> int:
    """Clocks from the end of the phase that yields it until its list is whole."""
    if given not in schedule.yields:
        return 0
    number, _ = schedule.yields[given]
    phase = schedule.phases[number]
    cells = phase.yields == "g" and given.kind != "gates"
    after = schedule.after.cell if cells else schedule.after.gate
    return phase.tail_clocks(phase.groups - 1) - 1 + after - latency.LOOKED


class Lists:
    """The lists that the running phase reads, as the sequencer is told of them.

    Attributes
    ----------
    numbers, bits : of the lists; of a count. In the harness `count_<k>` and `whole_<k>` say how far
        list k has come, `was_<k>` and `old_<k>` both of a clock ago and of two, count first.
    """

    def __init__(self, h: Harness, schedule: SkipSchedule):
        self.schedule, self.numbers = schedule, range(schedule.lists)
        self.bits = bits = max(schedule.widths.values()).bit_length()
        phases = range(len(schedule.phases))
        for k in self.numbers:
            ports = [h.see(f"ends{p}_{k}") for p in phases]
            h.line(f"wire [{bits}:0] told_{k} = {chosen(h.see('phase'), ports)};")
            h.line(f"wire [{bits - 1}:0] count_{k} = told_{k}[{bits - 1}:0];")
            h.line(f"wire whole_{k} = told_{k}[{bits}];")
            h.register(f"was_{k}", bits + 1, f"told_{k}")
            h.register(f"old_{k}", bits + 1, f"was_{k}")
            h.line(f"wire [{bits - 1}:0] old_count_{k} = old_{k}[{bits - 1}:0];")
            h.line(f"wire old_whole_{k} = old_{k}[{bits}];")

    def each(self, text: str, by: str = " && ") -> str:
        """A condition of all lists, in which `#` stands for a list's number."""
        return f"({by.join(text.replace('#', str(k)) for k in self.numbers)})"

    def widths(self, phase: int) -> list[int]:
        """The most entries of each list of a phase; 0 of those that it does not have."""
        found = self.schedule.segments(self.schedule.phases[phase])
        widths = [self.schedule.widths[each.given] for each in found]
        return widths + [0] * (self.schedule.lists - len(widths))


def reading(core: StepPlan, design: Design) -> Proof:
    """What is read, and when it ends."""
    schedule = core.schedule
    assert isinstance(schedule, SkipSchedule)
    bounds = Bounds.of(schedule)
    part = design.find(SEQUENCER)
    return Proof(
        "step",
        "In each group of rows each entry of each list is read once, in order, with the place of "
        "its weight; a group that is not its phase's first takes max(active columns, rows of the "
        f"group before, 1) clocks, and a step at most {bounds.step}; a step begins as soon as its "
        "input is there, its output has room and the one before ends, and none begins that may "
        "not.",
        f"the core's own sequencer: {len(schedule.groups)} groups, {schedule.lists} lists of up to "
        f"{max(schedule.widths.values())} entries",
        ("A phase's lists only grow until they are whole, which is within their bound.",),
        design,
        lambda given: state(given, core),
        4,
        Twin(
            "a list is taken for whole before it is",
            design.replaced(part, r"= list0\[\d+\] & (\S+ );", r"= \1;"),
            4 * latency.LOOKED,
            {"ready": 1},
        ),
    )


def state(design: Design, core: StepPlan) -> Harness:
    """What the lists say is free, but that they only grow and are whole in time."""
    h, schedule = Harness(design, SEQUENCER, reset=True), core.schedule
    assert isinstance(schedule, SkipSchedule)
    rows, bounds, lists = SkipRows(core), Bounds.of(schedule), Lists(h, schedule)
    have, final = ([h.see(f"{name}{k}") for k in lists.numbers] for name in ("have", "final"))
    several = [f"({a} && {b})" for a, b in combinations(have, 2)] or ["0"]
    free = f"$signed({h.see('busy')}) < 0"
    last = f"{' && '.join(final)} && !({' || '.join(several)})"
    h.line(f"wire ends = {h.see('live')} && {last} && {free};")
    count = len(rows.sizes)
    h.register(
        "group", count.bit_length(), f"ends ? (group == {count - 1} ? 0 : group + 1) : group"
    )
    claim_place(h, rows, "", "group")
    suppose(h, lists, bounds)
    claim_reading(h, lists)
    claim_choice(h, rows, lists)
    claim_clocks(h, rows, lists, bounds)
    return h


def suppose(h: Harness, lists: Lists, bounds: Bounds) -> None:
    """A phase's lists only grow, up to their width, until they are whole, which is in time."""
    turn, phase = h.see("turn0"), h.see("phase")
    h.register("spent", 16, f"{turn} ? 1 : spent + 1")
    h.line(f"wire [15:0] after = {turn} ? 0 : spent;")
    reading = f"({h.see('turn1')} || {h.see('live')})"
    for k in lists.numbers:
        widths = [lists.widths(p)[k] for p, _ in enumerate(lists.schedule.phases)]
        h.assume(f"count_{k} <= {chosen(phase, widths)}")
        was = f"was_{k}[{lists.bits - 1}:0]", f"was_{k}[{lists.bits}]"
        h.assume(
            f"!{reading} || (count_{k} >= {was[0]} "
            f"&& (!{was[1]} || (whole_{k} && count_{k} == {was[0]})))"
        )
        in_time = f"after >= {chosen(phase, bounds.whole)}"
        h.assume(f"!({turn} || {reading}) || !({in_time}) || whole_{k}")
        none = [p for p, width in enumerate(widths) if not width]
        h.assume(f"!{among(phase, none)} || whole_{k}")


def claim_reading(h: Harness, lists: Lists) -> None:
    """An entry is read that is there, the next one of its list, once the lists before are done; a
    group ends when all are whole and read."""
    live, bits = h.see("live"), h.width("entry")
    for k in lists.numbers:
        moves = h.see(f"moves{k}")
        read = h.register(f"read_{k}", bits, f"ends ? 0 : read_{k} + {moves}")
        for n in range(3):
            h.line(f"wire [{bits - 1}:0] place_{k}_{n} = {read} + {n};")
            h.prove(f"{h.see(f'place{k}_{n}')} == place_{k}_{n}")
        h.prove(f"{h.see(f'list{k}')} == was_{k}")
        h.prove(f"{h.see(f'have{k}')} == ({read} != old_count_{k})")
        few = f"({read} == old_count_{k} || place_{k}_1 == old_count_{k})"
        h.prove(f"{h.see(f'final{k}')} == (old_whole_{k} && {few})")
        h.prove(f"{read} <= ({live} ? old_count_{k} : 0)")
        others = [f"!{h.see(f'moves{n}')}" for n in lists.numbers if n != k]
        before = [f"whole_{n} && read_{n} == count_{n}" for n in range(k)]
        right = [f"{h.see('reading')} == {k}", f"{h.see('entry')} == {read}"]
        right += [f"{read} < count_{k}", live, *others, *before]
        h.prove(f"!{moves} || ({' && '.join(right)})")
        h.prove(f"!ends || (whole_{k} && {read} + {moves} == count_{k})")
    for name in ("was", "old"):  # what was told a clock or two ago was of this phase
        clock = h.see("turn1") + " || " + live if name == "was" else live
        for k in lists.numbers:
            low = f"{name}_{k}[{lists.bits - 1}:0]"
            newer = f"was_{k}" if name == "old" else f"told_{k}"
            known = f"!{name}_{k}[{lists.bits}] || {name}_{k} == {newer}"
            h.prove(f"!({clock}) || ({low} <= {newer}[{lists.bits - 1}:0] && ({known}))")


def claim_choice(h: Harness, rows: SkipRows, lists: Lists) -> None:
    """What is chosen goes on a clock later, with the place of its list's first weight."""
    goes = " || ".join(h.see(f"moves{k}") for k in lists.numbers)
    h.register("fresh", 1, f"ends || (fresh && !({goes}))", 1)
    h.prove(f"{h.see('fresh')} == fresh")
    h.register("went", 1, goes)
    h.register("ended", 1, "ends")
    h.register("opened", 1, f"fresh && (({goes}) || ends)")
    for name, was in (("issue", "went"), ("last", "ended"), ("first", "opened")):
        h.prove(f"{h.see(f'choice.{name}')} == {was}")
    phases, place, found = rows.schedule.phases, 0, []
    for phase in phases:
        place = place if not phase.stream else place - phase.groups * len(phase.columns)
        offsets = [each.offset for each in rows.schedule.segments(phase)]
        offsets += [0] * (len(lists.numbers) - len(offsets))
        for _ in range(phase.groups):
            found.append([place + offset for offset in offsets])
            place += len(phase.columns)
    bits = h.width("choice.base")
    for k in lists.numbers:
        h.line(f"wire [{bits - 1}:0] own_base_{k} = {chosen('group', [p[k] for p in found])};")
        ready = f"({h.see('turn1')} || {h.see('live')})"
        h.prove(f"!{ready} || {h.see(f'base{k}')} == own_base_{k}")
        h.register(f"base_was_{k}", bits, f"own_base_{k}")
        h.register(f"moved_{k}", 1, h.see(f"moves{k}"))
        h.prove(f"!moved_{k} || {h.see('choice.base')} == base_was_{k}")


def claim_clocks(h: Harness, rows: SkipRows, lists: Lists, bounds: Bounds) -> None:
    """How long a group takes, and a step. All lists are `known` two clocks after they are whole."""
    live, running, phases = h.see("live"), h.see("running"), rows.schedule.phases
    bits = bounds.step.bit_length() + 1
    opening = [sum(p.groups for p in phases[:n]) for n, _ in enumerate(phases)]
    behind = chosen("group", [rows.takes[g - 1] for g, _ in enumerate(rows.takes)])
    h.line(f"wire opening = {among('group', opening)};")
    h.line(f"wire known = {live} && {lists.each('old_whole_#')};")
    for name, value in (
        ("rows", behind),
        ("active", lists.each("old_count_#", " + ")),
        ("read", lists.each("read_#", " + ")),
        ("busy", f"$signed({h.see('busy')}) + 1"),
        ("due", "since < active ? since : active == 0 ? 0 : active - 1"),
        ("left", "since + 1 < rows ? rows - 1 - since : 0"),
        ("whole", "active > rows ? active : rows"),
    ):
        h.line(f"wire [{bits - 1}:0] {name} = {value};")
    h.register("since", bits, "ends ? 0 : known ? since + 1 : 0")
    h.prove("!known || (since < whole && read >= due && busy <= left)")
    h.prove(f"!{live} || opening || (known && read == due && busy == left)")
    h.prove("!ends || opening || since + 1 == whole")
    h.prove("busy < rows")
    # the first group of a phase may wait for its lists
    waits = chosen(h.see("phase"), [clocks + 1 + latency.LOOKED for clocks in bounds.whole])
    h.prove(f"!{live} || known || after < {waits}")
    h.prove(f"!known || !opening || after <= {waits} + since")
    h.prove(f"!{h.see('turn1')} || after == 1")
    starts = h.see("starts")
    h.register("lasts", bits, f"{starts} ? 0 : {running} ? lasts + 1 : 0")
    here = f"{chosen('group', bounds.groups)} + (opening ? after : since)"
    h.prove(f"!{running} || (lasts <= {here} && lasts < {bounds.step})")
    may = f"((ends && {h.see('closing')}) || !{running})"
    h.prove(f"{starts} == ({h.see('ready')} && {may})")
