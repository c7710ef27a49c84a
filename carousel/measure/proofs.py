"""What was proven of a Verilog, by the record that `carousel prove` writes, for the report."""

from carousel.report import html
from carousel.report import parts as report_parts
from carousel.report.tables import Table
from rtl.proofs.record import Entry, Record
from rtl.proofs.status import INAPPLICABLE, NOT_RUN

FOR_ALL = (
    "For all inputs and all time, by a solver and on the Verilog itself. Each proof has a broken "
    "twin, the same design with a fault planted, which must be refuted."
)
FOR_EVER = (
    "Proven of this Verilog, with the network's own weights: no sequence of its task's "
    "distractors, of any length, changes any state by one LSB, whatever y and the gates are."
)
HELD_BY = "cell", "first", "hold", "input", "reader", "saturates-y", "shut"  # with `closed`
NONE = "Nothing was proven of this Verilog so far. This does it, and the next run shows it:"


def for_ever(record: Record) -> bool:
    """Whether the record says that the network's own weights keep every state for ever."""
    proven = {each.name for each in record.proofs if each.ok}
    lacking = {name for name, each in record.left_out.items() if each.status == INAPPLICABLE}
    return "closed" in proven and proven | lacking >= set(HELD_BY)


def table(record: Record) -> Table:
    """A line for each proof."""
    head = ("proof", "claim", "of", "result", "depth", "seconds", "its twin", "holds")
    return Table.of("Proofs", head, map(_row, record.proofs))


def _row(each: Entry) -> tuple[str, ...]:
    drawn = f"; of {len(each.drawn)} drawn ones {each.refuted}" if each.drawn else ""
    return (
        each.name,
        each.claim,
        each.size,
        each.result,
        str(each.depth),
        f"{each.seconds:.0f}",
        f"{each.twin['fault']}: {each.twin['result']}{drawn}",
        "yes" if each.ok else "no",
    )


def section(record: Record | None, command: str) -> list[str]:
    """The record, or else the command that makes it."""
    if record is not None:
        engines = ", ".join(sorted({f"{each.method} ({each.engine})" for each in record.proofs}))
        parts = [
            *([html.paragraph(FOR_EVER, "verdict good")] if for_ever(record) else []),
            html.paragraph(f"{FOR_ALL} Method: {engines}."),
            *([report_parts.table(table(record), titled=False)] if record.proofs else []),
            *map(html.paragraph, _left_out(record)),
        ]
    else:
        parts = [html.paragraph(NONE), html.code(command)]
    return [html.heading("Proofs"), *parts]


def _left_out(record: Record) -> list[str]:
    """What became of the statements that were not run."""
    said = {name: each for name, each in record.left_out.items() if each.status != NOT_RUN}
    others = [name for name in record.left_out if name not in said]
    lines = [f"{name}: {each.status} ({each.why})." for name, each in said.items()]
    return lines + ([f"{', '.join(others)}: {NOT_RUN}."] if others else [])
