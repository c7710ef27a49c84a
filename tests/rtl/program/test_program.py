"""What stands in the memories: weights by lane and clock, rows for the tail, widths that hold."""

from dataclasses import replace

import numpy as np
import pytest

from golden.network import Network
from rtl.program.program import CellMode, Program
from rtl.schedule.schedule import allowed_lanes, schedule_of
from tests.rtl.support import G1997, head, layer, quantized, readout, stack


def _networks():
    rng = np.random.default_rng(3)
    old = {"forget": False, "recurrence": True, **G1997}
    return {
        "forget": quantized(stack(rng, 3, 5), rng, 9),
        "two equal layers": quantized(stack(rng, 4, 4, 4, outputs=3), rng),
        "1997": quantized(Network((layer(rng, 2, 3, 2, **old),)), rng, 7),
        "1997 below forget": quantized(
            Network((layer(rng, 2, 2, 3, **old), layer(rng, 6, 4)), readout(rng, 4, 6, "sigma")),
            rng,
            12,
            tight=1,
        ),
        "dense stages": quantized(
            Network((layer(rng, 2, 3),), head(rng, 3, (5, "sigma"), (2, "identity"), (4, "tanh"))),
            rng,
            10,
        ),
    }


NETWORKS = _networks()
EVERY = [(name, lanes) for name, qnet in NETWORKS.items() for lanes in allowed_lanes(qnet)[::3]]
every = pytest.mark.parametrize(("name", "lanes"), EVERY)


