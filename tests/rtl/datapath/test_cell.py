"""The cell update alone: states and outputs of the integer model, and the hold, code by code."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Module

import fixedpoint
from fixedpoint.arithmetic import outside, round_shift, saturate
from fixedpoint.cell import QuantizedLayer
from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from golden.cell import Layer
from golden.network import Network
from rtl.datapath.cell import CellUpdate
from rtl.datapath.squash import SigmaUnit
from rtl.program.program import CellMode, Program
from rtl.schedule import latency
from rtl.schedule.schedule import schedule_of
from tests.rtl.support import G1997, layer, quantized, simulate, stack


def coupled(rng: np.random.Generator, inputs: int, cells: int) -> Layer:
    """A layer with f = 1 - i."""
    return replace(layer(rng, inputs, cells, forget=False), coupled=True)


def two_coupled(rng: np.random.Generator) -> QuantizedNetwork:
    """Two layers with f = 1 - i, whose gates have codes of their own for 1.0."""
    net = Network((coupled(rng, 2, 3), coupled(rng, 3, 2)))
    formats = fixedpoint.choose_formats(net, 9, rng.normal(size=(4, 12, 2)))
    first, last = formats.layers
    last = replace(last, gate=Format(last.gate.width - 2, last.gate.frac - 2, signed=False))
    return fixedpoint.quantize(net, replace(formats, layers=(first, last)))


def _networks() -> dict[str, QuantizedNetwork]:
    rng = np.random.default_rng(21)
    old = {"forget": False, "recurrence": True, **G1997}
    return {
        "forget": quantized(stack(rng, 2, 3), rng, 9, tight=2),
        "one cell": quantized(stack(rng, 1, 1), rng, 6),
        "1997, blocks of 3": quantized(Network((layer(rng, 2, 2, 3, **old),)), rng, 7, tight=1),
        "h identity": quantized(Network((layer(rng, 2, 2, 2, h="identity"),)), rng, 12, tight=3),
        "both": quantized(
            Network((layer(rng, 2, 2, 2, **old), layer(rng, 4, 3, h="identity"))), rng, 10, tight=2
        ),
        "20 bits": quantized(stack(rng, 2, 3), rng, 20),
        "no forget gate": quantized(Network((layer(rng, 1, 4, forget=False),)), rng, 8),
        "a row at once": quantized(stack(rng, 30, 3), rng, 9, tight=2),
        "coupled": quantized(Network((coupled(rng, 2, 3),)), rng, 9, tight=2),
        "coupled above forget": quantized(
            Network((layer(rng, 2, 2, 2), coupled(rng, 4, 3))), rng, 8, tight=1
        ),
        "two coupled": two_coupled(rng),
    }


NETWORKS = _networks()
IDLE = {"valid": 0, "code": 0, "kind": 0, "cell_mode": 0, "output": 0}
IDLE |= {"step_first": 0, "step_last": 0, "saturated": 0}


def _at_once(program: Program, script: list[dict]) -> list[int]:
    """The clocks of a script that are left, and its gates beside the cell inputs, where the tail
    takes a block at once."""
    if program.schedule.tail == 1:
        return list(range(len(script)))
    kept, gates = [], {}
    for clock, word in enumerate(script):
        kind = program.kinds[word["kind"]]
        if word["valid"] and kind in "ifo":
            gates[f"gate_{kind}"] = word["code"]
            continue
        if word["valid"] and kind == "g":
            word |= gates
        kept.append(clock)
    return kept


def _run(program: Program, script: list[dict]) -> tuple[list, list]:
    """What comes out of s and y in every clock: None, or (code, saturated, h_saturated, marks)."""
    unit, m = CellUpdate(program), Module()
    m.submodules.unit = unit
    m.submodules.sigma = sigma = SigmaUnit(program.qnet.table, 1)
    m.d.comb += [sigma.code0.eq(unit.code), unit.value.eq(sigma.value0)]
    found = [], []

    async def testbench(ctx):
        g = program.kinds.index("g")
        cells = [word if word["valid"] and word["kind"] == g else IDLE for word in script]
        idle = [IDLE] * (latency.STATE_READ + latency.STATE + latency.OUTPUT)
        coming = cells + idle
        for k, word in enumerate([IDLE] * latency.STATE_READ + script + idle[latency.STATE_READ :]):
            ctx.set(unit.i, {name: word[name] for name in IDLE})
            for name in set(word) - set(IDLE):
                ctx.set(getattr(unit, name), word[name])
            ctx.set(unit.coming, coming[k]["valid"])
            ctx.set(unit.coming_first, coming[k]["step_first"])
            for port, seen, clipped in zip(
                (unit.s, unit.y), found, (None, unit.h_saturated), strict=True
            ):
                shown = ctx.get(port)
                seen.append(None)
                if shown.valid:
                    h = ctx.get(clipped) if clipped is not None else 0
                    marks = shown.output, shown.step_first, shown.step_last
                    seen[-1] = (shown.code, shown.saturated, h, *marks)
            await ctx.tick()

    simulate(m, testbench)
    return found[0][latency.STATE_READ :], found[1][latency.STATE_READ :]


def _words(program: Program, word, code: int, first: int, last: int) -> dict:
    return {
        "valid": 1,
        "code": code,
        "kind": program.kinds.index(word.row.kind),
        "cell_mode": word.cell_mode,
        "output": word.output,
        "step_first": first,
        "step_last": last,
        "saturated": 0,
    }


def _cell(part: QuantizedLayer, gates: dict[str, int], g: int, before: int) -> dict[str, int]:
    """s, y and what saturated, line by line of `fixedpoint.cell`."""
    forms = part.formats
    code = lambda value: np.array([value], np.int64)  # noqa: E731
    kept = code(before)
    if part.shape.coupled:
        gates = gates | {"f": forms.gate.one - gates["i"]}
    if "f" in gates:
        kept = round_shift(code(gates["f"] * before), part.keep_shift)
    wide = kept + round_shift(code(gates["i"] * g), part.input_shift)
    s = saturate(wide, forms.s.low, forms.s.high)
    net = round_shift(s, part.h_shift)
    h = part.h(saturate(net, part.h.net.low, part.h.net.high))
    out = round_shift(gates["o"] * h, part.output_shift)
    return {
        "s": int(s[0]),
        "s_saturated": outside(wide, forms.s.low, forms.s.high),
        "y": int(saturate(out, forms.y.low, forms.y.high)[0]),
        "h_saturated": outside(net, part.h.net.low, part.h.net.high),
        "y_saturated": outside(out, forms.y.low, forms.y.high),
    }


@pytest.mark.parametrize("pauses", (0.0, 0.5))
@pytest.mark.parametrize("name", NETWORKS)
def test_states_and_outputs(name, pauses):
    """60 steps of any gates and cell inputs, one in three a corner (0, 1.0; lowest, highest): s
    `latency.STATE` clocks after g and y `latency.OUTPUT` clocks after s, with the step's marks and
    the three saturation flags; a first step forgets the state; rows of readouts change nothing."""
    qnet = NETWORKS[name]
    program = Program(qnet, schedule_of(qnet))
    rng = np.random.default_rng(len(name))
    state = {k: np.zeros(part.shape.cells, np.int64) for k, part in enumerate(qnet.layers)}
    script, want_s, want_y, seen = [], [], [], set()
    for step in range(60):
        first, last = int(step == 0 or rng.random() < 0.1), int(rng.integers(2))
        gates = {}
        # a state is written before its next step reads it
        cells = len(program.tail(program.schedule.tail - 1))
        idle = max(0, latency.STATE_READ + latency.STATE + 1 - cells)
        script += [IDLE] * idle
        want_s += [None] * idle
        want_y += [None] * idle
        for word in program.rows:
            while rng.random() < pauses:
                script.append(IDLE | {"code": 1, "kind": int(rng.integers(len(program.kinds)))})
                want_s.append(None)
                want_y.append(None)
            row, part = word.row, qnet.layers[word.row.layer]
            form = part.formats.signal(row.kind)
            high = form.high if row.kind == "g" else form.one
            corners = [form.low, high, high // 2]
            code = int(rng.integers(form.low, high + 1))
            if rng.random() < 0.33:
                code = int(rng.choice(corners))
            script.append(_words(program, word, code, first, last))
            want_s.append(None)
            want_y.append(None)
            if row.kind != "g":
                gates[row.kind] = code
                continue
            before = 0 if first else int(state[row.layer][row.index])
            cell = _cell(part, gates, code, before)
            state[row.layer][row.index] = cell["s"]
            marks = int(word.output), first, last
            want_s[-1] = (cell["s"], cell["s_saturated"], 0, *marks)
            want_y[-1] = (cell["y"], cell["y_saturated"], cell["h_saturated"], *marks)
            seen |= {flag for flag in ("s_saturated", "h_saturated", "y_saturated") if cell[flag]}
    kept = _at_once(program, script)
    want_s, want_y = ([want[k] for k in kept] for want in (want_s, want_y))
    found_s, found_y = _run(program, [script[k] for k in kept])
    assert [k for k, word in enumerate(want_s) if word]
    assert found_s[latency.STATE : latency.STATE + len(want_s)] == want_s
    assert found_y[latency.STATE + latency.OUTPUT :] == want_y
    assert not any(found_s[: latency.STATE]) and not any(found_y[: latency.STATE + latency.OUTPUT])
    if name in ("forget", "both"):
        assert "s_saturated" in seen
    if name in ("h identity", "both"):
        assert seen >= {"h_saturated"}


def test_every_flag_is_met():
    """`y` saturates, and says so, where h is the identity and its format holds less: fewer bits
    than the state's, of which none but its own ends are right."""
    qnet = NETWORKS["h identity"]
    part = qnet.layers[0]
    narrow = replace(part.formats, y=Format(part.formats.y.width - 3, part.formats.y.frac + 3))
    part = replace(part, formats=narrow)
    qnet = replace(qnet, layers=(part,))
    program = Program(qnet, schedule_of(qnet))
    one, script, want = part.formats.gate.one, [], []
    for word in program.rows:
        code = part.formats.g.high if word.row.kind == "g" else one
        script.append(_words(program, word, code, 1, 0))
        if word.row.kind == "g":
            want.append(_cell(part, {"i": one, "f": one, "o": one}, code, 0))
    _, found = _run(program, [script[k] for k in _at_once(program, script)])
    assert [word[:3] for word in found if word] == [
        (cell["y"], cell["y_saturated"], cell["h_saturated"]) for cell in want
    ]
    assert any(cell["y_saturated"] for cell in want)


