"""What reaches a core's memories from outside: only while it is idle, and no step is under way.

A loaded network is one of the core's shape and formats. That is an assumption: the words say which
kind, mode and way out a row has, and from which state a sequence starts.
"""

from rtl.program.loading import index_width, regions
from rtl.program.program import Program
from rtl.program.row_words import row_word, row_words
from rtl.proofs.harness import Harness

LOADS = "A network that is loaded has the core's shape and formats."
FIELDS = "kind", "cell_mode", "net_mode", "output"


def claim_idle(h: Harness, cycles: int, drained: int) -> None:
    """The core is idle, and is loaded, no sooner than so many clocks after its last step began."""
    quiet = h.see("quiet")
    rest = f"(age <= {cycles} ? {drained - cycles} : age < {drained} ? {drained} - age : 0)"
    h.prove(f"age == 0 || {quiet} == {rest}")
    h.prove(f"!{h.see('idle')} || age >= {drained}")
    if h.has("load_now"):
        h.prove(f"!{h.see('load_now')} || age >= {drained}")


def loading(h: Harness, program: Program, name: str, words: int) -> str:
    """Where in the memory of a region a word is written that is loaded in this clock; beyond all
    of its words if there is none."""
    bits, here = index_width(program), [region.name for region in regions(program)].index(name)
    address = h.see("load_at")
    place = f"{address}[{max(1, (words - 1).bit_length()) - 1}:0]"
    return f"({h.see('load_now')} && {address} >> {bits} == {here} ? {place} : {2 * words})"


def claim_loaded(h: Harness, program: Program, path: str, place: int) -> None:
    """What the words of rows at a place of the tail say but for their biases and peepholes."""
    word, words = row_word(program), row_words(program, place)
    at, loaded = loading(h, program, f"rows{place}", len(words)), h.see("load_word")
    for k, values in enumerate(words):
        held = h.see(f"{path}.rows[{k}]")
        for name in FIELDS:
            low, width = word.place(name)
            code, bits = int(values[name]), f"[{low + width - 1}:{low}]"
            h.assume(f"{at} != {k} || {loaded}{bits} == {code}")
            h.prove(f"{held}{bits} == {code}")
