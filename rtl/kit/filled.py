"""Files of a kit that are written from a template next to this module."""

import re
from collections.abc import Mapping
from pathlib import Path


def filled(template: Path, values: Mapping[str, object]) -> str:
    """The template's text with a value in the place of every `@NAME@`."""
    text = template.read_text(encoding="utf-8")
    return re.sub(r"@(\w+)@", lambda found: str(values[found[1]]), text)
