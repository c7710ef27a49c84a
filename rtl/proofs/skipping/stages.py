"""Where the rows of a core that skips stand: they are followed from stage to stage.

How long a step takes depends on its values, so no clock of it says which row stands where. But from
the end of its group on a row goes a stage a clock. In each stage stands none (`here_<k>` is low) or
the one that comes next there (`next_<k>`), which is told from the stage before; where the sequencer
is is told from the first one.
"""

from rtl.proofs.ages import wrapped
from rtl.proofs.harness import Harness
from rtl.proofs.idle import claim_loaded
from rtl.proofs.pieces import chosen
from rtl.proofs.rows import claim_valid, claim_words
from rtl.proofs.skipping.rebuilding import claim_rebuilding
from rtl.proofs.skipping.rows import SkipRows, among
from rtl.schedule import latency

SEQUENCER = "front.sequencer"
LISTS = ("input", "y", "gates")


def leave_lists(h: Harness) -> None:
    """What the lists say is free: which columns are active, and when that is known. Where steps are
    rebuilt from a state it matters that an input that waits is not taken back."""
    parts = h.design.modules[h.design.find("front")].instances
    left = {part: f"front.{part}" for part in LISTS if part in parts}
    if "restore" in parts:
        left["input"] += ".lister"
    h.leave(*left.values())


def claim_stages(h: Harness, rows: SkipRows) -> None:
    """Rows go from stage to stage, and the marks and counters of the tail are theirs."""
    count, bits = rows.count, rows.count.bit_length()
    ends = h.see(f"{SEQUENCER}.choice.last")
    h.line(f"wire here_0 = {ends} || (here_1 && !{among('next_1', rows.lasts)});")
    h.line(f"wire [{bits - 1}:0] next_0 = {wrapped('next_1 + here_1', count)};")
    h.delayed("here", "here_0", 1, rows.stages)
    h.delayed("next", "next_0", bits, rows.stages)
    begun = [k for k in range(count) if k not in rows.firsts]
    for k in range(rows.stages):
        here, there = (f"next_{k}", f"here_{k}"), (f"next_{k + 1}", f"here_{k + 1}")
        h.prove(f"{here[0]} < {count} && {here[0]} == {wrapped(' + '.join(there), count)}")
        h.prove(f"({there[1]} && !{among(there[0], rows.lasts)}) == ({among(here[0], begun)})")
        h.prove(f"!{among(here[0], begun)} || {here[1]}")
    h.prove(f"!{ends} || {among('next_0', rows.firsts)}")
    claim_groups(h, rows)
    if rows.rebuilds:
        claim_rebuilding(h, rows)
    claim_ends(h, rows)
    (place,) = rows.places
    claim_counters(h, rows, place.path)
    claim_valid(h, rows, place)
    claim_words(h, rows, place)
    if rows.program.loadable:
        claim_loaded(h, rows.program, place.path, 0)


def claim_groups(h: Harness, rows: SkipRows) -> None:
    """The sequencer is in the group behind the rows of the first stage, and waits for them, or a
    while longer (`SkipSchedule.takes`)."""
    h.line(f"wire [15:0] group = {group_of(rows, 'here_0', 'next_0')};")
    claim_place(h, rows, f"{SEQUENCER}.", "group")
    ends = [first + takes - 1 for first, takes in zip(rows.firsts, rows.takes, strict=True)]
    remaining = f"here_0 ? {chosen('next_0', [ends[g] - k for g, k in group_rows(rows)])}"
    waits = "0"
    if rows.takes != rows.sizes:
        left = f"({remaining} : pause)"
        waits = f"$signed({h.register('pause', 16, f'{left} == 0 ? 0 : {left} - 1')})"
    h.prove(f"$signed({h.see(f'{SEQUENCER}.busy')}) + 1 == ({remaining} : {waits})")


