"""Cores that skip columns: every code and every clock is what model and schedule say."""

from collections.abc import Iterator
from itertools import count, islice

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from fixedpoint.thresholds import with_thresholds
from golden.errors import CarouselError
from rtl import CoreOptions
from rtl.skips import check_skip
from sim import stress
from tests.sim.cases import random_case

FEW, MANY = 3, 40


def fitting() -> Iterator[int]:
    """The random configurations that such a core can run."""
    for seed in count():
        try:
            check_skip(random_case(seed).qnet, CoreOptions(skip="zero"))
        except CarouselError:
            continue
        yield seed


def case(number: int) -> tuple[QuantizedNetwork, dict]:
    seed = next(islice(fitting(), number, None))
    found, rng = random_case(seed), np.random.default_rng(seed)
    qnet, skip = found.qnet, ("zero", "unchanged", "unchanged")[number % 3]
    if number % 3 == 2:
        high = min(qnet.formats.input.high, *(each.y.high for each in qnet.formats.layers))
        most = [rng.integers(0, 1 + high // 8) for _ in qnet.thresholds]
        qnet = with_thresholds(qnet, tuple(map(int, most)))
    return qnet, {"lanes": found.lanes, "skip": skip}


def run(number: int, build_dir) -> None:
    qnet, options = case(number)
    found = stress(qnet, **options, seed=number, resets=4, build_dir=build_dir)
    assert found.ok, f"{qnet}, {options}, {qnet.thresholds}: {found}"
    assert found.codes


@pytest.mark.parametrize("number", range(FEW))
def test_random_configuration(number, build_dir):
    """One of each kind: no code, mark, counter or clock differs, whatever the streams do, however
    long the sequences are, and after resets."""
    run(number, build_dir)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(MANY))
def test_random_configuration_soak(number, build_dir):
    run(number, build_dir)
