"""Every step of a core that skips ends: its last beat is given within a bound, as long as its
output is taken.

As in a dense core (`rtl.proofs.progress`), what is still to be done is counted in clocks, and
becomes less in every one. A step ends within the sequencer's bound; behind that its rows go a stage
a clock.
"""

from dataclasses import replace

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.progress import claim_begins, starved
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.skipping.leaving import SkipBeats, assumptions, claim_beats
from rtl.proofs.skipping.reading import Bounds
from rtl.proofs.skipping.rebuilding import RESTORE, of_front
from rtl.proofs.skipping.stages import SEQUENCER, claim_stages, leave_lists
from rtl.schedule import latency
from rtl.step_plan import StepPlan


class Clocks:
    """How long a step can take.

    Attributes
    ----------
    step : until the sequencer is through with it.
    rows : of its last group.
    last : until its last beat is written, from its start.
    wait, stay : until a step begins, and from there until its last beat is given.
    """

    def __init__(self, beats: SkipBeats):
        self.beats, self.step, self.rows = beats, Bounds.of(beats.schedule).step, beats.sizes[-1]
        self.last = self.step + self.rows + beats.written
        self.stay = latency.FIFO * beats.most + self.last + 1
        self.wait = self.stay + self.step
        if beats.rebuilds:
            self.wait += 1 + beats.schedule.listing_anew

    def left(self, since: str, words: str) -> str:
        """Clocks until so many words have left, the last of them of a step that began then."""
        write = f"({since} <= {self.last} ? {self.last + 1} - {since} : 0)"
        return f"{latency.FIFO} * ({words}) + {write} - quiet"


def progress(core: StepPlan, design: Design) -> Proof:
    """Liveness of the whole core as two bounds."""
    beats = SkipBeats(core)
    clocks = Clocks(beats)
    return Proof(
        "ends",
        f"While the output is taken, a step whose input is there begins within {clocks.wait} "
        f"clocks, and its last beat is given within {clocks.stay} more, whatever its lists say.",
        f"the whole core's control: {clocks.step} clocks a step at the most, {beats.outputs} "
        "outputs",
        (f"The sequencer is through with a step within {clocks.step} clocks (proof `step`).",)
        + assumptions(),
        design,
        lambda given: state(given, beats),
        3,
        _twin(core, design, beats),
    )


def _twin(core: StepPlan, design: Design, beats: SkipBeats) -> Twin:
    """Where sums are rebuilt, no other step begins; else none has room."""
    schedule = beats.schedule
    if beats.rebuilds:
        broken = design.replaced(design.find(RESTORE), r"= due & \\\$\d+ ;", "= due;")
        fault = "sums are rebuilt from a state again and again"
        return Twin(fault, broken, 2 * latency.START + schedule.listing_anew, {"r_en": 1})
    elements = schedule.elements * schedule.streams
    twin = starved(core, design, beats.limit + elements + beats.outputs + 3)
    return replace(twin, driven={**twin.driven, **beats.shortest, "lanes.sum0": 0})


def state(design: Design, beats: SkipBeats) -> Harness:
    """Beside the accounting of beats: what there is to do before a step begins, and before the
    followed one has left."""
    h, clocks = Harness(design, ""), Clocks(beats)
    h.leave_lanes()
    leave_lists(h)
    claim_stages(h, beats)
    claim_beats(h, beats)
    claim_ages(h, clocks)
    blocked = clocks.left("age", "unwritten + count")
    nets = of_front(h, "starts"), f"{SEQUENCER}.running", "front.input.waiting"
    more = rebuilding(h, clocks) if beats.rebuilds else ""
    claim_begins(h, nets, beats.core.schedule.streams, (blocked, clocks.step, clocks.wait), more)
    claim_followed(h, clocks)
    return h


