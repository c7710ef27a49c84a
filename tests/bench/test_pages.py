"""Parts of pages that a measurement writes."""

import pytest

from bench import pages


def test_a_part_is_replaced_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- one -->\nold\n<!-- end -->\n\nb\n\n<!-- two -->\n<!-- end -->\n")
    pages.write(page, "one", r"new \1")
    pages.write(page, "two", "other")
    assert pages.written(page, "one") == r"new \1" and pages.written(page, "two") == "other"
    assert (
        page.read_text().startswith("# A\n\n<!-- one -->\n\nnew")
        and "\n\nb\n\n" in page.read_text()
    )


def test_a_page_without_the_part(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n")
    with pytest.raises(ValueError, match="no part between <!-- one --> and <!-- end -->"):
        pages.write(page, "one", "new")
    assert page.read_text() == "# A\n"
