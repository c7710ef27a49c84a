"""Sums of products, and squashing, in the widest vectors there are; importing this needs numba.

What finds vectors in loops stops at half of that width, so these are written as instructions.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fixedpoint.compiled.layout import BYTES, LANES, ROWS, SPLIT, VALUES

HIGH = 4  # rows of a tile for many sequences
BIT, HALF, SINGLE, WORD = (ir.IntType(bits) for bits in (1, 16, 32, 64))
REAL = ir.DoubleType()


class _Code:
    """Instructions on vectors of `count` numbers, in a function that is compiled."""

    def __init__(self, builder: Any, count: int):
        self.builder, self.count = builder, count

    def of(self, kind: Any) -> Any:
        return ir.VectorType(kind, self.count)

    def all(self, kind: Any, value: float | None) -> Any:
        """The same constant everywhere; None is 0."""
        return ir.Constant(self.of(kind), None if value is None else [value] * self.count)

    def at(self, base: Any, offset: Any) -> Any:
        offset = ir.Constant(WORD, offset) if isinstance(offset, int) else offset
        return self.builder.gep(base, [offset])

    def load(self, base: Any, offset: Any) -> Any:
        place = self.at(base, offset)
        pointer = self.builder.bitcast(place, self.of(place.type.pointee).as_pointer())
        return self.builder.load(pointer, align=4)

    def store(self, values: Any, base: Any, offset: Any) -> None:
        pointer = self.builder.bitcast(self.at(base, offset), values.type.as_pointer())
        self.builder.store(values, pointer, align=4)

    def every(self, value: Any) -> Any:
        """One number everywhere."""
        nothing = ir.Constant(self.of(value.type), ir.Undefined)
        first = self.builder.insert_element(nothing, value, ir.Constant(SINGLE, 0))
        return self.builder.shuffle_vector(first, nothing, self.all(SINGLE, None))

    def pairs(self, a: Any, b: Any) -> Any:
        """int32, each the sum of two products of int16; written so that LLVM takes the instruction
        that there is for it."""
        half, whole = (ir.VectorType(kind, 2 * self.count) for kind in (HALF, SINGLE))
        wide = (self.builder.sext(self.builder.bitcast(each, half), whole) for each in (a, b))
        terms, nothing = self.builder.mul(*wide), ir.Constant(whole, ir.Undefined)
        parts = (
            self.builder.shuffle_vector(
                terms, nothing, ir.Constant(self.of(SINGLE), [*range(first, 2 * self.count, 2)])
            )
            for first in (0, 1)
        )
        return self.builder.add(*parts)

    def whole(self, values: Any, kind: Any) -> Any:
        """Whole numbers, of a type as wide as theirs or less."""
        if values.type.element == REAL:
            return self.builder.fptosi(values, self.of(kind))
        return values if values.type.element == kind else self.builder.trunc(values, self.of(kind))

    def number(self, values: Any, kind: Any) -> Any:
        """Numbers of 64 bits as those of a kind of them."""
        if values.type.element == kind:
            return values
        if kind == REAL:
            return self.builder.sitofp(values, self.of(kind))
        return self.builder.fptosi(values, self.of(kind))

    def gathered(self, base: Any, places: Any) -> Any:
        """The numbers at places (int64) of an array."""
        b, kind = self.builder, base.type.pointee
        size = self.all(WORD, kind.width // 8)
        address = b.add(self.every(b.ptrtoint(base, WORD)), b.mul(places, size))
        pointers = b.inttoptr(address, self.of(kind.as_pointer()))
        every, nothing = self.all(BIT, 1), self.all(kind, None)
        args = pointers, ir.Constant(SINGLE, kind.width // 8), every, nothing
        name = f"llvm.masked.gather.v{self.count}i{kind.width}.v{self.count}p0"
        return self.call(name, self.of(kind), *args)

    def twos(self, base: Any, places: Any) -> list[Any]:
        """The first and the second numbers of the pairs at places (int64) of an array; two int32
        come as one int64, in half the time."""
        b, kind = self.builder, base.type.pointee
        if kind == WORD:
            doubled = b.shl(places, self.all(WORD, 1))
            return [self.gathered(self.at(base, each), doubled) for each in (0, 1)]
        both = self.gathered(b.bitcast(base, WORD.as_pointer()), places)
        return [b.trunc(b.ashr(both, self.all(WORD, by)), self.of(kind)) for by in (0, 32)]

    def call(self, name: str, result: Any, *args: Any) -> Any:
        """One of LLVM's own functions."""
        kind = ir.FunctionType(result, [each.type for each in args])
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, args)