def rebuilding(h: Harness, clocks: Clocks) -> str:
    """A term, of clocks before and behind a step that rebuilds sums, which has room in the output
    as soon as values are listed for it."""
    due, lists, clock, alone = (
        h.see(f"{RESTORE}.{name}") for name in ("due", "lists", "clock", "alone")
    )
    schedule = clocks.beats.schedule
    listing, room = schedule.listing_anew, f"{h.see('free')} >= {schedule.streams}"
    h.prove(f"!{lists} || ({clock} < {listing} && {room})")
    h.prove(f"{lists} || {clock} == 0")
    h.prove(f"!{alone} || ({h.see('front.input.waiting')} && {room})")
    left = f"{clocks.step} + ({lists} ? {listing} - {clock} : {listing + 1})"
    h.line(f"wire [15:0] rebuild = {due} ? {left} : {alone} && {h.see(f'{SEQUENCER}.running')};")
    return " + rebuild"


def claim_ages(h: Harness, clocks: Clocks) -> None:
    """The clocks since the latest step began (`age`) and since none runs (`rest`): so long after
    its end all of its beats are behind a stage."""
    starts, running = h.see(f"{SEQUENCER}.starts"), h.see(f"{SEQUENCER}.running")
    end = clocks.last + 1
    bits = end.bit_length()
    h.register("age", bits, f"{starts} ? 0 : age + (age < {end})", end)
    h.register("rest", bits, f"{running} ? 0 : rest + (rest < {end})", end)
    h.assume(f"!{running} || age < {clocks.step}")
    h.prove(f"age <= {end} && rest <= {end}")
    h.prove(f"{running} || age <= {clocks.step} + rest")
    beats, first = clocks.beats, clocks.beats.firsts[-1]
    h.prove(f"{running} || rest >= {clocks.rows} || (here_0 && next_0 == {first} + rest)")
    h.prove(f"{running} || rest < {clocks.rows} || !here_0")
    for k in range(beats.written + 1):
        h.prove(f"{running} || rest < {clocks.rows + k} || beats_{k} == begun")


def claim_followed(h: Harness, clocks: Clocks) -> None:
    """Any one step with beats of its own has given them within its bound."""
    beats, rows, end = clocks.beats, clocks.rows, clocks.last + 1
    starts, running = h.see(f"{SEQUENCER}.starts"), h.see(f"{SEQUENCER}.running")
    taking = h.see("r_en")
    h.any("follow", 1)
    h.line(f"wire met = {starts} && follow && promised != 0 && {taking};")
    h.line(f"wire leaves = mine <= given || !{taking};")
    h.register("mine", 16, "met ? unwritten + count - given + promised : leaves ? 0 : mine - given")
    h.register("since", 16, "met || mine == 0 ? 0 : since + 1")
    h.register("goal", beats.bits, "met ? begun + promised : goal")
    # the followed step is the latest one; it runs; so many clocks ago it did
    h.register("latest", 1, f"met || (latest && !{starts})")
    h.line(f"wire runs = latest && {running};")
    bits = end.bit_length()
    h.register("over", bits, f"met || runs ? 0 : over + (over < {end})", end)
    h.prove(f"over <= {end}")

    def claim(condition: str) -> None:
        h.prove(f"mine == 0 || {condition}")

    claim(f"!latest || (begun == goal && (age == {end} ? since >= {end} : since == age))")
    claim("!runs || over == 0")
    claim(f"runs || since <= {clocks.step} + over")
    ending = f"here_0 && next_0 == {beats.firsts[-1]} + over"
    high = beats.bits - 1
    h.line(f"wire [{high}:0] of_mine = beats_0 + ended;")
    h.line(f"wire [{high}:0] later = begun - goal;")
    claim(f"runs || over >= {rows} || ({ending} && of_mine == goal)")
    claim(f"latest || over >= {rows} || ({running} && later == unended)")
    for k in range(beats.written + 1):
        h.line(f"wire [{high}:0] after_{k} = beats_{k} - goal;")
        h.prove(f"ahead_{k} <= {beats.most}")
        claim(f"runs || over < {rows + k} || after_{k} <= later")
    claim(f"later <= {beats.most} && mine + later == unwritten + count")
    claim(f"since + {clocks.left('since', 'mine')} <= {clocks.stay}")
