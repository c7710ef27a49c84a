"""The tasks against the paper's statement: lengths, positions, symbols, classes, balance."""

import numpy as np
import pytest

from golden import InputError
from golden.tasks import CLASSES, SYMBOLS, TEMPORAL_ORDER, adding


def letters(x):
    """One-hot (T, 8) back to text."""
    assert np.array_equal(np.sort(x, axis=-1), np.tile([0.0] * 7 + [1.0], (len(x), 1)))
    return "".join(SYMBOLS[k] for k in x.argmax(axis=-1))


@pytest.mark.parametrize("length", [62, 100, 110, 1250])
def test_temporal_order_at_any_length(length):
    x, targets = TEMPORAL_ORDER.batch(np.random.default_rng(length), 400, length)
    assert x.shape == (400, length, 8)
    assert targets.shape == (400, 4)
    firsts, seconds, fillers = set(), set(), set()
    for sequence, target in zip(x, targets, strict=True):
        text = letters(sequence)
        assert (text[0], text[-1]) == ("E", "B")
        at = [t for t, symbol in enumerate(text) if symbol in "XY"]
        assert len(at) == 2
        firsts.add(at[0])
        seconds.add(at[1])
        fillers.update(text[t] for t in range(1, length - 1) if t not in at)
        assert sorted(target) == [0, 0, 0, 1]
        assert CLASSES[int(target.argmax())] == text[at[0]] + text[at[1]]
    assert firsts == set(range(10, 21))
    assert seconds == set(range(50, 61))
    assert fillers == set("abcd")


def test_temporal_order_is_balanced():
    x, targets = TEMPORAL_ORDER.batch(np.random.default_rng(1), 4000, 100)
    assert np.abs(targets.mean(axis=0) - 0.25).max() < 0.03  # 4.4 standard deviations
    share = x[:, 1:-1].mean(axis=(0, 1))
    assert np.abs(share[2:6] - 96 / 98 / 4).max() < 0.005
    assert share[0] == share[1] == 0


def test_adding_follows_the_paper():
    task = adding(100)
    x, targets = task.batch(np.random.default_rng(2), 3000, 107)
    values, markers = x[:, :, 0], x[:, :, 1]
    assert np.abs(values).max() <= 1
    assert np.all((markers == 1).sum(axis=1) == 2)
    assert np.all(markers[:, -1] == -1)
    assert np.all(np.isin(markers[:, 1:-1], (0, 1)))
    first_marked = markers[:, 0] == 1
    assert np.all(markers[~first_marked, 0] == -1)
    assert np.all(values[first_marked, 0] == 0)
    want = 0.5 + np.where(markers == 1, values, 0).sum(axis=1) / 4
    assert np.abs(targets[:, 0] - want).max() < 1e-15
    at = [np.flatnonzero(row == 1) for row in markers]
    assert {int(pair[0]) for pair in at} == set(range(10))
    assert {int(pair[1]) for pair in at} == set(range(1, 49))


def test_adding_marks_evenly():
    """First draw even over 10 pairs, second over the 48 that are left of the first 49."""
    markers = adding(100).batch(np.random.default_rng(3), 20_000, 100)[0][:, :, 1]
    hits = (markers == 1).mean(axis=0)
    low = 0.1 + 0.9 / 48
    assert np.abs(hits[:10] - low).max() < 0.01
    assert np.abs(hits[10:49] - 1 / 48).max() < 0.005
    assert not hits[49:].any()


@pytest.mark.parametrize("task", [TEMPORAL_ORDER, adding(100)], ids=lambda task: task.name)
def test_sequences(task):
    rng = np.random.default_rng(4)
    drawn = [task.sequence(rng) for _ in range(300)]
    assert {len(x) for x, _ in drawn} == set(range(100, 111))
    assert {x.shape[1] for x, _ in drawn} == {task.inputs}
    assert {target.shape for _, target in drawn} == {(task.outputs,)}
    assert len(task.sequence(rng, (70, 70))[0]) == 70


@pytest.mark.parametrize("task", [TEMPORAL_ORDER, adding(50)], ids=lambda task: task.name)
def test_a_seed_gives_the_same_sequences(task):
    one, two, other = (task.batch(np.random.default_rng(seed), 3, 100) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_correct():
    target = np.array([[0.0, 1.0, 0.0, 0.0]] * 3)
    out = np.array([[0.29, 0.71, -0.29, 0.0], [0.0, 0.69, 0.0, 0.0], [0.3, 1.0, 0.0, 0.0]])
    assert TEMPORAL_ORDER.correct(out, target).tolist() == [True, False, False]
    assert adding(100).correct(np.array([[0.539], [0.541]]), np.array([[0.5]])).tolist() == [
        True,
        False,
    ]
    assert not TEMPORAL_ORDER.correct(np.full(4, np.nan), target[0])


def test_bad_requests():
    rng = np.random.default_rng(7)
    with pytest.raises(InputError, match="temporal order: length 61, must be at least 62 steps"):
        TEMPORAL_ORDER.batch(rng, 1, 61)
    with pytest.raises(InputError, match="adding: length 50, must be at least 51 steps"):
        adding(100).batch(rng, 1, 50)
    with pytest.raises(InputError, match="0 sequences, must be at least 1"):
        TEMPORAL_ORDER.batch(rng, 0, 100)
    with pytest.raises(InputError, match="lengths from 110 to 100"):
        TEMPORAL_ORDER.sequence(rng, (110, 100))
    with pytest.raises(InputError, match="adding: 23 steps, must be at least 24"):
        adding(23)
