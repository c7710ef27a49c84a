"""A run in pieces says what one in one piece says, of every figure, and keeps less."""

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import fixedpoint.network
import golden
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, Subject, prepare
from carousel.measure import accuracy, verdict
from carousel.run import pieces
from carousel.run.pieces import Whole
from fixedpoint.calibration import Seen
from fixedpoint.retention import gates_seen
from golden import pieces as held
from golden.tasks import TEMPORAL_ORDER
from tests.carousel import nets
from tests.carousel.conftest import network

STEPS, SEQUENCES = 160, 3
CLOSE = 1e-12  # in float, sums of other groups of sequences may be added up in another order


def close(value: float) -> Any:
    return pytest.approx(value, rel=0, abs=CLOSE)


def hold(monkeypatch, steps: int) -> None:
    """So many steps of all sequences at once."""
    monkeypatch.setattr(held, "HELD", steps * held.width(network()))


@pytest.fixture
def subject(tmp_path) -> Subject:
    """A random network for temporal order, which overflows its states here and there."""
    golden.save(network(), tmp_path / "m.npz")
    choice = Choice(12, state_bits=9)
    return prepare(tmp_path / "m.npz", choice, Given(sequences=SEQUENCES, length=STEPS))


@pytest.fixture(params=((3, STEPS), (3, 70), (3, 53), (3, 9), (2, 70), (1, STEPS)))
def both(request, monkeypatch, quick_sim, subject) -> tuple[Whole, Whole]:
    """The run in one piece and in several, of so many sequences and steps at most; the last have
    fewer where they have to."""
    side, steps = request.param
    once = pieces.run(subject, None)
    monkeypatch.setattr(held, "SIDE", side)
    hold(monkeypatch, steps * side)
    groups, cut = accuracy.cuts(subject)
    assert len(groups) == 1 + -(-SEQUENCES // side) and len(cut) == 1 + -(-STEPS // steps)
    return once, pieces.run(subject, None)


def test_errors_are_those_of_one_piece(both):
    once, several = (whole.measured.errors.signals for whole in both)
    assert once.keys() == several.keys()
    for name, want in once.items():
        have = several[name]
        for field in ("worst", "worst_fixed", "saturations", "count"):
            assert getattr(have, field) == getattr(want, field), (name, field)
        assert have.worst_real == close(want.worst_real) and have.max_abs == close(want.max_abs)
        for field in ("mean", "rmse", "rmse_lsb", "sqnr_db", "power", "level", "spread"):
            assert getattr(have, field) == pytest.approx(getattr(want, field)), (name, field)
        assert [(b.step, b.steps) for b in have.over_time] == [(t, 1) for t in range(STEPS)]
        for one, other in zip(want.over_time, have.over_time, strict=True):
            assert one.max_abs == close(other.max_abs) and one.rmse == pytest.approx(other.rmse)
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
        assert np.allclose(one.out, other.out, rtol=0, atol=CLOSE)
        assert all(
            np.allclose(getattr(a, part), getattr(b, part), rtol=0, atol=CLOSE)
            for a, b in zip(one.state, other.state, strict=True)
            for part in ("s", "y", "gates")
        )
    views = zip(once.views.items(), several.views.values(), strict=True)
    first, last = subject.inputs.lag or (0, 0)
    for (name, one), view in views:
        s = one.states[0]
        most = np.abs(s[:, first : last + 1] - s[:, first : first + 1]).max()
        assert view.change == close(most), name
        assert np.array_equal(view.steps, np.arange(STEPS))
        assert np.allclose(view.states[0], s, rtol=0, atol=CLOSE)
    assert np.array_equal(once.views["float"].states[0], subject.net.run(subject.inputs.x).get("s"))
    for one, other in zip(once.met, several.met, strict=True):
        assert replace(one, shut=0.0) == replace(other, shut=0.0)
        assert one.shut == pytest.approx(other.shut)


@pytest.mark.parametrize(("side", "steps"), [(3, 53), (1, 53), (1, STEPS), (2, 1)])
def test_a_comparison_is_that_of_one_piece(monkeypatch, subject, side, steps):
    """Without the gateware too; and formats, which follow from what is seen in pieces."""
    once, seen = accuracy.measure(subject), Seen.of(subject.net, subject.inputs.parts())
    monkeypatch.setattr(held, "SIDE", side)
    hold(monkeypatch, steps * side)
    several, brief = accuracy.measure(subject, keep=True), accuracy.measure(subject)
    assert not several.floating.layers and once.floating.layers
    for one, other, short in (
        (once.floating, several.floating, brief.floating),
        (once.fixed, several.fixed, brief.fixed),
    ):
        assert np.allclose(other.out, one.out, rtol=0, atol=CLOSE)
        assert np.array_equal(short.out, other.out[:, -1:])
    judged = [verdict.judge(subject, each) for each in (once, several, brief)]
    assert len({each.sentence for each in judged}) == 1 and judged[0].right
    assert several.fixed.saturations == once.fixed.saturations
    for name, want in once.errors.signals.items():
        have = several.errors.signals[name]
        assert (have.worst, have.count) == (want.worst, want.count)
        assert have.max_abs == close(want.max_abs)
        assert have.rmse == pytest.approx(want.rmse)
    again = Seen.of(subject.net, subject.inputs.parts())
    assert again.inputs == seen.inputs and again.out == close(seen.out)
    assert again.layers[0] == {name: close(value) for name, value in seen.layers[0].items()}
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
def test_what_cannot_go_on_is_cut_by_sequences_alone(monkeypatch, quick_sim, tmp_path, name):
    monkeypatch.setattr(held, "HELD", 1)
    golden.save(nets.every()[name], tmp_path / "m.npz")
    np.save(tmp_path / "x.npy", nets.sequences(2))
    subject = prepare(tmp_path / "m.npz", Choice(), Given((tmp_path / "x.npy",)))
    assert accuracy.cuts(subject) == ([0, 1, 2], [0, subject.inputs.length])
    found = pieces.run(subject, None)
    assert found.gateware.verdict.ok and found.gateware.verdict.codes
    want = subject.net.run(subject.inputs.x).out
    assert np.allclose(found.measured.floating.out, want, rtol=0, atol=CLOSE)
    assert np.array_equal(found.gateware.trace.out, subject.qnet.run(subject.codes).out)


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


def test_a_comparison_needs_no_more_memory_for_more_sequences(monkeypatch, tmp_path):
    """But for the input itself, and the last outputs and states of each."""
    golden.save(network(), tmp_path / "m.npz")
    for module in (verdict, fixedpoint.network):
        monkeypatch.setattr(module, "ROWS", 1_000)
    hold(monkeypatch, 200 * 70)
    peaks = []
    for count in (400, 4_000):
        subject = prepare(tmp_path / "m.npz", Choice(), Given(sequences=count, length=70))
        subject.qnet.run(subject.codes[:, :1])
        subject.__dict__.pop("codes")
        tracemalloc.start()
        verdict.judge(subject, accuracy.measure(subject))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 3_600 * 800  # bytes; an input has 4,480, its signals 11,200
