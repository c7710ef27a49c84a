"""Cores that skip columns: every code and every clock is what model and schedule say."""

from collections.abc import Iterator
from itertools import count, islice

import numpy as np
import pytest
from amaranth.hdl import Const

from fixedpoint.network import QuantizedNetwork
from fixedpoint.thresholds import with_thresholds
from golden.errors import CarouselError
from rtl import CoreOptions, plan
from rtl.schedule import latency
from rtl.skipping.input import InputLists
from rtl.skips import check_skip
from sim import check, simulate, stress
from tests.sim.cases import any_codes, random_case, small_network
from tests.sim.test_wired import wired_case

# gate recurrence, two streams; peepholes and a projection, with a threshold; both with a state port
FEW, MANY = (4, 5), 40
# a stem behind the input; inputs joined of several stages, on few lanes and on many
WIRED = (5, 1, 3, 7, 8, 9, 10, 12, 13, 14)


def fitting(reverse: bool = False) -> Iterator[int]:
    """The random configurations that such a core can run, those with reverse layers or without."""
    for seed in count():
        qnet = random_case(seed).qnet
        try:
            check_skip(qnet, CoreOptions(skip="zero"))
        except CarouselError:
            continue
        if reverse == (qnet.first_reverse is not None):
            yield seed


def case(number: int) -> tuple[QuantizedNetwork, dict]:
    seed = next(islice(fitting(), number, None))
    found, rng = random_case(seed), np.random.default_rng(seed)
    qnet, skip = found.qnet, ("zero", "unchanged", "unchanged")[number % 3]
    if number % 3 == 2:
        high = min(qnet.formats.input.high, *(each.y.high for each in qnet.formats.layers))
        most = [rng.integers(0, 1 + high // 8) for _ in qnet.thresholds]
        qnet = with_thresholds(qnet, tuple(map(int, most)))
    more = {"streams": 1 + (number % 3 == 1), "state_port": number % 8 > 0}
    return qnet, {"lanes": found.lanes, "skip": skip, **more}


def wired(number: int) -> tuple[QuantizedNetwork, dict]:
    """A random configuration with dense stages in front of layers, and with inputs that are joined;
    every other one with two streams."""
    found = wired_case(number)
    skip, streams = ("unchanged", "zero")[number % 3 == 2], 1 + number % 2
    return found.qnet, {"lanes": found.lanes, "skip": skip, "streams": streams}


def turned(number: int) -> tuple[QuantizedNetwork, dict]:
    """A random configuration with reverse layers."""
    found = random_case(next(islice(fitting(reverse=True), number, None)))
    return found.qnet, {"lanes": found.lanes, "skip": ("unchanged", "zero")[number % 2]}


def run(number: int, build_dir, kind=case) -> None:
    qnet, options = kind(number)
    found = stress(qnet, **options, seed=number, resets=4, build_dir=build_dir)
    assert found.ok, f"{qnet}, {options}, {qnet.thresholds}: {found}"
    assert found.codes


@pytest.mark.parametrize("number", FEW)
def test_random_configuration(number, build_dir):
    """One of each kind: no code, mark, counter or clock differs, whatever the streams do, however
    long the sequences are, from whatever state they go on, and after resets."""
    run(number, build_dir)


def test_stages_in_front_of_layers(build_dir):
    """The same of a dense stage in front of a layer, which must not overtake the step before."""
    run(WIRED[0], build_dir, wired)


@pytest.fixture
def held() -> QuantizedNetwork:
    return with_thresholds(small_network(), (0, 2000))


def test_another_threshold_is_seen(held, build_dir):
    """A core whose threshold is not the model's gives other codes."""
    codes = any_codes(np.random.default_rng(1), held, 3, 30) // 4
    hw = simulate(held, codes, lanes=4, skip="unchanged", build_dir=build_dir)
    assert check(held, codes, hw).ok
    assert check(with_thresholds(held, (0, 3000)), codes, hw).wrong


@pytest.mark.soak
def test_a_state_is_gone_on_from(held, build_dir):
    """Cut anywhere, a run is the same, and so is the state that is left; another state is seen."""
    exact, options = with_thresholds(held, (0,)), {"lanes": 4, "skip": "unchanged"}
    codes, start = any_codes(np.random.default_rng(3), held, 2, 9) // 4, exact.initial_state(2)
    whole = exact.run(codes)
    first = simulate(exact, codes[:, :4], state=start, build_dir=build_dir, **options)
    second = simulate(exact, codes[:, 4:], state=first.state, build_dir=build_dir, **options)
    assert check(exact, codes[:, 4:], second, first.state).ok
    assert np.array_equal(second.out, whole.out[:, 4:])
    assert all(np.array_equal(a.y, b.y) for a, b in zip(second.state, whole.state, strict=True))
    assert not check(exact, codes[:, 4:], second, start).ok


def test_input_that_is_not_listed_anew_is_seen(held, build_dir, monkeypatch):
    """Planted: the first vector behind a state is listed as different from the one before."""
    monkeypatch.setattr(InputLists, "_behind_state", lambda *_: Const(0))
    codes = any_codes(np.random.default_rng(5), held, 2, 3)
    core, start = plan(held, CoreOptions(4, skip="unchanged")), held.initial_state(2)
    hw = simulate(core, codes, state=start, build_dir=build_dir)
    assert check(held, codes, hw, start).wrong


def test_a_clock_too_many_is_seen(held, build_dir, monkeypatch):
    """Steps that end a clock sooner than the schedule says are a fault, and so is the pace."""
    codes = any_codes(np.random.default_rng(2), held, 2, 12)
    core = plan(held, CoreOptions(4, skip="unchanged"))
    assert simulate(core, codes, build_dir=build_dir).faults == ()
    monkeypatch.setattr(latency, "LISTED", latency.LISTED + 1)
    faults = " ".join(simulate(core, codes, build_dir=build_dir).faults)
    assert "counter `cycles`" in faults


@pytest.mark.soak
@pytest.mark.parametrize("number", range(MANY))
def test_random_configuration_soak(number, build_dir):
    run(number, build_dir)


@pytest.mark.soak
@pytest.mark.parametrize("number", WIRED)
def test_wired_configuration_soak(number, build_dir):
    run(number, build_dir, wired)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(6))
def test_reverse_configuration_soak(number, build_dir):
    run(number, build_dir, turned)