@pytest.mark.parametrize("forget", (True, False))
def test_shut_gates_hold_every_code(forget):
    """A state of 7 bits: each of its 128 codes is written once (i = 1.0, s and g of one format) and
    then held exactly for three steps of any g, with i = 0 and f = 1.0, or no forget gate."""
    rng = np.random.default_rng(22)
    net = Network((layer(rng, 1, 1, forget=forget, **({} if forget else G1997)),))
    formats = fixedpoint.choose_formats(net, 7, rng.normal(size=(2, 8, 1)))
    form = Format(7, 4)
    part = replace(formats.layers[0], s=form, g=form)
    qnet = fixedpoint.quantize(net, replace(formats, layers=(part,)))
    program = Program(qnet, schedule_of(qnet))
    one, codes = part.gate.one, range(part.s.low, part.s.high + 1)
    assert (CellMode.of(qnet.layers[0]).keeps == "gate") == forget and len(codes) == 128
    script = []
    for code in codes:
        for step in range(4):
            gates = {"i": 0 if step else one, "f": one, "o": int(rng.integers(one + 1))}
            for word in program.rows:
                any_g = int(rng.integers(part.g.low, part.g.high + 1))
                value = gates.get(word.row.kind, any_g if step else code)
                script.append(_words(program, word, value, int(step == 0), 0))
            # the state is written before the next step reads it
            script += [IDLE] * (latency.STATE_READ + latency.STATE)
    script = [script[k] for k in _at_once(program, script)]
    found = [word[:2] for word in _run(program, script)[0] if word]
    assert found == [(code, 0) for code in codes for _ in range(4)]
