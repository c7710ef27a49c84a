"""The embedded Reber grammar against its transitions, written out a second time."""

import re

import numpy as np
import pytest

from golden import InputError
from golden.batch import Batch
from golden.tasks import EMBEDDED_REBER
from golden.tasks.reber import LETTERS, embedded, encode, may_follow

GRAMMAR = re.compile(r"B([TP])B(?:(?:TS*X|PT*VP)(?:XT*VP)*(?:S|XT*VV)|PT*VV)E\1E")


def strings(count, seed=1):
    rng = np.random.default_rng(seed)
    return [embedded(rng) for _ in range(count)]


def test_strings_belong_to_the_grammar():
    found = strings(3000)
    assert all(GRAMMAR.fullmatch(string) for string in found)
    assert min(map(len, found)) == 9
    assert abs(np.mean([string[1] == "T" for string in found]) - 0.5) < 0.04
    assert abs(np.mean([string == "BTBTXSETE" for string in found]) - 1 / 16) < 0.02
    for wrong in ("BTBTXSEPE", "BTBTXPVVETE", "BTBTXETE", "BTBPVETE"):
        assert not GRAMMAR.fullmatch(wrong)


def test_the_symbols_that_may_come_next():
    """Of all strings with the same beginning, what comes next is what is allowed, and all of it; of
    an input with all its zeros the same."""
    seen, found = {}, strings(3000)
    batch = encode(found)
    dense = Batch.of(batch.dense(7), batch.target)
    legal = may_follow(batch)
    for string, rows, again in zip(found, legal, may_follow(dense), strict=True):
        for t in range(len(string) - 1):
            may = {LETTERS[k] for k in np.flatnonzero(rows[t])}
            assert string[t + 1] in may
            assert np.array_equal(rows[t], again[t])
            seen.setdefault(string[: t + 1], (set(), may))[0].add(string[t + 1])
    often = [pair for begin, pair in seen.items() if len(begin) <= 5]
    assert len(often) >= 14
    for have, may in often:
        assert have == may


def test_inputs_and_targets():
    batch = EMBEDDED_REBER.sequences(np.random.default_rng(2), 50)
    for symbols, target, length in zip(
        batch.index[:, :, 0], batch.target, batch.lengths, strict=True
    ):
        string = "".join(LETTERS[k] for k in symbols[:length]) + "E"
        assert GRAMMAR.fullmatch(string)
        assert "".join(LETTERS[k] for k in target[:length].argmax(axis=1)) == string[1:]
        assert np.array_equal(target.sum(axis=1), np.arange(len(target)) < length)


def test_what_is_right():
    """Legal symbols above all others at every step; what is behind the end does not matter."""
    batch = EMBEDDED_REBER.sequences(np.random.default_rng(3), 20)
    assert np.ptp(batch.lengths) > 0
    good = 0.1 + 0.2 * may_follow(batch)
    behind = np.arange(good.shape[1]) >= batch.lengths[:, None]
    good[behind] = 0.9
    assert EMBEDDED_REBER.right(batch, good).all()
    bad = good.copy()
    illegal = int(np.flatnonzero(~may_follow(batch)[4, 3])[0])
    bad[4, 3, illegal] = 0.31
    assert np.flatnonzero(~EMBEDDED_REBER.right(batch, bad)).tolist() == [4]
    assert np.abs(EMBEDDED_REBER.error(batch, batch.target + 0.1) - 0.1).max() < 1e-12


def test_training_and_test_sets():
    trained, tested = EMBEDDED_REBER.split(np.random.default_rng(4))
    assert (len(trained.strings), len(trained.held_out)) == (256, 256)
    assert not set(trained.strings) & set(trained.held_out)
    assert tested == EMBEDDED_REBER
    drawn = trained.sequences(np.random.default_rng(5), 3000)
    spelt = {
        "".join(LETTERS[k] for k in symbols[:length]) + "E"
        for symbols, length in zip(drawn.index[:, :, 0], drawn.lengths, strict=True)
    }
    assert spelt == set(trained.strings)


def test_a_length():
    x, target = EMBEDDED_REBER.batch(np.random.default_rng(6), 5, 11)
    assert x.shape == target.shape == (5, 11, 7)
    with pytest.raises(InputError, match="length 7, must be at least 8 steps"):
        EMBEDDED_REBER.batch(np.random.default_rng(6), 1, 7)
