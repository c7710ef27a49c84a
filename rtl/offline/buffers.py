"""What holds sequences between the parts of a core whose network has reverse layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from fixedpoint.formats import Format
from golden.wiring import INPUT, Numbers
from rtl.offline.parts import Part
from rtl.step_plan import StepPlan

MARKS = 2  # bits of a beat in addition to its element: first, last


@dataclass(frozen=True)
class Buffer:
    """Something between two parts of a core.

    Attributes
    ----------
    kind : "fifo" (`rtl.offline.fork_join.Buffer`), "reverser" (`rtl.offline.reverser.Reverser`) or
        "head" (`rtl.offline.head.Head`, which holds nothing).
    form, width : format and number of a vector's elements.
    length : vectors that it holds, or lets through.
    """

    kind: str
    form: Format
    width: int
    length: int

    @property
    def bits(self) -> int:
        """Of its memory: a FIFO holds an element and its marks a beat, a reverser two banks of
        elements."""
        if self.kind == "fifo":
            return self.width * self.length * (self.form.width + MARKS)
        return 2 * self.width * self.length * self.form.width if self.kind == "reverser" else 0


@dataclass(frozen=True)
class Way:
    """What a sequence passes on its way through a part: buffers before the core and after it."""

    before: tuple[Buffer, ...] = ()
    after: tuple[Buffer, ...] = ()

    @property
    def bits(self) -> int:
        return sum(each.bits for each in (*self.before, *self.after))


def way(part: Part, group: Sequence[Part], length: int) -> Way:
    """The way through a part of a group, for sequences of up to `length` steps."""
    entry = part.qnet.formats.input, part.qnet.inputs
    leaving = part.qnet.out_format, part.qnet.outputs
    if part.reverse:
        before = (Buffer("reverser", *entry, length),)
        if part.leaving == "every":
            return Way(before, (Buffer("reverser", *leaving, length),))
        return Way(before, (Buffer("head", *leaving, 1),) if part.leaving == "first" else ())
    if len(group) == 1:
        return Way()
    # A slow core must not keep the whole sequence from the reverser of the other direction, unless
    # nothing that comes from there counts before this core is at its end.
    before = (Buffer("fifo", *entry, length),) if group[1].leaving != "first" else ()
    # All outputs of a sequence come before the first one of the other direction.
    after = (Buffer("fifo", *leaving, length),) if part.leaving == "every" else ()
    return Way(before, after)


def waits(
    groups: Sequence[tuple[Part, ...]], plans: Sequence[StepPlan], length: int
) -> tuple[Numbers, ...]:
    """For each group how many vectors wait of each that it reads, until those have come that pass
    through other groups first.

    As many as are under way in these, so that none of them ever waits for the one that waits here.
    """
    late, found, core = {INPUT: 0}, [], iter(plans)
    for number, group in enumerate(groups):
        read = group[0].reads
        latest = max(late[each] for each in read)
        found.append(tuple(latest - late[each] for each in read))
        late[number] = latest + _under_way(group, [next(core) for _ in group], length)
    return tuple(found)


def _under_way(group: Sequence[Part], plans: Sequence[StepPlan], length: int) -> int:
    """Vectors between the first to come into a group and the first to leave it, at full pace: a
    step that is taken, those that run or wait to leave; and two sequences, where they are turned
    round."""
    inside = 2 + max(plan.schedule.buffered_steps for plan in plans)
    return inside + (2 * length if any(part.reverse for part in group) else 0)
