"""Any word of the state memory: from there through the cell and back, and from clock to clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rtl.program.program import CellMode
from rtl.proofs.flow import AnyMark
from rtl.proofs.harness import Harness
from rtl.proofs.idle import loading
from rtl.proofs.pieces import chosen
from rtl.proofs.rows import Rows
from rtl.schedule import latency
from rtl.schedule.rows import Row


@dataclass(frozen=True)
class Cell:
    """Whose state it may be.

    Attributes
    ----------
    start : what a sequence starts from; a net where that may be loaded.
    clock, stream : when the sum of its cell input comes, and whose it is.
    number, mode : its layer's kind of cell.
    """

    start: str
    clock: int
    stream: int
    number: int
    mode: CellMode

    def fits(self, value: str) -> str:
        """Whether a value is a code of its format."""
        return f"$signed({value}) >= {self.mode.s.low} && $signed({value}) <= {self.mode.s.high}"


class Word:
    """Any one cell's state, the same for all time, which may begin with any value.

    Attributes
    ----------
    cells : whose it may be, by the place in memory.
    place, net : in memory, and what is there.
    bits : of a word.
    start, clock, stream : what is said of its cell.
    """

    def __init__(self, h: Harness, rows: Rows):
        self.rows, self.cells = rows, cells_of(h, rows)
        self.place, self.net = h.look("cell.states.memory", anything=True)
        self.bits = rows.program.paths.s
        h.assume(f"{self.place} < {len(self.cells)}")
        self.start = self.own(lambda cell: cell.start)
        self.stream = self.own(lambda cell: str(cell.stream))
        clocks = [cell.clock for cell in self.cells]
        self.clock = h.table("clock_of_word", self.place, clocks, rows.limit.bit_length())

    def own(self, what: Callable[[Cell], str]) -> str:
        """What is said of its cell."""
        return chosen(self.place, map(what, self.cells))

    @property
    def narrow(self) -> bool:
        """Whether the memory has room for more than the codes of a format."""
        return any(cell.mode.s.width < self.bits for cell in self.cells)

    def fits(self, value: str) -> str:
        """Whether a value is a code of its format."""
        return self.own(lambda cell: cell.fits(value))

    def at(self, delay: int) -> str:
        """Whether this clock is so many after its cell input's sum, of any step."""
        return self.rows.stands_at(self.clock, delay)


def cells_of(h: Harness, rows: Rows) -> list[Cell]:
    """All of them, in the order in which they are computed, each behind its own gates."""
    program, bits, found = rows.program, rows.program.paths.s, []
    gates = rows.rows("i")
    starts = program.initial(program.states) or [0] * len(program.states)
    for k, (clock, word) in enumerate(rows.rows("g")):
        cell = program.states[k]
        assert cell == replace(word.row, kind="s")
        closing = [gate.word.row for gate in gates if gate.clock <= clock][-1]
        own = Row(cell.layer, "i", cell.index // program.shapes[cell.layer].block_size, cell.stream)
        assert closing == own, f"{cell}: comes behind {closing}"
        start = str(starts[k] & ((1 << bits) - 1))
        if program.loadable:
            start = h.see(f"cell.states.initial[{k}]")
        mode = program.cell_modes[word.cell_mode]
        found.append(Cell(start, clock, word.row.stream, word.cell_mode, mode))
    return found


def claim_word(h: Harness, rows: Rows, first: AnyMark, shut: Sequence[str]) -> None:
    """In each stage a state is still what the memory holds, or in a sequence's first step what
    that starts from; and in memory it is what it was. Behind the gates that is so if they are shut.

    Parameters
    ----------
    shut : of each kind of cell whether the gates are shut of the cell input that is there.
    """
    word = Word(h, rows)

    def claim(delay: int, condition: str) -> None:
        h.prove(f"!{word.at(delay)} || ({condition})")

    def held(delay: int) -> str:
        return f"({first.now(word.clock, delay, word.stream)} ? {word.start} : {word.net})"

    read = rows.coming + latency.MEMORY
    claim(read, f"{h.see('cell.states.read0_1')} == {word.net}")
    if h.has("cell.states.start0_1"):
        claim(read, f"{h.see('cell.states.start0_1')} == {word.start}")
    for k, stage in enumerate(("seen0", "value0_1"), 1):
        claim(read + k, f"{h.see(f'cell.states.{stage}')} == {held(read + k)}")
    closed = word.own(lambda cell: shut[cell.number])
    own = h.register("shut_at_word", 1, f"{word.at(rows.activation)} ? {closed} : shut_at_word")
    for k in range(1, latency.STATE + 1):
        late = rows.activation + k
        claim(late, f"!{own} || {word.own(lambda cell, k=k: f'was_shut{cell.number}_{k}')}")
        claim(late, f"{word.own(lambda cell, k=k: f'old{cell.number}_{k}')} == {held(late)}")
    claim_past(h, rows, first, own, word)
    if word.narrow:
        claim_fits(h, rows, word)


def claim_past(h: Harness, rows: Rows, first: AnyMark, own: str, word: Word) -> None:
    """In memory it is what it was a clock before, unless it has just been written with open gates,
    by a sequence's first step, or by the state port."""
    past = h.register("past", word.bits, word.net)
    wrote = word.at(rows.state)
    opened = f"{wrote} && {first.now(word.clock, rows.state, word.stream)}"
    opened = h.register("opened", 1, opened)
    loose = h.register("loose", 1, f"{wrote} && !{own}")
    if rows.core.options.state_port:
        ported, put = h.register("ported", 1, putting(h, word)), h.see("state_in")
        put = h.register("put", word.bits, f"{put}[{word.bits - 1}:0]")
        past = f"({ported} ? {put} : {past})"
    h.prove(f"!begun || {loose} || {word.net} == ({opened} ? {word.start} : {past})")


def putting(h: Harness, word: Word) -> str:
    """Whether the state port writes that word."""
    return f"{h.see('idle')} && {h.see('state_write')} && {h.see('state_address')} == {word.place}"


def claim_fits(h: Harness, rows: Rows, word: Word) -> None:
    """What is held is a code of the layer's format, if what comes from outside is one."""
    high = f"[{word.bits - 1}:0]"
    h.assume(f"begun || ({word.fits(word.net)})")
    h.assume(f"!{word.at(rows.state)} || ({word.fits(h.see('cell.s.code'))})")
    h.prove(word.fits(word.net))
    if rows.core.options.state_port:
        h.assume(f"!({putting(h, word)}) || ({word.fits(h.see('state_in') + high)})")
    if rows.program.loadable:
        at = loading(h, rows.program, "initial s", len(rows.program.states))
        h.assume(f"{at} != {word.place} || ({word.fits(h.see('load_word') + high)})")
        h.prove(word.fits(word.start))
