"""The report of the main job: one HTML page with everything that was found."""

from typing import Any

from carousel import accuracy, gateware, mainjob, page, plots, tables
from carousel.mainjob import Found
from carousel.tables import Table
from golden import Network
from golden.shape import Shape

DIRECTIONS = ("forward", "reverse")
LAST = "the last layer"
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
                plots.svg(plots.states(inputs, *_two_views(found), _directions(net)), "states"),
                f"States of {_last(net)} in some of the sequences: broad lines are the float "
                "network, dashes the simulated gateware.",
            ),
            page.heading("What fixed point costs"),
            page.figure(_error_figure(found), "Largest difference from float over all sequences."),
            _table(accuracy.table(found.measured)),
            _table(accuracy.places(found.measured)),
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
    layers = " and ".join(_cells(layer.shape) for layer in net.layers)
    made = f" Made by: {net.made_by}." if net.made_by else ""
    return f"{net.inputs} inputs, {layers}, {net.outputs} outputs.{made}"


def _cells(shape: Shape) -> str:
    text = f"{shape.cells} memory cells in {shape.blocks} blocks"
    text += "" if shape.projection is None else f" projected to {shape.projection}"
    return f"{text} in reverse" if shape.reverse else text


def _directions(net: Network) -> dict[int, str]:
    """The layers of the last stage, and of two the direction of each."""
    stage = net.stages[-1]
    return dict(zip(stage, DIRECTIONS if len(stage) > 1 else ("",), strict=True))


def _last(net: Network) -> str:
    """The last stage in words."""
    if len(net.stages[-1]) > 1:
        return "the last two layers, one in each direction,"
    reverse = net.layers[-1].shape.reverse
    return "the last layer, which runs from the last step to the first," if reverse else LAST


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
    signals, directions = found.measured.errors.signals, _directions(found.subject.net)
    names = {
        f"{direction} {short}".strip(): f"{layer}.{short}"
        for layer, direction in directions.items()
        for short in ("s", "y")
    }
    over_time = {
        label: [(part.step, part.max_abs) for part in signals[name].over_time]
        for label, name in {**names, "output": "out"}.items()
    }
    return plots.svg(plots.errors(over_time, signals[f"{min(directions)}.s"].lsb), "errors")
