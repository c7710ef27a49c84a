"""Comparing traces: nothing that differs, is missing or has another shape may pass."""

from dataclasses import replace

import numpy as np

from golden import mismatches
from tests.golden import nets


def run(steps=6):
    rng = np.random.default_rng(31)
    return nets.paper_1997(rng).run(rng.normal(size=(steps, 3)))


def test_names_and_access():
    trace = run()
    assert [name for name, _ in trace.signals()] == ["0.i", "0.o", "0.g", "0.s", "0.y", "out"]
    assert trace.get("s") is trace.layers[0]["s"]
    assert trace.get("out") is trace.out


def test_equal_traces():
    assert not any(mismatches(run(), run()).values())


def test_one_value_one_mismatch():
    one, other = run(), run()
    other.layers[0]["s"][3, 1] += 1e-16 + abs(other.layers[0]["s"][3, 1]) * 1e-15
    found = mismatches(one, other)
    assert found.pop("0.s") == 1
    assert not any(found.values())


def test_a_signal_that_is_missing_or_of_another_shape_differs_wholly():
    one, other = run(), run()
    del other.layers[0]["g"]
    assert mismatches(one, other)["0.g"] == 6 * 4
    assert mismatches(other, one)["0.g"] == 6 * 4
    assert mismatches(one, replace(one, out=one.out[:5]))["out"] == 6 * 2


def test_not_a_number_is_a_mismatch():
    one = run()
    one.out[0, 0] = np.nan
    assert mismatches(one, one)["out"] == 1
