"""The report of the main job: one HTML page with everything that was found."""

from typing import Any

from carousel.measure import accuracy, gateware, proofs
from carousel.measure.budget import section
from carousel.measure.retention import retained, sections
from carousel.plots.signals import curves
from carousel.report import html, parts
from carousel.report.plots import svg
from carousel.run import job, plots
from carousel.run.job import RunResult
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

STILL = (
    "Between the symbols the gates of this network are wholly shut, so that its states stay what "
    "they are to the last bit, in fixed point and in the gateware; in float they drift a little."
)


def render(found: RunResult, again: dict[str, Any], prove: str) -> str:
    """The whole page; `again` and `prove` are what `repeat` says."""
    net = found.subject.net
    return html.page(
        f"Carousel: {net.name}",
        [
            f"<h1>{html.escape(net.name)}</h1>",
            html.paragraph(_lead(found), "lead"),
            *_first_lines(found),
            *(parts.table(table) for table in job.summary(found)),
            *_carried(found),
            *sections.sections(found.retained, sections.figures(found.retained)),
            html.paragraph(FURTHER),
            *section.section(found.accounted),
            html.paragraph(WHOLE),
            *_differences(found),
            *_gateware(found),
            *proofs.section(found.proofs, prove),
            *parts.formats(found.subject.qnet.formats),
            *parts.repeat(again),
        ],
    )


def _first_lines(found: RunResult) -> list[str]:
    """Whether the design holds, what it costs, where the error comes from."""
    return [
        html.paragraph(_verdict(found), "verdict good" if found.ok else "verdict bad"),
        html.paragraph(retained.sentence(found.retained)),
        html.paragraph(_cost(found)),
        html.paragraph(found.accounted.sentence),
    ]


def _cost(found: RunResult) -> str:
    """Multipliers, memory and time, in words."""
    need = found.need
    lanes, tail = need.multipliers
    bits, pace = sum(need.plan.memories.values()), need.plan.cycles_per_step
    text = f"It takes {lanes + tail} multipliers ({lanes} lanes and {tail} behind them), "
    text += f"{bits:,} bits of memory and {pace:,} cycles a step."
    if need.plan.holds_sequences:
        held = f"{need.plan.buffer_bits:,} bits"
        text += f" Sequences of up to {need.plan.max_length:,} steps take {held} more."
    return text


def _carried(found: RunResult) -> list[str]:
    net, inputs = found.subject.net, found.subject.inputs
    return [
        html.heading("What the cells carry"),
        html.paragraph(f"Input: {inputs.source}. {_moves(found) if inputs.lag else ''}"),
        html.figure(
            svg(plots.states(inputs, *_two_views(found), _directions(net)), "states"),
            f"States of {_last(net)} in some of the sequences: broad lines are the float "
            "network, dashes the simulated gateware.",
        ),
    ]


def _moves(found: RunResult) -> str:
    return STILL if found.retained.bounds.still else MOVES


def _differences(found: RunResult) -> list[str]:
    return [
        html.heading("What fixed point costs"),
        html.figure(_error_figure(found), "Largest difference from float over all sequences."),
        parts.table(accuracy.table(found.measured)),
        parts.table(accuracy.places(found.measured)),
        parts.table(accuracy.saturations(found.measured.fixed)),
    ]


def _gateware(found: RunResult) -> list[str]:
    return [
        html.heading("Gateware"),
        parts.table(gateware.table(found.gateware), titled=False),
        html.paragraph(f"The Verilog is {found.verilog.name}, next to this page."),
    ]


def _lead(found: RunResult) -> str:
    net = found.subject.net
    layers = " and ".join(_cells(layer.shape) for layer in net.layers)
    made = f" Made by: {net.made_by}." if net.made_by else ""
    assumed = f" Assumed: {net.reading.assumed}." if net.reading.assumed else ""
    behind = f" The outputs are the logits of its {net.reading.behind}."
    decides = " The core gives the index of the largest output." if found.subject.decide else ""
    said = f"{made}{assumed}{behind * bool(net.reading.behind)}{decides}"
    return f"{net.inputs} inputs, {layers}, {net.outputs} outputs.{said}"


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


def _verdict(found: RunResult) -> str:
    if found.ok:
        return "All that was checked holds."
    failed = [check for check, ok in found.checks.items() if not ok]
    return f"Does not hold: {'; '.join(failed)}."


def _two_views(found: RunResult):
    return found.whole.views["float"], found.whole.views["gateware"]


def _error_figure(found: RunResult) -> str:
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
    level = signals[f"{min(directions)}.s"].lsb
    return svg(curves(over_time, level, "1 LSB of the state"), "errors")
