"""The rows against the paper's own figures and conditions, and all of them picklable."""

import pickle

import pytest

from golden.experiments import EXPERIMENTS, SLOW
from golden.network import check_words

COUNTS = {  # Tables 1 to 9: what the rows of LSTM need in the mean
    1: [39_740, 21_730, 14_060, 9_500, 8_440],
    2: [5_040, 5_680],  # and 2b, in the text
    3: [30_000, 31_000, 33_000, 38_000, 49_000, 49_000, 75_000, 135_000, 203_000],
    4: [27_380, 39_850, 58_370, 64_330, 446_850, 452_460],
    5: [41_740, 43_250, 74_950, 78_430, 481_060, 485_080],
    6: [269_650, 565_640],
    7: [74_000, 209_000, 853_000],
    8: [482_000, 1_273_000],
    9: [31_390, 571_100],
}

ROWS = [row for row in EXPERIMENTS.values() if row.own]


@pytest.mark.parametrize("table", COUNTS)
def test_every_row_of_a_table(table):
    rows = [row for row in ROWS if row.table == table]
    assert [count for row in rows for count in row.paper.sequences.values()] == COUNTS[table]


def test_the_rates():
    """Table 10."""
    rates = {"1-4x1-0.1": 0.1, "1-3x2-0.2": 0.2, "2a": 1.0, "2b": 1.0, "3a-100-3": 1.0}
    rates |= {"3b-100-1": 1.0, "3c-100-1": 0.1, "4-1000": 0.5, "5-13": 0.1, "6a": 0.5, "6b": 0.1}
    rates |= {name: 0.01 for name, row in EXPERIMENTS.items() if row.table == 3 and row.own}
    assert {name: EXPERIMENTS[name].rate for name in rates} == rates


def test_criteria_are_those_whose_counts_are_reported():
    for row in EXPERIMENTS.values():
        assert [stop.name for stop in row.stops] == list(row.paper.sequences)
        assert row.longest > 3 * max(row.paper.sequences.values())


def test_names_and_pickles():
    for name, row in EXPERIMENTS.items():
        assert row.name == name
        check_words(name, "")  # a network may have it
        assert pickle.loads(pickle.dumps(row)) == row


def test_slow_rows_are_rows():
    assert set(SLOW) < set(EXPERIMENTS)
