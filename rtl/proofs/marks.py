"""The marks of a step: whether it is the first or the last one of each stream's sequence."""

from collections.abc import Iterable

from rtl.proofs.ages import meets
from rtl.proofs.harness import Harness
from rtl.proofs.rows import FETCH, Place, Rows, Timed

MARKS = ("first", "last")


class Mark:
    """One mark of the steps under way, by their ages.

    The sequencer takes it on for the step that begins; registers of the harness keep that of the
    steps before (`before_<mark>1`, ...), a bit a stream.

    Parameters
    ----------
    name : "first" or "last".
    """

    def __init__(self, h: Harness, rows: Rows, name: str):
        self.h, self.rows, self.name = h, rows, name
        starts, streams = h.see("sequencer.starts"), rows.core.schedule.streams
        self.held = [h.see(f"sequencer.running_{name}")]
        for k in range(1, len(rows.ages.names)):
            following = f"{starts} ? {self.held[-1]} : before_{name}{k}"
            self.held.append(h.register(f"before_{name}{k}", streams, following))

    def of(self, step: int, stream: int | str) -> str:
        """Whether a step, the latest one being 0, has it for a stream."""
        return f"{self.held[step]}[{stream}]"

    def now(self, clock: str, late: int, stream: str) -> str:
        """That of the step of which this is so many clocks after that one; if it is one of any."""
        clock = f"{clock} + {late}"
        text = self.of(len(self.held) - 1, stream)
        for step, age in reversed(list(enumerate(self.rows.ages.names[:-1]))):
            text = f"({age} == {clock} ? {self.of(step, stream)} : {text})"
        return text

    def claim(self, path: str, times: Iterable[tuple[int, int]], late: int) -> None:
        """A net has it some clocks after some times of a step, each of a stream."""
        found = self.h.see(path)
        by_stream: dict[int, list[int]] = {}
        for clock, stream in times:
            by_stream.setdefault(stream, []).append(clock + late)
        for step, age in enumerate(self.rows.ages.names):
            for stream, clocks in by_stream.items():
                self.h.prove(f"!{meets(age, clocks)} || {found} == {self.of(step, stream)}")

    def claim_way(self, place: Place) -> None:
        """It goes with a step's rows from the sequencer to a place of the tail."""
        name, rows = self.name, self.rows
        ends = list(zip(rows.ends, rows.streams, strict=True))
        self.claim(f"sequencer.step_{name}", ends, FETCH)
        for k in range(1, rows.to_start - FETCH):
            self.claim(f"row_step_{name}_{k}", ends, FETCH + k)
        self.claim(f"{place.path}.step_{name}", ends, rows.to_start)
        self.claim(f"{place.path}.row_step_{name}", streamed(place.rows), 0)
        self.claim(f"{place.path}.row_step_{name}_1", streamed(place.rows), 1)


def streamed(rows: Iterable[Timed]) -> list[tuple[int, int]]:
    """When each row comes, and whose it is."""
    return [(row.clock, row.word.row.stream) for row in rows]
