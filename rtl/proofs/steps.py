"""The steps under way, each with a clock of its own and with the case that its x is: what is known
of a net is known by them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rtl.proofs.harness import Harness
from rtl.proofs.limits import Ends, Limits
from rtl.proofs.values import signed

EndsOf = Callable[[int, int], Ends | None]  # by clock and case; None: nothing is known


class Steps:
    """Clock and case of the step that a net belongs to, so long after the clock it is told by.

    A step's case is free, and is taken on as the step begins; the last one is any x.

    Attributes
    ----------
    h, limits : the harness, and what holds in it.
    idle : stands for the clocks between steps.
    """

    def __init__(self, h: Harness, limits: Limits):
        self.h, self.limits, self.idle = h, limits, len(limits.slots)
        self._bits, self._case_bits = self.idle.bit_length(), max(1, limits.any.bit_length())
        self._clocks: set[int] = set()
        self._tables = 0
        starts, younger = h.see("sequencer.starts"), h.any("chosen", self._case_bits)
        h.assume(f"{younger} <= {limits.any}")
        for age in self.ages:
            following = f"{starts} ? {younger} : which_{age}"
            younger = h.register(f"which_{age}", self._case_bits, following, limits.any)
            h.prove(f"{younger} <= {limits.any}")

    @property
    def ages(self) -> tuple[str, ...]:
        return self.limits.rows.ages.names

    def at(self, late: int) -> str:
        """The clock of its step in which the sequencer was so many clocks ago."""
        self._see(late)
        return f"at_{late}"

    def case(self, late: int) -> str:
        """The case of that step."""
        self._see(late)
        return f"case_{late}"

    def _see(self, late: int) -> None:
        if late in self._clocks:
            return
        self._clocks.add(late)
        clock, case, end = str(self.idle), str(self.limits.any), late + self.idle
        for age in reversed(self.ages):
            here = f"{age} >= {late} && {age} < {end}" if late else f"{age} < {end}"
            clock = f"({here} ? {age} - {late} : {clock})"
            case = f"({here} ? which_{age} : {case})"
        self.h.line(f"wire [{self._bits - 1}:0] at_{late} = {clock};")
        self.h.line(f"wire [{self._case_bits - 1}:0] case_{late} = {case};")

    def assume(self, path: str, late: int, ends: EndsOf) -> None:
        """A net lies between the ends of its clock and case."""
        self.h.assume(self._inside(path, late, ends))

    def claim(self, path: str, late: int, ends: EndsOf, unsigned: bool = False) -> None:
        """Likewise; it is proven."""
        self.h.prove(self._inside(path, late, ends, unsigned))

    def _inside(self, path: str, late: int, ends: EndsOf, unsigned: bool = False) -> str:
        value, bits = self.h.see(path), self.h.width(path) + unsigned
        value = f"{{1'b0, {value}}}" if unsigned else value
        low, high, known = self.table(
            self.at(late), [self._of(ends, clock) for clock in range(self.idle)], late, bits
        )
        return f"!{known} || ($signed({value}) >= {low} && $signed({value}) <= {high})"

    def _of(self, ends: EndsOf, clock: int) -> Sequence[Ends | None]:
        return [ends(clock, case) for case in range(self.limits.any + 1)]

    def table(
        self, index: str, ends: Sequence[Sequence[Ends | None]], late: int, bits: int
    ) -> tuple[str, str, str]:
        """The ends that belong to an index and to the case, and whether any do.

        Ends that no value of so many bits can be beyond are not said.
        """
        name = f"ends{self._tables}"
        self._tables += 1
        say = partial(setting, name, bits)
        arms = []
        for place, cases in enumerate(ends):
            found = {k: each for k, each in enumerate(cases) if each is not None}
            if len(found) == len(cases) and len(set(cases)) == 1:
                arms.append(f"{place}: {say(found[0])}")
            elif found:
                inner = " ".join(f"{k}: {say(each)}" for k, each in found.items())
                arms.append(f"{place}: case ({self.case(late)}) {inner} endcase")
        self.h.line(f"reg signed [{bits - 1}:0] {name}_low, {name}_high; reg {name}_known;")
        none = f"{name}_known = 0; {name}_low = 0; {name}_high = 0;"
        self.h.line(f"always @* begin {none} case ({index}) {' '.join(arms)} endcase end")
        return f"{name}_low", f"{name}_high", f"{name}_known"

    def equal(
        self, path: str, late: int, values: Mapping[int, int], otherwise: int | None = None
    ) -> None:
        """A net has the value of its clock; in others the one `otherwise`, if that is given."""
        bits, name = self.h.width(path), f"value{self._tables}"
        self._tables += 1
        arms = (
            f"{clock}: begin {name} = {bits}'d{value & (1 << bits) - 1}; {name}_known = 1; end"
            for clock, value in values.items()
        )
        self.h.line(f"reg [{bits - 1}:0] {name}; reg {name}_known;")
        none = f"{name}_known = {int(otherwise is not None)}; {name} = {otherwise or 0};"
        self.h.line(f"always @* begin {none} case ({self.at(late)}) {' '.join(arms)} endcase end")
        self.h.prove(f"!{name}_known || {self.h.see(path)} == {name}")


def setting(name: str, bits: int, ends: Ends) -> str:
    """What sets the ends of a table."""
    low, high = max(ends[0], -1 << bits - 1), min(ends[1], (1 << bits - 1) - 1)
    values = f"{name}_low = {signed(low, bits)}; {name}_high = {signed(high, bits)};"
    return f"begin {name}_known = 1; {values} end"
