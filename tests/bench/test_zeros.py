"""The page on weights of 0 says what its measurement gave."""

import json

from bench.bench_zeros import HERE, table
from bench.pages import DOCS, written


def test_the_page_has_the_results():
    """And planned clocks were the measured ones."""
    found = json.loads((HERE / "zeros.json").read_text())
    assert written(DOCS / "zeros.md", "zeros") == table(found)
    for row in (row for result in found.values() for row in result["zeros"].values()):
        assert row["cycles"] == row["measured"] <= row["without"]
