"""The page on devices says what the placed cores gave."""

import json

from bench.bench_placed import CASES, HERE, table
from bench.pages import DOCS, written


def test_the_page_has_the_results():
    found = json.loads((HERE / "placed.json").read_text())
    assert set(found) <= set(CASES)
    assert written(DOCS / "fpga.md", "placed") == table(found)
