"""The input's two banks and the operands: the right value at the right clock, or 0."""

import numpy as np
import pytest

from fixedpoint.formats import Format
from golden.network import Network
from rtl.datapath.operands import InputBuffer, Operands
from rtl.datapath.sequencer import FLAGS
from rtl.program.program import Program
from rtl.schedule import latency
from rtl.schedule.phases import SOURCES, Column
from rtl.schedule.schedule import schedule_of
from tests.rtl.support import G1997, layer, quantized, simulate


@pytest.mark.parametrize("slow", (0.0, 0.9))
@pytest.mark.parametrize("idle", (0.0, 0.8))
@pytest.mark.parametrize("inputs", (1, 2, 5))
def test_buffer_loses_and_repeats_nothing(inputs, idle, slow):
    """A source that pauses, a reader that releases late: every vector is read once, in order, with
    the `first` of its first and the `last` of its last element, whatever the others bear. Not
    ready when both banks are full, and then only then."""
    rng, vectors = np.random.default_rng(inputs), 25
    form = Format(7, 3)
    buffer = InputBuffer(form, inputs, 1)
    codes = rng.integers(form.low, form.high + 1, (vectors, inputs))
    marks = rng.integers(0, 2, (vectors, inputs, 2))
    state = {"taken": 0, "begun": 0, "released": 0}
    found = []

    async def source(ctx):
        for n in range(vectors):
            for d in range(inputs):
                while rng.random() < idle:
                    await ctx.tick()
                first, last = marks[n, d]
                beat = {"data": int(codes[n, d]), "first": int(first), "last": int(last)}
                ctx.set(buffer.i.payload, beat)
                ctx.set(buffer.i.valid, 1)
                await ctx.tick().until(buffer.i.ready)
                state["taken"] += 1
                ctx.set(buffer.i.valid, 0)

    async def reader(ctx):
        for _ in range(vectors):
            while not ctx.get(buffer.waiting):
                await ctx.tick()
            while rng.random() < slow:
                await ctx.tick()
            values, ends = [], (ctx.get(buffer.first), ctx.get(buffer.last))
            ctx.set(buffer.take, 1)
            await ctx.tick()
            ctx.set(buffer.take, 0)
            state["begun"] += 1
            await ctx.tick()
            await ctx.tick()  # an address follows its step's start by three clocks
            order = [*range(inputs), *range(inputs)]  # twice, as groups do
            for k, d in enumerate(order):
                ctx.set(buffer.address, d)
                ctx.set(buffer.release, k == len(order) - 1)
                await ctx.tick()
                values.append(ctx.get(buffer.value))
            state["released"] += 1
            ctx.set(buffer.release, 0)
            found.append((values, ends))
        assert ctx.get(buffer.waiting) == 0

    async def watcher(ctx):
        while len(found) < vectors:
            vectors_in = state["taken"] // inputs
            assert ctx.get(buffer.i.ready) == (vectors_in - state["released"] < 2)
            assert ctx.get(buffer.waiting) == (vectors_in > state["begun"])
            await ctx.tick()

    simulate(buffer, source, reader, watcher)
    for n, (values, ends) in enumerate(found):
        assert values == codes[n].tolist() * 2
        assert ends == (marks[n, 0, 0], marks[n, -1, 1])


def test_a_bank_is_read_while_the_other_fills():
    """`take` gives way to the coming vector's marks at once, and to its elements three clocks
    later; `release` with the last address: the value still is the old bank's, which then fills."""
    form = Format(6, 0)
    buffer, seen = InputBuffer(form, 2, 1), []
    script = [  # take, release, address
        *[(1, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 1), (0, 0, 0)],
        *[(1, 0, 1), (0, 0, 0), (0, 1, 1), (0, 0, 1), (0, 0, 0)],
    ]

    async def testbench(ctx):
        ctx.set(buffer.i.valid, 1)
        for data, first in ((1, 1), (2, 0), (3, 0), (4, 0)):
            ctx.set(buffer.i.payload, {"data": data, "first": first, "last": data == 4})
            await ctx.tick()
        ctx.set(buffer.i.payload, {"data": 5, "first": 0, "last": 0})
        assert ctx.get(buffer.i.ready) == 0
        marks = []
        for k, (take, release, address) in enumerate(script):
            ctx.set(buffer.take, take)
            ctx.set(buffer.release, release)
            ctx.set(buffer.address, address)
            if take:
                marks.append((ctx.get(buffer.waiting), ctx.get(buffer.first), ctx.get(buffer.last)))
            assert ctx.get(buffer.i.ready) == (k > 7)
            await ctx.tick()
            seen.append(ctx.get(buffer.value))
        assert marks == [(1, 1, 0), (1, 0, 1)]
        assert ctx.get(buffer.waiting) == 1  # 5 came twice

    simulate(buffer, testbench)
    assert seen[3:] == [2, 1, 2, 1, 2, 4, 3]


def _program() -> Program:
    """Two layers of 1997 with gate recurrence and of the forget-gate: all four sources."""
    rng = np.random.default_rng(9)
    below = layer(rng, 3, 2, 2, forget=False, recurrence=True, **G1997)
    qnet = quantized(Network((below, layer(rng, 4, 3, recurrence=True))), rng, 9)
    return Program(qnet, schedule_of(qnet, 8))


