"""Tables for a terminal of 80 columns."""

import io
import re

from rich.console import Console

from bench.pages import DOCS
from carousel.experiments.page import NARROW
from carousel.report.tables import Table


def shown(table: Table) -> str:
    """The table on 80 columns."""
    text = io.StringIO()
    table.show(Console(file=text, width=80))
    return text.getvalue()


def of_experiments() -> Table:
    """All that is on the page of the campaign about gateware."""
    text = (DOCS / "experiments.md").read_text(encoding="utf-8")
    lines = re.search(r"^\| model \| seed .*\n(?:\|.*\n)+", text, flags=re.MULTILINE)
    assert lines
    cells = [re.split(r" *\| *", line.strip("| ")) for line in lines[0].splitlines()]
    return Table.of("", cells[0], cells[2:])


def test_the_table_of_experiments_keeps_the_words_of_its_head_whole():
    narrow, wide = of_experiments().only(NARROW), of_experiments()
    text = shown(narrow)
    words = {word for name in NARROW for word in name.split()}
    assert all(re.search(rf"(?<!\S){word}(?!\S)", text) for word in words)
    assert not re.search(r"(?<!\S)model(?!\S)", shown(wide))  # which is why some are left out


def test_columns_are_taken_in_the_order_that_is_asked_for():
    table = Table.of("title", ("a", "b", "c"), [(1, 2, 3), (4, 5, 6)])
    assert table.only(("c", "a")) == Table.of("title", ("c", "a"), [(3, 1), (6, 4)])
