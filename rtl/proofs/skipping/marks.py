"""The marks of a step in a core that skips: they go with its rows."""

from collections.abc import Iterable

from rtl.proofs.harness import Harness
from rtl.proofs.rows import Place
from rtl.proofs.skipping.rows import SkipRows, among
from rtl.proofs.skipping.stages import SEQUENCER


class RowMark:
    """One mark of the step that a row is of, stage by stage (`<name>_<k>`), see `Mark`.

    Parameters
    ----------
    name : "first" or "last".
    """

    def __init__(self, h: Harness, rows: SkipRows, name: str):
        self.h, self.rows, self.name = h, rows, name
        ends = h.see(f"{SEQUENCER}.choice.last")
        taken = h.see(f"{SEQUENCER}.step_{name}")
        h.line(f"wire {name}_0 = {ends} ? {taken} : {name}_1;")
        h.delayed(name, f"{name}_0", 1, rows.stages)
        begun = [k for k in range(rows.count) if k not in rows.firsts]
        for k in range(rows.stages):
            h.prove(f"!{among(f'next_{k}', begun)} || {name}_{k} == {name}_{k + 1}")

    def now(self, clock: str, late: int, stream: str) -> str:
        """That of the row that stands so many stages behind its sum."""
        return f"{self.name}_{self.rows.sums + late}"

    def claim(self, path: str, times: Iterable[tuple[int, int]], late: int) -> None:
        """A net has it where some rows stand so many stages behind their sums."""
        here = self.rows.at([clock for clock, _ in times], late)
        self.h.prove(f"!{here} || {self.h.see(path)} == {self.now('', late, '')}")

    def claim_way(self, place: Place) -> None:
        """It goes with a step's rows from the sequencer to the tail."""
        name, rows, stage = self.name, self.rows, 1
        while self.h.has(net := f"row_step_{name}_{stage}"):
            here = rows.stands(rows.firsts, stage)
            self.h.prove(f"!{here} || {self.h.see(net)} == {name}_{stage}")
            stage += 1
        firsts = [(k, 0) for k in rows.firsts]
        self.claim(f"{place.path}.step_{name}", firsts, -1)
        every = [(k, 0) for k in range(rows.count)]
        self.claim(f"{place.path}.row_step_{name}", every, 0)
        self.claim(f"{place.path}.row_step_{name}_1", every, 1)