def claim_place(h: Harness, rows: SkipRows, path: str, group: str) -> None:
    """Where in the step the sequencer at a path is, told by the group that it is in."""
    phases = rows.schedule.phases
    places = [(p, k) for p, phase in enumerate(phases) for k in range(phase.groups)]
    phase, running, *turns = (
        h.see(f"{path}{name}") for name in ("phase", "running", "turn0", "turn1", "live")
    )
    h.prove(f"{group} < {len(places)}")
    h.prove(f"{phase} == {chosen(group, [p for p, _ in places])}")
    h.prove(f"{running} == ({' + '.join(turns)}) && ({' + '.join(turns)}) <= 1")
    opening = [g for g, (_, k) in enumerate(places) if not k]
    h.prove(f"!({turns[0]} || {turns[1]}) || {among(group, opening)}")
    h.prove(f"{running} || {group} == 0")
    if h.has(f"{path}left"):
        left = chosen(group, [phases[p].groups - 1 - k for p, k in places])
        found = f"$signed({h.see(f'{path}left')}) + 1"
        h.prove(f"!({turns[1]} || {turns[2]}) || {found} == {left}")
    h.prove(f"!{turns[2]} || {h.see(f'{path}closing')} == ({group} == {len(places) - 1})")


def group_rows(rows: SkipRows) -> list[tuple[int, int]]:
    """The group of each row."""
    return [(g, first + k) for g, first in enumerate(rows.firsts) for k in range(rows.sizes[g])]


def group_of(rows: SkipRows, here: str, following: str) -> str:
    """The group behind the one whose rows stand in a stage."""
    groups = [g for g, _ in group_rows(rows)]
    behind = chosen(following, [(g + 1) % len(rows.sizes) for g in groups])
    return f"({here} ? {behind} : {chosen(following, groups)})"


def claim_ends(h: Harness, rows: SkipRows) -> None:
    """The end of a group goes with its first row from stage to stage, to the tail."""
    marks = [f"front.last_{k}" for k in range(1, latency.SKIP_OPERAND)]
    marks[-1] = "front.feed.last"
    marks += [f"lanes.start_{k}" for k in range(1, latency.LANE)]
    for stage, mark in enumerate(marks, 1):
        h.prove(f"{h.see(mark)} == {rows.stands(rows.firsts, stage)}")
    kept = ["kept.starts_1", "kept.starts"] * rows.schedule.changed
    assert len(marks) + len(kept) == rows.sums - 1
    for stage, mark in enumerate(kept, len(marks) + 1):
        h.prove(f"{h.see(mark)} == {rows.taken(rows.firsts, stage)}")
    h.prove(f"{h.see('activation0.start')} == {rows.at(rows.firsts, -1)}")


def claim_counters(h: Harness, rows: SkipRows, path: str) -> None:
    """The tail knows which row comes next."""
    stage = rows.sums - 1
    here, following = rows.here(stage), rows.next(stage)
    h.prove(f"{h.see(f'{path}.place')} == {following}")
    behind = wrapped(f"{following} + 1", rows.count)
    h.prove(f"{h.see(f'{path}.following')} == {behind}")
    claim_due(h, rows, path, here, following)


def claim_due(h: Harness, rows: SkipRows, path: str, here: str, following: str) -> None:
    """A part counts the rows of each group (`rtl.datapath.due`): whether one stands in its stage,
    and which comes next there."""
    pairs = group_rows(rows)
    h.prove(f"{h.see(f'{path}.due')} == {here}")
    if h.has(f"{path}.left"):
        left = [0 if k in rows.firsts else rows.lasts[g] + 1 - k for g, k in pairs]
        h.prove(f"{h.see(f'{path}.left')} == ({here} ? {chosen(following, left)} : 0)")
    if len(set(rows.sizes)) > 1:  # the only register of that part without a name
        module = h.design.modules[h.design.find(path)]
        (name,) = (net for net in module.initial if net.startswith("$signal"))
        groups = [g if k in rows.firsts else (g + 1) % len(rows.sizes) for g, k in pairs]
        h.prove(f"{h.see(f'{path}.{name}')} == {chosen(following, groups)}")
