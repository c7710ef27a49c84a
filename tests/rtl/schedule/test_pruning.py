"""Pruning in the shape that a core leaves out."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import quantize
from golden import CarouselError, Dense, Network
from rtl import prune
from rtl.schedule.schedule import schedule_of
from tests.fixedpoint.nets import layer

RNG = np.random.default_rng(3)
X = RNG.uniform(-1, 1, (2, 30, 3))
HEAD = (Dense(RNG.normal(size=(5, 8)), RNG.normal(size=5)),)
NETWORKS = {
    "plain": Network((layer(RNG, 3, 8),), HEAD),
    "two layers": Network((layer(RNG, 3, 4), layer(RNG, 4, 8, peepholes=True)), HEAD),
    "projection": Network((layer(RNG, 3, 6, projection=8),), HEAD),
    "1997": Network((layer(RNG, 3, 4, size=2, kinds="io", recurrent=True),), HEAD),
    "dense stage in front": Network(
        (layer(RNG, 4, 8),),
        HEAD,
        stem=(Dense(RNG.normal(size=(4, 3)), RNG.normal(size=4)),),
        reads=((1,), (-1,), (0,)),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_as_many_clocks_fewer(name):
    """Three quarters of each stage's columns take no clock, nor does more."""
    pruned = quantize(prune(NETWORKS[name], 8, 0.75, X), bits=16, calibrate=X)
    phases = {}
    for phase in schedule_of(pruned, 8, every=True).phases:
        key = phase.layer, phase.yields == "y"
        phases[key] = phases.get(key, 0) + phase.ideal
    left = sum(clocks - int(0.75 * clocks) for clocks in phases.values())
    groups = len(schedule_of(pruned, 8).groups)  # one without any column has a clock nevertheless
    assert left <= schedule_of(pruned, 8).ideal_cycles <= left + groups


def test_what_matters_least_goes():
    """Columns of small weights, and of input that is small."""
    net = NETWORKS["plain"]
    (only,) = net.layers
    weights = {kind: np.ones_like(values) for kind, values in only.weights.items()}
    for values in weights.values():
        values[:, 5] = 0.01
    net = replace(net, layers=(replace(only, weights=weights),))
    pruned = prune(net, 8, 0.2, X * [1.0, 1e-6, 1.0]).layers[0]  # of 44 columns of 4 groups 8
    for values in pruned.weights.values():
        assert np.flatnonzero((values == 0).all(axis=0)).tolist() == [1, 5]
    assert prune(net, 8, 0.0, X).layers[0].weights["i"].tolist() == weights["i"].tolist()


@pytest.mark.parametrize("zeros", (-0.1, 1.0, float("nan")))
def test_a_share_out_of_range(zeros):
    with pytest.raises(CarouselError, match=f"zeros {zeros}: must be from 0 to below 1"):
        prune(NETWORKS["plain"], 8, zeros, X)
