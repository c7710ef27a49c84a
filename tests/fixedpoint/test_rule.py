"""The rule of `--bits`: what it makes wide, by how much, and what it stays within."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import FormatError, choose_formats, quantize
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.rule import FINER, Rule
from fixedpoint.widths import Widths
from golden import Network
from tests.data.torch_lstm import load
from tests.fixedpoint.nets import forget_network, layer, paper_network, uniform


def widths(net, x, bits, **options):
    return Rule(bits, **options).widths(net, Seen.measure(net, x))


@pytest.mark.parametrize(
    ("bits", "tail"), [(4, 16), (8, 16), (14, 16), (15, 17), (16, 18), (18, 18), (20, 20)]
)
def test_what_the_lanes_multiply_is_narrow_and_the_tail_is_not(bits, tail):
    net, x = forget_network()
    found = widths(net, x, bits)
    assert (found.input, found.weights, found.y) == (bits, bits, bits)
    assert (found.gate, found.g, found.h) == (tail, tail, tail)
    assert found.out == max(bits, 16) and found.tight


def test_gates_that_are_sources_are_as_narrow_as_the_others():
    net, x = paper_network()
    found = widths(net, x, 8)
    assert (found.gate, found.g, found.h) == (8, 16, 16)


def seen(net, state, output):
    """The ranges of a network whose states and outputs were this large."""
    found = Seen.measure(net, np.ones((1, 5, net.inputs)))
    layers = tuple({**each, "s": state, "y": output} for each in found.layers)
    return replace(found, layers=layers)


@pytest.mark.parametrize(
    ("state", "bits", "width"),
    [
        (0.9, 16, 18),  # s18.16 beside s16.14: what a multiplier takes for nothing
        (3.5, 16, 18),  # s18.14 beside s16.14
        (4.5, 16, 18 + 1 + FINER),  # s18.13 would be coarser than y: s21.16
        (54.0, 16, 18 + 4 + FINER),
        (54.0, 8, 18),
        (1e6, 16, 32),  # no format is wider
    ],
)
def test_the_lsb_of_states_is_no_coarser_than_that_of_outputs(state, bits, width):
    net, _ = forget_network()
    found = Rule(bits).widths(net, seen(net, state, 1.0))
    assert found.s == width
    (form,) = formats_of(net, found, seen(net, state, 1.0)).layers
    assert form.s.frac >= form.y.frac or width == 32


def test_a_device_of_narrower_multipliers_has_them_filled():
    """States that a product has as an operand; those of 1997 cells may be as wide as they like."""
    net, _ = forget_network()
    assert Rule(16, multiplier=16).widths(net, seen(net, 54.0, 1.0)).s == 16
    paper = Network((layer(np.random.default_rng(0), 3, 4, kinds="io"),))
    assert Rule(16, multiplier=16).widths(paper, seen(paper, 54.0, 1.0)).s == 24


def test_peepholes_take_the_bits_of_a_fine_state():
    """Their products share the scale of the sum, so that a state of more bits left them fewer."""
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (2, 40, 3))
    plain, seeing = (Network((layer(rng, 3, 4, peepholes=seen),)) for seen in (False, True))
    assert widths(plain, x, 16).s == 18
    assert widths(seeing, x, 16).s == 16


def test_state_bits_are_what_was_asked_for():
    net, x = forget_network()
    assert widths(net, x, 16, state_bits=27) == replace(widths(net, x, 16), s=27)
    with pytest.raises(FormatError, match="bits of s 33: must be from 4 to 32"):
        widths(net, x, 16, state_bits=33)


@pytest.mark.parametrize(("bits", "most"), [(8, 4e-3), (16, 2e-5)])
def test_a_torch_lstm_is_within_its_target(bits, most):
    net, data = load()
    fixed = quantize(net, bits=bits, calibrate=data["input"])
    out = fixed.run(fixed.encode(data["input"])[0]).value("out")
    assert np.sqrt(np.mean((out - data["output"]) ** 2)) < most


@pytest.mark.parametrize("bits", [8, 16])
def test_the_rule_is_better_than_uniform_bits(bits):
    """Of states beyond 8, whose LSB is most of what uniform formats lose, a tenth of the error."""
    rng = np.random.default_rng(7)
    cells = layer(rng, 2, 6)
    cells.biases["f"][:] = 4.0
    net, x = Network((cells,)), rng.normal(0, 1, (2, 300, 2))
    assert np.abs(net.run(x).get("s")).max() > 8
    errors = []
    for forms in (uniform(net, bits, x), choose_formats(net, bits, x)):
        qnet = quantize(net, forms)
        errors.append(np.std(qnet.run(qnet.encode(x)[0]).value("out") - net.run(x).out))
    assert errors[1] < 0.3 * errors[0]


def test_bits_out_of_range_are_named():
    net, x = forget_network()
    with pytest.raises(FormatError, match="bits 3: must be from 4 to 20"):
        widths(net, x, 3)
    assert Widths.uniform(4).same
