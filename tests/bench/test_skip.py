"""The page on skipping says what its measurement gave."""

import json

from bench.bench_skip import HERE, table
from bench.pages import DOCS, written


def test_the_page_has_the_results():
    """No step took longer than the worst case, which costs at most 2 % of a dense step."""
    found = json.loads((HERE / "skip.json").read_text())
    assert written(DOCS / "measured.md", "skip") == table(found)
    for row in found["paces"].values():
        assert max(row["cycles"]) <= row["worst"] <= 1.02 * row["dense"]
    for result in found["networks"].values():
        for row in result["rows"].values():
            assert row["mean"] <= row["percentile_99"] <= row["most"] <= row["worst"]
