"""The parts of a network, run one after the other, are the network."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from golden.cell import Layer
from golden.network import Network
from rtl.offline.parts import Part, split
from tests.rtl.support import any_codes, head, quantized
from tests.rtl.test_core_cells import cell


def layers_of(rng: np.random.Generator, plan: str, width: int, **options) -> tuple[Layer, ...]:
    """Layers by letters: f forward, r reverse, p a pair of both."""
    found: list[Layer] = []
    for k, letter in enumerate(plan):
        cells = 2 + k % 2
        for reverse in {"f": (False,), "r": (True,), "p": (False, True)}[letter]:
            one = cell(rng, width, cells, **options)
            found.append(replace(one, reverse=reverse, beside=reverse and letter == "p"))
        width = found[-1].shape.outputs * (2 if letter == "p" else 1)
    return tuple(found)


def network(
    plan: str, output: str, end: str | None, before: tuple[tuple[int, str], ...] = (), **options
) -> QuantizedNetwork:
    """Layers as planned and a head of the stages `before`, then one of squash `end`."""
    rng = np.random.default_rng([*map(ord, plan + output + (end or ""))])
    layers = layers_of(rng, plan, 2, **options)
    width = layers[-1].shape.outputs * (2 if plan[-1] == "p" else 1)
    last = head(rng, width, *before, (3, end)) if end else ()
    return quantized(Network(layers, last, output=output), rng, 12)


SPLITS = {
    "p": [((0,), (1,))],
    "r": [((0,),)],
    "fr": [((0,),), ((1,),)],
    "ffrrf": [((0, 1),), ((2, 3),), ((4,),)],
    "fpf": [((0,),), ((1,), (2,)), ((3,),)],
    "pp": [((0,), (1,)), ((2,), (3,))],
}


@pytest.mark.parametrize("plan", SPLITS)
def test_layers_of_one_direction_are_one_part(plan):
    groups = split(network(plan, "every", None))
    assert [tuple(part.layers for part in group) for group in groups] == SPLITS[plan]
    shapes = [layer.shape for group in groups for part in group for layer in part.qnet.layers]
    assert not any(shape.reverse or shape.beside for shape in shapes)


def _run(part: Part, x: np.ndarray) -> np.ndarray:
    """What leaves a part, in the sequence's order."""
    turn = slice(None, None, -1 if part.reverse else None)
    out = part.qnet.run(x[turn]).out
    return {"every": out[turn], "first": out[:1], "last": out[-1:]}[part.leaving]


@pytest.mark.parametrize("end", (None, "identity", "sigma"))
@pytest.mark.parametrize("output", ("every", "last", "final"))
@pytest.mark.parametrize("plan", SPLITS)
def test_parts_in_turn_are_the_network(plan, output, end):
    """Each part's integer model on what the parts before gave; the whole network's on the input."""
    qnet = network(plan, output, end)
    codes = any_codes(np.random.default_rng(1), qnet, 1, 6)[0]
    x = codes
    for group in split(qnet):
        x = np.concatenate([_run(part, x) for part in group], axis=1)
    assert np.array_equal(x, qnet.run(codes).out)
