"""A word of the state memory: from there through the cell and back, and from clock to clock."""

from dataclasses import dataclass, replace

from rtl.program.program import CellMode
from rtl.proofs.harness import Harness
from rtl.proofs.idle import loading
from rtl.proofs.marks import Mark
from rtl.proofs.rows import Rows
from rtl.schedule import latency
from rtl.schedule.rows import Row


@dataclass(frozen=True)
class Word:
    """A cell's state.

    Attributes
    ----------
    place, bits, net : in memory, of a word there, and as a net.
    start : what a sequence starts from; a net where that may be loaded.
    clock, stream : when the sum of its cell input comes, and whose it is.
    number, mode : its layer's kind of cell.
    """

    place: int
    bits: int
    net: str
    start: str
    clock: int
    stream: int
    number: int
    mode: CellMode

    @property
    def narrow(self) -> bool:
        """Whether the memory has room for more than the codes of its format."""
        return self.mode.s.width < self.bits

    def fits(self, value: str) -> str:
        """Whether a value is a code of its format."""
        return f"$signed({value}) >= {self.mode.s.low} && $signed({value}) <= {self.mode.s.high}"


def words_of(h: Harness, rows: Rows) -> list[Word]:
    """All words, in the order in which their cells are computed, each behind its own gates."""
    program, bits, words = rows.program, rows.program.paths.s, []
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
        net, mode = h.see(f"cell.states.memory[{k}]"), program.cell_modes[word.cell_mode]
        words.append(Word(k, bits, net, start, clock, word.row.stream, word.cell_mode, mode))
    return words


def claim_word(h: Harness, rows: Rows, first: Mark, shut: str, word: Word) -> None:
    """In each stage a state is still what the memory holds, or in a sequence's first step what
    that starts from; and in memory it is what it was. Behind the gates that is so if they are shut.
    """

    def claim(delay: int, condition: str) -> None:
        h.prove(f"!{rows.at([word.clock], delay)} || ({condition})")

    def held(delay: int) -> str:
        return f"({first.now(word.clock + delay, word.stream)} ? {word.start} : {word.net})"

    read = rows.coming + latency.MEMORY
    claim(read, f"{h.see('cell.states.read0_1')} == {word.net}")
    if h.has("cell.states.start0_1"):
        claim(read, f"{h.see('cell.states.start0_1')} == {word.start}")
    for k, stage in enumerate(("seen0", "value0_1"), 1):
        claim(read + k, f"{h.see(f'cell.states.{stage}')} == {held(read + k)}")
    here = rows.at([word.clock], rows.activation)
    own = h.register(f"shut_at{word.place}", 1, f"{here} ? {shut} : shut_at{word.place}")
    for k in range(1, latency.STATE + 1):
        late = rows.activation + k
        claim(late, f"!{own} || was_shut{word.number}_{k}")
        claim(late, f"old{word.number}_{k} == {held(late)}")
    claim_past(h, rows, first, own, word)
    if word.narrow:
        claim_fits(h, rows, word)


def claim_past(h: Harness, rows: Rows, first: Mark, own: str, word: Word) -> None:
    """In memory it is what it was a clock before, unless it has just been written with open gates,
    by a sequence's first step, or by the state port."""
    k = word.place
    past = h.register(f"past{k}", word.bits, word.net)
    wrote = rows.at([word.clock], rows.state)
    opened = f"{wrote} && {first.now(word.clock + rows.state, word.stream)}"
    opened = h.register(f"opened{k}", 1, opened)
    loose = h.register(f"loose{k}", 1, f"{wrote} && !{own}")
    if rows.core.options.state_port:
        ported, put = h.register(f"ported{k}", 1, putting(h, k)), h.see("state_in")
        put = h.register(f"put{k}", word.bits, f"{put}[{word.bits - 1}:0]")
        past = f"({ported} ? {put} : {past})"
    h.prove(f"!begun || {loose} || {word.net} == ({opened} ? {word.start} : {past})")


def putting(h: Harness, place: int) -> str:
    """Whether the state port writes that word."""
    return f"{h.see('idle')} && {h.see('state_write')} && {h.see('state_address')} == {place}"


def claim_fits(h: Harness, rows: Rows, word: Word) -> None:
    """What is held is a code of the layer's format, if what comes from outside is one."""
    high = f"[{word.bits - 1}:0]"
    h.assume(f"begun || ({word.fits(word.net)})")
    yielded = word.fits(h.see("cell.s.code"))
    h.assume(f"!{rows.at([word.clock], rows.state)} || ({yielded})")
    h.prove(word.fits(word.net))
    if rows.core.options.state_port:
        h.assume(f"!({putting(h, word.place)}) || ({word.fits(h.see('state_in') + high)})")
    if rows.program.loadable:
        at = loading(h, rows.program, "initial s", len(rows.program.states))
        h.assume(f"{at} != {word.place} || ({word.fits(h.see('load_word') + high)})")
        h.prove(word.fits(word.start))
