"""The figure of a run: states through a sequence."""

from collections.abc import Iterable, Mapping

import matplotlib as mpl
from matplotlib.figure import Figure

from carousel.cli.inputs import Inputs
from carousel.report.plots import COLOURS, STYLE, WIDTH
from carousel.run.pieces import View

SHOWN_CELLS = SHOWN_SEQUENCES = 4


def states(inputs: Inputs, floating: View, hardware: View, directions: Mapping[int, str]) -> Figure:
    """States of some layers through one sequence of each class: float as a line, gateware dashed.

    Steps are the sequence's, for a layer that runs in reverse too.

    Parameters
    ----------
    floating, hardware : of the same batch.
    directions : the layers to draw, and what to call the direction of each.
    """
    shown, cells = _one_of_each(inputs), _some_cells(floating, directions)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.9 + 1.25 * len(cells)), layout="constrained")
        panels = figure.subplots(len(cells), 1, sharex=True, squeeze=False)[:, 0]
        for (layer, cell), panel in zip(cells, panels, strict=True):
            for k, (n, label) in enumerate(shown.items()):
                colour = COLOURS[k % len(COLOURS)]
                float_line = {"color": colour, "alpha": 0.35, "linewidth": 2.4}
                panel.plot(
                    floating.steps, floating.states[layer][n, :, cell], label=label, **float_line
                )
                values = hardware.states[layer][n, :, cell]
                panel.plot(hardware.steps, values, "--", color=colour, linewidth=0.9)
            panel.set_ylabel(f"{directions[layer]} cell {cell}".strip())
            panel.margins(x=0.01)
        panels[-1].set_xlabel("step")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _some_cells(view: View, layers: Iterable[int]) -> list[tuple[int, int]]:
    """(layer, cell) of the first cells of each layer, as many of each."""
    widths = {layer: view.states[layer].shape[-1] for layer in layers}
    each = SHOWN_CELLS // len(widths)
    return [(layer, cell) for layer, width in widths.items() for cell in range(min(each, width))]


def _one_of_each(inputs: Inputs) -> dict[int, str]:
    """The first sequence of each class, or the first few where there are no classes."""
    if inputs.target is None or not inputs.classes:
        return {n: f"sequence {n}" for n in range(min(inputs.count, SHOWN_SEQUENCES))}
    kinds = inputs.target.argmax(axis=1).tolist()
    shown = sorted(set(kinds))[:SHOWN_SEQUENCES]
    return {kinds.index(kind): inputs.classes[kind] for kind in shown}
