"""Parts of pages that a measurement writes: between two comments that bear its name."""

import re
from pathlib import Path

from carousel.cli import output

DOCS = Path(__file__).parents[1] / "docs"


def _part(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)


def written(page: Path, name: str) -> str:
    """What stands there now.

    Raises
    ------
    ValueError : a page without the comments.
    """
    found = _part(name).search(page.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{page}: no part between <!-- {name} --> and <!-- end -->")
    return found.group(0).split("\n", 1)[1].removesuffix("<!-- end -->").strip("\n")


def write(page: Path, name: str, text: str) -> None:
    """Put `text` there in place of what stands there.

    Raises
    ------
    ValueError : a page without the comments.
    """
    written(page, name)
    before = page.read_text(encoding="utf-8")
    after = _part(name).sub(lambda m: f"{m.group(1)}\n{text}\n\n{m.group(2)}", before)
    with output.file(page) as other:
        other.write_text(after, encoding="utf-8")
