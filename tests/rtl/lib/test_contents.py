"""Memories whose contents go through Amaranth at once are those that went a word and a bit at a
time."""

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, signed, unsigned
from amaranth.lib.data import StructLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from rtl.lib import contents, memory

SHAPES = {
    "plain": (5, [0, 31, 7, 16]),
    "one bit": (1, [1, 0, 0]),
    "wide": (70, [(1 << 70) - 1, 0, 1 << 69, 5]),
    "signed": (signed(6), [-32, 31, -1]),
    "layout": (StructLayout({"a": unsigned(3), "b": signed(4)}), [{"a": 5, "b": -8}]),
}


class Rom(Component):
    """A memory and its read port."""

    def __init__(self, made, shape):
        self.made = made
        super().__init__({"address": In(3), "data": Out(shape)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = made = self.made()
        port = made.read_port()
        m.d.comb += [port.addr.eq(self.address), self.data.eq(port.data)]
        return m


def text(made, shape):
    return rtlil.convert(Rom(made, shape), name="rom", emit_src=False)


@pytest.mark.parametrize("depth", [4, 8])
@pytest.mark.parametrize("kind", SHAPES)
def test_the_text_is_that_of_amaranth(kind, depth):
    shape, words = SHAPES[kind]
    other = [*words[:-1], {"a": 4, "b": -8} if kind == "layout" else words[-1] ^ 1]
    attrs = {"no_rw_check": 1}
    want = text(lambda: Memory(shape=shape, depth=depth, init=words, attrs=attrs), shape)
    with contents.by_memory():
        have, wrong = (
            text(lambda init=init: memory.block_memory(shape=shape, depth=depth, init=init), shape)
            for init in (words, other)
        )
    assert have == want != wrong and "$meminit_v2" in want


def test_amaranth_is_left_as_it_was():
    own = rtlil.ModuleEmitter.emit_memory
    with pytest.raises(KeyError), contents.by_memory():
        assert rtlil.ModuleEmitter.emit_memory is not own
        raise KeyError
    assert rtlil.ModuleEmitter.emit_memory is own


@pytest.mark.parametrize("word", [-1, 16])
def test_a_word_that_does_not_fit_is_refused(word):
    with pytest.raises(ValueError, match="in 4 bits"):
        memory.block_memory(shape=4, depth=4, init=[0, word])
