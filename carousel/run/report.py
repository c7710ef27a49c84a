"""The report of the main job: one HTML page with everything that was found."""

from typing import Any

from carousel.measure import accuracy, gateware
from carousel.measure import proofs as proven
from carousel.measure.retention import retained
from carousel.measure.retention import sections as hold_page
from carousel.page import html as page
from carousel.page import parts as report_parts
from carousel.page import plots
from carousel.quantize import page as budget_page
from carousel.run import job as mainjob
from carousel.run.job import Found
from golden import Network
from golden.shape import Shape

DIRECTIONS = ("forward", "reverse")
LAST = "the last layer"
WHOLE = "Every quantiser, shares over time and the codes' ranges: carousel quantize --report."
FURTHER = "After up to 1,000,000 steps, in the gateware too: carousel hold."
MOVES = (
    "A trained network shuts its gates nearly, not wholly, so that every step of input moves its "
    "states a little, in all three views alike. With gates wholly shut they do not move: see above."
)


def render(found: Found, again: dict[str, Any], prove: str) -> str:
    """The whole page; `again` and `prove` are what `carousel.repeat` says."""
    net = found.subject.net
    return page.page(
        f"Carousel: {net.name}",
        [
            f"<h1>{page.escape(net.name)}</h1>",
            page.paragraph(_lead(found), "lead"),
            *_first_lines(found),
            *(report_parts.table(table) for table in mainjob.summary(found)),
            *_carried(found),
            *hold_page.sections(found.retained, hold_page.figures(found.retained)),
            page.paragraph(FURTHER),
            *budget_page.short(found.accounted),
            page.paragraph(WHOLE),
            *_differences(found),
            *_gateware(found),
            *proven.section(found.proofs, prove),
            *report_parts.formats(found.subject.qnet.formats),
            *report_parts.repeat(again),
        ],
    )


def _first_lines(found: Found) -> list[str]:
    """Whether the design holds, what it costs, where the error comes from."""
    return [
        page.paragraph(_verdict(found), "verdict good" if found.ok else "verdict bad"),
        page.paragraph(retained.sentence(found.retained)),
        page.paragraph(_cost(found)),
        page.paragraph(found.accounted.sentence),
    ]


def _cost(found: Found) -> str:
    """Multipliers, memory and time, in words."""
    need = found.need
    lanes, tail = need.multipliers
    bits, pace = sum(need.plan.memories.values()), need.plan.cycles_per_step
    text = f"It takes {lanes + tail} multipliers ({lanes} lanes and {tail} behind them), "
    text += f"{bits:,} bits of memory and {pace:,} cycles a step."
    if need.held is not None:
        text += f" Sequences of up to {found.subject.max_length:,} steps take {need.held:,} more."
    return text


def _carried(found: Found) -> list[str]:
    net, inputs = found.subject.net, found.subject.inputs
    return [
        page.heading("What the cells carry"),
        page.paragraph(f"Input: {inputs.source}. {MOVES if inputs.lag else ''}"),
        page.figure(
            plots.svg(plots.states(inputs, *_two_views(found), _directions(net)), "states"),
            f"States of {_last(net)} in some of the sequences: broad lines are the float "
            "network, dashes the simulated gateware.",
        ),
    ]


def _differences(found: Found) -> list[str]:
    return [
        page.heading("What fixed point costs"),
        page.figure(_error_figure(found), "Largest difference from float over all sequences."),
        report_parts.table(accuracy.table(found.measured)),
        report_parts.table(accuracy.places(found.measured)),
        report_parts.table(accuracy.saturations(found.measured.fixed)),
    ]


def _gateware(found: Found) -> list[str]:
    return [
        page.heading("Gateware"),
        report_parts.table(gateware.table(found.gateware), titled=False),
        page.paragraph(f"The Verilog is {found.verilog.name}, beside this page."),
    ]


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
