"""A planned core, drawn: its datapath with widths and depths, and the clocks of one step."""

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from carousel.report.plots import COLOURS, GREY, STYLE
from rtl.planning import CorePlan
from rtl.step_plan import StepPlan

WIDTH, INK, PALE, TAIL = 8.4, "#101828", "#f2f4f7", "#98a2b3"
SOURCES = {
    "x": ("x", COLOURS[0]),
    "y": ("y of the step before", COLOURS[1]),
    "below": ("y of the layer below, m", COLOURS[4]),
    "gates": ("gates of the step before", COLOURS[3]),
}
Place = tuple[float, float, float, float]


def schedule(plan: CorePlan) -> Figure:
    """The datapath above, the clocks of a step in the steady state below.

    Of a core that holds whole sequences the part that takes the most clocks is drawn.
    """
    part = next(part for part in plan.parts if part.schedule == plan.slowest)
    heights = (2.7, min(1.6 + 0.17 * len(part.schedule.groups), 5.0))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
        above, below = figure.subplots(2, 1, height_ratios=heights)
        _datapath(above, part)
        _clocks(figure, below, part)
    return figure


def _datapath(panel: Axes, part: StepPlan) -> None:
    """Boxes from left to right as data passes them; what the next step reads goes back below."""
    panel.set(xlim=(0, 106), ylim=(0, 38))
    panel.set_axis_off()
    for place, name, lines in _boxes(part):
        _box(panel, place, name, lines)
    qnet, paths = part.qnet, part.program.paths
    for begin, end, word in (
        ((0, 29), (5, 29), f"x\n{qnet.formats.input}"),
        ((18, 29), (22, 29), ""),
        ((37, 29), (42, 29), f"{paths.operand} bits"),
        ((61, 29), (66, 29), f"{paths.sum} bits"),
        ((83, 29), (87, 29), "i f o g" if part.program.states else ""),
        ((101, 29), (106, 29), f"y\n{qnet.out_format}"),
        ((29.5, 14), (29.5, 20), ""),
        ((51.5, 14), (51.5, 20), ""),
        ((74.5, 14), (74.5, 20), ""),
    ):
        _arrow(panel, begin, end, word)
    if part.program.states:
        _arrow(panel, (90, 20), (90, 14), "")
        _arrow(panel, (94, 14), (94, 20), "")
        panel.plot((99.5, 99.5, 29.5), (20, 1.5, 1.5), color=INK, linewidth=0.9)
        _arrow(panel, (29.5, 1.5), (29.5, 5), "")
        back = "y and gates" if part.program.gates else "y"
        panel.text(64, 2, back, ha="center", va="bottom", size=6.6, color=GREY)


def _boxes(part: StepPlan) -> list[tuple[Place, str, str]]:
    """Place, name and what stands in it, of each."""
    schedule, program = part.schedule, part.program
    paths, lanes, rows = program.paths, schedule.lanes, len(program.rows)
    sources = {"y": len(program.outputs), "gates": len(program.gates)}
    stored = ", ".join(f"{count} {name}" for name, count in sources.items() if count)
    waiting = part.qnet.outputs * schedule.streams * schedule.buffered_steps
    multiplier = f"{paths.weight} x {paths.operand} bits"
    lane = f"a multiplier each,\n{multiplier},\n{_count(schedule.accumulators, 'accumulator')}"
    net = f"rounded, clipped,\nsquashed: {_count(schedule.tail, 'row')}\na clock"
    boxes: list[tuple[Place, str, str]] = [
        ((5, 20, 13, 17), "input", f"two banks of\n{_count(schedule.elements, 'element')}"),
        ((22, 20, 15, 17), "operands", "one element\na clock to all\nlanes"),
        ((42, 20, 19, 17), _count(lanes, "lane"), lane),
        ((66, 20, 17, 17), "activation", net),
        ((22, 5, 15, 9), "sources", stored or "x alone"),
        ((42, 5, 19, 9), "weights", f"{lanes} x {schedule.weight_words} words"),
        ((66, 5, 17, 9), "biases, sigma", f"{_count(rows, 'row')}"),
        ((87, 20, 14, 17), "output", f"FIFO of {waiting}"),
    ]
    if program.states:
        keeps = {mode.keeps: None for mode in program.cell_modes}
        state = " or ".join({"gate": "f s", "coupled": "(1 - i) s", "whole": "s"}[k] for k in keeps)
        cell = f"s = {state} + i g\ny = o h(s)\nFIFO of {waiting}"
        boxes[-1] = ((87, 20, 14, 17), "cell update", cell)
        boxes.append(((87, 5, 10, 9), "states", f"{len(program.states)} x {paths.s} bits"))
    return boxes


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _box(panel: Axes, place: Place, name: str, lines: str) -> None:
    x, y, wide, high = place
    panel.add_patch(Rectangle((x, y), wide, high, facecolor=PALE, edgecolor=INK, linewidth=0.8))
    middle = x + wide / 2
    panel.text(middle, y + high - 1.4, name, ha="center", va="top", weight="bold", size=7.6)
    panel.text(middle, y + high - 4.8, lines, ha="center", va="top", size=6.6, color="#344054")


def _arrow(panel: Axes, begin: tuple[float, float], end: tuple[float, float], word: str) -> None:
    panel.add_patch(
        FancyArrowPatch(begin, end, arrowstyle="-|>", mutation_scale=8, color=INK, shrinkA=0)
    )
    x, y = (begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2
    upright = begin[0] == end[0]
    across, along = ("left", "center") if upright else ("center", "bottom")
    panel.text(x + upright, y + (not upright), word, size=6.2, color=GREY, ha=across, va=along)


def _clocks(figure: Figure, panel: Axes, part: StepPlan) -> None:
    """A line for each group of rows: its columns, its rows in the tail, when its results stand."""
    schedule = part.schedule
    cycles, used = schedule.cycles_per_step, []
    for clock, slot in enumerate(schedule.slots):
        if slot.column is None or slot.group is None:
            continue
        used.append(slot.column.source)
        colour = SOURCES[slot.column.source][1]
        panel.broken_barh([(clock, 1)], (slot.group - 0.4, 0.8), color=colour, linewidth=0)
    for number, (phase, k) in enumerate(schedule.groups):
        rows = phase.group(k)
        sums = [schedule.sums[row] + schedule.row for row in rows]
        panel.broken_barh([(min(sums), max(sums) + 1 - min(sums))], (number - 0.2, 0.4), color=TAIL)
        ready = [schedule.ready[row] for row in rows]
        panel.plot(ready, [number] * len(ready), "|", color=INK, markersize=5)
    panel.axvline(cycles, color=GREY, linewidth=0.8, linestyle=":")
    panel.set(xlabel="clock", ylabel="group of rows", xlim=(0, None))
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(visible=False, axis="y")
    panel.invert_yaxis()
    said = f"A step: {cycles} clocks, in {schedule.stall_per_step} of which the lanes wait"
    panel.set_title(said, loc="left", size=8)
    shown: list[Artist] = [
        Patch(color=SOURCES[each][1], label=SOURCES[each][0]) for each in dict.fromkeys(used)
    ]
    shown.append(Patch(color=TAIL, label="sums pass the tail"))
    shown.append(Line2D([], [], color=INK, marker="|", linestyle="", label="result readable"))
    figure.legend(handles=shown, loc="outside lower center", ncols=3, fontsize=7.5)
