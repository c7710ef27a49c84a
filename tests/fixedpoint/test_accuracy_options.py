"""16 bits against float: every kind of cell on ordinary input, and ranges far from ordinary."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import Format, choose_formats, quantize
from golden import Layer, Network
from tests.fixedpoint.nets import uniform

STEPS, INPUTS, CELLS = 100, 16, 32


def ordinary(rng, kinds="ifo", peepholes=False, projection=None, **options):
    """A layer as frameworks start one: weights uniform in +-1/sqrt(cells)."""
    most = 1 / np.sqrt(CELLS)

    def draw(*shape):
        return rng.uniform(-most, most, shape)

    columns = INPUTS + (projection or CELLS)
    if peepholes:
        options["peepholes"] = {kind: draw(CELLS) for kind in kinds}
    if projection:
        options["projection"] = draw(projection, CELLS)
    weights = {kind: draw(CELLS, columns) for kind in (*kinds, "g")}
    return Layer(weights, {kind: draw(CELLS) for kind in (*kinds, "g")}, **options)


def both_ways(rng, **options):
    return ordinary(rng, **options), ordinary(rng, reverse=True, beside=True, **options)


NETWORKS = {
    "plain": lambda rng: (ordinary(rng),),
    "peepholes": lambda rng: (ordinary(rng, peepholes=True),),
    "coupled": lambda rng: (ordinary(rng, "io", coupled=True),),
    "projection": lambda rng: (ordinary(rng, projection=8),),
    "bidirectional": both_ways,
    "hard": lambda rng: (ordinary(rng, gate="hard"),),
    "clip": lambda rng: (ordinary(rng, clip={"gate": (-1.0, 1.0), "g": (-0.5, 0.5)}),),
    "all": lambda rng: both_ways(rng, peepholes=True, projection=8, clip={"gate": (-1.0, 1.0)}),
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_every_kind_of_cell_is_within_3e_4_of_float(make):
    """Over 100 steps of ordinary input; and no value saturates."""
    rng = np.random.default_rng(1)
    net = Network(make(rng))
    x = rng.standard_normal((8, STEPS, INPUTS))
    qnet = quantize(net, bits=16, calibrate=x)
    fixed, real = qnet.run(qnet.encode(x)[0]), net.run(x)
    error = fixed.value("out") - real.out
    assert 1e-5 < np.abs(error).max() < 3e-4 and np.sqrt(np.mean(error**2)) < 6e-5
    assert not values_saturated(fixed)


def values_saturated(trace):
    """How many values, not net inputs, saturated."""
    ends = (".s", ".m", ".y", "out")
    return sum(n for name, n in trace.saturations.items() if name.endswith(ends))


def linear(rng, kinds="io", recurrent=0.0, **options):
    """Gates open at exactly 1, g and h the identity: s(t) = s(t-1) + W x, weights up to +-12."""
    cells, inputs = 6, 3
    options = {"g": "identity", "h": "identity", **options}
    gate = rng.uniform(8.0, 12.0, (cells, inputs)) * rng.choice([-1, 1], (cells, 1))
    more = len(kinds) * cells if options.get("gate_recurrence") else 0
    weights = {kind: np.zeros((cells, inputs + cells + more)) for kind in kinds}
    weights["g"] = np.hstack([gate, np.full((cells, cells), recurrent), np.zeros((cells, more))])
    if more:
        weights["g"][:, -more:] = recurrent
    biases = {**{kind: np.full(cells, 30.0) for kind in kinds}, "g": np.zeros(cells)}
    return Network((Layer(weights, biases, **options),))


@pytest.mark.parametrize("kinds", ["io", "ifo"])
def test_states_beyond_200_and_weights_beyond_8_have_formats_and_stay_within_theory(kinds):
    """The error of a sum of T terms is at most T roundings of a term and of the state.

    A term w x is off by half an LSB of w times |x|, of x times |w|, and half an LSB of g; adding
    it to the state by half an LSB of s. Gates are exactly 1, so nothing else is lost.
    """
    rng = np.random.default_rng(2)
    net = linear(rng, kinds)
    x = rng.uniform(-0.2, 1.0, (4, STEPS, 3))
    qnet = quantize(net, uniform(net, 16, x))
    (form,), (layer,) = qnet.formats.layers, net.layers
    real, fixed = net.run(x), qnet.run(qnet.encode(x)[0])
    s = np.abs(real.get("s"))
    assert s.max() > 200 and form.s.holds(s.max()) and form.s.width == 16
    widest = np.abs(layer.weights["g"]).max()
    assert widest > 8 and form.weights["x"].holds(widest)
    assert qnet.saturated_weights == 0 and not values_saturated(fixed)
    assert (fixed.get("o") == form.gate.one).all() and (fixed.get("i") == form.gate.one).all()
    net_error = form.weights["x"].lsb / 2 * np.abs(x).max() * 3
    net_error += qnet.formats.input.lsb / 2 * np.abs(layer.weights["g"]).sum(axis=1).max()
    a_step = net_error + form.g.lsb / 2 + form.s.lsb / 2
    error = np.abs(fixed.value("s") - real.get("s"))
    steps = np.arange(1, STEPS + 1)[:, None]
    assert (error <= steps * a_step).all()
    assert error.max() > form.s.lsb  # there is an error to bound
    walk = np.sqrt(STEPS / 12) * form.s.lsb  # of T roundings to either side
    assert error.max() < 4 * walk
    np.testing.assert_array_less(np.abs(fixed.value("y") - real.get("y")), STEPS * a_step)


def test_peepholes_on_states_beyond_200_are_as_fine_as_other_weights():
    """Coarse states leave the peepholes more fraction bits, and the product is exact."""
    rng = np.random.default_rng(3)
    seen = {kind: rng.uniform(-0.01, 0.01, 6) for kind in "ifo"}
    net = linear(rng, "ifo", peepholes=seen)
    x = rng.uniform(-0.2, 1.0, (4, STEPS, 3))
    forms = uniform(net, 16, x)
    (form,) = forms.layers
    assert form.s.lsb == 2**-3 and form.weights["s"].holds(0.01)
    assert form.weights["s"].frac + form.s.frac == form.weights["x"].frac + forms.input.frac
    assert form.weights["s"].lsb <= 2**-22
    qnet = quantize(net, forms)
    real, fixed = net.run(x), qnet.run(qnet.encode(x)[0])
    assert np.abs(real.get("s")).max() > 200 and not values_saturated(fixed)
    assert np.abs(fixed.value("s") - real.get("s")).max() < 4 * np.sqrt(STEPS / 12) * form.s.lsb


@pytest.mark.parametrize("source", ["x", "y", "gates"])
def test_a_source_whose_weights_are_all_0_costs_the_others_nothing(source):
    """Its format could be anything, so it must not make the scale that all share coarser."""
    rng = np.random.default_rng(5)
    net = linear(rng, "io", recurrent=0.25, gate_recurrence=True)
    (layer,) = net.layers
    x = rng.uniform(-0.2, 1.0, (2, 20, 3)) * (1e-3 if source == "y" else 1.0)
    cut = layer.shape.columns[source]
    for values in layer.weights.values():
        values[:, cut] = 0.0
    forms = choose_formats(net, 16, x)
    (form,) = forms.layers
    sources = {"x": forms.input, "y": form.y, "gates": form.gate}
    used = {
        name: max(np.abs(values[:, part]).max() for values in layer.weights.values())
        for name, part in layer.shape.columns.items()
        if name != source
    }
    used = {name: most for name, most in used.items() if most > 0}
    assert used and source not in used
    full = [Format.fitting(16, most).frac + sources[name].frac for name, most in used.items()]
    assert min(full) == form.weights[source].frac + sources[source].frac
    assert quantize(net, forms).saturated_weights == 0


def test_a_layer_without_any_weight_has_formats_and_keeps_its_biases():
    """However small the largest weight is, the biases still have codes."""
    for size in (0.0, 1e-18, 1e-9):
        net = linear(np.random.default_rng(6))
        (layer,) = net.layers
        for values in layer.weights.values():
            values[:] = size
        layer.biases["g"][:] = 0.5
        x = np.full((1, 8, 3), 1e-3)
        qnet = quantize(net, bits=16, calibrate=x)
        s = qnet.run(qnet.encode(x)[0]).value("s")
        np.testing.assert_allclose(s[0, :, 0], 0.5 * np.arange(1, 9), rtol=1e-3)


LOPSIDED = {  # inputs, weights of the inputs, weights of y, peepholes
    "large y": (20.0, 1.0, 0.002, None),
    "small x": (0.01, 100.0, 0.01, None),
    "large y, peepholes": (20.0, 1.0, 0.002, 0.01),
    "large states, small peepholes": (200.0, 1.0, 0.0005, 0.001),
}


@pytest.mark.parametrize("case", LOPSIDED.values(), ids=LOPSIDED)
def test_the_scale_that_sources_share_costs_no_accuracy(case):
    """Weights eight bits wider on a finer scale are no better: what is left is the states' own.

    x, y and the states are of very different sizes here, and all of them share one sum.
    """
    rng = np.random.default_rng(4)
    net, x = _lopsided(rng, *case)
    forms = choose_formats(net, 16, x)
    fine = replace(forms, layers=tuple(map(_wider, forms.layers)))
    assert fine.layers[0].weights["x"].width == 24
    errors, real = [], net.run(x)
    for some in (forms, fine):
        qnet = quantize(net, some)
        trace = qnet.run(qnet.encode(x)[0])
        assert qnet.saturated_weights == 0 and not values_saturated(trace)
        errors.append(np.sqrt(np.mean((trace.value("s") - real.get("s")) ** 2)))
    assert errors[0] < 1.2 * errors[1] < 3 * forms.layers[0].s.lsb


def _wider(form):
    weights = {
        name: Format(min(32, some.width + 8), some.frac + 8) for name, some in form.weights.items()
    }
    return replace(form, weights=weights)


def _lopsided(rng, size, by_x, by_y, seen, cells=8, inputs=3):
    def rows():
        parts = (by_x, inputs), (by_y, cells)
        return np.hstack([rng.uniform(-most, most, (cells, count)) for most, count in parts])

    options = {"g": "identity", "h": "identity"}
    if seen:
        options["peepholes"] = {kind: rng.uniform(-seen, seen, cells) for kind in "ifo"}
    biases = {kind: rng.uniform(-1, 1, cells) for kind in "ifog"}
    biases["f"] = np.full(cells, 4.0)
    net = Network((Layer({kind: rows() for kind in "ifog"}, biases, **options),))
    return net, rng.uniform(-size, size, (8, STEPS, inputs))
