"""What was proven of a Verilog, by the record that `carousel prove` writes, for the report."""

from carousel import page, report_parts
from carousel.tables import Table
from rtl.proofs.record import Entry, Record
from rtl.proofs.solver import PROVEN, REFUTED

FOR_ALL = (
    "For all inputs and all time, by a solver and on the Verilog itself. Each proof has a broken "
    "twin, the same design with a fault planted, which must be refuted."
)
NONE = "Nothing was proven of this Verilog so far. This does it, and the next run shows it:"
REVERSE = "Proofs are of cores with forward layers only."
WORDS = {PROVEN: "proven", REFUTED: "refuted"}


def table(found: Record) -> Table:
    """A line for each proof."""
    head = ("proof", "claim", "of", "result", "depth", "seconds", "its twin", "holds")
    return Table.of("Proofs", head, map(_row, found.proofs))


def _row(each: Entry) -> tuple[str, ...]:
    return (
        each.name,
        each.claim,
        each.size,
        WORDS.get(each.result, "unknown"),
        str(each.depth),
        f"{each.seconds:.0f}",
        f"{each.twin['fault']}: {WORDS.get(each.twin['result'], 'unknown')}",
        "yes" if each.ok else "no",
    )


def section(found: Record | None, command: str | None) -> list[str]:
    """The record, or else the command that makes it; None where there can be none."""
    if found is not None:
        engines = ", ".join(sorted({f"{each.method} ({each.engine})" for each in found.proofs}))
        left_out = (
            f"{name}: not proven of this core ({why})." for name, why in found.left_out.items()
        )
        parts = [
            page.paragraph(f"{FOR_ALL} Method: {engines}."),
            report_parts.table(table(found), titled=False),
            *map(page.paragraph, left_out),
        ]
    elif command is not None:
        parts = [page.paragraph(NONE), page.code(command)]
    else:
        parts = [page.paragraph(REVERSE)]
    return [page.heading("Proofs"), *parts]