@every
def test_lanes_hold_the_weight_matrices(name, lanes):
    """Read in the order of issue, each lane's memory gives back every weight of every row in its
    column; where a lane idles stands 0. Nothing else is stored."""
    qnet = NETWORKS[name]
    schedule = schedule_of(qnet, lanes)
    program = Program(qnet, schedule)
    wanted = {name: rows.codes for name, rows in qnet.rows.items()}
    # a weight of 0 may be left out
    found = {name: np.where(codes == 0, 0, -(1 << 40)) for name, codes in wanted.items()}
    assert len(program.weights) == lanes
    for lane, codes in enumerate(program.weights):
        assert len(codes) == schedule.ideal_cycles
        left = iter(codes)
        for slot in schedule.slots:
            if slot.column is None:
                continue
            phase, number = schedule.groups[slot.group]
            code = next(left)
            rows = dict(enumerate(phase.group(number)))
            if lane % phase.spacing or lane // phase.spacing not in rows:
                assert code == 0
            else:
                row = rows[lane // phase.spacing]
                found[row.layer, row.kind][row.index, slot.column.column] = code
    for name, codes in found.items():
        assert np.array_equal(codes, wanted[name]), name


@every
def test_the_tail_knows_its_rows(name, lanes):
    """One word a row in the order of sums: its bias, its rounding and squash, its layer's cell
    update, the group's last row, and whether its result leaves the core."""
    qnet = NETWORKS[name]
    schedule = schedule_of(qnet, lanes)
    program = Program(qnet, schedule)
    assert tuple(word.row for word in program.rows) == schedule.rows
    outputs = []
    for word in program.rows:
        row, mode = word.row, program.net_modes[word.net_mode]
        if row.layer >= len(qnet.layers):
            part = qnet.head[row.layer - len(qnet.layers)]
            bias, squash = part.biases[row.index], part.squash
            shift = part.sums.frac - squash.net.frac
        else:
            part = qnet.layers[row.layer]
            bias, shift = part.biases[row.kind][row.index], part.net_shift(row.kind)
            squash = part.g if row.kind == "g" else part.gate
            assert program.cell_modes[word.cell_mode] == CellMode.of(part)
        assert (word.bias, mode.shift, mode.squash) == (bias, shift, squash)
        outputs += [word.row] if word.output else []
    kind = "out" if qnet.readout else "g"
    assert [row.index for row in outputs] == list(range(qnet.outputs))
    assert {row.kind for row in outputs} == {kind}
    groups = [phase.group(k) for phase in schedule.phases for k in range(phase.groups)]
    assert [word.row for word in program.rows] == [row for rows in groups for row in rows]


@every
def test_each_place_of_the_tail_has_its_rows(name, lanes):
    """A block at once means a kind of row for each place, the head's at the first one; together
    they are all rows, in order, and no group has more at one place than it has clocks there."""
    schedule = schedule_of(NETWORKS[name], lanes)
    program = Program(NETWORKS[name], schedule)
    places = [[word.row for word in program.tail(place)] for place in range(schedule.tail)]
    assert sorted(map(str, sum(places, []))) == sorted(str(word.row) for word in program.rows)
    if schedule.tail == 1:
        assert places == [[word.row for word in program.rows]]
        return
    layers = len(NETWORKS[name].layers)
    kinds = [{row.kind for row in rows if row.layer < layers} for rows in places]
    assert kinds == [{kind} for kind in (*program.shapes[0].gates, "g")]
    assert all(row.layer < layers for rows in places[1:] for row in rows)
    for place, groups in enumerate(schedule.tails):
        for rows, (phase, k) in zip(groups, schedule.groups, strict=True):
            if phase.layer < layers or place == 0:
                assert len(rows) == phase.tail_clocks(k)


def _fits(code: int, width: int) -> bool:
    return -(1 << (width - 1)) <= code < 1 << (width - 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_widths_hold_every_code(name):
    """Every weight, every source's lowest and highest code, every gate, activation, state, output
    and the largest sum of any row, fits the width of its path."""
    qnet = NETWORKS[name]
    program = Program(qnet, schedule_of(qnet))
    assert all(_fits(code, program.paths.weight) for codes in program.weights for code in codes)
    forms = [qnet.formats.input, *(part.formats.y for part in qnet.layers)]
    forms += [part.formats.gate for part in qnet.layers if part.shape.gate_recurrence]
    for form in forms:
        assert _fits(form.low, program.paths.operand) and _fits(form.high, program.paths.operand)
    for part in qnet.layers:
        assert part.formats.gate.high < 1 << program.paths.gate
        for form, width in (
            (part.formats.gate, program.activation_width),
            (part.formats.g, program.activation_width),
            (part.formats.g, program.paths.g),
            (part.formats.s, program.paths.s),
            (part.formats.y, program.paths.y),
        ):
            assert _fits(form.low, width) and _fits(form.high, width)
        for kind in part.shape.kinds:
            rows, products = part.rows(kind), np.zeros(part.shape.rows(kind), np.int64)
            for source, cut in part.shape.columns.items():
                magnitude = part.source_formats[source].magnitude
                products += np.abs(rows.codes[:, cut]).sum(axis=1) * magnitude
            assert _fits(int(products.max()), program.paths.sum)
            whole = (products << np.array(rows.coarser or 0)) + abs(part.biases[kind])
            assert _fits(int(whole.max()), program.paths.net)
    for stage in qnet.head[:-1]:
        for code in (stage.target.low, stage.target.high):
            assert _fits(code, program.paths.operand) and _fits(code, program.paths.y)
    assert (1 << program.weight_address_width) >= len(program.weights[0])


def test_equal_layers_share_their_modes():
    """Two layers of one kind and equal formats need one mode of the cell update and one for gates
    and g each; layers that differ need their own."""
    qnet = NETWORKS["two equal layers"]
    same = Program(qnet, schedule_of(qnet))
    modes = {CellMode.of(part) for part in qnet.layers}
    assert len(same.cell_modes) == len(modes)
    rng = np.random.default_rng(4)
    one = quantized(stack(rng, 4, 4), rng)
    part = one.layers[0]
    twice = replace(
        one,
        layers=(part, replace(part, input=part.formats.y)),
        formats=replace(one.formats, layers=one.formats.layers * 2),
    )
    doubled, single = Program(twice, schedule_of(twice)), Program(one, schedule_of(one))
    assert len(doubled.cell_modes) == 1
    assert doubled.net_modes == single.net_modes
    mixed = Program(NETWORKS["1997 below forget"], schedule_of(NETWORKS["1997 below forget"]))
    assert len(mixed.cell_modes) == 2


def test_kinds_are_those_of_the_network():
    found = {name: Program(qnet, schedule_of(qnet)).kinds for name, qnet in NETWORKS.items()}
    assert found == {
        "forget": ("i", "f", "o", "g"),
        "two equal layers": ("i", "f", "o", "g", "out"),
        "1997": ("i", "o", "g"),
        "1997 below forget": ("i", "f", "o", "g", "out"),
        "dense stages": ("i", "f", "o", "g", "dense", "out"),
    }
    assert [bool(Program(qnet, schedule_of(qnet)).gates) for qnet in NETWORKS.values()] == [
        False,
        False,
        True,
        True,
        False,
    ]
