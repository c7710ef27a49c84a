"""What a network keeps, as parts of a page."""

from collections.abc import Mapping

from carousel.measure.retention import bound, own
from carousel.measure.retention import lags as hold_lags
from carousel.measure.retention import maps as hold_map
from carousel.measure.retention import plots as hold_plots
from carousel.measure.retention.retained import Retained
from carousel.report import html, parts, plots

LAGS, MAPS = "hold-lags", "hold-map-"  # names of figures; of maps with the layer's number

LEFT = (
    "Runs from different stored states hear the same input. Left: how far their states are apart, "
    "relative to lag 0. Right: the largest change of a state, and how large it can be at most in "
    "fixed point (dotted). The grey line stands for 0 and all below it."
)
OWN = (
    "A step writes i g into a state; n steps later the product of the n forget gates since then is "
    "left of it. On average, each write weighing what it wrote, and in the cell that keeps most."
)
MAP = (
    "What a step does to a state, by the net input of a gate, from formats and tables alone. Float "
    "cells leak and let in a little everywhere. Fixed point holds exactly where f is 1 and i is 0; "
    "where it rounds the leak away a state sticks, though it should decay."
)
BOUND = (
    "From weights, tables and formats alone, for any input within the range: no state can move "
    "further. The largest change that was measured is given with it above."
)


def figures(retained: Retained) -> dict[str, str]:
    """By name as SVG text: a map for each layer; stored values where some could be followed."""
    drawn = {f"{MAPS}{k}": hold_plots.map_of(layer) for k, layer in enumerate(retained.maps.layers)}
    if retained.settings:
        drawn[LAGS] = hold_plots.lags(retained.settings)
    return {name: plots.svg(figure, name) for name, figure in drawn.items()}


def sections(retained: Retained, drawn: Mapping[str, str]) -> list[str]:
    """Stored values after a lag, the map, the bound."""
    lags, maps = hold_lags.tables(retained.settings), hold_map.tables(retained.maps)
    return [
        html.heading("What a state keeps"),
        *(html.paragraph(note) for note in retained.notes),
        *([html.figure(drawn[LAGS], LEFT)] if retained.settings else []),
        *(parts.table(table) for table in (*lags, *hold_lags.checks(retained.settings))),
        *([html.paragraph(OWN), parts.table(own.table(retained.own))] if retained.own else []),
        html.heading("What moves a state"),
        html.paragraph(MAP),
        *(
            html.figure(drawn[f"{MAPS}{k}"], f"Layer {k}.")
            for k in range(len(retained.maps.layers))
        ),
        *(parts.table(table) for table in maps),
        html.heading("How far a state can drift"),
        html.paragraph(BOUND),
        *(parts.table(table) for table in bound.tables(retained.bounds)),
    ]