class _Bench:
    """Operands with an input buffer that gives `x[address]` a clock after the address."""

    def __init__(self, program: Program, seed: int):
        self.program, self.unit = program, Operands(program)
        self.rng = np.random.default_rng(seed)
        self.columns = [c for phase in program.schedule.phases for c in phase.columns]
        form = program.qnet.formats.input
        self.x = self.rng.integers(form.low, form.high + 1, program.qnet.inputs).tolist()
        self.asked = 0

    def word(self, column: Column | None, **flags: int) -> dict[str, int]:
        """The program's word of a column, or of none."""
        if column is None:
            return {**dict.fromkeys(FLAGS, 0), "source": 0, "address": 0, **flags}
        where = {"source": SOURCES.index(column.source), "address": column.address}
        return {**dict.fromkeys(FLAGS, 0), "issue": 1, **where, **flags}

    async def tick(self, ctx):
        self.asked = ctx.get(self.unit.word.address)
        await ctx.tick()
        ctx.set(self.unit.x, self.x[self.asked] if self.asked < len(self.x) else 0)

    async def write(self, ctx, y, gates):
        """A step's values, y and gates each in a row."""
        for k in range(max(len(y), len(gates))):
            for port, values in ((self.unit.y_written, y), (self.unit.gates_written, gates)):
                ctx.set(port, {"valid": k < len(values), "data": values[k % len(values)]})
            await self.tick(ctx)
        for port in (self.unit.y_written, self.unit.gates_written):
            ctx.set(port, {"valid": 0, "data": 0})

    def step(self) -> tuple[list[int], list[int]]:
        """Any values of a step: y of all cells, all gates."""
        y, g = self.program.paths.y, self.program.paths.gate
        return (
            self.rng.integers(-(1 << (y - 1)), 1 << (y - 1), len(self.program.outputs)).tolist(),
            self.rng.integers(0, (1 << (g - 1)) + 1, len(self.program.gates)).tolist(),
        )


@pytest.mark.parametrize("step_first", (0, 1))
@pytest.mark.parametrize("steps", (2, 3, 4))
def test_every_source_is_read_from_its_bank(steps, step_first):
    """After some steps, the running one written last: y and gates are those of the step before, 0
    in a sequence's first step; `below` is of this step, x of the input, first or not. Operand, the
    group's ends and rotations stand `latency.OPERAND` clocks after the issue, one clock less after
    the word, the address `latency.WEIGHT` clocks before them; where nothing is issued the operand
    is 0."""
    bench = _Bench(_program(), steps)
    unit, written, found = bench.unit, [bench.step() for _ in range(steps)], []
    issues = [c if bench.rng.random() < 0.8 else None for c in bench.columns]
    stages = latency.OPERAND - 1

    async def testbench(ctx):
        for y, gates in written:
            await bench.write(ctx, y, gates)
        ctx.set(unit.parity, (steps - 1) % 2)
        ctx.set(unit.step_first, step_first)
        for k in range(len(issues) + stages):
            column = issues[k] if k < len(issues) else None
            flags = {"first": k % 3 == 0, "last": k % 5 == 0, "rotate": k % 2}
            ctx.set(unit.word, bench.word(column, **flags))
            ctx.set(unit.weight, k % 7)
            feed = ctx.get(unit.feed)
            found.append((feed.operand, feed.address, feed.first, feed.last, feed.rotate))
            await bench.tick(ctx)

    simulate(unit, testbench)
    (y_old, gates_old), (y_now, _) = written[-2:]
    sources = {"x": bench.x, "y": y_old, "below": y_now, "gates": gates_old}
    assert {column.source for column in bench.columns} == set(sources)
    for k, column in enumerate(issues):
        value = 0
        if column is not None:
            cleared = step_first and column.source in ("y", "gates")
            value = 0 if cleared else sources[column.source][column.address]
        operand, _, *flags = found[k + stages]
        assert (operand, flags) == (value, [int(k % 3 == 0), int(k % 5 == 0), k % 2]), k
        assert found[k + stages - latency.WEIGHT][1] == k % 7


@pytest.mark.parametrize("early", (0, 1))
@pytest.mark.parametrize("source", ("y", "below", "gates"))
def test_a_value_is_seen_from_the_clock_of_its_writing(source, early):
    """Issued in the clock in which its value is written, a column reads it; issued in the clock
    before, it reads what stood there two steps ago. So `latency.CELL` and `GATE` are exact."""
    bench = _Bench(_program(), 3)
    unit, found = bench.unit, []
    column = max((c for c in bench.columns if c.source == source), key=lambda c: c.address)
    address = column.address
    steps = [bench.step() for _ in range(4)]
    port, kind = (unit.gates_written, 1) if source == "gates" else (unit.y_written, 0)

    async def testbench(ctx):
        for y, gates in steps[:3]:
            await bench.write(ctx, y, gates)
        # step 3 is being written: below reads it in step 3, y and gates in step 4
        ctx.set(unit.parity, int(source == "below"))
        for k in range(address + 1 + latency.OPERAND):
            # the word stands one clock after the issue
            ctx.set(unit.word, bench.word(column if k == address - early + 1 else None))
            ctx.set(port, {"valid": k <= address, "data": steps[3][kind][min(k, address)]})
            found.append(ctx.get(unit.feed.operand))
            await bench.tick(ctx)

    simulate(unit, testbench)
    now, before = steps[3][kind][address], steps[1][kind][address]
    assert now != before
    assert found[address - early + latency.OPERAND] == (before if early else now)
