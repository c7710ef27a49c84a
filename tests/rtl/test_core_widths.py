"""The core at every width of codes, equal and mixed, code for code the integer model's."""

from dataclasses import replace

import numpy as np
import pytest

import fixedpoint
from fixedpoint.formats import Format
from tests.fixedpoint.nets import uniform
from tests.rtl.support import agree, any_codes, make_core, run_core, stack

WIDTHS = range(4, 19)


@pytest.mark.parametrize("bits", WIDTHS)
def test_one_width_for_all(bits):
    """Inputs, weights, gates, states and outputs of so many bits."""
    rng = np.random.default_rng(bits)
    net = stack(rng, 2, 3, outputs=2)
    qnet = fixedpoint.quantize(net, uniform(net, bits, rng.normal(size=(4, 12, 2))))
    layer = qnet.formats.layers[0]
    assert {qnet.formats.input.width, layer.weights["x"].width, layer.s.width} == {bits}
    codes = any_codes(rng, qnet, 2, 6)
    core = make_core(qnet, 5, probe=True)
    assert agree(core.plan, run_core(core, codes, idle=0.2, back_pressure=0.2), codes)


def _wider(form: Format, width: int) -> Format:
    """The same range in another number of bits."""
    return replace(form, width=width, frac=form.frac + width - form.width)


@pytest.mark.parametrize(
    ("weights", "inputs", "state"),
    [(4, 18, 4), (18, 4, 18), (4, 4, 18), (18, 18, 4), (9, 13, 17), (5, 9, 16)],
)
def test_widths_apart(weights, inputs, state):
    """Weights, inputs (and with them outputs, which add up with them), and states each of a width
    of their own."""
    rng = np.random.default_rng(weights + 20 * inputs + 400 * state)
    net = stack(rng, 3, 4, 2)
    formats = fixedpoint.choose_formats(net, 10, rng.normal(size=(4, 12, 3)))
    layers = []
    for layer in formats.layers:
        s, y = _wider(layer.s, state), _wider(layer.y, inputs)
        own = {source: _wider(form, weights) for source, form in layer.weights.items()}
        layers.append(replace(layer, s=s, y=y, weights=own))
    formats = replace(formats, input=_wider(formats.input, inputs), layers=tuple(layers))
    qnet = fixedpoint.quantize(net, formats)
    core = make_core(qnet, 6, probe=True)
    program = core.program
    assert (program.paths.weight, program.paths.s) == (weights, state)
    codes = any_codes(rng, qnet, 2, 6)
    assert agree(core.plan, run_core(core, codes), codes)