def _tile(alone: bool) -> Any:
    """What computes net inputs: ROWS of one sequence, or HIGH of LANES sequences.

    Its arguments: the weights, for their type; the addresses of weights, sources, net, scale and
    ones; the number of terms; from one row to the next in sources and net. Sums stay in registers.
    """

    @intrinsic
    def tile(context, like, places):
        def build(context, builder, signature, args):
            number = context.get_data_type(like.dtype)
            code = _Code(builder, BYTES * 8 // (SINGLE.width if number == SINGLE else WORD.width))
            _sums(code, number, alone, cgutils.unpack_tuple(builder, args[1]))
            return context.get_dummy_value()

        return types.void(like, types.UniTuple(types.uintp, 7)), build

    return tile


alone, together = _tile(True), _tile(False)


def _sums(code: _Code, number: Any, alone: bool, places: Sequence[Any]) -> None:
    """The instructions of a tile: `layout.Rows`."""
    b, halves, net_kind = code.builder, (0,), number
    if number == SINGLE:
        halves, net_kind = (0, 1), REAL
    weights, u = (b.inttoptr(each, number.as_pointer()) for each in places[:2])
    net, scale, ones = (b.inttoptr(each, net_kind.as_pointer()) for each in places[2:5])
    terms, lanes = places[5:]
    outer, across = range(HIGH), range(0, LANES, code.count)
    if alone:
        outer, across = range(1), range(0, ROWS, code.count)
    keys = [(r, n, half) for r in outer for n in across for half in halves]
    sums = {key: cgutils.alloca_once(b, code.of(number)) for key in keys}
    for each in sums.values():
        b.store(code.all(number, None), each)
    with cgutils.for_range(b, terms) as loop:
        row = code.at(weights, b.mul(loop.index, ir.Constant(WORD, len(halves) * ROWS)))
        source = code.at(u, b.mul(loop.index, lanes))
        for (r, n, half), held in sums.items():
            one = code.every(b.load(source if alone else code.at(row, half * ROWS + r)))
            many = code.load(row, half * ROWS + n) if alone else code.load(source, n)
            b.store(_more(code, number, b.load(held), one, many), held)
    for r in outer:
        for n in across:
            found = [b.load(sums[r, n, half]) for half in halves]
            if number == SINGLE:
                high, low = (b.sitofp(each, code.of(REAL)) for each in found)
                found = [b.fadd(b.fmul(high, code.all(REAL, SPLIT)), low)]
            by_row = (scale, ones)
            by, plus = (
                code.load(each, n) if alone else code.every(b.load(code.at(each, r)))
                for each in by_row
            )
            add, mul = (b.fadd, b.fmul) if net_kind == REAL else (b.add, b.mul)
            place = b.add(b.mul(ir.Constant(WORD, r), lanes), ir.Constant(WORD, n))
            code.store(add(mul(found[0], by), plus), net, place)


def _more(code: _Code, number: Any, held: Any, a: Any, b: Any) -> Any:
    """A sum and one more term."""
    if number == SINGLE:
        return code.builder.add(held, code.pairs(a, b))
    if number == REAL:  # product and sum may be one instruction: neither is rounded
        term = code.builder.fmul(a, b, flags=["contract"])
        return code.builder.fadd(held, term, flags=["contract"])
    return code.builder.add(held, code.builder.mul(a, b))


@intrinsic
def _results(context, net, out, unit, places):
    """Squash net inputs into results, whole vectors of both. Gives 0 if none was saturated.

    places : the addresses of the first ones, and how many they are.
    """

    def build(context, builder, signature, args):
        held = [builder.extract_value(args[2], k) for k in range(len(unit.types))]
        words = context.make_array(unit.types[0])(context, builder, held[0]).data
        numbers = [words, *held[1:-1], *cgutils.unpack_tuple(builder, held[-1])]
        first, to, count = cgutils.unpack_tuple(builder, args[3])
        first = builder.inttoptr(first, context.get_data_type(net.dtype).as_pointer())
        to = builder.inttoptr(to, context.get_data_type(out.dtype).as_pointer())
        return _squash(_Code(builder, VALUES), first, to, count, numbers)

    return types.int64(net, out, unit, types.UniTuple(types.uintp, 3)), build


results: Any = _results


def _squash(code: _Code, net: Any, out: Any, count: Any, unit: Sequence[Any]) -> Any:
    """The instructions of `results`: `layout.Unit`."""
    b, number, result, words = code.builder, net.type.pointee, out.type.pointee, unit[0]
    top, drop, base, bits, mask, down, gain, constant, shift = map(code.every, unit[1:])
    compare = b.fcmp_ordered if number == REAL else b.icmp_signed
    zero, lost = code.all(number, None), cgutils.alloca_once(b, code.of(WORD))
    b.store(code.all(WORD, None), lost)
    ends = ir.Constant(WORD, 0), count, ir.Constant(WORD, VALUES)
    with cgutils.for_range_slice(b, *ends, intp=WORD) as (place, _):
        have = code.load(net, place)
        have = have if number == REAL else b.ashr(have, drop)
        at = b.select(compare(">", have, zero), have, zero)
        at = b.select(compare("<", at, top), at, top)
        changed = b.xor(*(b.bitcast(each, code.of(WORD)) for each in (have, at)))
        b.store(b.or_(b.load(lost), changed), lost)
        at = b.fptosi(at, code.of(result)) if number == REAL else at
        at = b.add(at, base)
        knot = b.zext(b.lshr(at, bits), code.of(WORD)) if result != WORD else b.lshr(at, bits)
        line, rise = code.twos(words, knot)
        sigma = b.ashr(b.add(line, b.mul(rise, b.and_(at, mask))), down)
        code.store(b.ashr(b.add(b.shl(sigma, gain), constant), shift), out, place)
    return code.call(f"llvm.vector.reduce.or.v{VALUES}i64", WORD, b.load(lost))


@intrinsic
def _two_rows(context, values, sources, places):
    """Two rows of LANES values to two rows of sources, of which the first is an even one.

    places : the addresses of the first row, the second one and the sources.
    """

    def build(context, builder, signature, args):
        number, kind = (context.get_data_type(each.dtype) for each in (values, sources))
        code, addresses = _Code(builder, VALUES), cgutils.unpack_tuple(builder, args[2])
        rows = [builder.inttoptr(each, number.as_pointer()) for each in addresses[:2]]
        to = builder.inttoptr(addresses[2], (SINGLE if kind == HALF else kind).as_pointer())
        for n in range(0, LANES, VALUES):
            pair = [code.load(row, n) for row in rows]
            if kind == HALF:
                low, high = (code.whole(each, SINGLE) for each in pair)
                low = builder.and_(low, code.all(SINGLE, (1 << HALF.width) - 1))
                high = builder.shl(high, code.all(SINGLE, HALF.width))
                code.store(builder.or_(low, high), to, n)
            else:
                for k, each in enumerate(pair):
                    code.store(code.number(each, kind), to, n + k * LANES)
        return context.get_dummy_value()

    return types.void(values, sources, types.UniTuple(types.uintp, 3)), build


@intrinsic
def _expect_write(context, place):
    """Have the line of the cache at an address ready for being written."""

    def build(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, SINGLE, SINGLE, SINGLE])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, *(ir.Constant(SINGLE, n) for n in (1, 3, 1))])
        return context.get_dummy_value()

    return types.void(types.uintp), build


two_rows: Any = _two_rows
expect_write: Any = _expect_write
