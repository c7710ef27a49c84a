"""Limit cycles on constant input, as a table and for programs."""

from typing import Any

from carousel.cli import progress
from carousel.cli.subject import Subject
from carousel.report.tables import Table
from fixedpoint.retention.quiet import STEPS, Quiet, quiet

TITLE = f"Outputs on constant input, after {STEPS:,} steps"


def check(subject: Subject) -> tuple[Quiet, ...]:
    """On zero and on the input's mean; nothing for a network with reverse layers."""
    with progress.bar("Constant input"):
        return quiet(subject.net, subject.qnet, subject.inputs.x)


def table(inputs: tuple[Quiet, ...]) -> list[Table]:
    """For people; none where nothing was checked."""
    rows = [
        (
            each.input,
            "yes" if each.rests else "no",
            f"{each.swing:.3g}",
            f"{each.real_swing:.3g}",
            f"{each.off:.3g}",
            "-" if not each.state_swing else f"{each.layer}.s {each.cell}",
            f"{each.state_swing:,.0f}",
        )
        for each in inputs
    ]
    head = ("input", "at rest", "swing", "in float", "off by", "state that swings most", "LSB")
    return [Table.of(TITLE, head, rows)] if rows else []


def plain(inputs: tuple[Quiet, ...]) -> list[dict[str, Any]]:
    """For programs."""
    return [each.as_dict() for each in inputs]
