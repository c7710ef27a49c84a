"""The table of docs/boards.md is of today's Verilog."""

import json
from dataclasses import replace

import pytest

from bench import boards, pages

FOUND = json.loads(boards.FOUND.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", boards.CASES, ids=lambda case: case.board)
def test_what_was_built_is_todays_verilog(case):
    """Where it is not: `python -m bench.boards` builds anew."""
    kept = FOUND[case.board]["verilog_sha256"]
    assert case.verilog() == kept
    assert replace(case, lanes=3).verilog() != kept


def test_the_page_has_the_table_of_the_builds():
    assert boards.table(FOUND).markdown() == pages.written(pages.DOCS / "boards.md", "boards")
    assert list(FOUND) == [case.board for case in boards.CASES]
    for case in boards.CASES:
        assert [each["seed"] for each in FOUND[case.board]["seeds"]] == list(case.seeds)
