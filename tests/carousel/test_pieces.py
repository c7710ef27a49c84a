"""A run in pieces says what one in one piece says, of every figure, and keeps less."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import golden
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, Subject, prepare
from carousel.measure import accuracy
from carousel.run import pieces
from carousel.run.pieces import Whole
from fixedpoint.calibration import Seen
from fixedpoint.retention import gates_seen
from golden import pieces as held
from golden.tasks import TEMPORAL_ORDER
from tests.carousel import nets
from tests.carousel.conftest import network

STEPS, SEQUENCES = 160, 3


def hold(monkeypatch, steps: int) -> None:
    """So many steps of all sequences at once."""
    monkeypatch.setattr(held, "HELD", steps * held.width(network()))


@pytest.fixture
def subject(tmp_path) -> Subject:
    """A random network for temporal order, which overflows its states here and there."""
    golden.save(network(), tmp_path / "m.npz")
    choice = Choice(12, state_bits=9)
    return prepare(tmp_path / "m.npz", choice, Given(sequences=SEQUENCES, length=STEPS))


@pytest.fixture(params=(STEPS, 70, 53, 9))
def both(request, monkeypatch, quick_sim, subject) -> tuple[Whole, Whole]:
    """The run in one piece and in several; steps of the last piece are fewer where they have to."""
    once = pieces.run(subject, None)
    hold(monkeypatch, request.param * SEQUENCES)
    several = pieces.run(subject, None)
    held = several.measured.floating.get("s").shape[1]
    assert held == STEPS if request.param == STEPS else held <= request.param
    return once, several


def test_errors_are_those_of_one_piece(both):
    once, several = (whole.measured.errors.signals for whole in both)
    assert once.keys() == several.keys()
    for name, want in once.items():
        have = several[name]
        for field in ("max_abs", "worst", "worst_real", "worst_fixed", "saturations", "count"):
            assert getattr(have, field) == getattr(want, field), (name, field)
        for field in ("mean", "rmse", "rmse_lsb", "sqnr_db", "power"):
            assert getattr(have, field) == pytest.approx(getattr(want, field)), (name, field)
        assert [(b.step, b.steps) for b in have.over_time] == [(t, 1) for t in range(STEPS)]
        for one, other in zip(want.over_time, have.over_time, strict=True):
            assert one.max_abs == other.max_abs and one.rmse == pytest.approx(other.rmse)
    saturations = [whole.measured.fixed.saturations for whole in both]
    assert saturations[0] == saturations[1] and sum(saturations[0].values()) > 0


def test_outputs_states_and_gates_are_those_of_one_piece(both, subject):
    once, several = both
    for one, other in (
        (once.measured.floating, several.measured.floating),
        (once.measured.fixed, several.measured.fixed),
        (once.gateware.trace, several.gateware.trace),
        (once.gateware.real, several.gateware.real),
    ):
        assert np.array_equal(one.out, other.out)
        assert all(
            np.array_equal(getattr(a, part), getattr(b, part))
            for a, b in zip(one.state, other.state, strict=True)
            for part in ("s", "y", "gates")
        )
    traces = once.measured.floating, once.measured.fixed.real(), once.gateware.real
    first, last = subject.inputs.lag or (0, 0)
    for (name, view), trace in zip(several.views.items(), traces, strict=True):
        s = trace.get("s")
        assert view.change == np.abs(s[:, first : last + 1] - s[:, first : first + 1]).max(), name
        assert np.array_equal(view.steps, np.arange(STEPS))
        assert np.array_equal(view.states[0], s)
    for one, other in zip(once.met, several.met, strict=True):
        assert replace(one, shut=0.0) == replace(other, shut=0.0)
        assert one.shut == pytest.approx(other.shut)


def test_a_comparison_is_that_of_one_piece(monkeypatch, subject):
    """Without the gateware too; and formats, which follow from what is seen in pieces."""
    once, seen = accuracy.measure(subject), Seen.of(subject.net, subject.inputs.parts())
    hold(monkeypatch, 53 * SEQUENCES)
    several = accuracy.measure(subject)
    assert several.floating.get("s").shape[1] <= 53 < once.floating.get("s").shape[1]
    assert np.array_equal(several.fixed.out, once.fixed.out)
    assert several.fixed.saturations == once.fixed.saturations
    for name, want in once.errors.signals.items():
        have = several.errors.signals[name]
        assert (have.max_abs, have.worst, have.count) == (want.max_abs, want.worst, want.count)
        assert have.rmse == pytest.approx(want.rmse)
    assert Seen.of(subject.net, subject.inputs.parts()) == seen
    whole = gates_seen.met(subject.qnet.layers, subject.qnet.run(subject.codes))
    for one, other in zip(whole, gates_seen.over(subject.qnet, subject.codes), strict=True):
        assert replace(one, shut=0.0) == replace(other, shut=0.0)


def test_every_code_is_compared(both):
    once, several = (whole.gateware for whole in both)
    assert several.verdict.ok and several.verdict == once.verdict
    assert several.trace.saturations == once.trace.saturations
    assert several.trace.clocks > 0 and several.length == STEPS


def test_a_curve_is_thinned_evenly_over_pieces(monkeypatch, quick_sim, subject):
    hold(monkeypatch, 53 * SEQUENCES)
    monkeypatch.setattr(pieces, "POINTS", 25)
    view = pieces.run(subject, None).views["float"]
    assert view.steps.tolist() == list(range(0, STEPS, 7))
    whole = subject.net.run(subject.inputs.x).get("s")
    assert np.array_equal(view.states[0], whole[:, ::7])


def test_a_wrong_code_is_found_in_the_piece_and_at_the_step_where_it_is(
    monkeypatch, quick_sim, subject
):
    hold(monkeypatch, 40 * SEQUENCES)
    answer, calls = pieces.gateware.sim.simulate, []

    def simulate(*words, **options):
        trace = answer(*words, **options)
        calls.append(options["state"])
        if len(calls) == 3:
            trace.layers[0]["s"][1, 5, 0] += 1
        return trace

    monkeypatch.setattr(pieces.gateware.sim, "simulate", simulate)
    verdict = pieces.run(subject, None).gateware.verdict
    assert len(calls) == 4 and verdict.wrong == 1
    assert verdict.first and (verdict.first.sequence, verdict.first.step) == (1, 2 * 40 + 5)


@pytest.mark.parametrize("name", ["last", "both"])
def test_what_cannot_go_on_is_run_as_a_whole(monkeypatch, quick_sim, tmp_path, name):
    monkeypatch.setattr(held, "HELD", 1)
    golden.save(nets.every()[name], tmp_path / "m.npz")
    np.save(tmp_path / "x.npy", nets.sequences(2))
    subject = prepare(tmp_path / "m.npz", Choice(), Given((tmp_path / "x.npy",)))
    found = pieces.run(subject, None)
    assert found.gateware.verdict.ok
    assert (
        found.measured.floating.get("s").shape == subject.net.run(subject.inputs.x).get("s").shape
    )


@pytest.mark.parametrize("what", ["run", "compare", "hold", "formats"])
def test_memory_grows_by_input_and_outputs_alone(monkeypatch, quick_sim, tmp_path, what):
    """Four times the steps take less than half as much more as all signals would."""
    golden.save(network(), tmp_path / "m.npz")
    hold(monkeypatch, 1_000)
    works = {
        "run": lambda subject: pieces.run(subject, None),
        "compare": accuracy.measure,
        "hold": lambda subject: gates_seen.over(subject.qnet, subject.codes),
        "formats": lambda subject: Seen.of(subject.net, subject.inputs.parts()),
    }
    peaks = []
    for steps in (2_000, 8_000):
        subject = prepare(tmp_path / "m.npz", Choice(), Given(sequences=1, length=steps))
        subject.qnet.run(subject.codes[:, :1])  # makes the tables
        tracemalloc.start()
        works[what](subject)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    outputs = 6_000 * 8 * TEMPORAL_ORDER.outputs
    assert peaks[1] - peaks[0] < 12 * outputs
