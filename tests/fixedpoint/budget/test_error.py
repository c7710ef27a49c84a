"""The error report says what a plain calculation says, and points at the worst place."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import compare, quantize
from fixedpoint.budget.error import merged, sqnr
from golden import InputError
from tests.fixedpoint.nets import forget_network, paper_network


@pytest.fixture
def pair():
    """A float run and the integer run of the same batch, 1997 cell."""
    net, x = paper_network()
    qnet = quantize(net, bits=10, calibrate=x)
    codes, _ = qnet.encode(x)
    return net.run(x), qnet.run(codes)


def test_every_signal_against_a_plain_calculation(pair):
    real, fixed = pair
    report = compare(real, fixed, block=15)
    want, have = dict(real.signals()), dict(fixed.real().signals())
    assert list(report.signals) == list(want)
    for name, error in report.signals.items():
        e = have[name] - want[name]
        place = tuple(int(k) for k in np.unravel_index(np.abs(e).argmax(), e.shape))
        assert error.max_abs == np.abs(e).max() == abs(e[error.worst]) and error.worst == place
        assert error.worst_real == want[name][place] and error.worst_fixed == have[name][place]
        assert error.mean == pytest.approx(e.mean())
        assert error.rmse**2 == pytest.approx((e**2).mean())
        assert error.max_lsb * error.lsb == pytest.approx(error.max_abs)
        assert error.rmse_lsb * error.lsb == pytest.approx(error.rmse)
        assert 10 ** (error.sqnr_db / 10) == pytest.approx((want[name] ** 2).sum() / (e**2).sum())
        assert [(b.step, b.steps) for b in error.over_time] == [(0, 15), (15, 15), (30, 10)]
        for b in error.over_time:
            part = e[:, b.step : b.step + b.steps]
            assert b.max_abs == np.abs(part).max() and b.rmse**2 == pytest.approx((part**2).mean())
    assert report.signals["0.s"].lsb == fixed.format("s").lsb


def test_a_planted_error_is_found(pair):
    """One value moved by 50 is the worst, at its sequence, step and unit, and in its block."""
    real, fixed = pair
    real.layers[0]["s"][2, 17, 3] -= 50.0
    error = compare(real, fixed).signals["0.s"]
    assert error.worst == (2, 17, 3) and error.max_abs == pytest.approx(50.0, abs=1.0)
    assert max(error.over_time, key=lambda b: b.max_abs).step == 17 and len(error.over_time) == 40


@pytest.mark.parametrize("count", [1, 2, 4, 7, 40, 99])
def test_merged_blocks_are_those_of_larger_blocks(pair, count):
    """Merging single steps says what measuring in blocks of as many steps says."""
    size = -(-40 // count)
    single, wide = compare(*pair).signals, compare(*pair, block=size).signals
    for name, error in single.items():
        found = merged(error.over_time, count)
        assert len(found) <= count
        for have, want in zip(found, wide[name].over_time, strict=True):
            assert (have.step, have.steps, have.max_abs) == (want.step, want.steps, want.max_abs)
            assert have.rmse == pytest.approx(want.rmse)


def test_an_output_of_the_last_step_only_is_placed_there():
    """The one output is of step 39 of 40, not of step 0; layers keep all their steps."""
    net, x = forget_network()
    net = replace(net, output="last")
    qnet = quantize(net, bits=10, calibrate=x)
    real, fixed = net.run(x), qnet.run(qnet.encode(x)[0])
    report = compare(real, fixed, block=15).signals
    e = fixed.real().out - real.out
    n, _, k = np.unravel_index(np.abs(e).argmax(), e.shape)
    assert report["out"].worst == (n, 39, k) and report["out"].worst_real == real.out[n, 0, k]
    assert [(b.step, b.steps) for b in report["out"].over_time] == [(39, 1)]
    assert [(b.step, b.steps) for b in report["0.y"].over_time] == [(0, 15), (15, 15), (30, 10)]


def test_one_sequence_is_sequence_0():
    net, x = forget_network()
    qnet = quantize(net, bits=10, calibrate=x)
    error = compare(net.run(x[0]), qnet.run(qnet.encode(x[0])[0])).signals["0.y"]
    assert error.worst[0] == 0 and len(error.over_time) == 40


def test_a_run_against_itself_is_exact(pair):
    _, fixed = pair
    for error in compare(fixed.real(), fixed).signals.values():
        assert error.max_abs == error.rmse == error.mean == 0 and error.sqnr_db == math.inf


def test_report_is_json(pair):
    real, fixed = pair
    plain = compare(real, fixed).as_dict()
    again = json.loads(json.dumps(plain, allow_nan=False))
    assert again["0.s"]["worst"] == list(plain["0.s"]["worst"]) and again["out"]["rmse"] > 0
    exact = compare(fixed.real(), fixed).as_dict()
    assert exact["0.s"]["sqnr_db"] is None and json.dumps(exact, allow_nan=False)


def test_saturations_go_with_their_signal(pair):
    real, fixed = pair
    counted = replace(fixed, saturations={**fixed.saturations, "0.s": 7, "out": 2})
    report = compare(real, counted)
    assert report.signals["0.s"].saturations == 7 and report.signals["out"].saturations == 2


def test_sqnr_of_known_numbers():
    assert sqnr(1.0, 0.01) == pytest.approx(20.0)
    assert sqnr(1.0, 0.0) == math.inf and sqnr(0.0, 1.0) == -math.inf


def test_other_traces_are_refused(pair):
    real, fixed = pair
    net, x = forget_network()
    with pytest.raises(InputError, match=r"^traces: signals 0.i, 0.f, .* must be the same$"):
        compare(net.run(x), fixed)
    net, x = paper_network()
    with pytest.raises(InputError, match=r"^signal 0.i: shapes \(3, 39, 2\) and \(3, 40, 2\)"):
        compare(net.run(x[:, 1:]), fixed)
    with pytest.raises(InputError, match="block of 0 steps"):
        compare(real, fixed, 0)
