"""The report of the main job: one HTML page with everything that was found."""

from typing import Any

from carousel import accuracy, gateware, mainjob, page, plots, tables
from carousel.mainjob import Found
from carousel.tables import Table

MOVES = (
    "A trained network shuts its gates nearly, not wholly, so that every step of input moves its "
    "states a little, in all three views alike. With gates wholly shut they do not move: see above."
)


def render(found: Found, again: dict[str, Any]) -> str:
    """The whole page; `again` is what `carousel.repeat.plain` says."""
    net, inputs = found.subject.net, found.subject.inputs
    return page.page(
        f"Carousel: {net.name}",
        [
            f"<h1>{page.escape(net.name)}</h1>",
            page.paragraph(_lead(found), "lead"),
            page.paragraph(_verdict(found), "verdict good" if found.ok else "verdict bad"),
            *(_table(table) for table in mainjob.summary(found)),
            page.heading("What the cells carry"),
            page.paragraph(f"Input: {inputs.source}. {MOVES if inputs.lag else ''}"),
            page.figure(
                plots.svg(plots.states(inputs, *_two_views(found)), "states"),
                "States of the last layer in some of the sequences: broad lines are the float "
                "network, dashes the simulated gateware.",
            ),
            page.heading("What fixed point costs"),
            page.figure(_error_figure(found), "Largest difference from float over all sequences."),
            _table(accuracy.table(found.measured)),
            _table(accuracy.saturations(found.measured.fixed)),
            page.heading("Gateware"),
            _table(gateware.table(found.gateware), titled=False),
            page.paragraph(f"The Verilog is {found.verilog.name}, beside this page."),
            page.heading("Number formats"),
            page.paragraph(
                "s16.12: signed, 16 bits, 12 of them after the point. u15.14: unsigned."
            ),
            _table(tables.formats(found.subject.qnet.formats), titled=False),
            page.heading("To repeat this"),
            page.code(again["command"]),
            page.paragraph(f"Network SHA-256 {again['network_sha256']}", "lead"),
            page.paragraph(
                ", ".join(f"{name} {version}" for name, version in again["versions"].items())
            ),
        ],
    )


def _lead(found: Found) -> str:
    net = found.subject.net
    layers = " and ".join(
        f"{layer.shape.cells} memory cells in {layer.shape.blocks} blocks" for layer in net.layers
    )
    made = f" Made by: {net.made_by}." if net.made_by else ""
    return f"{net.inputs} inputs, {layers}, {net.outputs} outputs.{made}"


def _verdict(found: Found) -> str:
    if found.ok:
        return "All that was checked holds."
    failed = [check for check, ok in found.checks.items() if not ok]
    return f"Does not hold: {'; '.join(failed)}."


def _table(table: Table, titled: bool = True) -> str:
    return page.table(table.title if titled else "", table.head, table.rows)


def _two_views(found: Found):
    return found.views["float"], found.views["gateware"]


def _error_figure(found: Found) -> str:
    signals = found.measured.errors.signals
    last = len(found.subject.net.layers) - 1
    over_time = {
        short: [(part.step, part.max_abs) for part in signals[name].over_time]
        for short, name in (("s", f"{last}.s"), ("y", f"{last}.y"), ("output", "out"))
    }
    return plots.svg(plots.errors(over_time, signals[f"{last}.s"].lsb), "errors")
