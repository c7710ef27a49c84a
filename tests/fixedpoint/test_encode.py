"""Every number of a layer to the code nearest to it, ties up, in the format that is its own."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from fixedpoint import Format, FormatError, quantize
from fixedpoint.encode import quantize_layer
from fixedpoint.squash import sigma_table
from golden import Dense, Network
from tests.fixedpoint.nets import layer, scattered, shared

WIDTHS = {"projection": 2, "peepholes": True, "initial": ("s", "y")}
KINDS = {
    "forget": {},
    "coupled": {"kinds": "io", "coupled": True},
    "1997 with gate recurrence": {"kinds": "io", "size": 2, "recurrent": True},
    "every option": WIDTHS,
}


def made(options, seed=3):
    """A float layer, and formats for it in which no two sources have weights of one format."""
    rng = np.random.default_rng(seed)
    real = layer(rng, 3, 3, **options)
    formats = shared(Network((real,)), 9, rng.normal(0, 9, (2, 20, 3)))
    (form,) = formats.layers
    y, weights = form.y, dict(form.weights)
    weights["y"] = replace(weights["y"], frac=weights["y"].frac - 1)
    form = replace(form, y=replace(y, frac=y.frac + 1), weights=weights)
    assert len({weight.frac for weight in weights.values()}) == len(weights)
    return real, replace(formats, layers=(form,))


def built(real, formats):
    table = sigma_table(formats.argument, formats.sigma)
    return quantize_layer("layer 0", real, formats.layers[0], formats.input, table)


def on_ties(values, frac):
    """The values moved to the ties next to them, every third one and the two beside it."""
    ties = (np.floor(values * 2.0**frac) + 0.5) * 2.0**-frac
    turn = np.arange(values.size).reshape(values.shape) % 3
    values[...] = np.choose(turn, [ties, np.nextafter(ties, -9), np.nextafter(ties, 9)])


def codes(values, frac, low=-math.inf, high=math.inf):
    """By definition, in fractions."""
    scaled = [Fraction(value) * Fraction(2) ** frac for value in np.ravel(values).tolist()]
    found = [min(max(math.floor(value + Fraction(1, 2)), low), high) for value in scaled]
    return np.reshape(np.array(found, dtype=object), np.shape(values))


@pytest.mark.parametrize("name", KINDS)
def test_every_number_is_rounded_to_nearest_with_ties_up(name):
    """Weights by source, biases in the scale of their sums, peepholes, projection, first state."""
    real, formats = made(KINDS[name])
    (form,), x = formats.layers, formats.input
    bias_frac = form.weights["x"].frac + x.frac
    for kind in real.shape.kinds:
        for source, cut in real.shape.columns.items():
            on_ties(real.weights[kind][:, cut], form.weights[source].frac)
        on_ties(real.biases[kind], bias_frac)
    others = {
        f"peephole {kind}": (values, form.weights["s"]) for kind, values in real.peepholes.items()
    }
    if real.projection is not None:
        others["projection"] = real.projection, form.weights["m"]
    others |= {
        f"initial {part}": (values, form.signal(part)) for part, values in real.initial.items()
    }
    for values, own in others.values():
        on_ties(values, own.frac)
    found, lost = built(real, formats)
    assert lost == 0 and found.sums.frac == bias_frac
    for kind in real.shape.kinds:
        for source, cut in real.shape.columns.items():
            want = codes(real.weights[kind][:, cut], form.weights[source].frac)
            np.testing.assert_array_equal(found.weights[kind][:, cut], want, f"{source} {kind}")
        np.testing.assert_array_equal(found.biases[kind], codes(real.biases[kind], bias_frac), kind)
    have = {f"peephole {kind}": values for kind, values in found.peepholes.items()}
    have |= {
        "projection": found.projection and found.projection.weights,
        "initial s": found.initial.s,
        "initial y": found.initial.y,
    }
    for what, (values, own) in others.items():
        np.testing.assert_array_equal(have[what], codes(values, own.frac), what)
    if not real.initial:
        assert not found.initial.s.any() and not found.initial.y.any()
    assert not found.initial.gates.any()


def test_weights_beyond_their_formats_saturate_and_are_counted():
    """Of rows, peepholes and projection alike; one at an end of its format is not lost."""
    real, formats = made(WIDTHS)
    weights = formats.layers[0].weights
    for source, values in (
        ("x", real.weights["i"][:, :3]),
        ("y", real.weights["g"][:, 3:]),
        ("s", real.peepholes["o"][None]),
        ("m", real.projection),
    ):
        form = weights[source]
        values[0, :2] = [(form.high + 0.5) * form.lsb, (form.low - 0.51) * form.lsb]
        values[-1, -1] = form.high * form.lsb
    found, lost = built(real, formats)
    assert lost == 2 * 4
    for form, have in (
        (weights["x"], found.weights["i"][:, :3]),
        (weights["y"], found.weights["g"][:, 3:]),
        (weights["m"], found.projection.weights),
    ):
        assert have[0, :2].tolist() == [form.high, form.low] and have[-1, -1] == form.high


@pytest.mark.parametrize("part", ["s", "y"])
def test_a_first_state_outside_its_format_is_refused(part):
    real, formats = made(WIDTHS)
    form = formats.layers[0].signal(part)
    ends = form.low * form.lsb, form.high * form.lsb
    real.initial[part][:2] = ends
    found, _ = built(real, formats)
    assert getattr(found.initial, part)[:2].tolist() == [form.low, form.high]
    real.initial[part][1] = ends[1] + form.lsb
    with pytest.raises(FormatError) as error:
        built(real, formats)
    assert str(error.value) == (
        f"layer 0 initial {part}: {ends[1] + form.lsb:g} is outside {ends[0]:g}..{ends[1]:g} of "
        f"format {form}"
    )


def test_functions_and_sums_are_those_of_the_formats():
    """Each function with its own target and clip; sums as wide as the layer's worst."""
    clip = {"gate": (-1.0, 2.0), "g": (-0.5, 0.25)}
    real, formats = made({**WIDTHS, "gate": "hard", "g": "g1997", "h": "h1997", "clip": clip})
    (form,), (found, _) = formats.layers, built(real, formats)
    for unit, name, target, ends in (
        (found.gate, "hard", form.gate, clip["gate"]),
        (found.g, "g1997", form.g, clip["g"]),
        (found.h, "h1997", form.h, None),
    ):
        assert (unit.squash.name, unit.target, unit.clip) == (name, target, ends)
    most = {source: weight.magnitude for source, weight in form.weights.items()}
    worst = max(int(np.abs(values).max()) for values in found.biases.values())
    worst += 3 * most["x"] * formats.input.magnitude + 2 * most["y"] * form.y.magnitude
    worst += most["s"] * form.s.magnitude
    assert found.sums.bound == worst
    assert found.projection is not None and form.m is not None
    assert found.projection.sums.bound == 3 * most["m"] * form.m.magnitude
    assert found.projection.sums.frac == form.weights["m"].frac + form.m.frac


