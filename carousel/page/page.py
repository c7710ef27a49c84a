"""The page's file: HTML, style and scripts as they lie next to this module, put together."""

import json
from pathlib import Path
from typing import Any

from golden import InputError

LARGEST = 1_000_000  # bytes
SCRIPTS = ("gateware", "float", "draw", "safe", "history", "signals", "network", "check", "start")
DATA = '<script type="application/json" id="data">'


def render(contents: dict[str, Any]) -> str:
    """The whole file."""
    text = _file("page.html").replace("/* style */", _file("page.css"))
    scripts = "\n".join(f"<script>\n{_file(f'{name}.js')}</script>" for name in SCRIPTS)
    # no text of the data can end the element that holds it
    data = json.dumps(contents, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return text.replace("<!-- scripts -->", f"{DATA}{data}</script>\n{scripts}")


def read(text: str) -> dict[str, Any]:
    """The contents of a page."""
    return json.loads(text.split(DATA)[1].split("</script>")[0])


def check_size(name: str, text: str) -> None:
    """`InputError` where a page is larger than a page may be."""
    size = len(text.encode())
    if size > LARGEST:
        raise InputError(
            f"{name}: its page would have {size:,} bytes, at most {LARGEST:,} are allowed"
        )


def _file(name: str) -> str:
    return (Path(__file__).with_name(name)).read_text(encoding="utf-8")
