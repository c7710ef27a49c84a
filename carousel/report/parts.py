"""What the reports have in common: tables, number formats, and how to repeat them."""

from typing import Any

from carousel.report import html, tables
from carousel.report.tables import Table
from fixedpoint import Formats

NOTATION = "s16.12: signed, 16 bits, 12 of them after the point. u15.14: unsigned."
LEGEND = (
    "i, f, o: input, forget and output gate. g: cell input. s: cell state. h: the squashed state "
    "that the output gate lets out. y: cell output; m: the same before a projection. Where clipped "
    "values are counted, h counts states beyond the net inputs of its squash, where sigma and tanh "
    "are flat to the last bit, so that nothing is lost; s counts states that had no room."
)


def table(found: Table, titled: bool = True) -> str:
    """A table, with its title or without."""
    return html.table(found.title if titled else "", found.head, found.rows)


def formats(found: Formats) -> list[str]:
    """Every number format."""
    return [
        html.heading("Number formats"),
        html.paragraph(NOTATION),
        html.paragraph(LEGEND),
        table(tables.formats(found), titled=False),
    ]


def repeat(again: dict[str, Any]) -> list[str]:
    """The command, SHA-256 of what went in and came out, and the versions."""
    versions = ", ".join(f"{name} {version}" for name, version in again["versions"].items())
    sums = [[name, each] for name, each in again["sha256"].items()]
    return [
        html.heading("To repeat this"),
        html.code(again["command"]),
        html.table("", ["", "SHA-256"], sums),
        html.paragraph(versions),
    ]