def test_a_gate_is_unsigned_with_one_as_its_highest_bit():
    real, formats = made({})
    for bad in (Format(9, 9, signed=False), Format(9, 7, signed=False), Format(9, 8)):
        layers = (replace(formats.layers[0], gate=bad),)
        with pytest.raises(FormatError, match=f"^layer 0 gate {bad}: must be unsigned with 1.0"):
            built(real, replace(formats, layers=layers))


def test_rows_and_elements_have_scales_of_their_own():
    """A weight has its row's fraction bits less those of the element of x that it meets."""
    rng = np.random.default_rng(5)
    net = Network((layer(rng, 3, 3, projection=2),), (Dense(rng.normal(size=(2, 2)), np.ones(2)),))
    formats = scattered(rng, net, 9, rng.normal(0, 1, (2, 20, 3)))
    (real,), (form,), (head,) = net.layers, formats.layers, formats.head
    form = replace(form, coarser={kind: (0, 1, 2) for kind in "ifog"} | {"y": (0, 3)})
    formats = replace(formats, layers=(form,), head=(replace(head, coarser=(2, 0)),))
    found = quantize(net, formats)
    rows, elements = found.rows, np.array(formats.inputs) - formats.input.frac
    assert len(set(elements.tolist())) > 1
    for kind in "ifog":
        for row, by in enumerate((0, 1, 2)):
            x = form.weights["x"].frac - by - elements
            fracs = [*x.tolist(), *[form.weights["y"].frac - by] * 2]
            for column, frac in enumerate(fracs):
                exact = codes(real.weights[kind][row, column], frac, -256, 255)
                assert rows[0, kind].codes[row, column] == exact
                assert rows[0, kind].weights[row, column] == exact << by
    for name, values, form_, coarser in (
        ((0, "y"), real.projection, form.weights["m"], (0, 3)),
        ((1, "out"), net.head[0].weights, head.weights, (2, 0)),
    ):
        for row, by in enumerate(coarser):
            exact = codes(values[row], form_.frac - by, -256, 255)
            assert rows[name].codes[row].tolist() == exact.tolist()
    x = rng.normal(size=(4, 3))
    for column, frac in enumerate(formats.inputs):
        exact = codes(x[:, column], frac, formats.input.low, formats.input.high)
        assert found.encode(x)[0][:, column].tolist() == exact.tolist()
    np.testing.assert_array_equal(
        formats.decode(found.encode(x)[0]), found.encode(x)[0] * 2.0 ** -np.array(formats.inputs)
    )
