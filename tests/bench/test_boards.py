"""The page on boards says what builds of today's Verilog gave."""

import json

import pytest

from bench.bench_boards import CASES, HERE, table
from bench.pages import DOCS, written

FOUND = json.loads((HERE / "boards.json").read_text())


def test_the_page_has_the_results():
    assert list(FOUND) == list(CASES)
    assert written(DOCS / "boards.md", "boards") == table(FOUND)


@pytest.mark.parametrize("board", CASES)
def test_the_verilog_that_was_built_is_todays(board):
    """Where it is not: `python -m bench.bench_boards` builds it anew."""
    assert CASES[board].verilog == FOUND[board]["verilog"]
